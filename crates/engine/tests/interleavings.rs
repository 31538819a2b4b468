//! Any interleaving of duplicates, late and early deliveries, reorgs and other versions ends in the books of the straight
//! run (I06).
//!
//! A chain's history is made once: deposits, withdrawals, a loan, an auction with four takes by which it is sold out. Then
//! it is delivered in one block, final; and again in as many blocks and ways as are drawn. What the chain says last is
//! always the same; so must be every balance, every account and every record of a lot or order.

mod support;

use ballast_engine::view;
use ballast_types::{Address, ChainId, Hash, Observation, Sequence, VaultEvent};
use ballast_units::{Amount, Time};
use proptest::prelude::*;
use support::{House, amount, owner, price, whole};

/// What is done with the history.
#[derive(Clone, Debug)]
enum Turn {
    /// The next few events, in one block.
    Deliver(usize),
    /// One that was told before, as it was.
    Again(usize),
    /// One that is still to come.
    Early(usize),
    /// The chain drops this one and all later ones.
    Drop(usize),
    /// This one comes in another block: it and all later ones are told anew.
    Version(usize),
    /// Everything up to this one is final.
    Final(usize),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let at = 0_usize..16;
    let turn = prop_oneof![
        4 => (1_usize..5).prop_map(Turn::Deliver),
        1 => at.clone().prop_map(Turn::Again),
        1 => at.clone().prop_map(Turn::Early),
        2 => at.clone().prop_map(Turn::Drop),
        2 => at.clone().prop_map(Turn::Version),
        1 => at.prop_map(Turn::Final),
    ];
    proptest::collection::vec(turn, 1..24)
}

/// A house whose borrower has failed, and what its chain tells from then on, from its next event.
fn story() -> (House, Vec<VaultEvent>) {
    let mut house = House::new();
    house.deposit("lender", "ethereum", "USDC", whole(100_000));
    house.lend("lender", "ethereum", whole(50_000)).expect("half of its cash");
    house.deposit("founder", "ethereum", "USDC", whole(10_000));
    let tranche = ballast_types::Layer::Tranche(ballast_types::Scope::Chain(house.chain("ethereum")));
    house.contribute("founder", tranche, whole(5_000)).expect("there is cash");
    house.deposit("borrower", "ethereum", "ETH", whole(10));
    house.borrow("borrower", "ethereum", whole(16_000)).expect("within its initial threshold");
    house.apply(Vec::new());
    house.spoke("ethereum").holds_finality = true;
    // In one block: a payment and an auction are ordered.
    house.quote("ETH", price("1600"));
    house.withdraw("lender", "ethereum", "USDC", whole(1_000)).expect("its own");
    let next = house.state().chains.get(house.chain("ethereum")).next_sequence;

    let mut chain = house.clone();
    let lot = chain.offers()[0].0;
    let now = chain.now();
    let usdc = chain.asset("USDC");
    chain.spoke("ethereum").deposit(owner("stranger"), usdc, whole(70));
    for part in ["1.5", "2.25", "3"] {
        chain.spoke("ethereum").take(lot, amount(part), Address([7; 32]), now).expect("for sale");
        chain.spoke("ethereum").deposit(owner("borrower"), usdc, whole(1));
    }
    chain.spoke("ethereum").take(lot, whole(10), Address([8; 32]), now).expect("the rest");
    chain.spoke("ethereum").deposit(owner("lender"), usdc, whole(5));
    let told = chain.spoke("ethereum").tell(now).into_iter().filter_map(|told| match told {
        Observation::Seen { sequence, event, .. } if next <= sequence => Some(event),
        _ => None,
    });
    let events: Vec<VaultEvent> = told.collect();
    (house, events)
}

/// The chain as the hub is told of it.
struct Teller {
    house: House,
    events: Vec<VaultEvent>,
    chain: ChainId,
    /// Number of the first event of the history.
    first: u64,
    /// How many were told, and how many of those are final.
    told: usize,
    settled: usize,
    branch: u8,
    /// The block hash that each event was told with.
    versions: Vec<u8>,
    clock: u64,
}

impl Teller {
    fn new(house: House, events: Vec<VaultEvent>) -> Self {
        let chain = house.chain("ethereum");
        let first = house.state().chains.get(chain).next_sequence.0;
        Self { house, events, chain, first, told: 0, settled: 0, branch: 1, versions: Vec::new(), clock: 1 }
    }

    fn seen(&self, at: usize) -> Observation {
        let sequence = Sequence(self.first + u64::try_from(at).expect("few"));
        Observation::Seen {
            chain: self.chain,
            sequence,
            version: Hash([self.versions.get(at).copied().unwrap_or(self.branch); 32]),
            event: self.events[at],
        }
    }

