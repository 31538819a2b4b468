//! What a script gets back: JSON objects with names in place of ids, the line's number first.

use ballast_engine::late_inclusions;
use ballast_spoke::Revert;
use ballast_types::{AccountId, AssetId, ChainId, Event, Genesis, MarketId, Nonce, Reject};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::names::Names;

/// `{"line": 7, "event": "PositionOpened", ..}`
pub(crate) fn event(names: &Names, line: usize, event: &Event) -> Value {
    answer(line, [named(names, event)])
}

/// `{"line": 8, "reject": "E2104", "name": "AccountHealthy", ..}`; `item` is its place in a block of several.
pub(crate) fn reject(names: &Names, line: usize, item: Option<usize>, reject: &Reject) -> Value {
    let item = item.map_or(json!({}), |item| json!({ "item": item }));
    answer(line, [item, rejected(names, reject)])
}

/// `{"line": 8, "revert": "NoAuction", "message": ".."}`: the chain refuses it, and changes nothing.
pub(crate) fn revert(line: usize, item: Option<usize>, revert: &Revert) -> Value {
    let item = item.map_or(json!({}), |item| json!({ "item": item }));
    answer(line, [item, reverted(revert)])
}

/// `{"line": 8, "chain": "ethereum", "order": 3, "revert": ..}`: a vault refuses an order, which is put out again.
pub(crate) fn refused(names: &Names, line: usize, chain: ChainId, order: Nonce, revert: &Revert) -> Value {
    answer(line, [json!({ "chain": names.chain_name(chain), "order": order }), reverted(revert)])
}

fn reverted(revert: &Revert) -> Value {
    let name = format!("{revert:?}");
    let name = name.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
    json!({ "revert": name, "message": revert.to_string() })
}

/// `{"line": 9, "show": {..}}`
pub(crate) fn show(line: usize, shown: Value) -> Value {
    answer(line, [json!({ "show": shown })])
}

/// A line that changed something, or nothing, without an event.
pub(crate) fn ok(line: usize) -> Value {
    answer(line, [json!({ "ok": true })])
}

/// A genesis that was taken, with what it is listed with a warning for.
pub fn genesis(line: usize, genesis: &Genesis) -> Value {
    let late = late_inclusions(genesis);
    let warnings: Vec<String> = late.iter().map(|(chain, late)| format!("{chain}: {late}")).collect();
    let warned = if warnings.is_empty() { json!({}) } else { json!({ "warnings": warnings }) };
    answer(line, [json!({ "ok": true }), warned])
}

/// Code, name, figures, whether it may pass later, and what it means.
fn rejected(names: &Names, reject: &Reject) -> Value {
    let info = reject.info();
    let mut object = object(json!({ "reject": info.code, "name": info.name }));
    // Externally tagged: the variant's name, and in it the figures.
    let figures = object_of(reject).into_iter().next().map_or(Value::Null, |(_, figures)| figures);
    object.extend(self::object(rename(names, figures)));
    object.extend(self::object(json!({ "transient": info.transient, "message": info.meaning })));
    Value::Object(object)
}

fn answer(line: usize, parts: impl IntoIterator<Item = Value>) -> Value {
    let parts = parts.into_iter().flat_map(object);
    Value::Object([("line".to_owned(), json!(line))].into_iter().chain(parts).collect())
}

/// A record as JSON, with names in place of its ids.
pub(crate) fn named(names: &Names, record: &impl Serialize) -> Value {
    rename(names, Value::Object(object_of(record)))
}

/// Ids go by their key: `account`, `market`, `chain`, `asset`, whatever record they stand in.
fn rename(names: &Names, value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let renamed = fields.into_iter().map(|(key, value)| {
        let value = match (key.as_str(), value.as_u64()) {
            ("account", Some(id)) => names.account_name(AccountId(narrow(id))).into(),
            ("market" | "budget", Some(id)) => names.market_name(MarketId(narrow(id))).into(),
            ("chain" | "reported", Some(id)) => names.chain_name(ChainId(narrow(id))).into(),
            ("asset", Some(id)) => names.asset_name(AssetId(narrow(id))).into(),
            ("reject", None) => match serde_json::from_value::<Reject>(value.clone()) {
                Ok(reject) => rejected(names, &reject),
                Err(_) => value,
            },
            _ => rename(names, value),
        };
        (key, value)
    });
    Value::Object(renamed.collect())
}

/// An id of a record; the record has it in this width.
fn narrow<T: TryFrom<u64>>(id: u64) -> T {
    T::try_from(id).ok().expect("ids keep their width through JSON")
}

fn object_of(record: &impl Serialize) -> Map<String, Value> {
    object(serde_json::to_value(record).expect("records are maps with text keys"))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
