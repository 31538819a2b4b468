//! Candles: what a market did, read from a folder of CSV files.
//!
//! - Files: `<asset>_usdt_<interval>*.csv` with the header `timestamp_ms,open,high,low,close,volume`; every
//!   other file is ignored. Each asset has its own interval.
//! - Prices are read exactly. The volume must be a number and is not kept: nothing here depends on it.
//! - Keeps: a series is never empty, has no gap and no duplicate, and every candle holds together.
//! - Reads only; nothing is written.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ballast_units::{Amount, Millis, ParseError, Price, Time};

/// The first line of every candle file.
pub const HEADER: &str = "timestamp_ms,open,high,low,close,volume";

/// 1 January 10000 00:00 UTC. What is later was not written in milliseconds.
const YEAR_10000: Time = Time::from_millis(253_402_300_800_000);

/// Series of candles by asset symbol, in capitals.
pub type CandleSet = BTreeMap<String, Candles>;

/// What one asset did in one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    /// When the interval begins.
    pub time: Time,
    /// The first price.
    pub open: Price,
    /// The highest price, not below any other.
    pub high: Price,
    /// The lowest price, not above any other.
    pub low: Price,
    /// The last price.
    pub close: Price,
}

/// Candles of one asset, one after the other: at least one, none missing, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candles {
    interval: Millis,
    series: Vec<Candle>,
}

/// Why candles could not be read. Says where, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum CandleError {
    /// The folder cannot be listed.
    #[error("{}: cannot read the folder", folder.display())]
    Folder {
        /// The folder asked for.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A candle file cannot be opened, or is not text.
    #[error("{}: cannot read the file", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The folder has no file of candles.
    #[error("{}: no candle file here; expected files like eth_usdt_1m.csv", folder.display())]
    NoFile {
        /// The folder asked for.
        folder: PathBuf,
    },
    /// Two files tell of the same asset, and which one is meant cannot be known.
    #[error("{}: {asset} is in {} too; expected one file an asset", second.display(), first.display())]
    TwoFiles {
        /// The asset's symbol.
        asset: String,
        /// The file whose name comes first.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A line that cannot be used.
    #[error("{}:{line}: {fault}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: CandleFault,
    },
}

/// A column of a candle file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Start of the interval, Unix milliseconds.
    Timestamp,
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    Close,
    /// Amount traded.
    Volume,
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Column::Timestamp => "timestamp_ms",
            Column::Open => "open",
            Column::High => "high",
            Column::Low => "low",
            Column::Close => "close",
            Column::Volume => "volume",
        })
    }
}

/// What is wrong with a line. In the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CandleFault {
    /// Nothing where the header or the first candle should be.
    #[error("the file ends here; expected {expected}")]
    Empty {
        /// What should have come.
        expected: &'static str,
    },
    /// The first line is not the header.
    #[error("the header is \"{found}\"; expected \"{HEADER}\"")]
    Header {
        /// The first line.
        found: String,
    },
    /// More or fewer columns than the header names.
    #[error("{found} columns; expected 6: {HEADER}")]
    ColumnCount {
        /// How many there are.
        found: usize,
    },
    /// A field is not a number of its kind.
    #[error("{column} is \"{found}\"; expected {expected}")]
    Number {
        /// Which field.
        column: Column,
        /// Its text.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// A price of zero or below.
    #[error("{column} is {found}; expected a price above zero")]
    NotPositive {
        /// Which price.
        column: Column,
        /// Its text.
        found: String,
    },
    /// A price above [`Price::LIMIT`].
    #[error("{column} is {found}; expected at most {} dollars", Price::LIMIT)]
    OutOfRange {
        /// Which price.
        column: Column,
        /// Its text.
        found: String,
    },
    /// The extremes are the wrong way round.
    #[error("high {high} is below low {low}; expected high at or above low")]
    HighBelowLow {
        /// The price called high.
        high: Price,
        /// The price called low.
        low: Price,
    },
    /// Open or close lies outside the extremes.
    #[error("{column} {found} is outside low {low} to high {high}; expected it within")]
    OutsideExtremes {
        /// Open or close.
        column: Column,
        /// Its price.
        found: Price,
        /// The candle's low.
        low: Price,
        /// The candle's high.
        high: Price,
    },
    /// The same time as the line before.
    #[error("timestamp {time} is there twice; expected {expected}")]
    Duplicate {
        /// The time of both.
        time: Time,
        /// One interval later.
        expected: Time,
    },
    /// Earlier than the line before.
    #[error("time goes back from {previous} to {found}; expected {expected}")]
    Backwards {
        /// The time of the line before.
        previous: Time,
        /// This line's time.
        found: Time,
        /// One interval after the line before.
        expected: Time,
    },
    /// Later than the line before by less than the interval in the file's name.
    #[error("timestamp {found} is {early} ms early; expected {expected}, one interval after the line before")]
    TooEarly {
        /// This line's time.
        found: Time,
        /// One interval after the line before.
        expected: Time,
        /// By how much.
        early: Millis,
    },
    /// At least one candle is missing before this line.
    #[error("a gap of {length} ms before {found}; expected a candle at {expected}")]
    Gap {
        /// This line's time.
        found: Time,
        /// The time of the first missing candle.
        expected: Time,
        /// From there to this line.
        length: Millis,
    },
}

