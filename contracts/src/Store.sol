// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { IVault } from "./interfaces/IVault.sol";
import { Limits } from "./lib/Outflow.sol";

/// Everything that a vault remembers, and what its parts do with it alike.
///
/// - One layout: {Vault} and {Handover} have this and nothing else in storage, since the vault runs the other's code on
///   its own storage.
/// - Not to be seen here: {Vault} shows what it is asked for. Its other half has no room to spare in what a vault is made of.
/// - No immutables here: they would be those of whoever's code runs.
abstract contract Store is IVault {
    using SafeERC20 for IERC20;

    struct Token {
        address token;
        /// Wad for one of the token's own units: 10^(18 - decimals).
        uint64 unit;
    }

    struct Balance {
        uint128 booked;
        uint128 reserved;
    }

    struct Head {
        /// Of the last fact told.
        uint64 sequence;
        /// Milliseconds since 1970: nothing leaves from the one, before the other. Of the last freeze.
        uint48 frozenSince;
        uint48 frozenUntil;
        /// The latest end of a freeze that a quorum ended early: a freeze up to there is not taken again.
        uint48 voidUntil;
        /// It has handed over to its successor, or has not taken over from its predecessor: no fact is told.
        bool closed;
    }

    /// The present set of validators. One slot.
    struct Validators {
        address set;
        uint32 epoch;
        uint16 count;
    }

    /// A release that waits. Two slots.
    struct Waiting {
        address to;
        uint16 asset;
        uint8 reason;
        uint64 ready;
        uint128 amount;
        uint64 expires;
    }

    /// What waits to be moved to a successor, or was. Two slots.
    struct Migration {
        address to;
        uint48 ready;
        uint48 until;
        uint64 nonce;
    }

    /// Longest freeze, milliseconds.
    uint64 public constant FREEZE_MOST = 24 hours * 1000;
    /// How long a migration waits, milliseconds.
    uint64 public constant MIGRATION_DELAY = 3 days * 1000;
    /// In which time it is carried out then, or never. Half of {FREEZE_MOST}: a freeze that begins before it is ready, as
    /// late as that it cannot be carried out first, outlasts it.
    uint64 public constant MIGRATION_OPEN = FREEZE_MOST / 2;

    Head internal _head;
    /// Tokens, in the order in which they were listed.
    uint16[] internal _assets;
    mapping(uint16 asset => Token) internal _tokens;
    mapping(uint16 asset => Balance) internal _balances;
    Validators internal _present;
    mapping(uint16 asset => Limits) internal _limits;
    mapping(uint64 nonce => Waiting) internal _waiting;
    Migration internal _migration;
    /// Bit `nonce % 256` of word `nonce / 256`: used up.
    mapping(uint256 word => uint256) internal _done;

    /// Lists a token whose unit is known to be right.
    function _list(uint16 asset, address token, uint256 unit) internal {
        address present = _tokens[asset].token;
        if (present != address(0) && present != token) revert AssetTaken(asset, present);
        uint256 need = _unitOf(asset, token);
        if (unit != need) revert WrongUnit(asset, unit, need);
        if (present == address(0)) _assets.push(asset);
        _tokens[asset] = Token(token, uint64(unit));
        emit TokenListed(asset, token, uint128(unit));
    }

    /// Wad for one of a token's own units. Tokens of more than 18 decimals are not listed.
    function _unitOf(uint16 asset, address token) internal view returns (uint256) {
        uint256 decimals = IERC20Metadata(token).decimals();
        if (18 < decimals) revert WrongUnit(asset, 0, decimals);
        return 10 ** (18 - decimals);
    }

    function _token(uint16 asset) internal view returns (Token memory t) {
        t = _tokens[asset];
        if (t.token == address(0)) revert UnknownAsset(asset);
    }

    /// Number of the next fact.
    function _next() internal returns (uint64) {
        _open();
        return ++_head.sequence;
    }

    /// Refuses where everything has gone to a successor, or nothing has come from the predecessor yet.
    function _open() internal view {
        if (_head.closed) revert Closed(_migration.to);
    }

    function _notFrozen(uint64 time) internal view {
        uint64 until = _head.frozenUntil;
        if (time < until) revert Frozen(until, time);
    }

    /// Tokens in. A callback of the token may do what it likes: the books are closed and the lock is on.
    function _pull(address token, address from, uint256 raw) internal {
        uint256 before = IERC20(token).balanceOf(address(this));
        if (!IERC20(token).trySafeTransferFrom(from, address(this), raw)) {
            revert TransferFailed(token, from, address(this), raw);
        }
        _arrived(token, before, raw);
    }

    function _arrived(address token, uint256 before, uint256 raw) internal view {
        uint256 now_ = IERC20(token).balanceOf(address(this));
        if (now_ != before + raw) revert WrongArrival(token, raw, before < now_ ? now_ - before : 0);
    }

    /// Tokens out. Measured too: a token that takes its fee from the sender would eat other people's.
    function _push(address token, address to, uint256 raw) internal {
        uint256 before = IERC20(token).balanceOf(address(this));
        if (!IERC20(token).trySafeTransfer(to, raw)) revert TransferFailed(token, address(this), to, raw);
        uint256 now_ = IERC20(token).balanceOf(address(this));
        if (now_ + raw != before) revert WrongArrival(token, raw, now_ < before ? before - now_ : 0);
    }
}
