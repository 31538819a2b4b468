// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { MockTaker } from "../src/mocks/MockTaker.sol";
import { Base } from "./Base.sol";
import { Vm } from "forge-std/Vm.sol";

/// Does anything that can be done to a vault, in any order, and keeps its own books by what the tokens say.
contract Handler is Base {
    uint128 public constant OUTFLOW = 50e18;
    uint128 public constant QUICK = 20e18;
    uint64 public constant WINDOW = 1 hours;

    /// ETH that left or came in, in order; what an auction sold stands where it began.
    struct Flow {
        uint256 time;
        uint256 out;
        uint256 in_;
        /// It had waited.
        bool waited;
    }

    /// What came in and what left, Wad, by asset.
    mapping(uint16 asset => uint256) public cameIn;
    mapping(uint16 asset => uint256) public left;
    mapping(uint16 asset => uint256) public gifts;
    /// Facts told, and how often an order was told of.
    uint256 public facts;
    uint256 public twice;
    mapping(uint64 nonce => bool) private told;
    bool public gap;
    Flow[] private flows;
    mapping(uint64 lot => uint256 flow) private flowOf;
    uint64[] public lots;
    uint64[] public queued;
    bytes[] private payloads;
    mapping(uint64 lot => uint64 start) private starts;
    uint64 private lastLot;
    MockTaker private flash;

    constructor() {
        setUp();
        order(setLimits(ETH, OUTFLOW, WINDOW, QUICK, 600));
        flash = new MockTaker(house, usdc);
        usdc.mint(BOB, 1e18);
        vm.prank(BOB);
        usdc.approve(address(vault), type(uint256).max);
        facts = sequence();
    }

    modifier counted() {
        vm.recordLogs();
        _;
        _count();
    }

    function depositOfEth(uint128 amount) external counted {
        amount = uint128(bound(amount, 1, 100e18));
        depositEth(ALICE, amount);
        cameIn[ETH] += amount;
        flows.push(Flow(block.timestamp, 0, amount, false));
    }

    function depositOfUsdc(uint64 raw) external counted {
        raw = uint64(bound(raw, 1, 1e12));
        depositUsdc(ALICE, raw);
        cameIn[USDC] += uint256(raw) * 1e12;
    }

    function gift(uint64 raw) external {
        eth.mint(address(vault), raw);
        gifts[ETH] += raw;
    }

    function releaseOfEth(uint128 amount) external counted {
        amount = uint128(bound(amount, 1, 60e18));
        // Some expire before anybody pays them.
        uint64 expires = amount % 3 == 0 ? now_() + 1_200_000 : NEVER;
        bytes memory payload = sealed_(batch(releaseUntil(expires, 0, ETH, amount, owner(BOB))));
        payloads.push(payload);
        uint64 nonce = lastNonce;
        uint256 before = eth.balanceOf(BOB);
        vault.execute(payload);
        (address to,,,,,) = vault.waiting(nonce);
        if (to != address(0)) queued.push(nonce);
        _gone(eth.balanceOf(BOB) - before, false);
    }

    /// Any payload of the past again.
    function deliverAgain(uint256 which) external counted {
        if (payloads.length == 0) return;
        uint256 before = eth.balanceOf(BOB);
        uint256 reservedBefore = reserved(ETH);
        bytes memory payload = payloads[which % payloads.length];
        // It may have failed before.
        if (vault.execute(payload) == 1 && reserved(ETH) != reservedBefore) queued.push(_nonceOf(payload));
        _gone(eth.balanceOf(BOB) - before, false);
    }

    function payQueued(uint256 which) external counted {
        if (queued.length == 0) return;
        uint256 before = eth.balanceOf(BOB);
        try vault.pay(queued[which % queued.length]) { } catch { }
        _gone(eth.balanceOf(BOB) - before, true);
    }

    function dropQueued(uint256 which) external counted {
        if (queued.length == 0) return;
        try vault.drop(queued[which % queued.length]) { } catch { }
    }

    function startLot(uint128 quantity) external counted {
        quantity = uint128(bound(quantity, 1, 20e18));
        Terms memory t = terms(++lastLot);
        t.quantity = quantity;
        t.need = uint128(uint256(quantity) * 1500);
        bytes memory one = startAuction(t);
        starts[lastLot] = lastNonce;
        lots.push(lastLot);
        flowOf[lastLot] = flows.length;
        flows.push(Flow(block.timestamp, 0, 0, false));
        vault.execute(sealed_(batch(one)));
    }

    function takeLot(uint256 which, uint128 wanted, bool inAFlash) external counted {
        if (lots.length == 0) return;
        uint64 lot = lots[which % lots.length];
        wanted = uint128(bound(wanted, 1, 25e18));
        uint256 coin = usdc.balanceOf(address(vault));
        uint256 collateral = eth.balanceOf(address(vault));
        if (inAFlash) {
            try flash.run(lot, wanted, type(uint128).max, ALICE, "x") { } catch { }
        } else {
            vm.prank(BOB);
            try house.take(lot, wanted, 0, type(uint128).max, ALICE, "") { } catch { }
        }
        cameIn[USDC] += (usdc.balanceOf(address(vault)) - coin) * 1e12;
        uint256 sold = collateral - eth.balanceOf(address(vault));
        left[ETH] += sold;
        flows[flowOf[lot]].out += sold;
    }

    function endLot(uint256 which) external counted {
        if (lots.length == 0) return;
        try house.end(lots[which % lots.length]) { } catch { }
    }

    function cancelLot(uint256 which) external counted {
        if (lots.length == 0) return;
        uint64 lot = lots[which % lots.length];
        vault.execute(sealed_(batch(cancelAuction(lot, starts[lot]))));
    }

    function freezeIt(uint32 span, uint256 signatures) external counted {
        signatures = bound(signatures, 3, 7);
        try this.freezeNow(now_() + uint64(bound(span, 1, 1 days)) * 1000, signatures) { } catch { }
    }

    function freezeNow(uint64 until, uint256 signatures) external {
        freeze(until, signatures);
    }

    function unfreezeIt() external counted {
        order(unfreeze());
    }

    function rotateSet(uint256 seed, uint8 n) external counted {
        (, uint32 epoch,) = vault.validators();
        uint256[] memory next = sorted(bound(n, 7, 10), seed);
        order(rotate(epoch + 1, next));
        keys = next;
        // What the old set signed is void: those payloads revert.
        delete payloads;
    }

    function pass(uint32 span) external {
        skip(bound(span, 1, 2 hours));
    }

    // What the invariants ask

    function held() external view returns (uint256 sum) {
        for (uint256 i; i < lots.length; ++i) sum += house.auction(lots[i]).stock.left;
        for (uint256 i; i < queued.length; ++i) {
            (,,,, uint128 amount,) = vault.waiting(queued[i]);
            sum += amount;
        }
    }

    /// The most that left beyond what came in, in one window; and by how much any span of time had more than
    /// `size * (1 + span / window)` of it.
    function flowed(bool quick) external view returns (uint256 most, uint256 above) {
        uint256 size = quick ? QUICK : OUTFLOW;
        for (uint256 i; i < flows.length; ++i) {
            int256 sum;
            for (uint256 j = i; j < flows.length; ++j) {
                Flow memory flow = flows[j];
                // What comes in makes no room in the second bucket.
                if (!quick) sum += int256(flow.out) - int256(flow.in_);
                else if (!flow.waited) sum += int256(flow.out);
                uint256 span = flow.time - flows[i].time;
                uint256 limit = size + size * span / WINDOW;
                uint256 net = sum < 0 ? 0 : uint256(sum);
                if (span < WINDOW && most < net) most = net;
                if (limit + above < net) above = net - limit;
            }
        }
    }

    function books(uint16 asset) external view returns (uint256, uint256) {
        return (booked(asset), reserved(asset));
    }

    function figures() external view returns (uint256 ethIn, uint256 usdcIn, uint256 ethAtHouse, uint256 usdcAtHouse) {
        return (
            eth.balanceOf(address(vault)),
            usdc.balanceOf(address(vault)),
            eth.balanceOf(address(house)),
            usdc.balanceOf(address(house))
        );
    }

    function lastSequence() external view returns (uint64) {
        return sequence();
    }

    function _gone(uint256 amount, bool waited) private {
        left[ETH] += amount;
        flows.push(Flow(block.timestamp, amount, 0, waited));
    }

    function _nonceOf(bytes memory payload) private pure returns (uint64 nonce) {
        // certificate (1 + 65 n) || epoch (4) || count (2) || length (2) || nonce
        uint256 place = 1 + 65 * uint256(uint8(payload[0])) + 8;
        for (uint256 i; i < 8; ++i) nonce = nonce << 8 | uint8(payload[place + i]);
    }

    function _count() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(vault)) continue;
            bytes32 name = logs[i].topics[0];
            bool executed = name == keccak256("Executed(uint64,uint64)");
            if (
                !executed && name != keccak256("Deposited(uint64,bytes32,uint16,uint16,uint128)")
                    && name != keccak256("Taken(uint64,uint64,bytes32,uint128,uint128,uint128)")
                    && name != keccak256("Ended(uint64,uint64,bytes32)")
            ) continue;
            if (uint256(logs[i].topics[1]) != ++facts) gap = true;
            if (!executed) continue;
            uint64 nonce = uint64(uint256(logs[i].topics[2]));
            if (told[nonce]) ++twice;
            told[nonce] = true;
        }
    }
}

