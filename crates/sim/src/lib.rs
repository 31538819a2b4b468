//! Ballast sim.

pub mod book;
pub mod candles;
pub mod house;
pub mod path;
pub mod record;
pub mod seed;
pub mod story;

pub use book::{Book, Borrower};
pub use candles::{Candle, CandleSet, Candles};
pub use path::{MarketData, PricePath};
pub use seed::{Seed, Stream};
