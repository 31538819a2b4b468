//! What was really liquidated: the calls of a lending protocol, read from CSV, to be laid beside a replay.
//!
//! - Files: `aave_v2_liquidation_calls_*.csv` with a header that names `timestamp_ms` and `debt_usd`, in any
//!   order among others.
//! - A call without a dollar value counts as zero: its token had no price.

use ballast_units::{Amount, Time};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const TIME: &str = "timestamp_ms";
const DEBT: &str = "debt_usd";

/// Dollars of debt repaid by liquidation calls, by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Liquidated(Vec<(Time, Amount)>);

/// Why the calls could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LiquidatedError {
    /// The folder or file cannot be read.
    #[error("{}: cannot read it", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
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
}

impl Liquidated {
    /// The calls in every such file of `folder`; none where there is no such file.
    pub fn read_folder(folder: &Path) -> Result<Option<Liquidated>, LiquidatedError> {
        let failed = |source| LiquidatedError::Read { path: folder.to_owned(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("aave_v2_liquidation_calls_") && name.ends_with(".csv") {
                files.push(path);
            }
        }
        if files.is_empty() {
            return Ok(None);
        }
        files.sort();
        let mut calls = Vec::new();
        for file in files {
            let text = fs::read_to_string(&file)
                .map_err(|source| LiquidatedError::Read { path: file.clone(), source })?;
            calls.extend(Self::parse(&file, &text)?.0);
        }
        calls.sort();
        Ok(Some(Liquidated(calls)))
    }

    /// The calls in the text of one file. `file` is what errors call it.
    pub fn parse(file: &Path, text: &str) -> Result<Liquidated, LiquidatedError> {
        let at = |line, fault: String| LiquidatedError::Line { file: file.to_owned(), line, fault };
        let mut lines = text.lines().zip(1..);
        let header: Vec<&str> = lines.next().map_or("", |(text, _)| text).split(',').collect();
        let place = |column: &str| {
            let place = header.iter().position(|name| *name == column);
            place.ok_or_else(|| at(1, format!("the header has no column {column}")))
        };
        let (time, debt) = (place(TIME)?, place(DEBT)?);
        let mut calls = Vec::new();
        for (text, line) in lines {
            let fields: Vec<&str> = text.split(',').collect();
            if fields.len() != header.len() {
                let fault = format!("{} columns; expected {}, as in the header", fields.len(), header.len());
                return Err(at(line, fault));
            }
            let time: Time = fields[time].parse().map_err(|_| {
                at(line, format!("{TIME} is \"{}\"; expected unix milliseconds", fields[time]))
            })?;
            let debt = match fields[debt] {
                "" => Amount::ZERO,
                text => text.parse::<Amount>().ok().filter(|debt| debt.in_range()).ok_or_else(|| {
                    at(line, format!("{DEBT} is \"{text}\"; expected a decimal number, zero or above"))
                })?,
            };
            calls.push((time, debt));
        }
        calls.sort();
        Ok(Liquidated(calls))
    }

    /// Dollars repaid from `from` on and before `to`.
    #[must_use]
    pub fn between(&self, from: Time, to: Time) -> Amount {
        let first = self.0.partition_point(|(time, _)| *time < from);
        let end = self.0.partition_point(|(time, _)| *time < to);
        self.0.get(first..end).unwrap_or_default().iter().map(|(_, debt)| *debt).sum()
    }
}
