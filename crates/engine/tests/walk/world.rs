//! The world that a walk goes through: a house with money in it, and its people.

use super::vaults::Vaults;
use super::{By, Lie, Oddity, Seen, Setting, Step, Sum};
use crate::support::{House, owner, reject_of};
use ballast_engine::state::Chain;
use ballast_engine::{BlockPart, Engine, Outcome, view};
use ballast_types::{
    AccountId, Address, Block, ChainId, ChainParams, Change, Command, CostReport, DepthReport, Event, Hash,
    Layer, LotId, MarketId, MarketParams, Nonce, Observation, Owner, Scope, Sequence, Side, SourceId, Token,
    TokenParams, TradeAmount, VaultEvent,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio};

/// People who trade, lend and borrow.
const PEOPLE: u8 = 9;

/// A house and what a walk remembers of it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// The house.
    pub(crate) house: House,
    /// How often what came up.
    pub(crate) seen: Seen,
    accounts: Vec<AccountId>,
    tokens: Vec<Token>,
    /// Prices by asset, and where they began.
    prices: Vec<(String, Price, Price)>,
    /// Commands that wait for their block.
    together: Option<Vec<Command>>,
    vaults: Vaults,
}

impl World {
    /// The world before the first step: everybody has money, some of it lent, some in the layers.
    pub(crate) fn new(setting: Setting) -> Self {
        let mut house = House::of(setting.genesis());
        let vaults = Vaults::of(&house);
        let money = setting.money();
        let mut accounts = Vec::new();
        for who in 0..PEOPLE {
            let name = name(who);
            accounts.push(house.account(&name));
            let chain = ["ethereum", "polygon", "solana"][usize::from(who % 3)];
            house.deposit(&name, chain, "USDC", money);
            let (chain, asset) =
                [("ethereum", "ETH"), ("polygon", "SOL"), ("solana", "SOL")][usize::from(who % 3)];
            let price = house.market_view(asset).mark;
            let tokens = part(money, 1, 2).at_price_down(price).unwrap_or(money).min(money);
            if who % 4 != 3 {
                house.deposit(&name, chain, asset, floor(tokens, Amount::from_wei(1_000_000_000)));
            }
        }
        // Not everybody finds the same house: layers and pools hold a little.
        for (who, chain) in [(0, "ethereum"), (1, "polygon"), (2, "solana")] {
            // At the corners so much buys more shares than can be counted: refused, and nothing is lent.
            house.lend(&name(who), chain, part(money, 2, 5)).ok();
        }
        let giver = accounts[8];
        let layers = [
            Layer::Float,
            Layer::Tranche(Scope::Market(MarketId(0))),
            Layer::Tranche(Scope::Chain(ChainId(0))),
            Layer::Tranche(Scope::Chain(ChainId(1))),
            Layer::Budget(MarketId(0)),
        ];
        for chain in house.state().chains.ids() {
            let store = Change::SetColdStore { chain, address: Address([0xc0; 32]) };
            house.run(Command::Govern(store)).expect("the chain exists");
        }
        for layer in layers {
            let give = Command::Contribute { account: giver, layer, amount: part(money, 1, 20) };
            house.run(give).expect("cash was deposited");
        }
        let tokens = house.state().chains.iter().flat_map(|(chain, record)| {
            record.tokens.iter().map(move |token| Token { asset: token.asset, chain })
        });
        let tokens = tokens.collect();
        let prices =
            house.genesis.assets.iter().zip(house.state().assets.iter()).map(|(asset, (_, record))| {
                let price = record.index.unwrap_or(Price::ONE);
                (asset.symbol.clone(), price, price)
            });
        let prices = prices.collect();
        let mut world = Self { house, seen: Seen::new(), accounts, tokens, prices, together: None, vaults };
        // A coin without a market has no price yet.
        world.house.price("USDT", Price::ONE);
        let mut engine = Engine::new(&world.house.genesis).expect("it was valid before");
        let mut out = Outcome::default();
        for block in &world.house.blocks {
            engine.apply(block, &mut out);
            world.vaults.note(block, &out);
        }
        world
    }

