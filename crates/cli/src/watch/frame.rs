//! A frame: the house at one moment, as every screen and every reader of the stream gets it.
//!
//! - Names, not ids, where the house has names; exact decimals, as strings; times in milliseconds of chain time. No
//!   wall clock: the same blocks give the same frames.
//! - Bounded: the longest lists are cut, and their full lengths stand beside them.

use ballast_types::{AccountId, Grade, Hash, KeeperId, LossId, LotId, OracleState, RegionId, TaskId};
use ballast_units::{Amount, Millis, Price, Ratio, Time, Usd};
use serde::{Deserialize, Serialize};

/// Raised when a reader of the last one would misread this one.
pub const FORMAT: u32 = 1;

/// A row with an older figure is stale; in chain time.
pub const STALE_AFTER: Millis = Millis::seconds(10);

/// Highest cover of each bin of a chain's histogram but the last, which has none.
pub const BIN_EDGES: [f64; BINS - 1] = [1.0, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0];

/// Bins of a chain's histogram.
pub const BINS: usize = 8;

/// The house at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// [`FORMAT`].
    pub format: u32,
    /// What the hub calls itself.
    pub house: String,
    /// What its source says about this stretch of time; may be empty.
    pub note: String,
    /// When.
    pub clock: Clock,
    /// In order of listing.
    pub markets: Vec<MarketRow>,
    /// In order of genesis.
    pub chains: Vec<ChainRow>,
    /// Open liquidations.
    pub tasks: Tasks,
    /// Collateral for sale.
    pub auctions: Auctions,
    /// In order of registration.
    pub keepers: Vec<KeeperRow>,
    /// What could pay.
    pub reserve: Reserve,
    /// What was lost.
    pub waterfall: Waterfall,
    /// What happened last, oldest first, numbered without gaps.
    pub events: Vec<Happening>,
}

/// When, and in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Of the last block.
    pub time: Time,
    /// Of the last block.
    pub height: u64,
    /// After the last block.
    pub state_hash: Hash,
    /// Accounts there are.
    pub accounts: u64,
    /// Only what reduces risk is taken.
    pub safe_mode: bool,
}

/// A market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketRow {
    /// Its asset.
    pub name: String,
    /// The curve's price.
    pub mark: Option<Price>,
    /// The oracle's.
    pub index: Option<Price>,
    /// What decides health.
    pub risk: Option<Price>,
    /// Open longs at the risk price, dollars.
    pub long: Amount,
    /// Open shorts at the risk price, dollars.
    pub short: Amount,
    /// Of the last period, as a share of index; positive: longs paid.
    pub funding: Ratio,
    /// Realised losses that claims can be paid from.
    pub pool: Amount,
    /// Unpaid claims, suspended ones included.
    pub claims: Amount,
    /// How far claims and open profits are backed.
    pub backing: Ratio,
    /// Losses that nobody has absorbed yet.
    pub deficit: Amount,
    /// What may be done on its price.
    pub oracle: OracleState,
    /// Since enough sources confirmed its price.
    pub price_age: Millis,
    /// Older than [`STALE_AFTER`].
    pub stale: bool,
}

/// A chain, and those who owe there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainRow {
    /// Its name.
    pub name: String,
    /// Liquidation threshold of its collateral, the lowest.
    pub threshold: Option<Ratio>,
    /// Accounts with a loan here.
    pub borrowers: u64,
    /// Of these, locked by a task.
    pub locked: u64,
    /// Borrowers by cover, the worst first.
    pub bins: [Bin; BINS],
    /// Principal of all loans here.
    pub debt: Amount,
    /// Idle dollars of its lending pool.
    pub idle: Amount,
    /// Value at entry of what is under auction here.
    pub auctioned: Amount,
    /// Dollars that its market takes within 2 % of index, where that is reported.
    pub depth: Option<Amount>,
    /// Age of the oldest price of its collateral.
    pub price_age: Option<Millis>,
    /// Of the oldest of its measurements of depth.
    pub depth_age: Option<Millis>,
    /// Since the hub heard of it.
    pub head_age: Millis,
    /// Since its last final block.
    pub final_lag: Millis,
    /// Its tranche.
    pub tranche: Amount,
    /// Losses that nobody has absorbed yet.
    pub deficit: Amount,
    /// Price, depth or head is older than [`STALE_AFTER`].
    pub stale: bool,
}

