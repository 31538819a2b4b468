//! Rejects E1001 to E1215: amounts and ids, safe mode and prices, events of vaults, takes of lots, measures of chains.
//!
//! - A test a reject, in the order of the enum: one file, however long, so that the order can be checked. Each goes through [`refused`], which applies a block with the
//!   offending part and its twin without it, and finds the same house after both.
//! - Where a figure is a bound, what lies on the bound is [`taken`].
//! - Not reachable through `Engine::apply` in a test: `E1009 AccountsFull`. It needs 2^32 accounts, which no
//!   machine that runs tests has the memory for. `E1011 ChainsFull` needs 2^16 chains, each of which every block looks at.

mod support;

use ballast_engine::{BlockPart, Engine, GenesisError, Outcome, Refused};
use ballast_types::digest::domain_in_process;
use ballast_types::{
    AccountId, Action, Address, AssetId, Block, ChainGenesis, ChainId, Change, Command, CostReport,
    DepthReport, Hash, Layer, MarketId, Nonce, Observation, OracleState, PriceReport, Reject, Sequence, Side,
    SourceId, Token, TokenParams, TradeAmount, VaultEvent, VaultLimits,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use support::{House, genesis, keepers, owner, price, whole};

/// What shows that a reject happens.
type Test = Option<fn()>;

/// Every code from E1001 to E1215 and its test; without one, for the reason in the header.
const COVERED: [(&str, Test); 25] = [
    ("E1001", Some(trade_rejects_a_limit_beyond_counting)),
    ("E1002", Some(amount_rejects_zero)),
    ("E1003", Some(amount_rejects_more_than_the_house_counts)),
    ("E1004", Some(command_rejects_an_unknown_account)),
    ("E1005", Some(command_rejects_an_unknown_market)),
    ("E1006", Some(input_rejects_an_unknown_chain)),
    ("E1007", Some(price_rejects_an_unknown_asset)),
    ("E1008", Some(input_rejects_a_token_that_the_vault_does_not_list)),
    ("E1009", None),
    ("E1010", Some(chain_rejects_the_domain_of_another)),
    ("E1011", None),
    ("E1012", Some(token_rejects_another_contract_and_a_stake_elsewhere)),
    ("E1101", Some(risk_rejects_safe_mode)),
    ("E1102", Some(trade_rejects_a_price_that_is_not_ready)),
    ("E1103", Some(price_rejects_more_than_the_house_counts)),
    ("E1104", Some(price_rejects_the_future)),
    ("E1105", Some(price_rejects_an_outdated_report)),
    ("E1106", Some(price_rejects_a_negative_confidence)),
    ("E1201", Some(event_rejects_a_gap)),
    ("E1202", Some(event_rejects_one_that_was_seen)),
    ("E1203", Some(finality_rejects_an_unknown_event)),
    ("E1204", Some(drop_rejects_a_final_event)),
    ("E1213", Some(measure_rejects_the_future)),
    ("E1214", Some(measure_rejects_an_outdated_report)),
    ("E1215", Some(limits_reject_a_second_order)),
];

#[test]
fn every_code_has_a_test() {
    let codes = Reject::CATALOG.iter().map(|info| info.code).filter(|code| code.starts_with("E1"));
    let covered = COVERED.iter().map(|(code, _)| *code);
    assert_eq!(codes.collect::<Vec<_>>(), covered.collect::<Vec<_>>());
    let untested = COVERED.iter().filter(|(_, test)| test.is_none()).map(|(code, _)| *code);
    assert_eq!(untested.collect::<Vec<_>>(), ["E1009", "E1011"]);
}

// Amounts and ids

#[test]
fn trade_rejects_a_limit_beyond_counting() {
    let mut house = House::new();
    let account = house.account("alice");
    // 2 ETH at (2^128 - 1) wei a unit are worth 2^129 - 2 wei, which 128 bits do not hold.
    let trade = |limit| Command::Trade {
        account,
        market: house.market("ETH"),
        side: Side::Short,
        amount: TradeAmount::Base(whole(2)),
        limit: Some(limit),
        reduce_only: false,
    };
    assert_eq!(refused(&house, trade(Price::MAX)), Reject::Overflow {});
    // At half of that they fit, and the trade is only a bad one: it gets less than the limit.
    let half = Price::from_wei(u128::MAX >> 1).expect("above zero");
    assert!(matches!(refused(&house, trade(half)), Reject::LimitExceeded { .. }));
}

#[test]
fn amount_rejects_zero() {
    let mut house = House::new();
    let account = house.account("alice");
    let (chain, token) = (house.chain("ethereum"), house.token("ETH", "ethereum"));
    for part in amounts(&house, account, Amount::ZERO) {
        assert_eq!(refused(&house, part), Reject::AmountZero {});
    }
    let amount = Some(Amount::ZERO);
    for command in [Command::Redeem { account, chain, amount }, Command::Repay { account, chain, amount }] {
        assert_eq!(refused(&house, command), Reject::AmountZero {});
    }
    taken(&house, deposit(&house, token, Amount::from_wei(1)));
}

#[test]
fn amount_rejects_more_than_the_house_counts() {
    let mut house = House::new();
    let account = house.account("alice");
    // 2^110 wei is the most that is counted.
    let limit = Amount::from_wei(1 << 110);
    let amount = Amount::from_wei((1 << 110) + 1);
    for part in amounts(&house, account, amount) {
        assert_eq!(refused(&house, part), Reject::AmountOutOfRange { amount, limit });
    }
}

#[test]
fn command_rejects_an_unknown_account() {
    let mut house = House::new();
    let AccountId(last) = house.account("alice");
    let account = AccountId(last + 1);
    let (chain, market, token) =
        (house.chain("ethereum"), house.market("ETH"), house.token("ETH", "ethereum"));
    let amount = whole(1);
    for command in [
        Command::RegisterAddress { account, chain, address: TAKER },
        trade(&house, account, TradeAmount::Quote(amount)),
        Command::ClosePosition { account, market, limit: None },
        Command::RequestWithdrawal { account, token, amount },
        Command::Lend { account, chain, amount },
        Command::Redeem { account, chain, amount: None },
        Command::Borrow { account, chain, amount },
        Command::Repay { account, chain, amount: None },
        Command::Contribute { account, layer: Layer::Float, amount },
        Command::LiquidateAccount { account },
    ] {
        assert_eq!(refused(&house, command), Reject::UnknownAccount { account });
    }
}

#[test]
fn command_rejects_an_unknown_market() {
    let mut house = House::new();
    let account = house.account("alice");
    // ETH is market 0, SOL market 1.
    let market = MarketId(2);
    let amount = TradeAmount::Quote(whole(1));
    for command in [
        Command::Trade { account, market, side: Side::Long, amount, limit: None, reduce_only: false },
        Command::ClosePosition { account, market, limit: None },
        Command::Contribute { account, layer: Layer::Budget(market), amount: whole(1) },
    ] {
        assert_eq!(refused(&house, command), Reject::UnknownMarket { market });
    }
}

#[test]
fn input_rejects_an_unknown_chain() {
    let mut house = House::new();
    let account = house.account("alice");
    // Genesis has three, from 0.
    let chain = ChainId(3);
    let sequence = Sequence(1);
    let event = VaultEvent::Deposited { owner: owner("alice"), asset: house.asset("ETH"), amount: whole(1) };
    for observation in [
        Observation::Seen { chain, sequence, version: Hash::default(), event },
        Observation::Final { chain, sequence, time: Time::default(), block: Hash::default() },
        Observation::Dropped { chain, sequence },
    ] {
        assert_eq!(refused(&house, observation), Reject::UnknownChain { chain });
    }
    let token = Token { asset: house.asset("ETH"), chain };
    for command in [
        Command::RegisterAddress { account, chain, address: TAKER },
        Command::RequestWithdrawal { account, token, amount: whole(1) },
        Command::Lend { account, chain, amount: whole(1) },
        Command::Redeem { account, chain, amount: None },
        Command::Borrow { account, chain, amount: whole(1) },
        Command::Repay { account, chain, amount: None },
        Command::Govern(Change::Unfreeze { chain }),
    ] {
        assert_eq!(refused(&house, command), Reject::UnknownChain { chain });
    }
}

#[test]
fn price_rejects_an_unknown_asset() {
    let house = House::new();
    // USDC, ETH and SOL are 0, 1 and 2.
    let asset = AssetId(3);
    let report = PriceReport { asset, ..report(&house) };
    assert_eq!(refused(&house, report), Reject::UnknownAsset { asset });
}

#[test]
fn input_rejects_a_token_that_the_vault_does_not_list() {
    let mut house = House::new();
    let account = house.account("alice");
    // SOL is listed on polygon and solana only.
    let (asset, chain) = (house.asset("SOL"), house.chain("ethereum"));
    let (token, amount) = (Token { asset, chain }, whole(1));
    let unknown = Reject::UnknownToken { asset, chain };
    assert_eq!(refused(&house, Command::RequestWithdrawal { account, token, amount }), unknown);
    taken(&house, deposit(&house, house.token("SOL", "polygon"), amount));
}

#[test]
fn chain_rejects_the_domain_of_another() {
    let mut genesis = genesis::guarded();
    genesis.chains[2].domain = domain_in_process(ChainId(1));
    let reject = Reject::DomainTaken { domain: domain_in_process(ChainId(1)), chain: ChainId(1) };
    let error = Engine::new(&genesis).expect_err("two chains share a vault");
    assert_eq!(error, GenesisError::Refused { place: "chains[2]".to_owned(), reject });
    // While the house runs likewise: its next chain in process has its own.
    let house = House::new();
    let mut chain = genesis.chains[1].clone();
    chain.domain = domain_in_process(ChainId(1));
    let add = |chain: &ChainGenesis| {
        Command::Govern(Change::AddChain { params: Box::new(house.chain_params(chain)) })
    };
    assert_eq!(refused(&house, add(&chain)), reject);
    chain.domain = Hash::default();
    taken(&house, add(&chain));
}

#[test]
fn token_rejects_another_contract_and_a_stake_elsewhere() {
    let list = |asset, contract| {
        let (token, contract) = (house_token(asset), Address([contract; 32]));
        let unit = Amount::from_wei(1);
        Command::Govern(Change::ListToken { token, contract, unit, params: TokenParams::default() })
    };
    let mut house = House::new();
    let chain = house.chain("ethereum");
    house.run(list(ETH, 1)).expect("the vault has not been told of it");
    assert_eq!(refused(&house, list(ETH, 2)), Reject::TokenListed { asset: ETH, chain });
    taken(&house, list(ETH, 1));
    // A chain names a token once.
    let mut twice = house.genesis.chains[0].clone();
    twice.tokens.push(twice.tokens[1].clone());
    let params = Box::new(house.chain_params(&twice));
    let reject = Reject::TokenListed { asset: ETH, chain: ChainId(3) };
    assert_eq!(refused(&house, Command::Govern(Change::AddChain { params })), reject);
    // What keepers stake lies on one chain.
    let house = keepers::house(0);
    let asset = house.asset("BAL");
    let token = Token { asset, chain: house.chain("polygon") };
    let (contract, unit) = (Address([1; 32]), Amount::from_wei(1));
    let list = Change::ListToken { token, contract, unit, params: TokenParams::default() };
    assert_eq!(refused(&house, Command::Govern(list)), Reject::TokenListed { asset, chain });
}

/// On `ethereum`.
fn house_token(asset: AssetId) -> Token {
    Token { asset, chain: ChainId(0) }
}

const USDC: AssetId = AssetId(0);
const ETH: AssetId = AssetId(1);

// Safe mode and prices

#[test]
fn risk_rejects_safe_mode() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(100_000));
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.long("alice", "ETH", whole(1_000)).expect("a hundredth of its cash");
    let account = house.account("alice");
    let (chain, token) = (house.chain("ethereum"), house.token("ETH", "ethereum"));
    house.advance(Millis::seconds(2));
    let since = house.now();
    house.run(Command::EnterSafeMode).expect("always taken");

    // Every block repeats the prices at its own time; only those newer than the restart end safe mode.
    for command in [
        trade(&house, account, TradeAmount::Quote(whole(1_000))),
        Command::RequestWithdrawal { account, token, amount: whole(1) },
        Command::Borrow { account, chain, amount: whole(1_000) },
    ] {
        assert_eq!(refused(&house, command), Reject::SafeMode { since });
    }
    house.advance(Millis::new(1));
    taken(&house, trade(&house, account, TradeAmount::Quote(whole(1_000))));
}

