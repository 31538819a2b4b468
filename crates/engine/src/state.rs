//! The state: every record of the house, and nothing that can be derived except what is marked so.
//!
//! - Tables (dense ids) and registers (records that come and go) remember what a block changed.
//! - The fields under "derived" are rebuilt by [`State::derive`] and never encoded.

use crate::account::Account;
use crate::attest::Roots;
use crate::credit::LendingPool;
use crate::custody::queue::Queues;
use crate::custody::{self, BelowPar, Recorded, Unfinal, Waiting};
use crate::keeper::book::{Duties, KeeperBook};
use crate::keeper::{Keeper, Round};
use crate::ledger::{ChainMoney, Holding, HouseMoney, Sums, TokenMoney};
use crate::liquidation::{Agenda, Lot, OnItsWay, Passed, Path, Task, Transit};
use crate::market::Market;
use crate::measures::{DailyDepth, Measured};
use crate::members::Members;
use crate::migration::Migration;
use crate::oracle::Asset;
use crate::orders::{self, Sent};
use crate::risk::index::RiskIndex;
use crate::rollback::Snapshot;
use crate::table::{Register, RowId, Table};
use crate::waterfall::{FloatUse, Loss};
use ballast_types::digest::ChainKind;
use ballast_types::{
    AccountId, Address, AnomalyKind, AssetId, AuctionSchedule, ChainId, ChainTier, Event, FloatLimits, Hash,
    Height, Holder, KeeperId, LedgerAccount, LiquidationParams, Listing, LossId, LotId, MarketId, Nonce,
    OracleParams, Order, OrderParams, Owner, RateParams, Reject, Scope, Sequence, Signer, TaskId, Token,
    TokenParams, Transfer, VaultLimits,
};
use ballast_units::{Amount, Millis, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::{BTreeMap, BTreeSet};

/// Every record of the house.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct State {
    /// The house itself: clock, parameters, reserve, counters.
    pub house: House,
    /// Accounts.
    pub accounts: Table<AccountId, Account>,
    /// Assets and their prices.
    pub assets: Table<AssetId, Asset>,
    /// Chains: vault, lending pool.
    pub chains: Table<ChainId, Chain>,
    /// Markets.
    pub markets: Table<MarketId, Market>,
    /// Lenders' shares.
    pub lenders: Register<(ChainId, AccountId), Amount>,
    /// Where withdrawals go.
    pub addresses: Register<(AccountId, ChainId), Address>,
    /// Deposits less withdrawals of a stablecoin, by account (R10).
    pub coin_deposits: Register<(AccountId, Token), Amount>,
    /// Vault events that are safe, not final.
    pub unfinal: Register<(ChainId, Sequence), Unfinal>,
    /// Orders of which it is not final that they were carried out.
    pub orders: Register<(ChainId, Nonce), Sent>,
    /// Collateral on its way from one chain to another, by the order that sends it.
    pub transits: Register<(ChainId, Nonce), Transit>,
    /// Tasks with lots on a chain, as what was final made them.
    pub snapshots: Register<(ChainId, TaskId), Snapshot>,
    /// Withdrawals that wait for a coin.
    pub waiting: Register<(AccountId, Token), Waiting>,
    /// Open liquidations.
    pub tasks: Register<TaskId, Task>,
    /// Collateral under auction.
    pub lots: Register<LotId, Lot>,
    /// Losses that left a deficit.
    pub losses: Register<LossId, Loss>,
    /// Suspended claims and shares.
    pub receipts: Register<(LossId, Holder), Amount>,
    /// Keepers.
    pub keepers: Table<KeeperId, Keeper>,
    /// Operators with a verdict of malice, since when.
    pub barred: Register<Address, Time>,
    /// Keepers of tasks, until they are judged.
    pub rounds: Register<TaskId, Round>,
    /// What is nobody's or counts nowhere: dust, suspense, surplus, and what of a token that is not listed is in flight.
    pub aside: Register<(LedgerAccount, Token), Amount>,
    /// What facts of chains had that the books did not expect: the last of each chain.
    pub anomalies: Register<(ChainId, Sequence), Recorded>,
    /// Ways between chains over which something went wrong, or came.
    pub paths: Register<(ChainId, ChainId), Path>,
    /// Accounts that hold a stablecoin as collateral, since when: it becomes cash as soon as it is taken.
    pub parked: Register<(Token, AccountId), u64>,
    /// Tokens that accounts do not want.
    pub refused: Register<(AccountId, Token), ()>,
    /// Sets of validators that a vault may obey, by epoch; each ascending. An empty one is left to whoever runs the house.
    pub validators: Register<u32, Vec<Signer>>,

    /// Derived: accounts by owner.
    #[borsh(skip)]
    pub(crate) owners: BTreeMap<Owner, AccountId>,
    /// Derived: accounts with a position, claim or debt, by market.
    #[borsh(skip)]
    pub(crate) members: Vec<Members>,
    /// Derived: settlement debts by age.
    #[borsh(skip)]
    pub(crate) debtors: BTreeSet<(Time, AccountId, MarketId)>,
    /// Derived: losses of this block, for which nobody has been suspended yet; empty between blocks.
    #[borsh(skip)]
    pub(crate) fresh_losses: BTreeMap<Scope, LossId>,
    /// Derived: when which order is put out again.
    #[borsh(skip)]
    pub(crate) resends: BTreeSet<(ChainId, Time, Nonce)>,
    /// Derived: when which order expires.
    #[borsh(skip)]
    pub(crate) expiries: BTreeSet<(ChainId, Time, Nonce)>,
    /// Derived: dollars of pending credit of an owner's accounts on a chain, each at its index when it was seen.
    #[borsh(skip)]
    pub(crate) pending_of: BTreeMap<(Address, ChainId), Amount>,
    /// Derived: which tasks and lots a block has to look at.
    #[borsh(skip)]
    pub(crate) agenda: Agenda,
    /// Derived: which accounts a price or the clock makes worth a look.
    #[borsh(skip)]
    pub(crate) index: RiskIndex,
    /// Derived: what waits for keepers' deadlines.
    #[borsh(skip)]
    pub(crate) duties: Duties,
    /// Derived: what records hold together (I01).
    #[borsh(skip)]
    pub(crate) sums: Sums,
    /// Derived: withdrawals that wait, by coin and place.
    #[borsh(skip)]
    pub(crate) queues: Queues,
    /// Derived: releases of accounts that are not final.
    #[borsh(skip)]
    pub(crate) releases: BTreeMap<AccountId, u32>,
    /// Derived: by asset, what is on its way between chains (I01).
    #[borsh(skip)]
    pub(crate) on_its_way: BTreeMap<AssetId, OnItsWay>,
}

