//! The genesis of a script: some keys over the defaults, the rest derived.
//!
//! - What a script says is laid over the defaults a key at a time, so that an error names the key.
//! - `markets` without `assets` and `chains` is enough: each asset is then listed on the five default chains.
//! - A guard is switched off by `null`, or by "off" in TOML, which has no null; `"guards": false` means all.
//! - A script's own markets are not held to the listing conditions (R8) unless it asks for `listing_check`: a
//!   test bench must be able to build a market that nobody would list.

use crate::house;
use ballast_types::{
    AssetGenesis, ChainGenesis, Genesis, MarketGenesis, MarketParams, TokenGenesis, TokenParams,
};
use ballast_units::{Amount, Millis, Price, Time};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// When a script begins that does not say: 2024-01-01 00:00 UTC.
const START: Time = Time::from_millis(1_704_067_200_000);

/// A genesis, and what only a script has.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ScriptGenesis {
    /// The house.
    #[schemars(flatten)]
    pub genesis: Genesis,
    /// Beside it.
    #[schemars(flatten)]
    pub shortcuts: Shortcuts,
}

/// Keys that a script's genesis has beside those of a genesis.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Shortcuts {
    /// `false`: markets without band, `move_limit` and `reduce_keeps_health` where they do not set them
    /// themselves, and no listing check.
    #[serde(default = "on")]
    pub guards: bool,
    /// Seconds for which a price counts. With it, `advance` does not report prices again.
    pub oracle_max_age: Option<u64>,
    /// Prices to begin with; without it a coin's is 1, and that of a market's asset is its first mark.
    pub prices: Option<BTreeMap<String, Price>>,
}

/// The keys of [`Shortcuts`].
const SHORTCUTS: [&str; 3] = ["guards", "oracle_max_age", "prices"];

fn on() -> bool {
    true
}

impl Default for ScriptGenesis {
    /// The default house.
    fn default() -> Self {
        let genesis = Genesis { time: START, ..house::genesis() };
        Self { genesis, shortcuts: Shortcuts { guards: true, oracle_max_age: None, prices: None } }
    }
}

impl ScriptGenesis {
    /// The first prices. A coin is worth a dollar; the asset of a market what its curve says.
    pub fn prices(&self) -> BTreeMap<String, Price> {
        if let Some(prices) = &self.shortcuts.prices {
            return prices.clone();
        }
        let coins = self.genesis.assets.iter().filter(|asset| asset.stable);
        let coins = coins.map(|coin| (coin.symbol.clone(), Price::ONE));
        let marks = self.genesis.markets.iter();
        coins.chain(marks.filter_map(|market| Some((market.asset.clone(), market.mark()?)))).collect()
    }
}

/// Reads a genesis, or the file that a script names; its path is taken from `folder`.
pub fn read(input: &Value, folder: &Path) -> Result<ScriptGenesis, String> {
    match input {
        Value::Object(given) => resolve(given.clone()),
        Value::String(file) => {
            let text = fs::read_to_string(folder.join(file))
                .map_err(|error| format!("genesis {file:?}: {error}"))?;
            let is_toml = Path::new(file).extension().is_some_and(|extension| extension == "toml");
            let given = match is_toml {
                true => toml::from_str(&text).map_err(|error| format!("{file}: {error}"))?,
                false => serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?,
            };
            resolve(given).map_err(|error| format!("{file}: {error}"))
        }
        _ => Err("genesis: expected an object, or the name of a .toml or .json file".to_owned()),
    }
}

