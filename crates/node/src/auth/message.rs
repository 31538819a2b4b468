//! What an owner signs: a command's fields by name, as EIP-712 and as text.
//!
//! - Money is its exact decimal ("1000.5"), as the house prints it everywhere: a wallet shows what is at stake.
//! - Ids are the hub's numbers. An absent limit is "none", an absent amount "all": no field is left out, so that no two
//!   commands have the same message.
//! - `nonce` and `expires` (milliseconds since 1970) come last.

use ballast_types::{Command, Hash, KeeperId, Layer, Scope, Side, TradeAmount, digest::keccak};
use ballast_units::{Price, Time};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

/// The EIP-712 domain: name and version are fixed, the salt is the hub's id.
const DOMAIN: &str = "EIP712Domain(string name,string version,bytes32 salt)";
const NAME: &str = "Ballast";
const VERSION: &str = "1";

/// What is signed for one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    name: &'static str,
    fields: Vec<(&'static str, Value)>,
}

/// A field, and with it its EIP-712 type.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Number(u64),
    Flag(bool),
    Text(String),
    Bytes([u8; 32]),
}

impl Message {
    /// The message of a command that an owner signs; none of a command that takes no signature.
    #[must_use]
    pub fn of(command: &Command, nonce: u64, expires: Time) -> Option<Self> {
        let message = match *command {
            Command::RegisterAddress { account, chain, address } => Self::new("RegisterAddress", account.0)
                .number("chain", chain.0)
                .field("address", Value::Bytes(address.0)),
            Command::Trade { account, market, side, amount, limit, reduce_only } => {
                let (unit, amount) = match amount {
                    TradeAmount::Quote(amount) => ("quote", amount),
                    TradeAmount::Base(amount) => ("base", amount),
                };
                Self::new("Trade", account.0)
                    .number("market", market.0)
                    .text_field("side", side_text(side).to_owned())
                    .text_field("unit", unit.to_owned())
                    .text_field("amount", amount.to_string())
                    .limit(limit)
                    .field("reduceOnly", Value::Flag(reduce_only))
            }
            Command::ClosePosition { account, market, limit } => {
                Self::new("ClosePosition", account.0).number("market", market.0).limit(limit)
            }
            Command::RequestWithdrawal { account, token, amount } => {
                Self::new("RequestWithdrawal", account.0)
                    .number("asset", token.asset.0)
                    .number("chain", token.chain.0)
                    .text_field("amount", amount.to_string())
            }
            Command::WithdrawSuspense { account, token } => Self::new("WithdrawSuspense", account.0)
                .number("asset", token.asset.0)
                .number("chain", token.chain.0),
            Command::CancelWithdrawal { account, token } => Self::new("CancelWithdrawal", account.0)
                .number("asset", token.asset.0)
                .number("chain", token.chain.0),
            Command::RefuseToken { account, token, refused } => Self::new("RefuseToken", account.0)
                .number("asset", token.asset.0)
                .number("chain", token.chain.0)
                .field("refused", Value::Flag(refused)),
            Command::Lend { account, chain, amount } => {
                Self::new("Lend", account.0).number("chain", chain.0).text_field("amount", amount.to_string())
            }
            Command::Redeem { account, chain, amount } => Self::new("Redeem", account.0)
                .number("chain", chain.0)
                .text_field("amount", or(amount, "all")),
            Command::Borrow { account, chain, amount } => Self::new("Borrow", account.0)
                .number("chain", chain.0)
                .text_field("amount", amount.to_string()),
            Command::Repay { account, chain, amount } => {
                Self::new("Repay", account.0).number("chain", chain.0).text_field("amount", or(amount, "all"))
            }
            Command::Contribute { account, layer, amount } => Self::new("Contribute", account.0)
                .text_field("layer", layer_text(layer))
                .text_field("amount", amount.to_string()),
            Command::RegisterKeeper { account, operator, region, cores, memory, signer, stake } => {
                Self::new("RegisterKeeper", account.0)
                    .field("operator", Value::Bytes(operator.0))
                    .number("region", region.0)
                    .number("cores", cores)
                    .number("memory", memory)
                    .field("signer", Value::Bytes(signer.0))
                    .text_field("stake", stake.to_string())
            }
            Command::StakeKeeper { keeper, amount } => {
                Self::of_keeper("StakeKeeper", keeper).text_field("amount", amount.to_string())
            }
            Command::UnstakeKeeper { keeper, amount } => {
                Self::of_keeper("UnstakeKeeper", keeper).text_field("amount", amount.to_string())
            }
            Command::Heartbeat { keeper } => Self::of_keeper("Heartbeat", keeper),
            Command::CommitReport { keeper, task, chain, commit } => Self::of_keeper("CommitReport", keeper)
                .number("task", task.0)
                .number("chain", chain.0)
                .field("commit", Value::Bytes(commit.0)),
            Command::RevealReport { keeper, task, chain, result, block, salt } => {
                Self::of_keeper("RevealReport", keeper)
                    .number("task", task.0)
                    .number("chain", chain.0)
                    .field("result", Value::Bytes(result.0))
                    .field("block", Value::Bytes(block.0))
                    .field("salt", Value::Bytes(salt.0))
            }
            Command::OpenAccount { .. }
            | Command::LiquidateAccount { .. }
            | Command::Govern(_)
            | Command::EnterSafeMode => return None,
        };
        Some(message.number("nonce", nonce).number("expires", expires.millis()))
    }