#[test]
fn trade_rejects_a_price_that_is_not_ready() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(100_000));
    house.long("alice", "ETH", whole(1_000)).expect("a hundredth of its cash");
    let (account, market, asset) = (house.account("alice"), house.market("ETH"), house.asset("ETH"));
    let open = trade(&house, account, TradeAmount::Quote(whole(1_000)));
    let close = Command::ClosePosition { account, market, limit: None };
    let not_ready = |state, action| Reject::OracleNotReady { asset, state, action };

    // One source in three is more than 5 % from the median of 2,000.
    let mut divided = house.clone();
    divided.quote_each("ETH", &[price("2000"), price("2000"), price("2100.01")]);
    assert_eq!(refused(&divided, open.clone()), not_ready(OracleState::Divergent, Action::Open));
    taken(&divided, close.clone());
    divided.quote_each("ETH", &[price("2000"), price("2000"), price("2100")]);
    taken(&divided, open.clone());

    // A report counts for 60 s; without reports that count for more than an hour, the asset is halted.
    house.silence("ETH");
    house.advance(Millis::seconds(60));
    taken(&house, open.clone());
    house.advance(Millis::seconds(1));
    assert_eq!(refused(&house, open.clone()), not_ready(OracleState::Stale, Action::Open));
    house.advance(Millis::seconds(3_599));
    taken(&house, close.clone());
    house.advance(Millis::seconds(1));
    assert_eq!(refused(&house, open), not_ready(OracleState::Halted, Action::Open));
    assert_eq!(refused(&house, close), not_ready(OracleState::Halted, Action::Reduce));
}

