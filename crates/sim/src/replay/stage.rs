//! Before the first moment: a genesis for these prices, and everybody's way into the house.
//!
//! - Genesis is the house's own without the assets that have no candles, its markets at the first price and as
//!   deep as the scenario says, its caps in dollars scaled by the number of accounts; the scenario's parameters
//!   replace the house's.
//! - People open accounts, then deposit; when their deposits are final everywhere, layers are filled, pools lent to,
//!   loans paid out; then positions are opened, spread over what is left of the warm-up.
//! - Borrowers have sizes and healths of a book. A loan must meet the initial threshold, so that nobody starts
//!   below it, as some in a real book do.

use super::ReplayError;
use super::identities::{Identities, numbered};
use super::places::{ChainPlace, Places, TokenPlace};
use super::savers::Saver;
use super::traders::{OPENED, Taste, open, weighted, within};
use crate::book::Book;
use crate::house;
use crate::path::MarketData;
use crate::scenario::Scenario;
use crate::seed::{Q32_ONE, Seed, Stream};
use ballast_engine::State;
use ballast_spoke::{Spoke, SpokeError};
use ballast_types::{
    AccountId, AssetGenesis, ChainId, Command, Genesis, Layer, Nonce, OrderAction, Owner, RegionId, Scope,
    Token, TokenGenesis, TokenParams, TradeAmount,
};
use ballast_units::{Amount, Bps, Millis, Ratio, Time};
use serde_json::Value;
use std::collections::BTreeMap;

/// A loan stays this far below what initial health allows: sources disagree a little.
const LOAN_ROOM: Ratio = Ratio::bps(9_950);

/// Commands of one block of the warm-up, at most.
const BLOCK_COMMANDS: usize = 10_000;

/// A position on a volatile token has this leverage at most.
const LEVERAGE_ON_TOKEN: i64 = 2;

/// What keepers stake.
const STAKE: &str = "BAL";

/// A keeper's uptime is told once it has been there for so long: no warm-up is a day long.
const UPTIME_AGE: Millis = Millis::minutes(10);

/// Cores and memory of every keeper, GiB.
const HARDWARE: [u32; 2] = [32, 64];

/// How often a position that was refused is tried again, each time smaller.
const TRIES: u8 = 5;

/// How long it takes until everybody of so many is in.
pub(super) fn opening(scenario: &Scenario) -> Millis {
    // The house's own come on top; one block more until the last deposits are sent.
    let house = u64::from(scenario.makers.number) + u64::from(scenario.keepers.number);
    let accounts = u64::from(scenario.accounts) + house + 100;
    let blocks = accounts.div_ceil(BLOCK_COMMANDS as u64) + 2;
    Millis::new(blocks * scenario.block_time.get())
}

/// The house's genesis for a scenario and its prices.
pub(super) fn genesis(scenario: &Scenario, data: &MarketData, from: Time) -> Result<Genesis, ReplayError> {
    let start = from.millis().checked_sub(scenario.warm_up.get());
    let mut genesis = Genesis {
        time: Time::from_millis(start.ok_or(ReplayError::WarmUpBeforeTime { warm_up: scenario.warm_up })?),
        ..house::genesis()
    };
    house::set_minimums(&mut genesis);
    let known = |symbol: &str| data.paths().contains_key(symbol);
    let stable: Vec<String> =
        genesis.assets.iter().filter(|asset| asset.stable).map(|asset| asset.symbol.clone()).collect();
    let kept = |symbol: &String| known(symbol) || stable.contains(symbol);
    genesis.chains.retain(|chain| !scenario.without_chains.contains(&chain.name));
    genesis.assets.retain(|asset| kept(&asset.symbol));
    genesis.markets.retain(|market| known(&market.asset));
    for chain in &mut genesis.chains {
        chain.tokens.retain(|token| kept(&token.asset));
        for cap in [&mut chain.tranche_cap, &mut chain.pending_cap] {
            *cap = scenario.scaled(*cap);
        }
        for params in chain.tokens.iter_mut().map(|token| &mut token.params) {
            params.auction_cap = scenario.scaled(params.auction_cap);
            params.reserve_cap = scenario.scaled(params.reserve_cap);
        }
    }
    for market in &mut genesis.markets {
        let price = data.at(&market.asset, from).expect("the first moment is one that all assets have");
        let house = market.quote_reserve;
        let depth = scenario.scaled(scenario.depth.get(&market.asset).copied().unwrap_or(house));
        let scaled = |dollars: Amount| dollars.share_down(depth, house).expect("caps and depths are bounded");
        market.base_reserve = depth.at_price_down(price).expect("a bounded depth at a price");
        market.quote_reserve = depth;
        let params = &mut market.params;
        for cap in [
            &mut params.open_interest_cap,
            &mut params.open_interest_margin_from,
            &mut params.open_interest_margin_full,
        ] {
            *cap = scaled(*cap);
        }
        for cap in [&mut params.backstop_cap, &mut params.tranche_cap, &mut params.budget_cap] {
            *cap = scenario.scaled(*cap);
        }
        if !scenario.depth_formula {
            params.depth = None;
        }
    }
    if 0 < scenario.keepers.number {
        staked(&mut genesis);
    }
    overridden(&genesis, &scenario.genesis)
}