    /// Takes a step. Panics where the engine does, or where a refused command has changed something.
    pub(crate) fn take(&mut self, step: Step) {
        match step {
            Step::Wait { seconds, blocks } => {
                for _ in 0..blocks {
                    let later = self.house.now().after(Millis::seconds(seconds));
                    let commands = self.together.take().unwrap_or_default();
                    let block = self.house.next_block_at(later, commands);
                    self.apply(block);
                }
            }
            Step::Together => self.together = Some(self.together.take().unwrap_or_default()),
            Step::Move { .. } | Step::Odd { .. } => {
                self.quote(step);
                self.block(Vec::new());
            }
            Step::Deposit { who, token, sum, safe } => {
                let token = self.token(token);
                let unit =
                    self.house.state().token(token).map_or(Amount::from_wei(1), |token| token.params.unit);
                let some = sum.of_what(self.worth_in(token, 10_000));
                // Most deposits are whole in the token's unit, as a vault's are.
                let amount = if matches!(sum, Sum::Part(_)) { floor(some, unit) } else { some };
                let spoke = self.spoke(token.chain);
                spoke.holds_finality |= safe;
                spoke.deposit(owner(&name(who % (PEOPLE + 1))), token.asset, amount);
                self.block(Vec::new());
            }
            Step::Recall { chain, sum } => {
                let chain = self.chain(chain);
                let Some(record) = self.house.state().chains.find(chain) else { return };
                let (cold, asset) = (record.money.cold(), record.coin);
                let amount = sum.of_what(if cold.is_zero() { Amount::whole(10) } else { cold });
                let amount = floor(amount, Amount::from_wei(1_000_000_000_000));
                self.spoke(chain).deposit(Owner::RESERVE, asset, amount);
                self.block(Vec::new());
            }
            Step::Take { lot, sum } => {
                let now = self.house.now();
                if let Some((lot, offer)) = pick(&self.house.offers(), lot) {
                    let wanted = sum.of_what(offer.left);
                    let spokes = &mut self.house.spokes;
                    spokes.iter_mut().find_map(|spoke| spoke.take(lot, wanted, Address([7; 32]), now));
                    self.block(Vec::new());
                }
            }
            Step::Expire { lot } => {
                if let Some((lot, _)) = pick(&self.house.offers(), lot) {
                    self.house.spokes.iter_mut().for_each(|spoke| {
                        spoke.expire(lot);
                    });
                    self.block(Vec::new());
                }
            }
            Step::Finalise { chain } => {
                let chain = self.chain(chain);
                self.spoke(chain).holds_finality = false;
                self.block(Vec::new());
            }
            Step::Deaf { chain } => {
                let chain = self.chain(chain);
                let spoke = self.spoke(chain);
                spoke.loses_orders = !spoke.loses_orders;
            }
            Step::Measure { sum } => self.measure(sum),
            Step::Reorg { chain, events } => {
                let chain = self.chain(chain);
                let spoke = self.spoke(chain);
                let back = usize::from(events) % spoke.unfinal().len().max(1);
                let from = spoke.unfinal().iter().rev().nth(back).map(|(sequence, _)| *sequence);
                if let Some(dropped) = from.and_then(|from| spoke.drop_from(from)) {
                    self.house.tell(dropped);
                    self.block(Vec::new());
                }
            }
            Step::Lie { chain, lie, sum } => {
                let chain = self.chain(chain);
                self.lie(chain, lie, sum);
                self.block(Vec::new());
            }
            Step::Trade { .. }
            | Step::Close { .. }
            | Step::Withdraw { .. }
            | Step::Lend { .. }
            | Step::Redeem { .. }
            | Step::Borrow { .. }
            | Step::Repay { .. }
            | Step::Contribute { .. }
            | Step::Liquidate { .. }
            | Step::SafeMode
            | Step::Tune { .. }
            | Step::Relist { .. }
            | Step::Deepen { .. }
            | Step::WriteDown { .. }
            | Step::Register { .. }
            | Step::Collect { .. }
            | Step::Grow { .. } => {
                let command = self.command(step);
                match &mut self.together {
                    Some(together) if together.len() < 8 => together.push(command),
                    Some(_) | None => self.one(command),
                }
            }
        }
    }

