//! What the search changes: lines of a script.
//!
//! - Amounts are round figures, or such as the parent's accounts had at its end.
//! - Lines are only drawn with names that the world knows; what the house refuses is left to the house.

use crate::script::Line;
use crate::script::line::{
    Advance, Close, Contribute, Credit, CreditOrAll, Deposit, LayerName, OfAccount, OfChain, Ranged, Take,
    Trade, Withdraw,
};
use crate::seed::Stream;
use ballast_types::Side;
use ballast_units::Amount;

/// The attacker's accounts: a second one of the same owner, and two of other owners.
pub const HANDS: [&str; 4] = ["mallory", "mallory/1", "trudy", "oscar"];

/// Who buys at auctions for the attacker.
pub const TAKER: &str = "mallory";

/// Most lines of a script.
pub(crate) const LONGEST: usize = 24;

/// Markets that honest people are in.
const MARKETS: [&str; 2] = ["ETH", "SOL"];

/// Chains with money to borrow, and one without.
const CHAINS: [&str; 3] = ["ethereum", "polygon", "solana"];

/// What can be deposited, with dollars a unit, about.
const TOKENS: [(&str, &str, u64); 6] = [
    ("ethereum", "USDC", 1),
    ("ethereum", "ETH", 3_400),
    ("polygon", "USDC", 1),
    ("polygon", "ETH", 3_400),
    ("solana", "SOL", 52),
    ("bsc", "ETH", 3_400),
];

/// Spans between steps, seconds.
const SPANS: [u64; 11] = [1, 2, 10, 60, 65, 300, 900, 1_200, 2_400, 3_600, 5_400];

/// Honest accounts that can be pointed at.
const OTHERS: [&str; 4] = ["ann", "dan", "leo", "leo's other side"];

/// A script of the attacker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genome(pub Vec<Line>);

/// Where new lines come from.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) chance: &'a mut Stream,
    /// Amounts that a parent's accounts had.
    pub(crate) amounts: &'a [Amount],
}

impl Genome {
    /// A parent, changed in a few places; now and then the beginning of one and the end of another.
    pub(crate) fn child(&self, other: &Self, source: &mut Source<'_>) -> Self {
        let mut lines = self.0.clone();
        if source.chance.chance(1_500) {
            let (keep, from) = (index(source, lines.len() + 1), index(source, other.0.len() + 1));
            lines.truncate(keep);
            lines.extend_from_slice(&other.0[from..]);
        }
        for _ in 0..source.chance.between(1, 4) {
            change(&mut lines, source);
        }
        lines.truncate(LONGEST);
        Self(lines)
    }
}

fn change(lines: &mut Vec<Line>, source: &mut Source<'_>) {
    let place = index(source, lines.len().max(1));
    let kind = source.chance.below(100);
    if lines.is_empty() || kind < 25 {
        let place = index(source, lines.len() + 1);
        lines.insert(place, random(source));
        return;
    }
    match kind {
        25..35 => drop(lines.remove(place)),
        35..42 => lines[place] = random(source),
        42..48 => {
            let line = lines[place].clone();
            let to = index(source, lines.len() + 1);
            lines.insert(to, line);
        }
        48..56 => {
            let other = index(source, lines.len());
            lines.swap(place, other);
        }
        56..80 => alter_amount(&mut lines[place], source),
        80..88 => alter_account(&mut lines[place], source),
        88..93 => join(lines, place),
        93..96 => part(lines, place),
        _ => alter_side(&mut lines[place]),
    }
}

/// Puts a line and the next one in one block.
fn join(lines: &mut Vec<Line>, place: usize) {
    let fits = |line: &Line| !matches!(line, Line::Advance(_));
    if lines.len() <= place + 1 || !fits(&lines[place]) || !fits(&lines[place + 1]) {
        return;
    }
    let flat = |line: Line| match line {
        Line::Block(lines) => lines,
        line => vec![line],
    };
    let second = lines.remove(place + 1);
    let first = std::mem::replace(&mut lines[place], second.clone());
    lines[place] = Line::Block(flat(first).into_iter().chain(flat(second)).collect());
}

