//! A house with honest people in it, warmed up once and copied for each run.

use super::field::{self, Field, Move};
use super::gain::{Score, Verdict};
use super::genome::{Genome, HANDS, TAKER};
use super::run::{Mirror, Run};
use crate::script::{Line, ScriptGenesis, Session, names};
use crate::seed::Seed;
use ballast_types::{AccountId, Address, AssetId, Owner};
use ballast_units::{Amount, Bps, Price, Usd};
use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Longest script, seconds.
pub(crate) const HORIZON: u64 = 4 * 3_600;

/// A field, ready for attackers.
#[derive(Clone, Debug)]
pub struct World {
    /// How prices move.
    pub field: Field,
    /// The house after [`field::prologue`].
    pub(crate) session: Session,
    /// Lines that led there.
    pub(crate) prologue: Vec<Line>,
    /// Lines of honest people during the run, by seconds.
    pub(crate) meanwhile: Vec<(u64, Line)>,
    pub(crate) moves: Vec<Move>,
    /// First prices, by asset.
    first: Vec<Price>,
    /// Gas of a transaction, dollars, by chain.
    gas: Vec<Amount>,
    /// Honest accounts that are liquidated without any attacker.
    failing: BTreeSet<AccountId>,
    /// Owners of the attacker's accounts, in the order of [`HANDS`].
    pub(crate) hands: Vec<Owner>,
    /// Where the attacker's takes go.
    pub(crate) taker: Address,
}

impl World {
    /// Warms a house up; lines of honest people that name what the genesis does not list are left out. The error is the
    /// genesis'.
    pub fn new(field: Field, seed: Seed, genesis: &ScriptGenesis) -> Result<Self, String> {
        let mut session = Session::new(genesis)?;
        let mut prologue = field::prologue();
        prologue.retain(|line| session.run(line).is_ok());
        let prices = genesis.prices();
        let symbols = genesis.genesis.assets.iter().map(|asset| &asset.symbol);
        let first = symbols.map(|symbol| prices.get(symbol).copied().unwrap_or(Price::ONE)).collect();
        let names = genesis.genesis.chains.iter().map(|chain| chain.name.as_str());
        let gas = names.map(crate::house::gas).collect();
        let moves = field::moves(field, seed);
        let known = |change: &Move| session.names().asset(change.asset).is_ok();
        let moves = moves.into_iter().filter(known).collect();
        let (meanwhile, failing) = (field::meanwhile(), BTreeSet::new());
        let hands = HANDS.iter().map(|hand| names::owner(hand)).collect::<Result<_, _>>()?;
        let taker = names::address(TAKER);
        let mut world =
            Self { field, session, prologue, meanwhile, moves, first, gas, failing, hands, taker };
        for mirror in Mirror::BOTH {
            let mut run = Run::new(&world, mirror);
            run.wait(HORIZON);
            run.rest();
            run.settle();
            let locked = run.into_locked();
            world.failing.extend(locked);
        }
        Ok(world)
    }

    /// Price of an asset so many basis points away from its first one.
    pub(crate) fn price(&self, asset: AssetId, bps: i64) -> Price {
        let first = self.first.get(usize::from(asset.0)).copied().unwrap_or(Price::ONE);
        let share = u32::try_from(10_000 + bps).expect("no price falls below zero or rises sixfold");
        first.scale_bps_down(Bps::new(share)).expect("in range")
    }

    /// Gas of a transaction on a chain, dollars.
    pub(crate) fn gas(&self, chain: usize) -> Amount {
        self.gas.get(chain).copied().unwrap_or(Amount::ZERO)
    }

    /// An honest account that is liquidated without any attacker.
    pub(crate) fn is_failing(&self, account: AccountId) -> bool {
        self.failing.contains(&account)
    }
}

impl World {
    /// What a script comes to: an estimate, and where that lies above `floor`, what is left once everything is settled.
    #[must_use]
    pub fn judge(&self, genome: &Genome, floor: Usd) -> Verdict {
        // Only what lies well below a gain is left as an estimate.
        match self.score(genome, false) {
            Verdict::Scored(score) if floor < score.gain => self.score(genome, true),
            verdict => verdict,
        }
    }

    /// What a script comes to once everything is settled.
    #[must_use]
    pub fn settled(&self, genome: &Genome) -> Verdict {
        self.score(genome, true)
    }

    fn score(&self, genome: &Genome, settle: bool) -> Verdict {
        let tried = catch_unwind(AssertUnwindSafe(|| {
            let mirrors: &[Mirror] = if self.field.moves() { &Mirror::BOTH } else { &[Mirror::Straight] };
            let (mut each, mut seen, mut amounts) = (Vec::new(), Vec::new(), Vec::new());
            for mirror in mirrors {
                let mut run = Run::new(self, *mirror);
                genome.0.iter().for_each(|line| run.step(line));
                seen.extend(run.seen());
                amounts.extend(run.amounts());
                run.rest();
                if settle {
                    run.settle();
                    // Its checks are every invariant's.
                    drop(run.session().engine().snapshot());
                }
                let gain = run.gain();
                // An estimate is no bound: what the house loses is known once everything is settled.
                let bound = settle && self.field.moves() && Usd::ZERO < gain;
                let lost = |run: &Run<'_>| {
                    (self.idle(genome, *mirror, run.now).house() - run.house()).max(Usd::ZERO)
                };
                each.push(if bound { gain.min(lost(&run)) } else { gain });
            }
            let (first, last) = (each[0], each[each.len() - 1]);
            let mean = Usd::from_wei((first.wei() + last.wei()).div_euclid(2));
            amounts.truncate(24);
            Score { gain: mean, each: [first, last], realised: settle, seen, amounts }
        }));
        tried.map_or_else(|panic| Verdict::Broken(said(&*panic)), Verdict::Scored)
    }

    /// A find as a script that `ballast exec` runs: what the world does between the attacker's lines, and how it is
    /// settled. The attacker's accounts are shown before they leave, and at the end.
    #[must_use]
    pub fn script(&self, genome: &Genome, mirror: Mirror) -> Vec<Line> {
        let mut run = Run::recorded(self, mirror);
        genome.0.iter().for_each(|line| run.step(line));
        run.show();
        run.rest();
        run.settle();
        run.show();
        self.prologue.iter().cloned().chain(run.into_script()).collect()
    }

    /// A run without the attacker, up to the same second.
    fn idle(&self, genome: &Genome, mirror: Mirror, end: u64) -> Run<'_> {
        let mut run = Run::new(self, mirror);
        genome.0.iter().filter(|line| matches!(line, Line::Advance(_))).for_each(|line| run.step(line));
        run.rest();
        run.settle();
        run.wait(end.saturating_sub(run.now));
        run
    }

    /// Who paid: dollars by which each layer, and all honest accounts, stand below where they would be without the
    /// attacker; those that are a dollar or more.
    #[must_use]
    pub fn payers(&self, genome: &Genome, mirror: Mirror) -> Vec<(String, Usd)> {
        let mut run = Run::new(self, mirror);
        genome.0.iter().for_each(|line| run.step(line));
        run.rest();
        run.settle();
        let (with, without) = (run.others(), self.idle(genome, mirror, run.now).others());
        let fell = with.into_iter().zip(without).map(|((name, with), (_, without))| (name, without - with));
        fell.filter(|(_, fell)| fell.magnitude() >= Amount::whole(1)).collect()
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}
