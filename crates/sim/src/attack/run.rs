//! One run of a script on one path of prices.
//!
//! - What the attacker does not do happens at its time ([`super::people`]).
//! - A line that cannot be read, or is refused, changes nothing; the run goes on.

use super::gain::{self, BUDGET, Wallet};
use super::genome::HANDS;
use super::world::{HORIZON, World};
use crate::script::line::{Advance, Close, CreditOrAll, OfChain, Ranged, Show, Trade};
use crate::script::{Line, Session, Told};
use ballast_types::{AccountId, AssetId, ChainId, LotId, Nonce, Side, TaskId, Token};
use ballast_units::{Amount, Ratio, Usd};
use std::collections::{BTreeMap, BTreeSet};

/// Which way prices go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// As drawn.
    Straight,
    /// As far to the other side.
    Mirrored,
}

impl Mirror {
    /// The path, then its mirror image.
    pub const BOTH: [Self; 2] = [Self::Straight, Self::Mirrored];
}

/// A script at work against a copy of a world.
#[derive(Debug)]
pub(crate) struct Run<'w> {
    pub(super) world: &'w World,
    pub(super) mirror: Mirror,
    pub(super) session: Session,
    /// Seconds since the attacker began.
    pub(super) now: u64,
    /// Seconds that the attacker may still let pass.
    pub(super) left: u64,
    pub(super) next_move: usize,
    pub(super) next_honest: usize,
    /// Distance of each asset from its first price, basis points.
    pub(super) away: BTreeMap<AssetId, i64>,
    pub(super) wallet: Wallet,
    /// The attacker's deposits that are not final.
    pub(super) doubtful: Vec<(String, AssetId, Amount)>,
    /// What the attacker took on chains that have a doubtful deposit.
    pub(super) doubtful_takes: Vec<(ChainId, Taken)>,
    pub(super) releases: BTreeMap<(ChainId, Nonce), (AccountId, AssetId)>,
    pub(super) tasks: BTreeMap<TaskId, AccountId>,
    pub(super) lots: BTreeMap<LotId, (Token, Vec<TaskId>)>,
    pub(super) locked: BTreeSet<AccountId>,
    pub(super) seen: BTreeMap<u64, u32>,
    /// Every line, where somebody wants it.
    pub(super) script: Option<Vec<Line>>,
}

/// What a take moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) coin: AssetId,
    pub(super) paid: Amount,
    pub(super) asset: AssetId,
    pub(super) quantity: Amount,
}

impl<'w> Run<'w> {
    /// The attacker begins.
    pub(crate) fn new(world: &'w World, mirror: Mirror) -> Self {
        let mut run = Self::begin(world, mirror);
        run.world_acts();
        run
    }

    fn begin(world: &'w World, mirror: Mirror) -> Self {
        Self {
            world,
            mirror,
            session: world.session.clone(),
            now: 0,
            left: HORIZON,
            next_move: 0,
            next_honest: 0,
            away: BTreeMap::new(),
            wallet: Wallet::default(),
            doubtful: Vec::new(),
            doubtful_takes: Vec::new(),
            releases: BTreeMap::new(),
            tasks: BTreeMap::new(),
            lots: BTreeMap::new(),
            locked: BTreeSet::new(),
            seen: BTreeMap::new(),
            script: None,
        }
    }

    /// The same, and every line is kept.
    pub(crate) fn recorded(world: &'w World, mirror: Mirror) -> Self {
        let mut run = Self::begin(world, mirror);
        run.script = Some(Vec::new());
        run.world_acts();
        run
    }

    /// One of the attacker's lines.
    pub(crate) fn step(&mut self, line: &Line) {
        match line {
            Line::Advance(advance) => {
                let seconds = advance.seconds.min(self.left);
                self.left -= seconds;
                self.wait(seconds);
            }
            Line::Block(lines) => self.attack(line, lines),
            line => self.attack(line, std::slice::from_ref(line)),
        }
    }

    fn attack(&mut self, line: &Line, parts: &[Line]) {
        if let Some(chain) = parts.iter().find_map(dropped) {
            self.forget_doubtful(chain);
        }
        let told = self.line(line);
        let alone = parts.len() == 1;
        for (place, part) in (1..).zip(parts) {
            let reverted = told.iter().any(|told| match told {
                Told::Revert { item, .. } => alone || *item == Some(place),
                _ => false,
            });
            if !reverted {
                self.count_deposit(part);
            }
        }
    }

    /// Time passes, and the world goes on.
    pub(crate) fn wait(&mut self, seconds: u64) {
        let end = self.now + seconds;
        while self.now < end {
            let mut next = end;
            for due in [self.move_due(), self.honest_due(), self.reaction_due()].into_iter().flatten() {
                next = next.min(due.max(self.now + 1));
            }
            self.line(&Line::Advance(Advance { seconds: next - self.now }));
            self.now = next;
            self.world_acts();
        }
    }

    /// Prices come to rest: what an account is worth is known.
    pub(crate) fn rest(&mut self) {
        if let Some(last) = self.world.moves.last() {
            self.wait((last.at + 120).saturating_sub(self.now));
        }
    }

    /// The attacker leaves: deposits become final, positions are closed, what is due is paid.
    pub(crate) fn settle(&mut self) {
        for chain in self.doubtful.iter().map(|(chain, ..)| chain.clone()).collect::<BTreeSet<_>>() {
            self.attack_alone(Line::Finalize(OfChain { chain }));
        }
        for _ in 0..12 {
            if !self.close_all() {
                break;
            }
            self.wait(120);
        }
        for (place, hand) in HANDS.iter().enumerate() {
            let Some(id) = self.account(place) else { continue };
            let Some(view) = ballast_engine::view::account(self.session.engine().state(), id) else {
                continue;
            };
            for lent in view.lent {
                let chain = self.session.names().chain_name(lent.chain);
                self.attack_alone(Line::Redeem(CreditOrAll {
                    account: (*hand).to_owned(),
                    chain,
                    amount: None,
                }));
            }
        }
        self.wait(3 * 3_600);
        self.close_all();
        self.wait(120);
    }

