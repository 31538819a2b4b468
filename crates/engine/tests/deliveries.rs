//! Orders reach their vaults in any order, late, twice, never, while vaults are frozen, rotated, reorganised and hand over to
//! successors: no fact is refused, nothing is odd, no chain stands still, and the books end as those of the straight run.
//!
//! - Four borrowers fail so deeply that all they have is sold, at the floor, whose share of index never changes; no interest.
//!   So what everybody ends with does not depend on when and in which round anything is sold.
//! - A run is drawn from its number. `BALLAST_DELIVERIES=100000` runs so many, from `BALLAST_DELIVERIES_FROM` on.

mod support;

use ballast_spoke::certificate::Key;
use ballast_types::digest::{self, ChainKind};
use ballast_types::{Address, Change, Command, Event, Genesis, LedgerAccount, LotId, Nonce, Order, Sequence};
use ballast_units::{Amount, Bps, Millis, Price, Ratio};
use std::collections::BTreeMap;
use support::{House, genesis, whole};

/// Runs that `make test` does.
const RUNS: u64 = 300;

const CHAINS: [&str; 2] = ["ethereum", "polygon"];
const BORROWERS: [(&str, &str, u64, u64); 4] = [
    ("alice", "ethereum", 10, 16_000),
    ("bob", "ethereum", 5, 8_000),
    ("cid", "polygon", 10, 15_000),
    ("dan", "polygon", 4, 6_000),
];

/// What a run is drawn from (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let at = usize::try_from(self.below(all.len() as u64)).expect("a place");
        all.get(at).copied()
    }
}

fn terms() -> Genesis {
    let mut genesis = genesis::guarded();
    for chain in &mut genesis.chains {
        chain.rate.at_kink = Ratio::ZERO;
        chain.rate.at_full = Ratio::ZERO;
        chain.rate.base = Ratio::ZERO;
        chain.auction.floor_min = Ratio::percent(95);
        chain.auction.floor_max = Ratio::percent(95);
        chain.auction.floor_cut = Ratio::ZERO;
        chain.auction.rounds = 200;
        chain.auction.rebate = Bps::new(0);
        for token in chain.tokens.iter_mut().filter(|token| token.asset == "USDC") {
            token.params.unit = Amount::from_wei(1);
        }
    }
    genesis
}

/// Everybody has borrowed, and is about to fail. Dave has cash that he takes out bit by bit.
fn story() -> House {
    let mut house = House::of(terms());
    for chain in CHAINS {
        house.deposit("lender", chain, "USDC", whole(100_000));
        house.lend("lender", chain, whole(60_000)).expect("there is cash");
        house.deposit("dave", chain, "USDC", whole(100));
    }
    for (name, chain, ether, dollars) in BORROWERS {
        house.deposit(name, chain, "ETH", whole(ether));
        house.borrow(name, chain, whole(dollars)).expect("within the initial threshold");
    }
    house.apply(Vec::new());
    house
}

/// What of a run is the same whatever happened on the way.
#[derive(Debug, PartialEq, Eq)]
struct End {
    accounts: BTreeMap<&'static str, (Amount, Vec<Amount>)>,
    /// What Dave has, and what he was paid.
    dave: Amount,
    float: Amount,
    treasury: Amount,
    shortfall: Amount,
}

struct Run {
    house: House,
    draw: Draw,
    number: u64,
    /// Every order that was given, for deliveries again.
    given: Vec<Order>,
    epoch: u32,
    /// Successors that were named.
    moves: u8,
}

impl Run {
    fn new(number: u64) -> Self {
        let mut house = story();
        house.held = Some(Vec::new());
        Self { house, draw: Draw(number), number, given: Vec::new(), epoch: 0, moves: 0 }
    }

    fn quote(&mut self, dollars: u64) {
        self.house.price("ETH", Price::whole(dollars));
    }