/// Keepers stake a token that the first chain lists. They have all been up since they registered, a while before the
/// first moment: their uptime is told from then on.
fn staked(genesis: &mut Genesis) {
    genesis.assets.push(AssetGenesis { symbol: STAKE.to_owned(), stable: false });
    let token = TokenGenesis { asset: STAKE.to_owned(), params: TokenParams::default() };
    genesis.chains.first_mut().expect("a house has chains").tokens.push(token);
    genesis.stake_asset = Some(STAKE.to_owned());
    genesis.keepers.uptime_age_min = UPTIME_AGE;
}

/// A genesis with some of its parameters replaced. In JSON, which has a word for a guard that is off.
fn overridden(genesis: &Genesis, changes: &toml::Table) -> Result<Genesis, ReplayError> {
    let fault = |error: serde_json::Error| ReplayError::Genesis { fault: error.to_string() };
    let mut base = serde_json::to_value(genesis).map_err(fault)?;
    merge(&mut base, serde_json::to_value(changes).map_err(fault)?, "genesis")?;
    serde_json::from_value(base).map_err(fault)
}

/// Puts the values of `changes` in the place of those of `base`. Entries of lists are found by their name; what
/// is "off" is nothing.
fn merge(base: &mut Value, changes: Value, place: &str) -> Result<(), ReplayError> {
    let fault = |fault: String| ReplayError::Genesis { fault };
    match (base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (key, change) in changes {
                let place = format!("{place}.{key}");
                let value = base.get_mut(&key);
                merge(value.ok_or_else(|| fault(format!("{place}: no such parameter")))?, change, &place)?;
            }
        }
        (Value::Array(base), Value::Array(changes)) if changes.iter().all(Value::is_object) => {
            for change in changes {
                let name = entry_name(&change).map(str::to_owned);
                let name =
                    name.ok_or_else(|| fault(format!("{place}: an entry needs a name, symbol or asset")))?;
                let found = base.iter_mut().find(|entry| entry_name(entry) == Some(&name));
                let entry = found.ok_or_else(|| fault(format!("{place}: nothing here is called {name}")))?;
                merge(entry, change, &format!("{place}.{name}"))?;
            }
        }
        (base, Value::String(word)) if word == "off" => *base = Value::Null,
        (base, change) => *base = change,
    }
    Ok(())
}

fn entry_name(entry: &Value) -> Option<&str> {
    ["name", "symbol", "asset"].iter().find_map(|key| entry.get(key)?.as_str())
}

/// Who is who, and what they do before the first moment.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// Deposits, to be sent once every account is open.
    deposits: Vec<(Owner, Token, Amount)>,
    /// Some of them are sent.
    sending: bool,
    /// When that is, and the last of them.
    open_by: Time,
    last: (AccountId, Owner),
    people: u64,
    /// Commands to come, by time and number.
    schedule: BTreeMap<(Time, u64), Command>,
    number: u64,
    /// Positions of the warm-up that may be tried again, and how often they were.
    tries: BTreeMap<AccountId, u8>,
    pub(super) makers: Vec<AccountId>,
    /// Each with the coin that it withdraws.
    pub(super) traders: Vec<(AccountId, Token)>,
    pub(super) followers: Vec<AccountId>,
    pub(super) savers: Vec<Saver>,
}

