// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A set of signers: 20-byte addresses, strictly ascending, kept as the code of a contract that does nothing.
///
/// Why code: checking a certificate reads the whole set for one cold account (2,600 gas) where a mapping costs a
/// cold slot (2,100 gas) a signature; writing one costs 4,000 gas a signer instead of 22,100.
library Signers {
    /// The largest set whose quorum, 255, still fits the one byte that counts a certificate's signatures.
    uint256 internal constant MAX = 382;

    /// A set has no signer, or more than {MAX}.
    error WrongSetSize(uint256 have, uint256 max);
    /// The bytes of a set are not `count` addresses.
    error WrongSetLength(uint256 have, uint256 need);
    /// Signer number `index` is not above the one before it.
    error NotAscending(uint256 index, address signer);
    /// The chain did not create the contract that holds the set.
    error SetNotStored();

    /// Keeps a set that stands packed in `packed`, 20 bytes a signer.
    function store(bytes memory packed, uint256 count) internal returns (address set) {
        if (count == 0 || MAX < count) revert WrongSetSize(count, MAX);
        if (packed.length != 20 * count) revert WrongSetLength(packed.length, 20 * count);
        address last;
        for (uint256 i; i < count; ++i) {
            address signer = get(packed, i);
            if (signer <= last) revert NotAscending(i, signer);
            last = signer;
        }
        // Init code: PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE (0), CODECOPY, RETURNDATASIZE, RETURN: gives back what
        // follows it. The first byte of that is STOP, so that a call to it does nothing.
        bytes memory code =
            abi.encodePacked(hex"61", uint16(1 + packed.length), hex"80600a3d393df3", hex"00", packed);
        assembly ("memory-safe") {
            set := create(0, add(code, 32), mload(code))
        }
        if (set == address(0)) revert SetNotStored();
    }

    /// The set again, packed.
    function load(address set, uint256 count) internal view returns (bytes memory packed) {
        packed = new bytes(20 * count);
        assembly ("memory-safe") {
            extcodecopy(set, add(packed, 32), 1, mload(packed))
        }
    }

    /// Signer number `index`, which has to be in the set.
    function get(bytes memory packed, uint256 index) internal pure returns (address signer) {
        assembly ("memory-safe") {
            signer := shr(96, mload(add(add(packed, 32), mul(index, 20))))
        }
    }

    /// A set as the constructors get it, packed.
    function pack(address[] memory signers) internal pure returns (bytes memory packed) {
        packed = new bytes(20 * signers.length);
        for (uint256 i; i < signers.length; ++i) {
            bytes20 signer = bytes20(signers[i]);
            for (uint256 j; j < 20; ++j) packed[20 * i + j] = signer[j];
        }
    }
}