    fn chain(&mut self) -> &'static str {
        self.draw.of(&CHAINS).expect("two chains")
    }

    fn collect(&mut self) {
        let held = self.house.held.as_ref().expect("orders wait");
        let known: Vec<(u16, Nonce)> = self.given.iter().map(|order| (order.chain.0, order.nonce)).collect();
        let new = held.iter().filter(|order| !known.contains(&(order.chain.0, order.nonce)));
        self.given.extend(new.cloned());
    }

    /// Somebody carries an order of any age to its vault.
    fn deliver(&mut self) {
        self.collect();
        let places: Vec<usize> = (0..self.given.len()).collect();
        if let Some(at) = self.draw.of(&places) {
            let order = self.given[at].clone();
            self.house.deliver(&order);
        }
    }

    /// Everything that waits reaches its vault, the newest first.
    fn deliver_all(&mut self) {
        self.collect();
        for order in self.given.clone().into_iter().rev() {
            self.house.deliver(&order);
        }
        self.house.held = Some(Vec::new());
    }

    fn turn(&mut self) {
        match self.draw.below(16) {
            0 => self.quote(1_300),
            1 => self.quote(1_400),
            2..=6 => self.deliver(),
            7 => {
                let span = Millis::seconds(1 + self.draw.below(400));
                drop(self.house.advance(span));
            }
            8 => drop(self.house.advance(Millis::minutes(1 + self.draw.below(70)))),
            9 => {
                let (chain, span) = (self.chain(), Millis::seconds(1 + self.draw.below(3_600)));
                let (until, epoch) = (self.house.now().after(span), self.epoch);
                self.house.spoke(chain).freeze(until, epoch);
            }
            10 => {
                let chain = self.chain();
                let spoke = self.house.spoke(chain);
                spoke.holds_finality = !spoke.holds_finality;
            }
            11 => {
                let chain = self.chain();
                let unfinal: Vec<Sequence> =
                    self.house.spoke(chain).unfinal().iter().map(|(sequence, _)| *sequence).collect();
                if let Some(from) = self.draw.of(&unfinal) {
                    let dropped = self.house.spoke(chain).drop_from(from);
                    dropped.into_iter().for_each(|dropped| self.house.tell(dropped));
                }
            }
            12 => {
                let name = self.chain();
                let chain = self.house.chain(name);
                drop(self.house.apply(vec![Command::Govern(Change::Unfreeze { chain })]));
            }
            13 if self.draw.below(4) == 0 => {
                let name = self.chain();
                let chain = self.house.chain(name);
                self.moves = self.moves.wrapping_add(1);
                let to = Address([self.moves; 32]);
                let domain = digest::domain(ChainKind::InProcess, u64::from(chain.0), to);
                // One that is open already is refused.
                let _ = self.house.run(Command::Govern(Change::Migrate { chain, to, domain }));
            }
            14 if self.draw.below(8) == 0 => {
                // Three days on: a vault may hand over.
                for _ in 0..9 {
                    self.deliver();
                    drop(self.house.advance(Millis::hours(8)));
                }
                self.quote(1_400);
            }
            13 => {
                let key = Key::from_label(&format!("epoch {}", self.epoch + 1));
                let rotate = Command::Govern(Change::Rotate { signers: vec![key.signer()] });
                if self.house.run(rotate).is_ok() {
                    self.epoch += 1;
                }
            }
            _ => {
                let chain = self.chain();
                let _ = self.house.withdraw("dave", chain, "USDC", whole(1));
            }
        }
    }

    /// All is delivered, final and sold.
    fn finish(mut self) -> End {
        for chain in CHAINS {
            self.house.spoke(chain).holds_finality = false;
        }
        self.quote(1_400);
        // Vaults hand over, or it is too late for that.
        while self.house.state().chains.iter().any(|(_, chain)| chain.migration.is_some()) {
            self.house.advance(Millis::hours(8));
            self.deliver_all();
        }
        // The longest freeze ends; orders that nobody carried expire.
        for _ in 0..8 {
            self.house.advance(Millis::minutes(30));
            self.deliver_all();
        }
        for _ in 0..400 {
            self.deliver_all();
            self.house.apply(Vec::new());
            for (lot, offer) in self.house.offers() {
                self.sell(lot, offer.auction.floor, offer.left);
            }
            self.house.apply(Vec::new());
            let state = self.house.state();
            if state.tasks.is_empty() && state.orders.is_empty() {
                return self.end();
            }
            self.house.advance(Millis::minutes(2));
        }
        let state = self.house.state();
        let orders: Vec<_> = state.orders.iter().map(|(_, sent)| &sent.order).collect();
        let lots: Vec<_> = state.lots.iter().collect();
        panic!("run {}: not over: {lots:?} {orders:?}", self.number);
    }

    fn sell(&mut self, lot: LotId, floor: Price, left: Amount) {
        let fair = Price::whole(1_400).mul_ratio_down(Ratio::percent(95)).expect("in range");
        let chains = CHAINS.into_iter();
        let runs = |house: &mut House, chain| house.spoke(chain).vault().books().offer(lot).is_some();
        let Some(chain) = chains.clone().find(|chain| runs(&mut self.house, *chain)) else { return };
        if floor == fair {
            self.house.spoke(chain).take_at_floor(lot, left, Address([7; 32]));
        } else {
            // Offered at another index.
            self.house.spoke(chain).expire(lot);
        }
    }

    fn end(mut self) -> End {
        let odd: Vec<&Event> =
            self.house.history.iter().filter(|event| matches!(event, Event::AnomalyFound { .. })).collect();
        assert!(odd.is_empty(), "run {}: {odd:?}", self.number);
        let dave = self.house.account("dave");
        let paid = self.house.history.iter().filter_map(|event| match event {
            Event::ReleaseOrdered { account, amount, .. } if *account == dave => Some(*amount),
            _ => None,
        });
        let undone = self.house.history.iter().filter_map(|event| match event {
            Event::ReleaseUndone { account, amount, .. } if *account == dave => Some(*amount),
            _ => None,
        });
        let out = paid.sum::<Amount>() - undone.sum::<Amount>();
        let shortfall = self.house.history.iter().filter_map(|event| match event {
            Event::TaskClosed { shortfall, .. } => Some(*shortfall),
            _ => None,
        });
        let shortfall = shortfall.sum();
        let mut accounts = BTreeMap::new();
        for name in BORROWERS.map(|(name, ..)| name).into_iter().chain(["lender"]) {
            let view = self.house.view(name);
            let collateral = view.collateral.iter().map(|held| held.amount).collect();
            accounts.insert(name, (view.cash, collateral));
        }
        let dave = self.house.view("dave").cash + out;
        let float = self.house.balance(LedgerAccount::Float);
        End { accounts, dave, float, treasury: self.house.balance(LedgerAccount::Treasury), shortfall }
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn any_order_of_deliveries_ends_in_the_books_of_the_straight_run() {
    let mut straight = Run::new(0);
    straight.quote(1_400);
    let straight = straight.finish();
    assert!(!straight.shortfall.is_zero(), "all was sold for less than the debts");
    let from = number("BALLAST_DELIVERIES_FROM", 1);
    for run in from..from + number("BALLAST_DELIVERIES", RUNS) {
        let mut turned = Run::new(run);
        turned.quote(1_400);
        for _ in 0..20 + turned.draw.below(60) {
            turned.turn();
        }
        assert_eq!(turned.finish(), straight, "run {run}");
    }
}