/// Part of a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bin {
    /// How many.
    pub accounts: u64,
    /// Their debt on this chain, whole dollars.
    pub debt: Amount,
}

/// Open liquidations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// Now.
    pub open: u64,
    /// Since this screen's source began to look.
    pub opened: u64,
    /// Likewise.
    pub closed: u64,
    /// The oldest, oldest first.
    pub rows: Vec<TaskRow>,
}

/// One liquidation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    /// Which.
    pub task: TaskId,
    /// Whose.
    pub account: AccountId,
    /// When detected.
    pub opened: Time,
    /// Why: `health`, `settlement`, `reorg`.
    pub cause: String,
    /// How far: `positions`, `collateral`, `selling`.
    pub stage: String,
    /// Where its lots are.
    pub chains: Vec<String>,
    /// Its lots that are not finished.
    pub lots: u64,
    /// Orders sent for it.
    pub orders: u64,
    /// Of these, those whose chain said that it carried them out.
    pub acknowledged: u64,
    /// When the first of its auctions is over, or its keepers have to have done something.
    pub deadline: Option<Time>,
    /// Dollars of takers, not yet distributed.
    pub proceeds: Amount,
    /// Debt repaid so far.
    pub repaid: Amount,
    /// A dispute has stopped it.
    pub disputed: bool,
}

/// Collateral for sale.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auctions {
    /// Under auction.
    pub open: u64,
    /// Waiting below the cap of their token.
    pub queued: u64,
    /// Bought by nobody, offered again hourly.
    pub warehoused: u64,
    /// The largest of those under auction, largest first.
    pub rows: Vec<AuctionRow>,
}

/// A lot under auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuctionRow {
    /// Which.
    pub lot: LotId,
    /// For which task.
    pub task: TaskId,
    /// What is sold.
    pub asset: String,
    /// Where.
    pub chain: String,
    /// Value at entry, dollars.
    pub value: Amount,
    /// For sale in this round.
    pub quantity: Amount,
    /// Of that, taken.
    pub taken: Amount,
    /// Dollars paid in this round.
    pub paid: Amount,
    /// From 1.
    pub round: u8,
    /// When the price was the start.
    pub opened: Time,
    /// When it is over.
    pub ends: Time,
    /// Dollars a unit, now.
    pub price: Price,
    /// Never below.
    pub floor: Price,
    /// The oracle's.
    pub index: Option<Price>,
    /// The price function at even distances from `opened` to `ends`.
    pub path: Vec<Price>,
    /// The last takes, oldest first.
    pub takes: Vec<TakeMark>,
}

/// A take that the hub saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeMark {
    /// In which block.
    pub time: Time,
    /// Dollars a unit.
    pub price: Price,
}

/// A keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeeperRow {
    /// Which.
    pub keeper: KeeperId,
    /// Where it stands.
    pub region: RegionId,
    /// Of the last rating.
    pub grade: Grade,
    /// Tokens.
    pub stake: Amount,
    /// Share of the last 30 days; none while it is too young to tell.
    pub uptime: Option<Ratio>,
    /// When it last showed a report.
    pub reported: Option<Time>,
    /// Not drawn until then: frozen or suspended.
    pub away: Option<Time>,
}

/// What could pay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// In the vaults.
    pub float: Amount,
    /// In multisigs.
    pub cold: Amount,
    /// The house's own money.
    pub treasury: Amount,
    /// Of each market, then of each chain: whose, how much.
    pub tranches: Vec<(String, Amount)>,
    /// Collateral that the reserve took: what, how much, dollars at index.
    pub warehouse: Vec<(String, Amount, Amount)>,
}

