// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// How much of a token may leave, and how fast. Two slots; amounts are Wad, times milliseconds.
struct Limits {
    /// The bucket's size. Zero until limits are ordered: a token without limits releases nothing.
    uint112 outflow;
    /// A single release above this waits.
    uint112 delayAbove;
    /// A full bucket is empty again after this long.
    uint32 window;
    /// How much of the bucket is used, at `since`.
    uint112 used;
    /// When `used` was true, since 1970.
    uint48 since;
    /// How long a release above `delayAbove` waits.
    uint32 delay;
}

/// A leaky bucket: it takes up to `outflow`, and loses `outflow` per `window`, evenly.
///
/// In any span of length t at most `outflow * (1 + t / window)` leaves: at most `outflow` at once, and never more
/// than that rate for long. A span as long as the window can see twice `outflow`, so order half where that matters.
library Outflow {
    /// `amount` of an asset would leave where only `left` may leave now.
    error OutflowAbove(uint16 asset, uint256 amount, uint256 left);

    /// What is still in the bucket's way: `used` less what leaked, which is rounded down, against whoever takes out.
    function usedAt(Limits storage limits, uint256 time) internal view returns (uint256 used) {
        used = limits.used;
        if (used == 0) return 0;
        uint256 leaked = (time - limits.since) * limits.outflow / limits.window;
        return leaked < used ? used - leaked : 0;
    }

    /// Counts `amount` of `asset` as leaving at `time`.
    function spend(Limits storage limits, uint16 asset, uint256 amount, uint256 time) internal {
        uint256 used = usedAt(limits, time);
        uint256 outflow = limits.outflow;
        if (outflow < used + amount) revert OutflowAbove(asset, amount, used < outflow ? outflow - used : 0);
        // At most `outflow`, and a block's time has 41 bits.
        limits.used = uint112(used + amount);
        limits.since = uint48(time);
    }
}
