//! Whoever lies, lags or reads rarely: what is agreed is what the chain did, and it goes on.
//!
//! A chain that reorganises and, in some houses, makes several blocks a second; validators that poll it at phases of their own,
//! late, through channels that delay, reorder and repeat; up to `n - quorum` of them say whatever they like. Now and then
//! other validators take over. The oracle knows the chain and each block's events; it has nothing of `Facts`.

mod support;

use ballast_spoke::certificate::{ValidatorSet, quorum};
use ballast_spoke::faults::Draws;
use ballast_spoke::quorum::{FactError, Facts, Numbered};
use ballast_types::digest::{domain_in_process, keccak};
use ballast_types::{Hash, Observation, Sequence, Signer, VaultEvent};
use ballast_units::{Amount, Bps, Time};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use support::desk::signers;
use support::{CHAIN, ETH, at, owner};

/// Blocks on top of one that is safe, and of one that is final.
const SAFE: usize = 2;
const FINAL: usize = 12;
/// Validators that there are, of which a set takes some.
const PEOPLE: usize = 30;

type Entry = (Hash, VaultEvent);

struct Block {
    hash: Hash,
    time: Time,
    /// Of the chain up to here.
    events: Vec<Entry>,
}

/// The chain, and each of its states so far.
struct World {
    blocks: Vec<Rc<Block>>,
    past: Vec<Vec<Rc<Block>>>,
    /// Every block that ever was.
    known: BTreeMap<Hash, Rc<Block>>,
    made: u64,
    a_second: u64,
}

impl World {
    fn new(a_second: u64) -> Self {
        let genesis = Rc::new(Block { hash: Hash([7; 32]), time: at(1_000), events: Vec::new() });
        Self { blocks: vec![genesis], past: Vec::new(), known: BTreeMap::new(), made: 0, a_second }
    }

    fn block(&mut self, events: u64, draws: &mut Draws) {
        self.made += 1;
        let hash = keccak(&[b"block", &self.made.to_be_bytes()]);
        let mut all = self.blocks.last().unwrap().events.clone();
        for _ in 0..events {
            all.push((hash, deposit(draws.between(1, 3))));
        }
        let time = at(1_000 + self.blocks.len() as u64 / self.a_second);
        let block = Rc::new(Block { hash, time, events: all });
        self.known.insert(hash, Rc::clone(&block));
        self.blocks.push(block);
    }

    /// A block more; now and then the last ones are others.
    fn step(&mut self, draws: &mut Draws) {
        if draws.chance(Bps::new(800)) {
            let depth = (draws.between(1, FINAL as u64) as usize).min(self.blocks.len() - 1);
            self.blocks.truncate(self.blocks.len() - depth);
            for _ in 0..depth {
                let events = draws.between(0, 2);
                self.block(events.saturating_sub(1), draws);
            }
        }
        let events = draws.between(0, 3);
        self.block(events.saturating_sub(1), draws);
        self.past.push(self.blocks.clone());
    }

    fn now(&self) -> Time {
        self.blocks.last().unwrap().time
    }

    fn last_final(&self) -> &Block {
        last_but(&self.blocks, FINAL)
    }

    fn finals(&self) -> &[Rc<Block>] {
        &self.blocks[..self.blocks.len().saturating_sub(FINAL).max(1)]
    }
}

fn deposit(amount: u64) -> VaultEvent {
    VaultEvent::Deposited { owner: owner(), asset: ETH, amount: Amount::whole(amount) }
}

fn last_but(blocks: &[Rc<Block>], depth: usize) -> &Block {
    &blocks[(blocks.len() - 1).saturating_sub(depth)]
}

/// One who reads the chain as it is.
struct Reader {
    every: u64,
    phase: u64,
    lag: usize,
    delay: u64,
    /// Where it begins to tell, and what it told since.
    base: usize,
    told: Vec<Entry>,
    final_told: Option<(usize, Hash)>,
    serial: u64,
    travelling: Vec<(u64, u64, Numbered)>,
    /// Taken in, and of those without a gap the last final block.
    taken: BTreeMap<u64, Observation>,
    taken_to: u64,
    final_taken: usize,
}

impl Reader {
    fn new(draws: &mut Draws, slow: bool) -> Self {
        let every = draws.between(1, 4);
        Self {
            every,
            phase: draws.between(0, every - 1),
            lag: if slow { draws.between(0, 30) as usize } else { 0 },
            delay: if slow { draws.between(0, 15) } else { draws.between(0, 2) },
            base: 0,
            told: Vec::new(),
            final_told: None,
            serial: 0,
            travelling: Vec::new(),
            taken: BTreeMap::new(),
            taken_to: 0,
            final_taken: 0,
        }
    }