    /// Closes what can be closed, or a part of it. Whether anything was open.
    fn close_all(&mut self) -> bool {
        let mut open = false;
        for (place, hand) in HANDS.iter().enumerate() {
            let Some(id) = self.account(place) else { continue };
            let Some(view) = ballast_engine::view::account(self.session.engine().state(), id) else {
                continue;
            };
            for held in view.positions {
                open = true;
                let market = self.session.names().market_name(held.market);
                let close = Close { account: (*hand).to_owned(), market: market.clone(), limit: None };
                let refused = |told: &[Told]| told.iter().any(|told| matches!(told, Told::Reject { .. }));
                let mut base = held.size.magnitude();
                let mut told = self.attack_alone(Line::Close(close));
                let side = if held.size.is_long() { Side::Short } else { Side::Long };
                for _ in 0..4 {
                    if !refused(&told) {
                        break;
                    }
                    base = base.mul_ratio_down(Ratio::percent(40)).expect("less than it was");
                    let trade = Trade {
                        account: (*hand).to_owned(),
                        market: market.clone(),
                        side,
                        quote: None,
                        base: Some(Ranged(base)),
                        limit: None,
                        reduce_only: true,
                    };
                    told = self.attack_alone(Line::Trade(trade));
                }
            }
        }
        open
    }

    fn attack_alone(&mut self, line: Line) -> Vec<Told> {
        let told = self.line(&line);
        if matches!(line, Line::Finalize(_)) {
            self.count_deposit(&line);
        }
        told
    }

    /// Dollars of all layers, lenders and accounts of the house; without the markets' budgets, which are there to be paid
    /// to whoever holds the net position.
    pub(crate) fn house(&self) -> Usd {
        let rows = gain::house(self.session.engine().state(), self.session.names());
        rows.into_iter().filter(|(name, _)| !name.starts_with(BUDGET)).map(|(_, dollars)| dollars).sum()
    }

    /// Shows the attacker's accounts.
    pub(crate) fn show(&mut self) {
        for (place, hand) in HANDS.iter().enumerate() {
            if self.account(place).is_some() {
                self.line(&Line::Show(Show::Account((*hand).to_owned())));
            }
        }
    }

    /// Dollars that the attacker has more than at its beginning.
    pub(crate) fn gain(&self) -> Usd {
        let state = self.session.engine().state();
        let price = |asset: AssetId| self.price(asset);
        let hands = (0..HANDS.len()).filter_map(|hand| self.account(hand));
        let held: Usd = hands.map(|id| gain::worth(state, id, price).positive_part().dollars()).sum();
        held + self.wallet.worth(price)
    }

    /// Dollars of every layer, and of honest accounts.
    pub(crate) fn others(&self) -> Vec<(String, Usd)> {
        let (state, names) = (self.session.engine().state(), self.session.names());
        let price = |asset: AssetId| self.price(asset);
        let mut rows = gain::house(state, names);
        for id in self.world.session.engine().state().accounts.ids() {
            if state.markets.len() <= usize::try_from(id.0).expect("ids fit") {
                rows.push((names.account_name(id), gain::worth(state, id, price)));
            }
        }
        rows
    }

    /// The house at the end.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Amounts of the attacker's accounts.
    pub(crate) fn amounts(&self) -> Vec<Amount> {
        let mut amounts = Vec::new();
        for id in (0..HANDS.len()).filter_map(|hand| self.account(hand)) {
            gain::amounts(self.session.engine().state(), id, &mut amounts);
        }
        amounts
    }

    /// Kinds that were seen, with how often: 1, 2, 3 to 4, 5 to 8 and so on.
    pub(crate) fn seen(&self) -> Vec<u64> {
        let kind =
            |(kind, count): (&u64, &u32)| kind.wrapping_add(u64::from(count.next_power_of_two().ilog2()));
        self.seen.iter().map(kind).collect()
    }

    /// Every line that was run.
    pub(crate) fn into_script(self) -> Vec<Line> {
        self.script.unwrap_or_default()
    }

    /// Accounts that were locked.
    pub(crate) fn into_locked(self) -> BTreeSet<AccountId> {
        self.locked
    }

    /// Account of the attacker's hand of this number.
    pub(super) fn account(&self, hand: usize) -> Option<AccountId> {
        self.session.engine().state().account_of(*self.world.hands.get(hand)?)
    }

    pub(super) fn move_due(&self) -> Option<u64> {
        self.world.moves.get(self.next_move).map(|change| change.at)
    }

    pub(super) fn honest_due(&self) -> Option<u64> {
        self.world.meanwhile.get(self.next_honest).map(|(at, _)| *at)
    }

    /// Runs a line of anybody's, and keeps the books of what it moved.
    pub(super) fn line(&mut self, line: &Line) -> Vec<Told> {
        // What names something that this house does not list is no line of its script.
        let Ok(told) = self.session.run(line) else { return Vec::new() };
        if let Some(script) = &mut self.script {
            script.push(line.clone());
        }
        for told in &told {
            self.note(told);
        }
        told
    }
}

fn dropped(line: &Line) -> Option<&str> {
    match line {
        Line::Drop(of) => Some(&of.chain),
        _ => None,
    }
}
