// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILayerZeroExecutor } from "@layerzerolabs/lz-evm-messagelib-v2/contracts/interfaces/ILayerZeroExecutor.sol";

/// Names a price for delivering LayerZero messages; whoever runs it delivers them with its own transactions, which
/// the endpoint allows anybody. For development only.
contract DevExecutor is ILayerZeroExecutor {
    /// Wei a message.
    uint256 public immutable fee;

    constructor(uint256 fee_) {
        fee = fee_;
    }

    function assignJob(uint32, address, uint256, bytes calldata) external view returns (uint256) {
        return fee;
    }

    function getFee(uint32, address, uint256, bytes calldata) external view returns (uint256) {
        return fee;
    }
}