#[test]
fn price_rejects_more_than_the_house_counts() {
    let house = House::new();
    // 2^90 wei is the most that is counted.
    let limit = Price::from_wei(1 << 90).expect("above zero");
    let price = Price::from_wei((1 << 90) + 1).expect("above zero");
    let asset = house.asset("ETH");
    assert_eq!(
        refused(&house, PriceReport { price, ..report(&house) }),
        Reject::PriceOutOfRange { asset, price, limit }
    );
    taken(&house, PriceReport { price: limit, ..report(&house) });
}

#[test]
fn price_rejects_the_future() {
    let house = House::new();
    let (asset, now) = (house.asset("ETH"), house.now());
    let time = now.after(Millis::new(1));
    assert_eq!(
        refused(&house, PriceReport { time, ..report(&house) }),
        Reject::PriceFromFuture { asset, time, now }
    );
    taken(&house, report(&house));
}

#[test]
fn price_rejects_an_outdated_report() {
    let house = House::new();
    // Source 0 has reported in this very block.
    let (asset, newest) = (house.asset("ETH"), house.now());
    let time = Time::from_millis(newest.millis() - 1);
    let old = PriceReport { time, ..report(&house) };
    assert_eq!(refused(&house, old), Reject::PriceOutdated { asset, time, newest });
    // Source 3 never has.
    taken(&house, PriceReport { source: SourceId(3), ..old });
}