/// Takes a block apart.
fn part(lines: &mut Vec<Line>, place: usize) {
    if let Line::Block(parts) = &lines[place] {
        let parts = parts.clone();
        lines.splice(place..=place, parts);
    }
}

/// A line of any kind that an attacker has.
fn random(source: &mut Source<'_>) -> Line {
    let account = hand(source);
    match source.chance.below(100) {
        0..15 => Line::Deposit(deposit(account, true, source)),
        15..18 => Line::Deposit(deposit(account, false, source)),
        18..19 => Line::Finalize(OfChain { chain: chain(source) }),
        19..21 => Line::Drop(OfChain { chain: chain(source) }),
        21..28 => {
            let (chain, asset, price) = *source.chance.pick(&TOKENS);
            let amount = amount(price, source);
            Line::Withdraw(Withdraw { account, chain: chain.to_owned(), asset: asset.to_owned(), amount })
        }
        28..50 => {
            let (market, side) = (market(source), side(source));
            let quote = Some(amount(1, source));
            Line::Trade(Trade { account, market, side, quote, base: None, limit: None, reduce_only: false })
        }
        50..58 => Line::Close(Close { account, market: market(source), limit: None }),
        58..66 => Line::Borrow(credit(account, source)),
        66..69 => Line::Repay(credit_or_all(account, source)),
        69..73 => Line::Lend(credit(account, source)),
        73..76 => Line::Redeem(credit_or_all(account, source)),
        76..78 => Line::Contribute(contribute(account, source)),
        78..81 => {
            let other = (*source.chance.pick(&OTHERS)).to_owned();
            let account = if source.chance.chance(5_000) { account } else { other };
            Line::Liquidate(OfAccount { account })
        }
        81..88 => {
            let (lot, price) = (source.chance.between(1, 8), *source.chance.pick(&[52, 3_400]));
            let (quantity, taker) = (amount(price, source), Some(TAKER.to_owned()));
            Line::Take(Take { lot, quantity, least: None, price_max: None, paid: None, taker })
        }
        _ => Line::Advance(Advance { seconds: *source.chance.pick(&SPANS) }),
    }
}

fn deposit(account: String, is_final: bool, source: &mut Source<'_>) -> Deposit {
    let (chain, asset, price) = *source.chance.pick(&TOKENS);
    let (chain, asset) = (chain.to_owned(), asset.to_owned());
    // Round, so that every chain's unit takes it.
    let amount = round(price, source);
    Deposit { account, chain, asset, amount, is_final }
}

fn credit(account: String, source: &mut Source<'_>) -> Credit {
    Credit { account, chain: chain(source), amount: amount(1, source) }
}

fn credit_or_all(account: String, source: &mut Source<'_>) -> CreditOrAll {
    let amount = source.chance.chance(5_000).then(|| amount(1, source));
    CreditOrAll { account, chain: chain(source), amount }
}

fn contribute(account: String, source: &mut Source<'_>) -> Contribute {
    let amount = amount(1, source);
    let (layer, market, chain) = match source.chance.below(4) {
        0 => (LayerName::Tranche, Some(market(source)), None),
        1 => (LayerName::Tranche, None, Some(chain(source))),
        2 => (LayerName::Budget, Some(market(source)), None),
        _ => (LayerName::Float, None, None),
    };
    Contribute { account, layer, market, chain, amount }
}

fn alter_amount(line: &mut Line, source: &mut Source<'_>) {
    if let Line::Advance(advance) = line {
        advance.seconds = *source.chance.pick(&SPANS);
        return;
    }
    let from_parent = source.chance.chance(2_500) && !source.amounts.is_empty();
    let parents = if from_parent { Some(*source.chance.pick(source.amounts)) } else { None };
    let percent =
        u128::from(*source.chance.pick(&[1_u64, 10, 50, 80, 90, 97, 99, 101, 103, 110, 120, 200, 500]));
    let whole = matches!(line, Line::Deposit(_));
    each_amount(line, source, &mut |amount| {
        let wei = parents.map_or(amount.wei() / 100 * percent, Amount::wei);
        // A deposit is whole in every chain's unit.
        let wei = if whole { wei / 1_000_000_000_000 * 1_000_000_000_000 } else { wei };
        let new = Amount::from_wei(wei);
        if !new.is_zero() && new < Amount::whole(1_000_000_000) {
            *amount = new;
        }
    });
}