/// Puts everybody on the stage.
struct Casting<'a> {
    scenario: &'a Scenario,
    identities: Identities,
    places: &'a Places,
    from: Time,
    /// When every deposit is final.
    ready: Time,
    seed: Seed,
    next: u32,
    /// People so far, and before these.
    accounts: u64,
    before: u64,
    /// Chains whose tranches they fill.
    present: Vec<&'a ChainPlace>,
    chains: Vec<(usize, u64)>,
    stage: Stage,
    commands: Vec<Command>,
    loans: Vec<Command>,
    positions: Vec<Command>,
    /// The last keeper colludes with the next one.
    colluding: bool,
}

/// What a borrower brings, and what it borrows on the first chain.
struct Plan<'a> {
    home: &'a ChainPlace,
    parts: Vec<(TokenPlace, Amount)>,
    /// Of the parts, each divided by its threshold.
    at_maintenance: Amount,
    loan: Amount,
}

impl Stage {
    /// People of these chains, from `start` on; their deposits are final at `ready`. `first` is the first account id that
    /// the engine will give out, `before` how many people came before.
    pub(super) fn new(
        scenario: &Scenario,
        identities: Identities,
        places: &Places,
        book: &Book,
        present: &[ChainId],
        (first, before): (AccountId, u64),
        [start, ready, from]: [Time; 3],
    ) -> Self {
        let seed = Seed::new(scenario.seed);
        let present: Vec<&ChainPlace> = present.iter().map(|chain| places.chain(*chain)).collect();
        let weight = |chain: &ChainPlace| {
            let listed = scenario.chain_weights.get(&chain.name).copied().unwrap_or(0);
            if chain.tokens.is_empty() { 0 } else { listed }
        };
        let mut casting = Casting {
            scenario,
            identities,
            places,
            from,
            ready,
            seed,
            next: first.0,
            accounts: before,
            before,
            chains: present
                .iter()
                .map(|chain| (usize::from(chain.id.0), weight(chain)))
                .filter(|(_, weight)| 0 < *weight)
                .collect(),
            present,
            stage: Stage {
                people: before,
                deposits: Vec::new(),
                sending: false,
                open_by: start,
                last: (first, identities.of_owner(before)),
                schedule: BTreeMap::new(),
                number: 0,
                tries: BTreeMap::new(),
                makers: Vec::new(),
                traders: Vec::new(),
                followers: Vec::new(),
                savers: Vec::new(),
            },
            commands: Vec::new(),
            loans: Vec::new(),
            positions: Vec::new(),
            colluding: false,
        };
        if casting.chains.is_empty() {
            let first = casting.present.first().expect("a house has chains");
            casting.chains = vec![(usize::from(first.id.0), 1)];
        }
        casting.house();
        casting.people(book);
        casting.schedule(start)
    }

    /// What is due by `now`.
    pub(super) fn act(&mut self, now: Time, out: &mut Vec<Command>) {
        while let Some(entry) = self.schedule.first_entry().filter(|entry| entry.key().0 <= now) {
            out.push(entry.remove());
        }
    }

    /// Sends the deposits that are due by `now`, to vaults that know their tokens. What cannot be sent is sent in the next
    /// block.
    pub(super) fn deposit<S: Spoke>(&mut self, state: &State, chains: &mut [S], now: Time) {
        if now <= self.open_by || self.deposits.is_empty() {
            return;
        }
        if !self.sending {
            let (account, owner) = self.last;
            assert_eq!(
                state.account_of(owner),
                Some(account),
                "accounts are opened in the order of their ids"
            );
        }
        self.sending = true;
        let untold = |chain: ChainId| {
            let orders = state.orders.range((chain, Nonce(0))..=(chain, Nonce(u64::MAX)));
            let mut orders = orders.filter(|(_, sent)| sent.seen.is_none());
            orders.any(|(_, sent)| {
                matches!(sent.order.action, OrderAction::ListToken { .. } | OrderAction::SetLimits { .. })
            })
        };
        let untold: Vec<bool> = chains.iter().map(|chain| untold(chain.chain())).collect();
        self.deposits.retain(|(owner, token, amount)| {
            if untold[usize::from(token.chain.0)] {
                return true;
            }
            let sent = chains[usize::from(token.chain.0)].deposit(*owner, token.asset, *amount);
            match sent {
                Ok(_) => false,
                Err(SpokeError::Network { .. }) => true,
                Err(error) => panic!("whole units of a listed token: {error}"),
            }
        });
    }

