//! What a line of a script may say. The field names are the glossary's; the docs are the schema's.

use ballast_types::{Listing, Side};
use ballast_units::{Amount, Price, Ratio};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use std::borrow::Cow;

use super::genesis::ScriptGenesis;

/// One line of a script: an object with exactly one of these keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// What the house starts from; only as the first line. Without it: five chains, four markets.
    Genesis(GenesisInput),
    /// Lets time pass. No other line does.
    Advance(Advance),
    /// Sets an asset's price at every source, or at one.
    Price(PriceInput),
    /// Tokens come into a vault for an account, which is opened where it does not exist yet.
    Deposit(Deposit),
    /// The chain's deposits that were given as not final become final.
    Finalize(OfChain),
    /// The chain drops its blocks that are not final: deposits given as not final are gone, everything else is
    /// included again.
    Drop(OfChain),
    /// Asks for tokens out of a vault: collateral, or cash where the asset is a stablecoin.
    Withdraw(Withdraw),
    /// Has a withdrawal that waits for a coin end: its dollars are cash again.
    CancelWithdrawal(OfCoin),
    /// Takes out what was deposited and the house does not take.
    WithdrawSuspense(OfCoin),
    /// Has what comes in of a token wait in suspense, or count again.
    RefuseToken(RefuseToken),
    /// Trades against a market's curve: exactly one of quote and base.
    Trade(Trade),
    /// Closes a position whole.
    Close(Close),
    /// Moves cash into a chain's lending pool.
    Lend(Credit),
    /// Takes dollars out of a chain's lending pool; all without an amount.
    Redeem(CreditOrAll),
    /// Borrows dollars, paid out on the chain.
    Borrow(Credit),
    /// Repays a loan from cash; all without an amount.
    Repay(CreditOrAll),
    /// Gives cash to a layer of the waterfall.
    Contribute(Contribute),
    /// Points at an account that should be liquidated.
    Liquidate(OfAccount),
    /// A node offers itself as keeper, with a stake out of the account's collateral; keepers count from 0.
    RegisterKeeper(RegisterKeeper),
    /// Adds to a keeper's stake, or takes some back.
    Stake(Stake),
    /// A keeper is up.
    Heartbeat(OfKeeper),
    /// A keeper commits to its report on a task.
    Commit(Report),
    /// A keeper shows the report that it committed to.
    Report(Report),
    /// A decision of governance, after its timelock.
    Govern(Govern),
    /// The hub restarts: only what reduces risk, until every price is newer.
    SafeMode(Yes),
    /// Somebody takes part of a lot at the price of the moment.
    Take(Take),
    /// An auction ends before its time.
    Expire(OfLot),
    /// Prints what stands in the books.
    Show(Show),
    /// Several lines in one block. No genesis, advance, show or block inside.
    Block(Vec<Line>),
}