    /// The command that a step stands for, with figures of now.
    fn command(&self, step: Step) -> Command {
        let state = self.house.state();
        match step {
            Step::Trade { who, market, long, by, sum, limit, reduce_only } => {
                let (account, market) = (self.account(who), self.market(market));
                let mark = state.markets.find(market).and_then(|market| market.prices.last_mark);
                let position =
                    state.accounts.find(account).and_then(|record| record.position(market)).copied();
                let leverage = |account| view::account(state, account).map_or(Amount::ZERO, |view| view.cash);
                let quote = leverage(account).checked_add(leverage(account)).unwrap_or(Amount::LIMIT);
                let amount = match by {
                    By::Quote => TradeAmount::Quote(sum.of_what(quote)),
                    By::Base => {
                        let mark = mark.unwrap_or(Price::ONE);
                        let bought = || quote.at_price_down(mark).unwrap_or(Amount::LIMIT);
                        TradeAmount::Base(
                            sum.of_what(position.map_or_else(bought, |held| held.size.magnitude())),
                        )
                    }
                };
                let side = if long { Side::Long } else { Side::Short };
                Command::Trade { account, market, side, amount, limit: mark.filter(|_| limit), reduce_only }
            }
            Step::Close { who, market } => Command::ClosePosition {
                account: self.account(who),
                market: self.market(market),
                limit: None,
            },
            Step::Withdraw { who, token, sum } => {
                let (account, token) = (self.account(who), self.token(token));
                let held =
                    state.accounts.find(account).map_or(Amount::ZERO, |a| a.balances.collateral(token));
                let cash = view::account(state, account).map_or(Amount::ZERO, |view| view.cash);
                let have = if held.is_zero() { cash } else { held };
                // What waits is sometimes cancelled, else raised.
                match state.waiting.find((account, token)).map(|entry| entry.place % 3) {
                    Some(0) => Command::CancelWithdrawal { account, token },
                    _ => Command::RequestWithdrawal { account, token, amount: sum.of_what(have) },
                }
            }
            Step::Lend { who, chain, sum } => {
                let (account, chain) = (self.account(who), self.chain(chain));
                let cash = view::account(state, account).map_or(Amount::ZERO, |view| view.cash);
                Command::Lend { account, chain, amount: sum.of_what(cash) }
            }
            Step::Redeem { who, chain, sum } => {
                let chain = self.chain(chain);
                let lenders = self.accounts.iter().copied();
                let lenders = lenders.filter(|account| state.lenders.find((chain, *account)).is_some());
                let account = pick(&lenders.collect::<Vec<_>>(), who).unwrap_or(self.account(who));
                let lent =
                    state.chains.find(chain).map(|_| ballast_engine::credit::lent(state, chain, account));
                let amount = sum.map(|sum| sum.of_what(lent.unwrap_or_default()));
                Command::Redeem { account, chain, amount }
            }
            Step::Borrow { who, chain, sum } => {
                let (account, chain) = (self.account(who), self.chain(chain));
                let none = ballast_engine::risk::health::Whatif::default();
                let room = state
                    .accounts
                    .find(account)
                    .map(|_| ballast_engine::risk::health::withdrawal(state, account, none).positive_part());
                Command::Borrow { account, chain, amount: sum.of_what(room.unwrap_or_default()) }
            }
            Step::Repay { who, chain, sum } => {
                let chain = self.chain(chain);
                let borrowers = self.accounts.iter().copied().filter(|account| {
                    state.accounts.find(*account).is_some_and(|record| record.loan(chain).is_some())
                });
                let account = pick(&borrowers.collect::<Vec<_>>(), who).unwrap_or(self.account(who));
                let loans = view::account(state, account).map(|view| view.loans).unwrap_or_default();
                let owed =
                    loans.iter().find(|loan| loan.chain == chain).map(|loan| loan.principal + loan.interest);
                let amount = sum.map(|sum| sum.of_what(owed.unwrap_or_default()));
                Command::Repay { account, chain, amount }
            }
            Step::Contribute { who, layer, sum } => {
                let account = self.account(who);
                let cash = view::account(state, account).map_or(Amount::ZERO, |view| view.cash);
                Command::Contribute { account, layer: self.layer(layer), amount: sum.of_what(cash) }
            }
            Step::Liquidate { who } => Command::LiquidateAccount { account: self.account(who) },
            Step::Tune { market, dial, notch } => {
                let market = self.market(market);
                let params =
                    state.markets.find(market).map(|market| market.params.clone()).unwrap_or_default();
                let params = Box::new(tuned(params, dial, notch));
                Command::Govern(Change::Market { market, params })
            }
            Step::Relist { token, dial, notch } => {
                let token = self.token(token);
                let params = state.token(token).map(|token| token.params).unwrap_or_default();
                Command::Govern(Change::Token { token, params: relisted(params, dial, notch) })
            }
            Step::Deepen { market, bps } => {
                let factor = Ratio::ONE + Ratio::bps(i64::from(bps));
                Command::Govern(Change::Depth { market: self.market(market), factor })
            }
            Step::WriteDown { token, percent } => {
                let worth = Ratio::percent(i64::from(percent % 120));
                Command::Govern(Change::WriteDown { token: self.token(token), worth })
            }
            Step::Register { who, chain } => {
                let chain = self.chain(chain);
                Command::RegisterAddress { account: self.account(who), chain, address: Address([who; 32]) }
            }
            Step::Collect { chain, sum } => {
                let amount = sum.of_what(state.house.money.float());
                Command::Govern(Change::Collect { chain: self.chain(chain), amount })
            }
            Step::Grow { like } => Command::Govern(Change::AddChain { params: Box::new(self.another(like)) }),
            _ => Command::EnterSafeMode,
        }
    }