/// What was lost, and who bore it; sums since this screen's source began to look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waterfall {
    /// Losses that walked down.
    pub losses: Amount,
    /// Taken by tranches.
    pub tranche: Amount,
    /// Taken by the float.
    pub float: Amount,
    /// Taken by the house's cover policy.
    pub cover: Amount,
    /// Taken by nobody.
    pub deficit: Amount,
    /// Of deficits, repaid by recoveries.
    pub repaid: Amount,
    /// Of deficits, written off.
    pub written_off: Amount,
    /// Notional closed against profitable positions. No layer: how it was closed.
    pub deleveraged: Amount,
    /// Deficits that stand now, oldest first.
    pub open: Vec<DeficitRow>,
}

/// A loss that left a deficit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeficitRow {
    /// Which.
    pub loss: LossId,
    /// Whose market or chain.
    pub scope: String,
    /// When.
    pub time: Time,
    /// How much.
    pub deficit: Amount,
    /// What is left of it.
    pub left: Amount,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// From 1, without gaps.
    pub number: u64,
    /// Of the block.
    pub time: Time,
    /// What kind.
    pub kind: Kind,
    /// The rest, as words and figures.
    pub text: String,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal),* $(,)?) => {
        /// A kind of happening.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// Every kind, in the order of a liquidation's life.
            pub const ALL: &[Kind] = &[$(Kind::$kind,)*];

            /// One word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Kind::$kind => $word,)* }
            }
        }
    };
}
kinds! {
    /// An account was locked, a task began.
    Locked = "locked",
    /// A position was closed against profitable ones.
    Deleveraged = "deleveraged",
    /// A lot of a thin chain was sent to where it is sold.
    Bridged = "bridged",
    /// It arrived and is part of a joint lot.
    Joined = "joined",
    /// A round of an auction was ordered.
    Offered = "offered",
    /// Somebody took part of a lot.
    Taken = "taken",
    /// A round ended with something left.
    Expired = "expired",
    /// The reserve took what nobody wanted.
    Reserve = "reserve",
    /// Not even the reserve could take it.
    Warehoused = "warehoused",
    /// A task ended.
    Closed = "closed",
    /// Layers of the waterfall absorbed a loss whole.
    Loss = "loss",
    /// A loss left a deficit.
    Deficit = "deficit",
    /// A deficit was repaid.
    Repaid = "repaid",
    /// A deficit or a stablecoin was written down.
    Written = "written",
    /// A chain dropped blocks, or a deposit disappeared with them.
    Reorg = "reorg",
    /// A result is disputed, or no longer.
    Dispute = "dispute",
    /// A fact of a chain that the books did not expect, or what came of it.
    Anomaly = "anomaly",
    /// An order was sent again or ran out.
    Order = "order",
    /// A keeper was late, lied, was frozen, suspended or restored.
    Keeper = "keeper",
    /// Vaults are told to obey another set of validators, or do; one is told that its freeze is over.
    Validators = "validators",
    /// What may be done on a price changed.
    Oracle = "oracle",
    /// The house takes only what reduces risk, or more again.
    SafeMode = "safe_mode",
}

impl Frame {
    /// The frame's share of the word `stale`: any chain or market whose figures are too old.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.chains.iter().any(|chain| chain.stale) || self.markets.iter().any(|market| market.stale)
    }

    /// Deficits that stand now, dollars.
    #[must_use]
    pub fn deficits(&self) -> Amount {
        self.waterfall.open.iter().map(|row| row.left).sum()
    }
}

impl MarketRow {
    /// Mark over index, less one.
    #[must_use]
    pub fn premium(&self) -> Option<Ratio> {
        self.mark?.premium_over(self.index?).ok()
    }
}

impl AuctionRow {
    /// Price over index.
    #[must_use]
    pub fn over_index(&self) -> Option<Ratio> {
        self.price.ratio_to_down(self.index?).ok()
    }

    /// Share of the round that is sold.
    #[must_use]
    pub fn fill(&self) -> Ratio {
        self.taken.ratio_to_down(self.quantity).unwrap_or(Ratio::ZERO)
    }
}

/// Dollars with their sign, for what an account is worth.
pub(crate) fn signed(dollars: Usd) -> String {
    let sign = if dollars.is_negative() { "-" } else { "" };
    format!("{sign}{}", ballast_sim::report::dollars(dollars.magnitude()))
}
