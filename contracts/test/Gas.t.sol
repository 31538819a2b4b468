// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { MockTaker } from "../src/mocks/MockTaker.sol";
import { Base } from "./Base.sol";

/// What the common calls cost as transactions of their own (FOUNDRY_PROFILE=gas: every call is one, with its 21,000,
/// its calldata, cold storage and refunds). The figures are written to snapshots/Gas.json; GAS.md tells what
/// they are compared with.
contract GasTest is Base {
    MockTaker private flash;
    bytes private payload;

    function setUp() public override {
        super.setUp();
        // A vault in use: nothing is written for the first time but nonces and queued releases.
        depositEth(ALICE, 1000e18);
        depositUsdc(ALICE, 1_000_000e6);
        order(release(0, ETH, 1e18, BOB));
        order(release(0, USDC, 1e18, BOB));
        eth.mint(ALICE, 100e18);
        usdc.mint(BOB, 1e12);
        vm.prank(ALICE);
        eth.approve(address(vault), type(uint256).max);
        vm.prank(BOB);
        usdc.approve(address(vault), type(uint256).max);
        vm.deal(ALICE, 10 ether);
        vm.prank(ALICE);
        vault.depositNative{ value: 1 ether }(owner(ALICE), 0, WCOIN);
        flash = new MockTaker(house, usdc);
        order(startAuction(terms(1)));
        skip(20);
        vm.prank(BOB);
        house.take(1, 1e18, 0, type(uint128).max, BOB, "");
    }

    function test_gas_deposit() public {
        vm.prank(ALICE);
        vault.deposit(owner(ALICE), 0, ETH, 1e18);
        vm.snapshotGasLastCall("Gas", "deposit, ERC-20");
    }

    function test_gas_deposit_native() public {
        vm.prank(ALICE);
        vault.depositNative{ value: 1 ether }(owner(ALICE), 0, WCOIN);
        vm.snapshotGasLastCall("Gas", "deposit, the chain's own coin");
    }

    function test_gas_release_5_of_7() public {
        payload = sealed_(batch(release(0, ETH, 1e18, BOB)));
        vault.execute(payload);
        vm.snapshotGasLastCall("Gas", "release, 5 of 7 signatures");
    }

    function test_gas_release_14_of_20() public {
        uint256[] memory next = sorted(20, 7);
        order(rotate(2, next));
        keys = next;
        payload = sealed_(batch(release(0, ETH, 1e18, BOB)));
        vault.execute(payload);
        vm.snapshotGasLastCall("Gas", "release, 14 of 20 signatures");
    }

    function test_gas_release_ten_in_a_batch() public {
        bytes memory orders = abi.encodePacked(uint16(10));
        for (uint256 i; i < 10; ++i) {
            bytes memory one = release(0, ETH, 1e18, BOB);
            orders = abi.encodePacked(orders, uint16(one.length), one);
        }
        payload = sealed_(orders);
        vault.execute(payload);
        vm.snapshotGasLastCall("Gas", "release, ten in a batch, 5 of 7 signatures");
    }

    function test_gas_start_auction() public {
        payload = sealed_(batch(startAuction(terms(2))));
        vault.execute(payload);
        vm.snapshotGasLastCall("Gas", "start of an auction, 5 of 7 signatures");
    }

    function test_gas_take() public {
        vm.prank(BOB);
        house.take(1, 1e18, 0, type(uint128).max, BOB, "");
        vm.snapshotGasLastCall("Gas", "take, part of a lot");
    }

    function test_gas_take_last() public {
        vm.prank(BOB);
        house.take(1, 9e18, 0, type(uint128).max, BOB, "");
        vm.snapshotGasLastCall("Gas", "take, the rest of a lot");
    }

    function test_gas_take_flash() public {
        flash.run(1, 1e18, type(uint128).max, BOB, "x");
        vm.snapshotGasLastCall("Gas", "take, with a callback that mints the coin");
    }

    function test_gas_rotate_20() public {
        payload = sealed_(batch(rotate(2, sorted(20, 7))));
        vault.execute(payload);
        vm.snapshotGasLastCall("Gas", "rotation to 20 signers, 5 of 7 signatures");
    }

    function test_gas_migrate() public {
        order(migrate(NEVER, address(newVault(address(0), address(vault)))));
        skip(3 days);
        house.end(1);
        vault.migrate(lastNonce);
        vm.snapshotGasLastCall("Gas", "migration of three tokens");
    }
}