    /// A position of the warm-up that was refused is tried again, smaller.
    pub(super) fn refused(&mut self, command: &Command, now: Time) {
        let Command::Trade { account, market, side, amount: TradeAmount::Quote(quote), .. } = *command else {
            return;
        };
        let Some(tries) = self.tries.get_mut(&account).filter(|tries| **tries < TRIES) else { return };
        *tries += 1;
        let smaller = quote.bps_down(Bps::new(7_000));
        self.later(now.after(Millis::seconds(20)), open(account, market, side, smaller));
    }

    /// How many people came, those before them included.
    pub(super) fn people(&self) -> u64 {
        self.people
    }

    fn later(&mut self, time: Time, command: Command) {
        self.number += 1;
        self.schedule.insert((time, self.number), command);
    }
}

impl<'a> Casting<'a> {
    /// The house's own accounts: who fills the layers, and the arbitrageurs.
    fn house(&mut self) {
        let scenario = self.scenario;
        let layers = &scenario.layers;
        let (seeder, owner) = self.open();
        let mut total = Amount::ZERO;
        let mut gifts = Vec::new();
        for market in &self.places.markets {
            gifts.push((Layer::Tranche(Scope::Market(market.id)), layers.tranche_market));
            gifts.push((Layer::Budget(market.id), layers.budget));
        }
        for chain in &self.present {
            gifts.push((Layer::Tranche(Scope::Chain(chain.id)), layers.tranche_chain));
        }
        gifts.push((Layer::Float, layers.float));
        for (layer, amount) in gifts {
            let amount = scenario.scaled(amount);
            if !amount.is_zero() {
                total += amount;
                self.commands.push(Command::Contribute { account: seeder, layer, amount });
            }
        }
        let coin = self.places.chains[self.chains[0].0].coin;
        // One unit more on top of what is rounded off.
        self.deposit(owner, coin, total + coin.unit);
        let capital = scenario.scaled(scenario.makers.capital);
        let each = capital.share_down(Amount::whole(1), Amount::whole(scenario.makers.number.max(1).into()));
        for number in 0..scenario.makers.number {
            let (account, owner) = self.open();
            let at = usize::try_from(number).unwrap_or(0) % self.chains.len();
            let coin = self.places.chains[self.chains[at].0].coin;
            self.deposit(owner, coin, each.expect("a part of a bounded total"));
            self.stage.makers.push(account);
        }
        self.keepers();
    }

    /// Keepers, each with its stake. Two that collude have one operator.
    fn keepers(&mut self) {
        let terms = &self.scenario.keepers;
        let first = self.places.chains.first().expect("a house has chains");
        let Some(token) = first.stake else { return };
        let mut stream = self.seed.stream("stakes");
        let [low, high] = terms.stake;
        let mut operators = 0_u64;
        for (number, role) in (0_u32..).zip(super::keepers::roles(terms)) {
            let (account, owner) = self.open();
            let stake = Amount::whole(stream.between(low, high));
            self.deposit(owner, token, stake);
            let pair = role == super::keepers::Role::Colluding && self.colluding;
            operators += u64::from(!pair);
            self.colluding = role == super::keepers::Role::Colluding && !self.colluding;
            let region = u16::try_from(number % terms.regions.max(1)).unwrap_or(0);
            self.commands.push(Command::RegisterKeeper {
                account,
                operator: numbered(0x0b, operators),
                region: RegionId(region),
                cores: HARDWARE[0],
                memory: HARDWARE[1],
                signer: (self.identities.keeper)(number),
                stake,
            });
        }
    }

