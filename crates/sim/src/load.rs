//! Load: a house with many accounts and the blocks that benchmarks send it.
//!
//! Everything from one seed. The same functions serve `ballast bench` and the criterion benches, so that a
//! figure in `docs/performance.md` can be had either way.

use crate::seed::{Seed, Stream};
use ballast_engine::{BlockStage, Engine, GenesisError, Outcome};
use ballast_types::{
    AccountId, Address, AssetGenesis, AssetId, Block, ChainGenesis, ChainId, Command, Event, Genesis, Hash,
    Height, MarketGenesis, MarketId, MarketParams, Observation, Owner, PriceReport, Sequence, Side, SourceId,
    TokenGenesis, TokenParams, TradeAmount, VaultEvent, digest,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time};

/// What each account of the load has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 10,000 dollars of cash.
    Cash,
    /// One token of its market's asset (worth 100 dollars) as collateral and a little cash for fees.
    Collateral,
}

/// A house under load.
#[derive(Debug)]
pub struct Load {
    /// The engine.
    pub engine: Engine,
    out: Outcome,
    draws: Stream,
    markets: u16,
    accounts: u32,
    /// Ids of the load's accounts begin here; the house's own come first.
    first: u32,
    sequence: u64,
}

/// The only chain.
const CHAIN: ChainId = ChainId(0);
/// Asset 0 is the stablecoin; market m follows asset m + 1.
const COIN: AssetId = AssetId(0);
/// Every index at the start.
const INDEX: u64 = 100;
/// Accounts opened in one block of the set-up.
const OPENED_AT_ONCE: u32 = 10_000;

impl Load {
    /// A house of so many accounts and markets, every account funded.
    pub fn new(accounts: u32, markets: u16, kind: Kind, seed: u64) -> Result<Self, GenesisError> {
        let engine = Engine::new(&genesis(markets))?;
        let draws = Seed::new(seed).stream("load");
        let first = u32::from(markets);
        let mut load = Self { engine, out: Outcome::default(), draws, markets, accounts, first, sequence: 0 };
        load.prices(INDEX * 100);
        let mut opened = 0;
        while opened < accounts {
            let until = accounts.min(opened.saturating_add(OPENED_AT_ONCE));
            let mut observations: Vec<Observation> =
                (opened..until).flat_map(|number| load.deposits(number, kind)).collect();
            observations.push(Observation::Final {
                chain: CHAIN,
                sequence: Sequence(load.sequence),
                time: Time::default(),
                block: digest::block_in_process(CHAIN, Time::default()),
            });
            let block = Block { observations, ..load.tick(INDEX * 100, None) };
            load.apply(&block);
            opened = until;
        }
        Ok(load)
    }

    /// A block of fresh prices and trades by accounts drawn at random, long and short alike. With `own_market`, each account
    /// trades in one market only, so that it has one position.
    pub fn trades(&mut self, count: u32, own_market: bool) -> Block {
        let commands = (0..count).map(|_| self.trade(own_market)).collect();
        Block { commands, ..self.tick(INDEX * 100, None) }
    }

    /// A block of trades that gives every account from `from` on one position.
    pub fn one_each(&mut self, from: u32, until: u32) -> Block {
        let commands = (from..until.min(self.accounts)).map(|number| self.open(number)).collect();
        Block { commands, ..self.tick(INDEX * 100, None) }
    }

    /// A block that reports every price as `cents`, and one asset's as `moved`.
    #[must_use]
    pub fn tick(&self, cents: u64, moved: Option<(u16, u64)>) -> Block {
        let block = self.block();
        let mut prices = Vec::new();
        for asset in 0..=self.markets {
            let cents = match moved {
                _ if asset == COIN.0 => 100,
                Some((market, moved)) if market + 1 == asset => moved,
                _ => cents,
            };
            prices.extend((0..3).map(|source| PriceReport {
                asset: AssetId(asset),
                source: SourceId(source),
                price: price(cents),
                confidence: Ratio::ZERO,
                time: block.time,
            }));
        }
        Block { prices, ..block }
    }

    /// Applies a block and returns the state hash.
    pub fn apply(&mut self, block: &Block) -> Hash {
        self.engine.apply(block, &mut self.out);
        self.out.state_hash
    }

    /// Applies a block, telling how far it has come.
    pub fn apply_in_stages(&mut self, block: &Block, done: &mut impl FnMut(BlockStage)) {
        self.engine.apply_in_stages(block, &mut self.out, done);
    }

