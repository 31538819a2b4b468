// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";
import { AuctionHouse } from "../src/AuctionHouse.sol";
import { Vault } from "../src/Vault.sol";
import { Messages } from "../src/lib/Messages.sol";
import { MockToken } from "../src/mocks/MockToken.sol";
import { MockWrapped } from "../src/mocks/MockWrapped.sol";

/// Seven validators, a vault with a coin of 6 decimals and collateral of 18, and the hub's side of the wire: this
/// encodes orders on its own, with none of the contracts' code.
abstract contract Base is Test {
    struct Terms {
        uint64 lot;
        uint16 asset;
        uint128 quantity;
        uint64 opened;
        uint128 start;
        uint128 floor;
        uint128 stepFactor;
        uint64 step;
        uint64 invites;
        uint64 ends;
        uint128 need;
        uint128 dust;
        uint16 rebate;
    }

    uint16 internal constant USDC = 1;
    uint16 internal constant ETH = 2;
    uint16 internal constant WCOIN = 3;
    uint256 internal constant T0 = 1_800_000_000;
    uint64 internal constant NEVER = type(uint64).max;
    address internal constant ALICE = address(uint160(uint256(keccak256("Alice"))));
    address internal constant BOB = address(uint160(uint256(keccak256("Bob"))));

    MockToken internal usdc;
    MockToken internal eth;
    MockWrapped internal wcoin;
    Vault internal vault;
    AuctionHouse internal house;
    /// Ascending by address.
    uint256[] internal keys;
    uint64 internal lastNonce;

    function setUp() public virtual {
        vm.warp(T0);
        usdc = new MockToken("USD Coin", "USDC", 6);
        eth = new MockToken("Ether", "ETH", 18);
        wcoin = new MockWrapped();
        keys = sorted(7, 1);
        vault = newVault(address(0));
        house = vault.house();
        order(listToken(ETH, address(eth), 1));
        order(listToken(WCOIN, address(wcoin), 1));
        order(setLimits(USDC, type(uint128).max, 1 days, type(uint128).max, 0));
        order(setLimits(ETH, type(uint128).max, 1 days, type(uint128).max, 0));
        order(setLimits(WCOIN, type(uint128).max, 1 days, type(uint128).max, 0));
    }

    function newVault(address gateway) internal returns (Vault) {
        return newVault(gateway, address(0));
    }

    function newVault(address gateway, address predecessor) internal returns (Vault) {
        return Vault(deploy("Vault", abi.encode(1, addresses(keys), USDC, usdc, wcoin, gateway, predecessor)));
    }

    /// One of our contracts: as these sources compile, or with SHIPPED=true as it stands in artifacts/.
    function deploy(string memory name, bytes memory args) internal returns (address) {
        return vm.envOr("SHIPPED", false)
            ? deployFile(string.concat("artifacts/", name, ".json"), args)
            : create(abi.encodePacked(vm.getCode(string.concat(name, ".sol:", name)), args));
    }

    /// A contract out of a JSON file with its bytecode.
    function deployFile(string memory path, bytes memory args) internal returns (address) {
        return create(abi.encodePacked(vm.parseJsonBytes(vm.readFile(path), ".bytecode"), args));
    }

    function create(bytes memory code) internal returns (address deployed) {
        assembly {
            deployed := create(0, add(code, 32), mload(code))
        }
        require(deployed != address(0), "not created");
    }

    // Keys

    function sorted(uint256 n, uint256 seed) internal pure returns (uint256[] memory out) {
        out = new uint256[](n);
        address[] memory signers = new address[](n);
        for (uint256 i; i < n; ++i) {
            uint256 key = uint256(keccak256(abi.encode(seed, i))) >> 1;
            address signer = vm.addr(key);
            uint256 j = i;
            for (; j > 0 && signers[j - 1] > signer; --j) (out[j], signers[j]) = (out[j - 1], signers[j - 1]);
            (out[j], signers[j]) = (key, signer);
        }
    }

    function addresses(uint256[] memory from) internal pure returns (address[] memory out) {
        out = new address[](from.length);
        for (uint256 i; i < from.length; ++i) out[i] = vm.addr(from[i]);
    }

    function packed(uint256[] memory from) internal pure returns (bytes memory out) {
        for (uint256 i; i < from.length; ++i) out = abi.encodePacked(out, vm.addr(from[i]));
    }

    /// The first `count` of `with` sign.
    function certify(bytes32 digest, uint256[] memory with, uint256 count) internal pure returns (bytes memory out) {
        out = abi.encodePacked(uint8(count));
        for (uint256 i; i < count; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(with[i], digest);
            out = abi.encodePacked(out, r, s, v);
        }
    }

    // Orders

    function head(uint8 kind, uint64 expires) internal returns (bytes memory) {
        return abi.encodePacked(++lastNonce, expires, kind);
    }

    function release(uint8 reason, uint16 asset, uint128 amount, address to) internal returns (bytes memory) {
        return releaseUntil(NEVER, reason, asset, amount, bytes32(uint256(uint160(to))));
    }

    function releaseUntil(uint64 expires, uint8 reason, uint16 asset, uint128 amount, bytes32 to)
        internal
        returns (bytes memory)
    {
        return abi.encodePacked(head(1, expires), reason, asset, amount, to);
    }

    function startAuction(Terms memory t) internal returns (bytes memory) {
        bytes memory first = abi.encodePacked(head(2, NEVER), t.lot, t.asset, t.quantity, t.opened, t.start, t.floor);
        return abi.encodePacked(first, t.stepFactor, t.step, t.invites, t.ends, t.need, t.dust, t.rebate);
    }

    function cancelAuction(uint64 lot, uint64 start) internal returns (bytes memory) {
        return abi.encodePacked(head(3, NEVER), lot, start);
    }

    function bridge(uint64 lot, uint16 asset, uint128 amount, uint16 to) internal returns (bytes memory) {
        return abi.encodePacked(head(4, NEVER), lot, asset, amount, to);
    }

    function rotate(uint32 epoch, uint256[] memory next) internal returns (bytes memory) {
        return abi.encodePacked(head(5, NEVER), epoch, uint16(next.length), packed(next));
    }

    /// `window` and `delay` in seconds.
    function setLimits(uint16 asset, uint128 outflow, uint64 window, uint128 delayAbove, uint64 delay)
        internal
        returns (bytes memory)
    {
        return abi.encodePacked(head(6, NEVER), asset, outflow, window * 1000, delayAbove, delay * 1000);
    }

    function listMaker(address maker, bool listed) internal returns (bytes memory) {
        return abi.encodePacked(head(7, NEVER), bytes32(uint256(uint160(maker))), listed);
    }

    function unfreeze() internal returns (bytes memory) {
        return head(8, NEVER);
    }

    function listToken(uint16 asset, address token, uint128 unit) internal returns (bytes memory) {
        return abi.encodePacked(head(9, NEVER), asset, bytes32(uint256(uint160(token))), unit);
    }

    function migrate(uint64 expires, address to) internal returns (bytes memory) {
        return abi.encodePacked(head(10, expires), bytes32(uint256(uint160(to))));
    }

    function batch(bytes memory one) internal pure returns (bytes memory) {
        return abi.encodePacked(uint16(1), uint16(one.length), one);
    }

    function batch(bytes memory one, bytes memory two) internal pure returns (bytes memory) {
        return abi.encodePacked(uint16(2), uint16(one.length), one, uint16(two.length), two);
    }

    function domainOf(Vault of_) internal view returns (bytes32) {
        return keccak256(
            abi.encodePacked("BALLAST-SPOKE-1", uint8(1), uint64(block.chainid), bytes32(uint256(uint160(address(of_)))))
        );
    }

    function ordersDigest(bytes32 domain, uint32 epoch, bytes memory orders) internal pure returns (bytes32) {
        bytes memory hashes;
        uint256 pos = 2;
        while (pos < orders.length) {
            uint256 length = uint256(uint8(orders[pos])) << 8 | uint8(orders[pos + 1]);
            bytes memory one = new bytes(length);
            for (uint256 i; i < length; ++i) one[i] = orders[pos + 2 + i];
            hashes = abi.encodePacked(hashes, keccak256(one));
            pos += 2 + length;
        }
        return keccak256(abi.encodePacked("BALLAST-ORDERS-1", domain, epoch, keccak256(hashes)));
    }

    /// Five of seven sign for the vault in its present epoch.
    function sealed_(bytes memory orders) internal view returns (bytes memory) {
        (, uint32 epoch,) = vault.validators();
        bytes32 digest = ordersDigest(domainOf(vault), epoch, orders);
        return abi.encodePacked(certify(digest, keys, keys.length * 2 / 3 + 1), epoch, orders);
    }

    /// Delivers one order that has to take effect.
    function order(bytes memory one) internal {
        assertEq(vault.execute(sealed_(batch(one))), 1, "the order failed");
    }

    /// Delivers one order that has to fail with `reason`, and nothing moves.
    function orderFails(bytes memory one, bytes memory reason) internal {
        uint64 nonce = lastNonce;
        bytes memory payload = sealed_(batch(one));
        vm.expectEmit(address(vault));
        emit IVaultEvents.OrderFailed(nonce, reason);
        assertEq(vault.execute(payload), 0, "the order took effect");
        assertFalse(vault.isDone(nonce), "a failed order is not used up");
    }

    /// Delivers a freeze that `count` of the set sign.
    function freeze(uint64 until, uint256 count) internal {
        (, uint32 epoch,) = vault.validators();
        vault.freeze(freezeCertificate(until, count), epoch, until);
    }

    function freezeCertificate(uint64 until, uint256 count) internal view returns (bytes memory) {
        (, uint32 epoch,) = vault.validators();
        return certify(keccak256(abi.encodePacked("BALLAST-FREEZE-1", domainOf(vault), epoch, until)), keys, count);
    }

    // People

    function owner(address who) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(who)));
    }

    function depositEth(address who, uint256 amount) internal {
        eth.mint(who, amount);
        vm.startPrank(who);
        eth.approve(address(vault), amount);
        vault.deposit(owner(who), 0, ETH, amount);
        vm.stopPrank();
    }

    function depositUsdc(address who, uint256 raw) internal {
        usdc.mint(who, raw);
        vm.startPrank(who);
        usdc.approve(address(vault), raw);
        vault.deposit(owner(who), 0, USDC, raw);
        vm.stopPrank();
    }

    function now_() internal view returns (uint64) {
        return uint64(block.timestamp * 1000);
    }

    /// 10 ETH at index 2,000: from 110 % by 5 % every 10 s to a floor of 90 %, invitation and end as the engine's.
    function terms(uint64 lot) internal view returns (Terms memory) {
        return Terms({
            lot: lot,
            asset: ETH,
            quantity: 10e18,
            opened: now_(),
            start: 2200e18,
            floor: 1800e18,
            stepFactor: 0.95e18,
            step: 10_000,
            invites: now_() + 40_000,
            ends: now_() + 100_000,
            need: 1e27,
            dust: 0.05e18,
            rebate: 50
        });
    }

    function booked(uint16 asset) internal view returns (uint256 figure) {
        (figure,) = vault.balances(asset);
    }

    function reserved(uint16 asset) internal view returns (uint256 figure) {
        (, figure) = vault.balances(asset);
    }

    function sequence() internal view returns (uint64 last) {
        (last,,,,) = vault.head();
    }
}

/// The events again, so that a test names one without the contract's own.
library IVaultEvents {
    event Deposited(uint64 indexed sequence, bytes32 indexed owner, uint16 subaccount, uint16 asset, uint128 amount);
    event Executed(uint64 indexed sequence, uint64 indexed nonce);
    event Taken(
        uint64 indexed sequence, uint64 indexed lot, bytes32 taker, uint128 quantity, uint128 paid, uint128 rebate
    );
    event Ended(uint64 indexed sequence, uint64 indexed lot, bytes32 result);
    event BridgedIn(uint64 indexed sequence, uint16 indexed from, uint64 indexed nonce, uint16 asset, uint128 amount);
    event Released(uint64 indexed nonce, uint8 indexed reason, uint16 indexed asset, address to, uint128 amount);
    event Queued(uint64 indexed nonce, uint64 ready, uint64 expires);
    event Dropped(uint64 indexed nonce);
    event OrderFailed(uint64 indexed nonce, bytes reason);
    event FrozenUntil(uint64 until);
}