#[test]
fn price_rejects_a_negative_confidence() {
    let house = House::new();
    let asset = house.asset("ETH");
    let confidence = Ratio::from_wei(-1);
    assert_eq!(
        refused(&house, PriceReport { confidence, ..report(&house) }),
        Reject::ConfidenceNegative { asset }
    );
}

// Events of vaults

#[test]
fn event_rejects_a_gap() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "ETH", whole(1));
    // Event 1 is the deposit.
    let (chain, got, want) = (house.chain("ethereum"), Sequence(3), Sequence(2));
    let event = deposited(house.asset("ETH"), whole(1));
    let seen = |sequence| Observation::Seen { chain, sequence, version: Hash::default(), event };
    assert_eq!(refused(&house, seen(got)), Reject::SequenceGap { chain, got, want });
    taken(&house, seen(want));
}

#[test]
fn event_rejects_one_that_was_seen() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "ETH", whole(1));
    house.deposit_safe("alice", "ethereum", "ETH", whole(2));
    let chain = house.chain("ethereum");
    let seen = |sequence, version| Observation::Seen {
        chain,
        sequence: Sequence(sequence),
        version,
        event: deposited(house.asset("ETH"), whole(2)),
    };
    // Event 1 is final, 2 is safe. Another version of what is final is no other version.
    for (got, version) in [(1, Hash::default()), (1, Hash([1; 32])), (2, Hash::default())] {
        let refusal = Reject::SequenceSeen { chain, got: Sequence(got), next: Sequence(3) };
        assert_eq!(refused(&house, seen(got, version)), refusal);
    }
    taken(&house, seen(2, Hash([1; 32])));
    // Final is final once: the next to become so is event 2.
    assert_eq!(
        refused(
            &house,
            Observation::Final {
                chain,
                sequence: Sequence(1),
                time: Time::default(),
                block: Hash::default()
            }
        ),
        Reject::SequenceSeen { chain, got: Sequence(1), next: Sequence(2) }
    );
    taken(
        &house,
        Observation::Final { chain, sequence: Sequence(2), time: Time::default(), block: Hash::default() },
    );
}

