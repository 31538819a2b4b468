// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Base } from "./Base.sol";

interface ISafeFactory {
    function createProxyWithNonce(address singleton, bytes calldata setup, uint256 salt) external returns (address);
}

interface ISafe {
    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address handler,
        address paymentToken,
        uint256 payment,
        address paymentReceiver
    ) external;
    function nonce() external view returns (uint256);
    function getTransactionHash(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        uint256 nonce_
    ) external view returns (bytes32);
    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        bytes calldata signatures
    ) external returns (bool);
}

/// The reserve's cold store: Safe's own contracts, five of eight. Nothing of it is ours.
contract SafeTest is Base {
    string private constant SAFE = "node_modules/@safe-global/safe-smart-account/build/artifacts/contracts/";

    ISafe private cold;
    uint256[] private owners;

    function setUp() public override {
        super.setUp();
        owners = sorted(8, 88);
        address singleton = deployFile(string.concat(SAFE, "Safe.sol/Safe.json"), "");
        address factory = deployFile(string.concat(SAFE, "proxies/SafeProxyFactory.sol/SafeProxyFactory.json"), "");
        bytes memory init = abi.encodeCall(
            ISafe.setup, (addresses(owners), 5, address(0), "", address(0), address(0), 0, address(0))
        );
        cold = ISafe(ISafeFactory(factory).createProxyWithNonce(singleton, init, 1));
        depositUsdc(ALICE, 100e6);
    }

    /// Collection: from the float in the vault to the eight. Replenishment: five of them send it back, as a deposit
    /// for whichever account of the hub takes it.
    function test_float_goes_cold_and_five_of_eight_bring_it_back() public {
        order(release(2, USDC, 60e18, address(cold)));
        assertEq(usdc.balanceOf(address(cold)), 60e6);
        _exec(address(usdc), abi.encodeCall(usdc.approve, (address(vault), 60e6)), 5);
        _exec(address(vault), abi.encodeCall(vault.deposit, (owner(address(cold)), 0, USDC, 60e6)), 5);
        assertEq(booked(USDC), 100e18);
    }

    function test_four_of_eight_move_nothing() public {
        order(release(2, USDC, 60e18, address(cold)));
        bytes memory data = abi.encodeCall(usdc.transfer, (BOB, 60e6));
        vm.expectRevert(bytes("GS020"));
        this.exec(address(usdc), data, 4);
        assertEq(usdc.balanceOf(address(cold)), 60e6);
    }

    function exec(address to, bytes calldata data, uint256 count) external {
        _exec(to, data, count);
    }

    function _exec(address to, bytes memory data, uint256 count) private {
        bytes32 hash =
            cold.getTransactionHash(to, 0, data, 0, 0, 0, 0, address(0), address(0), cold.nonce());
        bytes memory signatures;
        for (uint256 i; i < count; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(owners[i], hash);
            signatures = abi.encodePacked(signatures, r, s, v);
        }
        assertTrue(cold.execTransaction(to, 0, data, 0, 0, 0, 0, address(0), address(0), signatures));
    }
}