/// The amount of a line; of a block that of one of its lines.
fn each_amount(line: &mut Line, source: &mut Source<'_>, alter: &mut dyn FnMut(&mut Amount)) {
    let ranged = match line {
        Line::Deposit(line) => Some(&mut line.amount),
        Line::Withdraw(line) => Some(&mut line.amount),
        Line::Trade(line) => line.quote.as_mut(),
        Line::Lend(line) | Line::Borrow(line) => Some(&mut line.amount),
        Line::Redeem(line) | Line::Repay(line) => line.amount.as_mut(),
        Line::Contribute(line) => Some(&mut line.amount),
        Line::Take(line) => Some(&mut line.quantity),
        Line::Block(lines) => {
            let place = index(source, lines.len());
            return each_amount(&mut lines[place], source, alter);
        }
        _ => None,
    };
    if let Some(Ranged(amount)) = ranged {
        alter(amount);
    }
}

fn alter_account(line: &mut Line, source: &mut Source<'_>) {
    let new = hand(source);
    let account = match line {
        Line::Deposit(line) => &mut line.account,
        Line::Withdraw(line) => &mut line.account,
        Line::Trade(line) => &mut line.account,
        Line::Close(line) => &mut line.account,
        Line::Lend(line) | Line::Borrow(line) => &mut line.account,
        Line::Redeem(line) | Line::Repay(line) => &mut line.account,
        Line::Contribute(line) => &mut line.account,
        Line::Liquidate(line) => &mut line.account,
        Line::Block(lines) => {
            let place = index(source, lines.len());
            return alter_account(&mut lines[place], source);
        }
        _ => return,
    };
    *account = new;
}

fn alter_side(line: &mut Line) {
    match line {
        Line::Trade(trade) => {
            trade.side = match trade.side {
                Side::Long => Side::Short,
                Side::Short => Side::Long,
            }
        }
        Line::Deposit(deposit) => deposit.is_final = !deposit.is_final,
        Line::Block(lines) => lines.reverse(),
        _ => {}
    }
}

/// An amount worth 10 to 20,000,000 dollars at this many dollars a unit, or one of the parent's.
fn amount(price: u64, source: &mut Source<'_>) -> Ranged<Amount> {
    if source.chance.chance(2_000) && !source.amounts.is_empty() {
        return Ranged(*source.chance.pick(source.amounts));
    }
    round(price, source)
}

fn round(price: u64, source: &mut Source<'_>) -> Ranged<Amount> {
    let digit = *source.chance.pick(&[1, 2, 3, 5, 7]);
    // Small amounts rarely pay for their gas.
    let power = u32::try_from(*source.chance.pick(&[1_u64, 2, 3, 4, 4, 5, 5, 5, 6, 6])).expect("one digit");
    let dollars = digit * 10_u64.pow(power);
    let millis = u128::from(dollars * 1_000 / price).max(1);
    Ranged(Amount::from_wei(millis * 1_000_000_000_000_000))
}

fn hand(source: &mut Source<'_>) -> String {
    (*source.chance.pick(&HANDS)).to_owned()
}

fn chain(source: &mut Source<'_>) -> String {
    (*source.chance.pick(&CHAINS)).to_owned()
}

fn market(source: &mut Source<'_>) -> String {
    // Most money is in the first.
    if source.chance.chance(7_000) { MARKETS[0].to_owned() } else { MARKETS[1].to_owned() }
}

fn side(source: &mut Source<'_>) -> Side {
    if source.chance.chance(5_000) { Side::Long } else { Side::Short }
}

fn index(source: &mut Source<'_>, len: usize) -> usize {
    let len = u64::try_from(len).expect("a length fits in 64 bits");
    usize::try_from(source.chance.below(len)).expect("below a length")
}
