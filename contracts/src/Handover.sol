// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Store } from "./Store.sol";
import { Vault } from "./Vault.sol";
import { Messages } from "./lib/Messages.sol";
import { Limits } from "./lib/Outflow.sol";

/// A vault's move to its successor: the half of it that is hardly ever used, and that a vault's code has no room for.
///
/// - Runs on the vault's own storage ({Store}), by delegate call from there alone; made by the vault's constructor. Its
///   own storage stays empty, and whoever calls it directly is refused.
/// - When: an order names the successor; it waits three days, and is carried out within half a day after that, or never.
///   A freeze of a day that begins in the half day before outlasts it.
/// - All: nothing may be under auction or queued, and every booked token goes. One that cannot be moved stays behind with
///   its books, keeps nobody else back, and anybody has it moved later, as often as it takes.
/// - Facts: `Executed` of the order is the last one of the old vault, the successor's first one has the next number.
///   What is signed for the old one names another domain; what it carried out counts as done here too.
/// - Tokens: the successor pulls, and has to get exactly what it books. Nothing else here calls a token.
contract Handover is Store {
    using SafeERC20 for IERC20;

    /// Gas that one token gets at most to be moved: eight times what one needs today. What needs more stays behind, and is
    /// moved by {moveRest}, which has no such bound.
    uint256 private constant GAS_MOVE = 1_000_000;
    /// What has to be left beside it, to go on with the next one.
    uint256 private constant GAS_RESERVE = 50_000;

    address private immutable _self = address(this);

    modifier delegated() {
        if (address(this) == _self) revert NotTheVault(msg.sender);
        _;
    }

    /// Registers where everything is going to go. The vault has checked the order's head.
    function queue(uint64 nonce, uint64 expires, bytes calldata order) external delegated {
        Messages.exact(order, Messages.MIGRATE_BYTES);
        address to = Messages.account(Messages.b32(order, 17));
        uint64 time = Messages.time();
        Migration memory m = _migration;
        if (time < m.until) revert MigrationWaits(m.nonce);
        uint64 ready = time + MIGRATION_DELAY;
        if (expires <= ready) revert Expired(nonce, expires, ready);
        _checkSuccessor(to);
        uint64 until = ready + MIGRATION_OPEN;
        if (expires < until) until = expires;
        // A block's time has 41 bits.
        _migration = Migration(to, uint48(ready), uint48(until), nonce);
        emit MigrationQueued(nonce, to, ready, until);
    }

    /// Moves everything to the successor that an order named, as far as the tokens let it.
    function migrate(uint64 nonce) external delegated {
        Migration memory m = _migration;
        uint64 time = Messages.time();
        if (nonce == 0 || m.nonce != nonce) revert NotQueued(nonce);
        if (time < m.ready) revert NotReady(nonce, m.ready, time);
        if (m.until <= time) revert Expired(nonce, m.until, time);
        _notFrozen(time);
        uint256 count = _assets.length;
        for (uint256 i; i < count; ++i) {
            uint256 reserved = _balances[_assets[i]].reserved;
            if (reserved != 0) revert StillReserved(_assets[i], reserved);
        }
        emit Executed(_next(), nonce);
        emit MovedTo(nonce, m.to);
        _head.closed = true;
        // From here on the successor is open. What a token calls meanwhile it may as well call afterwards.
        Vault(m.to).takeOver();
        for (uint256 i; i < count; ++i) {
            uint16 asset = _assets[i];
            if (_balances[asset].booked == 0) continue;
            _try(asset);
            uint128 left = _balances[asset].booked;
            if (left != 0) emit LeftBehind(asset, left);
        }
    }

    /// Moves what is still here of one token. No lock: {migrate} calls it under its own, and a closed vault does nothing
    /// else that a token could call.
    function moveRest(uint16 asset) external delegated {
        address to = _migration.to;
        if (!_head.closed || to == address(0)) revert NotMoved();
        Token memory t = _token(asset);
        uint256 raw = _balances[asset].booked / t.unit;
        // A token may have lost some. What is there is worth moving.
        uint256 have = IERC20(t.token).balanceOf(address(this));
        if (have < raw) raw = have;
        if (raw == 0) revert NothingToMove();
        _balances[asset].booked -= uint128(raw * t.unit);
        IERC20(t.token).forceApprove(to, raw);
        Vault(to).takeRest(asset, raw);
    }

    /// Goes on where the predecessor stopped: its facts' number, its validators, its tokens and their limits. The vault has
    /// checked that it is the predecessor that calls.
    function takeOver() external delegated {
        // Once: whoever was open has told a fact, its predecessor's last one if none of its own.
        if (!_head.closed || _head.sequence != 0) revert WrongSuccessor(address(this));
        Vault old = Vault(msg.sender);
        (uint64 sequence, uint48 since, uint48 until, uint48 void,) = old.head();
        _head = Head(sequence, since, until, void, false);
        (address set, uint32 epoch, uint16 count) = old.validators();
        _present = Validators(set, epoch, count);
        emit Rotated(epoch, count);
        uint16[] memory assets = old.assetList();
        for (uint256 i; i < assets.length; ++i) _inherit(old, assets[i]);
    }

    /// Bridged collateral that comes when everything has gone goes the same way.
    function bridgeIn(uint16 from, uint64 nonce, uint16 asset, uint256 raw) external delegated {
        address to = _migration.to;
        if (to == address(0)) revert Closed(to);
        address token = _token(asset).token;
        _pull(token, msg.sender, raw);
        IERC20(token).forceApprove(to, raw);
        Vault(to).bridgeIn(from, nonce, asset, raw);
    }

    /// It has to name this vault, and take the same coin.
    function _checkSuccessor(address to) private view {
        Vault here = Vault(address(this));
        if (to.code.length == 0 || Vault(to).predecessor() != address(this)) revert WrongSuccessor(to);
        uint16 coin = here.coin();
        Token memory t = _tokens[coin];
        (address token, uint64 unit) = Vault(to).tokens(coin);
        if (Vault(to).coin() != coin || token != t.token || unit != t.unit) revert WrongSuccessor(to);
    }

    /// {moveRest} in a call of its own, so that whatever a token did is undone when it fails, and with so much gas that none
    /// fails because a courier brought too little. What it reverts with is not read.
    function _try(uint16 asset) private {
        bytes memory self = abi.encodeCall(Vault.moveRest, (asset));
        // A call gets 63 of 64 parts at most.
        uint256 need = GAS_MOVE * 64 / 63 + GAS_RESERVE;
        uint256 have = gasleft();
        if (have < need) revert GasTooLow(have, need);
        assembly ("memory-safe") {
            pop(call(GAS_MOVE, address(), 0, add(self, 32), mload(self), 0, 0))
        }
    }

    /// Lists a token of the predecessor's with its limits. The token is not asked: it may be the one that refuses.
    function _inherit(Vault old, uint16 asset) private {
        (address token, uint64 unit) = old.tokens(asset);
        Token memory present = _tokens[asset];
        if (present.token == address(0)) _assets.push(asset);
        else if (present.token != token || present.unit != unit) revert WrongSuccessor(address(this));
        _tokens[asset] = Token(token, unit);
        Limits storage l = _limits[asset];
        (l.rule, l.level, l.delay) = old.limits(asset);
        emit TokenListed(asset, token, unit);
    }
}
