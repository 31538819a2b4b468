// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A sale, as the house reports it to the vault when the taker has to pay. Amounts are Wad.
struct Sale {
    uint64 lot;
    address taker;
    /// Collateral, which has left by now.
    uint128 quantity;
    /// Dollars due, rebate not taken off.
    uint128 paid;
    uint128 rebate;
    /// The auction is over with this sale, and what follows is its end.
    bool over;
    uint16 asset;
    /// Collateral that stays in the vault.
    uint128 unsold;
    /// When the auction began, milliseconds since 1970.
    uint64 began;
    bytes32 result;
}

/// Everything a vault says. What the hub takes for a fact carries a `sequence`, from 1 without gaps.
interface IVault {
    /// Tokens came in for an account. `amount` is Wad.
    event Deposited(
        uint64 indexed sequence, bytes32 indexed owner, uint16 subaccount, uint16 asset, uint128 amount
    );
    /// An order took effect: the last thing that it tells. A delayed release takes effect when it is paid.
    event Executed(uint64 indexed sequence, uint64 indexed nonce);
    /// Part of a lot was sold; `paid - rebate` came into the vault. Wad.
    event Taken(
        uint64 indexed sequence, uint64 indexed lot, bytes32 taker, uint128 quantity, uint128 paid, uint128 rebate
    );
    /// An auction is over: by its last take, its need, its time or a cancellation.
    event Ended(uint64 indexed sequence, uint64 indexed lot, bytes32 result);
    /// What order `nonce` of the hub to chain `from` sent here is in the vault. Wad.
    event BridgedIn(uint64 indexed sequence, uint16 indexed from, uint64 indexed nonce, uint16 asset, uint128 amount);

    // What follows is news, not facts for the hub.

    /// A release was paid, and what for: 0 withdrawal, 1 loan, 2 collection, 3 spending, 4 replenishment, 5 auction,
    /// 6 rebalancing. Wad.
    event Released(uint64 indexed nonce, uint8 indexed reason, uint16 indexed asset, address to, uint128 amount);
    /// A large release waits until `ready`, milliseconds since 1970; anybody pays it then.
    event Queued(uint64 indexed nonce, uint64 ready, uint64 expires);
    /// A queued release can never be paid any more; what it held is free again.
    event Dropped(uint64 indexed nonce);
    /// An order did not take effect and may be delivered again; at most 256 bytes of why.
    event OrderFailed(uint64 indexed nonce, bytes reason);
    /// Nothing leaves until `until`, milliseconds since 1970.
    event FrozenUntil(uint64 until);
    event Rotated(uint32 epoch, uint256 count);
    /// Anybody may have everything moved to a successor from `ready` on, before `until`, milliseconds since 1970.
    event MigrationQueued(uint64 indexed nonce, address to, uint64 ready, uint64 until);
    /// Everything goes to the successor now; this vault takes and pays nothing any more.
    event MovedTo(uint64 indexed nonce, address to);
    /// So much of a token could not be moved with the rest; anybody may try it again. Wad.
    event LeftBehind(uint16 indexed asset, uint128 amount);
    /// The successor has got so much of a token from its predecessor. Wad.
    event RestTaken(uint16 indexed asset, uint128 amount);
    event TokenListed(uint16 indexed asset, address token, uint128 unit);
    event LimitsSet(uint16 indexed asset, uint128 outflow, uint64 window, uint128 delayAbove, uint64 delay);

    /// No token has this id here.
    error UnknownAsset(uint16 asset);
    /// The id stands for another token already.
    error AssetTaken(uint16 asset, address token);
    /// `unit` is not what the token's decimals make one of its own units in Wad.
    error WrongUnit(uint16 asset, uint256 unit, uint256 need);
    /// The chain's own coin can be deposited as its wrapped token only.
    error NotTheWrapped(uint16 asset, address token, address wrapped);
    error NothingToMove();
    /// An owner is 32 bytes with something in the low twelve: an address stands on the right.
    error WrongOwner(bytes32 owner);
    /// Not whole in the token's unit, both Wad.
    error NotWhole(uint256 amount, uint256 unit);
    /// The vault would hold more than 2^110 wei of one asset, the hub's range.
    error TooMuch(uint16 asset, uint256 booked, uint256 amount, uint256 max);
    /// Less is free than leaves; free is what is booked and not under auction or queued. Wad.
    error TooLittleFree(uint16 asset, uint256 free, uint256 amount);
    /// Another figure arrived or left than was asked for, in the token's own unit: a token that takes a fee.
    error WrongArrival(address token, uint256 asked, uint256 moved);
    /// The token refused, or said false.
    error TransferFailed(address token, address from, address to, uint256 raw);

    error NotTheHouse(address sender);
    error NotTheGateway(address sender);
    error NotTheVault(address sender);
    error NoGateway();

    /// The set of validators is another one by now, or not yet.
    error WrongEpoch(uint32 have, uint32 need);
    error NonceZero();
    error UnknownKind(uint8 kind);
    error UnknownReason(uint8 reason);
    /// This block is at or after the order's end, both milliseconds since 1970.
    error Expired(uint64 nonce, uint64 expires, uint64 time);
    /// An order may have failed because the courier brought `have`; with `need` none does.
    error GasTooLow(uint256 have, uint256 need);
    error Frozen(uint64 until, uint64 time);
    /// A freeze ends later than `last`, which is this block, the freeze in force, or one that was ended early, whichever
    /// is the latest; and at `most` or before.
    error WrongUntil(uint64 until, uint64 last, uint64 most);
    /// Fewer signers than move money may prolong a freeze up to a day after it began, and begin one from `from` on.
    error FreezeTooSoon(uint64 from, uint64 time);
    error WrongLimits(uint256 window, uint256 delay, uint256 most);
    /// No release waits under this nonce.
    error NotQueued(uint64 nonce);
    error NotReady(uint64 nonce, uint64 ready, uint64 time);
    error NotExpired(uint64 nonce, uint64 expires, uint64 time);

    /// Everything went to the successor `to`; zero: nothing has come from the predecessor yet.
    error Closed(address to);
    error NotThePredecessor(address sender);
    /// It does not name this vault as its predecessor, sells for another coin, or has taken over already.
    error WrongSuccessor(address to);
    /// A migration waits, by this order: no other one does. Where it is due, no release begins to wait.
    error MigrationWaits(uint64 nonce);
    /// Something of the asset is under auction or queued.
    error StillReserved(uint16 asset, uint256 reserved);
    /// This vault has no successor that it has handed over to.
    error NotMoved();
}
