// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuctionHouse } from "../AuctionHouse.sol";
import { ITaker } from "../interfaces/ITaker.sol";
import { MockToken } from "./MockToken.sol";

/// A taker without a cent: sells the collateral while it is called back, and pays out of that. Its market is the
/// mock coin, which mints. For tests and development only.
contract MockTaker is ITaker {
    AuctionHouse public immutable house;
    MockToken public immutable coin;

    error NotTheHouse(address sender);

    constructor(AuctionHouse house_, MockToken coin_) {
        house = house_;
        coin = coin_;
        coin_.approve(address(house_.vault()), type(uint256).max);
    }

    /// Takes with a callback; `data` has to be there.
    function run(uint64 lot, uint128 wanted, uint128 priceMost, address recipient, bytes calldata data)
        external
        returns (uint128 taken, uint128 due)
    {
        return house.take(lot, wanted, 0, priceMost, recipient, data);
    }

    function onTake(uint64, uint16, uint128, uint128 due, bytes calldata) external {
        if (msg.sender != address(house)) revert NotTheHouse(msg.sender);
        coin.mint(address(this), due / house.coinUnit());
    }
}
