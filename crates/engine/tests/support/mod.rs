//! A house under test: an engine, chains without delay, oracles that repeat their prices, accounts by name.
//!
//! - Every block repeats the last prices at its own time, so that they stay fresh, until [`House::silence`].
//! - Time stands still but for [`House::advance`].
//! - Nothing here asserts what the engine does: a test looks at what comes back.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod genesis;
pub(crate) mod keepers;
pub(crate) mod spoke;

use ballast_engine::view::{self, AccountView, MarketView, WaterfallView};
use ballast_engine::{BlockPart, Engine, Outcome, State};
use ballast_types::{
    AccountId, Address, AssetId, Block, ChainGenesis, ChainId, ChainParams, Change, Command, Event, Genesis,
    Height, LedgerAccount, LotId, MarketId, Observation, Order, Owner, PriceReport, Reject, Sequence, Side,
    SourceId, Token, TradeAmount,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use spoke::Spoke;
use std::collections::BTreeMap;

/// An engine and what surrounds it.
#[derive(Clone, Debug)]
pub(crate) struct House {
    /// Under test.
    pub(crate) engine: Engine,
    /// What it started from.
    pub(crate) genesis: Genesis,
    /// Its chains.
    pub(crate) spokes: Vec<Spoke>,
    /// Every block applied, for replays.
    pub(crate) blocks: Vec<Block>,
    /// Every event so far.
    pub(crate) history: Vec<Event>,
    /// Orders wait here, where they are not delivered at once: the test carries them.
    pub(crate) held: Option<Vec<Order>>,
    accounts: BTreeMap<String, AccountId>,
    /// What each source says of each asset, in every block.
    quotes: BTreeMap<(AssetId, SourceId), (Price, Ratio)>,
    /// Observations of the next block besides those of the spokes, before them.
    observations: Vec<Observation>,
    now: Time,
}

/// Sources of a price that [`House::price`] sets.
const SOURCES: u8 = 3;

impl House {
    /// The guarded house, with prices: coins at 1, every market's asset at its mark.
    pub(crate) fn new() -> Self {
        Self::of(genesis::guarded())
    }

    /// The bare house of the worked example, ETH at 100.
    pub(crate) fn bare() -> Self {
        Self::of(genesis::bare())
    }

    /// The guarded house with another genesis.
    pub(crate) fn tweaked(tweak: impl FnOnce(&mut Genesis)) -> Self {
        let mut genesis = genesis::guarded();
        tweak(&mut genesis);
        Self::of(genesis)
    }

    /// A house of this genesis. Its first block sets prices: coins at 1, every market's asset at its mark.
    pub(crate) fn of(genesis: Genesis) -> Self {
        let mut house = Self::unpriced(genesis);
        for asset in house.genesis.assets.clone() {
            let mark =
                house.genesis.markets.iter().find(|market| market.asset == asset.symbol).map(|m| m.mark());
            match (asset.stable, mark.flatten()) {
                (true, _) => house.quote(&asset.symbol, Price::ONE),
                (false, Some(mark)) => house.quote(&asset.symbol, mark),
                (false, None) => {}
            }
        }
        house.apply(Vec::new());
        house
    }

    /// A house of this genesis before its first block, without prices.
    pub(crate) fn unpriced(genesis: Genesis) -> Self {
        let engine = Engine::new(&genesis).expect("a test's genesis is valid");
        let spokes = engine.state().chains.ids().map(|chain| Spoke::new(engine.state(), chain));
        Self {
            spokes: spokes.collect(),
            now: genesis.time,
            engine,
            genesis,
            blocks: Vec::new(),
            history: Vec::new(),
            held: None,
            accounts: BTreeMap::new(),
            quotes: BTreeMap::new(),
            observations: Vec::new(),
        }
    }

    // Names

    /// Id of a chain of genesis.
    pub(crate) fn chain(&self, name: &str) -> ChainId {
        ChainId(place(self.genesis.chains.iter().map(|chain| chain.name.as_str()), name))
    }

    /// Id of an asset of genesis.
    pub(crate) fn asset(&self, symbol: &str) -> AssetId {
        AssetId(place(self.genesis.assets.iter().map(|asset| asset.symbol.as_str()), symbol))
    }

    /// Id of the market of an asset.
    pub(crate) fn market(&self, asset: &str) -> MarketId {
        MarketId(place(self.genesis.markets.iter().map(|market| market.asset.as_str()), asset))
    }

    /// An asset on a chain.
    pub(crate) fn token(&self, asset: &str, chain: &str) -> Token {
        Token { asset: self.asset(asset), chain: self.chain(chain) }
    }

    /// Id of an account; opened, with an address on every chain, where it does not exist yet.
    pub(crate) fn account(&mut self, name: &str) -> AccountId {
        if let Some(account) = self.accounts.get(name) {
            return *account;
        }
        let owner = owner(name);
        self.apply(vec![Command::OpenAccount { owner }]);
        let account = self.engine.state().account_of(owner).expect("just opened");
        let chains = self.engine.state().chains.ids();
        let addresses =
            chains.map(|chain| Command::RegisterAddress { account, chain, address: owner.address }).collect();
        self.apply(addresses);
        self.accounts.insert(name.to_owned(), account);
        account
    }

    // Time and prices

    /// Time of the next block.
    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// The next block comes so much later; nothing else happens in it.
    pub(crate) fn advance(&mut self, span: Millis) -> Outcome {
        self.now = self.now.after(span);
        self.apply(Vec::new())
    }

    /// So much time in this many blocks.
    pub(crate) fn advance_in(&mut self, span: Millis, blocks: u64) {
        for _ in 0..blocks {
            self.advance(Millis::new(span.get() / blocks));
        }
    }

    /// A block in which all sources of an asset report this price, which they repeat from then on.
    pub(crate) fn price(&mut self, asset: &str, price: Price) -> Outcome {
        self.quote(asset, price);
        self.apply(Vec::new())
    }

    /// All sources of an asset report this price from the next block on.
    pub(crate) fn quote(&mut self, asset: &str, price: Price) {
        self.quote_each(asset, &[price; SOURCES as usize]);
    }

    /// Each source of an asset reports its own price from the next block on.
    pub(crate) fn quote_each(&mut self, asset: &str, prices: &[Price]) {
        let asset = self.asset(asset);
        self.quotes.retain(|(of, _), _| *of != asset);
        for (source, price) in (0..).zip(prices) {
            self.quotes.insert((asset, SourceId(source)), (*price, Ratio::ZERO));
        }
    }

    /// No source reports this asset any more.
    pub(crate) fn silence(&mut self, asset: &str) {
        let asset = self.asset(asset);
        self.quotes.retain(|(of, _), _| *of != asset);
    }

    // Blocks

    /// Applies a block with these commands, with what the chains tell and the repeated prices.
    pub(crate) fn apply(&mut self, commands: Vec<Command>) -> Outcome {
        let block = self.next_block(commands);
        self.apply_block(block)
    }

    /// The next block as [`House::apply`] would apply it. What the chains tell is told with it.
    pub(crate) fn next_block(&mut self, commands: Vec<Command>) -> Block {
        self.next_block_at(self.now, commands)
    }

    /// The next block, at a later time.
    pub(crate) fn next_block_at(&mut self, time: Time, commands: Vec<Command>) -> Block {
        self.now = time;
        self.carry();
        let mut observations = std::mem::take(&mut self.observations);
        for spoke in &mut self.spokes {
            observations.extend(spoke.tell(self.now));
        }
        let prices = self.quotes.iter().map(|((asset, source), (price, confidence))| PriceReport {
            asset: *asset,
            source: *source,
            price: *price,
            confidence: *confidence,
            time: self.now,
        });
        Block {
            height: self.height(),
            time: self.now,
            observations,
            prices: prices.collect(),
            commands,
            ..Block::default()
        }
    }

    /// Height of the next block.
    pub(crate) fn height(&self) -> Height {
        Height(self.engine.state().house.height.0 + 1)
    }

    /// Applies any block, and has its orders carried out.
    pub(crate) fn apply_block(&mut self, block: Block) -> Outcome {
        let mut out = Outcome::default();
        self.engine.apply(&block, &mut out);
        self.now = block.time;
        let added = self.engine.state().chains.ids().skip(self.spokes.len());
        let state = self.engine.state();
        self.spokes.extend(added.map(|chain| Spoke::new(state, chain)));
        for (spoke, (_, chain)) in self.spokes.iter_mut().zip(self.engine.state().chains.iter()) {
            spoke.sync(chain.next_sequence, chain.next_final);
        }
        for order in &out.orders {
            let domain = self.engine.state().domain(order.chain);
            self.spokes[usize::from(order.chain.0)].put_out(domain, order.nonce);
        }
        match &mut self.held {
            Some(held) => held.extend(out.orders.iter().cloned()),
            None => out.orders.iter().for_each(|order| self.deliver(order)),
        }
        self.history.extend(out.events.iter().cloned());
        self.blocks.push(block);
        out
    }

    /// Hands an order to its chain.
    pub(crate) fn deliver(&mut self, order: &Order) {
        let now = self.now;
        let Some(spoke) = self.spokes.get_mut(usize::from(order.chain.0)) else { return };
        spoke.carry_out(order, now);
        self.carry();
    }

    /// What chains sent each other arrives at once.
    fn carry(&mut self) {
        let sent: Vec<_> = self.spokes.iter_mut().flat_map(|spoke| std::mem::take(&mut spoke.sent)).collect();
        for (to, bridged) in sent {
            self.spokes[usize::from(to.0)].arrive(&bridged);
        }
    }

    /// Applies one command in a block of its own.
    pub(crate) fn run(&mut self, command: Command) -> Result<Outcome, Reject> {
        let out = self.apply(vec![command]);
        match reject_of(&out, BlockPart::Command, 0) {
            Some(reject) => Err(reject),
            None => Ok(out),
        }
    }

    /// Applies one observation in a block of its own, whatever the chain itself thinks.
    pub(crate) fn observe(&mut self, observation: Observation) -> Result<Outcome, Reject> {
        self.observations.push(observation);
        let out = self.apply(Vec::new());
        match reject_of(&out, BlockPart::Observation, 0) {
            Some(reject) => Err(reject),
            None => Ok(out),
        }
    }

    /// Tells something in the next block, whatever the chain itself thinks.
    pub(crate) fn tell(&mut self, observation: Observation) {
        self.observations.push(observation);
    }

    // What people do

    /// A final deposit. Coins at par become cash.
    pub(crate) fn deposit(&mut self, name: &str, chain: &str, asset: &str, amount: Amount) -> Outcome {
        self.account(name);
        let asset = self.asset(asset);
        self.spoke(chain).deposit(owner(name), asset, amount);
        self.apply(Vec::new())
    }

    /// A deposit that is safe, not final. From now on nothing on this chain is, until [`House::finalise`].
    pub(crate) fn deposit_safe(&mut self, name: &str, chain: &str, asset: &str, amount: Amount) -> Sequence {
        self.spoke(chain).holds_finality = true;
        let sequence = self.spoke(chain).next();
        self.deposit(name, chain, asset, amount);
        sequence
    }

    /// Everything on a chain is final.
    pub(crate) fn finalise(&mut self, chain: &str) -> Outcome {
        self.spoke(chain).holds_finality = false;
        self.apply(Vec::new())
    }

    /// A chain drops an event and all later ones.
    pub(crate) fn drop_from(&mut self, chain: &str, sequence: Sequence) -> Outcome {
        let dropped = self.spoke(chain).drop_from(sequence);
        self.observations.extend(dropped);
        self.spoke(chain).holds_finality = false;
        self.apply(Vec::new())
    }

    /// A trade without limit.
    pub(crate) fn trade(
        &mut self,
        name: &str,
        market: &str,
        side: Side,
        amount: TradeAmount,
    ) -> Result<Outcome, Reject> {
        let (account, market) = (self.account(name), self.market(market));
        self.run(Command::Trade { account, market, side, amount, limit: None, reduce_only: false })
    }

    /// A long for so many dollars.
    pub(crate) fn long(&mut self, name: &str, market: &str, quote: Amount) -> Result<Outcome, Reject> {
        self.trade(name, market, Side::Long, TradeAmount::Quote(quote))
    }

    /// A short for so many dollars.
    pub(crate) fn short(&mut self, name: &str, market: &str, quote: Amount) -> Result<Outcome, Reject> {
        self.trade(name, market, Side::Short, TradeAmount::Quote(quote))
    }

    /// Closes a position.
    pub(crate) fn close(&mut self, name: &str, market: &str) -> Result<Outcome, Reject> {
        let (account, market) = (self.account(name), self.market(market));
        self.run(Command::ClosePosition { account, market, limit: None })
    }

    /// Asks for tokens.
    pub(crate) fn withdraw(
        &mut self,
        name: &str,
        chain: &str,
        asset: &str,
        amount: Amount,
    ) -> Result<Outcome, Reject> {
        let (account, token) = (self.account(name), self.token(asset, chain));
        self.run(Command::RequestWithdrawal { account, token, amount })
    }

    /// Lends cash on a chain.
    pub(crate) fn lend(&mut self, name: &str, chain: &str, amount: Amount) -> Result<Outcome, Reject> {
        let (account, chain) = (self.account(name), self.chain(chain));
        self.run(Command::Lend { account, chain, amount })
    }

    /// Redeems what was lent; without an amount, all.
    pub(crate) fn redeem(
        &mut self,
        name: &str,
        chain: &str,
        amount: Option<Amount>,
    ) -> Result<Outcome, Reject> {
        let (account, chain) = (self.account(name), self.chain(chain));
        self.run(Command::Redeem { account, chain, amount })
    }

    /// Borrows on a chain.
    pub(crate) fn borrow(&mut self, name: &str, chain: &str, amount: Amount) -> Result<Outcome, Reject> {
        let (account, chain) = (self.account(name), self.chain(chain));
        self.run(Command::Borrow { account, chain, amount })
    }

    /// Repays a loan; without an amount, all.
    pub(crate) fn repay(
        &mut self,
        name: &str,
        chain: &str,
        amount: Option<Amount>,
    ) -> Result<Outcome, Reject> {
        let (account, chain) = (self.account(name), self.chain(chain));
        self.run(Command::Repay { account, chain, amount })
    }

    /// Adds a chain. Where it is taken, its name and those of its tokens are known from then on.
    pub(crate) fn add_chain(&mut self, chain: ChainGenesis) -> Result<Outcome, Reject> {
        let params = Box::new(self.chain_params(&chain));
        let out = self.run(Command::Govern(Change::AddChain { params }))?;
        self.genesis.chains.push(chain);
        Ok(out)
    }

    /// A chain's terms by ids.
    pub(crate) fn chain_params(&self, chain: &ChainGenesis) -> ChainParams {
        let tokens = chain.tokens.iter().map(|token| (self.asset(&token.asset), token.params)).collect();
        chain.params(self.asset(&chain.coin), tokens)
    }

    /// Gives cash to a layer.
    pub(crate) fn contribute(
        &mut self,
        name: &str,
        layer: ballast_types::Layer,
        amount: Amount,
    ) -> Result<Outcome, Reject> {
        let account = self.account(name);
        self.run(Command::Contribute { account, layer, amount })
    }

    // Auctions

    /// Auctions that accept takes, over all chains.
    pub(crate) fn offers(&self) -> Vec<(LotId, spoke::Offer)> {
        self.spokes.iter().flat_map(Spoke::offers).collect()
    }

    /// Takes up to `wanted` of a lot at the price of now, in a block; `None` where nothing can be taken.
    pub(crate) fn take(&mut self, lot: LotId, wanted: Amount) -> Option<Outcome> {
        let now = self.now;
        self.spokes.iter_mut().find_map(|spoke| spoke.take(lot, wanted, Address([7; 32]), now))?;
        Some(self.apply(Vec::new()))
    }

    /// Takes all that is left of every auction at the price of now, until none is offered any more.
    pub(crate) fn take_all(&mut self) {
        // Lots that wait for room are offered as others go.
        for _ in 0..1_000 {
            let offers = self.offers();
            if offers.is_empty() {
                return;
            }
            for (lot, offer) in offers {
                self.take(lot, offer.left);
            }
        }
    }

    /// An auction ends with something left, in a block; `None` where it does not run.
    pub(crate) fn expire(&mut self, lot: LotId) -> Option<Outcome> {
        self.spokes.iter_mut().find_map(|spoke| spoke.expire(lot).then_some(()))?;
        Some(self.apply(Vec::new()))
    }

    // What there is

    /// Every record.
    pub(crate) fn state(&self) -> &State {
        self.engine.state()
    }

    /// An account as people see it.
    pub(crate) fn view(&mut self, name: &str) -> AccountView {
        let account = self.account(name);
        view::account(self.engine.state(), account).expect("opened by its name")
    }

    /// A market as people see it.
    pub(crate) fn market_view(&self, market: &str) -> MarketView {
        view::market(self.engine.state(), self.market(market)).expect("a market of genesis")
    }

    /// The layers.
    pub(crate) fn waterfall(&self) -> WaterfallView {
        view::waterfall(self.engine.state())
    }

    /// A balance of the ledger, in its own money; of `InFlight`, over all tokens of the chain.
    pub(crate) fn balance(&self, account: LedgerAccount) -> Amount {
        let rows = view::ledger(self.engine.state());
        rows.into_iter().filter(|(of, _, _)| *of == account).map(|(_, _, amount)| amount).sum()
    }

    /// A chain.
    pub(crate) fn spoke(&mut self, chain: &str) -> &mut Spoke {
        let at = usize::from(self.chain(chain).0);
        self.spokes.get_mut(at).expect("a chain of genesis")
    }
}

/// Why a part of a block was refused.
pub(crate) fn reject_of(out: &Outcome, part: BlockPart, number: u32) -> Option<Reject> {
    let refused = out.rejects.iter().find(|refused| refused.part == part && refused.number == number)?;
    Some(refused.reject)
}

/// The owner that a name stands for: its letters as an address.
pub(crate) fn owner(name: &str) -> Owner {
    let mut address = [0_u8; 32];
    for (place, letter) in address.iter_mut().zip(name.bytes()) {
        *place = letter;
    }
    Owner { address: Address(address), subaccount: 0 }
}

/// An amount of decimal text.
pub(crate) fn amount(text: &str) -> Amount {
    text.parse().expect("a decimal")
}

/// Whole units.
pub(crate) fn whole(units: u64) -> Amount {
    Amount::whole(units)
}

/// A price of decimal text.
pub(crate) fn price(text: &str) -> Price {
    text.parse().expect("a decimal above zero")
}

fn place<'a>(mut names: impl Iterator<Item = &'a str>, name: &str) -> u16 {
    let at = names.position(|known| known == name);
    at.and_then(|at| u16::try_from(at).ok()).unwrap_or_else(|| panic!("genesis has no {name:?}"))
}