impl Candles {
    /// Reads the text of one candle file. `file` is what errors call it.
    pub fn from_csv(file: &Path, interval: Millis, text: &str) -> Result<Candles, CandleError> {
        assert!(!interval.is_zero(), "candles without an interval");
        let at = |line, fault| CandleError::Line { file: file.to_owned(), line, fault };
        let mut lines = text.lines().zip(1..);
        match lines.next() {
            None => return Err(at(1, CandleFault::Empty { expected: HEADER })),
            Some((HEADER, _)) => {}
            Some((found, line)) => return Err(at(line, CandleFault::Header { found: found.to_owned() })),
        }
        let mut series: Vec<Candle> = Vec::new();
        for (text, line) in lines {
            let candle = read_candle(text).map_err(|fault| at(line, fault))?;
            if let Some(previous) = series.last() {
                check_order(previous.time, candle.time, interval).map_err(|fault| at(line, fault))?;
            }
            series.push(candle);
        }
        if series.is_empty() {
            return Err(at(2, CandleFault::Empty { expected: "a candle" }));
        }
        Ok(Candles { interval, series })
    }

    /// Candles made here, not read: whoever calls has kept what [`Candles`] promises.
    pub(crate) fn from_series(interval: Millis, series: Vec<Candle>) -> Candles {
        assert!(!series.is_empty(), "a series of candles is never empty");
        Candles { interval, series }
    }

    /// How long each candle is.
    pub fn interval(&self) -> Millis {
        self.interval
    }

    /// The candles, oldest first. Never empty.
    pub fn series(&self) -> &[Candle] {
        &self.series
    }

    /// When the first candle begins.
    pub fn start(&self) -> Time {
        self.series[0].time
    }

    /// When the last candle has ended: the first moment without a price.
    pub fn end(&self) -> Time {
        self.series[self.series.len() - 1].time.after(self.interval)
    }

    /// The candles that begin at `from` or later and before `to`; none if there are no such candles.
    pub fn window(&self, from: Time, to: Time) -> Option<Candles> {
        let first = self.series.partition_point(|candle| candle.time < from);
        let end = self.series.partition_point(|candle| candle.time < to);
        let series = self.series.get(first..end).filter(|series| !series.is_empty())?;
        Some(Candles { interval: self.interval, series: series.to_vec() })
    }
}

/// Reads every candle file of `folder`. Other files are ignored; so are folders in it.
pub fn read_folder(folder: &Path) -> Result<CandleSet, CandleError> {
    let mut files: BTreeMap<String, (PathBuf, Millis)> = BTreeMap::new();
    for file in list(folder).map_err(|source| CandleError::Folder { folder: folder.to_owned(), source })? {
        let name = file.file_name().and_then(|name| name.to_str());
        let Some((asset, interval)) = name.and_then(read_file_name) else { continue };
        if let Some((first, _)) = files.get(&asset) {
            return Err(CandleError::TwoFiles { asset, first: first.clone(), second: file });
        }
        files.insert(asset, (file, interval));
    }
    if files.is_empty() {
        return Err(CandleError::NoFile { folder: folder.to_owned() });
    }
    let mut set = CandleSet::new();
    for (asset, (file, interval)) in files {
        let text =
            fs::read_to_string(&file).map_err(|source| CandleError::File { file: file.clone(), source })?;
        set.insert(asset, Candles::from_csv(&file, interval, &text)?);
    }
    Ok(set)
}