/// Every kind of line with an example, for errors. A test holds it complete.
pub const EXAMPLES: &[(&str, &str)] = &[
    (
        "genesis",
        r#"{"genesis": {"guards": false, "markets": [{"asset": "ETH", "base_reserve": "100", "quote_reserve": "10000"}]}}"#,
    ),
    ("advance", r#"{"advance": {"seconds": 3600}}"#),
    ("price", r#"{"price": {"asset": "ETH", "price": "3400"}}"#),
    (
        "deposit",
        r#"{"deposit": {"account": "alice", "chain": "ethereum", "asset": "USDC", "amount": "100"}}"#,
    ),
    ("finalize", r#"{"finalize": {"chain": "ethereum"}}"#),
    ("drop", r#"{"drop": {"chain": "ethereum"}}"#),
    (
        "withdraw",
        r#"{"withdraw": {"account": "alice", "chain": "ethereum", "asset": "USDC", "amount": "100"}}"#,
    ),
    (
        "cancel_withdrawal",
        r#"{"cancel_withdrawal": {"account": "alice", "chain": "polygon", "asset": "USDC"}}"#,
    ),
    (
        "withdraw_suspense",
        r#"{"withdraw_suspense": {"account": "alice", "chain": "solana", "asset": "SOL"}}"#,
    ),
    ("refuse_token", r#"{"refuse_token": {"account": "alice", "chain": "solana", "asset": "SOL"}}"#),
    ("trade", r#"{"trade": {"account": "alice", "market": "ETH", "side": "long", "quote": "1000"}}"#),
    ("close", r#"{"close": {"account": "alice", "market": "ETH"}}"#),
    ("lend", r#"{"lend": {"account": "alice", "chain": "polygon", "amount": "50"}}"#),
    ("redeem", r#"{"redeem": {"account": "alice", "chain": "polygon", "amount": "50"}}"#),
    ("borrow", r#"{"borrow": {"account": "alice", "chain": "polygon", "amount": "50"}}"#),
    ("repay", r#"{"repay": {"account": "alice", "chain": "polygon", "amount": "50"}}"#),
    (
        "contribute",
        r#"{"contribute": {"account": "alice", "layer": "tranche", "market": "ETH", "amount": "100"}}"#,
    ),
    ("liquidate", r#"{"liquidate": {"account": "alice"}}"#),
    (
        "register_keeper",
        r#"{"register_keeper": {"account": "kim", "operator": "kim & co", "region": 1, "stake": "10000"}}"#,
    ),
    ("stake", r#"{"stake": {"keeper": 0, "amount": "500"}}"#),
    ("heartbeat", r#"{"heartbeat": {"keeper": 0}}"#),
    ("commit", r#"{"commit": {"keeper": 0, "task": 1, "chain": "ethereum"}}"#),
    ("report", r#"{"report": {"keeper": 0, "task": 1, "chain": "ethereum"}}"#),
    ("govern", r#"{"govern": {"depth": {"market": "ETH", "factor": "1.0004"}}}"#),
    ("safe_mode", r#"{"safe_mode": true}"#),
    ("take", r#"{"take": {"lot": 1, "quantity": "0.5"}}"#),
    ("expire", r#"{"expire": {"lot": 1}}"#),
    ("show", r#"{"show": {"account": "alice"}}"#),
    (
        "block",
        r#"{"block": [{"price": {"asset": "ETH", "price": "3400"}}, {"close": {"account": "alice", "market": "ETH"}}]}"#,
    ),
];

/// Time to let pass.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// At most ten years.
    pub seconds: u64,
}

/// A price, which holds until another one is set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceInput {
    /// Of what.
    pub asset: String,
    /// Dollars a unit.
    pub price: Ranged<Price>,
    /// One source, from 0; without it all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<u8>,
    /// Half the width of its confidence interval, as a share of the price.
    #[serde(default)]
    pub confidence: Ratio,
}

/// Tokens into a vault.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deposit {
    /// For whom: a name, or "name/1" for a subaccount.
    pub account: String,
    /// On which chain.
    pub chain: String,
    /// What.
    pub asset: String,
    /// How much.
    pub amount: Ranged<Amount>,
    /// Final at once; otherwise safe, until `finalize` or `drop`.
    #[serde(rename = "final", default = "yes")]
    pub is_final: bool,
}

fn yes() -> bool {
    true
}

/// Tokens out of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// Whose.
    pub account: String,
    /// From which chain.
    pub chain: String,
    /// What.
    pub asset: String,
    /// How much.
    pub amount: Ranged<Amount>,
}

/// A withdrawal that waits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfCoin {
    /// Whose withdrawal or deposit.
    pub account: String,
    /// From which chain.
    pub chain: String,
    /// Which coin.
    pub asset: String,
}

/// A trade.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trade {
    /// Who.
    pub account: String,
    /// Where.
    pub market: String,
    /// Which way.
    pub side: Side,
    /// Exactly these dollars into (long) or out of (short) the curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Ranged<Amount>>,
    /// Exactly this much base out of (long) or into (short) the curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Ranged<Amount>>,
    /// Worst average price accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Ranged<Price>>,
    /// Refuse whatever would open or enlarge a position.
    #[serde(default)]
    pub reduce_only: bool,
}

/// A close.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// Whose.
    pub account: String,
    /// Where.
    pub market: String,
    /// Worst average price accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Ranged<Price>>,
}

/// Dollars to or from a chain's lending pool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    /// Whose.
    pub account: String,
    /// Which pool.
    pub chain: String,
    /// Dollars.
    pub amount: Ranged<Amount>,
}

/// Dollars to or from a chain's lending pool, or all there is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditOrAll {
    /// Whose.
    pub account: String,
    /// Which pool.
    pub chain: String,
    /// Dollars; all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Ranged<Amount>>,
}

/// A layer that can be given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LayerName {
    /// A market's or a chain's first-loss money.
    Tranche,
    /// What pays for changes of a market's curve.
    Budget,
    /// The reserve.
    Float,
}

/// A gift to a layer: a tranche needs a market or a chain, a budget a market, the float neither.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contribute {
    /// Who gives.
    pub account: String,
    /// To what.
    pub layer: LayerName,
    /// Of which market.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<String>,
    /// Of which chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Dollars.
    pub amount: Ranged<Amount>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfAccount {
    /// Which.
    pub account: String,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfChain {
    /// Which.
    pub chain: String,
}

/// A lot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfLot {
    /// Its number.
    pub lot: u64,
}

/// A take.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// Of which lot.
    pub lot: u64,
    /// How much of the collateral: gets as much as need and dust allow.
    pub quantity: Ranged<Amount>,
    /// Gets no less, or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<Ranged<Amount>>,
    /// Dollars a unit that it pays at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_max: Option<Ranged<Price>>,
    /// Dollars that the chain tells of, whatever its auction asks: an odd fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid: Option<Ranged<Amount>>,
    /// Name of the taker; "taker" without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker: Option<String>,
}

/// A node that offers itself. Its key is of its account and its number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterKeeper {
    /// Stakes, and is paid.
    pub account: String,
    /// Who runs it; without it the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Where it stands.
    pub region: u16,
    /// Declared.
    #[serde(default = "cores")]
    pub cores: u32,
    /// Declared, GiB.
    #[serde(default = "memory")]
    pub memory: u32,
    /// Tokens.
    pub stake: Ranged<Amount>,
}

fn cores() -> u32 {
    32
}

fn memory() -> u32 {
    64
}

/// Stake to or from a keeper.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stake {
    /// Its number.
    pub keeper: u32,
    /// Tokens.
    pub amount: Ranged<Amount>,
    /// Takes it back, after the cool-down.
    #[serde(default)]
    pub back: bool,
}

/// A keeper.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfKeeper {
    /// Its number.
    pub keeper: u32,
}

/// A report: what the chain has told of the task's auctions, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Its number.
    pub keeper: u32,
    /// On which task.
    pub task: u64,
    /// On which chain.
    pub chain: String,
    /// Says that this word's hash is the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lie: Option<String>,
}

/// A change of parameters: those that are not named stay.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Govern {
    /// Both reserves of a market times a factor, at constant price.
    Depth(GovernDepth),
    /// Terms of a market, under the names that genesis has for them.
    Market(GovernMarket),
    /// Terms of a token, under the names that genesis has for them.
    Token(GovernToken),
    /// A stablecoin is written down.
    WriteDown(GovernWriteDown),
    /// Terms of keepers, under the names that genesis has for them.
    Keepers(Map<String, Value>),
    /// Terms of liquidations, under the names that genesis has for them.
    Liquidation(Map<String, Value>),
    /// The vote on a frozen keeper is decided.
    Verdict(GovernVerdict),
    /// The next set of validators; every vault is told.
    Rotate(GovernRotate),
    /// A vault's freeze ends now.
    Unfreeze(OfChain),
    /// What a chain told of a task's frozen lots stands now, not an hour after it is final.
    Resolve(OfTask),
    /// A closed way between two chains is used again.
    OpenPath(GovernPath),
    /// A chain's vault hands over to a successor, three days from now.
    Migrate(GovernMigrate),
    /// Deposits of a token are paused or taken again, or it leaves the house.
    List(GovernList),
    /// A market leaves the house, or stays after all.
    WindDown(GovernWindDown),
}

/// A liquidation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfTask {
    /// Its number.
    pub task: u64,
}

/// How far a token is taken in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GovernList {
    /// The token's chain.
    pub chain: String,
    /// Which token.
    pub asset: String,
    /// How far it is taken in from now on.
    pub listing: Listing,
}

/// Whether a market leaves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GovernWindDown {
    /// Which market.
    pub market: String,
    /// Whether it leaves.
    pub leaves: bool,
}

/// A token that an account does not want, or wants again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefuseToken {
    /// Who does not want it.
    pub account: String,
    /// The token's chain.
    pub chain: String,
    /// Which token.
    pub asset: String,
    /// It is not wanted; `true` without it.
    #[serde(default = "yes")]
    pub refused: bool,
}

/// The way from one chain to another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GovernPath {
    /// Where it begins.
    pub from: String,
    /// Where it ends.
    pub to: String,
}