    /// It is new, or back again.
    fn begin(&mut self, base: usize) {
        (self.base, self.serial, self.taken_to, self.final_taken) = (base, 0, 0, 0);
        self.told.clear();
        self.travelling.clear();
        self.taken.clear();
        self.final_told = None;
    }

    fn poll(&mut self, blocks: &[Rc<Block>], tick: u64, draws: &mut Draws) {
        let safe = &last_but(blocks, SAFE).events;
        let now = safe.get(self.base..).unwrap_or_default();
        let same = now.iter().zip(&self.told).take_while(|(one, other)| one == other).count();
        let mut out = Vec::new();
        if same < self.told.len() {
            out.push(Observation::Dropped { chain: CHAIN, sequence: sequence(self.base + same + 1) });
            self.told.truncate(same);
        }
        for (version, event) in &now[same..] {
            self.told.push((*version, *event));
            let sequence = sequence(self.base + self.told.len());
            out.push(Observation::Seen { chain: CHAIN, sequence, version: *version, event: *event });
        }
        let last = last_but(blocks, FINAL);
        let place = (blocks.len(), last.hash);
        if self.final_told.is_none_or(|(_, hash)| hash != last.hash) {
            self.final_told = Some(place);
            out.push(final_block(last));
        }
        for observation in out {
            self.serial += 1;
            let report = Numbered { serial: self.serial, observation };
            for _ in 0..if draws.chance(Bps::new(1_000)) { 2 } else { 1 } {
                self.travelling.push((tick + draws.between(0, self.delay), draws.bits(), report));
            }
        }
    }

    /// Hands in what has arrived by `tick`.
    fn deliver(&mut self, facts: &mut Facts, signer: Signer, now: Time, tick: u64) {
        self.travelling.sort_unstable_by_key(|(due, place, _)| (*due, *place));
        let arrived = self.travelling.partition_point(|(due, _, _)| *due <= tick);
        for (_, place, report) in self.travelling.drain(..arrived).collect::<Vec<_>>() {
            match facts.report(signer, domain_in_process(CHAIN), report, now) {
                Ok(()) => {
                    self.taken.insert(report.serial, report.observation);
                }
                Err(FactError::Repeated { .. }) => {}
                Err(error) if error.transient() => self.travelling.push((tick + 1, place, report)),
                Err(error) => panic!("{error}"),
            }
        }
        while let Some(observation) = self.taken.remove(&(self.taken_to + 1)) {
            self.taken_to += 1;
            if let Observation::Final { sequence, .. } = observation {
                self.final_taken = sequence.0 as usize;
            }
        }
    }
}

fn sequence(number: usize) -> Sequence {
    Sequence(number as u64)
}

fn final_block(block: &Block) -> Observation {
    let Block { hash, time, events } = block;
    Observation::Final { chain: CHAIN, sequence: sequence(events.len()), time: *time, block: *hash }
}

/// The hub, checked against the world.
#[derive(Default)]
struct Oracle {
    told: Vec<Entry>,
    final_to: usize,
    final_time: Time,
    block: Hash,
    dropped: usize,
    blocks_agreed: usize,
    finals: usize,
}

impl Oracle {
    fn take_in(&mut self, observations: &[Observation], world: &World) {
        for observation in observations {
            match *observation {
                Observation::Seen { sequence: at, version, event, .. } => {
                    assert_eq!(at, sequence(self.told.len() + 1), "a gap or a repetition");
                    self.told.push((version, event));
                    let block = world.known.get(&version).expect("an event of a block that never was");
                    assert!(block.events.starts_with(&self.told), "events of two branches");
                }
                Observation::Dropped { sequence, .. } => {
                    let kept = sequence.0 as usize - 1;
                    assert!(self.final_to <= kept && kept < self.told.len(), "drop of {sequence}");
                    self.dropped += self.told.len() - kept;
                    self.told.truncate(kept);
                }
                Observation::Final { sequence, time, block, .. } => {
                    self.check_final(sequence.0 as usize, time, block, world);
                }
            }
        }
    }

    fn check_final(&mut self, to: usize, time: Time, block: Hash, world: &World) {
        assert!(self.final_to <= to && self.final_time <= time, "finality goes back");
        assert!((self.final_to, self.final_time) != (to, time), "told twice");
        let last = world.last_final();
        assert!(to <= last.events.len() && time <= last.time, "{to} at {time} is not final");
        assert_eq!(self.told.get(..to), last.events.get(..to), "other events are final");
        // Whatever is in a block before this time: what expires at it is undone.
        let before = world.blocks.iter().take_while(|block| block.time < time).last();
        assert!(before.is_none_or(|block| block.events.len() <= to), "{time} is not complete with {to}");
        if block != Hash::default() {
            let named = |one: &&Rc<Block>| one.hash == block;
            let found = world.finals().iter().find(named).expect("a hash of no final block");
            assert_eq!((found.time, found.events.len()), (time, to));
            self.blocks_agreed += 1;
        }
        self.finals += 1;
        (self.final_to, self.final_time, self.block) = (to, time, block);
    }
}