/// The house itself.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct House {
    /// Of the last block.
    pub height: Height,
    /// Of the last block.
    pub time: Time,
    /// State hash after the last block.
    pub hash: Hash,
    /// Price checks.
    pub oracle: OracleParams,
    /// Liquidation.
    pub liquidation: LiquidationParams,
    /// Orders to chains.
    pub orders: OrderParams,
    /// Market makers that may have the rebate of invitations.
    pub makers: BTreeSet<Address>,
    /// Limits on the float.
    pub float_limits: FloatLimits,
    /// Float, treasury, totals.
    pub money: HouseMoney,
    /// Float used by scope in the last 24 hours.
    pub float_use: FloatUse,
    /// Listing conditions are checked.
    pub listing_check: bool,
    /// Only what reduces risk, since then.
    pub safe_mode: Option<Time>,
    /// Dollars of written-down coins that the books still count (I01b).
    pub par_loss: Amount,
    /// Last task given out.
    pub last_task: TaskId,
    /// Last lot given out.
    pub last_lot: LotId,
    /// Last loss given out.
    pub last_loss: LossId,
    /// Last place given out in the queue of withdrawals, and to coins that wait to become cash.
    pub last_waiting: u64,
    /// What came in of coins below par, less what has leaked since.
    pub below_par: BelowPar,
    /// Keepers' terms and calendar.
    pub keepers: KeeperBook,
    /// Anomalies of each chain so far, by kind.
    pub anomalies: BTreeMap<(ChainId, AnomalyKind), u64>,
}

