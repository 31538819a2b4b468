//! A lending book's shape: how large its borrowers are and how near to liquidation.
//!
//! - From data: pairs of size and health, drawn together, so that what goes with what is kept.
//! - Built in: a table of round quantiles, for when no data is there; size and health drawn apart.
//! - Gives shapes only: who they are, on which chain and in which asset is for the caller.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ballast_units::{Amount, Bps, Overflow, Price};

use crate::seed::{Stream, log2, scale_exp2};

// The columns that a book's file must have, in any order, among any others.
const COLLATERAL: &str = "collateral_eth";
const HEALTH: &str = "health_factor";

/// Turns a book counted in ETH into dollars: 1,850 a coin, about its price in June 2023. A round figure,
/// since only the shape counts.
pub const ETH_PRICE: Price = Price::whole(1_850);

/// Borrowers to draw from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book(Shape);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// Real borrowers; never empty.
    Rows(Vec<Borrower>),
    BuiltIn,
}

/// One drawn borrower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Borrower {
    /// What its collateral is worth, dollars.
    pub collateral_usd: Amount,
    /// Collateral times liquidation threshold over debt: below one it can be liquidated, as a few real ones
    /// can. At most [`Bps::MAX`], a hundredfold, where a debt is next to nothing.
    pub health: Bps,
}

impl Borrower {
    /// What it owes in dollars where collateral counts with `threshold` against debt, rounded down.
    /// `Overflow` for a health of zero, which no debt has.
    pub fn debt_usd(&self, threshold: Bps) -> Result<Amount, Overflow> {
        let wei = |bps: Bps| Amount::from_wei(u128::from(bps.get()));
        self.collateral_usd.share_down(wei(threshold), wei(self.health))
    }
}

/// Why a book could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The file cannot be opened, or is not text.
    #[error("{}: cannot read the file", file.display())]
    File {
        /// The file.
        file: PathBuf,
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
        fault: BookFault,
    },
}

/// What is wrong with a line of a book. In the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookFault {
    /// Nothing where the header or the first borrower should be.
    #[error("the file ends here; expected {expected}")]
    Empty {
        /// What should have come.
        expected: &'static str,
    },
    /// The header does not name a column.
    #[error("the header has no column {column}; expected {COLLATERAL} and {HEALTH}")]
    NoColumn {
        /// The missing one.
        column: &'static str,
    },
    /// More or fewer columns than the header.
    #[error("{found} columns; expected {expected}, as in the header")]
    ColumnCount {
        /// How many there are.
        found: usize,
        /// How many the header has.
        expected: usize,
    },
    /// A field that is not a decimal number above zero.
    #[error("{column} is \"{found}\"; expected a decimal number above zero")]
    Number {
        /// Which field.
        column: &'static str,
        /// Its text.
        found: String,
    },
    /// A collateral that is worth more than [`Amount::LIMIT`] dollars at [`ETH_PRICE`].
    #[error(
        "{column} is {found}; expected less than {} dollars at {ETH_PRICE} dollars a coin",
        Amount::LIMIT
    )]
    OutOfRange {
        /// Which field.
        column: &'static str,
        /// Its text.
        found: String,
    },
}

impl Book {
    /// The book in `file`: CSV with a header that names `collateral_eth` and `health_factor`.
    pub fn from_csv(file: &Path) -> Result<Book, BookError> {
        let text =
            fs::read_to_string(file).map_err(|source| BookError::File { file: file.to_owned(), source })?;
        let at = |line, fault| BookError::Line { file: file.to_owned(), line, fault };
        let mut lines = text.lines().zip(1..);
        let Some((header, _)) = lines.next() else {
            return Err(at(1, BookFault::Empty { expected: "a header" }));
        };
        let header: Vec<&str> = header.split(',').collect();
        let place = |column| {
            let place = header.iter().position(|name| *name == column);
            place.ok_or_else(|| at(1, BookFault::NoColumn { column }))
        };
        let places = [place(COLLATERAL)?, place(HEALTH)?];
        let rows = lines
            .map(|(text, line)| read_row(text, header.len(), places).map_err(|fault| at(line, fault)))
            .collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            return Err(at(2, BookFault::Empty { expected: "a borrower" }));
        }
        Ok(Book(Shape::Rows(rows)))
    }

    /// The book of [`SIZES`] and [`HEALTHS`].
    pub fn built_in() -> Book {
        Book(Shape::BuiltIn)
    }

    /// How many real borrowers it draws from; none for the built-in one.
    pub fn rows(&self) -> Option<usize> {
        match &self.0 {
            Shape::Rows(rows) => Some(rows.len()),
            Shape::BuiltIn => None,
        }
    }

    /// A borrower, each real one as likely.
    pub fn sample(&self, stream: &mut Stream) -> Borrower {
        match &self.0 {
            Shape::Rows(rows) => *stream.pick(rows),
            Shape::BuiltIn => {
                let cents = draw(&SIZES, 100, stream);
                let bps = u32::try_from(draw(&HEALTHS, 1, stream)).expect("no health is above 50");
                Borrower {
                    collateral_usd: Amount::from_wei(u128::from(cents) * WEI_PER_CENT),
                    health: Bps::new(bps),
                }
            }
        }
    }
}