#[test]
fn finality_rejects_an_unknown_event() {
    let mut house = House::new();
    house.deposit_safe("alice", "ethereum", "ETH", whole(1));
    let (chain, got) = (house.chain("ethereum"), Sequence(2));
    for observation in [
        Observation::Final { chain, sequence: got, time: Time::default(), block: Hash::default() },
        Observation::Dropped { chain, sequence: got },
    ] {
        assert_eq!(refused(&house, observation), Reject::SequenceUnknown { chain, got, next: got });
    }
    taken(
        &house,
        Observation::Final { chain, sequence: Sequence(1), time: Time::default(), block: Hash::default() },
    );
    taken(&house, Observation::Dropped { chain, sequence: Sequence(1) });
}

#[test]
fn drop_rejects_a_final_event() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "ETH", whole(1));
    house.deposit_safe("alice", "ethereum", "ETH", whole(1));
    let chain = house.chain("ethereum");
    // Event 2 is the first that is not final.
    assert_eq!(
        refused(&house, Observation::Dropped { chain, sequence: Sequence(1) }),
        Reject::SequenceFinal { chain, got: Sequence(1), final_to: Sequence(1) }
    );
    taken(&house, Observation::Dropped { chain, sequence: Sequence(2) });
}

// Measures of chains

#[test]
fn measure_rejects_the_future() {
    let house = House::new();
    let (now, time) = (house.now(), house.now().after(Millis::new(1)));
    for part in measures(&house, time) {
        assert_eq!(refused(&house, part), Reject::MeasureFromFuture { time, now });
    }
    for part in measures(&house, now) {
        taken(&house, part);
    }
}

#[test]
fn measure_rejects_an_outdated_report() {
    let mut house = House::new();
    house.advance(Millis::seconds(2));
    let newest = house.now();
    let time = Time::from_millis(newest.millis() - 1);
    for part in measures(&house, newest) {
        let (block, _, _) = block_with(&house, part);
        house.apply_block(block);
    }
    for part in measures(&house, time) {
        assert_eq!(refused(&house, part), Reject::MeasureOutdated { time, newest });
    }
    for part in measures(&house, newest) {
        taken(&house, part);
    }
}

// Orders of governance

#[test]
fn limits_reject_a_second_order() {
    let mut house = House::new();
    let limits = |asset, outflow| {
        let limits = VaultLimits {
            outflow: whole(outflow),
            window: Millis::hours(1),
            delay_above: whole(outflow),
            delay: Millis::ZERO,
        };
        Command::Govern(Change::SetLimits { token: house_token(asset), limits })
    };
    house.spoke("ethereum").holds_finality = true;
    house.run(limits(ETH, 100)).expect("no order is open");
    let (chain, nonce) = (house.chain("ethereum"), Nonce(1));
    assert_eq!(refused(&house, limits(ETH, 200)), Reject::OrderOpen { chain, nonce });
    taken(&house, limits(USDC, 200));
    house.finalise("ethereum");
    house.advance(Millis::seconds(1));
    taken(&house, limits(ETH, 200));
}

fn measures(house: &House, time: Time) -> [Part; 2] {
    let (token, chain) = (house.token("ETH", "ethereum"), house.chain("ethereum"));
    let source = SourceId(0);
    [
        Part::Depth(DepthReport { token, source, depth: whole(1_000_000), time }),
        Part::Cost(CostReport { chain, source, gas: whole(5), bridge: whole(20), time }),
    ]
}

// The one way to be refused

/// One part of a block.
#[derive(Clone, Debug)]
enum Part {
    Observation(Observation),
    Price(PriceReport),
    Depth(DepthReport),
    Cost(CostReport),
    Command(Command),
}

impl From<Observation> for Part {
    fn from(observation: Observation) -> Self {
        Self::Observation(observation)
    }
}

impl From<PriceReport> for Part {
    fn from(report: PriceReport) -> Self {
        Self::Price(report)
    }
}

