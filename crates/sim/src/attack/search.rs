//! The search: scripts are kept for what they show, changed, and run again.
//!
//! - Archive: of each kind of thing seen (an event, a reject, how often), the script that gains most while showing it.
//!   Parents are drawn from it, so that what is rare is tried as often as what pays.
//! - An estimate is made when a script is over and prices have come to rest; whatever seems to gain is then settled, and
//!   counts as settled.
//! - Batches: the scripts of a batch are drawn before any of it is run, and judged in their order. The number of
//!   threads changes nothing but the time.
//! - A field that shows nothing new for long begins anew; its best find is kept.

use super::field::Field;
use super::gain::{Score, Verdict};
use super::genome::{Genome, Source};
use super::minimise;
use super::world::World;
use crate::seed::Seed;
use ballast_units::Usd;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Scripts of a batch.
const BATCH: u64 = 128;

/// Batches of a field without anything new, after which it begins anew.
const PATIENCE: u32 = 400;

/// A script from which nothing is lost by beginning: the search starts with no line at all.
const NOTHING: Genome = Genome(Vec::new());

/// What a search is to do.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Everything random is drawn from it.
    pub seed: Seed,
    /// Threads; at least one.
    pub threads: usize,
    /// A gain above this is a find.
    pub above: Usd,
}

/// How far a search has come.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Scripts tried.
    pub runs: u64,
    /// Best settled gain of each field, in their order; `None` where nothing has gained.
    pub best: Vec<(Field, Option<Usd>)>,
    /// Kinds of things seen.
    pub kinds: usize,
    /// Scripts that broke the house.
    pub broken: usize,
}

/// A script that gained.
#[derive(Clone, Debug)]
pub struct Find {
    /// The prices that it gained under.
    pub field: Field,
    /// As short as the gain allows.
    pub genome: Genome,
    /// What it came to.
    pub score: Score,
    /// Number of the run that found it.
    pub run: u64,
}

/// A script that broke the house.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The prices that it was tried under.
    pub field: Field,
    /// As it was tried.
    pub genome: Genome,
    /// What the program said.
    pub what: String,
}

/// What a search has found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Scripts tried.
    pub runs: u64,
    /// Kinds of things seen.
    pub kinds: usize,
    /// Gains above the bound, largest first, of each field and each of its beginnings one at most.
    pub finds: Vec<Find>,
    /// The largest settled gain of each field, above the bound or not.
    pub best: Vec<(Field, Option<Usd>)>,
    /// Broken invariants and panics.
    pub broken: Vec<Broken>,
}

/// A script of an archive.
#[derive(Clone, Debug)]
struct Member {
    genome: Genome,
    score: Score,
    run: u64,
}

/// What is known of a field.
struct Island<'w> {
    world: &'w World,
    archive: BTreeMap<u64, Arc<Member>>,
    best: Option<Arc<Member>>,
    /// The best of earlier beginnings.
    earlier: Vec<Arc<Member>>,
    idle: u32,
}

/// Searches until `go_on` says no; it is asked after each batch.
///
/// # Panics
/// Where there is no world, or no thread.
pub fn search(worlds: &[World], terms: &Terms, mut go_on: impl FnMut(&Progress) -> bool) -> Report {
    assert!(!worlds.is_empty() && 0 < terms.threads, "a search needs a world and a thread");
    let begin = |world| Island { world, archive: BTreeMap::new(), best: None, earlier: Vec::new(), idle: 0 };
    let mut islands: Vec<Island<'_>> = worlds.iter().map(begin).collect();
    let (mut runs, mut kinds, mut broken) = (0_u64, BTreeSet::new(), Vec::new());
    let mut turn = 0;
    loop {
        let island = &mut islands[turn];
        turn = (turn + 1) % worlds.len();
        let batch: Vec<(u64, Genome)> =
            (runs..runs + BATCH).map(|run| (run, island.draw(terms.seed, run))).collect();
        runs += BATCH;
        let floor = island.best.as_ref().map_or(Usd::ZERO, |best| best.score.gain.max(Usd::ZERO));
        let verdicts = judge(island.world, &batch, terms, floor);
        island.idle += 1;
        for ((run, genome), verdict) in batch.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Scored(score) => {
                    kinds.extend(score.seen.iter().copied());
                    island.take_in(Member { genome, score, run });
                }
                Verdict::Broken(what) => {
                    broken.push(Broken { field: island.world.field, genome, what });
                }
            }
        }
        if PATIENCE < island.idle {
            island.begin_anew();
        }
        let best = islands.iter().map(|island| (island.world.field, island.gain())).collect();
        let progress = Progress { runs, best, kinds: kinds.len(), broken: broken.len() };
        if !go_on(&progress) {
            let finds = finds(&islands, terms.above);
            return Report { runs, kinds: progress.kinds, finds, best: progress.best, broken };
        }
    }
}

/// Runs a batch, its parts on as many threads as there are.
fn judge(world: &World, batch: &[(u64, Genome)], terms: &Terms, floor: Usd) -> Vec<Verdict> {
    let part = batch.len().div_ceil(terms.threads);
    let judge = |part: &[(u64, Genome)]| -> Vec<Verdict> {
        part.iter().map(|(_, genome)| world.judge(genome, floor)).collect()
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = batch.chunks(part).map(|part| scope.spawn(move || judge(part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("a judge catches what it runs")).collect()
    })
}

fn finds(islands: &[Island<'_>], above: Usd) -> Vec<Find> {
    let mut finds = Vec::new();
    for island in islands {
        for member in island.earlier.iter().chain(&island.best) {
            if above < member.score.gain {
                let (genome, score) = minimise::minimise(island.world, &member.genome, &member.score);
                finds.push(Find { field: island.world.field, genome, score, run: member.run });
            }
        }
    }
    finds.sort_by_key(|find| std::cmp::Reverse(find.score.gain));
    finds
}

impl Island<'_> {
    fn draw(&self, seed: Seed, run: u64) -> Genome {
        let mut chance = seed.stream_at("attack", run);
        let members: Vec<Arc<Member>> = self.archive.values().cloned().collect();
        if members.is_empty() {
            return NOTHING.child(&NOTHING, &mut Source { chance: &mut chance, amounts: &[] });
        }
        let best = self.best.as_ref().filter(|_| chance.chance(1_500));
        let parent = best.unwrap_or_else(|| chance.pick(&members));
        let other = chance.pick(&members);
        let mut source = Source { chance: &mut chance, amounts: &parent.score.amounts };
        parent.genome.child(&other.genome, &mut source)
    }

    /// Keeps a script wherever it gains more than what was there, or as much with fewer lines.
    fn take_in(&mut self, member: Member) {
        let member = Arc::new(member);
        let rank = |member: &Member| (member.score.gain, std::cmp::Reverse(member.genome.0.len()));
        for kind in &member.score.seen {
            match self.archive.get(kind) {
                None => self.idle = 0,
                Some(there) if rank(there) < rank(&member) => {}
                Some(_) => continue,
            }
            self.archive.insert(*kind, Arc::clone(&member));
        }
        let gains = self.best.as_ref().is_none_or(|best| rank(best) < rank(&member));
        if member.score.realised && gains {
            self.best = Some(member);
            self.idle = 0;
        }
    }

    fn begin_anew(&mut self) {
        self.archive.clear();
        self.idle = 0;
        self.earlier.extend(self.best.take());
    }

    /// The largest settled gain.
    fn gain(&self) -> Option<Usd> {
        self.earlier.iter().chain(&self.best).map(|member| member.score.gain).max()
    }
}
