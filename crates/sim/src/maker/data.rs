//! What a folder of the crash of March 2020 holds: Maker's auctions, its delayed oracle, Ethereum's gas by the minute.
//!
//! - Files: `maker_flip_auctions_*.csv.gz`, `maker_osm_eth_price_*.csv`, `eth_gas_1m_*.csv`; columns by name, in any
//!   order among others. Candles are read as for a replay.
//! - Reads only. A line that cannot be used ends the reading: file, line, what was expected.

use crate::candles::{CandleError, read_folder};
use crate::path::PricePath;
use ballast_units::{Amount, Price, Time};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// One auction of Maker's, as it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MakerLot {
    /// Maker's number.
    pub id: u64,
    /// ETH sold.
    pub quantity: Amount,
    /// DAI paid for it.
    pub dai: Amount,
    /// Bids in all, the opening one of nobody not among them.
    pub bids: u64,
    /// When the last bid was made: the minute in which the lot was sold.
    pub time: Time,
    /// Dollars an ETH on the market then.
    pub market: Price,
    /// Dollars a DAI on the market then.
    pub dai_price: Price,
}

/// Everything that is known of those days.
#[derive(Clone, Debug)]
pub struct MakerData {
    /// Auctions, by time and number.
    pub lots: Vec<MakerLot>,
    /// The price that Maker's contracts knew, from this moment on.
    pub osm: BTreeMap<Time, Price>,
    /// Gwei that 60 % and 90 % of a minute's transactions paid at most, by the minute's beginning.
    pub gas: BTreeMap<Time, Gas>,
    /// ETH.
    pub eth: PricePath,
}

/// Gas of one minute, gwei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gas {
    /// 60 % of transactions paid at most this.
    pub p60: Amount,
    /// 90 % of transactions paid at most this.
    pub p90: Amount,
}

/// Why the folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum MakerError {
    /// A file or the folder cannot be read.
    #[error("{}: cannot read it", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No file of this kind.
    #[error("{}: no file {expected} here", folder.display())]
    Missing {
        /// Where.
        folder: PathBuf,
        /// What it would be called.
        expected: String,
    },
    /// A line that cannot be used.
    #[error("{}:{line}: {fault}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: String,
    },
    /// The candles.
    #[error(transparent)]
    Candles(#[from] CandleError),
}

impl MakerData {
    /// Reads everything.
    pub fn read_folder(folder: &Path) -> Result<MakerData, MakerError> {
        let missing =
            |expected: &str| MakerError::Missing { folder: folder.to_owned(), expected: expected.to_owned() };
        let mut candles = read_folder(folder)?;
        let eth = candles.remove("ETH").ok_or_else(|| missing("eth_usdt_*.csv"))?;
        let (file, text) = text_of(folder, "maker_flip_auctions_", ".csv.gz")?;
        let mut lots = parse_lots(&file, &text)?;
        lots.sort_by_key(|lot| (lot.time, lot.id));
        let (file, text) = text_of(folder, "maker_osm_eth_price_", ".csv")?;
        let osm = parse_osm(&file, &text)?;
        let (file, text) = text_of(folder, "eth_gas_1m_", ".csv")?;
        let gas = parse_gas(&file, &text)?;
        Ok(MakerData { lots, osm, gas, eth: PricePath::new(eth) })
    }
}

/// Auctions in the text of a file. `file` is what errors call it.
pub fn parse_lots(file: &Path, text: &str) -> Result<Vec<MakerLot>, MakerError> {
    let columns =
        ["auction_id", "lot_eth", "dai_paid", "bid_count", "last_bid_ts", "market_eth_usd", "market_dai_usd"];
    rows(file, text, columns, |[id, lot, dai, bids, time, market, dai_price]| {
        Ok(MakerLot {
            id: whole(id)?,
            quantity: amount(lot)?,
            dai: amount(dai)?,
            bids: whole(bids)?,
            time: seconds(time)?,
            market: price(market)?,
            dai_price: price(dai_price)?,
        })
    })
}