    fn people(&mut self, book: &Book) {
        let people = &self.scenario.people;
        let all = u64::from(self.scenario.accounts);
        let count = |share: Ratio| {
            let part = Amount::whole(all).mul_ratio_down(share).expect("a share of the accounts");
            usize::try_from(part.wei() / 10_u128.pow(18)).expect("no more than the accounts")
        };
        let [borrowers, traders, followers] = [people.borrowers, people.traders, people.followers].map(count);
        let lenders = count(people.lenders).max(self.chains.len());
        let lent = self.borrowers(borrowers, book);
        self.lenders(lenders, &lent);
        self.traders(traders);
        self.followers(followers);
        let left = usize::try_from(all).unwrap_or(usize::MAX);
        for _ in borrowers + traders + followers + lenders..left {
            let mut stream = self.seed.stream_at("idle", self.accounts);
            let (_, owner) = self.open();
            let chain = self.chain(&mut stream);
            let cash = self.cash(&mut stream);
            self.deposit(owner, chain.coin, cash);
        }
    }

    /// Collateral on a chain or two, and a loan on the first. Gives what is borrowed on each chain.
    fn borrowers(&mut self, number: usize, book: &Book) -> BTreeMap<ChainId, Amount> {
        let mut lent = BTreeMap::new();
        let mut stream = self.seed.stream("book");
        let drawn: Vec<_> = (0..number).map(|_| book.sample(&mut stream)).collect();
        let sum: Amount = drawn.iter().map(|borrower| borrower.collateral_usd).sum();
        let terms = &self.scenario.borrowers;
        let mean = terms.collateral_mean;
        let times = |factor: u64| mean.share_down(Amount::whole(factor), Amount::whole(1)).expect("checked");
        let (total, most) = (times(number as u64), times(terms.collateral_max));
        for borrower in drawn {
            let mut stream = self.seed.stream_at("borrower", self.accounts);
            let (account, owner) = self.open();
            let worth = borrower.collateral_usd.share_down(total, sum).expect("a part of the total");
            let worth = worth.min(most).max(terms.collateral_min);
            let drawn = self.chain(&mut stream);
            let Some(Plan { home, parts, at_maintenance, loan }) =
                self.borrow_on(drawn, worth, borrower.health, &mut stream).or_else(|| {
                    self.borrow_on(self.cheaper(drawn, &mut stream)?, worth, borrower.health, &mut stream)
                })
            else {
                let token = self.token(drawn, &mut stream);
                self.deposit_worth(owner, token, worth);
                continue;
            };
            let (first, _) = parts[0];
            for (token, worth) in parts {
                self.deposit_worth(owner, token, worth);
            }
            if within(terms.attentive, &mut stream) {
                let alarm = alarm(terms.alarm, at_maintenance, loan, &mut stream);
                let asset = first.token.asset;
                let alarm =
                    self.places.price(asset, self.from).mul_ratio_down(alarm).expect("a part of a price");
                self.stage.savers.push(Saver { account, owner, coin: home.coin, loan, asset, alarm });
            }
            *lent.entry(home.id).or_insert(Amount::ZERO) += loan;
            let address = owner.address;
            self.commands.push(Command::RegisterAddress { account, chain: home.id, address });
            self.loans.push(Command::Borrow { account, chain: home.id, amount: loan });
        }
        lent
    }

