//! Ballast sim.

pub mod attack;
pub mod book;
pub mod calendar;
pub mod candles;
pub mod chart;
pub mod failing;
pub mod house;
pub mod liquidated;
pub mod load;
pub mod maker;
pub mod moves;
pub mod path;
pub mod replay;
pub mod report;
pub mod scenario;
pub mod script;
pub mod seed;
pub mod story;

pub use book::{Book, Borrower};
pub use candles::{Candle, CandleSet, Candles};
pub use liquidated::Liquidated;
pub use path::{MarketData, PricePath};
pub use replay::Replay;
pub use scenario::Scenario;
pub use seed::{Seed, Stream};
