// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { AuctionHouse } from "../src/AuctionHouse.sol";
import { Handover } from "../src/Handover.sol";
import { Vault } from "../src/Vault.sol";
import { IVault } from "../src/interfaces/IVault.sol";
import { Certificates } from "../src/lib/Certificates.sol";
import { Base, IVaultEvents } from "./Base.sol";
import { GreedyToken, MoodyToken, ReentrantToken } from "./mocks/Tokens.sol";

/// Everything of a vault goes to a successor.
contract MigrationTest is Base {
    uint64 private constant DAY = 24 hours * 1000;
    uint16 private constant EVIL = 66;

    Vault private old;
    Vault private next;

    function setUp() public override {
        super.setUp();
        old = vault;
        next = newVault(address(0), address(old));
        depositEth(ALICE, 100e18);
        depositUsdc(ALICE, 1000e6);
    }

    function test_everything_goes_to_the_successor() public {
        order(setLimits(ETH, 50e18, 30 days, 20e18, 600));
        order(release(0, ETH, 15e18, BOB));
        uint64 nonce = queue();
        skip(3 days);
        uint64 last = sequence();
        uint256 left = old.outflowLeft(ETH);
        uint256 quick = old.quickLeft(ETH);
        vm.expectEmit(address(old));
        emit IVaultEvents.Executed(last + 1, nonce);
        vm.expectEmit(address(old));
        emit IVault.MovedTo(nonce, address(next));
        vm.prank(BOB);
        old.migrate(nonce);

        assertEq(eth.balanceOf(address(next)), 85e18);
        assertEq(usdc.balanceOf(address(next)), 1000e6);
        assertEq(eth.balanceOf(address(old)) + usdc.balanceOf(address(old)) + booked(ETH), 0);
        vault = next;
        house = next.house();
        assertEq(booked(ETH), 85e18);
        assertEq(booked(USDC), 1000e18);
        assertEq(reserved(ETH), 0);
        assertEq(next.outflowLeft(ETH), left);
        assertEq(next.quickLeft(ETH), quick);
        assertEq(next.assetList().length, old.assetList().length);
        assertEq(next.signers(), old.signers());
        // The next fact has the next number.
        assertEq(sequence(), last + 1);
        eth.mint(ALICE, 1);
        vm.startPrank(ALICE);
        eth.approve(address(next), 1);
        vm.expectEmit(address(next));
        emit IVaultEvents.Deposited(last + 2, owner(ALICE), 0, ETH, 1);
        next.deposit(owner(ALICE), 0, ETH, 1);
        vm.stopPrank();
        // Its validators give it orders, and it sells.
        order(release(0, ETH, 1e18, BOB));
        Terms memory t = terms(1);
        t.quantity = 4e18;
        order(startAuction(t));
    }

    function test_the_old_vault_is_closed() public {
        bytes memory payload = sealed_(batch(release(0, ETH, 1e18, BOB)));
        uint64 open = lastNonce;
        move();
        bytes memory closed = abi.encodeWithSelector(IVault.Closed.selector, next);
        vm.expectRevert(closed);
        old.execute(payload);
        assertFalse(old.isDone(open));
        eth.mint(ALICE, 1);
        vm.startPrank(ALICE);
        eth.approve(address(old), 1);
        vm.expectRevert(closed);
        old.deposit(owner(ALICE), 0, ETH, 1);
        vm.stopPrank();
        migrationFails(closed);
        // What was signed for it is worth nothing to the successor.
        vm.expectPartialRevert(Certificates.NotASigner.selector);
        next.execute(payload);
    }

    /// What the old vault had not carried out is signed anew, and carried out once.
    function test_what_the_old_vault_had_not_carried_out_is_signed_anew() public {
        bytes memory open = release(0, ETH, 1e18, BOB);
        order(release(0, ETH, 2e18, BOB));
        move();
        vault = next;
        order(open);
        assertEq(vault.execute(sealed_(batch(open))), 0);
        assertEq(eth.balanceOf(BOB), 3e18);
    }

    /// What the old one carried out before is done for its successors as well: after a reorg an order may be signed for both,
    /// and come to both.
    function test_what_the_old_vault_carried_out_its_successors_do_not() public {
        bytes memory twice = release(0, ETH, 2e18, BOB);
        uint64 nonce = lastNonce;
        order(twice);
        move();
        vault = next;
        assertTrue(next.isDone(nonce));
        assertEq(next.execute(sealed_(batch(twice))), 0);
        Vault third = newVault(address(0), address(next));
        order(migrate(NEVER, address(third)));
        skip(3 days);
        next.migrate(lastNonce);
        vault = third;
        assertEq(third.execute(sealed_(batch(twice))), 0);
        assertEq(eth.balanceOf(BOB), 2e18);
        assertFalse(third.isDone(lastNonce + 1));
    }

    /// What the old house sold of a lot is not sold again by its successors.
    function test_what_the_old_house_sold_is_not_offered_again() public {
        order(startAuction(terms(1)));
        usdc.mint(BOB, 1e12);
        vm.startPrank(BOB);
        usdc.approve(address(old), 1e12);
        house.take(1, 4e18, 0, type(uint128).max, BOB, "");
        vm.stopPrank();
        skip(100);
        house.end(1);
        move();
        for (uint256 i; i < 2; ++i) {
            vault = next;
            Terms memory t = terms(1);
            t.quantity = 7e18;
            orderFails(startAuction(t), abi.encodeWithSelector(AuctionHouse.LotSold.selector, 1, 6e18, 7e18));
            next = newVault(address(0), address(vault));
            order(migrate(NEVER, address(next)));
            skip(3 days);
            vault.migrate(lastNonce);
        }
        vault = next;
        Terms memory rest = terms(1);
        rest.quantity = 6e18;
        order(startAuction(rest));
    }

    /// The end of an auction that the old vault sold is told once.
    function test_an_auction_of_the_old_vault_does_not_end_again() public {
        order(startAuction(terms(1)));
        uint64 start = lastNonce;
        skip(100);
        house.end(1);
        move();
        vault = next;
        uint64 told = sequence();
        order(cancelAuction(1, start));
        assertEq(sequence(), told + 1, "Executed alone");
    }

    function test_a_migration_waits_three_days() public {
        bytes memory payload = sealed_(batch(migrate(NEVER, address(next))));
        uint64 ready = now_() + 3 * DAY;
        uint64 told = sequence();
        vm.expectEmit(address(old));
        emit IVault.MigrationQueued(lastNonce, address(next), ready, ready + DAY / 2);
        assertEq(old.execute(payload), 1);
        assertEq(sequence(), told);
        skip(3 days - 1);
        // Meanwhile everything goes on.
        depositEth(ALICE, 1e18);
        migrationFails(abi.encodeWithSelector(IVault.NotReady.selector, lastNonce, ready, now_()));
        skip(1);
        old.migrate(lastNonce);
        assertEq(next.free(ETH), 101e18);
    }

    /// A fault of the hub, or of whoever gave it the address: a third has three days to see it, and a freeze of a day that
    /// begins before it is ready outlasts it.
    function test_a_freeze_outlasts_a_migration() public {
        uint64 nonce = queue();
        uint64 ready = now_() + 3 * DAY;
        skip(3 days - 1);
        uint64 until = now_() + DAY;
        freeze(until, 3);
        skip(12 hours);
        migrationFails(abi.encodeWithSelector(IVault.Frozen.selector, until, now_()));
        skip(12 hours);
        migrationFails(abi.encodeWithSelector(IVault.Expired.selector, nonce, ready + DAY / 2, until));
        // Everything goes on, and another one can be ordered.
        order(release(0, ETH, 1e18, BOB));
        queue();
    }

    /// Unless a quorum ends the freeze.
    function test_a_quorum_that_wants_it_ends_the_freeze() public {
        uint64 nonce = queue();
        skip(3 days);
        freeze(now_() + DAY, 3);
        order(unfreeze());
        old.migrate(nonce);
        assertEq(next.free(ETH), 100e18);
    }

    function test_an_order_that_would_expire_before_it_is_ready_is_refused() public {
        uint64 ready = now_() + 3 * DAY;
        orderFails(
            migrate(ready, address(next)), abi.encodeWithSelector(IVault.Expired.selector, lastNonce, ready, ready)
        );
        order(migrate(ready + 1000, address(next)));
        skip(3 days + 1);
        migrationFails(abi.encodeWithSelector(IVault.Expired.selector, lastNonce, ready + 1000, now_()));
    }

    function test_one_migration_at_a_time() public {
        uint64 nonce = queue();
        bytes memory waits = abi.encodeWithSelector(IVault.MigrationWaits.selector, nonce);
        orderFails(migrate(NEVER, address(next)), waits);
        skip(3 days + 12 hours - 1);
        orderFails(migrate(NEVER, address(next)), waits);
        skip(1);
        order(migrate(NEVER, address(next)));
        migrationFailsOf(nonce, abi.encodeWithSelector(IVault.NotQueued.selector, nonce));
        migrationFailsOf(0, abi.encodeWithSelector(IVault.NotQueued.selector, 0));
    }

    function test_nothing_may_be_under_auction_or_queued() public {
        order(setLimits(ETH, 50e18, 1 hours, 20e18, 600));
        uint64 nonce = queue();
        skip(3 days - 1);
        order(startAuction(terms(1)));
        order(releaseUntil(now_() + DAY / 24, 0, ETH, 30e18, owner(BOB)));
        skip(1);
        migrationFailsOf(nonce, abi.encodeWithSelector(IVault.StillReserved.selector, ETH, 40e18));
        skip(100);
        house.end(1);
        migrationFailsOf(nonce, abi.encodeWithSelector(IVault.StillReserved.selector, ETH, 30e18));
        skip(1 hours);
        old.drop(lastNonce);
        old.migrate(nonce);
        assertEq(next.free(ETH), 100e18);
    }

    /// From the time on when it may be carried out, nothing that has to wait is queued in its way; what need not wait is paid.
    function test_nothing_new_is_queued_when_a_migration_is_due() public {
        order(setLimits(ETH, 50e18, 1 hours, 20e18, 600));
        uint64 nonce = queue();
        skip(3 days - 1);
        order(release(0, ETH, 21e18, BOB));
        uint64 waits = lastNonce;
        skip(1);
        orderFails(release(0, ETH, 21e18, BOB), abi.encodeWithSelector(IVault.MigrationWaits.selector, nonce));
        order(release(0, ETH, 1e18, BOB));
        skip(599);
        old.pay(waits);
        old.migrate(nonce);
        vault = next;
        order(release(0, ETH, 21e18, BOB));
    }

    /// One that nobody has carried out keeps nothing back any more.
    function test_what_waits_is_queued_again_after_a_migration_that_never_was() public {
        order(setLimits(ETH, 50e18, 1 hours, 20e18, 600));
        queue();
        skip(3 days + 12 hours);
        order(release(0, ETH, 21e18, BOB));
        assertEq(reserved(ETH), 21e18);
    }

    function test_a_successor_has_to_be_one() public {
        address stranger = address(newVault(address(0)));
        orderFails(migrate(NEVER, stranger), abi.encodeWithSelector(IVault.WrongSuccessor.selector, stranger));
        orderFails(migrate(NEVER, ALICE), abi.encodeWithSelector(IVault.WrongSuccessor.selector, ALICE));
        // A contract that knows no such question.
        orderFails(migrate(NEVER, address(eth)), "");
        // Ones that sell for another coin, or for another token under its name.
        address other = deploy("Vault", abi.encode(1, addresses(keys), ETH, eth, wcoin, address(0), address(old)));
        orderFails(migrate(NEVER, other), abi.encodeWithSelector(IVault.WrongSuccessor.selector, other));
        other = deploy("Vault", abi.encode(1, addresses(keys), USDC, eth, wcoin, address(0), address(old)));
        orderFails(migrate(NEVER, other), abi.encodeWithSelector(IVault.WrongSuccessor.selector, other));
    }

    function test_a_successor_takes_nothing_before() public {
        bytes memory closed = abi.encodeWithSelector(IVault.Closed.selector, address(0));
        usdc.mint(ALICE, 1);
        vm.startPrank(ALICE);
        usdc.approve(address(next), 1);
        vm.expectRevert(closed);
        next.deposit(owner(ALICE), 0, USDC, 1);
        vm.stopPrank();
        vault = next;
        bytes memory payload = sealed_(batch(unfreeze()));
        vm.expectRevert(closed);
        next.execute(payload);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotQueued.selector, 1));
        next.migrate(1);
        vm.prank(address(old));
        vm.expectRevert(closed);
        next.bridgeIn(1, 1, USDC, 1);
    }

    function test_only_the_predecessor_hands_over_and_once() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.NotThePredecessor.selector, address(this)));
        next.takeOver();
        vm.expectRevert(abi.encodeWithSelector(IVault.NotThePredecessor.selector, address(this)));
        old.takeOver();
        move();
        vm.prank(address(old));
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongSuccessor.selector, next));
        next.takeOver();
    }

    /// Its code has a contract of its own, which refuses whoever calls it directly.
    function test_the_handover_alone_does_nothing() public {
        Handover alone = new Handover();
        bytes memory one = migrate(NEVER, address(next));
        bytes[5] memory calls = [
            abi.encodeCall(alone.queue, (1, NEVER, one)),
            abi.encodeCall(alone.migrate, (1)),
            abi.encodeCall(alone.moveRest, (ETH)),
            abi.encodeCall(alone.takeOver, ()),
            abi.encodeCall(alone.bridgeIn, (1, 1, ETH, 1))
        ];
        bytes memory refused = abi.encodeWithSelector(IVault.NotTheVault.selector, address(this));
        for (uint256 i; i < calls.length; ++i) {
            (bool done, bytes memory answer) = address(alone).call(calls[i]);
            assertFalse(done);
            assertEq(answer, refused);
        }
    }

    /// Whatever it does, it keeps nobody else back, and loses nobody anything.
    function test_a_token_that_refuses_stays_behind_alone() public {
        MoodyToken token = moody();
        order(setLimits(EVIL, 5, 1 days, 5, 0));
        uint64 nonce = queue();
        skip(3 days);
        for (uint8 mood = 1; mood <= uint8(type(MoodyToken.Mood).max); ++mood) {
            uint256 snapshot = vm.snapshotState();
            token.set(MoodyToken.Mood(mood));
            vm.expectEmit(address(old));
            emit IVault.LeftBehind(EVIL, 5);
            // No more than it gets to burn, what moves the others, and what is kept back.
            old.migrate{ gas: 3_000_000 }(nonce);
            vault = old;
            assertEq(booked(EVIL), 5);
            assertEq(booked(ETH) + booked(USDC), 0);
            vault = next;
            assertEq(next.free(ETH), 100e18);
            assertEq(next.free(USDC), 1000e18);
            assertEq(booked(EVIL), 0);
            orderFails(release(0, EVIL, 5, BOB), abi.encodeWithSelector(IVault.TooLittleFree.selector, EVIL, 0, 5));
            uint64 again = lastNonce;
            // As often as it takes, whenever it is, frozen or not.
            skip(30 days);
            freeze(now_() + DAY, 3);
            (bool done,) = address(old).call{ gas: 1_000_000 }(abi.encodeCall(old.moveRest, (EVIL)));
            assertFalse(done);
            assertEq(old.free(EVIL), 5);
            token.set(MoodyToken.Mood.Good);
            uint64 told = sequence();
            vm.expectEmit(address(next));
            emit IVault.RestTaken(EVIL, 5);
            vm.prank(BOB);
            old.moveRest(EVIL);
            assertEq(sequence(), told, "not a fact");
            assertEq(old.free(EVIL) + token.balanceOf(address(old)), 0);
            skip(1 days);
            // The order that failed comes again, and its limit is what it was.
            lastNonce = again - 1;
            order(release(0, EVIL, 5, BOB));
            assertEq(token.balanceOf(BOB), 5);
            assertEq(next.outflowLeft(EVIL), 0);
            assertTrue(vm.revertToState(snapshot));
        }
    }

    function test_what_a_token_has_lost_does_not_hold_up_what_it_has() public {
        MoodyToken token = moody();
        token.seize(address(old), 2);
        uint64 nonce = queue();
        skip(3 days);
        vm.expectEmit(address(old));
        emit IVault.LeftBehind(EVIL, 2);
        old.migrate(nonce);
        assertEq(next.free(EVIL), 3);
        assertEq(old.free(EVIL), 2);
        vm.expectRevert(IVault.NothingToMove.selector);
        old.moveRest(EVIL);
        // Somebody makes it good.
        token.mint(address(old), 9);
        old.moveRest(EVIL);
        assertEq(next.free(EVIL), 5);
        assertEq(token.balanceOf(address(old)), 7);
    }

    function test_there_is_a_rest_after_a_migration_only() public {
        queue();
        vm.expectRevert(IVault.NotMoved.selector);
        old.moveRest(ETH);
        vm.expectRevert(IVault.NotMoved.selector);
        next.moveRest(ETH);
        skip(3 days);
        old.migrate(lastNonce);
        vm.expectRevert(IVault.NothingToMove.selector);
        old.moveRest(ETH);
        vm.expectRevert(abi.encodeWithSelector(IVault.UnknownAsset.selector, EVIL));
        old.moveRest(EVIL);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotThePredecessor.selector, address(this)));
        next.takeRest(ETH, 1);
        vm.expectRevert(IVault.NotMoved.selector);
        next.moveRest(ETH);
    }

    /// A rest comes to a vault that has handed over itself, and goes on from there.
    function test_a_rest_follows_through_two_successors() public {
        MoodyToken token = moody();
        token.set(MoodyToken.Mood.Refuses);
        move();
        vault = next;
        Vault third = newVault(address(0), address(next));
        order(migrate(NEVER, address(third)));
        skip(3 days);
        next.migrate(lastNonce);
        token.set(MoodyToken.Mood.Good);
        old.moveRest(EVIL);
        assertEq(next.free(EVIL), 5);
        next.moveRest(EVIL);
        assertEq(third.free(EVIL), 5);
        vault = third;
        order(setLimits(EVIL, 5, 1 days, 5, 0));
        order(release(0, EVIL, 5, BOB));
    }

    /// The hub's range holds for what was left behind and what came meanwhile together.
    function test_a_rest_for_which_there_is_no_room_waits() public {
        MoodyToken token = moody();
        token.set(MoodyToken.Mood.Refuses);
        move();
        token.set(MoodyToken.Mood.Good);
        uint256 most = next.MAX_BOOKED();
        token.mint(address(this), most);
        token.approve(address(next), most);
        next.deposit(owner(ALICE), 0, EVIL, most);
        vm.expectRevert(abi.encodeWithSelector(IVault.TooMuch.selector, EVIL, most, 5, most));
        old.moveRest(EVIL);
        vault = next;
        order(setLimits(EVIL, type(uint128).max, 1 days, type(uint128).max, 0));
        order(release(0, EVIL, 5, BOB));
        old.moveRest(EVIL);
        assertEq(next.free(EVIL), most);
    }

    /// With too little gas nothing is moved, rather than something left behind.
    function testFuzz_no_token_stays_behind_for_want_of_gas(uint256 gas) public {
        GreedyToken token = new GreedyToken();
        order(listToken(EVIL, address(token), 1));
        token.mint(address(this), 5);
        token.approve(address(vault), 5);
        vault.deposit(owner(ALICE), 0, EVIL, 5);
        uint64 nonce = queue();
        skip(3 days);
        token.arm();
        (bool done,) = address(old).call{ gas: bound(gas, 50_000, 3_000_000) }(abi.encodeCall(old.migrate, (nonce)));
        assertEq(next.free(ETH), done ? 100e18 : 0);
        assertEq(next.free(USDC), done ? 1000e18 : 0);
        assertEq(old.free(ETH), done ? 0 : 100e18);
        assertEq(old.free(EVIL), 5);
        (,,,, bool closed) = old.head();
        assertEq(closed, done);
    }

    /// Meanwhile a token calls: what it does then it may do any time.
    function test_reentrant_token_in_a_migration() public {
        ReentrantToken token = new ReentrantToken();
        order(listToken(EVIL, address(token), 1));
        token.mint(address(this), 5);
        token.approve(address(vault), 5);
        vault.deposit(owner(ALICE), 0, EVIL, 5);
        uint64 nonce = queue();
        skip(3 days);
        bytes memory locked = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        bytes memory closed = abi.encodeWithSelector(IVault.NothingToMove.selector);
        address[4] memory targets = [address(next), address(old), address(old), address(old)];
        bytes[4] memory calls = [
            abi.encodeCall(next.deposit, (owner(BOB), 0, USDC, 1)),
            abi.encodeCall(old.migrate, (nonce)),
            abi.encodeCall(old.deposit, (owner(BOB), 0, USDC, 1)),
            abi.encodeCall(old.moveRest, (EVIL))
        ];
        bytes[4] memory answers = [locked, locked, locked, closed];
        for (uint256 i; i < 4; ++i) {
            uint256 snapshot = vm.snapshotState();
            token.arm(targets[i], calls[i]);
            old.migrate(nonce);
            assertEq(token.answer(), answers[i]);
            assertEq(next.free(EVIL), 5);
            assertEq(token.balanceOf(address(next)), 5);
            assertTrue(vm.revertToState(snapshot));
        }
    }

    /// The set that the old vault obeys when it hands over, not the one that the successor was made with.
    function test_the_successor_obeys_the_present_validators() public {
        uint64 nonce = queue();
        uint256[] memory others = sorted(4, 9);
        order(rotate(2, others));
        keys = others;
        skip(3 days);
        old.migrate(nonce);
        vault = next;
        order(release(0, ETH, 1e18, BOB));
        (, uint32 epoch,) = next.validators();
        assertEq(epoch, 2);
    }

    /// A successor may have one, too.
    function test_a_successor_hands_over_again() public {
        move();
        vault = next;
        Vault third = newVault(address(0), address(next));
        order(migrate(NEVER, address(third)));
        skip(3 days);
        uint64 last = sequence();
        next.migrate(lastNonce);
        vault = third;
        assertEq(sequence(), last + 1);
        assertEq(booked(ETH), 100e18);
        order(release(0, ETH, 1e18, BOB));
    }

    /// What was on its way over a bridge arrives where everything has gone, as if it had been sent there.
    function test_what_is_bridged_to_the_old_vault_goes_on_to_the_successor() public {
        old = newVault(address(this));
        vault = old;
        order(listToken(ETH, address(eth), 1));
        next = newVault(BOB, address(old));
        Vault third = newVault(BOB, address(next));
        depositEth(ALICE, 7e18);
        move();
        (uint64 last,,,,) = next.head();
        eth.mint(address(this), 30e18);
        eth.approve(address(old), 30e18);
        vm.expectEmit(address(next));
        emit IVaultEvents.BridgedIn(last + 1, 9, 4, ETH, 10e18);
        old.bridgeIn(9, 4, ETH, 10e18);
        assertEq(next.free(ETH), 17e18);
        // Through two of them.
        vault = next;
        order(migrate(NEVER, address(third)));
        skip(3 days);
        next.migrate(lastNonce);
        old.bridgeIn(9, 5, ETH, 20e18);
        assertEq(third.free(ETH), 37e18);
        assertEq(eth.balanceOf(address(old)) + eth.balanceOf(address(next)), 0);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotTheGateway.selector, address(this)));
        third.bridgeIn(9, 6, ETH, 1);
    }

    /// A gift is nobody's, and stays.
    function test_only_what_is_booked_is_moved() public {
        eth.mint(address(old), 5e18);
        move();
        assertEq(eth.balanceOf(address(old)), 5e18);
        assertEq(next.free(ETH), 100e18);
    }

    /// Five of a token, deposited.
    function moody() private returns (MoodyToken token) {
        token = new MoodyToken();
        order(listToken(EVIL, address(token), 1));
        token.mint(address(this), 5);
        token.approve(address(vault), 5);
        vault.deposit(owner(ALICE), 0, EVIL, 5);
    }

    function queue() private returns (uint64) {
        order(migrate(NEVER, address(next)));
        return lastNonce;
    }

    function move() private {
        uint64 nonce = queue();
        skip(3 days);
        old.migrate(nonce);
    }

    function migrationFails(bytes memory reason) private {
        migrationFailsOf(lastNonce, reason);
    }

    function migrationFailsOf(uint64 nonce, bytes memory reason) private {
        vm.expectRevert(reason);
        old.migrate(nonce);
    }
}
