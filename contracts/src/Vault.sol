// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Custody } from "./Custody.sol";
import { Handover } from "./Handover.sol";
import { IGateway } from "./interfaces/IGateway.sol";
import { Certificates } from "./lib/Certificates.sol";
import { Messages } from "./lib/Messages.sol";
import { Level, Limits, Outflow, Rule } from "./lib/Outflow.sol";
import { Signers } from "./lib/Signers.sol";

/// The vault of one chain: carries out what a quorum of the hub's validators ordered, and nothing else.
///
/// - Who: anybody delivers. The certificate in the payload decides, not the courier. There is no owner.
/// - Once: an order takes effect once. One that fails leaves the others alone and may be delivered again until it
///   expires. None fails because a courier brought too little gas: then the whole delivery is called off.
/// - Limits: what leaves goes through a leaky bucket per token when it leaves, an auction when it starts. What is above a
///   second bucket waits, however it is split, and is paid before its order expires or never. A freeze, by fewer
///   signers than move money, can outlast it.
/// - Freeze: stops releases, bridges and starts of auctions; never deposits, takes, ends, rotations. It ends by itself
///   after at most a day, and then fewer than a quorum have to leave the vault open for as long as it was shut: they
///   can shut it half of the time. A freeze is worth what its own end says, whoever froze before: one of a moment
///   neither voids others' nor keeps them waiting.
contract Vault is Custody {
    using Outflow for Limits;

    /// Gas that an order gets at most, and a byte of it more: a token that burns everything costs the courier that much and
    /// no more. Far more than ours need today, since a vault outlives what its chain charges: storing a signer's 20 bytes
    /// costs 4,000 now.
    uint256 public constant GAS_MOST = 10_000_000;
    uint256 public constant GAS_A_BYTE = 2000;
    /// What is kept back of a courier's gas: enough to tell of a failed order, or to call the delivery off.
    uint256 private constant GAS_RESERVE = 30_000;
    /// What a failed order tells of its reason.
    uint256 private constant REASON_BYTES = 256;
    /// The last reason of a release.
    uint8 private constant REASON_MOST = 6;

    uint256 private immutable _chainId;
    bytes32 private immutable _domain;
    Handover private immutable _handover;

    /// @param epoch of the first set of validators.
    /// @param first its signers, ascending.
    /// @param coin_ the hub's id of what takers pay in, and its token.
    /// @param wrapped_ the chain's own coin as a token, or zero.
    /// @param gateway_ zero, or where the gateway is going to be: it needs this vault's address itself.
    /// @param predecessor_ zero, or the vault that hands over to this one: until then this one is closed, and the signers
    /// count for nothing.
    constructor(
        uint32 epoch,
        address[] memory first,
        uint16 coin_,
        address coinToken,
        address wrapped_,
        address gateway_,
        address predecessor_
    ) Custody(coin_, coinToken, wrapped_, gateway_, predecessor_) {
        _chainId = block.chainid;
        _domain = Messages.domain(address(this));
        _handover = new Handover();
        _head.closed = predecessor_ != address(0);
        _present = Validators(Signers.store(Signers.pack(first), first.length), epoch, uint16(first.length));
        emit Rotated(epoch, first.length);
    }

    // Orders

    /// Carries out a payload: certificate || epoch || batch. Anybody may.
    /// @return took how many of its orders took effect or were queued now.
    function execute(bytes calldata payload) external returns (uint256 took) {
        return executePart(payload, 0, type(uint256).max);
    }

    /// The same with the orders from number `from` to before number `to`, from 0: where another one, of a token that burns
    /// all it gets, would take more gas than a transaction has.
    function executePart(bytes calldata payload, uint256 from, uint256 to)
        public
        nonReentrant
        returns (uint256 took)
    {
        _open();
        (bytes calldata certificate, uint32 epoch, bytes calldata batch) = Messages.payload(payload);
        (bytes32 orders, uint256 count) = Messages.hashBatch(batch);
        Validators memory v = _validators(epoch);
        Certificates.check(
            Messages.ordersDigest(domain(), epoch, orders),
            certificate,
            Signers.load(v.set, v.count),
            Certificates.quorum(v.count)
        );
        uint256 pos = 2;
        for (uint256 i; i < count; ++i) {
            bytes calldata order;
            (order, pos) = Messages.order(batch, pos);
            if (from <= i && i < to && _deliver(order)) ++took;
        }
    }

    /// One order, called by this contract alone, so that whatever it did is undone when it fails.
    function carryOut(bytes calldata order) external {
        if (msg.sender != address(this)) revert NotTheVault(msg.sender);
        uint64 nonce = Messages.u64(order, 0);
        uint64 expires = Messages.u64(order, 8);
        uint64 time = Messages.time();
        if (nonce == 0) revert NonceZero();
        if (expires <= time) revert Expired(nonce, expires, time);
        _use(nonce);
        uint8 kind = Messages.u8(order, 16);
        if (kind == Messages.RELEASE) return _release(nonce, expires, time, order);
        if (kind == Messages.MIGRATE) return _migrate(nonce, expires, order);
        if (kind == Messages.START_AUCTION) _startAuction(nonce, time, order);
        else if (kind == Messages.CANCEL_AUCTION) _cancelAuction(order);
        else if (kind == Messages.BRIDGE) _bridge(nonce, time, order);
        else if (kind == Messages.ROTATE) _rotate(order);
        else if (kind == Messages.SET_LIMITS) _setLimits(time, order);
        else if (kind == Messages.LIST_MAKER) _listMaker(order);
        else if (kind == Messages.UNFREEZE) _unfreeze(time, order);
        else if (kind == Messages.LIST_TOKEN) _listToken(order);
        else revert UnknownKind(kind);
        emit Executed(_next(), nonce);
    }

    /// Pays a release that has waited long enough. Anybody may.
    function pay(uint64 nonce) external nonReentrant {
        Waiting memory w = _waiting[nonce];
        uint64 time = Messages.time();
        if (w.to == address(0)) revert NotQueued(nonce);
        if (time < w.ready) revert NotReady(nonce, w.ready, time);
        if (w.expires <= time) revert Expired(nonce, w.expires, time);
        _notFrozen(time);
        Token memory t = _tokens[w.asset];
        // One that the bucket has no room for now waits on.
        Limits storage l = _limits[w.asset];
        l.spendHeld(l.reckon(free(w.asset), time), w.asset, w.amount);
        delete _waiting[nonce];
        _balances[w.asset].reserved -= w.amount;
        _payRelease(nonce, w.reason, w.asset, w.amount, t, w.to);
    }

    /// Gives free what a release held that expired while it waited. Anybody may.
    function drop(uint64 nonce) external {
        Waiting memory w = _waiting[nonce];
        uint64 time = Messages.time();
        if (w.to == address(0)) revert NotQueued(nonce);
        if (time < w.expires) revert NotExpired(nonce, w.expires, time);
        delete _waiting[nonce];
        _balances[w.asset].reserved -= w.amount;
        _limits[w.asset].drop(w.amount);
        emit Dropped(nonce);
    }

    /// Stops whatever leaves until `until`, milliseconds since 1970. Anybody delivers; floor(n/3) + 1 sign. It has no
    /// number: the same one again is no later than the one in force, or it is over, or it was ended early.
    function freeze(bytes calldata certificate, uint32 epoch, uint64 until) external {
        uint64 time = Messages.time();
        Head memory h = _head;
        Validators memory v = _validators(epoch);
        bool shut = time < h.frozenUntil;
        uint64 last = shut ? h.frozenUntil : time;
        if (last < h.voidUntil) last = h.voidUntil;
        if (until <= last || time + FREEZE_MOST < until) revert WrongUntil(until, last, time + FREEZE_MOST);
        if (certificate.length == 0) revert Messages.WrongLength(0, 1);
        uint256 count = Messages.u8(certificate, 0);
        Messages.exact(certificate, 1 + Messages.SIGNATURE * count);
        // A quorum may prolong a freeze for ever, fewer up to a day after it began; then they have to let the vault be
        // open first, as long as it was shut.
        uint64 open = 2 * uint64(h.frozenUntil) - h.frozenSince;
        bool within = shut && until <= h.frozenSince + FREEZE_MOST;
        if (count < Certificates.quorum(v.count) && time < open && !within) revert FreezeTooSoon(open, time);
        Certificates.check(
            Messages.freezeDigest(domain(), epoch, until),
            certificate,
            Signers.load(v.set, v.count),
            Certificates.freezeQuorum(v.count)
        );
        // A block's time has 41 bits.
        if (!shut) h.frozenSince = uint48(time);
        h.frozenUntil = uint48(until);
        _head = h;
        emit FrozenUntil(until);
    }

    /// Moves everything to the successor that an order named {MIGRATION_DELAY} ago: {Handover}. Anybody may.
    function migrate(uint64) external nonReentrant {
        _handOver(msg.data);
    }

    /// Moves what stayed behind of a token that could not be moved then: {Handover}. Anybody may.
    function moveRest(uint16) external {
        _handOver(msg.data);
    }

    /// Takes over from the predecessor, which calls this in its {migrate}.
    function takeOver() external onlyPredecessor nonReentrant {
        _handOver(msg.data);
    }

    // Views

    /// Number of the last fact told; times of the last freeze, milliseconds since 1970: nothing leaves from `frozenSince`,
    /// before `frozenUntil`; the latest end of a freeze that a quorum ended early; whether the vault is closed.
    function head()
        external
        view
        returns (uint64 sequence, uint48 frozenSince, uint48 frozenUntil, uint48 voidUntil, bool closed)
    {
        Head storage h = _head;
        return (h.sequence, h.frozenSince, h.frozenUntil, h.voidUntil, h.closed);
    }

    /// Every token that is listed.
    function assetList() external view returns (uint16[] memory) {
        return _assets;
    }

    /// @return token zero where none is listed.
    /// @return unit Wad for one of its own units.
    function tokens(uint16 asset) external view returns (address token, uint64 unit) {
        Token storage t = _tokens[asset];
        return (t.token, t.unit);
    }

    /// Wad.
    function balances(uint16 asset) external view returns (uint128 booked, uint128 reserved) {
        Balance storage b = _balances[asset];
        return (b.booked, b.reserved);
    }

    function limits(uint16 asset) external view returns (Rule memory rule, Level memory level, uint32 delay) {
        Limits storage l = _limits[asset];
        return (l.rule, l.level, l.delay);
    }

    /// A release that waits; `to` is zero where none does.
    function waiting(uint64 nonce)
        external
        view
        returns (address to, uint16 asset, uint8 reason, uint64 ready, uint128 amount, uint64 expires)
    {
        Waiting storage w = _waiting[nonce];
        return (w.to, w.asset, w.reason, w.ready, w.amount, w.expires);
    }

    /// The last migration that was ordered; zeros where there was none.
    function migration() external view returns (address to, uint48 ready, uint48 until, uint64 nonce) {
        Migration storage m = _migration;
        return (m.to, m.ready, m.until, m.nonce);
    }

    /// The present set of validators.
    function validators() external view returns (address set, uint32 epoch, uint16 count) {
        Validators storage v = _present;
        return (v.set, v.epoch, v.count);
    }

    /// What every digest for this vault contains. Another one after a fork of the chain.
    function domain() public view returns (bytes32) {
        return block.chainid == _chainId ? _domain : Messages.domain(address(this));
    }

    /// Whether an order's nonce is used up: it took effect, waits, or was cancelled, here or at a predecessor. So one that is
    /// signed for both, and carried out there after all in a block that a reorg brought, is not carried out here again.
    function isDone(uint64 nonce) public view returns (bool) {
        if (_done[nonce >> 8] >> (nonce & 255) & 1 == 1) return true;
        return predecessor != address(0) && Vault(predecessor).isDone(nonce);
    }

    /// The present signers, 20 bytes each, ascending.
    function signers() external view returns (bytes memory) {
        return Signers.load(_present.set, _present.count);
    }

    /// What may leave of an asset now, Wad, by its limits alone.
    function outflowLeft(uint16 asset) external view returns (uint256) {
        Outflow.Now memory n = _limits[asset].reckon(free(asset), Messages.time());
        return n.used < n.outflow ? n.outflow - n.used : 0;
    }

    /// What of it may leave without waiting, or be put up for auction, Wad; without a delay everything.
    function quickLeft(uint16 asset) external view returns (uint256) {
        Limits storage l = _limits[asset];
        Outflow.Now memory n = l.reckon(free(asset), Messages.time());
        return l.delay == 0 ? type(uint256).max : n.delayAbove - n.quick;
    }

    // What the orders do

    function _release(uint64 nonce, uint64 expires, uint64 time, bytes calldata order) private {
        Messages.exact(order, Messages.RELEASE_BYTES);
        uint8 reason = Messages.u8(order, 17);
        uint16 asset = Messages.u16(order, 18);
        uint128 amount = Messages.u128(order, 20);
        address to = Messages.account(Messages.b32(order, 36));
        if (REASON_MOST < reason) revert UnknownReason(reason);
        (Token memory t, Limits storage l, Outflow.Now memory n) = _leavable(asset, amount, time);
        if (l.waits(n, amount)) {
            _noMigrationDue(time);
            uint64 ready = time + l.delay;
            if (expires <= ready) revert Expired(nonce, expires, ready);
            l.hold(n, asset, amount);
            _waiting[nonce] = Waiting(to, asset, reason, ready, amount, expires);
            _balances[asset].reserved += amount;
            emit Queued(nonce, ready, expires);
        } else {
            l.spend(n, asset, amount, true);
            _payRelease(nonce, reason, asset, amount, t, to);
        }
    }

    function _startAuction(uint64 nonce, uint64 time, bytes calldata order) private {
        Messages.exact(order, Messages.START_AUCTION_BYTES);
        uint64 lot = Messages.u64(order, 17);
        uint64 unit = _putUp(Messages.u16(order, 25), Messages.u128(order, 27), time);
        house.start(order, unit, Messages.lotResult(domain(), lot, nonce));
    }

    /// Counts and reserves what is put up for auction.
    /// @return Wad for one of the token's own units.
    function _putUp(uint16 asset, uint128 quantity, uint64 time) private returns (uint64) {
        (Token memory t, Limits storage l, Outflow.Now memory n) = _leavable(asset, quantity, time);
        if (l.waits(n, quantity)) revert Outflow.AuctionWouldWait(asset, quantity, n.delayAbove - n.quick);
        l.spend(n, asset, quantity, true);
        _balances[asset].reserved += quantity;
        return t.unit;
    }

    function _cancelAuction(bytes calldata order) private {
        Messages.exact(order, Messages.CANCEL_AUCTION_BYTES);
        uint64 lot = Messages.u64(order, 17);
        uint64 start = Messages.u64(order, 25);
        if (start == 0) revert NonceZero();
        if (isDone(start)) {
            // Over already: the hub has been told.
            (bool ran, uint16 asset, uint128 unsold, uint64 began, bytes32 result) = house.cancel(lot, start);
            if (ran) _ended(lot, asset, unsold, began, result);
        } else {
            // Not carried out, and never will be.
            _use(start);
            emit Ended(_next(), lot, Messages.lotResult(domain(), lot, start));
        }
    }

    function _bridge(uint64 nonce, uint64 time, bytes calldata order) private {
        Messages.exact(order, Messages.BRIDGE_BYTES);
        if (gateway == address(0)) revert NoGateway();
        uint16 asset = Messages.u16(order, 25);
        uint128 amount = Messages.u128(order, 27);
        (Token memory t, Limits storage l, Outflow.Now memory n) = _leavable(asset, amount, time);
        // No delay: the tokens go from one vault to another.
        l.spend(n, asset, amount, false);
        _balances[asset].booked -= amount;
        _push(t.token, gateway, amount / t.unit);
        IGateway(gateway).bridge(nonce, asset, amount, amount / t.unit, Messages.u16(order, 43));
    }

    /// The next set. Whatever the present one signed is void from here on, but for the rest of this batch.
    function _rotate(bytes calldata order) private {
        if (order.length < Messages.ROTATE_HEAD_BYTES) {
            revert Messages.WrongLength(order.length, Messages.ROTATE_HEAD_BYTES);
        }
        uint32 epoch = Messages.u32(order, 17);
        uint16 count = Messages.u16(order, 21);
        uint32 need = _present.epoch + 1;
        if (epoch != need) revert WrongEpoch(epoch, need);
        _present = Validators(Signers.store(order[Messages.ROTATE_HEAD_BYTES:], count), epoch, count);
        emit Rotated(epoch, count);
    }

    function _setLimits(uint64 time, bytes calldata order) private {
        Messages.exact(order, Messages.SET_LIMITS_BYTES);
        uint16 asset = Messages.u16(order, 17);
        uint128 outflow = Messages.u128(order, 19);
        uint64 window = Messages.u64(order, 35);
        uint128 delayAbove = Messages.u128(order, 43);
        uint64 delay = Messages.u64(order, 59);
        _token(asset);
        if (window == 0 || type(uint32).max < window || type(uint32).max < delay) {
            revert WrongLimits(window, delay, type(uint32).max);
        }
        Limits storage l = _limits[asset];
        Rule memory rule = Rule(_noLimit(outflow), _noLimit(delayAbove), uint32(window));
        l.set(l.reckon(free(asset), time), rule, uint32(delay));
        emit LimitsSet(asset, outflow, window, delayAbove, delay);
    }

    function _listMaker(bytes calldata order) private {
        Messages.exact(order, Messages.LIST_MAKER_BYTES);
        house.listMaker(Messages.account(Messages.b32(order, 17)), Messages.u8(order, 49) != 0);
    }

    function _unfreeze(uint64 time, bytes calldata order) private {
        Messages.exact(order, Messages.UNFREEZE_BYTES);
        Head memory h = _head;
        // An earlier end stays: the pause after a freeze counts from it.
        if (time < h.frozenUntil) {
            if (h.voidUntil < h.frozenUntil) h.voidUntil = h.frozenUntil;
            h.frozenUntil = uint48(time);
            _head = h;
        }
        emit FrozenUntil(h.frozenUntil);
    }

    function _listToken(bytes calldata order) private {
        Messages.exact(order, Messages.LIST_TOKEN_BYTES);
        _list(Messages.u16(order, 17), Messages.account(Messages.b32(order, 19)), Messages.u128(order, 51));
    }

    /// Where everything is going to go. It waits, so that a third can see it and freeze.
    function _migrate(uint64 nonce, uint64 expires, bytes calldata order) private {
        _handOver(abi.encodeCall(Handover.queue, (nonce, expires, order)));
    }

    // Parts

    /// Delivers one order: skips a done one, tells of a failed one.
    ///
    /// It gets all that the courier brought but a reserve, up to a maximum. One that failed and had used up most of less
    /// than that may have failed for want of gas, and the delivery is called off: whoever runs out of gas within calls
    /// leaves a 64th to each of those around it, which is less than a quarter as long as they are eighteen deep.
    function _deliver(bytes calldata order) private returns (bool took) {
        if (order.length < Messages.HEAD) {
            emit OrderFailed(0, abi.encodeWithSelector(Messages.WrongLength.selector, order.length, Messages.HEAD));
            return false;
        }
        uint64 nonce = Messages.u64(order, 0);
        if (isDone(nonce)) return false;
        uint256 most = GAS_MOST + GAS_A_BYTE * order.length;
        bytes memory self = abi.encodeCall(this.carryOut, (order));
        uint256 have = gasleft();
        if (have < 2 * GAS_RESERVE) revert GasTooLow(have, 2 * GAS_RESERVE);
        // What a call gets at most, so that it gets this.
        uint256 gives = (have - GAS_RESERVE) / 64 * 63;
        if (most < gives) gives = most;
        uint256 left;
        bytes memory reason;
        assembly ("memory-safe") {
            took := call(gives, address(), 0, add(self, 32), mload(self), 0, 0)
            left := gas()
            if iszero(took) {
                let size := returndatasize()
                if gt(size, REASON_BYTES) { size := REASON_BYTES }
                reason := mload(0x40)
                mstore(reason, size)
                returndatacopy(add(reason, 32), 0, size)
                mstore(0x40, add(reason, and(add(size, 63), not(31))))
            }
        }
        if (took) return true;
        if (gives < most && 3 * gives <= 4 * (have - left)) revert GasTooLow(have, most * 64 / 63 + GAS_RESERVE);
        emit OrderFailed(nonce, reason);
    }

    /// Everything but the limits that has to hold before an amount leaves or is put up for auction; and the limits.
    function _leavable(uint16 asset, uint128 amount, uint64 time)
        private
        view
        returns (Token memory t, Limits storage l, Outflow.Now memory n)
    {
        _notFrozen(time);
        t = _token(asset);
        _raw(amount, t.unit);
        uint256 have = free(asset);
        if (have < amount) revert TooLittleFree(asset, have, amount);
        l = _limits[asset];
        n = l.reckon(have, time);
    }

    /// Has the other half's function of the same name and arguments do it, on this storage.
    function _handOver(bytes memory what) internal override {
        // It was made by the constructor, so there is code.
        address half = address(_handover);
        assembly ("memory-safe") {
            if iszero(delegatecall(gas(), half, add(what, 32), mload(what), 0, 0)) {
                let reason := mload(0x40)
                returndatacopy(reason, 0, returndatasize())
                revert(reason, returndatasize())
            }
        }
    }

    /// What is unsold of an auction is not outflow.
    function _unsold(uint16 asset, uint256 amount, uint64 began) internal override {
        _limits[asset].giveBack(amount, began, Messages.time());
    }

    /// What begins to wait now would be in its way.
    function _noMigrationDue(uint64 time) private view {
        Migration memory m = _migration;
        if (m.ready <= time && time < m.until) revert MigrationWaits(m.nonce);
    }

    function _payRelease(uint64 nonce, uint8 reason, uint16 asset, uint128 amount, Token memory t, address to) private {
        _balances[asset].booked -= amount;
        emit Released(nonce, reason, asset, to, amount);
        emit Executed(_next(), nonce);
        _push(t.token, to, amount / t.unit);
    }

    function _use(uint64 nonce) private {
        _done[nonce >> 8] |= 1 << (nonce & 255);
    }

    function _validators(uint32 epoch) private view returns (Validators memory v) {
        v = _present;
        if (epoch != v.epoch) revert WrongEpoch(epoch, v.epoch);
    }

    function _noLimit(uint128 amount) private pure returns (uint112) {
        return uint112(amount < Outflow.NO_LIMIT ? amount : Outflow.NO_LIMIT);
    }
}