/// What a liar says: of other branches, of blocks that are not final, of nothing at all.
fn lie(world: &World, oracle: &Oracle, draws: &mut Draws) -> Observation {
    let chain = CHAIN;
    let past = &world.past[draws.between(0, world.past.len() as u64 - 1) as usize];
    let block = &past[draws.between(0, past.len() as u64 - 1) as usize];
    let any = draws.between(0, block.events.len() as u64 + 3) as usize;
    let hash = if draws.chance(Bps::new(5_000)) { block.hash } else { Hash([3; 32]) };
    match draws.between(0, 11) {
        // Some branch's event: true, dropped, or not safe yet.
        0..=2 => match block.events.get(any) {
            Some((version, event)) => {
                Observation::Seen { chain, sequence: sequence(any + 1), version: *version, event: *event }
            }
            None => final_block(block),
        },
        // What the hub has, though the chain may have dropped it.
        3..=5 => match oracle.told.get(any) {
            Some((version, event)) => {
                Observation::Seen { chain, sequence: sequence(any + 1), version: *version, event: *event }
            }
            None => {
                let sequence = sequence(oracle.told.len());
                Observation::Final { chain, sequence, time: world.now(), block: hash }
            }
        },
        6 => Observation::Seen { chain, sequence: sequence(any), version: hash, event: deposit(9) },
        7 => Observation::Seen { chain, sequence: Sequence(draws.bits()), version: hash, event: deposit(9) },
        8 => Observation::Dropped { chain, sequence: Sequence(draws.bits() % (any as u64 + 1)) },
        9 => final_block(block),
        10 => Observation::Final { chain, sequence: sequence(any), time: world.now(), block: hash },
        _ => {
            let time = Time::from_millis(draws.bits());
            Observation::Final { chain, sequence: Sequence(draws.bits() % 1_000), time, block: hash }
        }
    }
}

/// A house of validators at a chain.
struct House {
    world: World,
    oracle: Oracle,
    facts: Facts,
    people: Vec<Signer>,
    readers: Vec<Reader>,
    liars: BTreeSet<usize>,
    members: BTreeSet<usize>,
    serials: BTreeMap<usize, u64>,
    draws: Draws,
    tick: u64,
}

impl House {
    fn new(count: usize, seed: u64) -> Self {
        let mut draws = Draws::new(seed, "agreement");
        let people = signers(PEOPLE);
        let slow = draws.between(0, 6_000);
        let readers = (0..PEOPLE)
            .map(|_| {
                let slow = draws.chance(Bps::new(u32::try_from(slow).unwrap()));
                Reader::new(&mut draws, slow)
            })
            .collect();
        // As many as are allowed, anywhere in the set.
        let mut liars = BTreeSet::new();
        while liars.len() < count - quorum(count) {
            liars.insert(draws.between(0, count as u64 - 1) as usize);
        }
        for person in count..PEOPLE {
            if draws.chance(Bps::new(2_000)) {
                liars.insert(person);
            }
        }
        let members: BTreeSet<usize> = (0..count).collect();
        let set = ValidatorSet::new(0, people[..count].to_vec()).unwrap();
        let facts = Facts::new(&set, &[(CHAIN, domain_in_process(CHAIN))].into());
        let world = World::new(draws.between(1, 3));
        let oracle = Oracle::default();
        Self {
            world,
            oracle,
            facts,
            people,
            readers,
            liars,
            members,
            serials: BTreeMap::new(),
            draws,
            tick: 0,
        }
    }

    fn honest(&self) -> Vec<usize> {
        self.members.iter().copied().filter(|member| !self.liars.contains(member)).collect()
    }

    fn step(&mut self) {
        self.tick += 1;
        self.world.step(&mut self.draws);
        for member in self.honest() {
            let reader = &mut self.readers[member];
            if self.tick % reader.every == reader.phase {
                let past = self.world.past.len().saturating_sub(1 + reader.lag);
                reader.poll(&self.world.past[past], self.tick, &mut self.draws);
            }
        }
        self.agree();
    }