    /// What an Ethereum wallet signs.
    #[must_use]
    pub fn ethereum_digest(&self, hub: Hash) -> Hash {
        let [name, version] = [NAME, VERSION].map(|text| keccak(&[text.as_bytes()]));
        let domain = keccak(&[&keccak(&[DOMAIN.as_bytes()]).0, &name.0, &version.0, &hub.0]);
        let mut words = keccak(&[self.ethereum_type().as_bytes()]).0.to_vec();
        for (_, value) in &self.fields {
            words.extend(value.word());
        }
        keccak(&[b"\x19\x01", &domain.0, &keccak(&[&words]).0])
    }

    /// The same for `eth_signTypedData_v4`.
    #[must_use]
    pub fn ethereum_json(&self, hub: Hash) -> Json {
        let entry = |name: &str, kind: &str| json!({ "name": name, "type": kind });
        let types: Vec<Json> = self.fields.iter().map(|(name, value)| entry(name, value.kind())).collect();
        let values: serde_json::Map<String, Json> =
            self.fields.iter().map(|(name, value)| ((*name).to_owned(), value.json())).collect();
        json!({
            "domain": { "name": NAME, "version": VERSION, "salt": hub },
            "types": {
                "EIP712Domain": [entry("name", "string"), entry("version", "string"), entry("salt", "bytes32")],
                self.name: types,
            },
            "primaryType": self.name,
            "message": values,
        })
    }

    /// What a Solana wallet shows and signs: a line a field. No value has a line break.
    #[must_use]
    pub fn text(&self, hub: Hash) -> String {
        let mut text = format!("{NAME} {VERSION}\nhub: {hub}\n{}", self.name);
        for (name, value) in &self.fields {
            write!(text, "\n{name}: {}", value.text()).expect("a string takes everything");
        }
        text
    }

    /// "Trade(uint64 account,..)".
    fn ethereum_type(&self) -> String {
        let fields: Vec<String> =
            self.fields.iter().map(|(name, value)| format!("{} {name}", value.kind())).collect();
        format!("{}({})", self.name, fields.join(","))
    }

    fn new(name: &'static str, account: u32) -> Self {
        Self { name, fields: Vec::new() }.number("account", account)
    }

    fn of_keeper(name: &'static str, keeper: KeeperId) -> Self {
        Self { name, fields: Vec::new() }.number("keeper", keeper.0)
    }

    fn number(self, name: &'static str, number: impl Into<u64>) -> Self {
        self.field(name, Value::Number(number.into()))
    }

    fn text_field(self, name: &'static str, text: String) -> Self {
        self.field(name, Value::Text(text))
    }

    fn limit(self, limit: Option<Price>) -> Self {
        self.text_field("limit", or(limit, "none"))
    }

    fn field(mut self, name: &'static str, value: Value) -> Self {
        self.fields.push((name, value));
        self
    }
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "uint64",
            Self::Flag(_) => "bool",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes32",
        }
    }

    /// As EIP-712 encodes it.
    fn word(&self) -> [u8; 32] {
        let number = |number: u64| {
            let mut word = [0; 32];
            word[24..].copy_from_slice(&number.to_be_bytes());
            word
        };
        match self {
            Self::Number(value) => number(*value),
            Self::Flag(value) => number(u64::from(*value)),
            Self::Text(text) => keccak(&[text.as_bytes()]).0,
            Self::Bytes(bytes) => *bytes,
        }
    }

    fn json(&self) -> Json {
        match self {
            // As text: a number above 2^53 would not survive a browser.
            Self::Number(value) => json!(value.to_string()),
            Self::Flag(value) => json!(value),
            Self::Text(text) => json!(text),
            Self::Bytes(bytes) => json!(Hash(*bytes)),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Number(value) => value.to_string(),
            Self::Flag(value) => value.to_string(),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => Hash(*bytes).to_string(),
        }
    }
}

fn or(value: Option<impl ToString>, absent: &str) -> String {
    value.map_or_else(|| absent.to_owned(), |value| value.to_string())
}

fn layer_text(layer: Layer) -> String {
    match layer {
        Layer::Float => "float".to_owned(),
        Layer::Budget(market) => format!("budget of market {market}"),
        Layer::Tranche(Scope::Market(market)) => format!("tranche of market {market}"),
        Layer::Tranche(Scope::Chain(chain)) => format!("tranche of chain {chain}"),
    }
}

fn side_text(side: Side) -> &'static str {
    match side {
        Side::Long => "long",
        Side::Short => "short",
    }
}