    /// A chain with the terms of another one. Where there are five, one that is refused.
    fn another(&self, like: u8) -> ChainParams {
        let chains = &self.house.state().chains;
        let record = chains.get(ChainId(u16::from(like % 3)));
        let domain = if chains.len() < 5 { Hash::default() } else { record.domain };
        ChainParams {
            tier: record.tier,
            block_time: record.block_time,
            inclusion_p95: record.inclusion_p95,
            coin: record.coin,
            tokens: record.tokens.iter().map(|token| (token.asset, token.params)).collect(),
            rate: record.rate,
            tranche_cap: record.tranche_cap,
            pending_cap: record.pending_cap,
            debt_min: record.debt_min,
            auction: record.auction,
            domain,
            kind: record.kind,
        }
    }

    /// A command that is the last of its block. Refused, it leaves what the block without it leaves, to the byte.
    fn one(&mut self, command: Command) {
        let mut without = self.house.engine.clone();
        let mut commands = self.together.take().unwrap_or_default();
        let number = u32::try_from(commands.len()).unwrap_or(u32::MAX);
        commands.push(command);
        let mut block = self.house.next_block_at(self.house.now(), commands);
        let out = self.apply(block.clone());
        if reject_of(&out, BlockPart::Command, number).is_some() {
            let command = block.commands.pop();
            without.apply(&block, &mut Outcome::default());
            let same = without.snapshot() == self.house.engine.snapshot();
            assert!(same, "refused, and yet it changed something: {command:?}");
        }
    }