/// The delayed oracle in the text of a file.
pub fn parse_osm(file: &Path, text: &str) -> Result<BTreeMap<Time, Price>, MakerError> {
    let read = rows(file, text, ["approx_ts", "osm_price_usd"], |[time, value]| {
        Ok((seconds(time)?, price(value)?))
    })?;
    Ok(read.into_iter().collect())
}

/// Gas by the minute in the text of a file.
pub fn parse_gas(file: &Path, text: &str) -> Result<BTreeMap<Time, Gas>, MakerError> {
    let read = rows(file, text, ["timestamp_ms", "p60_gwei", "p90_gwei"], |[time, p60, p90]| {
        // A minute without transactions has no quantiles: no gas is known of it.
        if p60.is_empty() && p90.is_empty() {
            return Ok(None);
        }
        Ok(Some((Time::from_millis(whole(time)?), Gas { p60: amount(p60)?, p90: amount(p90)? })))
    })?;
    Ok(read.into_iter().flatten().collect())
}

/// The text of the folder's one file of this name; unpacked where it ends in `.gz`.
fn text_of(folder: &Path, prefix: &str, suffix: &str) -> Result<(PathBuf, String), MakerError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| MakerError::Read { path, source }
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(prefix) && name.ends_with(suffix) {
            files.push(path);
        }
    }
    files.sort();
    let expected = || format!("{prefix}*{suffix}");
    let missing = || MakerError::Missing { folder: folder.to_owned(), expected: expected() };
    let file = files.into_iter().next().ok_or_else(missing)?;
    let bytes = fs::read(&file).map_err(failed(&file))?;
    let mut text = String::new();
    let read = if suffix.ends_with(".gz") {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text)
    } else {
        bytes.as_slice().read_to_string(&mut text)
    };
    read.map_err(failed(&file))?;
    Ok((file, text))
}

/// Reads the named columns of every line.
fn rows<T, const N: usize>(
    file: &Path,
    text: &str,
    columns: [&str; N],
    read: impl Fn([&str; N]) -> Result<T, String>,
) -> Result<Vec<T>, MakerError> {
    let at = |line, fault: String| MakerError::Line { file: file.to_owned(), line, fault };
    let mut lines = text.lines().zip(1..);
    let header: Vec<&str> = lines.next().map_or("", |(text, _)| text).split(',').collect();
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        let found = header.iter().position(|name| *name == column);
        *place = found.ok_or_else(|| at(1, format!("the header has no column {column}")))?;
    }
    let mut items = Vec::new();
    for (text, line) in lines {
        let fields: Vec<&str> = text.split(',').collect();
        if fields.len() != header.len() {
            let fault = format!("{} columns; expected {}, as in the header", fields.len(), header.len());
            return Err(at(line, fault));
        }
        items.push(read(places.map(|place| fields[place])).map_err(|fault| at(line, fault))?);
    }
    if items.is_empty() {
        return Err(at(1, "no line after the header".to_owned()));
    }
    Ok(items)
}

fn whole(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("\"{text}\"; expected a whole number"))
}

fn seconds(text: &str) -> Result<Time, String> {
    Ok(Time::from_millis(whole(text)?.saturating_mul(1_000)))
}

/// A decimal number, zero or above. What is written with an exponent lies far below a wei's worth of anything here, and
/// is read as a float.
fn amount(text: &str) -> Result<Amount, String> {
    let fault = || format!("\"{text}\"; expected a decimal number, zero or above");
    if text.contains(['e', 'E']) {
        let value: f64 = text.parse().map_err(|_| fault())?;
        return (0.0..1.0)
            .contains(&value)
            .then(|| Amount::from_wei((value * 1e18) as u128))
            .ok_or_else(fault);
    }
    text.parse::<Amount>().ok().filter(|amount| amount.in_range()).ok_or_else(fault)
}

fn price(text: &str) -> Result<Price, String> {
    text.parse().map_err(|_| format!("\"{text}\"; expected a price above zero"))
}