    /// What a borrower with so much collateral would bring and borrow there; none where the loan would be less than the
    /// chain's least.
    fn borrow_on(
        &self,
        home: &'a ChainPlace,
        worth: Amount,
        health: Bps,
        stream: &mut Stream,
    ) -> Option<Plan<'a>> {
        let first = self.token(home, stream);
        let mut parts = vec![(first, worth)];
        if within(self.scenario.borrowers.two_chains, stream) {
            let half = worth.bps_down(Bps::new(5_000));
            let away = self.other_chain(home, stream);
            parts = vec![(first, half), (self.token(away, stream), half)];
        }
        let (mut at_maintenance, mut at_initial) = (Amount::ZERO, Amount::ZERO);
        for (token, worth) in &parts {
            let (_, held) = self.worth_in(*token, *worth);
            at_maintenance += weighed(held, token.threshold);
            at_initial += weighed(held, token.threshold_initial);
        }
        let by_book =
            at_maintenance.mul_ratio_down(Ratio::ONE.div_down(health.ratio()).unwrap_or(Ratio::ONE));
        let at_most = at_initial.mul_ratio_down(LOAN_ROOM);
        let loan = by_book.expect("a bounded worth").min(at_most.expect("a bounded worth"));
        let loan = home.coin.whole_units(loan);
        let enough = !loan.is_zero() && home.debt_min <= loan;
        enough.then_some(Plan { home, parts, at_maintenance, loan })
    }

    /// A chain on which smaller loans are made than on `than`.
    fn cheaper(&self, than: &ChainPlace, stream: &mut Stream) -> Option<&'a ChainPlace> {
        let cheaper = |(at, _): &(usize, u64)| self.places.chains[*at].debt_min < than.debt_min;
        let others: Vec<_> = self.chains.iter().copied().filter(cheaper).collect();
        (!others.is_empty()).then(|| &self.places.chains[*weighted(&others, stream)])
    }

    /// Dollars for the loans of each chain, from as many lenders on each.
    fn lenders(&mut self, number: usize, lent: &BTreeMap<ChainId, Amount>) {
        let pool_use = self.scenario.borrowers.pool_use;
        for at in 0..number {
            let (account, owner) = self.open();
            let (chain, _) = self.chains[at % self.chains.len()];
            let chain = &self.places.chains[chain];
            let here = (number - at % self.chains.len()).div_ceil(self.chains.len());
            let loans = lent.get(&chain.id).copied().unwrap_or(Amount::ZERO);
            let pool = loans.mul_ratio_up(Ratio::ONE.div_up(pool_use).expect("a share above zero"));
            let part = pool.expect("a bounded total").share_up(Amount::whole(1), Amount::whole(here as u64));
            let amount = part.expect("a part of a bounded total") + Amount::whole(1);
            self.deposit(owner, chain.coin, amount);
            let amount = chain.coin.whole_units(amount);
            self.commands.push(Command::Lend { account, chain: chain.id, amount });
        }
    }

    fn traders(&mut self, number: usize) {
        let taste = self.taste();
        for _ in 0..number {
            let mut stream = self.seed.stream_at("trader", self.accounts);
            let (account, owner) = self.open();
            let chain = self.chain(&mut stream);
            let cash = self.cash(&mut stream);
            let (market, side) = (taste.market(&mut stream), taste.side(&mut stream));
            let quote = if within(self.scenario.traders.on_collateral, &mut stream) {
                let token = self.token(chain, &mut stream);
                let worth = cash.max(self.scenario.borrowers.collateral_min);
                let held = self.deposit_worth(owner, token, worth);
                // Fees are paid in cash.
                self.deposit(owner, chain.coin, cash.bps_up(Bps::new(500)));
                let worth = weighed(held, token.threshold_initial);
                worth
                    .mul_ratio_down(Ratio::whole(LEVERAGE_ON_TOKEN))
                    .and_then(|quote| quote.mul_ratio_down(OPENED))
            } else {
                self.deposit(owner, chain.coin, cash);
                Ok(taste.quote(cash, &mut stream))
            };
            self.positions.push(open(account, market, side, quote.expect("a bounded worth")));
            self.stage.tries.insert(account, 0);
            let (chain, address) = (chain.id, owner.address);
            self.commands.push(Command::RegisterAddress { account, chain, address });
            self.stage.traders.push((account, self.places.chain(chain).coin.token));
        }
    }

    fn followers(&mut self, number: usize) {
        for _ in 0..number {
            let mut stream = self.seed.stream_at("follower", self.accounts);
            let (account, owner) = self.open();
            let chain = self.chain(&mut stream);
            let cash = self.cash(&mut stream);
            self.deposit(owner, chain.coin, cash);
            self.stage.followers.push(account);
        }
    }

    fn schedule(mut self, start: Time) -> Stage {
        let step = self.scenario.block_time;
        let mut stage = self.stage;
        let mut at = start;
        for number in self.before..self.accounts {
            if (number - self.before).is_multiple_of(BLOCK_COMMANDS as u64) {
                at = at.after(step);
            }
            stage.later(at, Command::OpenAccount { owner: self.identities.of_owner(number) });
        }
        stage.open_by = at;
        let last = self.accounts - 1;
        stage.people = self.accounts;
        stage.last = (AccountId(self.next - 1), self.identities.of_owner(last));
        let mut at = self.ready;
        for commands in self.commands.chunks(BLOCK_COMMANDS).chain(self.loans.chunks(BLOCK_COMMANDS)) {
            at = at.after(step);
            for command in commands {
                stage.later(at, command.clone());
            }
        }
        // The last tenth of what is left is for those who are refused.
        self.seed.stream("order").shuffle(&mut self.positions);
        let span = self.from.since(at).get() / 10 * 9;
        let number = self.positions.len() as u64;
        for (position, command) in (1..).zip(self.positions) {
            stage.later(at.after(Millis::new(span * position / number)), command);
        }
        stage
    }

    /// The next account, opened in the order of ids.
    fn open(&mut self) -> (AccountId, Owner) {
        let opened = (AccountId(self.next), self.identities.of_owner(self.accounts));
        self.next += 1;
        self.accounts += 1;
        opened
    }

    fn chain(&self, stream: &mut Stream) -> &'a ChainPlace {
        &self.places.chains[*weighted(&self.chains, stream)]
    }

    /// Another chain than `home`, where there is one.
    fn other_chain(&self, home: &'a ChainPlace, stream: &mut Stream) -> &'a ChainPlace {
        let others = self.chains.iter().copied().filter(|(at, _)| self.places.chains[*at].id != home.id);
        match others.collect::<Vec<_>>().as_slice() {
            [] => home,
            others => &self.places.chains[*weighted(others, stream)],
        }
    }

    fn token(&self, chain: &ChainPlace, stream: &mut Stream) -> TokenPlace {
        match chain.tokens.as_slice() {
            [] => chain.coin,
            tokens => *stream.pick(tokens),
        }
    }

    fn cash(&self, stream: &mut Stream) -> Amount {
        let terms = &self.scenario.traders;
        let octaves = stream.normal().clamp(-3 * Q32_ONE, 3 * Q32_ONE) * i64::from(terms.cash_spread) / 100;
        let parts = crate::seed::scale_exp2(1_000_000, octaves);
        terms
            .cash_median
            .share_down(Amount::whole(parts), Amount::whole(1_000_000))
            .expect("a bounded median")
    }

    fn deposit(&mut self, owner: Owner, token: TokenPlace, amount: Amount) {
        let amount = token.whole_units(amount);
        if !amount.is_zero() {
            self.stage.deposits.push((owner, token.token, amount));
        }
    }

    /// Deposits so much worth of a token at the first price; gives what it is worth.
    fn deposit_worth(&mut self, owner: Owner, token: TokenPlace, worth: Amount) -> Amount {
        let (amount, held) = self.worth_in(token, worth);
        self.deposit(owner, token, amount);
        held
    }

    /// So much worth of a token at the first price, in whole units; and what they are worth.
    fn worth_in(&self, token: TokenPlace, worth: Amount) -> (Amount, Amount) {
        let price = self.places.price(token.token.asset, self.from);
        let amount = token.whole_units(worth.at_price_down(price).expect("a bounded worth at a price"));
        (amount, amount.value_down(price).expect("a bounded worth"))
    }

    fn taste(&self) -> Taste {
        taste(self.scenario, self.places)
    }
}