    fn block(&mut self, commands: Vec<Command>) -> Outcome {
        let mut all = self.together.take().unwrap_or_default();
        all.extend(commands);
        let block = self.house.next_block_at(self.house.now(), all);
        self.apply(block)
    }

    fn apply(&mut self, block: Block) -> Outcome {
        let out = self.house.apply_block(block);
        for event in &out.events {
            if let Event::ChainAdded { chain, .. } = *event {
                let record = self.house.state().chains.get(chain);
                self.vaults.add_chain(chain, record.coin);
                self.tokens.extend(record.tokens.iter().map(|token| Token { asset: token.asset, chain }));
            }
        }
        let block = self.house.blocks.last().expect("just applied");
        self.vaults.note(block, &out);
        self.vaults.compare(&self.house);
        for event in &out.events {
            let text = format!("{event:?}");
            let name = text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
            *self.seen.entry(name.to_owned()).or_default() += 1;
        }
        for refused in &out.rejects {
            *self.seen.entry(refused.reject.code().to_owned()).or_default() += 1;
        }
        out
    }

    /// Every source measures the same depth and costs everywhere.
    fn measure(&mut self, sum: Sum) {
        let mut block = self.house.next_block_at(self.house.now(), Vec::new());
        let time = block.time;
        let depth = sum.of_what(Amount::whole(20_000));
        for source in (0..3).map(SourceId) {
            let depths = self.tokens.iter().map(|token| DepthReport { token: *token, source, depth, time });
            block.depths.extend(depths);
            let chains = self.house.state().chains.ids();
            let (gas, bridge) = (sum.of_what(Amount::whole(5)), sum.of_what(Amount::whole(20)));
            block.costs.extend(chains.map(|chain| CostReport { chain, source, gas, bridge, time }));
        }
        self.apply(block);
    }

    fn quote(&mut self, step: Step) {
        match step {
            Step::Move { asset, percent } => {
                let at = usize::from(asset) % self.prices.len();
                let (symbol, price, _) = &mut self.prices[at];
                let factor = Ratio::ONE + Ratio::percent(i64::from(percent));
                // Far enough for every guard, near enough that something can still be paid.
                let moved = price.mul_ratio_down(factor).unwrap_or(*price);
                if moved.in_range() && Price::from_wei(1_000_000).is_ok_and(|least| least < moved) {
                    *price = moved;
                }
                let (symbol, price) = (symbol.clone(), *price);
                self.house.quote(&symbol, price);
            }
            Step::Odd { asset, oddity } => {
                let at = usize::from(asset) % self.prices.len();
                let (symbol, price, first) = self.prices[at].clone();
                let double = price.mul_ratio_down(Ratio::whole(2)).ok().filter(|price| price.in_range());
                match oddity {
                    Oddity::Silent => self.house.silence(&symbol),
                    Oddity::Divergent => {
                        self.house.quote_each(&symbol, &[price, price, double.unwrap_or(price)])
                    }
                    Oddity::Few => self.house.quote_each(&symbol, &[price, price]),
                    Oddity::Highest => self.house.quote(&symbol, Price::LIMIT),
                    Oddity::Lowest => self.house.quote(&symbol, Price::from_wei(1).unwrap_or(Price::ONE)),
                    Oddity::First => {
                        self.prices[at].1 = first;
                        self.house.quote(&symbol, first);
                    }
                }
            }
            _ => {}
        }
    }

