//! What the attacker finds: honest people, their money, and what prices do.
//!
//! - Drawn from the seed; the same with and without the attacker.
//! - A price is given as a share of the first one; its mirror image moves as far to the other side.
//! - Absent: money in the markets' budgets. What re-centring pays to whoever holds the net position is meant, and would
//!   hide a leak.

use super::people::ARBITRAGEUR;
use crate::script::Line;
use crate::script::line::{Advance, Contribute, Credit, Deposit, LayerName, Ranged, Trade};
use crate::seed::Seed;
use ballast_types::Side;
use ballast_units::Amount;
use serde::Serialize;

/// How prices move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// They stand still.
    Calm,
    /// They go away from where they were, and come back.
    Swing,
    /// They jump, and stay.
    Jump,
    /// ETH's feed is silent, and resumes at another price.
    Silent,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Calm, Self::Swing, Self::Jump, Self::Silent];

    /// Name of the field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Swing => "swing",
            Self::Jump => "jump",
            Self::Silent => "silent",
        }
    }

    /// The mirror image differs.
    #[must_use]
    pub const fn moves(self) -> bool {
        !matches!(self, Self::Calm)
    }
}

/// A price that changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    /// Seconds after the attacker begins.
    pub(crate) at: u64,
    /// Symbol of the asset.
    pub(crate) asset: &'static str,
    /// Distance from the first price, in basis points of it.
    pub(crate) bps: i64,
    /// The feed tells it; otherwise its confidence is too wide to be used.
    pub(crate) told: bool,
}

/// The moves of a field, in order of time.
pub(crate) fn moves(field: Field, seed: Seed) -> Vec<Move> {
    let mut chance = seed.stream(field.name());
    let mut moves = Vec::new();
    match field {
        Field::Calm => {}
        Field::Swing => {
            for asset in ["ETH", "SOL"] {
                let height = i64::try_from(chance.between(400, 1_200)).expect("four digits");
                let begin = chance.between(60, 900);
                for step in 1..=40_u64 {
                    let away = i64::try_from(step.min(40 - step)).expect("two digits");
                    moves.push(Move { at: begin + step * 120, asset, bps: height * away / 20, told: true });
                }
            }
        }
        Field::Jump => {
            for (asset, least, most) in [("ETH", 800, 1_800), ("SOL", 1_000, 2_500)] {
                let height = i64::try_from(chance.between(least, most)).expect("four digits");
                let begin = chance.between(120, 1_800);
                for step in 1..=4_u64 {
                    let part = i64::try_from(step).expect("one digit");
                    moves.push(Move { at: begin + step * 20, asset, bps: height * part / 4, told: true });
                }
            }
        }
        Field::Silent => {
            let height = i64::try_from(chance.between(300, 1_500)).expect("four digits");
            let begin = chance.between(300, 900);
            let asset = "ETH";
            moves.push(Move { at: begin, asset, bps: 0, told: false });
            moves.push(Move { at: begin + 60, asset, bps: height, told: false });
            moves.push(Move { at: begin + 600, asset, bps: height, told: true });
            moves.push(Move { at: begin + 1_200, asset, bps: height, told: false });
            moves.push(Move { at: begin + 1_260, asset, bps: height / 2, told: false });
            moves.push(Move { at: begin + 5_400, asset, bps: height / 2, told: true });
        }
    }
    moves.sort_by_key(|change| change.at);
    moves
}

/// What honest people do before the attacker comes.
pub(crate) fn prologue() -> Vec<Line> {
    let mut lines = vec![
        coins("founder", "ethereum", 60_000_000),
        coins("founder", "polygon", 10_000_000),
        gift(LayerName::Float, None, None, 10_000_000),
        gift(LayerName::Tranche, Some("ETH"), None, 1_000_000),
        gift(LayerName::Tranche, Some("SOL"), None, 1_000_000),
        gift(LayerName::Tranche, None, Some("ethereum"), 1_000_000),
        gift(LayerName::Tranche, None, Some("polygon"), 1_000_000),
        gift(LayerName::Tranche, None, Some("solana"), 1_000_000),
        Line::Lend(credit("founder", "ethereum", 20_000_000)),
        Line::Lend(credit("founder", "polygon", 5_000_000)),
    ];
    for (name, chain, eth, loan) in [
        ("ann", "ethereum", 1_000, 2_700_000),
        ("ben", "ethereum", 1_000, 2_400_000),
        ("cleo", "ethereum", 500, 1_000_000),
        ("dan", "polygon", 300, 750_000),
        ("eve", "polygon", 300, 600_000),
    ] {
        lines.push(tokens(name, chain, "ETH", eth));
        lines.push(Line::Borrow(credit(name, chain, loan)));
    }
    for (name, market, cash, quote) in [
        ("lea", "ETH", 500_000, 2_000_000),
        ("leo", "ETH", 100_000, 800_000),
        ("lou", "SOL", 100_000, 400_000),
    ] {
        let other = format!("{name}'s other side");
        lines.push(coins(name, "ethereum", cash));
        lines.push(coins(&other, "ethereum", cash));
        lines.push(Line::Block(vec![
            Line::Trade(trade(name, market, Side::Long, quote)),
            Line::Trade(trade(&other, market, Side::Short, quote)),
        ]));
    }
    lines.push(coins(ARBITRAGEUR, "ethereum", 50_000_000));
    lines.push(Line::Advance(Advance { seconds: 3_600 }));
    lines
}

/// What honest people do while the attacker is there, by seconds after it began.
pub(crate) fn meanwhile() -> Vec<(u64, Line)> {
    vec![
        (0, coins("tom", "ethereum", 50_000)),
        (300, Line::Trade(trade("tom", "ETH", Side::Long, 100_000))),
        (1_200, Line::Trade(trade("tom", "ETH", Side::Short, 150_000))),
        (2_400, Line::Borrow(credit("cleo", "ethereum", 100_000))),
    ]
}

fn coins(account: &str, chain: &str, amount: u64) -> Line {
    tokens(account, chain, "USDC", amount)
}

fn tokens(account: &str, chain: &str, asset: &str, amount: u64) -> Line {
    let (account, chain, asset) = (account.to_owned(), chain.to_owned(), asset.to_owned());
    Line::Deposit(Deposit { account, chain, asset, amount: whole(amount), is_final: true })
}

fn credit(account: &str, chain: &str, amount: u64) -> Credit {
    Credit { account: account.to_owned(), chain: chain.to_owned(), amount: whole(amount) }
}

fn gift(layer: LayerName, market: Option<&str>, chain: Option<&str>, amount: u64) -> Line {
    let (market, chain) = (market.map(str::to_owned), chain.map(str::to_owned));
    Line::Contribute(Contribute {
        account: "founder".to_owned(),
        layer,
        market,
        chain,
        amount: whole(amount),
    })
}

fn trade(account: &str, market: &str, side: Side, quote: u64) -> Trade {
    let (account, market) = (account.to_owned(), market.to_owned());
    Trade { account, market, side, quote: Some(whole(quote)), base: None, limit: None, reduce_only: false }
}

fn whole(amount: u64) -> Ranged<Amount> {
    Ranged(Amount::whole(amount))
}
