// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Attestations } from "../src/Attestations.sol";
import { Certificates } from "../src/lib/Certificates.sol";
import { Messages } from "../src/lib/Messages.sol";
import { Base } from "./Base.sol";

contract AttestationsTest is Base {
    event Attested(uint8 indexed kind, uint64 indexed height, bytes32 root);

    Attestations private board;

    function setUp() public override {
        vm.warp(T0);
        keys = sorted(6, 9);
        board = Attestations(deploy("Attestations", abi.encode(addresses(keys))));
    }

    /// Two thirds of six are four.
    function test_two_thirds_make_a_root_count() public {
        bytes32 root = keccak256("root");
        bytes memory three = certify(_digest(0, 5, root), keys, 3);
        vm.expectRevert(abi.encodeWithSelector(Certificates.TooFewSignatures.selector, 3, 4));
        board.attest(0, 5, root, three);
        vm.expectEmit(address(board));
        emit Attested(0, 5, root);
        board.attest(0, 5, root, certify(_digest(0, 5, root), keys, 4));
        (bytes32 kept, uint64 time) = board.roots(0, 5);
        assertEq(kept, root);
        assertEq(time, T0);
    }

    function test_threshold_is_two_thirds_up() public view {
        assertEq(board.threshold(1), 1);
        assertEq(board.threshold(3), 2);
        assertEq(board.threshold(4), 3);
        assertEq(board.threshold(7), 5);
    }

    function test_a_root_stands() public {
        board.attest(1, 5, 0, certify(_digest(1, 5, 0), keys, 4));
        bytes memory second = certify(_digest(1, 5, "x"), keys, 6);
        vm.expectRevert(abi.encodeWithSelector(Attestations.RootStands.selector, 1, 5, bytes32(0)));
        board.attest(1, 5, "x", second);
    }

    function test_a_root_of_another_kind_height_or_contract_is_refused() public {
        bytes memory certificate = certify(_digest(0, 5, "x"), keys, 4);
        vm.expectPartialRevert(Certificates.NotASigner.selector);
        board.attest(1, 5, "x", certificate);
        vm.expectPartialRevert(Certificates.NotASigner.selector);
        board.attest(0, 6, "x", certificate);
        vm.expectRevert(abi.encodeWithSelector(Attestations.UnknownKind.selector, 3));
        board.attest(3, 5, "x", certificate);
        Attestations other = Attestations(deploy("Attestations", abi.encode(addresses(keys))));
        vm.expectPartialRevert(Certificates.NotASigner.selector);
        other.attest(0, 5, "x", certificate);
        vm.expectRevert(abi.encodeWithSelector(Messages.WrongLength.selector, 0, 1));
        board.attest(0, 5, "x", "");
        vm.expectRevert(abi.encodeWithSelector(Messages.WrongLength.selector, 66, 131));
        board.attest(0, 5, "x", abi.encodePacked(uint8(2), new bytes(65)));
    }

    function test_members_name_the_next_ones() public {
        uint256[] memory next = sorted(3, 10);
        bytes32 digest = keccak256(
            abi.encodePacked("BALLAST-MEMBERS-1", board.domain(), uint32(1), keccak256(packed(next)))
        );
        bytes memory certificate = certify(digest, keys, 4);
        vm.expectRevert(abi.encodeWithSelector(Attestations.WrongEpoch.selector, 2, 1));
        board.rotate(2, packed(next), certificate);
        board.rotate(1, packed(next), certificate);
        assertEq(board.memberList(), packed(next));
        bytes memory old = certify(_digest(0, 5, "x"), keys, 6);
        vm.expectPartialRevert(Certificates.NotASigner.selector);
        board.attest(0, 5, "x", old);
        board.attest(0, 5, "x", certify(_digest(0, 5, "x"), next, 2));
    }

    /// Trees of 1 to 9 leaves: each leaf is proved, and proves nothing in another's place.
    function test_leaves_are_proved() public {
        for (uint256 count = 1; count <= 9; ++count) {
            bytes32[] memory row = new bytes32[](count);
            for (uint256 i; i < count; ++i) row[i] = _leaf(i);
            bytes32 root = _root(row);
            uint64 height = uint64(count);
            board.attest(0, height, root, certify(_digest(0, height, root), keys, 4));
            for (uint256 i; i < count; ++i) {
                bytes32[] memory proof = _proof(row, i);
                assertTrue(board.holds(0, height, uint64(i), bytes32(i), i, count, proof));
                assertFalse(board.holds(0, height, uint64(i), bytes32(i + 1), i, count, proof));
            }
        }
        vm.expectRevert(abi.encodeWithSelector(Attestations.NoRoot.selector, 0, 77));
        board.holds(0, 77, 0, 0, 0, 1, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(Attestations.WrongIndex.selector, 2, 2));
        board.holds(0, 2, 0, 0, 2, 2, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(Attestations.WrongProof.selector, 0, 1));
        board.holds(0, 2, 0, 0, 1, 2, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(Attestations.WrongProof.selector, 2, 1));
        board.holds(0, 2, 0, 0, 1, 2, new bytes32[](2));
    }

    function _digest(uint8 kind, uint64 height, bytes32 root) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encodePacked("BALLAST-SPOKE-1", uint8(1), uint64(block.chainid), owner(address(board)))
        );
        return keccak256(abi.encodePacked("BALLAST-ROOT-1", domain, kind, height, root));
    }

    function _leaf(uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encodePacked("BALLAST-LEAF-1", uint64(i), bytes32(i)));
    }

    function _up(bytes32[] memory row) private pure returns (bytes32[] memory up) {
        up = new bytes32[]((row.length + 1) / 2);
        for (uint256 i; i < up.length; ++i) {
            up[i] = 2 * i + 1 == row.length
                ? row[2 * i]
                : keccak256(abi.encodePacked("BALLAST-NODE-1", row[2 * i], row[2 * i + 1]));
        }
    }

    function _root(bytes32[] memory row) private pure returns (bytes32) {
        while (row.length > 1) row = _up(row);
        return row[0];
    }

    function _proof(bytes32[] memory row, uint256 i) private pure returns (bytes32[] memory proof) {
        for (; row.length > 1; (row, i) = (_up(row), i / 2)) {
            if (i ^ 1 >= row.length) continue;
            bytes32[] memory longer = new bytes32[](proof.length + 1);
            for (uint256 j; j < proof.length; ++j) longer[j] = proof[j];
            longer[proof.length] = row[i ^ 1];
            proof = longer;
        }
    }
}
