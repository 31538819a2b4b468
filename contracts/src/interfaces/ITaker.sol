// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Whoever settles in a flash: gets the collateral, is called, then pays.
interface ITaker {
    /// Called by the auction house between the two. Afterwards the vault pulls `due` from this contract, which has to
    /// have approved the vault for it.
    /// @param lot which lot.
    /// @param asset the hub's id of what was sold.
    /// @param quantity collateral handed over, Wad.
    /// @param due dollars to pay, rebate already taken off, Wad, whole in the coin's unit.
    /// @param data as the taker gave it.
    function onTake(uint64 lot, uint16 asset, uint128 quantity, uint128 due, bytes calldata data) external;
}