    /// A block with these facts of the chain alone. Whether each was taken.
    fn block(&mut self, observations: Vec<Observation>) -> Vec<bool> {
        let mut block = self.house.next_block(Vec::new());
        block.observations = observations;
        let mut out = ballast_engine::Outcome::default();
        self.house.engine.apply(&block, &mut out);
        let refused = |number: usize| {
            out.rejects.iter().any(|refused| {
                refused.part == ballast_engine::BlockPart::Observation
                    && usize::try_from(refused.number) == Ok(number)
            })
        };
        (0..block.observations.len()).map(|number| !refused(number)).collect()
    }

    fn finality(&mut self, to: usize) -> Observation {
        self.clock += 1;
        let sequence = Sequence(self.first + u64::try_from(to).expect("few") - 1);
        Observation::Final { chain: self.chain, sequence, time: Time::from_millis(self.clock) }
    }

    fn take(&mut self, turn: &Turn) {
        match *turn {
            Turn::Deliver(count) => {
                let to = (self.told + count).min(self.events.len());
                let facts = (self.told..to).map(|at| self.seen(at)).collect();
                assert!(self.block(facts).into_iter().all(|taken| taken));
                self.versions.resize(to, self.branch);
                self.told = to;
            }
            Turn::Again(at) if at < self.told => {
                assert_eq!(self.block(vec![self.seen(at)]), [false], "a duplicate is refused");
            }
            Turn::Early(at) if self.told < at && at < self.events.len() => {
                assert_eq!(self.block(vec![self.seen(at)]), [false], "an early one is refused");
            }
            Turn::Drop(at) if self.settled <= at && at < self.told => {
                self.branch += 1;
                let sequence = Sequence(self.first + u64::try_from(at).expect("few"));
                assert_eq!(self.block(vec![Observation::Dropped { chain: self.chain, sequence }]), [true]);
                self.versions.truncate(at);
                self.told = at;
            }
            Turn::Version(at) if self.settled <= at && at < self.told => {
                self.branch += 1;
                self.versions.truncate(at);
                assert_eq!(self.block(vec![self.seen(at)]), [true]);
                self.versions.push(self.branch);
                self.told = at + 1;
            }
            Turn::Final(at) if self.settled < at && at <= self.told => {
                let finality = self.finality(at);
                assert_eq!(self.block(vec![finality]), [true]);
                self.settled = at;
            }
            _ => {}
        }
    }

    /// Tells the rest, all of it final.
    fn finish(mut self) -> House {
        self.take(&Turn::Deliver(self.events.len()));
        self.take(&Turn::Final(self.events.len()));
        self.house.apply_block(ballast_types::Block {
            height: self.house.height(),
            time: self.house.now(),
            ..ballast_types::Block::default()
        });
        self.house
    }
}

fn same(house: &House, straight: &House) {
    assert_eq!(view::ledger(house.state()), view::ledger(straight.state()));
    for account in straight.state().accounts.ids() {
        assert_eq!(view::account(house.state(), account), view::account(straight.state(), account));
    }
    let (state, other) = (house.state(), straight.state());
    assert!(state.lots.iter().eq(other.lots.iter()), "lots");
    assert!(state.tasks.is_empty() && other.tasks.is_empty(), "all is sold and repaid");
    let keys = |house: &House| house.state().orders.iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys(house), keys(straight), "orders that are not final");
    assert!(state.unfinal.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_ends_in_the_books_of_the_straight_run(turns in turns()) {
        let (house, events) = story();
        let straight = Teller::new(house.clone(), events.clone()).finish();
        let mut teller = Teller::new(house, events);
        for turn in &turns {
            teller.take(turn);
        }
        same(&teller.finish(), &straight);
    }
}

#[test]
fn the_straight_run_sells_and_repays_everything() {
    let (house, events) = story();
    let kinds = |wanted: fn(&VaultEvent) -> bool| events.iter().filter(|event| wanted(event)).count();
    assert_eq!(kinds(|event| matches!(event, VaultEvent::Taken { .. })), 4);
    assert_eq!(kinds(|event| matches!(event, VaultEvent::Ended { .. })), 1);
    assert!(2 <= kinds(|event| matches!(event, VaultEvent::Executed { .. })));
    let mut straight = Teller::new(house, events).finish();
    let borrower = straight.view("borrower");
    assert!(borrower.loans.is_empty() && borrower.locked.is_none());
    assert!(Amount::ZERO < borrower.cash);
}
