// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILayerZeroEndpointV2 } from "@layerzerolabs/lz-evm-protocol-v2/contracts/interfaces/ILayerZeroEndpointV2.sol";

/// How many verifiers (DVNs) a path of LayerZero asks for.
///
/// A path with one verifier is as good as that verifier's one key. Tokens cross by the word of the path alone, so a
/// path for tokens needs several that are not the same.
library Paths {
    /// As LayerZero's libraries encode it; 0 of `requiredDVNCount` stands for none once it is resolved.
    struct Uln {
        uint64 confirmations;
        uint8 requiredDVNCount;
        uint8 optionalDVNCount;
        uint8 optionalDVNThreshold;
        address[] requiredDVNs;
        address[] optionalDVNs;
    }

    uint32 private constant CONFIG_ULN = 2;

    /// The path between `oapp` and `eid` asks for `have` different verifiers.
    error TooFewVerifiers(address oapp, uint32 eid, uint256 have, uint256 need);

    /// Refuses a path out that too few verify.
    function checkOut(ILayerZeroEndpointV2 endpoint, address oapp, uint32 eid, uint256 need) internal view {
        _check(endpoint, oapp, endpoint.getSendLibrary(oapp, eid), eid, need);
    }

    /// Refuses a path in that too few verify.
    function checkIn(ILayerZeroEndpointV2 endpoint, address oapp, uint32 eid, uint256 need) internal view {
        (address library_,) = endpoint.getReceiveLibrary(oapp, eid);
        _check(endpoint, oapp, library_, eid, need);
    }

    /// The least number of different verifiers that can let a message through: all required ones, and of the optional
    /// ones as many as the threshold asks for, less those that are required anyway.
    function verifiers(Uln memory uln) internal pure returns (uint256) {
        uint256 both = 0;
        for (uint256 i; i < uln.optionalDVNs.length; ++i) {
            for (uint256 j; j < uln.requiredDVNs.length; ++j) {
                if (uln.optionalDVNs[i] == uln.requiredDVNs[j]) ++both;
            }
        }
        uint256 threshold = uln.optionalDVNThreshold;
        return uln.requiredDVNs.length + (both < threshold ? threshold - both : 0);
    }

    function _check(ILayerZeroEndpointV2 endpoint, address oapp, address library_, uint32 eid, uint256 need)
        private
        view
    {
        Uln memory uln = abi.decode(endpoint.getConfig(oapp, library_, eid, CONFIG_ULN), (Uln));
        uint256 have = verifiers(uln);
        if (have < need) revert TooFewVerifiers(oapp, eid, have, need);
    }
}
