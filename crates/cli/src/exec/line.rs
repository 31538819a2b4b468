//! What a line of a script may say. The field names are the glossary's; the docs are the schema's.

use ballast_types::Side;
use ballast_units::{Amount, Price, Ratio};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use std::borrow::Cow;

use super::genesis::ScriptGenesis;

/// One line of a script: an object with exactly one of these keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
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
    /// Has coins brought from another chain for a withdrawal that waits, at its cost.
    HastenWithdrawal(OfCoin),
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
pub(crate) const EXAMPLES: &[(&str, &str)] = &[
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
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advance {
    /// At most ten years.
    pub(crate) seconds: u64,
}

/// A price, which holds until another one is set.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceInput {
    /// Of what.
    pub(crate) asset: String,
    /// Dollars a unit.
    pub(crate) price: Ranged<Price>,
    /// One source, from 0; without it all of them.
    pub(crate) source: Option<u8>,
    /// Half the width of its confidence interval, as a share of the price.
    #[serde(default)]
    pub(crate) confidence: Ratio,
}

/// Tokens into a vault.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deposit {
    /// For whom: a name, or "name/1" for a subaccount.
    pub(crate) account: String,
    /// On which chain.
    pub(crate) chain: String,
    /// What.
    pub(crate) asset: String,
    /// How much.
    pub(crate) amount: Ranged<Amount>,
    /// Final at once; otherwise safe, until `finalize` or `drop`.
    #[serde(rename = "final", default = "yes")]
    pub(crate) is_final: bool,
}

fn yes() -> bool {
    true
}

/// Tokens out of a vault.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Withdraw {
    /// Whose.
    pub(crate) account: String,
    /// From which chain.
    pub(crate) chain: String,
    /// What.
    pub(crate) asset: String,
    /// How much.
    pub(crate) amount: Ranged<Amount>,
}

/// A withdrawal that waits.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfCoin {
    /// Whose.
    pub(crate) account: String,
    /// From which chain.
    pub(crate) chain: String,
    /// Which coin.
    pub(crate) asset: String,
}

/// A trade.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trade {
    /// Who.
    pub(crate) account: String,
    /// Where.
    pub(crate) market: String,
    /// Which way.
    pub(crate) side: Side,
    /// Exactly these dollars into (long) or out of (short) the curve.
    pub(crate) quote: Option<Ranged<Amount>>,
    /// Exactly this much base out of (long) or into (short) the curve.
    pub(crate) base: Option<Ranged<Amount>>,
    /// Worst average price accepted.
    pub(crate) limit: Option<Ranged<Price>>,
    /// Refuse whatever would open or enlarge a position.
    #[serde(default)]
    pub(crate) reduce_only: bool,
}

/// A close.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Close {
    /// Whose.
    pub(crate) account: String,
    /// Where.
    pub(crate) market: String,
    /// Worst average price accepted.
    pub(crate) limit: Option<Ranged<Price>>,
}

/// Dollars to or from a chain's lending pool.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credit {
    /// Whose.
    pub(crate) account: String,
    /// Which pool.
    pub(crate) chain: String,
    /// Dollars.
    pub(crate) amount: Ranged<Amount>,
}

/// Dollars to or from a chain's lending pool, or all there is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreditOrAll {
    /// Whose.
    pub(crate) account: String,
    /// Which pool.
    pub(crate) chain: String,
    /// Dollars; all without it.
    pub(crate) amount: Option<Ranged<Amount>>,
}

/// A layer that can be given to.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LayerName {
    /// A market's or a chain's first-loss money.
    Tranche,
    /// What pays for changes of a market's curve.
    Budget,
    /// The reserve.
    Float,
}

/// A gift to a layer: a tranche needs a market or a chain, a budget a market, the float neither.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contribute {
    /// Who gives.
    pub(crate) account: String,
    /// To what.
    pub(crate) layer: LayerName,
    /// Of which market.
    pub(crate) market: Option<String>,
    /// Of which chain.
    pub(crate) chain: Option<String>,
    /// Dollars.
    pub(crate) amount: Ranged<Amount>,
}

