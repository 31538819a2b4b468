//! Any interleaving of duplicates, late and early deliveries, reorgs and other versions ends in the books of the straight
//! run (I06).
//!
//! A chain's history is made once: deposits, withdrawals, a loan, an auction with four takes by which it is sold out. Then
//! it is delivered in one block, final; and again in as many blocks and ways as are drawn. What the chain says last is
//! always the same; so must be every balance, every account and every record of a lot or order.

mod support;

use ballast_engine::{Outcome, view};
use ballast_types::{Address, ChainId, Hash, Nonce, Observation, OrderAction, Sequence, VaultEvent, digest};
use ballast_units::{Amount, Millis, Time};
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
    proptest::collection::vec(turn(), 1..24)
}

fn turn() -> impl Strategy<Value = Turn> {
    let at = 0_usize..16;
    prop_oneof![
        4 => (1_usize..5).prop_map(Turn::Deliver),
        1 => at.clone().prop_map(Turn::Again),
        1 => at.clone().prop_map(Turn::Early),
        2 => at.clone().prop_map(Turn::Drop),
        2 => at.clone().prop_map(Turn::Version),
        1 => at.prop_map(Turn::Final),
    ]
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

/// A chain as the hub is told of it.
struct Teller {
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
    fn new(house: &House, chain: &str, events: Vec<VaultEvent>) -> Self {
        let chain = house.chain(chain);
        let record = house.state().chains.get(chain);
        let (first, clock) = (record.next_sequence.0, record.final_time.millis());
        Self { events, chain, first, told: 0, settled: 0, branch: 1, versions: Vec::new(), clock }
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

    fn finality(&mut self, to: usize) -> Observation {
        self.clock += 1;
        let sequence = Sequence(self.first + u64::try_from(to).expect("few") - 1);
        let (chain, time) = (self.chain, Time::from_millis(self.clock));
        Observation::Final { chain, sequence, time, block: digest::block_in_process(chain, time) }
    }

    fn take(&mut self, house: &mut House, turn: &Turn) {
        match *turn {
            Turn::Deliver(count) => {
                let to = (self.told + count).min(self.events.len());
                let seen = (self.told..to).map(|at| self.seen(at)).collect();
                assert!(facts(house, seen).into_iter().all(|taken| taken));
                self.versions.resize(to, self.branch);
                self.told = to;
            }
            Turn::Again(at) if at < self.told => {
                assert_eq!(facts(house, vec![self.seen(at)]), [false], "a duplicate is refused");
            }
            Turn::Early(at) if self.told < at && at < self.events.len() => {
                assert_eq!(facts(house, vec![self.seen(at)]), [false], "an early one is refused");
            }
            Turn::Drop(at) if self.settled <= at && at < self.told => {
                self.branch += 1;
                let sequence = Sequence(self.first + u64::try_from(at).expect("few"));
                let dropped = Observation::Dropped { chain: self.chain, sequence };
                assert_eq!(facts(house, vec![dropped]), [true]);
                self.versions.truncate(at);
                self.told = at;
            }
            Turn::Version(at) if self.settled <= at && at < self.told => {
                self.branch += 1;
                self.versions.truncate(at);
                assert_eq!(facts(house, vec![self.seen(at)]), [true]);
                self.versions.push(self.branch);
                self.told = at + 1;
            }
            Turn::Final(at) if self.settled < at && at <= self.told => {
                let finality = self.finality(at);
                assert_eq!(facts(house, vec![finality]), [true]);
                self.settled = at;
            }
            _ => {}
        }
    }

    /// Tells the rest, all of it final.
    fn finish(mut self, house: &mut House) {
        self.take(house, &Turn::Deliver(self.events.len()));
        self.take(house, &Turn::Final(self.events.len()));
    }
}

/// A block with these facts alone. Whether each was taken.
fn facts(house: &mut House, observations: Vec<Observation>) -> Vec<bool> {
    let now = house.now();
    let (out, count) = bare_block(house, now, observations);
    let refused = |number: usize| {
        out.rejects.iter().any(|refused| {
            refused.part == ballast_engine::BlockPart::Observation
                && usize::try_from(refused.number) == Ok(number)
        })
    };
    (0..count).map(|number| !refused(number)).collect()
}

/// A block with these facts, whatever the chains of the house have to tell. Gives how many they were.
fn bare_block(house: &mut House, time: Time, observations: Vec<Observation>) -> (Outcome, usize) {
    let mut block = house.next_block_at(time, Vec::new());
    block.observations = observations;
    let mut out = Outcome::default();
    house.engine.apply(&block, &mut out);
    (out, block.observations.len())
}

/// The straight run of one chain's history.
fn straight(mut house: House, events: Vec<VaultEvent>) -> House {
    Teller::new(&house, "ethereum", events).finish(&mut house);
    facts(&mut house, Vec::new());
    house
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
        let (mut house, events) = story();
        let straight = straight(house.clone(), events.clone());
        let mut teller = Teller::new(&house, "ethereum", events);
        for turn in &turns {
            teller.take(&mut house, turn);
        }
        teller.finish(&mut house);
        facts(&mut house, Vec::new());
        same(&house, &straight);
    }

    /// The same over two chains, which know nothing of each other: a joint auction of what two borrowers had on polygon. What one
    /// chain says of an order and what the other says of its arrival come in any order.
    #[test]
    fn any_interleaving_of_two_chains_ends_in_the_books_of_the_straight_run(
        sending in proptest::collection::vec((any::<bool>(), turn()), 1..32),
        selling in proptest::collection::vec((any::<bool>(), turn()), 1..32),
    ) {
        let straight = joint_story(&[], &[]);
        same(&joint_story(&sending, &selling), &straight);
    }
}

/// Two borrowers on polygon fail; their lots are sent, merged on ethereum, and sold in three takes. Each chain's part of it is
/// told with these turns first.
fn joint_story(sending: &[(bool, Turn)], selling: &[(bool, Turn)]) -> House {
    let mut house = House::new();
    house.deposit("lender", "polygon", "USDC", whole(100_000));
    house.lend("lender", "polygon", whole(50_000)).expect("half of its cash");
    for (name, ether, dollars) in [("alice", 10, 15_000), ("bob", 5, 7_500)] {
        house.deposit(name, "polygon", "ETH", whole(ether));
        house.borrow(name, "polygon", whole(dollars)).expect("2,000 / 1.32 = 1,515 a unit");
    }
    house.apply(Vec::new());
    house.quote("ETH", price("1650"));
    let now = house.now();
    let (out, _) = bare_block(&mut house, now, Vec::new());
    let bridges: Vec<(Nonce, Amount)> = out
        .orders
        .iter()
        .filter_map(|order| match order.action {
            OrderAction::Bridge { amount, .. } => Some((order.nonce, amount)),
            _ => None,
        })
        .collect();
    assert_eq!(bridges.len(), 2);
    let (usdc, asset, from) = (house.asset("USDC"), house.asset("ETH"), house.chain("polygon"));
    let deposit = |name: &str, dollars: u64| VaultEvent::Deposited {
        owner: owner(name),
        asset: usdc,
        amount: whole(dollars),
    };
    let mut there: Vec<VaultEvent> =
        bridges.iter().map(|(nonce, _)| VaultEvent::Executed { nonce: *nonce }).collect();
    there.insert(1, deposit("stranger", 3));
    let arrival = |(nonce, amount): &(Nonce, Amount)| VaultEvent::BridgedIn {
        from,
        nonce: *nonce,
        asset,
        amount: *amount,
    };
    let mut here: Vec<VaultEvent> = bridges.iter().map(arrival).collect();
    here.insert(1, deposit("stranger", 4));
    tell_both(&mut house, [there, here], sending);

    // Others may join for a minute.
    let (out, _) = bare_block(&mut house, now.after(Millis::seconds(61)), Vec::new());
    let started = out.orders.iter().find_map(|order| match order.action {
        OrderAction::StartAuction { lot, .. } => Some((order.nonce, lot)),
        _ => None,
    });
    let (nonce, lot) = started.expect("both have arrived");
    let domain = house.state().chains.get(house.chain("ethereum")).domain;
    let mut result = digest::result_start(domain, lot, nonce);
    let mut here = vec![VaultEvent::Executed { nonce }];
    let taker = Address([7; 32]);
    for (quantity, paid) in [
        ("1.111111111111111111", "1900"),
        ("3.333333333333333333", "5800"),
        ("10.555555555555555556", "18100"),
    ] {
        let (quantity, paid, rebate) = (amount(quantity), amount(paid), Amount::ZERO);
        result = digest::result_take(result, taker, quantity, paid, rebate);
        here.push(VaultEvent::Taken { lot, taker, quantity, paid, rebate });
    }
    here.push(VaultEvent::Ended { lot, result });
    tell_both(&mut house, [vec![deposit("alice", 1), deposit("lender", 2)], here], selling);
    house
}

/// Two histories, with these turns first (of the second chain where it says so), then to their ends.
fn tell_both(house: &mut House, [there, here]: [Vec<VaultEvent>; 2], turns: &[(bool, Turn)]) {
    let (mut there, mut here) = (Teller::new(house, "polygon", there), Teller::new(house, "ethereum", here));
    for (is_here, turn) in turns {
        let teller = if *is_here { &mut here } else { &mut there };
        teller.take(house, turn);
    }
    there.finish(house);
    here.finish(house);
    facts(house, Vec::new());
}

#[test]
fn the_straight_run_sells_and_repays_everything() {
    let (house, events) = story();
    let kinds = |wanted: fn(&VaultEvent) -> bool| events.iter().filter(|event| wanted(event)).count();
    assert_eq!(kinds(|event| matches!(event, VaultEvent::Taken { .. })), 4);
    assert_eq!(kinds(|event| matches!(event, VaultEvent::Ended { .. })), 1);
    assert!(2 <= kinds(|event| matches!(event, VaultEvent::Executed { .. })));
    let mut straight = straight(house, events);
    let borrower = straight.view("borrower");
    assert!(borrower.loans.is_empty() && borrower.locked.is_none());
    assert!(Amount::ZERO < borrower.cash);
}

#[test]
fn the_straight_run_of_two_chains_sells_and_repays_everything() {
    let mut straight = joint_story(&[], &[]);
    for name in ["alice", "bob"] {
        let view = straight.view(name);
        assert!(
            view.loans.is_empty() && view.locked.is_none() && Amount::ZERO < view.cash,
            "{name}: {view:?}"
        );
    }
    assert_eq!(straight.state().transits.len(), 0);
}