impl From<Command> for Part {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

/// Why a part is refused that comes last in its list of the next block.
///
/// # Panics
/// If it is taken, or leaves a trace: the house then differs from one whose block never had it, in any byte of
/// its snapshot (every record, and the state hash), or in anything that the block brought about.
fn refused(house: &House, part: impl Into<Part>) -> Reject {
    let part = part.into();
    let (block, place, number) = block_with(house, part.clone());
    let mut twin = block.clone();
    match part {
        Part::Observation(_) => drop(twin.observations.pop()),
        Part::Price(_) => drop(twin.prices.pop()),
        Part::Depth(_) => drop(twin.depths.pop()),
        Part::Cost(_) => drop(twin.costs.pop()),
        Part::Command(_) => drop(twin.commands.pop()),
    }
    let (with, out) = applied(house, &block);
    let (without, out_twin) = applied(house, &twin);
    assert_eq!(out_twin.rejects, [], "the block is sound without {part:?}");
    let [refused] = out.rejects[..] else { panic!("{part:?} gives {:?}", out.rejects) };
    assert_eq!(refused, Refused { part: place, number, reject: refused.reject });
    assert_eq!(out.events, out_twin.events, "{part:?} has an event");
    assert_eq!(out.transfers, out_twin.transfers, "{part:?} moves value");
    assert_eq!(out.orders, out_twin.orders, "{part:?} sends an order");
    assert_eq!(out.state_hash, out_twin.state_hash, "{part:?} touches a record");
    assert!(with.snapshot() == without.snapshot(), "{part:?} changes the state");
    refused.reject
}

/// The same part would be taken: what was refused beside it was refused for its figure alone.
fn taken(house: &House, part: impl Into<Part>) {
    let part = part.into();
    let (block, _, _) = block_with(house, part.clone());
    let (_, out) = applied(house, &block);
    assert_eq!(out.rejects, [], "{part:?}");
}

fn block_with(house: &House, part: Part) -> (Block, BlockPart, u32) {
    let mut block = house.clone().next_block(Vec::new());
    let (place, number) = match part {
        Part::Observation(observation) => {
            block.observations.push(observation);
            (BlockPart::Observation, block.observations.len())
        }
        Part::Price(report) => {
            block.prices.push(report);
            (BlockPart::Price, block.prices.len())
        }
        Part::Depth(report) => {
            block.depths.push(report);
            (BlockPart::Depth, block.depths.len())
        }
        Part::Cost(report) => {
            block.costs.push(report);
            (BlockPart::Cost, block.costs.len())
        }
        Part::Command(command) => {
            block.commands.push(command);
            (BlockPart::Command, block.commands.len())
        }
    };
    (block, place, u32::try_from(number - 1).expect("a small block"))
}

fn applied(house: &House, block: &Block) -> (Engine, Outcome) {
    let (mut engine, mut out) = (house.engine.clone(), Outcome::default());
    engine.apply(block, &mut out);
    (engine, out)
}

// What is fed in

/// Who takes lots.
const TAKER: Address = Address([7; 32]);

/// Whatever else is wrong with it, each of these is about an amount first.
fn amounts(house: &House, account: AccountId, amount: Amount) -> Vec<Part> {
    let (chain, token) = (house.chain("ethereum"), house.token("ETH", "ethereum"));
    vec![
        trade(house, account, TradeAmount::Quote(amount)).into(),
        trade(house, account, TradeAmount::Base(amount)).into(),
        Command::RequestWithdrawal { account, token, amount }.into(),
        Command::Lend { account, chain, amount }.into(),
        Command::Borrow { account, chain, amount }.into(),
        Command::Contribute { account, layer: Layer::Float, amount }.into(),
    ]
}

/// A long in ETH.
fn trade(house: &House, account: AccountId, amount: TradeAmount) -> Command {
    let market = house.market("ETH");
    Command::Trade { account, market, side: Side::Long, amount, limit: None, reduce_only: false }
}

/// What source 0 says of ETH in every block of [`House::new`].
fn report(house: &House) -> PriceReport {
    PriceReport {
        asset: house.asset("ETH"),
        source: SourceId(0),
        price: price("2000"),
        confidence: Ratio::ZERO,
        time: house.now(),
    }
}

/// The chain's next event.
fn deposited(asset: AssetId, amount: Amount) -> VaultEvent {
    VaultEvent::Deposited { owner: owner("alice"), asset, amount }
}

fn deposit(house: &House, token: Token, amount: Amount) -> Observation {
    let sequence = house.state().chains.get(token.chain).next_sequence;
    let event = deposited(token.asset, amount);
    Observation::Seen { chain: token.chain, sequence, version: Hash::default(), event }
}
