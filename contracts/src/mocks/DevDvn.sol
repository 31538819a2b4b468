// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILayerZeroDVN } from "@layerzerolabs/lz-evm-messagelib-v2/contracts/uln/interfaces/ILayerZeroDVN.sol";
import { IReceiveUlnE2 } from "@layerzerolabs/lz-evm-messagelib-v2/contracts/uln/interfaces/IReceiveUlnE2.sol";

/// A verifier of LayerZero messages run by one key. For development only: a real path has three DVNs of different
/// operators ({Paths}).
contract DevDvn is ILayerZeroDVN {
    address public immutable operator;
    /// Wei a message.
    uint256 public immutable fee;

    event Job(uint32 indexed dstEid, bytes packetHeader, bytes32 payloadHash, uint64 confirmations, address sender);

    error NotTheOperator(address sender);

    constructor(address operator_, uint256 fee_) {
        operator = operator_;
        fee = fee_;
    }

    /// The sending library asks for a message to be verified at the other end.
    function assignJob(AssignJobParam calldata job, bytes calldata) external payable returns (uint256) {
        emit Job(job.dstEid, job.packetHeader, job.payloadHash, job.confirmations, job.sender);
        return fee;
    }

    /// Says at the receiving end that a message was sent.
    function verify(IReceiveUlnE2 library_, bytes calldata packetHeader, bytes32 payloadHash, uint64 confirmations)
        external
    {
        if (msg.sender != operator) revert NotTheOperator(msg.sender);
        library_.verify(packetHeader, payloadHash, confirmations);
    }

    function getFee(uint32, uint64, address, bytes calldata) external view returns (uint256) {
        return fee;
    }
}