/// A vault's successor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GovernMigrate {
    /// The chain whose vault hands over.
    pub chain: String,
    /// The successor's name: it stands for its address.
    pub to: String,
}

/// Another set of validators.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GovernRotate {
    /// Their names: each stands for a key.
    pub signers: Vec<String>,
}

/// A decided vote.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GovernVerdict {
    /// On which keeper.
    pub keeper: u32,
    /// Its operator is barred.
    pub upheld: bool,
}

/// A change of depth.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GovernDepth {
    /// Which.
    pub market: String,
    /// Factor of each reserve.
    pub factor: Ratio,
}

/// Other terms of a market.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct GovernMarket {
    /// Which.
    pub market: String,
    /// What changes.
    #[serde(flatten)]
    pub params: Map<String, Value>,
}

/// Other terms of a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct GovernToken {
    /// What.
    pub asset: String,
    /// Where.
    pub chain: String,
    /// What changes.
    #[serde(flatten)]
    pub params: Map<String, Value>,
}

/// A write-down.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GovernWriteDown {
    /// What.
    pub asset: String,
    /// Where.
    pub chain: String,
    /// What a coin is still worth, below 1.
    pub worth: Ratio,
}

/// What to print.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// A market, by name.
    Market(String),
    /// An account, by name.
    Account(String),
    /// Every ledger account that holds something.
    Ledger(Yes),
    /// The layers of the waterfall and the deficits.
    Waterfall(Yes),
    /// A lot, by number.
    Lot(u64),
    /// Every open lot.
    Lots(Yes),
    /// Every open liquidation.
    Tasks(Yes),
    /// A chain and its lending pool, by name.
    Chain(String),
    /// What the oracle thinks of every asset.
    Oracle(Yes),
    /// Clock, height, state hash.
    House(Yes),
}

