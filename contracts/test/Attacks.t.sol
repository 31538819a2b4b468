// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Vm } from "forge-std/Vm.sol";
import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { AuctionHouse } from "../src/AuctionHouse.sol";
import { Vault } from "../src/Vault.sol";
import { ITaker } from "../src/interfaces/ITaker.sol";
import { IVault } from "../src/interfaces/IVault.sol";
import { Certificates } from "../src/lib/Certificates.sol";
import { Base, IVaultEvents } from "./Base.sol";
import {
    BombToken,
    BurnToken,
    DearToken,
    FeeToken,
    GreedyToken,
    RebasingToken,
    ReentrantToken,
    SilentToken
} from "./mocks/Tokens.sol";

/// Each attack that the vault was built against, by name.
contract AttacksTest is Base {
    uint16 private constant EVIL = 66;
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    // Certificates

    function test_replayed_certificate() public {
        depositEth(ALICE, 10e18);
        bytes memory payload = sealed_(batch(release(0, ETH, 1e18, BOB)));
        assertEq(vault.execute(payload), 1);
        assertEq(vault.execute(payload), 0);
        assertEq(eth.balanceOf(BOB), 1e18);
    }

    function test_certificate_of_another_chain() public {
        depositEth(ALICE, 10e18);
        bytes memory payload = sealed_(batch(release(0, ETH, 1e18, BOB)));
        // The chain forks, and the copy has another id: the same vault, another domain.
        vm.chainId(61);
        vm.expectPartialRevert(Certificates.NotASigner.selector);
        vault.execute(payload);
    }

    function test_certificate_of_another_vault() public {
        Vault other = newVault(address(0));
        bytes memory payload = sealed_(batch(unfreeze()));
        vm.expectPartialRevert(Certificates.NotASigner.selector);
        other.execute(payload);
    }

    function test_rotated_out_signer() public {
        depositEth(ALICE, 10e18);
        uint256[] memory next = sorted(7, 2);
        uint256[] memory old = keys;
        order(rotate(2, next));
        // The old five sign for the new epoch.
        bytes memory orders = batch(release(0, ETH, 1e18, BOB));
        bytes32 digest = ordersDigest(domainOf(vault), 2, orders);
        vm.expectRevert(abi.encodeWithSelector(Certificates.NotASigner.selector, 0, vm.addr(old[0])));
        vault.execute(abi.encodePacked(certify(digest, old, 5), uint32(2), orders));
    }

    function test_too_few_signatures() public {
        bytes memory orders = batch(unfreeze());
        bytes32 digest = ordersDigest(domainOf(vault), 1, orders);
        vm.expectRevert(abi.encodeWithSelector(Certificates.TooFewSignatures.selector, 4, 5));
        vault.execute(abi.encodePacked(certify(digest, keys, 4), uint32(1), orders));
    }

    function test_one_signer_five_times() public {
        bytes memory orders = batch(unfreeze());
        bytes32 digest = ordersDigest(domainOf(vault), 1, orders);
        uint256[] memory same = new uint256[](5);
        for (uint256 i; i < 5; ++i) same[i] = keys[2];
        vm.expectRevert(abi.encodeWithSelector(Certificates.NotASigner.selector, 1, vm.addr(keys[2])));
        vault.execute(abi.encodePacked(certify(digest, same, 5), uint32(1), orders));
    }

    function test_signers_out_of_order() public {
        bytes memory orders = batch(unfreeze());
        bytes32 digest = ordersDigest(domainOf(vault), 1, orders);
        (keys[0], keys[1]) = (keys[1], keys[0]);
        vm.expectRevert(abi.encodeWithSelector(Certificates.NotASigner.selector, 1, vm.addr(keys[1])));
        vault.execute(abi.encodePacked(certify(digest, keys, 5), uint32(1), orders));
    }

    /// (r, n - s, the other v) is as good a signature for ecrecover, and would make a second form of the payload.
    function test_high_s_signature() public {
        bytes memory orders = batch(unfreeze());
        bytes32 digest = ordersDigest(domainOf(vault), 1, orders);
        bytes memory certificate = abi.encodePacked(uint8(5));
        for (uint256 i; i < 5; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[i], digest);
            if (i == 3) (v, s) = (v == 27 ? 28 : 27, bytes32(ORDER - uint256(s)));
            certificate = abi.encodePacked(certificate, r, s, v);
        }
        vm.expectPartialRevert(Certificates.MalformedSignature.selector);
        vault.execute(abi.encodePacked(certificate, uint32(1), orders));
    }

    function test_signature_of_nobody() public {
        bytes memory orders = batch(unfreeze());
        bytes memory certificate = abi.encodePacked(uint8(5), new bytes(64), uint8(27));
        for (uint256 i; i < 4; ++i) certificate = abi.encodePacked(certificate, new bytes(64), uint8(27));
        vm.expectRevert(abi.encodeWithSelector(Certificates.NotASigner.selector, 0, address(0)));
        vault.execute(abi.encodePacked(certificate, uint32(1), orders));
    }

    /// What was signed as orders freezes nothing, and the other way round: the words before it differ.
    function test_certificate_of_another_purpose() public {
        bytes memory orders = batch(unfreeze());
        bytes memory certificate = certify(ordersDigest(domainOf(vault), 1, orders), keys, 5);
        vm.expectPartialRevert(Certificates.NotASigner.selector);
        vault.freeze(certificate, 1, now_() + 1000);
    }

    // Tokens

    function test_fee_on_transfer_token() public {
        FeeToken token = new FeeToken();
        _list(address(token));
        token.mint(ALICE, 100);
        vm.startPrank(ALICE);
        token.approve(address(vault), 100);
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongArrival.selector, address(token), 100, 99));
        vault.deposit(owner(ALICE), 0, EVIL, 100);
        assertEq(booked(EVIL), 0);
    }

    /// It takes its fee from the sender, on top: what left would be more than what was booked.
    function test_fee_from_the_sender_token() public {
        BurnToken token = new BurnToken();
        _list(address(token));
        _deposit(token, 100);
        orderFails(
            release(0, EVIL, 50, BOB), abi.encodeWithSelector(IVault.WrongArrival.selector, address(token), 50, 51)
        );
        assertEq(token.balanceOf(address(vault)), 100);
        assertEq(booked(EVIL), 100);
    }

    function test_token_that_says_false() public {
        SilentToken token = new SilentToken();
        _list(address(token));
        token.mint(ALICE, 100);
        vm.prank(ALICE);
        vm.expectRevert(
            abi.encodeWithSelector(IVault.TransferFailed.selector, address(token), ALICE, address(vault), 100)
        );
        vault.deposit(owner(ALICE), 0, EVIL, 100);
    }

    /// It grows: the growth is nobody's here. It shrinks: the last to leave find it short, and nobody gets more than
    /// was booked.
    function test_rebasing_token() public {
        RebasingToken token = new RebasingToken();
        _list(address(token));
        _deposit(token, 100);
        token.rebase(2);
        assertEq(booked(EVIL), 100);
        orderFails(
            release(0, EVIL, 101, BOB), abi.encodeWithSelector(IVault.TooLittleFree.selector, EVIL, 100, 101)
        );
        order(release(0, EVIL, 60, BOB));
        assertEq(token.balanceOf(BOB), 60);
        assertEq(booked(EVIL), 40);
        token.rebase(0);
        orderFails(
            release(0, EVIL, 40, BOB),
            abi.encodeWithSelector(IVault.TransferFailed.selector, address(token), address(vault), BOB, 40)
        );
        assertEq(booked(EVIL), 40);
    }

    /// While it is moved, the token calls back: a second deposit, a delivery, a payment. All are locked out.
    function test_reentrant_token() public {
        ReentrantToken token = new ReentrantToken();
        _list(address(token));
        _deposit(token, 100);
        bytes memory locked =
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        bytes memory other = sealed_(batch(release(0, EVIL, 100, BOB)));
        token.arm(address(vault), abi.encodeCall(vault.execute, (other)));
        order(release(0, EVIL, 10, BOB));
        assertEq(token.answer(), locked);
        token.arm(address(vault), abi.encodeCall(vault.deposit, (owner(BOB), 0, EVIL, 5)));
        order(release(0, EVIL, 10, BOB));
        assertEq(token.answer(), locked);
        token.arm(address(vault), abi.encodeCall(vault.pay, (1)));
        order(release(0, EVIL, 10, BOB));
        assertEq(token.answer(), locked);
        token.arm(address(vault), abi.encodeCall(vault.execute, (other)));
        _deposit(token, 100);
        assertEq(token.answer(), locked);
        // The release that tried to come between is still to be had, once.
        assertEq(booked(EVIL), 170);
        assertEq(vault.execute(other), 1);
        assertEq(token.balanceOf(BOB), 130);
    }

    /// Gives tokens to the vault while it deposits others, so that more arrives than was asked for.
    function test_deposit_counted_twice() public {
        ReentrantToken token = new ReentrantToken();
        _list(address(token));
        token.mint(address(token), 100);
        token.mint(ALICE, 100);
        vm.startPrank(ALICE);
        token.approve(address(vault), 100);
        token.arm(address(token), abi.encodeCall(token.transfer, (address(vault), 100)));
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongArrival.selector, address(token), 100, 200));
        vault.deposit(owner(ALICE), 0, EVIL, 100);
    }

    /// Reverts with a megabyte: 256 bytes at most are told, nobody pays for a copy, and the rest of the batch goes on.
    function test_return_data_bomb() public {
        BombToken token = new BombToken();
        _list(address(token));
        _deposit(token, 100);
        depositEth(ALICE, 1e18);
        token.arm();
        bytes memory bomb = release(0, EVIL, 10, BOB);
        bytes memory fine = release(0, ETH, 1e18, BOB);
        bytes memory payload = sealed_(batch(bomb, fine));
        uint256 before = gasleft();
        assertEq(vault.execute(payload), 1);
        assertLt(before - gasleft(), 2_500_000, "a megabyte of memory costs 2,050,000");
        assertEq(eth.balanceOf(BOB), 1e18);
        assertEq(booked(EVIL), 100);
    }

    /// Burns all the gas it gets: the most that an order gets, and the rest of the batch goes on.
    function test_gas_griefing_token() public {
        bytes memory payload = _greedy();
        uint256 before = gasleft();
        assertEq(vault.execute(payload), 1);
        assertLt(before - gasleft(), vault.GAS_MOST() + 68 * vault.GAS_A_BYTE() + 300_000);
        assertEq(eth.balanceOf(BOB), 1e18);
    }

    /// A chain whose transactions have less gas than that: whoever delivers leaves that order out.
    function test_a_batch_is_delivered_around_a_gas_griefing_token() public {
        bytes memory payload = _greedy();
        (bool delivered,) = address(vault).call{ gas: 8_000_000 }(abi.encodeCall(vault.execute, (payload)));
        assertFalse(delivered);
        assertEq(vault.executePart{ gas: 400_000 }(payload, 1, 2), 1);
        assertEq(eth.balanceOf(BOB), 1e18);
        // Twice is once, and beyond the end is nothing.
        assertEq(vault.executePart(payload, 1, 9), 0);
        assertEq(vault.executePart(payload, 2, 1), 0);
    }

    function _greedy() private returns (bytes memory) {
        GreedyToken token = new GreedyToken();
        _list(address(token));
        _deposit(token, 100);
        depositEth(ALICE, 1e18);
        token.arm();
        return sealed_(batch(release(0, EVIL, 10, BOB), release(0, ETH, 1e18, BOB)));
    }

    /// A chain that charges several times as much for state: a transfer that burns four times of what an order once
    /// got takes effect, at any figure above what it needs, and no delivery below that looks done.
    function test_a_transfer_that_is_dear_takes_effect() public {
        DearToken token = new DearToken();
        _list(address(token));
        _deposit(token, 100);
        token.arm(1_400_000, 0);
        _takesEffectAtAnyFigure(EVIL, 3_000_000, 30_011);
        assertEq(token.balanceOf(BOB), 1);
    }

    /// The same where the transfer runs through a dozen of contracts, each of which is left a 64th when the last one has
    /// none any more.
    function test_gas_griefing_courier_of_a_token_of_many_calls() public {
        DearToken token = new DearToken();
        _list(address(token));
        _deposit(token, 100);
        token.arm(300_000, 12);
        _takesEffectAtAnyFigure(EVIL, 1_500_000, 3_001);
        assertEq(token.balanceOf(BOB), 1);
    }

    /// An order that fails for a reason of its own is not told to have failed for want of gas, at any figure; nor are the
    /// others of its batch lost.
    function test_an_order_that_fails_does_so_for_its_own_reason_at_any_figure() public {
        depositEth(ALICE, 10e18);
        bytes memory one = release(0, ETH, 11e18, BOB);
        uint64 failing = lastNonce;
        bytes memory payload = sealed_(batch(one, release(0, ETH, 1e18, BOB)));
        bytes memory why = abi.encodeWithSelector(IVault.TooLittleFree.selector, ETH, 10e18, 11e18);
        bytes memory call = abi.encodeCall(vault.execute, (payload));
        uint256 passed;
        for (uint256 gas_ = 60_000; gas_ < 400_000; gas_ += 1_999) {
            uint256 before = vm.snapshotState();
            vm.recordLogs();
            (bool delivered, bytes memory answer) = address(vault).call{ gas: gas_ }(call);
            if (delivered) {
                ++passed;
                assertEq(abi.decode(answer, (uint256)), 1);
                Vm.Log memory told = vm.getRecordedLogs()[0];
                assertEq(told.topics[0], IVaultEvents.OrderFailed.selector);
                assertEq(uint256(told.topics[1]), failing);
                assertEq(abi.decode(told.data, (bytes)), why);
            }
            vm.revertToState(before);
        }
        assertGt(passed, 50);
    }

    /// Delivers the release of one with every figure up to `most`: the whole transaction reverts, or it takes effect.
    function _takesEffectAtAnyFigure(uint16 asset, uint256 most, uint256 step) private {
        bytes memory payload = sealed_(batch(release(0, asset, 1, BOB)));
        bytes memory call = abi.encodeCall(vault.execute, (payload));
        uint64 nonce = lastNonce;
        bool before;
        for (uint256 gas_ = 60_000; gas_ < most; gas_ += step) {
            uint256 state = vm.snapshotState();
            (bool delivered, bytes memory answer) = address(vault).call{ gas: gas_ }(call);
            if (delivered) assertEq(abi.decode(answer, (uint256)), 1, vm.toString(gas_));
            assertEq(vault.isDone(nonce), delivered);
            // Once it is enough, more is.
            assertTrue(delivered || !before);
            before = delivered;
            vm.revertToState(state);
        }
        assertTrue(before);
        vault.execute(payload);
    }

    /// A courier brings just too little, so that an order would fail inside and the delivery would look done.
    function test_gas_griefing_courier() public {
        depositEth(ALICE, 10e18);
        bytes memory one = release(0, ETH, 1e18, BOB);
        uint64 nonce = lastNonce;
        bytes memory payload = sealed_(batch(one));
        for (uint256 gas_ = 60_000; gas_ < 600_000; gas_ += 499) {
            (bool delivered, bytes memory answer) =
                address(vault).call{ gas: gas_ }(abi.encodeCall(vault.execute, (payload)));
            // Either the whole transaction reverts, or the order took effect.
            if (delivered) {
                assertEq(abi.decode(answer, (uint256)), 1);
                assertTrue(vault.isDone(nonce));
                return;
            }
        }
        fail();
    }

    // Auctions

    /// While it is called back: another take, an end, a cancellation, a start. The house is locked; what came by a
    /// certificate fails there and can be delivered again.
    function test_reentrant_callback() public {
        depositEth(ALICE, 100e18);
        order(startAuction(terms(1)));
        bytes memory cancel = sealed_(batch(cancelAuction(1, lastNonce)));
        uint64 cancelNonce = lastNonce;
        ReentrantTaker taker = new ReentrantTaker(house, vault);
        usdc.mint(address(taker), 1e12);
        taker.approve(address(usdc));
        taker.run(1, cancel);
        bytes memory locked =
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        assertEq(taker.take(), locked);
        assertEq(taker.end(), locked);
        assertEq(taker.pay(), abi.encodeWithSelector(IVault.NotTheHouse.selector, address(taker)));
        assertFalse(vault.isDone(cancelNonce));
        assertEq(house.auction(1).stock.left, 9e18);
        assertEq(booked(USDC), 2200e18);
        assertEq(vault.execute(cancel), 1);
    }

    /// Deposits the collateral again while it is called back, and pays: what it bought is what it deposits.
    function test_deposit_in_the_callback_is_an_ordinary_deposit() public {
        depositEth(ALICE, 100e18);
        order(startAuction(terms(1)));
        DepositingTaker taker = new DepositingTaker(house, vault);
        usdc.mint(address(taker), 1e12);
        taker.approve(address(usdc), address(eth));
        taker.run(1);
        assertEq(booked(ETH), 100e18);
        assertEq(eth.balanceOf(address(vault)), 100e18);
        assertEq(booked(USDC), 2200e18);
    }

    function _list(address token) private {
        order(listToken(EVIL, token, 1));
        order(setLimits(EVIL, type(uint128).max, 1 days, type(uint128).max, 0));
    }

    function _deposit(ERC20 token, uint256 raw) private {
        RebasingToken(address(token)).mint(ALICE, raw);
        vm.startPrank(ALICE);
        token.approve(address(vault), raw);
        vault.deposit(owner(ALICE), 0, EVIL, raw);
        vm.stopPrank();
    }
}

