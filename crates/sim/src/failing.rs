//! Many borrowers who fail in one block, and the chain that sells their collateral: what a task costs the engine over its
//! whole life, and a reorg of all takes.
//!
//! Each has 10 units of a token at 100 dollars and owes 800; at 85 dollars all of it is for sale. Every block of the
//! chain's facts is one block of the hub.

use crate::house;
use ballast_engine::{Engine, GenesisError, Outcome};
use ballast_types::{
    AccountId, Address, AssetId, Auction, Block, ChainGenesis, ChainId, ChainTier, Command, Genesis, Hash,
    Height, LotId, Nonce, Observation, Order, OrderAction, Owner, PriceReport, Sequence, SourceId,
    TokenGenesis, TokenParams, VaultEvent, digest,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time};

const CHAIN: ChainId = ChainId(0);
const COIN: AssetId = AssetId(0);
const TOKEN: AssetId = AssetId(1);
const TAKER: Address = Address([7; 32]);
const LOAN: u64 = 800;

/// A house whose borrowers are about to fail.
#[derive(Debug)]
pub struct Failing {
    engine: Engine,
    out: Outcome,
    sequence: u64,
    branch: u8,
    time: Time,
}

/// A running auction.
#[derive(Clone, Copy, Debug)]
pub struct Sale {
    lot: LotId,
    start: Nonce,
    auction: Auction,
}

impl Failing {
    /// So many borrowers.
    pub fn new(borrowers: u32) -> Result<Self, GenesisError> {
        let engine = Engine::new(&genesis())?;
        let mut failing =
            Self { engine, out: Outcome::default(), sequence: 0, branch: 0, time: Time::from_millis(0) };
        let prices = failing.priced(100, Vec::new(), Vec::new());
        failing.apply(&prices);
        let money = Amount::whole(u64::from(borrowers) * LOAN * 2);
        let lender = owner(0);
        let mut events = vec![VaultEvent::Deposited { owner: lender, asset: COIN, amount: money }];
        events.extend((1..=borrowers).map(|number| VaultEvent::Deposited {
            owner: owner(number),
            asset: TOKEN,
            amount: Amount::whole(10),
        }));
        let facts = failing.told(&events, true);
        let block = failing.priced(100, facts, Vec::new());
        failing.apply(&block);
        let mut commands = vec![Command::Lend { account: AccountId(0), chain: CHAIN, amount: money }];
        for number in 1..=borrowers {
            let account = AccountId(number);
            commands.push(Command::RegisterAddress { account, chain: CHAIN, address: TAKER });
            commands.push(Command::Borrow { account, chain: CHAIN, amount: Amount::whole(LOAN) });
        }
        let block = failing.priced(100, Vec::new(), commands);
        failing.apply(&block);
        let orders = std::mem::take(&mut failing.out.orders);
        let facts = failing.told(&executed(&orders), true);
        let block = failing.priced(100, facts, Vec::new());
        failing.apply(&block);
        Ok(failing)
    }

    /// The block in which the price falls: every borrower fails, every lot is offered.
    #[must_use]
    pub fn fall(&self) -> Block {
        self.priced(85, Vec::new(), Vec::new())
    }

    /// The auctions that the last block ordered.
    #[must_use]
    pub fn sales(&self) -> Vec<Sale> {
        let start = |order: &Order| match order.action {
            OrderAction::StartAuction { lot, auction, .. } => Some(Sale { lot, start: order.nonce, auction }),
            _ => None,
        };
        self.out.orders.iter().filter_map(start).collect()
    }

    /// The chain tells that it has carried out these starts; safe, not final.
    pub fn starts(&mut self, sales: &[Sale]) -> Block {
        let events: Vec<VaultEvent> =
            sales.iter().map(|sale| VaultEvent::Executed { nonce: sale.start }).collect();
        let facts = self.told(&events, false);
        self.priced(85, facts, Vec::new())
    }

    /// Somebody takes every lot, whole, at its start; safe, not final.
    pub fn takes(&mut self, sales: &[Sale]) -> Block {
        let events: Vec<VaultEvent> = sales.iter().map(|sale| sale.taken().0).collect();
        let facts = self.told(&events, false);
        self.priced(85, facts, Vec::new())
    }