/// `true`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Yes;

impl Serialize for Yes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl<'de> Deserialize<'de> for Yes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(Self),
            false => Err(de::Error::invalid_value(de::Unexpected::Bool(false), &"true")),
        }
    }
}

impl JsonSchema for Yes {
    fn schema_name() -> Cow<'static, str> {
        "Yes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": true })
    }
}

/// A number within the range that may enter the books (R11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Ranged<T>(pub T);

/// A unit with a range of its own.
pub trait InRange: Copy {
    /// The largest that may enter.
    const LARGEST: Self;
    /// Whether it may enter.
    fn may_enter(self) -> bool;
}

impl InRange for Amount {
    const LARGEST: Self = Self::LIMIT;
    fn may_enter(self) -> bool {
        self.in_range()
    }
}

impl InRange for Price {
    const LARGEST: Self = Self::LIMIT;
    fn may_enter(self) -> bool {
        self.in_range()
    }
}

impl<'de, T: Deserialize<'de> + InRange + std::fmt::Display> Deserialize<'de> for Ranged<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        if value.may_enter() {
            return Ok(Self(value));
        }
        Err(de::Error::custom(format_args!("{value} is beyond what is counted: at most {}", T::LARGEST)))
    }
}

impl<T: JsonSchema> JsonSchema for Ranged<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A genesis, or the file where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct GenesisInput(pub Value);

impl JsonSchema for GenesisInput {
    fn schema_name() -> Cow<'static, str> {
        "GenesisInput".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inline = generator.subschema_for::<ScriptGenesis>();
        json_schema!({
            "anyOf": [
                { "type": "string", "description": "A file, .toml or .json, beside the script." },
                inline,
            ],
        })
    }
}

impl Line {
    /// Reads a line, or says what was expected.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| explain(text, &error))
    }
}

/// What is wrong with a line, and what one of its kind looks like.
fn explain(text: &str, error: &serde_json::Error) -> String {
    let what = error.to_string();
    // There is only one line: the column says enough.
    let what = what.replace(" at line 1 column", " at column").replace(" at line 0 column 0", "");
    let what = ["u64", "u32", "u8"]
        .iter()
        .fold(what, |what, integer| what.replace(&format!("expected {integer}"), "expected a whole number"));
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(object) if object.len() == 1 => {
            let kind = object.keys().next().map_or("", String::as_str);
            match EXAMPLES.iter().find(|(known, _)| *known == kind) {
                Some((_, example)) => format!("{what}\nexpected a line such as {example}"),
                None => {
                    let known: Vec<_> = EXAMPLES.iter().map(|(known, _)| *known).collect();
                    format!("unknown key `{kind}`, expected one of {}", known.join(", "))
                }
            }
        }
        Ok(object) => {
            let keys: Vec<_> = object.keys().map(|key| format!("`{key}`")).collect();
            format!("expected one key a line, found {}: {}", keys.len(), keys.join(", "))
        }
        Err(_) => format!("{what}\nexpected a JSON object with one key, such as {}", EXAMPLES[3].1),
    }
}
