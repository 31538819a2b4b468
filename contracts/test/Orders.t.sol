// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IVault } from "../src/interfaces/IVault.sol";
import { Messages } from "../src/lib/Messages.sol";
import { Certificates } from "../src/lib/Certificates.sol";
import { Signers } from "../src/lib/Signers.sol";
import { MockToken } from "../src/mocks/MockToken.sol";
import { Base, IVaultEvents } from "./Base.sol";

contract OrdersTest is Base {
    uint64 private constant DAY = 24 hours * 1000;

    // Releases

    function test_release_pays_and_tells_why() public {
        depositUsdc(ALICE, 10e6);
        bytes memory one = release(3, USDC, 4e18, BOB);
        uint64 next = sequence() + 1;
        bytes memory payload = sealed_(batch(one));
        vm.expectEmit(address(vault));
        emit IVaultEvents.Released(lastNonce, 3, USDC, BOB, 4e18);
        vm.expectEmit(address(vault));
        emit IVaultEvents.Executed(next, lastNonce);
        assertEq(vault.execute(payload), 1);
        assertEq(usdc.balanceOf(BOB), 4e6);
        assertEq(booked(USDC), 6e18);
    }

    function test_release_of_every_reason() public {
        depositUsdc(ALICE, 7e6);
        for (uint8 reason; reason <= 6; ++reason) order(release(reason, USDC, 1e18, BOB));
        assertEq(usdc.balanceOf(BOB), 7e6);
        orderFails(release(7, USDC, 1e18, BOB), abi.encodeWithSelector(IVault.UnknownReason.selector, 7));
    }

    function test_a_done_order_is_skipped_and_its_batch_goes_on() public {
        depositEth(ALICE, 10e18);
        bytes memory one = release(0, ETH, 1e18, BOB);
        order(one);
        bytes memory two = release(0, ETH, 2e18, BOB);
        assertEq(vault.execute(sealed_(batch(one, two))), 1);
        assertEq(eth.balanceOf(BOB), 3e18);
    }

    function test_a_failed_order_leaves_the_others_alone_and_comes_again() public {
        depositEth(ALICE, 2e18);
        bytes memory tooMuch = release(0, ETH, 3e18, BOB);
        bytes memory fine = release(0, ETH, 1e18, BOB);
        bytes memory payload = sealed_(batch(tooMuch, fine));
        assertEq(vault.execute(payload), 1);
        assertEq(eth.balanceOf(BOB), 1e18);
        depositEth(ALICE, 2e18);
        assertEq(vault.execute(payload), 1);
        assertEq(eth.balanceOf(BOB), 4e18);
        assertEq(vault.execute(payload), 0);
    }

    function test_release_beyond_what_is_booked_fails() public {
        depositEth(ALICE, 2e18);
        // A gift is not booked, so it cannot be released.
        eth.mint(address(vault), 5e18);
        orderFails(
            release(0, ETH, 3e18, BOB), abi.encodeWithSelector(IVault.TooLittleFree.selector, ETH, 2e18, 3e18)
        );
        assertEq(eth.balanceOf(BOB), 0);
    }

    function test_release_of_an_unknown_token_fails() public {
        orderFails(release(0, 9, 1, BOB), abi.encodeWithSelector(IVault.UnknownAsset.selector, 9));
    }

    function test_release_of_nothing_fails() public {
        orderFails(release(0, ETH, 0, BOB), abi.encodeWithSelector(IVault.NothingToMove.selector));
    }

    function test_release_that_is_not_whole_in_the_tokens_unit_fails() public {
        depositUsdc(ALICE, 10e6);
        orderFails(
            release(0, USDC, 1e18 + 1, BOB), abi.encodeWithSelector(IVault.NotWhole.selector, 1e18 + 1, 1e12)
        );
    }

    function test_release_to_an_address_padded_on_the_wrong_side_fails() public {
        depositEth(ALICE, 2e18);
        bytes32 wrong = bytes32(bytes20(BOB));
        orderFails(
            releaseUntil(NEVER, 0, ETH, 1e18, wrong), abi.encodeWithSelector(Messages.WrongAddress.selector, wrong)
        );
        orderFails(
            releaseUntil(NEVER, 0, ETH, 1e18, 0), abi.encodeWithSelector(Messages.WrongAddress.selector, bytes32(0))
        );
    }

    function test_an_order_at_its_expiry_is_refused() public {
        depositEth(ALICE, 2e18);
        uint64 expires = now_() + 5000;
        bytes memory early = releaseUntil(expires, 0, ETH, 1e18, owner(BOB));
        bytes memory late = releaseUntil(expires, 0, ETH, 1e18, owner(BOB));
        skip(4);
        order(early);
        skip(1);
        vm.expectEmit(address(vault));
        emit IVaultEvents.OrderFailed(
            lastNonce, abi.encodeWithSelector(IVault.Expired.selector, lastNonce, expires, expires)
        );
        assertEq(vault.execute(sealed_(batch(late))), 0);
    }

    // Freeze

    function test_a_freeze_stops_what_leaves_and_ends_by_itself() public {
        depositEth(ALICE, 100e18);
        uint64 until = now_() + 60_000;
        freeze(until, 3);
        bytes memory reason = abi.encodeWithSelector(IVault.Frozen.selector, until, now_());
        bytes memory one = release(0, ETH, 1e18, BOB);
        orderFails(one, reason);
        orderFails(startAuction(terms(1)), reason);
        orderFails(bridge(1, ETH, 1e18, 2), abi.encodeWithSelector(IVault.NoGateway.selector));
        // What does not leave goes on.
        order(listMaker(ALICE, true));
        skip(60);
        assertEq(vault.execute(sealed_(batch(one))), 1);
    }

    function test_unfreeze_by_a_quorum() public {
        depositEth(ALICE, 1e18);
        freeze(now_() + 60_000, 3);
        order(unfreeze());
        order(release(0, ETH, 1e18, BOB));
    }

    function test_two_of_seven_do_not_freeze() public {
        bytes32 digest =
            keccak256(abi.encodePacked("BALLAST-FREEZE-1", domainOf(vault), uint32(1), uint64(now_() + 1000)));
        bytes memory certificate = certify(digest, keys, 2);
        vm.expectRevert(abi.encodeWithSelector(Certificates.TooFewSignatures.selector, 2, 3));
        vault.freeze(certificate, 1, now_() + 1000);
    }

    function test_freeze_for_more_than_a_day_is_refused() public {
        uint64 now64 = now_();
        freezeFails(
            now64 + DAY + 1, 3, abi.encodeWithSelector(IVault.WrongUntil.selector, now64 + DAY + 1, now64, now64 + DAY)
        );
        freezeFails(now64, 3, abi.encodeWithSelector(IVault.WrongUntil.selector, now64, now64, now64 + DAY));
        freeze(now64 + DAY, 3);
    }

    /// Three of seven cannot keep the vault shut: after a day frozen it has to be open for one.
    function test_a_minority_cannot_freeze_for_ever() public {
        uint64 until = now_() + DAY;
        freeze(until, 3);
        skip(1 hours);
        freezeFails(until + 1, 4, abi.encodeWithSelector(IVault.FreezeTooSoon.selector, until + DAY, now_()));
        skip(46 hours);
        freezeFails(now_() + DAY, 4, abi.encodeWithSelector(IVault.FreezeTooSoon.selector, until + DAY, now_()));
        skip(1 hours);
        freeze(now_() + DAY, 3);
    }

    /// However few or many froze before, and until whenever.
    function test_a_quorum_prolongs_regardless() public {
        freeze(now_() + 1, 3);
        uint64 since = now_();
        freeze(since + DAY, 5);
        skip(12 hours);
        uint64 until = since + DAY + DAY / 2 - 1;
        freeze(until, 5);
        // The pause counts from when the first one began, and fewer do not prolong it beyond a day after that.
        uint64 open = 2 * until - since;
        freezeFails(until + 1, 3, abi.encodeWithSelector(IVault.FreezeTooSoon.selector, open, now_()));
        skip(24 hours);
        freezeFails(now_() + DAY, 3, abi.encodeWithSelector(IVault.FreezeTooSoon.selector, open, now_()));
        freeze(now_() + DAY, 5);
    }

    /// Whoever wants no freeze tonight has one of a millisecond taken first. What others signed before stays good: in the
    /// same block, and in the next one.
    function test_a_thirds_freeze_of_a_millisecond_does_not_void_others() public {
        uint64 until = now_() + DAY;
        bytes memory others = freezeCertificate(until, 3);
        uint256 before = vm.snapshotState();
        freeze(now_() + 1, 3);
        vault.freeze(others, 1, until);
        assertEq(frozenUntil(), until);

        vm.revertToState(before);
        freeze(now_() + 1, 3);
        skip(1);
        vault.freeze(others, 1, until);
        assertEq(frozenUntil(), until);
    }

    /// In each block one of a millisecond comes first: a freeze of a third passes all the same.
    function test_freezes_of_a_millisecond_in_every_block_hold_up_nobody() public {
        uint64 until = now_() + DAY;
        bytes memory others = freezeCertificate(until, 3);
        for (uint256 i; i < 5; ++i) {
            freeze(now_() + 1, 3);
            uint256 before = vm.snapshotState();
            vault.freeze(others, 1, until);
            assertEq(frozenUntil(), until);
            vm.revertToState(before);
            skip(1);
        }
    }

    /// Fewer than a quorum may prolong what fewer began, up to a day after it began.
    function test_a_third_prolongs_up_to_a_day_after_the_first() public {
        uint64 since = now_();
        freeze(since + 3_600_000, 3);
        skip(30 minutes);
        uint64 open = since + 2 * 3_600_000;
        freezeFails(since + DAY + 1, 3, abi.encodeWithSelector(IVault.FreezeTooSoon.selector, open, now_()));
        freeze(since + DAY, 3);
        skip(24 hours);
        freezeFails(now_() + DAY, 4, abi.encodeWithSelector(IVault.FreezeTooSoon.selector, since + 2 * DAY, now_()));
    }

    function test_a_freeze_does_not_shorten_the_one_in_force() public {
        uint64 until = now_() + 60_000;
        freeze(until, 3);
        bytes memory wrong = abi.encodeWithSelector(IVault.WrongUntil.selector, until - 1, until, now_() + DAY);
        freezeFails(until - 1, 7, wrong);
        assertEq(frozenUntil(), until);
    }

    function test_a_freeze_again_changes_nothing() public {
        uint64 until = now_() + 1000;
        freeze(until, 5);
        freezeFails(until, 5, abi.encodeWithSelector(IVault.WrongUntil.selector, until, until, now_() + DAY));
        skip(1);
        freezeFails(until, 5, abi.encodeWithSelector(IVault.WrongUntil.selector, until, now_(), now_() + DAY));
    }

    /// A quorum ended it, so nobody begins it again with the old signatures; nor one that was signed before and ends
    /// earlier. A later one is a new decision.
    function test_an_unfrozen_freeze_cannot_be_replayed() public {
        uint64 until = now_() + 3_600_000;
        freeze(until - 1, 5);
        freeze(until, 5);
        order(unfreeze());
        for (uint64 back; back < 3; ++back) {
            bytes memory wrong = abi.encodeWithSelector(IVault.WrongUntil.selector, until - back, until, now_() + DAY);
            freezeFails(until - back, 5, wrong);
        }
        skip(10 minutes);
        freezeFails(until, 5, abi.encodeWithSelector(IVault.WrongUntil.selector, until, until, now_() + DAY));
        freeze(until + 1, 5);
        // Ended early once more: what was void stays so, and an unfreezing of an open vault voids nothing.
        order(unfreeze());
        order(unfreeze());
        (,,, uint64 void,) = vault.head();
        assertEq(void, until + 1);
        freeze(until + 2, 5);
    }

    /// Until it ends, an unfrozen freeze of a day leaves room for one that ends later.
    function test_whoever_was_unfrozen_may_freeze_anew() public {
        uint64 until = now_() + DAY;
        freeze(until, 3);
        skip(1);
        order(unfreeze());
        freezeFails(now_() + DAY, 3, abi.encodeWithSelector(IVault.FreezeTooSoon.selector, now_() + 1000, now_()));
        skip(1);
        freeze(until + 1, 3);
    }

    function freezeOutside(uint64 until, uint256 count) external {
        freeze(until, count);
    }

    function freezeFails(uint64 until, uint256 count, bytes memory reason) private {
        vm.expectRevert(reason);
        this.freezeOutside(until, count);
    }

    function frozenUntil() private view returns (uint64 until) {
        (,, until,,) = vault.head();
    }

    // Rotation

    function test_rotation_voids_the_old_set_at_once() public {
        depositEth(ALICE, 10e18);
        bytes memory early = sealed_(batch(release(0, ETH, 1e18, BOB)));
        uint256[] memory next = sorted(4, 2);
        order(rotate(2, next));
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongEpoch.selector, 1, 2));
        vault.execute(early);
        keys = next;
        order(release(0, ETH, 1e18, BOB));
        assertEq(vault.signers(), packed(next));
    }

    function test_rotation_has_to_name_the_next_epoch() public {
        orderFails(rotate(3, keys), abi.encodeWithSelector(IVault.WrongEpoch.selector, 3, 2));
        orderFails(rotate(1, keys), abi.encodeWithSelector(IVault.WrongEpoch.selector, 1, 2));
    }

    function test_rotation_to_a_set_that_is_not_ascending_fails() public {
        uint256[] memory twice = new uint256[](2);
        twice[0] = keys[0];
        twice[1] = keys[0];
        orderFails(
            rotate(2, twice), abi.encodeWithSelector(Signers.NotAscending.selector, 1, vm.addr(keys[0]))
        );
        orderFails(rotate(2, new uint256[](0)), abi.encodeWithSelector(Signers.WrongSetSize.selector, 0, 382));
    }

    /// The largest set: 255 of 382 sign.
    function test_rotation_to_the_largest_set_and_back() public {
        orderFails(rotate(2, sorted(383, 3)), abi.encodeWithSelector(Signers.WrongSetSize.selector, 383, 382));
        uint256[] memory many = sorted(382, 3);
        order(rotate(2, many));
        keys = many;
        order(rotate(3, sorted(1, 4)));
        keys = sorted(1, 4);
        order(unfreeze());
    }

    // Listing

    function test_listing_checks_the_unit_and_keeps_ids() public {
        MockToken other = new MockToken("Other", "OTH", 8);
        orderFails(
            listToken(5, address(other), 1), abi.encodeWithSelector(IVault.WrongUnit.selector, 5, 1, 1e10)
        );
        order(listToken(5, address(other), 1e10));
        order(listToken(5, address(other), 1e10));
        orderFails(
            listToken(5, address(eth), 1), abi.encodeWithSelector(IVault.AssetTaken.selector, 5, address(other))
        );
        MockToken fine = new MockToken("Fine", "FIN", 19);
        orderFails(listToken(6, address(fine), 1), abi.encodeWithSelector(IVault.WrongUnit.selector, 6, 0, 19));
    }

    // Form

    function test_malformed_payloads_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(Messages.WrongLength.selector, 0, 1));
        vault.execute("");
        vm.expectRevert(abi.encodeWithSelector(Messages.WrongLength.selector, 2, 72));
        vault.execute(hex"0100");
        bytes memory one = unfreeze();
        bytes memory trailing = abi.encodePacked(batch(one), uint8(0));
        bytes memory payload = abi.encodePacked(uint8(0), uint32(1), trailing);
        vm.expectRevert(
            abi.encodeWithSelector(Messages.WrongLength.selector, trailing.length, trailing.length - 1)
        );
        vault.execute(payload);
        bytes memory short = abi.encodePacked(uint8(0), uint32(1), uint16(1), uint16(30), one);
        vm.expectRevert(abi.encodeWithSelector(Messages.WrongLength.selector, 21, 34));
        vault.execute(short);
    }

    function test_an_order_of_another_length_fails_alone() public {
        bytes memory long = abi.encodePacked(unfreeze(), uint8(0));
        orderFails(long, abi.encodeWithSelector(Messages.WrongLength.selector, 18, 17));
        bytes memory stub = hex"01020304";
        lastNonce = 0;
        orderFails(stub, abi.encodeWithSelector(Messages.WrongLength.selector, 4, 17));
    }

    function test_an_unknown_kind_and_nonce_zero_fail() public {
        orderFails(head(11, NEVER), abi.encodeWithSelector(IVault.UnknownKind.selector, 11));
        lastNonce = type(uint64).max;
        unchecked {
            bytes memory zero = abi.encodePacked(uint64(0), NEVER, uint8(8));
            lastNonce = 0;
            orderFails(zero, abi.encodeWithSelector(IVault.NonceZero.selector));
        }
    }

    function test_only_the_vault_carries_out() public {
        bytes memory one = unfreeze();
        vm.expectRevert(abi.encodeWithSelector(IVault.NotTheVault.selector, address(this)));
        vault.carryOut(one);
    }

    function test_only_house_and_gateway_report() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.NotTheHouse.selector, address(this)));
        vault.payOut(ETH, 1, BOB);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotTheHouse.selector, address(this)));
        vault.ended(1, ETH, 1, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotTheGateway.selector, address(this)));
        vault.bridgeIn(1, 1, ETH, 1);
    }
}