/// The files of `folder`, by name.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // Not the entry's own type: a link to a file is a file here.
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Asset symbol in capitals and interval of `<asset>_usdt_<interval>*.csv`; none for any other name.
fn read_file_name(name: &str) -> Option<(String, Millis)> {
    let mut words = name.strip_suffix(".csv")?.split('_');
    let asset =
        words.next().filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()))?;
    words.next().filter(|word| *word == "usdt")?;
    let interval = read_interval(words.next()?)?;
    Some((asset.to_ascii_uppercase(), interval))
}

/// The length of `1m`, `5m`, `1h`, `1d`; none for any other word.
fn read_interval(word: &str) -> Option<Millis> {
    let unit = match word.chars().last()? {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    let count = word[..word.len() - 1].parse::<Millis>().ok()?.get();
    (1..10_000).contains(&count).then(|| Millis::new(count * unit))
}

fn read_candle(text: &str) -> Result<Candle, CandleFault> {
    let fields: Vec<&str> = text.split(',').collect();
    let [time, open, high, low, close, volume] = fields[..] else {
        return Err(CandleFault::ColumnCount { found: fields.len() });
    };
    let candle = Candle {
        time: read_time(time)?,
        open: read_price(Column::Open, open)?,
        high: read_price(Column::High, high)?,
        low: read_price(Column::Low, low)?,
        close: read_price(Column::Close, close)?,
    };
    if volume.parse::<Amount>().is_err() {
        return Err(CandleFault::Number {
            column: Column::Volume,
            found: volume.to_owned(),
            expected: "a decimal number, zero or above, with at most 18 digits after the point",
        });
    }
    check_extremes(&candle)?;
    Ok(candle)
}

fn read_time(text: &str) -> Result<Time, CandleFault> {
    text.parse().ok().filter(|time| *time < YEAR_10000).ok_or_else(|| CandleFault::Number {
        column: Column::Timestamp,
        found: text.to_owned(),
        expected: "unix milliseconds before the year 10000",
    })
}

fn read_price(column: Column, text: &str) -> Result<Price, CandleFault> {
    let found = || text.to_owned();
    match text.parse::<Price>() {
        Ok(price) if price.in_range() => Ok(price),
        Ok(_) | Err(ParseError::OutOfRange) => Err(CandleFault::OutOfRange { column, found: found() }),
        Err(ParseError::Zero | ParseError::Negative) => {
            Err(CandleFault::NotPositive { column, found: found() })
        }
        Err(ParseError::NotANumber | ParseError::TooManyDigits) => Err(CandleFault::Number {
            column,
            found: found(),
            expected: "a decimal number with at most 18 digits after the point",
        }),
    }
}

fn check_extremes(candle: &Candle) -> Result<(), CandleFault> {
    let Candle { high, low, .. } = *candle;
    if high < low {
        return Err(CandleFault::HighBelowLow { high, low });
    }
    for (column, found) in [(Column::Open, candle.open), (Column::Close, candle.close)] {
        if found < low || high < found {
            return Err(CandleFault::OutsideExtremes { column, found, low, high });
        }
    }
    Ok(())
}

fn check_order(previous: Time, found: Time, interval: Millis) -> Result<(), CandleFault> {
    let expected = previous.after(interval);
    if found == previous {
        Err(CandleFault::Duplicate { time: found, expected })
    } else if found < previous {
        Err(CandleFault::Backwards { previous, found, expected })
    } else if found < expected {
        Err(CandleFault::TooEarly { found, expected, early: expected.since(found) })
    } else if expected < found {
        Err(CandleFault::Gap { found, expected, length: found.since(expected) })
    } else {
        Ok(())
    }
}