const WEI_PER_CENT: u128 = 10_u128.pow(16);

/// A value and the share of all borrowers, per mille, that have at most this.
pub type Quantile = (u64, u64);

/// Built-in sizes of a borrower's collateral, in dollars: a few own nearly all, as in every lending book.
/// Round figures after Aave v2 in June 2023.
pub const SIZES: [Quantile; 21] = [
    (0, 200),
    (100, 200),
    (150, 400),
    (200, 800),
    (250, 2_000),
    (300, 4_000),
    (350, 7_000),
    (400, 11_000),
    (450, 18_000),
    (500, 28_000),
    (550, 40_000),
    (600, 55_000),
    (650, 85_000),
    (700, 120_000),
    (750, 180_000),
    (800, 300_000),
    (850, 500_000),
    (900, 1_100_000),
    (950, 4_000_000),
    (990, 30_000_000),
    (1_000, 400_000_000),
];

/// Built-in health factors, in bps. Round figures after Aave v2 in June 2023, without those below one.
pub const HEALTHS: [Quantile; 21] = [
    (0, 10_200),
    (50, 11_500),
    (100, 12_000),
    (150, 12_700),
    (200, 13_500),
    (250, 14_500),
    (300, 15_500),
    (350, 16_500),
    (400, 17_000),
    (450, 18_500),
    (500, 20_000),
    (550, 21_500),
    (600, 23_000),
    (650, 25_000),
    (700, 28_000),
    (750, 30_000),
    (800, 35_000),
    (850, 42_000),
    (900, 50_000),
    (950, 75_000),
    (1_000, 500_000),
];

/// Draws from `quantiles`, even in the logarithm between two of them; in parts of `per_unit` to one unit.
fn draw(quantiles: &[Quantile], per_unit: u64, stream: &mut Stream) -> u64 {
    let rank = stream.below(1_000 << 32);
    let above = quantiles.partition_point(|(share, _)| share << 32 <= rank);
    let [(share, value), (share_next, value_next)] = [quantiles[above - 1], quantiles[above]];
    // How far between the two, in Q32; then so many octaves.
    let way = i128::from((rank - (share << 32)) / (share_next - share));
    let octaves = (i128::from(log2(value_next) - log2(value)) * way) >> 32;
    scale_exp2(value * per_unit, i64::try_from(octaves).expect("less than the octaves between the two"))
}

/// The borrower in a row of `columns` fields, of which those at `places` tell collateral and health.
fn read_row(text: &str, columns: usize, places: [usize; 2]) -> Result<Borrower, BookFault> {
    let fields: Vec<&str> = text.split(',').collect();
    if fields.len() != columns {
        return Err(BookFault::ColumnCount { found: fields.len(), expected: columns });
    }
    let [collateral, health] = places.map(|place| fields[place]);
    let coins = read_positive(COLLATERAL, collateral)?;
    let collateral_usd = coins
        .value_down(ETH_PRICE)
        .ok()
        .filter(|dollars| dollars.in_range())
        .ok_or_else(|| BookFault::OutOfRange { column: COLLATERAL, found: collateral.to_owned() })?;
    // Rounded down to a bps, but not to nothing.
    let bps = read_positive(HEALTH, health)?.wei() / WEI_PER_BPS;
    let health = u32::try_from(bps).unwrap_or(u32::MAX).clamp(1, Bps::MAX.get());
    Ok(Borrower { collateral_usd, health: Bps::new(health) })
}

const WEI_PER_BPS: u128 = 10_u128.pow(14);

fn read_positive(column: &'static str, text: &str) -> Result<Amount, BookFault> {
    let amount = text.parse().ok().filter(|amount: &Amount| !amount.is_zero());
    amount.ok_or_else(|| BookFault::Number { column, found: text.to_owned() })
}