    fn lie(&mut self, chain: ChainId, lie: Lie, sum: Sum) {
        let state = self.house.state();
        let coin = state.chains.find(chain).map(|chain| chain.coin).unwrap_or_default();
        let last_lot = state.house.last_lot;
        let next = state.chains.find(chain).map_or(Sequence(1), |chain| chain.next_sequence);
        let amount = floor(sum.of_what(Amount::whole(1_000)), Amount::from_wei(1_000_000_000_000));
        let deposited = |owner| VaultEvent::Deposited { owner, asset: coin, amount };
        let backstop = state.accounts.find(AccountId(0)).map(|record| record.owner).unwrap_or_default();
        let stranger =
            Owner { address: Address([9; 32]), subaccount: u16::try_from(next.0 % 7).unwrap_or(0) };
        let seen = |sequence, version, event| Observation::Seen {
            chain,
            sequence,
            version: Hash([version; 32]),
            event,
        };
        let nonce =
            state.chains.find(chain).map_or(Nonce(1), |chain| Nonce(chain.next_nonce.0.saturating_sub(1)));
        match lie {
            Lie::Backstop => self.spoke(chain).claim(deposited(backstop)),
            Lie::Stranger => self.spoke(chain).claim(deposited(stranger)),
            Lie::Taken => {
                let paid = sum.of_what(Amount::whole(10_000));
                let taken = VaultEvent::Taken {
                    lot: last_lot,
                    taker: Address([8; 32]),
                    quantity: amount,
                    paid,
                    rebate: Amount::ZERO,
                };
                self.spoke(chain).claim(taken);
            }
            Lie::Expired => {
                let lot = if matches!(sum, Sum::Wei) { LotId(0) } else { last_lot };
                self.spoke(chain).claim(VaultEvent::Ended { lot, result: Hash::default() });
            }
            Lie::Released => self.spoke(chain).claim(VaultEvent::Executed { nonce }),
            Lie::Gap => self.house.tell(seen(Sequence(next.0 + 1), 1, deposited(stranger))),
            Lie::Again => self.house.tell(seen(Sequence(next.0.saturating_sub(1)), 0, deposited(stranger))),
            // Another branch, in which the last event is a stranger's deposit.
            Lie::Version => {
                let spoke = self.spoke(chain);
                if spoke.fork(Sequence(next.0.saturating_sub(1))).is_some() {
                    spoke.claim_first(deposited(stranger));
                }
            }
            Lie::FinalAhead => self.house.tell(Observation::Final {
                chain,
                sequence: next,
                time: ballast_units::Time::default(),
                block: Hash::default(),
            }),
            Lie::DropFinal => {
                let is_final = |chain: &Chain| Sequence(1) < chain.next_final;
                if self.house.state().chains.find(chain).is_some_and(is_final) {
                    self.house.tell(Observation::Dropped { chain, sequence: Sequence(1) });
                }
            }
        }
    }

    // Who and what: the last of each is one that does not exist.

    fn account(&self, who: u8) -> AccountId {
        self.accounts
            .get(usize::from(who) % (self.accounts.len() + 1))
            .copied()
            .unwrap_or(AccountId(1_000_000))
    }

    fn market(&self, market: u8) -> MarketId {
        // One in sixteen is unknown.
        if market % 16 == 15 { MarketId(1_000) } else { MarketId(u16::from(market % 2)) }
    }

    fn chain(&self, chain: u8) -> ChainId {
        let there = u8::try_from(self.house.spokes.len()).expect("five chains at most");
        if chain % 16 == 15 { ChainId(1_000) } else { ChainId(u16::from(chain % there)) }
    }

    fn token(&self, token: u8) -> Token {
        if token % 16 == 15 {
            return Token { asset: ballast_types::AssetId(1_000), chain: ChainId(0) };
        }
        self.tokens[usize::from(token % 16) % self.tokens.len()]
    }

    fn layer(&self, layer: u8) -> Layer {
        match layer % 4 {
            0 => Layer::Float,
            1 => Layer::Budget(self.market(layer >> 2)),
            2 => Layer::Tranche(Scope::Market(self.market(layer >> 2))),
            _ => Layer::Tranche(Scope::Chain(self.chain(layer >> 2))),
        }
    }

