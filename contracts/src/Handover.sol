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
///   own storage stays empty, and whoever calls it directly moves nothing.
/// - When: an order names the successor; it waits three days, and is carried out within one day after that, or never.
/// - Whole: every booked token leaves, nothing may be under auction or queued, and the successor has to have it all.
/// - Facts: `Executed` of the order is the last one of the old vault, the successor's first one has the next number.
///   No order that the old one carried out is known to the successor; what is signed for it names another domain.
contract Handover is Store {
    using SafeERC20 for IERC20;

    /// Registers where everything is going to go. The vault has checked the order's head.
    function queue(uint64 nonce, uint64 expires, bytes calldata order) external {
        Messages.exact(order, Messages.MIGRATE_BYTES);
        address to = Messages.account(Messages.b32(order, 17));
        uint64 time = Messages.time();
        Migration memory m = migration;
        if (time < m.until) revert MigrationWaits(m.nonce);
        uint64 ready = time + MIGRATION_DELAY;
        if (expires <= ready) revert Expired(nonce, expires, ready);
        if (to.code.length == 0 || Vault(to).predecessor() != address(this)) revert WrongSuccessor(to);
        uint64 until = ready + FREEZE_MOST;
        if (expires < until) until = expires;
        // A block's time has 41 bits.
        migration = Migration(to, uint48(ready), uint48(until), nonce);
        emit MigrationQueued(nonce, to, ready, until);
    }

    /// Moves everything to the successor that an order named.
    function migrate(uint64 nonce) external {
        Migration memory m = migration;
        uint64 time = Messages.time();
        if (nonce == 0 || m.nonce != nonce) revert NotQueued(nonce);
        if (time < m.ready) revert NotReady(nonce, m.ready, time);
        if (m.until <= time) revert Expired(nonce, m.until, time);
        _notFrozen(time);
        emit Executed(_next(), nonce);
        emit MovedTo(nonce, m.to);
        head.closed = true;
        uint256 count = _assets.length;
        uint128[] memory moved = new uint128[](count);
        for (uint256 i; i < count; ++i) {
            uint16 asset = _assets[i];
            Balance memory b = balances[asset];
            if (b.reserved != 0) revert StillReserved(asset, b.reserved);
            if (b.booked == 0) continue;
            moved[i] = b.booked;
            delete balances[asset];
            Token memory t = tokens[asset];
            _push(t.token, m.to, b.booked / t.unit);
        }
        Vault(m.to).takeOver(moved);
    }

    /// Goes on where the predecessor stopped: its facts' number, its validators, its tokens and their limits. The vault has
    /// checked that it is the predecessor that calls.
    /// @param coin what the successor's takers pay in.
    /// @param moved Wad, of each of the predecessor's tokens.
    function takeOver(uint16 coin, uint128[] calldata moved) external {
        Vault old = Vault(msg.sender);
        if (!head.closed || old.coin() != coin) revert WrongSuccessor(address(this));
        (uint64 sequence, uint48 since, uint48 until, uint48 void,) = old.head();
        head = Head(sequence, since, until, void, false);
        (address set, uint32 epoch, uint16 count) = old.validators();
        validators = Validators(set, epoch, count);
        emit Rotated(epoch, count);
        uint16[] memory assets = old.assetList();
        for (uint256 i; i < assets.length; ++i) _inherit(old, assets[i], moved[i]);
    }

    /// Bridged collateral that comes when everything has gone goes the same way.
    function passOn(uint16 from, uint64 nonce, uint16 asset, uint256 raw) external {
        address to = migration.to;
        if (to == address(0)) revert Closed(to);
        address token = _token(asset).token;
        _pull(token, msg.sender, raw);
        IERC20(token).forceApprove(to, raw);
        Vault(to).bridgeIn(from, nonce, asset, raw);
    }

    /// Lists a token of the predecessor's with its limits, and books what was moved of it.
    function _inherit(Vault old, uint16 asset, uint128 amount) private {
        (address token, uint64 unit) = old.tokens(asset);
        _list(asset, token, unit);
        Limits storage l = limits[asset];
        (l.rule, l.level, l.delay) = old.limits(asset);
        uint256 have = IERC20(token).balanceOf(address(this));
        if (have < amount / unit) revert NotArrived(asset, have, amount / unit);
        balances[asset].booked = amount;
    }
}
