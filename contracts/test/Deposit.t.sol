// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IVault } from "../src/interfaces/IVault.sol";
import { Base, IVaultEvents } from "./Base.sol";

contract DepositTest is Base {
    uint256 private constant KEY = 0xA11CE;

    function test_deposit_books_wad_and_numbers_the_fact() public {
        usdc.mint(ALICE, 5e6);
        vm.startPrank(ALICE);
        usdc.approve(address(vault), 5e6);
        uint64 next = sequence() + 1;
        vm.expectEmit(address(vault));
        // Six decimals on the chain, eighteen for the hub. Anybody may deposit for any account.
        emit IVaultEvents.Deposited(next, owner(BOB), 7, USDC, 5e18);
        vault.deposit(owner(BOB), 7, USDC, 5e6);
        assertEq(booked(USDC), 5e18);
        assertEq(usdc.balanceOf(address(vault)), 5e6);
        assertEq(sequence(), next);
    }

    function test_deposit_takes_an_owner_of_32_bytes() public {
        eth.mint(ALICE, 1);
        vm.startPrank(ALICE);
        eth.approve(address(vault), 1);
        vault.deposit(keccak256("a Solana key"), 0, ETH, 1);
        assertEq(booked(ETH), 1);
    }

    function test_deposit_by_permit() public {
        address alice = vm.addr(KEY);
        usdc.mint(alice, 3e6);
        (uint8 v, bytes32 r, bytes32 s) = _permit(alice, 3e6);
        vm.prank(alice);
        vault.depositWithPermit(owner(alice), 0, USDC, 3e6, T0, v, r, s);
        assertEq(booked(USDC), 3e18);
    }

    /// Somebody sees the permit in the pool of transactions and carries it out first.
    function test_deposit_by_a_permit_that_was_used_before() public {
        address alice = vm.addr(KEY);
        usdc.mint(alice, 3e6);
        (uint8 v, bytes32 r, bytes32 s) = _permit(alice, 3e6);
        usdc.permit(alice, address(vault), 3e6, T0, v, r, s);
        vm.prank(alice);
        vault.depositWithPermit(owner(alice), 0, USDC, 3e6, T0, v, r, s);
        assertEq(booked(USDC), 3e18);
    }

    function test_deposit_of_the_chains_own_coin_is_wrapped() public {
        vm.deal(ALICE, 2 ether);
        vm.prank(ALICE);
        vault.depositNative{ value: 2 ether }(owner(ALICE), 0, WCOIN);
        assertEq(booked(WCOIN), 2e18);
        assertEq(wcoin.balanceOf(address(vault)), 2e18);
        assertEq(address(vault).balance, 0);
    }

    function test_native_deposit_under_another_token_is_refused() public {
        vm.deal(ALICE, 1 ether);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotTheWrapped.selector, ETH, address(eth), address(wcoin)));
        vault.depositNative{ value: 1 ether }(owner(ALICE), 0, ETH);
    }

    function test_plain_coin_is_refused() public {
        vm.deal(ALICE, 1 ether);
        vm.prank(ALICE);
        (bool sent,) = address(vault).call{ value: 1 ether }("");
        assertFalse(sent);
    }

    function test_deposit_of_an_unknown_token_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.UnknownAsset.selector, 9));
        vault.deposit(owner(ALICE), 0, 9, 1);
    }

    function test_deposit_of_nothing_is_refused() public {
        vm.expectRevert(IVault.NothingToMove.selector);
        vault.deposit(owner(ALICE), 0, ETH, 0);
    }

    function test_deposit_for_nobody_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongOwner.selector, bytes32(0)));
        vault.deposit(0, 0, ETH, 1);
    }

    function test_deposit_for_an_address_padded_on_the_wrong_side_is_refused() public {
        bytes32 wrong = bytes32(bytes20(ALICE));
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongOwner.selector, wrong));
        vault.deposit(wrong, 0, ETH, 1);
    }

    function test_deposit_beyond_the_hubs_range_is_refused() public {
        depositEth(ALICE, 2 ** 110 - 1);
        eth.mint(ALICE, 2);
        vm.startPrank(ALICE);
        eth.approve(address(vault), 2);
        vm.expectRevert(abi.encodeWithSelector(IVault.TooMuch.selector, ETH, 2 ** 110 - 1, 2, 2 ** 110));
        vault.deposit(owner(ALICE), 0, ETH, 2);
        vault.deposit(owner(ALICE), 0, ETH, 1);
        assertEq(booked(ETH), 2 ** 110);
    }

    function test_deposit_without_allowance_is_refused() public {
        vm.expectRevert(
            abi.encodeWithSelector(IVault.TransferFailed.selector, address(eth), address(this), address(vault), 5)
        );
        vault.deposit(owner(ALICE), 0, ETH, 5);
        assertEq(booked(ETH), 0);
    }

    /// Pausing never blocks repayment.
    function test_deposit_into_a_frozen_vault_goes_on() public {
        freeze(now_() + 1000, 3);
        depositEth(ALICE, 5);
        assertEq(booked(ETH), 5);
    }

    /// A gift changes no book.
    function test_a_token_sent_by_mistake_is_not_booked() public {
        eth.mint(address(vault), 1e18);
        assertEq(booked(ETH), 0);
        assertEq(vault.free(ETH), 0);
    }

    function _permit(address alice, uint256 raw) private view returns (uint8, bytes32, bytes32) {
        bytes32 permit =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 content = keccak256(abi.encode(permit, alice, address(vault), raw, 0, T0));
        return vm.sign(KEY, keccak256(abi.encodePacked(hex"1901", usdc.DOMAIN_SEPARATOR(), content)));
    }
}
