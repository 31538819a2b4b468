// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IVault } from "../src/interfaces/IVault.sol";
import { Outflow } from "../src/lib/Outflow.sol";
import { MockToken } from "../src/mocks/MockToken.sol";
import { Base, IVaultEvents } from "./Base.sol";

/// How much may leave, how fast, and what has to wait.
contract LimitsTest is Base {
    // Limits

    function test_a_token_without_limits_releases_nothing() public {
        MockToken other = new MockToken("Other", "OTH", 18);
        order(listToken(4, address(other), 1));
        other.mint(address(this), 5);
        other.approve(address(vault), 5);
        vault.deposit(owner(ALICE), 0, 4, 5);
        orderFails(release(0, 4, 1, BOB), abi.encodeWithSelector(Outflow.OutflowAbove.selector, 4, 1, 0));
    }

    /// 10 ETH an hour: 10 at once, then one more every six minutes.
    function test_outflow_is_a_leaky_bucket() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 10e18, 1 hours, type(uint128).max, 0));
        order(release(0, ETH, 10e18, BOB));
        bytes memory more = release(0, ETH, 1e18, BOB);
        orderFails(more, abi.encodeWithSelector(Outflow.OutflowAbove.selector, ETH, 1e18, 0));
        skip(6 minutes - 1);
        assertEq(vault.execute(sealed_(batch(more))), 0);
        skip(1);
        assertEq(vault.outflowLeft(ETH), 1e18);
        assertEq(vault.execute(sealed_(batch(more))), 1);
        assertEq(vault.outflowLeft(ETH), 0);
        skip(2 hours);
        assertEq(vault.outflowLeft(ETH), 10e18);
    }

    function test_lower_limits_count_what_left_before() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 10e18, 1 hours, type(uint128).max, 0));
        order(release(0, ETH, 8e18, BOB));
        order(setLimits(ETH, 4e18, 1 hours, type(uint128).max, 0));
        assertEq(vault.outflowLeft(ETH), 0);
        skip(1 hours);
        // 8 - 4 leaked: the bucket of 4 is still full.
        assertEq(vault.outflowLeft(ETH), 0);
        skip(30 minutes);
        assertEq(vault.outflowLeft(ETH), 2e18);
    }

    function test_limits_without_a_window_fail() public {
        orderFails(
            setLimits(ETH, 1, 0, 0, 0),
            abi.encodeWithSelector(IVault.WrongLimits.selector, 0, 0, type(uint32).max)
        );
        orderFails(
            setLimits(ETH, 1, 1, 0, 100 days),
            abi.encodeWithSelector(IVault.WrongLimits.selector, 1000, 100 days * 1000, type(uint32).max)
        );
        orderFails(setLimits(9, 1, 1, 0, 0), abi.encodeWithSelector(IVault.UnknownAsset.selector, 9));
    }

    // Delay

    function test_a_large_release_waits_then_anybody_pays_it() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 1000e18, 1 hours, 10e18, 600));
        order(release(0, ETH, 10e18, BOB));
        assertEq(eth.balanceOf(BOB), 10e18);

        bytes memory large = release(1, ETH, 11e18, BOB);
        uint64 nonce = lastNonce;
        uint64 told = sequence();
        bytes memory payload = sealed_(batch(large));
        vm.expectEmit(address(vault));
        emit IVaultEvents.Queued(nonce, now_() + 600_000, NEVER);
        assertEq(vault.execute(payload), 1);
        // Not a fact before it is paid, held meanwhile, and not queued twice.
        assertEq(sequence(), told);
        assertEq(vault.free(ETH), 79e18);
        assertEq(vault.execute(payload), 0);

        uint64 ready = now_() + 600_000;
        vm.expectRevert(abi.encodeWithSelector(IVault.NotReady.selector, nonce, ready, now_()));
        vault.pay(nonce);
        skip(600);
        vm.expectEmit(address(vault));
        emit IVaultEvents.Released(nonce, 1, ETH, BOB, 11e18);
        vm.expectEmit(address(vault));
        emit IVaultEvents.Executed(told + 1, nonce);
        vm.prank(ALICE);
        vault.pay(nonce);
        assertEq(eth.balanceOf(BOB), 21e18);
        assertEq(reserved(ETH), 0);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotQueued.selector, nonce));
        vault.pay(nonce);
    }

    /// A freeze holds a large release until it can never be paid: the hub undoes it, so it must not come after all.
    function test_a_queued_release_is_paid_before_it_expires_or_never() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 1000e18, 1 hours, 10e18, 600));
        uint64 expires = now_() + 3_600_000;
        order(releaseUntil(expires, 1, ETH, 11e18, owner(BOB)));
        uint64 nonce = lastNonce;
        freeze(now_() + 3_600_000, 3);
        skip(600);
        vm.expectRevert(abi.encodeWithSelector(IVault.Frozen.selector, expires, now_()));
        vault.pay(nonce);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotExpired.selector, nonce, expires, now_()));
        vault.drop(nonce);
        skip(3000);
        vm.expectRevert(abi.encodeWithSelector(IVault.Expired.selector, nonce, expires, expires));
        vault.pay(nonce);
        vm.expectEmit(address(vault));
        emit IVaultEvents.Dropped(nonce);
        vault.drop(nonce);
        assertEq(vault.free(ETH), 100e18);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotQueued.selector, nonce));
        vault.drop(nonce);
    }

    function test_a_large_release_that_would_expire_waiting_fails_at_once() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 1000e18, 1 hours, 10e18, 600));
        uint64 expires = now_() + 600_000;
        orderFails(
            releaseUntil(expires, 1, ETH, 11e18, owner(BOB)),
            abi.encodeWithSelector(IVault.Expired.selector, lastNonce, expires, expires)
        );
    }

    /// Five releases wait, an hour each after the other, so that the bucket had room for each when it was accepted. Then
    /// somebody pays them all in one block: as many as the bucket has room for now.
    function test_what_waited_leaves_in_one_block_only_as_far_as_the_bucket_holds() public {
        depositEth(ALICE, 1000e18);
        order(setLimits(ETH, 100e18, 1 hours, 10e18, 600));
        uint64 first = lastNonce + 1;
        for (uint256 i; i < 5; ++i) {
            order(release(0, ETH, 100e18, BOB));
            skip(1 hours);
        }
        order(release(0, ETH, 10e18, BOB));
        for (uint64 nonce = first; nonce < first + 5; ++nonce) {
            payFails(nonce, abi.encodeWithSelector(Outflow.OutflowAbove.selector, ETH, 100e18, 90e18));
        }
        // It waits on, and is paid when there is room.
        skip(6 minutes);
        vault.pay(first + 3);
        payFails(first, abi.encodeWithSelector(Outflow.OutflowAbove.selector, ETH, 100e18, 0));
        assertEq(eth.balanceOf(BOB), 110e18);
        skip(1 hours);
        vault.pay(first);
        assertEq(eth.balanceOf(BOB), 210e18);
        assertEq(reserved(ETH), 300e18);
    }

    function test_a_release_that_found_no_room_until_it_expired_is_dropped() public {
        depositEth(ALICE, 1000e18);
        order(setLimits(ETH, 100e18, 1 hours, 100e18, 600));
        order(release(0, ETH, 100e18, BOB));
        uint64 expires = now_() + 1_200_000;
        order(releaseUntil(expires, 0, ETH, 50e18, owner(BOB)));
        skip(10 minutes);
        payFails(lastNonce, abi.encodeWithSelector(Outflow.OutflowAbove.selector, ETH, 50e18, 16.666666666666666666e18));
        skip(10 minutes);
        payFails(lastNonce, abi.encodeWithSelector(IVault.Expired.selector, lastNonce, expires, now_()));
        uint256 left = vault.outflowLeft(ETH);
        vault.drop(lastNonce);
        // It had not been counted.
        assertEq(vault.outflowLeft(ETH), left);
        assertEq(vault.free(ETH), 900e18);
    }

    function test_a_release_larger_than_the_bucket_does_not_wait_for_nothing() public {
        depositEth(ALICE, 1000e18);
        order(setLimits(ETH, 100e18, 1 hours, 10e18, 600));
        orderFails(
            release(0, ETH, 100e18 + 1, BOB),
            abi.encodeWithSelector(Outflow.OutflowAbove.selector, ETH, 100e18 + 1, 100e18)
        );
        order(release(0, ETH, 100e18, BOB));
    }

    /// 10 need not wait in an hour. In two parts of 6 the second one waits; and what has waited is not in the way of others.
    function test_splitting_does_not_pass_the_delay() public {
        depositEth(ALICE, 1000e18);
        order(setLimits(ETH, 100e18, 1 hours, 10e18, 600));
        order(release(0, ETH, 6e18, BOB));
        order(release(0, ETH, 6e18, BOB));
        uint64 waits = lastNonce;
        assertEq(eth.balanceOf(BOB), 6e18);
        assertEq(vault.quickLeft(ETH), 4e18);
        // A small one still passes, and fills it.
        order(release(0, ETH, 4e18, BOB));
        order(release(0, ETH, 1, BOB));
        assertEq(eth.balanceOf(BOB), 10e18);
        skip(10 minutes);
        vault.pay(waits);
        vault.pay(lastNonce);
        // A sixth has leaked, and what waited took none of it.
        assertEq(vault.quickLeft(ETH), 1.666666666666666666e18);
        skip(50 minutes + 1);
        order(release(0, ETH, 10e18, BOB));
        assertEq(eth.balanceOf(BOB), 26e18 + 1);
    }

    function test_a_hundred_parts_leave_no_faster_than_one() public {
        depositEth(ALICE, 1000e18);
        order(setLimits(ETH, 1000e18, 1 hours, 10e18, 600));
        for (uint256 i; i < 100; ++i) order(release(0, ETH, 1e18, BOB));
        assertEq(eth.balanceOf(BOB), 10e18);
        assertEq(reserved(ETH), 90e18);
    }

    function test_without_a_delay_nothing_waits() public {
        depositEth(ALICE, 1000e18);
        order(setLimits(ETH, 100e18, 1 hours, 0, 0));
        order(release(0, ETH, 60e18, BOB));
        order(release(0, ETH, 40e18, BOB));
        assertEq(eth.balanceOf(BOB), 100e18);
        assertEq(vault.quickLeft(ETH), type(uint256).max);
        // From now on there is one, and nothing of the past is in its way.
        order(setLimits(ETH, 1000e18, 1 hours, 50e18, 600));
        assertEq(vault.quickLeft(ETH), 50e18);
    }

    function test_lower_limits_count_what_left_without_waiting() public {
        depositEth(ALICE, 1000e18);
        order(setLimits(ETH, 100e18, 1 hours, 10e18, 600));
        order(release(0, ETH, 8e18, BOB));
        order(setLimits(ETH, 100e18, 1 hours, 4e18, 600));
        assertEq(vault.quickLeft(ETH), 0);
        skip(30 minutes);
        assertEq(vault.quickLeft(ETH), 2e18);
    }

    // What comes in

    function test_what_comes_in_makes_room() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 10e18, 1 hours, type(uint128).max, 0));
        order(release(0, ETH, 10e18, BOB));
        assertEq(vault.outflowLeft(ETH), 0);
        depositEth(ALICE, 3e18);
        assertEq(vault.outflowLeft(ETH), 3e18);
        order(release(0, ETH, 3e18, BOB));
        orderFails(release(0, ETH, 1, BOB), abi.encodeWithSelector(Outflow.OutflowAbove.selector, ETH, 1, 0));
        // Not below empty: what comes in before does not make the bucket larger.
        depositEth(ALICE, 50e18);
        assertEq(vault.outflowLeft(ETH), 10e18);
        orderFails(
            release(0, ETH, 10e18 + 1, BOB), abi.encodeWithSelector(Outflow.OutflowAbove.selector, ETH, 10e18 + 1, 10e18)
        );
        order(release(0, ETH, 10e18, BOB));
        // And a gift is none.
        eth.mint(address(vault), 5e18);
        assertEq(vault.outflowLeft(ETH), 0);
    }

    function test_what_waits_is_no_outflow_and_its_return_no_income() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 10e18, 1 hours, 5e18, 600));
        order(release(0, ETH, 4e18, BOB));
        order(releaseUntil(now_() + 700_000, 0, ETH, 8e18, owner(BOB)));
        assertEq(vault.outflowLeft(ETH), 6e18);
        depositEth(ALICE, 1e18);
        assertEq(vault.outflowLeft(ETH), 7e18);
        skip(700);
        uint256 left = vault.outflowLeft(ETH);
        vault.drop(lastNonce);
        assertEq(vault.outflowLeft(ETH), left);
    }

    function test_the_coin_of_takes_makes_room() public {
        depositEth(ALICE, 100e18);
        depositUsdc(ALICE, 100_000e6);
        order(setLimits(USDC, 10_000e18, 1 hours, type(uint128).max, 0));
        order(release(0, USDC, 10_000e18, BOB));
        assertEq(vault.outflowLeft(USDC), 0);
        order(startAuction(terms(1)));
        take(1, 1e18);
        assertEq(vault.outflowLeft(USDC), 2200e18);
    }

    // Auctions

    /// Whoever may start auctions at a floor of one wei sells no more than may leave.
    function test_a_floor_of_one_wei_sells_no_vault_past_its_limit() public {
        depositEth(ALICE, 1000e18);
        order(setLimits(ETH, 100e18, 1 hours, type(uint128).max, 0));
        for (uint64 lot = 1; lot <= 10; ++lot) {
            Terms memory t = terms(lot);
            (t.quantity, t.start, t.floor) = (100e18, 1, 1);
            vault.execute(sealed_(batch(startAuction(t))));
        }
        uint256 sold = eth.balanceOf(BOB);
        usdc.mint(BOB, 1e6);
        for (uint64 lot = 1; lot <= 10; ++lot) {
            if (house.auction(lot).stock.left != 0) take(lot, 100e18);
        }
        assertEq(eth.balanceOf(BOB) - sold, 100e18);
        orderFails(release(0, ETH, 1, BOB), abi.encodeWithSelector(Outflow.OutflowAbove.selector, ETH, 1, 0));
    }

    function test_an_auction_is_counted_when_it_starts() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 15e18, 1 hours, type(uint128).max, 0));
        order(startAuction(terms(1)));
        assertEq(vault.outflowLeft(ETH), 5e18);
        orderFails(startAuction(terms(2)), abi.encodeWithSelector(Outflow.OutflowAbove.selector, ETH, 10e18, 5e18));
        // Not again when it is sold.
        take(1, 9e18);
        assertEq(vault.outflowLeft(ETH), 5e18);
        take(1, 1e18);
        assertEq(vault.outflowLeft(ETH), 5e18);
    }

    /// At its end, by its need, by a cancellation.
    function test_what_an_auction_did_not_sell_is_given_back() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 10e18, 1 hours, 10e18, 600));
        order(startAuction(terms(1)));
        take(1, 4e18);
        skip(100);
        house.end(1);
        // 6 less what had leaked, on top of what had leaked.
        assertEq(vault.outflowLeft(ETH), 6e18);
        assertEq(vault.quickLeft(ETH), 6e18);

        skip(1 hours);
        Terms memory t = terms(2);
        t.need = 2200e18;
        order(startAuction(t));
        take(2, 1e18);
        assertEq(vault.outflowLeft(ETH), 9e18);
        assertEq(vault.quickLeft(ETH), 9e18);

        skip(1 hours);
        order(startAuction(terms(3)));
        order(cancelAuction(3, lastNonce));
        assertEq(vault.outflowLeft(ETH), 10e18);
        assertEq(vault.quickLeft(ETH), 10e18);
    }

    /// Half of an unsold auction's part of the bucket has leaked when it ends, and something else has taken that room. Were
    /// all of it given back, that room would be there twice.
    function test_what_has_leaked_is_not_given_back_as_well() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 10e18, 200, 20e18, 600));
        order(startAuction(terms(1)));
        skip(100);
        assertEq(vault.outflowLeft(ETH), 5e18);
        order(release(0, ETH, 5e18, BOB));
        house.end(1);
        // Without the auction, 5 would be left now: 5 given back, not 10.
        assertEq(vault.outflowLeft(ETH), 5e18);
        // 20 need not wait in 200 s; 10 leaked.
        assertEq(vault.quickLeft(ETH), 15e18);
    }

    /// The rest of its terms would be over by then.
    function test_an_auction_that_would_have_to_wait_is_refused() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 100e18, 1 hours, 15e18, 600));
        order(startAuction(terms(1)));
        orderFails(startAuction(terms(2)), abi.encodeWithSelector(Outflow.AuctionWouldWait.selector, ETH, 10e18, 5e18));
        // An auction does not wait, so a release of as much does.
        order(release(0, ETH, 6e18, BOB));
        assertEq(eth.balanceOf(BOB), 0);
        Terms memory t = terms(2);
        t.quantity = 5e18;
        order(startAuction(t));
        skip(100);
        house.end(1);
        house.end(2);
        // Nothing was sold. What leaked meanwhile is kept back from each of them, once more than it leaked.
        assertEq(vault.quickLeft(ETH), 15e18 - uint256(15e18) * 100 / 3600);
    }

    function test_a_token_without_limits_is_not_sold() public {
        MockToken other = new MockToken("Other", "OTH", 18);
        order(listToken(4, address(other), 1));
        other.mint(address(this), 10e18);
        other.approve(address(vault), 10e18);
        vault.deposit(owner(ALICE), 0, 4, 10e18);
        Terms memory t = terms(1);
        t.asset = 4;
        orderFails(startAuction(t), abi.encodeWithSelector(Outflow.OutflowAbove.selector, 4, 10e18, 0));
    }

    /// A start that fails in the house counts nothing.
    function test_an_auction_that_does_not_start_is_not_counted() public {
        depositEth(ALICE, 100e18);
        order(setLimits(ETH, 10e18, 1 hours, 10e18, 600));
        Terms memory t = terms(1);
        t.floor = 0;
        vault.execute(sealed_(batch(startAuction(t))));
        assertEq(vault.outflowLeft(ETH), 10e18);
        assertEq(vault.quickLeft(ETH), 10e18);
    }

    /// The largest amounts, for a hundred years.
    function test_no_limit_at_all() public {
        depositEth(ALICE, 2 ** 110);
        order(setLimits(ETH, type(uint128).max, 49 days, type(uint128).max, 600));
        for (uint256 i; i < 3; ++i) {
            order(release(0, ETH, 2 ** 110, BOB));
            depositEth(ALICE, 2 ** 110);
            skip(50 * 365 days);
        }
        assertEq(vault.outflowLeft(ETH), Outflow.NO_LIMIT);
    }

    function take(uint64 lot, uint128 wanted) private {
        usdc.mint(BOB, 1e12);
        vm.startPrank(BOB);
        usdc.approve(address(vault), type(uint256).max);
        house.take(lot, wanted, 0, type(uint128).max, BOB, "");
        vm.stopPrank();
    }

    function payFails(uint64 nonce, bytes memory reason) private {
        vm.expectRevert(reason);
        vault.pay(nonce);
    }
}