/// An account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfAccount {
    /// Which.
    pub(crate) account: String,
}

/// A chain.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfChain {
    /// Which.
    pub(crate) chain: String,
}

/// A lot.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfLot {
    /// Its number.
    pub(crate) lot: u64,
}

/// A take.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Take {
    /// Of which lot.
    pub(crate) lot: u64,
    /// How much of the collateral: gets as much as need and dust allow.
    pub(crate) quantity: Ranged<Amount>,
    /// Gets no less, or nothing.
    pub(crate) least: Option<Ranged<Amount>>,
    /// Dollars a unit that it pays at most.
    pub(crate) price_max: Option<Ranged<Price>>,
    /// Dollars that the chain tells of, whatever its auction asks: an odd fact.
    pub(crate) paid: Option<Ranged<Amount>>,
}

/// A node that offers itself. Its key is of its account and its number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterKeeper {
    /// Stakes, and is paid.
    pub(crate) account: String,
    /// Who runs it; without it the account.
    pub(crate) operator: Option<String>,
    /// Where it stands.
    pub(crate) region: u16,
    /// Declared.
    #[serde(default = "cores")]
    pub(crate) cores: u32,
    /// Declared, GiB.
    #[serde(default = "memory")]
    pub(crate) memory: u32,
    /// Tokens.
    pub(crate) stake: Ranged<Amount>,
}

fn cores() -> u32 {
    32
}

fn memory() -> u32 {
    64
}

/// Stake to or from a keeper.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stake {
    /// Its number.
    pub(crate) keeper: u32,
    /// Tokens.
    pub(crate) amount: Ranged<Amount>,
    /// Takes it back, after the cool-down.
    #[serde(default)]
    pub(crate) back: bool,
}

/// A keeper.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfKeeper {
    /// Its number.
    pub(crate) keeper: u32,
}

/// A report: what the chain has told of the task's auctions, unless it says otherwise.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    /// Its number.
    pub(crate) keeper: u32,
    /// On which task.
    pub(crate) task: u64,
    /// On which chain.
    pub(crate) chain: String,
    /// Says that this word's hash is the result.
    pub(crate) lie: Option<String>,
}

/// A change of parameters: those that are not named stay.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Govern {
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
}

/// A liquidation.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfTask {
    /// Its number.
    pub(crate) task: u64,
}

/// The way from one chain to another.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GovernPath {
    /// Where it begins.
    pub(crate) from: String,
    /// Where it ends.
    pub(crate) to: String,
}

/// A vault's successor.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GovernMigrate {
    /// The chain whose vault hands over.
    pub(crate) chain: String,
    /// The successor's name: it stands for its address.
    pub(crate) to: String,
}

/// Another set of validators.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GovernRotate {
    /// Their names: each stands for a key.
    pub(crate) signers: Vec<String>,
}

/// A decided vote.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GovernVerdict {
    /// On which keeper.
    pub(crate) keeper: u32,
    /// Its operator is barred.
    pub(crate) upheld: bool,
}

/// A change of depth.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GovernDepth {
    /// Which.
    pub(crate) market: String,
    /// Factor of each reserve.
    pub(crate) factor: Ratio,
}

/// Other terms of a market.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct GovernMarket {
    /// Which.
    pub(crate) market: String,
    /// What changes.
    #[serde(flatten)]
    pub(crate) params: Map<String, Value>,
}

/// Other terms of a token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct GovernToken {
    /// What.
    pub(crate) asset: String,
    /// Where.
    pub(crate) chain: String,
    /// What changes.
    #[serde(flatten)]
    pub(crate) params: Map<String, Value>,
}

/// A write-down.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GovernWriteDown {
    /// What.
    pub(crate) asset: String,
    /// Where.
    pub(crate) chain: String,
    /// What a coin is still worth, below 1.
    pub(crate) worth: Ratio,
}

/// What to print.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Show {
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Yes;

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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranged<T>(pub(crate) T);

/// A unit with a range of its own.
pub(crate) trait InRange: Copy {
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
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct GenesisInput(pub(crate) Value);

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
    pub(crate) fn read(text: &str) -> Result<Self, String> {
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