    /// The chain drops the blocks of the last so many events.
    pub fn drops(&mut self, events: usize) -> Block {
        self.sequence -= u64::try_from(events).unwrap_or(0);
        self.branch = self.branch.wrapping_add(1);
        let sequence = Sequence(self.sequence + 1);
        self.priced(85, vec![Observation::Dropped { chain: CHAIN, sequence }], Vec::new())
    }

    /// Every auction is over, and everything so far is final.
    pub fn ends(&mut self, sales: &[Sale]) -> Block {
        let domain = self.engine.state().chains.get(CHAIN).domain;
        let ended = |sale: &Sale| {
            let before = digest::result_start(domain, sale.lot, sale.start);
            VaultEvent::Ended { lot: sale.lot, result: sale.taken().1(before) }
        };
        let events: Vec<VaultEvent> = sales.iter().map(ended).collect();
        let facts = self.told(&events, true);
        self.priced(85, facts, Vec::new())
    }

    /// Applies a block.
    pub fn apply(&mut self, block: &Block) {
        self.engine.apply(block, &mut self.out);
        self.time = block.time;
    }

    /// What the last block brought about.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.out
    }

    /// Tasks that are open.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.engine.state().tasks.len()
    }

    fn told(&mut self, events: &[VaultEvent], is_final: bool) -> Vec<Observation> {
        let mut facts = Vec::with_capacity(events.len() + 1);
        for event in events {
            self.sequence += 1;
            let (sequence, version) = (Sequence(self.sequence), Hash([self.branch; 32]));
            facts.push(Observation::Seen { chain: CHAIN, sequence, version, event: *event });
        }
        if is_final {
            let sequence = Sequence(self.sequence);
            let block = digest::block_in_process(CHAIN, self.time);
            facts.push(Observation::Final { chain: CHAIN, sequence, time: self.time, block });
        }
        facts
    }

    fn priced(&self, dollars: u64, observations: Vec<Observation>, commands: Vec<Command>) -> Block {
        let time = self.time.after(Millis::new(1));
        let report = |asset: AssetId, price: u64| {
            (0..3).map(move |source| PriceReport {
                asset,
                source: SourceId(source),
                price: Price::whole(price),
                confidence: Ratio::ZERO,
                time,
            })
        };
        let prices = report(COIN, 1).chain(report(TOKEN, dollars)).collect();
        let height = Height(self.engine.state().house.height.0 + 1);
        Block { height, time, observations, prices, commands, ..Block::default() }
    }
}

impl Sale {
    /// A take of all of it, and what that makes of a result.
    fn taken(&self) -> (VaultEvent, impl Fn(Hash) -> Hash + use<>) {
        let quantity = self.auction.quantity;
        let paid = quantity.value_up(self.auction.start).unwrap_or(Amount::ZERO);
        let event = VaultEvent::Taken { lot: self.lot, taker: TAKER, quantity, paid, rebate: Amount::ZERO };
        (event, move |before| digest::result_take(before, TAKER, quantity, paid, Amount::ZERO))
    }
}

fn executed(orders: &[Order]) -> Vec<VaultEvent> {
    orders.iter().map(|order| VaultEvent::Executed { nonce: order.nonce }).collect()
}

fn owner(number: u32) -> Owner {
    let mut address = [0_u8; 32];
    for (place, byte) in address.iter_mut().rev().zip((number + 1).to_le_bytes()) {
        *place = byte;
    }
    Owner { address: Address(address), subaccount: 0 }
}

fn genesis() -> Genesis {
    let token = |asset: &str| TokenGenesis { asset: asset.to_owned(), params: TokenParams::default() };
    let chain = ChainGenesis {
        name: "load".to_owned(),
        tier: ChainTier::Liquid,
        block_time: Millis::seconds(12),
        inclusion_p95: Millis::seconds(5),
        coin: house::COIN.to_owned(),
        tokens: vec![token(house::COIN), token("TOKEN")],
        rate: ballast_types::RateParams::default(),
        tranche_cap: Amount::whole(5_000_000),
        pending_cap: Amount::whole(1_000_000),
        debt_min: Amount::ZERO,
        auction: ballast_types::AuctionSchedule::default(),
        domain: Hash::default(),
        kind: digest::ChainKind::InProcess,
    };
    Genesis {
        assets: vec![house::asset(house::COIN), house::asset("TOKEN")],
        chains: vec![chain],
        ..Genesis::default()
    }
}
