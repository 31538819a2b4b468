// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The chain's own coin as a token, as WETH9 has it.
interface IWrapped {
    /// Gives the caller as many tokens as it sends wei.
    function deposit() external payable;
}