/// A chain: its vault's tokens and its lending pool.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Chain {
    /// How its lots are sold.
    pub tier: ChainTier,
    /// Time between its blocks.
    pub block_time: Millis,
    /// Its p95 of inclusion time.
    pub inclusion_p95: Millis,
    /// What its addresses are like.
    pub kind: ChainKind,
    /// What stands for its vault in every message, for good; see [`State::domain`].
    pub domain: Hash,
    /// The asset of the stablecoin that loans and takes are paid in.
    pub coin: AssetId,
    /// Tokens of the vault, ascending by asset.
    pub tokens: Vec<TokenRecord>,
    /// Dollars.
    pub money: ChainMoney,
    /// Where the reserve's cold money lies: a multisig.
    pub cold_store: Option<Address>,
    /// The lending pool.
    pub pool: LendingPool,
    /// Its interest.
    pub rate: RateParams,
    /// How its auctions run.
    pub auction: AuctionSchedule,
    /// Cap of its tranche.
    pub tranche_cap: Amount,
    /// Cap of its pending credit.
    pub pending_cap: Amount,
    /// Dollars that a loan owes at least.
    pub debt_min: Amount,
    /// Credit given for deposits that are safe, not final: dollars, each at its index when it was seen (R9).
    pub pending: Amount,
    /// Number of the next event of its vault.
    pub next_sequence: Sequence,
    /// Every event before this one is final.
    pub next_final: Sequence,
    /// Of its last final block.
    pub final_time: Time,
    /// When it was last heard of.
    pub heard: Time,
    /// Dollars of gas to have an order delivered.
    pub gas: Measured,
    /// Dollars to send collateral to another chain.
    pub bridge: Measured,
    /// Number of the next order to it.
    pub next_nonce: Nonce,
    /// Of the set of validators that its vault obeys, for good.
    pub epoch: u32,
    /// The same by what was seen of it: one more, where it carried out a rotation that is not final.
    pub epoch_seen: u32,
    /// Its vault is going to hand over to a successor, or has and that is not final.
    pub migration: Option<Migration>,
}

/// A token of a vault.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct TokenRecord {
    /// The asset.
    pub asset: AssetId,
    /// It becomes cash at par.
    pub stable: bool,
    /// Its terms.
    pub params: TokenParams,
    /// Its contract, where the hub had the vault list it.
    pub contract: Option<Address>,
    /// What the vault holds of it outside of accounts and lots.
    pub money: TokenMoney,
    /// Dollars that the chain's market takes of it within 2 % of index.
    pub depth: Measured,
    /// Under auction now, at value at entry, dollars.
    pub auctioned: Amount,
    /// Dollars taken of a coin's worth by write-downs.
    pub written_down: Amount,
    /// How much of it may leave its vault, where the hub ordered that.
    pub limits: Option<VaultLimits>,
    /// What was put under auction under these limits.
    pub passed: Passed,
    /// Whether deposits count.
    pub listing: Listing,
    /// What the chain's market took of it on each of the last days.
    pub days: DailyDepth,
}

/// What a block brought about. One is reused for block after block.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Every entry of the ledger, in order.
    pub transfers: Vec<Transfer>,
    /// Orders to the spokes, in order.
    pub orders: Vec<Order>,
    /// What was refused: number of the observation, price or command in the block, and why.
    pub rejects: Vec<Refused>,
    /// State hash after the block.
    pub state_hash: Hash,
    /// H0 of the tasks that it opened.
    pub before: Vec<(TaskId, Hash)>,
    /// H1 of the tasks that it ended.
    pub after: Vec<(TaskId, Hash)>,
    /// Roots of both, for the members of the attestation chain.
    pub roots: Roots,
}

/// A part of a block that changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which list of the block.
    pub part: BlockPart,
    /// Its number in that list, from 0.
    pub number: u32,
    /// Why.
    pub reject: Reject,
}

/// A list of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockPart {
    /// `observations`.
    Observation,
    /// `prices`.
    Price,
    /// `depths`.
    Depth,
    /// `costs`.
    Cost,
    /// `commands`.
    Command,
}

impl Outcome {
    /// Makes it empty, keeping its memory.
    pub fn clear(&mut self) {
        self.events.clear();
        self.transfers.clear();
        self.orders.clear();
        self.rejects.clear();
        self.state_hash = Hash::default();
        self.before.clear();
        self.after.clear();
        self.roots = Roots::default();
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.events.push(event);
    }
}

impl State {
    /// Time of the block being applied.
    #[must_use]
    pub fn now(&self) -> Time {
        self.house.time
    }

    /// A token's record, where its chain lists it.
    #[must_use]
    pub fn token(&self, token: Token) -> Option<&TokenRecord> {
        let tokens = &self.chains.find(token.chain)?.tokens;
        tokens.iter().find(|record| record.asset == token.asset)
    }