fn resolve(mut given: Map<String, Value>) -> Result<ScriptGenesis, String> {
    let shortcuts = SHORTCUTS.iter().filter_map(|key| given.remove_entry(*key)).collect();
    let shortcuts: Shortcuts =
        serde_json::from_value(Value::Object(shortcuts)).map_err(|error| format!("genesis: {error}"))?;
    let lists = Lists::read(&mut given, shortcuts.guards)?;

    let listing_check = shortcuts.guards && lists.markets.is_none();
    let base = Genesis { time: START, listing_check, ..Genesis::default() };
    let mut genesis: Genesis = overlay(&base, &given, "genesis", &SHORTCUTS)?;
    lists.complete(&mut genesis);
    if let Some(seconds) = shortcuts.oracle_max_age {
        let millis = seconds.checked_mul(1_000).ok_or("genesis.oracle_max_age: too many seconds")?;
        genesis.oracle.max_age = Millis::new(millis);
    }
    let known: BTreeSet<&str> = genesis.assets.iter().map(|asset| asset.symbol.as_str()).collect();
    for symbol in shortcuts.prices.iter().flat_map(BTreeMap::keys) {
        if !known.contains(symbol.as_str()) {
            return Err(format!(
                "genesis.prices: unknown asset {symbol:?}, expected one of {}",
                list(&known)
            ));
        }
    }
    Ok(ScriptGenesis { genesis, shortcuts })
}

/// The lists of a genesis, as far as it has them.
struct Lists {
    assets: Option<Vec<AssetGenesis>>,
    chains: Option<Vec<ChainGenesis>>,
    markets: Option<Vec<MarketGenesis>>,
}

impl Lists {
    fn read(given: &mut Map<String, Value>, guards: bool) -> Result<Self, String> {
        Ok(Self {
            assets: elements(given, "assets", asset)?,
            chains: elements(given, "chains", chain)?,
            markets: elements(given, "markets", |given, path| market(given, path, guards))?,
        })
    }

    /// Puts the lists into a genesis, those that are not given derived from the others.
    fn complete(self, genesis: &mut Genesis) {
        let default = house::genesis();
        let nothing_given = self.assets.is_none() && self.chains.is_none() && self.markets.is_none();
        let symbols = self.symbols();
        genesis.assets = match self.assets {
            Some(assets) => assets,
            None if nothing_given => default.assets,
            None => {
                let coins: BTreeSet<&str> =
                    self.chains.iter().flatten().map(|chain| chain.coin.as_str()).collect();
                let is_coin = |symbol: &str| symbol == house::COIN || coins.contains(symbol);
                let assets = symbols
                    .iter()
                    .map(|symbol| AssetGenesis { stable: is_coin(symbol), ..house::asset(symbol) });
                assets.collect()
            }
        };
        let is_listed = |symbol: &str| genesis.assets.iter().any(|asset| asset.symbol == symbol);
        genesis.markets = self.markets.unwrap_or_else(|| {
            default.markets.into_iter().filter(|market| is_listed(&market.asset)).collect()
        });
        genesis.chains = match self.chains {
            Some(chains) => chains,
            None if nothing_given => default.chains,
            None => {
                let others = genesis.assets.iter().map(|asset| asset.symbol.as_str());
                house::chains_of(&others.filter(|symbol| *symbol != house::COIN).collect::<Vec<_>>())
            }
        };
    }

    /// The coin, then what markets and chains name, in order.
    fn symbols(&self) -> Vec<String> {
        let of_markets = self.markets.iter().flatten().map(|market| &market.asset);
        let of_chain = |chain: &ChainGenesis| -> Vec<String> {
            let tokens = chain.tokens.iter().map(|token| token.asset.clone());
            [chain.coin.clone()].into_iter().chain(tokens).collect()
        };
        let of_chains = self.chains.iter().flatten().flat_map(of_chain);
        let mut seen = BTreeSet::new();
        let named = [house::COIN.to_owned()].into_iter().chain(of_markets.cloned()).chain(of_chains);
        named.filter(|symbol| seen.insert(symbol.clone())).collect()
    }
}

fn asset(given: &Map<String, Value>, path: &str) -> Result<AssetGenesis, String> {
    require(given, &["symbol"], path)?;
    overlay(&AssetGenesis::default(), given, path, &[])
}

fn chain(given: &Map<String, Value>, path: &str) -> Result<ChainGenesis, String> {
    require(given, &["name", "tokens"], path)?;
    let mut given = given.clone();
    let name = given.get("name").and_then(Value::as_str).unwrap_or_default();
    // A chain that the default house has too begins with its terms.
    let known = house::chains_of(&[]).into_iter().find(|chain| chain.name == name);
    let base =
        known.unwrap_or_else(|| ChainGenesis { name: name.to_owned(), ..house::chains_of(&[]).remove(0) });
    let terms = base.tokens.first().map(|token| token.params).unwrap_or_default();
    let tokens = elements(&mut given, "tokens", |given, at| token(given, &format!("{path}.{at}"), terms))?;
    let chain: ChainGenesis = overlay(&base, &given, path, &["tokens"])?;
    Ok(ChainGenesis { tokens: tokens.unwrap_or_default(), ..chain })
}