    fn agree(&mut self) {
        for member in self.members.clone() {
            if self.liars.contains(&member) {
                self.lies_of(member);
            } else {
                let signer = self.people[member];
                self.readers[member].deliver(&mut self.facts, signer, self.world.now(), self.tick);
            }
            if self.draws.chance(Bps::new(2_000)) {
                self.oracle.take_in(&self.facts.agreed(), &self.world);
            }
        }
        self.oracle.take_in(&self.facts.agreed(), &self.world);
        assert_eq!(self.facts.agreed(), [], "nothing is told twice");
        // What a quorum of honest ones has said is final is agreed, whatever the others say.
        let mut finals: Vec<usize> =
            self.honest().iter().map(|member| self.readers[*member].final_taken).collect();
        finals.sort_unstable_by(|one, other| other.cmp(one));
        let reached = finals.get(quorum(self.members.len()) - 1).copied().unwrap_or(0);
        assert!(reached <= self.oracle.final_to, "agreed to {}, not to {reached}", self.oracle.final_to);
    }

    fn lies_of(&mut self, member: usize) {
        for _ in 0..self.draws.between(0, 4) {
            let observation = lie(&self.world, &self.oracle, &mut self.draws);
            let serial = self.serials.entry(member).or_default();
            let ahead = if self.draws.chance(Bps::new(1_000)) { self.draws.bits() % 8 } else { 0 };
            let report = Numbered { serial: *serial + 1 + ahead, observation };
            let signer = self.people[member];
            let taken = self.facts.report(signer, domain_in_process(CHAIN), report, self.world.now());
            match taken {
                Ok(()) if ahead == 0 => *serial += 1,
                // The next one that is missing.
                Err(FactError::Repeated { next, .. }) => *serial = next - 1,
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Others take over.
    fn rotate(&mut self) {
        let count = self.draws.between(1, 20) as usize;
        let mut order: Vec<(u64, usize)> = (0..PEOPLE).map(|person| (self.draws.bits(), person)).collect();
        order.sort_unstable();
        let mut may_lie = count - quorum(count);
        let mut members = BTreeSet::new();
        for (_, person) in order {
            let lies = self.liars.contains(&person);
            if members.len() < count && (!lies || 0 < may_lie) {
                may_lie -= usize::from(lies);
                members.insert(person);
            }
        }
        for person in members.difference(&self.members) {
            // With the last final event, so that it shows which chain it reads.
            self.readers[*person].begin(self.oracle.final_to.saturating_sub(1));
            self.serials.remove(person);
        }
        self.members = members;
        let signers: Vec<Signer> = self.members.iter().map(|member| self.people[*member]).collect();
        self.facts.rotate(&ValidatorSet::new(1, signers).unwrap());
    }

    /// The chain comes to rest, and everything arrives.
    fn rest(&mut self) {
        for _ in 0..FINAL + 4 {
            self.world.block(0, &mut self.draws);
            self.world.past.push(self.world.blocks.clone());
            self.tick += 1;
            for member in self.honest() {
                self.readers[member].poll(&self.world.blocks, self.tick, &mut self.draws);
            }
            self.agree();
        }
        self.tick += 1_000;
        self.agree();
        let last = self.world.last_final();
        let want = (last.events.len(), last.time);
        assert_eq!((self.oracle.final_to, self.oracle.final_time), want, "not all is agreed");
        if self.world.a_second == 1 {
            assert_eq!(self.oracle.block, last.hash);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// One set of validators to the end.
    #[test]
    fn what_is_agreed_is_what_the_chain_did(count in 1_usize..=20, seed in any::<u64>()) {
        let mut house = House::new(count, seed);
        for _ in 0..150 {
            house.step();
        }
        house.rest();
    }

    /// Validators change again and again.
    #[test]
    fn a_rotation_tells_nothing_twice_and_drops_nothing(count in 1_usize..=20, seed in any::<u64>()) {
        let mut house = House::new(count, seed);
        for tick in 0..200 {
            house.step();
            if tick % 25 == 24 {
                house.rotate();
                house.agree();
            }
        }
        house.rest();
    }
}

/// The properties above are of no use where nothing is dropped, and no block is agreed on.
#[test]
fn the_houses_of_these_tests_see_reorgs_and_agree_on_blocks() {
    let (mut dropped, mut blocks, mut finals) = (0, 0, 0);
    for seed in 0..40 {
        let mut house = House::new(1 + seed as usize % 20, seed);
        for _ in 0..150 {
            house.step();
        }
        let Oracle { dropped: lost, blocks_agreed, finals: told, .. } = house.oracle;
        (dropped, blocks, finals) = (dropped + lost, blocks + blocks_agreed, finals + told);
    }
    assert!(
        100 < dropped && 200 < blocks && blocks < finals,
        "{dropped} dropped, {blocks} of {finals} blocks"
    );
}
