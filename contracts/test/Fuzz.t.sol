// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Clock, DutchPrice, Prices, Remainder } from "../src/lib/DutchPrice.sol";
import { MockToken } from "../src/mocks/MockToken.sol";
import { PriceProbe } from "../src/mocks/PriceProbe.sol";
import { Base } from "./Base.sol";

contract FuzzTest is Base {
    uint256 private constant VECTOR_95_18 = 397214318458218542;
    uint256 private constant VECTOR_95_255 = 2086985101052;
    uint256 private constant VECTOR_LAST_LONG = 999999995705032712;
    uint256 private constant VECTOR_ODD_7 = 437124189927;

    PriceProbe private probe;

    function setUp() public override {
        super.setUp();
        probe = PriceProbe(deploy("PriceProbe", ""));
    }

    // Price

    /// Against the exact power: 95^n / 100^n in whole numbers. Each of at most 2 log2(n) roundings is off by half a
    /// wei of a factor below one.
    function testFuzz_price_is_the_exact_power_to_the_wei(uint96 start, uint8 n) public view {
        start = uint96(bound(start, 1, 2 ** 90));
        n = uint8(bound(n, 0, 20));
        Clock memory clock = Clock(1000, 1_000_000, 1_000_000, 10_000, 0);
        uint256 price = probe.price(Prices(start, 1, 0.95e18), clock, 1000 + uint64(n) * 10_000);
        uint256 exact = uint256(start) * 95 ** n / 100 ** n;
        uint256 off = uint256(start) * 10 / 1e18 + 2;
        if (exact == 0) exact = 1;
        assertApproxEqAbs(price, exact, off);
    }

    /// Vectors of the engine's `rpow`, worked out from its definition with whole numbers of any size.
    function test_rpow_is_the_engines() public view {
        assertEq(probe.rpow(0.95e18, 0), 1e18);
        assertEq(probe.rpow(0.95e18, 1), 0.95e18);
        assertEq(probe.rpow(0.95e18, 18), VECTOR_95_18);
        assertEq(probe.rpow(0.95e18, 255), VECTOR_95_255);
        assertEq(probe.rpow(999_999_999_999_999_999, 4_294_967_295), VECTOR_LAST_LONG);
        assertEq(probe.rpow(123_456_789_012_345_678, 7), VECTOR_ODD_7);
        assertEq(probe.rpow(1, 2), 0);
        assertEq(probe.rpow(0, 0), 1e18);
    }

    function testFuzz_price_never_rises_and_stays_within_its_bounds(
        uint96 start,
        uint96 floor,
        uint64 factor,
        uint32 step,
        uint32 invitesAfter,
        uint64 t1,
        uint64 t2
    ) public view {
        start = uint96(bound(start, 1, 2 ** 90));
        floor = uint96(bound(floor, 1, start));
        factor = uint64(bound(factor, 1, 1e18 - 1));
        step = uint32(bound(step, 1, type(uint32).max));
        uint48 opened = uint48(T0 * 1000);
        t1 = uint64(bound(t1, 0, opened + type(uint32).max));
        t2 = uint64(bound(t2, t1, opened + type(uint32).max));
        Prices memory prices = Prices(start, floor, factor);
        Clock memory clock = Clock(opened, invitesAfter, type(uint32).max, step, 0);
        uint256 early = probe.price(prices, clock, t1);
        uint256 late = probe.price(prices, clock, t2);
        assertLe(early, start);
        // Half up at each product may turn the last wei of two neighbouring steps around.
        assertLe(late, early + early / 1e17 + 1);
        assertGe(late, floor);
    }

    function testFuzz_due_covers_the_price_and_is_whole(uint128 quantity, uint96 price, uint8 decimals) public view {
        quantity = uint128(bound(quantity, 1, 2 ** 110));
        price = uint96(bound(price, 1, 2 ** 90));
        uint256 unit = 10 ** (18 - bound(decimals, 0, 18));
        uint256 due = probe.due(quantity, price, unit);
        assertEq(due % unit, 0);
        assertGe(due * 1e18, uint256(quantity) * price);
        assertLt((due - unit) * 1e18, uint256(quantity) * price);
    }

    function testFuzz_two_takes_never_pay_less_than_one(uint128 a, uint128 b, uint96 price) public view {
        a = uint128(bound(a, 1, 2 ** 109));
        b = uint128(bound(b, 1, 2 ** 109));
        price = uint96(bound(price, 1, 2 ** 90));
        uint256 both = probe.due(uint256(a) + b, price, 1e12);
        assertLe(both, probe.due(a, price, 1e12) + probe.due(b, price, 1e12));
    }

    /// No more than pays the need; where the auction goes on, take and both rests are worth at least the dust.
    function testFuzz_a_take_reaches_the_need_and_no_more(
        uint112 left,
        uint112 unmet,
        uint128 wanted,
        uint96 price,
        uint112 dust,
        uint8 decimals,
        uint8 coinDecimals
    ) public view {
        Remainder memory r;
        r.unit = 10 ** (18 - bound(decimals, 0, 18));
        r.coinUnit = 10 ** (18 - bound(coinDecimals, 0, 18));
        r.price = bound(price, 1, 2 ** 90);
        r.left = bound(left, 1, 2 ** 110 / r.unit) * r.unit;
        r.dust = bound(dust, 0, r.left / r.unit) * r.unit;
        r.unmet = bound(unmet, 1, 2 ** 110);
        (uint256 part, uint256 due) = probe.cut(r, wanted);
        assertLe(part, r.left);
        assertLe(part, wanted);
        if (part == 0) return;
        // A unit less would not pay the need.
        uint256 less = part < r.unit ? 0 : part - r.unit;
        assertLt(less * r.price, r.unmet * 1e18);
        if (part == r.left || r.unmet <= due) return;
        assertLe(r.dust, part);
        assertLe(r.dust, r.left - part);
        assertLe(r.dust * r.price, (r.unmet - due) * 1e18);
    }

    function testFuzz_the_rebate_is_whole_and_no_more_than_its_share(uint112 due, uint16 bps) public view {
        bps = uint16(bound(bps, 0, 10_000));
        uint256 rebate = probe.rebate(due, bps, 1e12);
        assertEq(rebate % 1e12, 0);
        assertLe(rebate * 10_000, uint256(due) * bps);
    }

    // Vault

    function testFuzz_what_goes_in_comes_out(bytes32 who, uint8 decimals, uint128 raw, uint128 out) public {
        decimals = uint8(bound(decimals, 0, 18));
        uint128 unit = uint128(10 ** (18 - decimals));
        raw = uint128(bound(raw, 1, 2 ** 110 / unit));
        out = uint128(bound(out, 1, raw));
        vm.assume(uint96(uint256(who)) != 0);
        MockToken token = new MockToken("Any", "ANY", decimals);
        order(listToken(9, address(token), unit));
        order(setLimits(9, type(uint128).max, 1 days, type(uint128).max, 0));
        token.mint(address(this), raw);
        token.approve(address(vault), raw);
        vault.deposit(who, 0, 9, raw);
        assertEq(booked(9), uint256(raw) * unit);
        order(release(0, 9, out * unit, BOB));
        assertEq(token.balanceOf(BOB), out);
        assertEq(booked(9), uint256(raw - out) * unit);
    }

    /// Whatever byte of a payload is changed, nothing happens.
    function testFuzz_a_changed_payload_does_nothing(uint256 place, uint8 change) public {
        depositEth(ALICE, 10e18);
        bytes memory payload = sealed_(batch(release(0, ETH, 1e18, BOB), release(1, ETH, 1e18, BOB)));
        place = bound(place, 0, payload.length - 1);
        change = uint8(bound(change, 1, 255));
        payload[place] = bytes1(uint8(payload[place]) ^ change);
        (bool delivered, bytes memory answer) = address(vault).call(abi.encodeCall(vault.execute, (payload)));
        assertTrue(!delivered || abi.decode(answer, (uint256)) == 0);
        assertEq(eth.balanceOf(BOB), 0);
    }

    function testFuzz_bytes_are_no_payload(bytes calldata payload) public {
        (bool delivered,) = address(vault).call(abi.encodeCall(vault.execute, (payload)));
        assertFalse(delivered);
    }

    /// A quorum of any size moves; one less does not.
    function testFuzz_quorum(uint8 n, uint256 seed) public {
        n = uint8(bound(n, 1, 40));
        uint256[] memory set = sorted(n, seed);
        order(rotate(2, set));
        keys = set;
        bytes memory orders = batch(unfreeze());
        bytes32 digest = ordersDigest(domainOf(vault), 2, orders);
        uint256 need = uint256(n) * 2 / 3 + 1;
        (bool delivered,) = address(vault).call(
            abi.encodeCall(
                vault.execute, (abi.encodePacked(certify(digest, set, need - 1), uint32(2), orders))
            )
        );
        assertFalse(delivered);
        assertEq(vault.execute(abi.encodePacked(certify(digest, set, need), uint32(2), orders)), 1);
    }
}