fn token(given: &Map<String, Value>, path: &str, params: TokenParams) -> Result<TokenGenesis, String> {
    require(given, &["asset"], path)?;
    overlay(&TokenGenesis { asset: String::new(), params }, given, path, &[])
}

fn market(given: &Map<String, Value>, path: &str, guards: bool) -> Result<MarketGenesis, String> {
    require(given, &["asset", "base_reserve", "quote_reserve"], path)?;
    let params = MarketParams::default();
    let params = match guards {
        true => params,
        false => MarketParams { band: None, move_limit: None, reduce_keeps_health: false, ..params },
    };
    let nothing = Amount::ZERO;
    let base = MarketGenesis { asset: String::new(), base_reserve: nothing, quote_reserve: nothing, params };
    overlay(&base, given, path, &[])
}

/// Takes a list out of an object and reads each of its elements.
fn elements<T>(
    given: &mut Map<String, Value>,
    key: &str,
    read: impl Fn(&Map<String, Value>, &str) -> Result<T, String>,
) -> Result<Option<Vec<T>>, String> {
    let Some(list) = given.remove(key) else { return Ok(None) };
    let Value::Array(list) = list else { return Err(format!("genesis.{key}: expected a list of objects")) };
    let read = |(number, element): (usize, &Value)| match element {
        Value::Object(element) => read(element, &format!("{key}[{number}]")),
        _ => Err(format!("{key}[{number}]: expected an object")),
    };
    list.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
}

fn require(given: &Map<String, Value>, keys: &[&str], path: &str) -> Result<(), String> {
    match keys.iter().find(|key| !given.contains_key(**key)) {
        Some(missing) => Err(format!("{path}: expected the key `{missing}`")),
        None => Ok(()),
    }
}

/// `base` with the keys of `given` in place of its own; objects in it likewise. `others` are the keys that are
/// read elsewhere, for the error that names what was expected.
pub(crate) fn overlay<T: Serialize + DeserializeOwned>(
    base: &T,
    given: &Map<String, Value>,
    path: &str,
    others: &[&str],
) -> Result<T, String> {
    let mut whole = serde_json::to_value(base).map_err(|error| format!("{path}: {error}"))?;
    for (keys, value) in leaves(&whole, given, path, others)? {
        let place = whole.pointer_mut(&format!("/{}", keys.join("/"))).expect("leaves found it");
        *place = value;
        // Read after each key, so that an error is this key's.
        if let Err(error) = T::deserialize(&whole) {
            return Err(format!("{path}.{}: {error}", keys.join(".")));
        }
    }
    T::deserialize(&whole).map_err(|error| format!("{path}: {error}"))
}

/// Every value of `given`, with the keys that lead to it; each is a place of `base`.
fn leaves(
    base: &Value,
    given: &Map<String, Value>,
    path: &str,
    others: &[&str],
) -> Result<Vec<(Vec<String>, Value)>, String> {
    let mut found = Vec::new();
    for (key, value) in given {
        let Some(place) = base.get(key) else {
            let known = base.as_object().into_iter().flat_map(Map::keys).map(String::as_str);
            let known: BTreeSet<&str> = known.chain(others.iter().copied()).collect();
            return Err(format!("{path}: unknown key `{key}`, expected one of {}", list(&known)));
        };
        match (place, value) {
            (Value::Object(_), Value::Object(inner)) => {
                for (mut keys, value) in leaves(place, inner, &format!("{path}.{key}"), &[])? {
                    keys.insert(0, key.clone());
                    found.push((keys, value));
                }
            }
            (_, Value::String(off)) if off == "off" => found.push((vec![key.clone()], Value::Null)),
            _ => found.push((vec![key.clone()], value.clone())),
        }
    }
    Ok(found)
}

fn list(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}
