// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { ITaker } from "./interfaces/ITaker.sol";
import { Sale } from "./interfaces/IVault.sol";
import { Custody } from "./Custody.sol";
import { Vault } from "./Vault.sol";
import { Clock, DutchPrice, Prices, Remainder } from "./lib/DutchPrice.sol";
import { Messages } from "./lib/Messages.sol";

/// Dutch auctions of collateral that lies in the vault.
///
/// - Who: the vault starts and cancels, under certificate; anybody takes; anybody ends what is over.
/// - Price: {DutchPrice}, that of the taker's block. Rounded up, against the taker.
/// - Need: a take is cut to what the need lacks. What is unsold when it is met is the owner's.
/// - Flash: a take with data hands the collateral over, calls the taker, then has it pay.
/// - Holds nothing: collateral and proceeds go straight from and to the vault.
/// - Result: a hash over all takes in order, which the hub computes as well (the attestation compares them).
contract AuctionHouse is ReentrancyGuardTransient {
    /// What is left to sell and to raise. One slot.
    struct Stock {
        /// Collateral, Wad. Zero: no such auction.
        uint112 left;
        /// Dollars of `due` until the need is met, Wad.
        uint112 unmet;
        uint16 asset;
        /// Of what is due, in bps, for listed makers.
        uint16 rebate;
    }

    struct Auction {
        Stock stock;
        Prices prices;
        Clock clock;
        /// Of the order that started it; of the last one when none runs.
        uint64 start;
        /// What the auction of the lot before this one left, Wad: nothing more of it may be offered. It shares the slot of
        /// `start`, which stays when the auction is over, so that all sold costs nothing and the rest one write.
        uint112 unsold;
        /// When it began, milliseconds since 1970; in the same slot.
        uint48 began;
        /// Over the takes so far.
        bytes32 result;
    }

    /// The hub's ranges, R11.
    uint256 private constant AMOUNT_MAX = 2 ** 110;
    uint256 private constant PRICE_MAX = 2 ** 90;

    Custody public immutable vault;
    /// Sold the lots before; zero where the vault is its chain's first.
    AuctionHouse public immutable before;
    /// The hub's id of what takers pay in.
    uint16 public immutable coin;
    /// Wad for one of its own units.
    uint64 public immutable coinUnit;

    mapping(uint64 lot => Auction) private _auctions;
    mapping(address maker => bool) public isMaker;

    /// An auction began; its terms are in {auction}. Not a fact for the hub, which has the order's `Executed`.
    event Started(uint64 indexed lot, uint64 indexed start, uint16 indexed asset, uint128 quantity);
    event MakerListed(address indexed maker, bool listed);

    error NotTheVault(address sender);
    /// The lot is under auction already, by the order `start`.
    error AlreadyRunning(uint64 lot, uint64 start);
    /// An earlier auction of the lot left `unsold`, less than is offered now: the rest was sold.
    error LotSold(uint64 lot, uint256 unsold, uint256 quantity);
    /// Terms that the hub never orders: out of its ranges, or times out of order.
    error WrongTerms(uint64 lot);
    error NoAuction(uint64 lot);
    /// Nothing is sold at or after `ends`, milliseconds since 1970.
    error Over(uint64 lot, uint64 ends, uint64 time);
    error NotOver(uint64 lot, uint64 ends, uint64 time);
    /// Dollars a whole unit, Wad.
    error PriceAbove(uint64 lot, uint256 price, uint256 most);
    /// Less than the dust is wanted, or it would leave less than that of the lot or of the need. All of `left` can be wanted.
    error NoSuchPart(uint64 lot, uint256 wanted, uint256 left, uint256 dust);
    /// The take is cut to `quantity`, and the taker accepts no less than `least`.
    error PartBelow(uint64 lot, uint256 quantity, uint256 least);
    error WrongRecipient(address recipient);

    modifier onlyVault() {
        if (msg.sender != address(vault)) revert NotTheVault(msg.sender);
        _;
    }

    /// Made by the vault, in its constructor.
    /// @param before_ the house of the vault's predecessor, or zero.
    constructor(uint16 coin_, uint64 coinUnit_, AuctionHouse before_) {
        vault = Custody(msg.sender);
        before = before_;
        coin = coin_;
        coinUnit = coinUnit_;
    }

    /// Opens an auction on the terms of a StartAuction order, whose length the vault has checked and whose quantity it
    /// has reserved.
    /// @param unit Wad for one of the collateral's own units. The dust is rounded up to it, so that all parts are whole.
    /// @param result result(0).
    function start(bytes calldata order, uint64 unit, bytes32 result) external onlyVault nonReentrant {
        uint64 lot = Messages.u64(order, 17);
        Auction storage a = _auctions[lot];
        if (a.stock.left != 0) revert AlreadyRunning(lot, a.start);
        Stock memory stock = _stock(lot, order);
        (bool known, uint256 left) = leftOf(lot);
        if (known && left < stock.left) revert LotSold(lot, left, stock.left);
        a.stock = stock;
        a.prices = _prices(lot, order);
        a.clock = _clock(lot, order, unit);
        (a.start, a.began) = (Messages.u64(order, 0), uint48(Messages.time()));
        a.result = result;
        emit Started(lot, a.start, stock.asset, stock.left);
    }

    /// What the last auction of a lot left, Wad, here or where it was sold before; whether there was one.
    function leftOf(uint64 lot) public view returns (bool known, uint256 left) {
        Auction storage a = _auctions[lot];
        if (a.start != 0) return (true, a.unsold);
        if (before != AuctionHouse(address(0))) return before.leftOf(lot);
    }

    /// Ends an auction that the order `start_` started, if it runs.
    function cancel(uint64 lot, uint64 start_)
        external
        onlyVault
        nonReentrant
        returns (bool ran, uint16 asset, uint128 unsold, uint64 began, bytes32 result)
    {
        Auction storage a = _auctions[lot];
        Stock memory stock = a.stock;
        if (stock.left == 0 || a.start != start_) return (false, 0, 0, 0, 0);
        result = a.result;
        _close(a, stock.left);
        return (true, stock.asset, stock.left, a.began, result);
    }

    /// Lists a market maker, or takes it off the list.
    function listMaker(address maker, bool listed) external onlyVault {
        isMaker[maker] = listed;
        emit MakerListed(maker, listed);
    }

    /// Buys part of a lot at the price of this block. The caller pays, and has to have approved the vault for it.
    /// @param wanted collateral, Wad, whole in its token's unit: gets as much as need and dust allow.
    /// @param least collateral, Wad: gets no less.
    /// @param priceMost dollars a whole unit, Wad: pays no more.
    /// @param recipient gets the collateral.
    /// @param data if not empty, the caller is called ({ITaker}) between getting the collateral and paying.
    /// @return taken collateral, Wad.
    /// @return due dollars, Wad, before the rebate.
    function take(
        uint64 lot,
        uint128 wanted,
        uint128 least,
        uint128 priceMost,
        address recipient,
        bytes calldata data
    ) external nonReentrant returns (uint128 taken, uint128 due) {
        Sale memory sale = _sell(lot, wanted, least, priceMost);
        if (recipient == address(0) || recipient == address(vault)) revert WrongRecipient(recipient);
        vault.payOut(sale.asset, sale.quantity, recipient);
        if (data.length != 0) {
            ITaker(msg.sender).onTake(lot, sale.asset, sale.quantity, sale.paid - sale.rebate, data);
        }
        vault.collect(sale);
        return (sale.quantity, sale.paid);
    }

    /// Tells the hub that an auction's time is over. Anybody may.
    function end(uint64 lot) external nonReentrant {
        Auction storage a = _auctions[lot];
        Stock memory stock = a.stock;
        uint64 time = Messages.time();
        uint64 ends = _ends(a.clock);
        if (stock.left == 0) revert NoAuction(lot);
        if (time < ends) revert NotOver(lot, ends, time);
        bytes32 result = a.result;
        _close(a, stock.left);
        vault.ended(lot, stock.asset, stock.left, a.began, result);
    }

    /// An auction as it stands; when none runs, nothing but the last one's `start`, `unsold` and `began`.
    function auction(uint64 lot) external view returns (Auction memory) {
        return _auctions[lot];
    }

    /// Dollars a whole unit, Wad, at a time in milliseconds since 1970.
    function priceAt(uint64 lot, uint64 time) external view returns (uint256) {
        Auction storage a = _auctions[lot];
        if (a.stock.left == 0) revert NoAuction(lot);
        return DutchPrice.price(a.prices, a.clock, time);
    }

    /// Decides on a sale and books it: price, part, dues, what is left, the result.
    function _sell(uint64 lot, uint128 wanted, uint128 least, uint128 priceMost) private returns (Sale memory sale) {
        Auction storage a = _auctions[lot];
        Stock memory stock = a.stock;
        Clock memory clock = a.clock;
        uint64 time = Messages.time();
        if (stock.left == 0) revert NoAuction(lot);
        if (_ends(clock) <= time) revert Over(lot, _ends(clock), time);
        uint256 price = DutchPrice.price(a.prices, clock, time);
        if (priceMost < price) revert PriceAbove(lot, price, priceMost);
        (, uint256 unit) = Vault(address(vault)).tokens(stock.asset);
        // What is due is at most the need, which is 2^110, and a unit of either token.
        (uint256 taken, uint256 due) = DutchPrice.cut(
            Remainder(stock.left, stock.unmet, price, clock.dust, unit, coinUnit), wanted
        );
        if (taken == 0) revert NoSuchPart(lot, wanted, stock.left, clock.dust);
        if (taken < least) revert PartBelow(lot, taken, least);
        uint256 rebate = 0;
        if (stock.rebate != 0 && uint256(clock.opened) + clock.invitesAfter <= time && isMaker[msg.sender]) {
            rebate = DutchPrice.rebate(due, stock.rebate, coinUnit);
        }
        sale.lot = lot;
        sale.taker = msg.sender;
        sale.quantity = uint128(taken);
        sale.paid = uint128(due);
        sale.rebate = uint128(rebate);
        sale.asset = stock.asset;
        sale.unsold = uint128(stock.left - taken);
        sale.result = keccak256(
            abi.encodePacked(
                a.result, uint256(uint160(msg.sender)), sale.quantity, sale.paid, sale.rebate
            )
        );
        sale.over = sale.unsold == 0 || stock.unmet <= due;
        if (sale.over) {
            sale.began = a.began;
            _close(a, uint112(sale.unsold));
        } else {
            stock.left = uint112(sale.unsold);
            stock.unmet = uint112(stock.unmet - due);
            a.stock = stock;
            a.result = sale.result;
        }
    }

    /// An auction is over: what it left is the most that another one of the lot may offer.
    function _close(Auction storage a, uint112 unsold) private {
        delete a.stock;
        delete a.prices;
        delete a.clock;
        delete a.result;
        a.unsold = unsold;
    }

    /// What is for sale, and how much it has to bring.
    function _stock(uint64 lot, bytes calldata order) private pure returns (Stock memory) {
        uint256 quantity = Messages.u128(order, 27);
        uint256 need = Messages.u128(order, 123);
        uint256 rebate = Messages.u16(order, 155);
        // Nothing is sold for nothing.
        if (AMOUNT_MAX < quantity || 10_000 < rebate || need == 0) revert WrongTerms(lot);
        // More than everything is as good as everything.
        if (AMOUNT_MAX < need) need = AMOUNT_MAX;
        return Stock(uint112(quantity), uint112(need), Messages.u16(order, 25), uint16(rebate));
    }

    function _prices(uint64 lot, bytes calldata order) private pure returns (Prices memory) {
        uint256 start_ = Messages.u128(order, 51);
        uint256 floor = Messages.u128(order, 67);
        uint256 stepFactor = Messages.u128(order, 83);
        if (PRICE_MAX < start_ || start_ < floor || floor == 0) revert WrongTerms(lot);
        if (DutchPrice.WAD <= stepFactor) revert WrongTerms(lot);
        return Prices(uint96(start_), uint96(floor), uint64(stepFactor));
    }

    /// Times as spans after `opened`, and the dust, up to the collateral's unit.
    function _clock(uint64 lot, bytes calldata order, uint256 unit) private pure returns (Clock memory) {
        uint256 opened = Messages.u64(order, 43);
        uint256 step = Messages.u64(order, 99);
        uint256 invites = Messages.u64(order, 107);
        uint256 ends = Messages.u64(order, 115);
        uint256 dust = Messages.u128(order, 139);
        // At the end nothing is sold any more, at whatever price.
        if (ends < invites) invites = ends;
        if (step == 0 || type(uint32).max < step || type(uint48).max < ends) revert WrongTerms(lot);
        if (invites < opened || ends <= opened || type(uint32).max < ends - opened) revert WrongTerms(lot);
        dust = AMOUNT_MAX < dust ? AMOUNT_MAX : (dust + unit - 1) / unit * unit;
        return Clock(uint48(opened), uint32(invites - opened), uint32(ends - opened), uint32(step), uint112(dust));
    }

    function _ends(Clock memory clock) private pure returns (uint64) {
        return uint64(clock.opened) + clock.endsAfter;
    }
}
