//! Numbers with a unit. One scale: Wad, 18 decimals, `1` is `10^18` wei.
//!
//! - [`Amount`]: a quantity of a token, or of dollars on the books; never negative.
//! - [`Usd`]: signed dollars. [`Wide`]: a 256-bit sum of them.
//! - [`Size`]: signed base units of a position; long is positive.
//! - [`Price`]: dollars for one whole base unit; never zero.
//! - [`Ratio`]: a signed plain number. [`Bps`]: ten-thousandths.
//! - [`Time`], [`Millis`]: unix milliseconds and a span of them.
//!
//! Absent on purpose: `From<u128>`, a bare `/`, and any operator between two different units. Between units
//! there are named functions, and the name says the rounding: `_down` is toward minus infinity, `_up` toward
//! plus infinity. Same-unit `+` and `-` panic on overflow and never wrap: values are range-checked where they
//! enter (R11), so a panic there is a broken invariant, not an input.
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

#[macro_use]
mod ops;
#[macro_use]
mod text;

mod amount;
mod bps;
pub mod math;
mod price;
mod ratio;
mod size;
mod time;
mod usd;
mod wide;

pub use amount::Amount;
pub use bps::Bps;
pub use math::{Overflow, WAD};
pub use price::Price;
pub use ratio::Ratio;
pub use size::Size;
pub use text::ParseError;
pub use time::{Millis, Time};
pub use usd::Usd;
pub use wide::Wide;
