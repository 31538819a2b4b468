// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Messages } from "./Messages.sol";
import { Signers } from "./Signers.sol";

/// A certificate: signatures of enough members of a set over one digest.
///
/// - Form: count (1), then r (32) || s (32) || v (1) each, in strictly ascending order of signer, so that no signer
///   counts twice and one walk through the set is enough.
/// - One form a signature: v is 27 or 28, s in the lower half, so that nobody can make a second one out of it.
/// - Every signature has to be good, also those above the number that is needed.
library Certificates {
    /// Half of secp256k1's order: (n - 1) / 2.
    uint256 internal constant S_MAX = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// Fewer signatures than the set asks for.
    error TooFewSignatures(uint256 have, uint256 need);
    /// Signature number `index` has an s above the lower half, or a v other than 27 and 28.
    error MalformedSignature(uint256 index, uint8 v, bytes32 s);
    /// Signature number `index` recovers nobody, nobody of this set, or nobody above the signer before it.
    error NotASigner(uint256 index, address recovered);

    /// floor(2n / 3) + 1: what moves money.
    function quorum(uint256 n) internal pure returns (uint256) {
        return 2 * n / 3 + 1;
    }

    /// floor(n / 3) + 1: what freezes.
    function freezeQuorum(uint256 n) internal pure returns (uint256) {
        return n / 3 + 1;
    }

    /// Refuses whatever is not a certificate of at least `need` members of `set` over `digest`. The length has been
    /// checked by whoever cut it out.
    function check(bytes32 digest, bytes calldata certificate, bytes memory set, uint256 need) internal pure {
        uint256 count = Messages.u8(certificate, 0);
        if (count < need) revert TooFewSignatures(count, need);
        uint256 members = set.length / 20;
        uint256 member = 0;
        for (uint256 i; i < count; ++i) {
            address signer = _recover(digest, certificate, i);
            // The walk only goes up: a signer that is not above the last one is not found any more.
            while (member < members && Signers.get(set, member) < signer) ++member;
            if (member == members || Signers.get(set, member) != signer) revert NotASigner(i, signer);
            ++member;
        }
    }

    function _recover(bytes32 digest, bytes calldata certificate, uint256 index) private pure returns (address) {
        uint256 pos = 1 + Messages.SIGNATURE * index;
        bytes32 s = Messages.b32(certificate, pos + 32);
        uint8 v = Messages.u8(certificate, pos + 64);
        if (S_MAX < uint256(s) || (v != 27 && v != 28)) revert MalformedSignature(index, v, s);
        // Zero, which ecrecover gives for nobody, is in no set.
        return ecrecover(digest, v, Messages.b32(certificate, pos), s);
    }
}