contract ReentrantTaker is ITaker {
    AuctionHouse private immutable house;
    Vault private immutable vault;
    bytes public take;
    bytes public end;
    bytes public pay;

    constructor(AuctionHouse house_, Vault vault_) {
        house = house_;
        vault = vault_;
    }

    function approve(address token) external {
        ERC20(token).approve(address(vault), type(uint256).max);
    }

    function run(uint64 lot, bytes calldata payload) external {
        house.take(lot, 1e18, 0, type(uint128).max, address(this), payload);
    }

    function onTake(uint64 lot, uint16, uint128, uint128, bytes calldata payload) external {
        (, take) = address(house).call(
            abi.encodeCall(house.take, (lot, uint128(1e18), 0, type(uint128).max, address(this), ""))
        );
        (, end) = address(house).call(abi.encodeCall(house.end, (lot)));
        (, pay) = address(vault).call(abi.encodeCall(vault.payOut, (2, uint128(1e18), address(this))));
        vault.execute(payload);
    }
}

contract DepositingTaker is ITaker {
    AuctionHouse private immutable house;
    Vault private immutable vault;

    constructor(AuctionHouse house_, Vault vault_) {
        house = house_;
        vault = vault_;
    }

    function approve(address one, address two) external {
        ERC20(one).approve(address(vault), type(uint256).max);
        ERC20(two).approve(address(vault), type(uint256).max);
    }

    function run(uint64 lot) external {
        house.take(lot, 1e18, 0, type(uint128).max, address(this), "x");
    }

    function onTake(uint64, uint16 asset, uint128 quantity, uint128, bytes calldata) external {
        vault.deposit(bytes32(uint256(uint160(address(this)))), 0, asset, quantity);
    }
}
