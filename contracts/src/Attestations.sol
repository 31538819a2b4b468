// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Certificates } from "./lib/Certificates.sol";
import { Messages } from "./lib/Messages.sol";
import { Signers } from "./lib/Signers.sol";

/// Roots of what accounts looked like before and after their liquidation (H0, H1), and of liabilities, on the
/// attestation chain.
///
/// - Who: members, which are the hub's validators and others that are not; each signs what it recomputed. Two thirds
///   of them, rounded up, make a root count. Anybody delivers, anybody reads.
/// - Once: a root stands for ever. A second one of the same kind and height is refused.
contract Attestations {
    struct Members {
        address set;
        uint32 epoch;
        uint16 count;
    }

    struct Root {
        bytes32 root;
        /// Seconds since 1970 when it was delivered; zero: no such root. The root of nothing is zero itself.
        uint64 time;
    }

    /// 0 H0, 1 H1, 2 liabilities.
    uint8 private constant KIND_MOST = 2;

    Members public members;
    mapping(uint8 kind => mapping(uint64 height => Root)) public roots;

    event Attested(uint8 indexed kind, uint64 indexed height, bytes32 root);
    event MembersSet(uint32 epoch, uint256 count);

    error UnknownKind(uint8 kind);
    error RootStands(uint8 kind, uint64 height, bytes32 root);
    error NoRoot(uint8 kind, uint64 height);
    error WrongEpoch(uint32 have, uint32 need);
    error WrongIndex(uint256 index, uint256 count);
    error WrongProof(uint256 have, uint256 need);

    constructor(address[] memory first) {
        _set(Signers.pack(first), 0, uint16(first.length));
    }

    /// Takes a root with its certificate.
    function attest(uint8 kind, uint64 height, bytes32 root, bytes calldata certificate) external {
        Root memory present = roots[kind][height];
        if (KIND_MOST < kind) revert UnknownKind(kind);
        if (present.time != 0) revert RootStands(kind, height, present.root);
        _check(keccak256(abi.encodePacked("BALLAST-ROOT-1", domain(), kind, height, root)), certificate);
        roots[kind][height] = Root(root, uint64(block.timestamp));
        emit Attested(kind, height, root);
    }

    /// Takes the next members (20 bytes each, ascending), named by the present ones.
    function rotate(uint32 epoch, bytes calldata next, bytes calldata certificate) external {
        uint32 need = members.epoch + 1;
        if (epoch != need) revert WrongEpoch(epoch, need);
        if (next.length > 20 * Signers.MAX) revert Signers.WrongSetSize(next.length / 20, Signers.MAX);
        _check(keccak256(abi.encodePacked("BALLAST-MEMBERS-1", domain(), epoch, keccak256(next))), certificate);
        _set(next, epoch, uint16(next.length / 20));
    }

    /// Whether leaf number `index` of `count`, of a task and its hash, is under a root that counts. `proof` has the
    /// neighbours from the leaves up, none where there is none.
    function holds(
        uint8 kind,
        uint64 height,
        uint64 task,
        bytes32 hash,
        uint256 index,
        uint256 count,
        bytes32[] calldata proof
    ) external view returns (bool) {
        Root memory r = roots[kind][height];
        if (r.time == 0) revert NoRoot(kind, height);
        if (count <= index) revert WrongIndex(index, count);
        bytes32 node = keccak256(abi.encodePacked("BALLAST-LEAF-1", task, hash));
        uint256 used;
        for (; count != 1; (index, count) = (index >> 1, (count + 1) >> 1)) {
            // The last of an odd row moves up as it is.
            if (index + 1 == count && count & 1 == 1) continue;
            if (used == proof.length) revert WrongProof(proof.length, used + 1);
            bytes32 other = proof[used++];
            node = index & 1 == 0
                ? keccak256(abi.encodePacked("BALLAST-NODE-1", node, other))
                : keccak256(abi.encodePacked("BALLAST-NODE-1", other, node));
        }
        if (used != proof.length) revert WrongProof(proof.length, used);
        return node == r.root;
    }

    /// What every digest for this contract contains.
    function domain() public view returns (bytes32) {
        return Messages.domain(address(this));
    }

    /// Two thirds of n members, rounded up.
    function threshold(uint256 n) public pure returns (uint256) {
        return (2 * n + 2) / 3;
    }

    /// The present members, 20 bytes each, ascending.
    function memberList() external view returns (bytes memory) {
        return Signers.load(members.set, members.count);
    }

    function _check(bytes32 digest, bytes calldata certificate) private view {
        if (certificate.length == 0) revert Messages.WrongLength(0, 1);
        Messages.exact(certificate, 1 + Messages.SIGNATURE * Messages.u8(certificate, 0));
        Members memory m = members;
        Certificates.check(digest, certificate, Signers.load(m.set, m.count), threshold(m.count));
    }

    function _set(bytes memory next, uint32 epoch, uint16 count) private {
        members = Members(Signers.store(next, count), epoch, count);
        emit MembersSet(epoch, count);
    }
}
