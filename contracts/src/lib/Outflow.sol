// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What was ordered. One slot; amounts are Wad, times milliseconds.
struct Rule {
    /// The bucket's size. Zero until limits are ordered: a token without limits neither leaves nor is sold.
    uint112 outflow;
    /// What may leave without having waited.
    uint112 delayAbove;
    /// Either is free again after this long.
    uint32 window;
}

/// How far it is used. One slot.
struct Level {
    /// What was used of the bucket at `since` and what was free then, together: whatever lowers what is free uses the
    /// bucket, and whatever comes in gives it back, without a write here.
    uint112 mark;
    /// What left without having waited, at `since`; at most `delayAbove`.
    uint112 quick;
    /// Seconds since 1970, in a ring of 136 years.
    uint32 since;
}

/// How much of a token may leave, and how fast.
struct Limits {
    Rule rule;
    Level level;
    /// How long a release waits that `quick` has no room for; zero: none does. Read only then.
    uint32 delay;
}

/// A leaky bucket, and a second one for what does not wait.
///
/// - Bucket: holds `outflow`, loses as much a `window`, evenly. Everything that leaves goes through it when it leaves;
///   an auction's whole quantity when it starts. What comes in gives back, what is unsold too, neither below empty.
/// - Quick: holds `delayAbove`, loses as much a `window`. Releases that do not wait and auctions go through it, so that
///   what is split does not pass sooner; what it has no room for waits.
///
/// In any span of length t at most `outflow * (1 + t / window)` leaves more than comes in: at most `outflow` at once,
/// and never more than that rate for long. A span as long as the window can see twice `outflow`, so order half where
/// that matters.
library Outflow {
    /// Both sums at a time, with what is free then.
    struct Now {
        uint256 outflow;
        uint256 delayAbove;
        uint256 used;
        uint256 quick;
        uint256 free;
        uint32 since;
    }

    /// Above it a limit is no limit: a vault holds at most 2^110 of a token.
    uint256 internal constant NO_LIMIT = 2 ** 111 - 1;

    /// `amount` of an asset would leave where only `left` may leave now, or ever where it waits.
    error OutflowAbove(uint16 asset, uint256 amount, uint256 left);
    /// An auction of `amount` would have to wait where only `left` need not, and its terms would be over by then.
    error AuctionWouldWait(uint16 asset, uint256 amount, uint256 left);

    /// What leaked is rounded down, against whoever takes out.
    function reckon(Limits storage limits, uint256 free, uint256 time) internal view returns (Now memory now_) {
        Rule memory rule = limits.rule;
        Level memory level = limits.level;
        (now_.outflow, now_.delayAbove, now_.free) = (rule.outflow, rule.delayAbove, free);
        unchecked {
            // The ring's difference, and sums below 2^160.
            now_.since = uint32(time / 1000);
            uint256 passed = uint256(now_.since - level.since) * 1000;
            now_.used = _less(level.mark, free + _leaked(rule.outflow, rule.window, passed));
            now_.quick = _less(level.quick, _leaked(rule.delayAbove, rule.window, passed));
        }
    }

    /// Whether `amount` has to wait.
    function waits(Limits storage limits, Now memory now_, uint256 amount) internal view returns (bool) {
        return now_.delayAbove < now_.quick + amount && limits.delay != 0;
    }

    /// Counts `amount` as leaving what is free, or as put up for auction.
    /// @param counted in `quick` too.
    function spend(Limits storage limits, Now memory now_, uint16 asset, uint256 amount, bool counted) internal {
        _fits(now_, asset, amount);
        if (counted) {
            uint256 quick = now_.quick + amount;
            now_.quick = quick < now_.delayAbove ? quick : now_.delayAbove;
        }
        _keep(limits, now_, now_.used + now_.free);
    }

    /// What is going to wait is not free any more, and not counted before it leaves.
    function hold(Limits storage limits, Now memory now_, uint16 asset, uint256 amount) internal {
        if (now_.outflow < amount) revert OutflowAbove(asset, amount, now_.outflow);
        _keep(limits, now_, now_.used + now_.free - amount);
    }

    /// Counts `amount` as leaving that has waited.
    function spendHeld(Limits storage limits, Now memory now_, uint16 asset, uint256 amount) internal {
        _fits(now_, asset, amount);
        _keep(limits, now_, now_.used + now_.free + amount);
    }

    /// What waited in vain is free again, and was not counted.
    function drop(Limits storage limits, uint256 amount) internal {
        limits.level.mark += uint112(amount);
    }

    /// `unsold` of an auction that began at `began` is free again: as much of it as has not leaked since is given back.
    /// No more, or what leaked would be counted twice.
    function giveBack(Limits storage limits, uint256 unsold, uint256 began, uint256 time) internal {
        Rule memory rule = limits.rule;
        Level memory level = limits.level;
        uint256 leaked = _leaked(rule.outflow, rule.window, time - began);
        // What is free rises by all of `unsold`.
        level.mark += uint112(leaked < unsold ? leaked : unsold);
        leaked = _leaked(rule.delayAbove, rule.window, time - began);
        level.quick = uint112(_less(level.quick, _less(unsold, leaked)));
        limits.level = level;
    }

    /// New limits. What is used leaks at the old rate until now, at the new one from now.
    function set(Limits storage limits, Now memory now_, Rule memory rule, uint32 delay) internal {
        limits.rule = rule;
        limits.delay = delay;
        if (rule.delayAbove < now_.quick) now_.quick = rule.delayAbove;
        _keep(limits, now_, now_.used + now_.free);
    }

    function _fits(Now memory now_, uint16 asset, uint256 amount) private pure {
        if (now_.outflow < now_.used + amount) revert OutflowAbove(asset, amount, _less(now_.outflow, now_.used));
    }

    /// `mark` is below 2^112: what is used is at most {NO_LIMIT}, what is free 2^110.
    function _keep(Limits storage limits, Now memory now_, uint256 mark) private {
        limits.level = Level(uint112(mark), uint112(now_.quick), now_.since);
    }

    /// Rates are below 2^112, times below 2^64.
    function _leaked(uint256 rate, uint256 window, uint256 passed) private pure returns (uint256) {
        unchecked {
            return window == 0 ? 0 : passed * rate / window;
        }
    }

    function _less(uint256 amount, uint256 taken) private pure returns (uint256) {
        unchecked {
            return taken < amount ? amount - taken : 0;
        }
    }
}
