// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Terms of an auction that its price depends on. One slot.
struct Prices {
    /// Dollars a whole unit at `opened`, Wad, at most 2^90.
    uint96 start;
    /// Never below, Wad, at most 2^90.
    uint96 floor;
    /// The price is multiplied by this at each step, Wad, below one. Zero: it falls evenly, to nothing within one step.
    uint64 stepFactor;
}

/// When it is what, in milliseconds. One slot.
struct Clock {
    /// Since 1970: when the price is `start`.
    uint48 opened;
    /// After `opened`: from then on the price is the floor and listed makers get their rebate.
    uint32 invitesAfter;
    /// After `opened`: nothing is sold any more.
    uint32 endsAfter;
    /// Length of one step; of the whole fall where it is even.
    uint32 step;
    /// Wad of collateral: a take leaves nothing, or at least this.
    uint112 dust;
}

/// What an auction has left to sell and to raise, at the price of a block. Never stored.
struct Remainder {
    /// Collateral, Wad, at most 2^110.
    uint256 left;
    /// Dollars of the need, Wad, at most 2^110.
    uint256 unmet;
    /// Dollars a whole unit, Wad, at most 2^90, never zero.
    uint256 price;
    /// Collateral, Wad: neither rest is worth less than this while the auction goes on.
    uint256 dust;
    /// Wad for one of the collateral's own units.
    uint256 unit;
    /// Wad for one of the coin's own units.
    uint256 coinUnit;
}

/// The price of a lot as it falls: the same numbers as the hub's engine, to the wei.
///
/// - Fall: by steps, or evenly where the factor is zero.
/// - Power: by squaring, half up at each multiplication; its product with `start` down; never below the floor.
/// - Due: up, against the taker. Rebate: down.
/// - Part: a take pays the need and no more (`docs/messages.md`, Price of an auction).
/// - No overflow: prices are at most 2^90, factors below 2^60, quantities at most 2^110, so every product is below
///   2^200 and the arithmetic can be unchecked.
library DutchPrice {
    uint256 internal constant WAD = 1e18;

    /// Dollars a whole unit at `time` (milliseconds since 1970), Wad.
    function price(Prices memory prices, Clock memory clock, uint256 time) internal pure returns (uint256) {
        unchecked {
            uint256 passed = clock.opened < time ? time - clock.opened : 0;
            if (clock.invitesAfter <= passed) return prices.floor;
            uint256 falling = prices.stepFactor == 0
                ? linear(prices.start, passed, clock.step)
                : uint256(prices.start) * rpow(prices.stepFactor, passed / clock.step) / WAD;
            return falling < prices.floor ? prices.floor : falling;
        }
    }

    /// `start` falling evenly to nothing within `step`, as MakerDAO's `LinearDecrease`; down, Wad.
    function linear(uint256 start, uint256 passed, uint256 step) internal pure returns (uint256) {
        unchecked {
            return passed < step ? start * (step - passed) / step : 0;
        }
    }

    /// Dollars due for `quantity` at `price_`, up to the coin's next whole unit, Wad.
    function due(uint256 quantity, uint256 price_, uint256 coinUnit) internal pure returns (uint256) {
        unchecked {
            uint256 exact = (quantity * price_ + WAD - 1) / WAD;
            return (exact + coinUnit - 1) / coinUnit * coinUnit;
        }
    }

    /// What a listed maker keeps of `due_`: `bps` of it, down to the coin's unit, Wad.
    function rebate(uint256 due_, uint256 bps, uint256 coinUnit) internal pure returns (uint256) {
        unchecked {
            return due_ * bps / 10_000 / coinUnit * coinUnit;
        }
    }

    /// How much a take of `wanted` gets, and what is due for it: no more than pays `unmet`. While the auction goes on, both
    /// rests and the take itself are worth at least the dust. Zero is a refusal.
    function cut(Remainder memory r, uint256 wanted) internal pure returns (uint256 quantity, uint256 due_) {
        unchecked {
            quantity = wanted < r.left ? wanted : r.left;
            // Up to the collateral's unit: what pays the need.
            uint256 most = ((r.unmet * WAD + r.price - 1) / r.price + r.unit - 1) / r.unit * r.unit;
            if (most < quantity) quantity = most;
            due_ = due(quantity, r.price, r.coinUnit);
            if (quantity == r.left || r.unmet <= due_) return (quantity, due_);
            if (r.left < quantity + r.dust) quantity = r.dust < r.left ? r.left - r.dust : 0;
            uint256 rest = (r.dust * r.price + WAD - 1) / WAD;
            if (r.unmet < due(quantity, r.price, r.coinUnit) + rest) {
                most = rest < r.unmet ? (r.unmet - rest) / r.coinUnit * r.coinUnit * WAD / r.price / r.unit * r.unit : 0;
                if (most < quantity) quantity = most;
            }
            if (quantity < r.dust) quantity = 0;
            due_ = due(quantity, r.price, r.coinUnit);
        }
    }

    /// `base^n` of a Wad of at most one, rounded half up at each multiplication, as MakerDAO's `rpow`.
    function rpow(uint256 base, uint256 n) internal pure returns (uint256 power) {
        unchecked {
            power = n & 1 == 1 ? base : WAD;
            for (n >>= 1; n != 0; n >>= 1) {
                base = (base * base + WAD / 2) / WAD;
                if (n & 1 == 1) power = (power * base + WAD / 2) / WAD;
            }
        }
    }
}