contract InvariantTest is Base {
    Handler private handler;

    function setUp() public override {
        handler = new Handler();
        targetContract(address(handler));
        bytes4[] memory calls = new bytes4[](15);
        calls[0] = Handler.depositOfEth.selector;
        calls[1] = Handler.depositOfUsdc.selector;
        calls[2] = Handler.gift.selector;
        calls[3] = Handler.releaseOfEth.selector;
        calls[4] = Handler.deliverAgain.selector;
        calls[5] = Handler.payQueued.selector;
        calls[6] = Handler.startLot.selector;
        calls[7] = Handler.takeLot.selector;
        calls[8] = Handler.endLot.selector;
        calls[9] = Handler.cancelLot.selector;
        calls[10] = Handler.freezeIt.selector;
        calls[11] = Handler.unfreezeIt.selector;
        calls[12] = Handler.rotateSet.selector;
        calls[13] = Handler.pass.selector;
        calls[14] = Handler.dropQueued.selector;
        targetSelector(FuzzSelector(address(handler), calls));
    }

    /// The books are what came in less what left, and the vault holds what is booked.
    function invariant_books_are_deposits_less_releases() public view {
        (uint256 bookedEth,) = handler.books(ETH);
        (uint256 bookedUsdc,) = handler.books(USDC);
        (uint256 ethIn, uint256 usdcIn, uint256 ethAtHouse, uint256 usdcAtHouse) = handler.figures();
        assertEq(bookedEth, handler.cameIn(ETH) - handler.left(ETH));
        assertEq(bookedUsdc, handler.cameIn(USDC) - handler.left(USDC));
        assertEq(ethIn, bookedEth + handler.gifts(ETH));
        assertEq(usdcIn, bookedUsdc / 1e12);
        assertEq(ethAtHouse + usdcAtHouse, 0, "the house holds nothing");
    }

    /// What is reserved is what runs or waits, and all of it is booked.
    function invariant_reserved_is_what_runs_or_waits() public view {
        (uint256 bookedEth, uint256 reservedEth) = handler.books(ETH);
        assertEq(reservedEth, handler.held());
        assertLe(reservedEth, bookedEth);
    }

    function invariant_facts_have_no_gap_and_no_order_is_told_of_twice() public view {
        assertEq(handler.facts(), handler.lastSequence());
        assertFalse(handler.gap());
        assertEq(handler.twice(), 0);
    }

    /// A leaky bucket, of what really left and what auctions sold: at most twice its size in one window, and in any span
    /// of time no more than it holds and loses.
    function invariant_outflow_is_limited() public view {
        (uint256 most, uint256 above) = handler.flowed(false);
        assertLe(most, 2 * handler.OUTFLOW());
        assertEq(above, 0);
    }

    /// The same of what left without having waited, however it was split.
    function invariant_what_does_not_wait_is_limited() public view {
        (uint256 most, uint256 above) = handler.flowed(true);
        assertLe(most, 2 * handler.QUICK());
        assertEq(above, 0);
    }
}