/// What traders choose: markets by their depth.
pub(super) fn taste(scenario: &Scenario, places: &Places) -> Taste {
    let markets = places.markets.iter().map(|market| (market.id, market.weight)).collect();
    Taste { long: scenario.traders.long, leverage: scenario.traders.leverage.clone(), markets }
}

/// Share of today's price at which health is what a borrower minds; never so high that it is soon.
fn alarm([low, high]: [Ratio; 2], weighed: Amount, loan: Amount, stream: &mut Stream) -> Ratio {
    let step = Ratio::from_wei((high - low).wei() / 1_000);
    let minded = low + Ratio::from_wei(step.wei() * i128::from(stream.below(1_000)));
    let health = weighed.ratio_to_down(loan).unwrap_or(minded);
    let share = minded.div_down(health).unwrap_or(Ratio::ONE);
    // Whoever begins lower minds half of the way down to the threshold.
    let half = (Ratio::ONE + Ratio::ONE.div_down(health).unwrap_or(Ratio::ONE)).mul_down(Ratio::percent(50));
    share.min(half.unwrap_or(share)).max(Ratio::from_wei(1))
}

/// A worth of collateral, divided by a threshold. Rounded down.
fn weighed(worth: Amount, threshold: Ratio) -> Amount {
    let share = Ratio::ONE.div_down(threshold).expect("no threshold is zero");
    worth.mul_ratio_down(share).expect("a threshold is not negative")
}
