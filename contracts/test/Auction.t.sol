// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuctionHouse } from "../src/AuctionHouse.sol";
import { IVault } from "../src/interfaces/IVault.sol";
import { MockTaker } from "../src/mocks/MockTaker.sol";
import { Base, IVaultEvents } from "./Base.sol";

contract AuctionTest is Base {
    uint64 private start;

    function setUp() public override {
        super.setUp();
        depositEth(ALICE, 100e18);
        _rich(BOB);
        order(startAuction(terms(1)));
        start = lastNonce;
    }

    function test_a_running_auction_holds_its_collateral() public {
        assertEq(vault.free(ETH), 90e18);
        orderFails(
            release(0, ETH, 91e18, BOB), abi.encodeWithSelector(IVault.TooLittleFree.selector, ETH, 90e18, 91e18)
        );
        orderFails(startAuction(terms(1)), abi.encodeWithSelector(AuctionHouse.AlreadyRunning.selector, 1, start));
    }

    /// 2,200 at the start; 2,200 * 0.95^2 = 1,985.5 after 20 s; the floor of 1,800 from the invitation at 40 s on.
    function test_price_falls_as_the_engines() public view {
        uint64 opened = now_();
        assertEq(house.priceAt(1, opened - 1), 2200e18);
        assertEq(house.priceAt(1, opened + 9_999), 2200e18);
        assertEq(house.priceAt(1, opened + 10_000), 2090e18);
        assertEq(house.priceAt(1, opened + 20_000), 1985.5e18);
        // 2,200 * 0.857375
        assertEq(house.priceAt(1, opened + 30_000), 1886.225e18);
        assertEq(house.priceAt(1, opened + 39_999), 1886.225e18);
        assertEq(house.priceAt(1, opened + 40_000), 1800e18);
    }

    /// A factor of zero: 2,200 falls evenly to nothing within 100 s, by 22 a second; the floor of 1,800 holds it from
    /// 18.2 s on. A step as long as a schedule can have is a day.
    function test_a_price_without_factor_falls_evenly() public {
        Terms memory t = terms(2);
        (t.stepFactor, t.step) = (0, 100_000);
        order(startAuction(t));
        uint64 opened = now_();
        assertEq(house.priceAt(2, opened - 1), 2200e18);
        assertEq(house.priceAt(2, opened), 2200e18);
        assertEq(house.priceAt(2, opened + 1), 2199.978e18);
        assertEq(house.priceAt(2, opened + 10_000), 1980e18);
        assertEq(house.priceAt(2, opened + 18_181), 1800.018e18);
        assertEq(house.priceAt(2, opened + 18_182), 1800e18);
        t.lot = 3;
        (t.step, t.start, t.floor) = (3_000, 1000e18 + 1, 1);
        order(startAuction(t));
        // Down: two thirds of 1000e18 + 1.
        assertEq(house.priceAt(3, opened + 1_000), 666666666666666666667);
        assertEq(house.priceAt(3, opened + 2_999), 333333333333333333);
        assertEq(house.priceAt(3, opened + 3_000), 1);
        assertEq(house.priceAt(3, opened + 4_000), 1);
        (t.lot, t.step) = (4, 86_400_000);
        order(startAuction(t));
        assertEq(house.priceAt(4, opened + 39_999), (1000e18 + 1) * uint256(86_360_001) / 86_400_000);
    }

    function test_take_pays_the_price_of_its_block_into_the_vault() public {
        skip(20);
        uint64 next = sequence() + 1;
        vm.expectEmit(address(vault));
        emit IVaultEvents.Taken(next, 1, owner(BOB), 4e18, 7942e18, 0);
        (uint128 taken, uint128 due) = _take(BOB, 4e18);
        assertEq(taken, 4e18);
        assertEq(due, 7942e18);
        assertEq(eth.balanceOf(BOB), 4e18);
        assertEq(usdc.balanceOf(address(vault)), 7942e6);
        assertEq(booked(USDC), 7942e18);
        assertEq(booked(ETH), 96e18);
        assertEq(reserved(ETH), 6e18);
    }

    /// 1 wei of ETH costs 2.2e-15 dollars: one unit of the coin, 1e-6.
    function test_due_is_rounded_up_to_the_coins_unit() public {
        (, uint128 due) = _take(BOB, 1e18 + 1);
        assertEq(due, 2200e18 + 1e12);
        assertEq(usdc.balanceOf(address(vault)), 2200e6 + 1);
    }

    function test_result_is_a_chain_over_the_takes() public {
        bytes32 result = keccak256(abi.encodePacked("BALLAST-LOT-1", domainOf(vault), uint64(1), start));
        assertEq(house.auction(1).result, result);
        _take(BOB, 1e18);
        result = keccak256(abi.encodePacked(result, owner(BOB), uint128(1e18), uint128(2200e18), uint128(0)));
        assertEq(house.auction(1).result, result);
        skip(10);
        result = keccak256(abi.encodePacked(result, owner(BOB), uint128(9e18), uint128(18_810e18), uint128(0)));
        uint64 next = sequence() + 2;
        vm.expectEmit(address(vault));
        emit IVaultEvents.Ended(next, 1, result);
        _take(BOB, 9e18);
        assertEq(house.auction(1).result, 0);
    }

    /// Of 10 left with dust 0.05: 9.96 wanted gets 9.95; everything gets everything; what is 0.05 can only go whole.
    function test_a_take_leaves_nothing_or_the_dust() public {
        (uint128 taken,) = _take(BOB, 9.96e18);
        assertEq(taken, 9.95e18);
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.NoSuchPart.selector, 1, 0.01e18, 0.05e18, 0.05e18));
        _take(BOB, 0.01e18);
        (taken,) = _take(BOB, 1e18);
        assertEq(taken, 0.05e18);
        assertEq(reserved(ETH), 0);
    }

    /// A bidder takes most of a lot, waits until its price is at the floor, and wants the rest: it gets what pays the need. The
    /// case of R27: 1,000 units, need 39,819; 880 of them are paid with 38,788.728, and 1,030.272 lack at 39.819.
    function test_a_take_is_cut_to_the_need() public {
        depositEth(ALICE, 1000e18);
        Terms memory t = terms(2);
        (t.quantity, t.need, t.dust) = (1000e18, 39_819e18, 2e18);
        (t.start, t.floor, t.step) = (44.0781e18, 39.819e18, 10_000);
        order(startAuction(t));
        vm.startPrank(BOB);
        (uint128 taken, uint128 due) = house.take(2, 880e18, 880e18, type(uint128).max, BOB, "");
        assertEq(due, 38_788.728e18);
        skip(60);
        assertEq(house.priceAt(2, uint64(block.timestamp * 1000)), 39.819e18);
        // What accepts no less than all of it gets nothing, and nothing has changed.
        bytes memory below = abi.encodeWithSelector(AuctionHouse.PartBelow.selector, 2, 25873879303849920893, 120e18);
        vm.expectRevert(below);
        house.take(2, 120e18, 120e18, type(uint128).max, BOB, "");
        assertEq(house.auction(2).stock.unmet, 1030.272e18);
        (taken, due) = house.take(2, 120e18, 25e18, type(uint128).max, BOB, "");
        assertEq(taken, 25873879303849920893);
        assertEq(due, 1030.272001e18);
        assertEq(house.auction(2).unsold, 120e18 - taken);
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.NoAuction.selector, 2));
        house.take(2, 1, 0, type(uint128).max, BOB, "");
    }

    /// Need 4,410 at 2,200: 2 would leave 10 of it, less than the 110 that the dust is worth: cut to 1.9545.., which leaves 110.
    function test_a_take_leaves_nothing_of_the_need_or_the_dust() public {
        Terms memory t = terms(2);
        t.need = 4410e18;
        order(startAuction(t));
        vm.startPrank(BOB);
        (uint128 taken, uint128 due) = house.take(2, 2e18, 0, type(uint128).max, BOB, "");
        assertEq(taken, 1954545454545454545);
        assertEq(due, 4300e18);
        assertEq(house.auction(2).stock.unmet, 110e18);
        // Less than the rest would leave less than the dust.
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.NoSuchPart.selector, 2, 0.04e18, 10e18 - taken, 0.05e18));
        house.take(2, 0.04e18, 0, type(uint128).max, BOB, "");
        (taken, due) = house.take(2, 1e18, 0, type(uint128).max, BOB, "");
        assertEq(taken, 0.05e18);
        assertEq(due, 110e18);
        assertEq(reserved(ETH), 10e18);
    }

    /// Takes of next to nothing hold no auction up, and cost its lot nothing.
    function test_a_take_below_the_dust_is_refused() public {
        vm.expectRevert(
            abi.encodeWithSelector(AuctionHouse.NoSuchPart.selector, 1, 0.05e18 - 1, 10e18, 0.05e18)
        );
        _take(BOB, 0.05e18 - 1);
        (uint128 taken,) = _take(BOB, 0.05e18);
        assertEq(taken, 0.05e18);
    }

    function test_a_start_without_need_is_refused() public {
        Terms memory t = terms(2);
        t.need = 0;
        orderFails(startAuction(t), abi.encodeWithSelector(AuctionHouse.WrongTerms.selector, 2));
    }

    function test_an_auction_ends_when_its_need_is_met() public {
        Terms memory t = terms(2);
        t.need = 4400e18;
        order(startAuction(t));
        vm.startPrank(BOB);
        house.take(2, 1e18, 0, type(uint128).max, BOB, "");
        house.take(2, 1e18, 0, type(uint128).max, BOB, "");
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.NoAuction.selector, 2));
        house.take(2, 1e18, 0, type(uint128).max, BOB, "");
        // What is unsold stays in the vault, and free.
        assertEq(vault.free(ETH), 88e18);
    }

    function test_a_take_carries_the_highest_price_it_accepts() public {
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.PriceAbove.selector, 1, 2200e18, 2100e18));
        vm.prank(BOB);
        house.take(1, 1e18, 0, 2100e18, BOB, "");
    }

    function test_nothing_is_sold_at_the_end() public {
        skip(99);
        _take(BOB, 1e18);
        uint64 ends = uint64(T0 * 1000 + 100_000);
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.NotOver.selector, 1, ends, ends - 1000));
        house.end(1);
        skip(1);
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.Over.selector, 1, ends, ends));
        _take(BOB, 1e18);
        bytes32 result = house.auction(1).result;
        uint64 next = sequence() + 1;
        vm.expectEmit(address(vault));
        emit IVaultEvents.Ended(next, 1, result);
        house.end(1);
        assertEq(vault.free(ETH), 99e18);
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.NoAuction.selector, 1));
        house.end(1);
    }

    /// 1 of 10 is sold: a next round offers the other 9, and not what is gone, though the vault holds as much.
    function test_what_was_sold_is_not_offered_again() public {
        depositEth(ALICE, 100e18);
        _take(BOB, 1e18);
        skip(100);
        house.end(1);
        assertEq(house.auction(1).unsold, 9e18);
        orderFails(startAuction(terms(1)), abi.encodeWithSelector(AuctionHouse.LotSold.selector, 1, 9e18, 10e18));
        Terms memory t = terms(1);
        t.quantity = 9e18;
        order(startAuction(t));
        // Called off, it leaves the same 9; sold out, it leaves nothing to offer.
        order(cancelAuction(1, lastNonce));
        t = terms(1);
        t.quantity = 9e18 + 1;
        orderFails(startAuction(t), abi.encodeWithSelector(AuctionHouse.LotSold.selector, 1, 9e18, 9e18 + 1));
        t.quantity = 8e18;
        order(startAuction(t));
        _take(BOB, 8e18);
        t.quantity = 1;
        orderFails(startAuction(t), abi.encodeWithSelector(AuctionHouse.LotSold.selector, 1, 0, 1));
        assertEq(reserved(ETH), 0);
    }

    /// An auction that met its need left what it did not have to sell.
    function test_what_the_need_left_can_be_offered_again() public {
        Terms memory t = terms(2);
        t.need = 4400e18;
        order(startAuction(t));
        vm.prank(BOB);
        house.take(2, 2e18, 0, type(uint128).max, BOB, "");
        (t.quantity, t.need) = (8e18 + 1, 1);
        orderFails(startAuction(t), abi.encodeWithSelector(AuctionHouse.LotSold.selector, 2, 8e18, 8e18 + 1));
        t.quantity = 8e18;
        order(startAuction(t));
    }

    /// A start that was called off before it came has sold nothing: the lot may be offered whole.
    function test_a_start_that_never_was_leaves_the_lot_whole() public {
        startAuction(terms(2));
        order(cancelAuction(2, lastNonce));
        order(startAuction(terms(2)));
    }

    /// 0.5 % of 1,800 is 9; only for a listed maker, only from the invitation on.
    function test_a_listed_maker_keeps_its_rebate_from_the_invitation_on() public {
        order(listMaker(BOB, true));
        skip(39);
        (, uint128 due) = _take(BOB, 1e18);
        assertEq(usdc.balanceOf(address(vault)), due / 1e12);
        skip(1);
        uint64 next = sequence() + 1;
        vm.expectEmit(address(vault));
        emit IVaultEvents.Taken(next, 1, owner(BOB), 1e18, 1800e18, 9e18);
        _take(BOB, 1e18);
        assertEq(booked(USDC), due + 1791e18);
        _rich(ALICE);
        _take(ALICE, 1e18);
        assertEq(booked(USDC), due + 1791e18 + 1800e18);
        order(listMaker(BOB, false));
        _take(BOB, 1e18);
        assertEq(booked(USDC), due + 1791e18 + 3600e18);
    }

    function test_cancel_ends_a_running_auction() public {
        _take(BOB, 1e18);
        bytes32 result = house.auction(1).result;
        bytes memory one = cancelAuction(1, start);
        bytes memory payload = sealed_(batch(one));
        uint64 next = sequence() + 1;
        vm.expectEmit(address(vault));
        emit IVaultEvents.Ended(next, 1, result);
        vm.expectEmit(address(vault));
        emit IVaultEvents.Executed(next + 1, lastNonce);
        vault.execute(payload);
        assertEq(vault.free(ETH), 99e18);
        assertEq(reserved(ETH), 0);
    }

    function test_cancel_of_a_start_that_was_not_carried_out_uses_up_both() public {
        bytes memory late = startAuction(terms(2));
        uint64 lateNonce = lastNonce;
        bytes memory one = cancelAuction(2, lateNonce);
        uint64 cancel = lastNonce;
        bytes memory payload = sealed_(batch(one));
        uint64 next = sequence() + 1;
        vm.expectEmit(address(vault));
        emit IVaultEvents.Ended(
            next, 2, keccak256(abi.encodePacked("BALLAST-LOT-1", domainOf(vault), uint64(2), lateNonce))
        );
        vm.expectEmit(address(vault));
        emit IVaultEvents.Executed(next + 1, cancel);
        vault.execute(payload);
        assertTrue(vault.isDone(lateNonce));
        assertEq(vault.execute(sealed_(batch(late))), 0);
        assertEq(house.auction(2).stock.left, 0);
    }

    /// The auction ended before its cancellation came: that takes effect and tells nothing twice. Nor does it touch
    /// the next round.
    function test_cancel_of_an_auction_that_is_over_tells_no_end() public {
        _take(BOB, 4e18);
        skip(100);
        house.end(1);
        Terms memory t = terms(1);
        t.quantity = 6e18;
        order(startAuction(t));
        uint64 told = sequence();
        order(cancelAuction(1, start));
        assertEq(sequence(), told + 1);
        assertEq(house.auction(1).stock.left, 6e18);
    }

    function test_flash_settlement_pays_out_of_the_collateral() public {
        MockTaker flash = new MockTaker(house, usdc);
        flash.run(1, 4e18, type(uint128).max, BOB, "x");
        assertEq(eth.balanceOf(BOB), 4e18);
        assertEq(booked(USDC), 8800e18);
        assertEq(usdc.balanceOf(address(flash)), 0);
    }

    function test_flash_that_does_not_pay_changes_nothing() public {
        BadTaker bad = new BadTaker(house);
        vm.expectRevert(
            abi.encodeWithSelector(IVault.TransferFailed.selector, address(usdc), address(bad), address(vault), 8800e6)
        );
        bad.run(1, 4e18);
        assertEq(booked(ETH), 100e18);
        assertEq(eth.balanceOf(address(bad)), 0);
    }

    function test_take_for_nobody_or_the_vault_is_refused() public {
        vm.startPrank(BOB);
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.WrongRecipient.selector, address(0)));
        house.take(1, 1e18, 0, type(uint128).max, address(0), "");
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.WrongRecipient.selector, address(vault)));
        house.take(1, 1e18, 0, type(uint128).max, address(vault), "");
    }

    /// Collateral of 6 decimals: the dust is rounded up to a whole unit, a part that is not whole is refused.
    function test_collateral_of_six_decimals_sells_in_whole_units() public {
        depositUsdc(ALICE, 10e6);
        Terms memory t = terms(3);
        (t.asset, t.quantity, t.start, t.floor, t.dust) = (USDC, 10e18, 1.1e18, 0.9e18, 1);
        order(startAuction(t));
        vm.startPrank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotWhole.selector, 1e18 + 1, 1e12));
        house.take(3, 1e18 + 1, 0, type(uint128).max, BOB, "");
        (uint128 taken,) = house.take(3, 10e18 - 1e12, 0, type(uint128).max, BOB, "");
        assertEq(taken, 10e18 - 1e12);
        // A lot that is not whole does not start.
        (t.lot, t.quantity) = (4, 1e18 + 1);
        vm.stopPrank();
        orderFails(startAuction(t), abi.encodeWithSelector(IVault.NotWhole.selector, 1e18 + 1, 1e12));
    }

    function test_terms_that_the_hub_never_orders_fail() public {
        bytes memory reason = abi.encodeWithSelector(AuctionHouse.WrongTerms.selector, 5);
        Terms memory t = terms(5);
        t.floor = t.start + 1;
        orderFails(startAuction(t), reason);
        t = terms(5);
        t.start = 2 ** 90 + 1;
        orderFails(startAuction(t), reason);
        t = terms(5);
        t.stepFactor = 1e18;
        orderFails(startAuction(t), reason);
        t = terms(5);
        t.step = 0;
        orderFails(startAuction(t), reason);
        t = terms(5);
        t.invites = t.opened - 1;
        orderFails(startAuction(t), reason);
        t = terms(5);
        t.ends = t.opened;
        orderFails(startAuction(t), reason);
        t = terms(5);
        t.rebate = 10_001;
        orderFails(startAuction(t), reason);
        assertEq(reserved(ETH), 10e18);
    }

    function test_takes_go_on_in_a_frozen_vault() public {
        freeze(now_() + 60_000, 3);
        _take(BOB, 1e18);
    }

    function test_only_the_vault_starts_cancels_and_lists() public {
        bytes memory one = startAuction(terms(2));
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.NotTheVault.selector, address(this)));
        house.start(one, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.NotTheVault.selector, address(this)));
        house.cancel(1, start);
        vm.expectRevert(abi.encodeWithSelector(AuctionHouse.NotTheVault.selector, address(this)));
        house.listMaker(BOB, true);
    }

    function _take(address who, uint128 wanted) private returns (uint128, uint128) {
        vm.prank(who);
        return house.take(1, wanted, 0, type(uint128).max, who, "");
    }

    function _rich(address who) private {
        usdc.mint(who, 1e12);
        vm.prank(who);
        usdc.approve(address(vault), type(uint256).max);
    }
}

/// Takes the collateral and keeps its money.
contract BadTaker {
    AuctionHouse private immutable house;

    constructor(AuctionHouse house_) {
        house = house_;
    }

    function run(uint64 lot, uint128 wanted) external {
        house.take(lot, wanted, 0, type(uint128).max, address(this), "x");
    }

    function onTake(uint64, uint16, uint128, uint128, bytes calldata) external { }
}
