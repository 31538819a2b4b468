// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What the vault asks of its gateway.
interface IGateway {
    /// Sends tokens, which the vault has just moved to the gateway, to the vault of chain `to`.
    /// @param nonce the order that says so.
    /// @param asset the hub's id of the token.
    /// @param amount Wad.
    /// @param raw the same in the token's own unit.
    /// @param to the hub's id of the chain.
    function bridge(uint64 nonce, uint16 asset, uint128 amount, uint256 raw, uint16 to) external;
}