    /// What the last block brought about.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.out
    }

    /// The id of one of the load's accounts.
    #[must_use]
    pub fn account(&self, number: u32) -> AccountId {
        AccountId(self.first + number)
    }

    /// Gives every account its one position.
    pub fn open_all(&mut self, at_once: u32) {
        let mut from = 0;
        while from < self.accounts {
            let until = from.saturating_add(at_once.max(1));
            let block = self.one_each(from, until);
            self.apply(&block);
            from = until;
        }
    }

    /// Accounts that the last block locked.
    #[must_use]
    pub fn locked(&self) -> usize {
        self.out.events.iter().filter(|event| matches!(event, Event::AccountLocked { .. })).count()
    }

    fn prices(&mut self, cents: u64) {
        let block = self.tick(cents, None);
        self.apply(&block);
    }

    /// The next block, empty, a second later.
    fn block(&self) -> Block {
        let house = &self.engine.state().house;
        Block {
            height: Height(house.height.0 + 1),
            time: house.time.after(Millis::seconds(1)),
            ..Block::default()
        }
    }

    fn deposits(&mut self, number: u32, kind: Kind) -> Vec<Observation> {
        let mut address = [0_u8; 32];
        address[28..].copy_from_slice(&number.to_be_bytes());
        let owner = Owner { address: Address(address), subaccount: 0 };
        let mut seen = |asset: AssetId, amount: Amount| {
            self.sequence += 1;
            Observation::Seen {
                chain: CHAIN,
                sequence: Sequence(self.sequence),
                version: Hash::default(),
                event: VaultEvent::Deposited { owner, asset, amount },
            }
        };
        match kind {
            Kind::Cash => vec![seen(COIN, Amount::whole(10_000))],
            Kind::Collateral => {
                let asset = AssetId(u16::try_from(number % u32::from(self.markets)).unwrap_or(0) + 1);
                vec![seen(COIN, Amount::whole(5)), seen(asset, Amount::whole(1))]
            }
        }
    }

    fn trade(&mut self, own_market: bool) -> Command {
        let number = u32::try_from(self.draws.below(u64::from(self.accounts))).unwrap_or(0);
        let market = if own_market {
            u16::try_from(number % u32::from(self.markets)).unwrap_or(0)
        } else {
            u16::try_from(self.draws.below(u64::from(self.markets))).unwrap_or(0)
        };
        let side = if self.draws.below(2) == 0 { Side::Long } else { Side::Short };
        let dollars = 20 + self.draws.below(180);
        self.command(number, market, side, Amount::whole(dollars))
    }

    /// The account's one position: in market 0 long, so that all can fail at once; in the others half of them
    /// long, half short, so that mark stays.
    fn open(&mut self, number: u32) -> Command {
        let market = u16::try_from(number % u32::from(self.markets)).unwrap_or(0);
        let even = (number / u32::from(self.markets)).is_multiple_of(2);
        let side = if market == 0 || even { Side::Long } else { Side::Short };
        self.command(number, market, side, Amount::whole(200))
    }

    fn command(&self, number: u32, market: u16, side: Side, quote: Amount) -> Command {
        Command::Trade {
            account: self.account(number),
            market: MarketId(market),
            side,
            amount: TradeAmount::Quote(quote),
            limit: None,
            reduce_only: false,
        }
    }
}

/// Dollars and cents as a price.
fn price(cents: u64) -> Price {
    Price::from_wei(u128::from(cents) * 10_000_000_000_000_000).unwrap_or(Price::ONE)
}

fn genesis(markets: u16) -> Genesis {
    let symbol = |market: u16| format!("A{market}");
    let token = |asset: String| TokenGenesis { asset, params: TokenParams::default() };
    let mut assets = vec![AssetGenesis { symbol: "USDC".to_owned(), stable: true }];
    assets.extend((0..markets).map(|market| AssetGenesis { symbol: symbol(market), stable: false }));
    let mut tokens = vec![token("USDC".to_owned())];
    tokens.extend((0..markets).map(|market| token(symbol(market))));
    let chain: ChainGenesis = ChainGenesis {
        name: "load".to_owned(),
        tier: ballast_types::ChainTier::Liquid,
        block_time: Millis::seconds(12),
        inclusion_p95: Millis::seconds(5),
        coin: "USDC".to_owned(),
        tokens,
        rate: ballast_types::RateParams::default(),
        tranche_cap: Amount::whole(5_000_000),
        pending_cap: Amount::whole(1_000_000),
        debt_min: Amount::ZERO,
        auction: ballast_types::AuctionSchedule::default(),
        domain: ballast_types::Hash::default(),
        kind: ballast_types::digest::ChainKind::InProcess,
    };
    let markets = (0..markets).map(|market| MarketGenesis {
        asset: symbol(market),
        base_reserve: Amount::whole(100_000_000),
        quote_reserve: Amount::whole(100_000_000 * INDEX),
        params: MarketParams {
            open_interest_cap: Amount::whole(5_000_000_000),
            open_interest_margin_from: Amount::whole(2_000_000_000),
            open_interest_margin_full: Amount::whole(10_000_000_000),
            ..MarketParams::default()
        },
    });
    Genesis {
        time: Time::from_millis(1_621_382_400_000), // 19 May 2021, 00:00 UTC
        assets,
        chains: vec![chain],
        markets: markets.collect(),
        ..Genesis::default()
    }
}
