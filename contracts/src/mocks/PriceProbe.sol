// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Clock, DutchPrice, Prices, Remainder } from "../lib/DutchPrice.sol";

/// The auction's arithmetic laid open, for differential tests against the engine.
contract PriceProbe {
    function price(Prices calldata prices, Clock calldata clock, uint64 time) external pure returns (uint256) {
        return DutchPrice.price(prices, clock, time);
    }

    function rpow(uint256 base, uint256 n) external pure returns (uint256) {
        return DutchPrice.rpow(base, n);
    }

    function due(uint256 quantity, uint256 price_, uint256 coinUnit) external pure returns (uint256) {
        return DutchPrice.due(quantity, price_, coinUnit);
    }

    function rebate(uint256 due_, uint256 bps, uint256 coinUnit) external pure returns (uint256) {
        return DutchPrice.rebate(due_, bps, coinUnit);
    }

    function cut(Remainder calldata r, uint256 wanted) external pure returns (uint256 quantity, uint256 due_) {
        return DutchPrice.cut(r, wanted);
    }
}