    /// What of an account counts as collateral: everything but what keepers stake.
    pub(crate) fn collateral<'a>(&self, account: &'a Account) -> impl Iterator<Item = &'a Holding> + use<'a> {
        let staked = self.house.keepers.token;
        account.balances.holdings().iter().filter(move |held| Some(held.token) != staked)
    }

    /// The account of an owner.
    #[must_use]
    pub fn account_of(&self, owner: Owner) -> Option<AccountId> {
        self.owners.get(&owner).copied()
    }

    /// A token's record, of a token that the state itself names.
    pub(crate) fn token_mut(&mut self, token: Token) -> &mut TokenRecord {
        let tokens = &mut self.chains.get_mut(token.chain).tokens;
        tokens.iter_mut().find(|record| record.asset == token.asset).expect("tokens in the state are listed")
    }

    /// Forgets what the block changed.
    pub(crate) fn settle(&mut self) {
        self.accounts.settle();
        self.assets.settle();
        self.chains.settle();
        self.markets.settle();
        self.lenders.settle();
        self.addresses.settle();
        self.coin_deposits.settle();
        self.unfinal.settle();
        self.orders.settle();
        self.transits.settle();
        self.snapshots.settle();
        self.waiting.settle();
        self.parked.settle();
        self.refused.settle();
        self.tasks.settle();
        self.lots.settle();
        self.losses.settle();
        self.receipts.settle();
        self.keepers.settle();
        self.barred.settle();
        self.rounds.settle();
        self.aside.settle();
        self.anomalies.settle();
        self.paths.settle();
        self.validators.settle();
    }

    /// Rebuilds what is derived, after a snapshot was read.
    pub(crate) fn derive(&mut self) {
        self.owners = self.accounts.iter().map(|(id, account)| (account.owner, id)).collect();
        self.members = self.markets.ids().map(|_| Members::default()).collect();
        self.debtors.clear();
        self.sums = Sums::default();
        // Each account is read once: a restart waits for this loop.
        for (id, account) in self.accounts.iter() {
            self.sums.add(&account.balances);
            let positions = account.positions.iter().map(|position| position.market);
            for market in positions.chain(account.claims.iter().map(|claim| claim.market)) {
                if let Some(members) = self.members.get_mut(market.row()) {
                    members.insert(id);
                }
            }
            for claim in account.claims.iter().filter(|claim| !claim.debt.scaled.is_zero()) {
                self.debtors.insert((claim.debt.since, id, claim.market));
            }
        }
        self.fresh_losses.clear();
        let waits = self
            .orders
            .iter()
            .filter(|(_, sent)| sent.seen.is_none() && self.house.time < sent.order.expires);
        self.resends = waits.map(|((chain, nonce), sent)| (chain, sent.again, nonce)).collect();
        self.expiries =
            self.orders.iter().map(|((chain, nonce), sent)| (chain, sent.order.expires, nonce)).collect();
        self.pending_of = custody::pending_of(self);
        self.agenda = Agenda::of(&self.tasks, &self.lots, &self.transits);
        self.index = RiskIndex::new(self.accounts.len());
        self.duties = Duties::of(&self.keepers, &self.rounds);
        self.sums = std::mem::take(&mut self.sums).with_others(self);
        self.on_its_way = OnItsWay::of(self);
        self.queues = Queues::of(self);
        self.releases = orders::releases(self);
    }

    /// An account holds a stablecoin as collateral: in the order in which they came they become cash (R39).
    pub(crate) fn park(&mut self, token: Token, account: AccountId) {
        if self.parked.find((token, account)).is_none() {
            let place = self.house.last_waiting.saturating_add(1);
            self.house.last_waiting = place;
            self.parked.insert((token, account), place);
        }
    }

    /// Accounts with a position, claim or debt in a market, ascending.
    pub(crate) fn members(&self, market: MarketId) -> &Members {
        self.members.get(market.row()).expect("every market has its members")
    }

    /// The same, where the market exists.
    pub(crate) fn find_members(&self, market: MarketId) -> Option<&Members> {
        self.members.get(market.row())
    }

    pub(crate) fn members_mut(&mut self, market: MarketId) -> &mut Members {
        self.members.get_mut(market.row()).expect("every market has its members")
    }
}
