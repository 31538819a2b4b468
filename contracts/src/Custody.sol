// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { AuctionHouse } from "./AuctionHouse.sol";
import { Store } from "./Store.sol";
import { Sale } from "./interfaces/IVault.sol";
import { IWrapped } from "./interfaces/IWrapped.sol";
import { Messages } from "./lib/Messages.sol";

/// What the vault holds, and the ways in: deposits, proceeds of auctions, bridged collateral.
///
/// - Books: by asset, Wad. `booked` is deposits and other income less whatever left, `reserved` the part of it under
///   auction or queued. Only they count: a token that rebases, or was sent here by mistake, changes nothing.
/// - Measured: every transfer is compared with the balance it changed. A token that takes a fee is refused, not
///   credited by what arrived: what it takes on the way out again would be somebody else's.
/// - Coin of the chain: wrapped when it comes in; a release pays the wrapped token, so that no release calls anybody.
/// - Never blocked: nothing here asks whether the vault is frozen. Deposits and repayments always go on.
/// - Sequence: facts for the hub are numbered without gaps.
abstract contract Custody is Store, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// The hub's range of an amount, R11: Wad, of one asset in all.
    uint256 public constant MAX_BOOKED = 2 ** 110;

    AuctionHouse public immutable house;
    /// May tell of bridged collateral; zero on a chain without bridges.
    address public immutable gateway;
    /// The chain's own coin as a token; zero where there is none.
    address public immutable wrapped;
    /// What takers pay in.
    uint16 public immutable coin;
    /// Where everything comes from; zero for a chain's first vault.
    address public immutable predecessor;
    address private immutable _coinToken;
    uint64 private immutable _coinUnit;

    modifier onlyHouse() {
        if (msg.sender != address(house)) revert NotTheHouse(msg.sender);
        _;
    }

    modifier onlyPredecessor() {
        if (msg.sender != predecessor) revert NotThePredecessor(msg.sender);
        _;
    }

    constructor(uint16 coin_, address coinToken, address wrapped_, address gateway_, address predecessor_) {
        predecessor = predecessor_;
        coin = coin_;
        wrapped = wrapped_;
        gateway = gateway_;
        _coinToken = coinToken;
        _coinUnit = uint64(_unitOf(coin_, coinToken));
        _list(coin_, coinToken, _coinUnit);
        AuctionHouse before = predecessor_ == address(0) ? AuctionHouse(address(0)) : Custody(predecessor_).house();
        house = new AuctionHouse(coin_, _coinUnit, before);
    }

    /// Takes `raw` of a token (in its own unit) from the caller, for any account.
    /// @param owner an address of 20 bytes padded on the left, or a 32-byte key.
    function deposit(bytes32 owner, uint16 subaccount, uint16 asset, uint256 raw) external nonReentrant {
        address token = _deposited(owner, subaccount, asset, raw);
        _pull(token, msg.sender, raw);
    }

    /// The same with an ERC-2612 permit to this vault. A permit that fails is not the end: somebody may have carried
    /// it out before, and then the allowance is there.
    function depositWithPermit(
        bytes32 owner,
        uint16 subaccount,
        uint16 asset,
        uint256 raw,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        address token = _deposited(owner, subaccount, asset, raw);
        try IERC20Permit(token).permit(msg.sender, address(this), raw, deadline, v, r, s) { } catch { }
        _pull(token, msg.sender, raw);
    }

    /// Takes the chain's own coin, as many wei as are sent, and wraps it. `asset` is the wrapped token's.
    function depositNative(bytes32 owner, uint16 subaccount, uint16 asset) external payable nonReentrant {
        address token = _deposited(owner, subaccount, asset, msg.value);
        if (token != wrapped) revert NotTheWrapped(asset, token, wrapped);
        uint256 before = IERC20(token).balanceOf(address(this));
        IWrapped(token).deposit{ value: msg.value }();
        _arrived(token, before, msg.value);
    }

    /// Collateral of a running auction leaves for a taker, who pays in the same call of the house or nothing happens.
    function payOut(uint16 asset, uint128 quantity, address recipient) external onlyHouse nonReentrant {
        Token memory t = _tokens[asset];
        uint256 raw = _raw(quantity, t.unit);
        Balance storage b = _balances[asset];
        // Both cover it: the house sells only what was reserved when the auction started.
        b.booked -= quantity;
        b.reserved -= quantity;
        _push(t.token, recipient, raw);
    }

    /// The taker pays, and the sale becomes a fact.
    function collect(Sale calldata sale) external onlyHouse nonReentrant {
        uint128 net = sale.paid - sale.rebate;
        _balances[coin].booked += net;
        emit Taken(
            _next(), sale.lot, bytes32(uint256(uint160(sale.taker))), sale.quantity, sale.paid, sale.rebate
        );
        if (sale.over) _ended(sale.lot, sale.asset, sale.unsold, sale.began, sale.result);
        _pull(_coinToken, sale.taker, net / _coinUnit);
    }

    /// An auction's time was over.
    function ended(uint64 lot, uint16 asset, uint128 unsold, uint64 began, bytes32 result)
        external
        onlyHouse
        nonReentrant
    {
        _ended(lot, asset, unsold, began, result);
    }

    /// Collateral that another chain's vault sent here. The gateway pays it in like any depositor; which order sent it
    /// is the gateway's word, which the hub compares with its own books. What comes to a vault that has handed over goes on
    /// to its successor.
    function bridgeIn(uint16 from, uint64 nonce, uint16 asset, uint256 raw) external nonReentrant {
        // Nobody calls from the address zero.
        if (msg.sender != gateway && msg.sender != predecessor) revert NotTheGateway(msg.sender);
        if (_head.closed) return _handOver(msg.data);
        (address token, uint128 amount) = _credit(asset, raw);
        emit BridgedIn(_next(), from, nonce, asset, amount);
        _pull(token, msg.sender, raw);
    }

    /// What the predecessor had of a token. Not a fact: the hub has counted it as being here since it was deposited. Taken
    /// by a vault that is closed again as well, which hands it on ({Vault-moveRest}).
    function takeRest(uint16 asset, uint256 raw) external onlyPredecessor nonReentrant {
        (address token, uint128 amount) = _credit(asset, raw);
        emit RestTaken(asset, amount);
        _pull(token, msg.sender, raw);
    }

    /// What may leave or be put up for auction, Wad.
    function free(uint16 asset) public view returns (uint256) {
        Balance memory b = _balances[asset];
        return b.booked - b.reserved;
    }

    /// Everything about a deposit but the transfer.
    function _deposited(bytes32 owner, uint16 subaccount, uint16 asset, uint256 raw) private returns (address token) {
        // An address padded on the wrong side ends in twelve zeros, and so does the empty owner.
        if (uint96(uint256(owner)) == 0) revert WrongOwner(owner);
        uint128 amount;
        (token, amount) = _credit(asset, raw);
        emit Deposited(_next(), owner, subaccount, asset, amount);
    }

    /// Books what is about to arrive. Exact: a whole number of the token's own units is always whole in Wad.
    function _credit(uint16 asset, uint256 raw) private returns (address token, uint128 amount) {
        Token memory t = _token(asset);
        if (raw == 0) revert NothingToMove();
        Balance storage b = _balances[asset];
        uint256 booked = b.booked;
        if (MAX_BOOKED < raw || MAX_BOOKED - booked < raw * t.unit) revert TooMuch(asset, booked, raw, MAX_BOOKED);
        // Both at most 2^110.
        amount = uint128(raw * t.unit);
        b.booked = uint128(booked + amount);
        return (t.token, amount);
    }

    function _ended(uint64 lot, uint16 asset, uint128 unsold, uint64 began, bytes32 result) internal {
        if (unsold != 0) {
            _balances[asset].reserved -= unsold;
            _unsold(asset, unsold, began);
        }
        emit Ended(_next(), lot, result);
    }

    /// Does what {Handover} has a function for.
    function _handOver(bytes memory what) internal virtual;

    /// Counts what an auction did not sell as not having left.
    function _unsold(uint16 asset, uint256 amount, uint64 began) internal virtual;

    /// The token's own figure for an amount of Wad, which has to be whole in it.
    function _raw(uint256 amount, uint256 unit) internal pure returns (uint256) {
        if (amount == 0) revert NothingToMove();
        if (amount % unit != 0) revert NotWhole(amount, unit);
        return amount / unit;
    }
}