    fn spoke(&mut self, chain: ChainId) -> &mut crate::support::spoke::Spoke {
        let at = usize::from(chain.0) % self.house.spokes.len();
        &mut self.house.spokes[at]
    }

    /// So many dollars' worth of a token.
    fn worth_in(&self, token: Token, dollars: u64) -> Amount {
        let index = self.house.state().assets.find(token.asset).and_then(|asset| asset.index);
        index.and_then(|index| Amount::whole(dollars).at_price_down(index).ok()).unwrap_or(Amount::whole(1))
    }
}

impl Sum {
    /// So much of what is there.
    fn of_what(self, there: Amount) -> Amount {
        match self {
            Self::Part(part) => {
                there.share_down(Amount::from_wei(part.into()), Amount::from_wei(64)).unwrap_or(there)
            }
            Self::Exact => there,
            Self::OneMore => there.checked_add(Amount::from_wei(1)).unwrap_or(there),
            Self::Whole(units) => Amount::whole(units.into()),
            Self::Wei => Amount::from_wei(1),
            Self::Zero => Amount::ZERO,
            Self::Limit => Amount::LIMIT,
            Self::Most => Amount::MAX,
        }
    }
}

fn tuned(params: MarketParams, dial: u8, notch: u8) -> MarketParams {
    let bps = Ratio::bps(i64::from(notch) * 4);
    let dollars = Amount::whole(u64::from(notch) * u64::from(notch) * 10);
    let on = notch & 1 == 0;
    match dial % 16 {
        0 => MarketParams { fee_trade: Bps::new(u32::from(notch)), ..params },
        1 => MarketParams { fee_liquidation: Bps::new(u32::from(notch)), ..params },
        2 => MarketParams { margin_maintenance: bps, ..params },
        3 => MarketParams { leverage_max: Ratio::whole(i64::from(notch)), ..params },
        4 => MarketParams { margin_size_term: on, ..params },
        5 => MarketParams { open_interest_cap: dollars, ..params },
        6 => MarketParams { band: on.then_some(bps), ..params },
        7 => MarketParams { move_limit: on.then_some(bps), ..params },
        8 => MarketParams { reduce_keeps_health: on, ..params },
        9 => MarketParams { funding_clamp: on.then_some(bps), ..params },
        10 => MarketParams { variation_margin: on, ..params },
        11 => MarketParams { claim_age: on, ..params },
        12 => MarketParams { recentre: on, ..params },
        13 => MarketParams { backstop_cap: dollars, ..params },
        14 => MarketParams { funding_period: Millis::seconds(u64::from(notch) * 60), ..params },
        _ => MarketParams { tranche_cap: dollars, budget_cap: dollars, ..params },
    }
}

fn relisted(params: TokenParams, dial: u8, notch: u8) -> TokenParams {
    let dollars = Amount::whole(u64::from(notch) * u64::from(notch) * 4);
    match dial % 6 {
        0 => TokenParams { threshold: Ratio::percent(100 + i64::from(notch)), ..params },
        1 => TokenParams { threshold_initial: Ratio::percent(100 + i64::from(notch)), ..params },
        2 => TokenParams { dust: dollars, ..params },
        3 => TokenParams { auction_cap: dollars, ..params },
        4 => TokenParams { reserve_cap: dollars, ..params },
        _ => TokenParams { par_share: Ratio::percent(i64::from(notch)), ..params },
    }
}

fn name(who: u8) -> String {
    format!("walker {who}")
}

fn pick<T: Copy>(items: &[T], which: u8) -> Option<T> {
    items.get(usize::from(which) % items.len().max(1)).copied()
}

fn part(amount: Amount, part: u128, whole: u128) -> Amount {
    amount.share_down(Amount::from_wei(part), Amount::from_wei(whole)).expect("a part of it")
}

fn floor(amount: Amount, unit: Amount) -> Amount {
    Amount::from_wei(amount.wei() / unit.wei() * unit.wei())
}
