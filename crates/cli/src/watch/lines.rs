//! Plain lines, for pipes and logs: one with the essential figures now and then, and one for every happening.
//!
//! The format is stable: time, a word, then figures as `name value`; `docs/watch.md` lists them.

use super::figures::short;
use super::frame::{Frame, Happening};
use ballast_sim::calendar;
use ballast_units::Amount;

/// The essential figures: name, value, whether it is one that should be none and is not.
pub(super) fn figures(frame: &Frame) -> Vec<(&'static str, String, bool)> {
    let count = |of: fn(&super::frame::ChainRow) -> u64| frame.chains.iter().map(of).sum::<u64>();
    let sum = |of: fn(&super::frame::ChainRow) -> Amount| frame.chains.iter().map(of).sum::<Amount>();
    let below = count(|chain| chain.bins[0].accounts);
    let near = count(|chain| chain.bins[1].accounts + chain.bins[2].accounts);
    let stale = frame.chains.iter().filter(|chain| chain.stale).count()
        + frame.markets.iter().filter(|market| market.stale).count();
    let deficits = frame.deficits();
    vec![
        ("tasks", frame.tasks.open.to_string(), false),
        ("closed", frame.tasks.closed.to_string(), false),
        ("lots", frame.auctions.open.to_string(), false),
        ("below1", below.to_string(), below != 0),
        ("near", near.to_string(), false),
        ("debt", short(sum(|chain| chain.debt)), false),
        ("float", short(frame.reserve.float), false),
        ("losses", short(frame.waterfall.losses), !frame.waterfall.losses.is_zero()),
        ("deficit", short(deficits), !deficits.is_zero()),
        ("stale", stale.to_string(), stale != 0),
    ]
}

/// The essential figures in one line.
#[must_use]
pub fn status(frame: &Frame) -> String {
    let mut line =
        format!("{} status      block {}", calendar::date_time(frame.clock.time), frame.clock.height);
    for (name, value, _) in figures(frame) {
        line.push_str(&format!(" {name} {value}"));
    }
    if !frame.note.is_empty() {
        line.push_str(&format!(" ({})", frame.note));
    }
    line
}

/// A happening in one line.
#[must_use]
pub fn happening(happening: &Happening) -> String {
    format!("{} {:<11} {}", calendar::date_time(happening.time), happening.kind.word(), happening.text)
}
