//! What keepers and bidders run: decisions over chains ([`ballast_spoke::Spoke`]) and over the house's state and outcome.
//! No I/O, thread or clock of their own: whoever runs them calls them once a block.
//!
//! - [`Assignment`]: what a block asks of which keeper, read off the public state.
//! - [`Post`]: signed payloads and how far their chains have come with them; what keepers, validators and couriers send.
//! - [`Reader`]: results of auctions as a keeper's own endpoint tells them.
//! - [`Worker`]: one keeper: heartbeats, deliveries, reports.
//! - [`Bidders`]: who buys lots.
//! - [`Poker`]: has vaults do what their time has come for.

mod assignment;
mod bidder;
mod poke;
mod post;
mod reader;
mod worker;

pub use assignment::{Assignment, assignments, unasked};
pub use bidder::{Bidder, Bidders, News, Sale};
pub use poke::Poker;
pub use post::{LetterId, Post};
pub use reader::Reader;
pub use worker::{Report, Worker};

use ballast_spoke::{Conditions, Heads};
use ballast_units::{Millis, Time};

/// When a transaction sent at `sent` is included at the earliest, as far as a chain's head and conditions tell.
#[must_use]
pub fn inclusion(heads: &Heads, conditions: &Conditions, sent: Time) -> Time {
    let earliest = sent.after(conditions.inclusion);
    let block = conditions.block_time.get().max(1);
    let blocks = earliest.since(heads.head.time).get().div_ceil(block).max(1);
    heads.head.time.after(Millis::new(blocks * block))
}
