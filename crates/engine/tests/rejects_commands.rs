//! Why commands are refused, E2001 to E4017: a test a reject, in the order of the enum; one file, however long, so that the order
//! can be checked.
//!
//! A refused command changes nothing: [`refuses`] holds the block against the same block without it.

mod support;

use ballast_engine::{BlockPart, Engine, GenesisError, Outcome, Refused};
use ballast_types::digest::ChainKind;
use ballast_types::{
    AccountId, Address, AssetId, Block, ChainGenesis, ChainId, Change, Command, CostReport, Genesis, Layer,
    LiquidationParams, MarketId, MarketParams, RateParams, Reject, Side, Signer, SourceId, TaskId, Token,
    TokenParams, TradeAmount, VaultLimits,
};
use ballast_units::{Amount, Bps, Millis, Ratio, Usd};
use support::{House, amount, genesis, owner, price, whole};

/// The one market of the bare house, and ETH of the guarded one.
const ETH: MarketId = MarketId(0);
/// `ethereum`, in both houses.
const ETHEREUM: ChainId = ChainId(0);

/// A block with this command is refused it, for exactly this reason, and is otherwise the block without it: the same
/// events, orders, state and state hash. The house goes on from it.
#[track_caller]
fn refuses(house: &mut House, command: Command, reject: Reject) {
    let block = house.next_block(vec![command]);
    let without = Block { commands: Vec::new(), ..block.clone() };
    let mut untouched = house.engine.clone();
    let mut nothing = Outcome::default();
    untouched.apply(&without, &mut nothing);
    let out = house.apply_block(block);
    assert_eq!(out.rejects, [Refused { part: BlockPart::Command, number: 0, reject }]);
    assert_eq!(nothing.rejects, [], "only the command is refused");
    assert_eq!(out.events, nothing.events, "a refused command has no events");
    assert_eq!(out.orders, nothing.orders, "a refused command orders nothing");
    assert_eq!(out.state_hash, nothing.state_hash, "a refused command leaves the state hash");
    assert!(house.engine.snapshot() == untouched.snapshot(), "a refused command leaves every record");
}

/// Genesis is refused, for exactly this reason.
#[track_caller]
fn genesis_refuses(genesis: &Genesis, place: &str, reject: Reject) {
    let error = Engine::new(genesis).expect_err("genesis is to be refused");
    assert_eq!(error, GenesisError::Refused { place: place.to_owned(), reject });
}

/// A market's terms are refused at genesis and when governance changes to them.
#[track_caller]
fn market_refuses(tweak: impl Fn(&mut MarketParams), reject: Reject) {
    let mut genesis = genesis::guarded();
    tweak(&mut genesis.markets[0].params);
    genesis_refuses(&genesis, "markets[0]", reject);
    let params = Box::new(genesis.markets[0].params.clone());
    refuses(&mut House::new(), Command::Govern(Change::Market { market: ETH, params }), reject);
}

/// A market's terms are accepted at genesis and when governance changes to them.
#[track_caller]
fn market_passes(tweak: impl Fn(&mut MarketParams)) {
    let house = House::tweaked(|genesis| tweak(&mut genesis.markets[0].params));
    let params = Box::new(house.genesis.markets[0].params.clone());
    let changed = House::new().run(Command::Govern(Change::Market { market: ETH, params }));
    assert_eq!(changed.map(|out| out.rejects), Ok(Vec::new()));
}

/// ETH's terms on `ethereum` are refused at genesis and when governance changes to them.
#[track_caller]
fn token_refuses(tweak: impl Fn(&mut TokenParams), reject: Reject) {
    let mut genesis = genesis::guarded();
    tweak(&mut genesis.chains[0].tokens[1].params);
    genesis_refuses(&genesis, "chains[0].tokens[1]", reject);
    let params = genesis.chains[0].tokens[1].params;
    let mut house = House::new();
    let token = house.token("ETH", "ethereum");
    refuses(&mut house, Command::Govern(Change::Token { token, params }), reject);
}

/// The bare house with other terms of its market.
fn bare(tweak: impl FnOnce(&mut MarketParams)) -> House {
    let mut genesis = genesis::bare();
    tweak(&mut genesis.markets[0].params);
    House::of(genesis)
}

/// The bare house, in which carol owes 800 against 50 in cash and 10 ETH that fell from 100 to 80: she is being
/// liquidated, for 50 + 10 · 80 / 1.10 = 777.27.
fn with_carol_locked() -> (House, AccountId) {
    let mut house = House::bare();
    house.deposit("lender", "ethereum", "USDC", whole(5_000));
    house.lend("lender", "ethereum", whole(2_000)).expect("the lender has 5,000");
    house.deposit("carol", "ethereum", "ETH", whole(10));
    house.deposit("carol", "ethereum", "USDC", whole(50));
    house.borrow("carol", "ethereum", whole(800)).expect("50 + 10 · 100 / 1.21 = 876.44");
    house.price("ETH", price("80"));
    let carol = house.account("carol");
    assert!(house.state().accounts.get(carol).task.is_some(), "777.27 < 800");
    (house, carol)
}

fn trade(account: AccountId, side: Side, amount: TradeAmount) -> Command {
    Command::Trade { account, market: ETH, side, amount, limit: None, reduce_only: false }
}

fn reduce(account: AccountId, side: Side, amount: TradeAmount) -> Command {
    Command::Trade { account, market: ETH, side, amount, limit: None, reduce_only: true }
}

/// A long for 240: 10,240 · 97.65625 = 1,000,000, so that size is 2.34375 and mark 104.8576, to the wei.
fn long_240(account: AccountId) -> Command {
    trade(account, Side::Long, TradeAmount::Quote(whole(240)))
}

fn ratio(text: &str) -> Ratio {
    text.parse().expect("a decimal")
}

fn usd(text: &str) -> Usd {
    text.parse().expect("a decimal")
}

const WEI: Amount = Amount::from_wei(1);

// E20: trades and health

#[test]
fn trade_rejects_a_locked_account() {
    let (mut house, carol) = with_carol_locked();
    refuses(&mut house, long_240(carol), Reject::AccountLocked { account: carol });
}

#[test]
fn request_withdrawal_rejects_a_locked_account() {
    let (mut house, carol) = with_carol_locked();
    let token = house.token("ETH", "ethereum");
    let command = Command::RequestWithdrawal { account: carol, token, amount: whole(1) };
    refuses(&mut house, command, Reject::AccountLocked { account: carol });
}

#[test]
fn lend_rejects_a_locked_account() {
    let (mut house, carol) = with_carol_locked();
    let command = Command::Lend { account: carol, chain: ETHEREUM, amount: whole(1) };
    refuses(&mut house, command, Reject::AccountLocked { account: carol });
}

#[test]
fn borrow_rejects_a_locked_account() {
    let (mut house, carol) = with_carol_locked();
    let command = Command::Borrow { account: carol, chain: ETHEREUM, amount: whole(1) };
    refuses(&mut house, command, Reject::AccountLocked { account: carol });
}

#[test]
fn contribute_rejects_a_locked_account() {
    let (mut house, carol) = with_carol_locked();
    let command = Command::Contribute { account: carol, layer: Layer::Float, amount: whole(1) };
    refuses(&mut house, command, Reject::AccountLocked { account: carol });
}

#[test]
fn liquidate_account_rejects_a_locked_account() {
    let (mut house, carol) = with_carol_locked();
    refuses(
        &mut house,
        Command::LiquidateAccount { account: carol },
        Reject::AccountLocked { account: carol },
    );
}

#[test]
fn close_position_rejects_no_position() {
    let mut house = House::bare();
    let account = house.account("alice");
    let command = Command::ClosePosition { account, market: ETH, limit: None };
    refuses(&mut house, command, Reject::NoPosition { account, market: ETH });
}

#[test]
fn trade_rejects_an_increase_where_only_reducing_was_asked() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(100));
    let account = house.account("alice");
    let reject = Reject::WouldIncrease { account, market: ETH };
    // Opens.
    refuses(&mut house, reduce(account, Side::Long, TradeAmount::Quote(whole(240))), reject);
    house.long("alice", "ETH", whole(240)).expect("100 in cash cover 5.63");
    // Enlarges.
    refuses(&mut house, reduce(account, Side::Long, TradeAmount::Quote(whole(1))), reject);
    // Reverses: 2.5 against 2.34375.
    refuses(&mut house, reduce(account, Side::Short, TradeAmount::Base(amount("2.5"))), reject);
}

#[test]
fn trade_rejects_more_than_nine_tenths_of_a_reserve() {
    let mut house = House::bare();
    let account = house.account("alice");
    // 90 % of 10,000 dollars are 9,000; of 100 ETH, 90.
    let dollars = Reject::TradeTooLarge { market: ETH, reserve: whole(10_000), limit: whole(9_000) };
    refuses(&mut house, trade(account, Side::Short, TradeAmount::Quote(whole(9_000) + WEI)), dollars);
    let base = Reject::TradeTooLarge { market: ETH, reserve: whole(100), limit: whole(90) };
    refuses(&mut house, trade(account, Side::Long, TradeAmount::Base(whole(90) + WEI)), base);
    // The reserve that is not named counts too: 900 ETH would leave 1,000,000 / 1,000 dollars, a tenth.
    refuses(&mut house, trade(account, Side::Short, TradeAmount::Base(whole(901))), dollars);
}

#[test]
fn trade_rejects_a_swap_that_rounds_to_nothing() {
    let mut house = House::bare();
    let account = house.account("alice");
    // A wei of dollars buys 0.01 wei of ETH, which stay in the curve.
    let command = trade(account, Side::Long, TradeAmount::Quote(WEI));
    refuses(&mut house, command, Reject::TradeTooSmall { market: ETH });
}

#[test]
fn trade_rejects_a_price_beyond_its_limit() {
    let mut house = House::bare();
    let account = house.account("alice");
    let limited = |side, limit| Command::Trade {
        account,
        market: ETH,
        side,
        amount: TradeAmount::Quote(whole(1_000)),
        limit: Some(price(limit)),
        reduce_only: false,
    };
    // 100 - 1,000,000 / 11,000 = 9.0909.. ETH, which cost 909.09.. at most at 100.
    let long = Reject::LimitExceeded { quote: whole(1_000), limit: amount("909.0909090909090909") };
    refuses(&mut house, limited(Side::Long, "100"), long);
    // 1,000,000 / 9,000 - 100 = 11.1111.. ETH, rounded up, which bring 1,111.11.. at least at 100.
    let short = Reject::LimitExceeded { quote: whole(1_000), limit: amount("1111.1111111111111112") };
    refuses(&mut house, limited(Side::Short, "100"), short);
}

#[test]
fn trade_rejects_a_mark_outside_the_band() {
    let mut house = bare(|params| params.band = Some(Ratio::bps(250)));
    let account = house.account("alice");
    // 104.8576 is 4.86 % above 100.
    let (mark, index) = (price("104.8576"), price("100"));
    let reject = Reject::MarkOutsideBand { market: ETH, mark, index, band: Ratio::bps(250) };
    refuses(&mut house, long_240(account), reject);
}

#[test]
fn trade_rejects_a_mark_that_moves_too_far() {
    let mut house = bare(|params| params.move_limit = Some(Ratio::bps(200)));
    let account = house.account("alice");
    // The window knows only 100, of which 2 % are 2.
    let reject = Reject::MarkMoveTooLarge {
        market: ETH,
        mark: price("104.8576"),
        low: price("98"),
        high: price("102"),
    };
    refuses(&mut house, long_240(account), reject);
}

#[test]
fn trade_rejects_open_interest_above_the_cap() {
    let mut house = bare(|params| params.open_interest_cap = whole(245));
    let account = house.account("alice");
    // 2.34375 ETH at a mark of 104.8576.
    let reject = Reject::OpenInterestCap { market: ETH, have: amount("245.76"), cap: whole(245) };
    refuses(&mut house, long_240(account), reject);
}

#[test]
fn trade_rejects_a_position_of_half_the_depth() {
    let mut house = bare(|params| params.margin_size_term = true);
    let account = house.account("alice");
    let reject = Reject::PositionTooLarge { market: ETH, size: whole(50), limit: whole(50) };
    refuses(&mut house, trade(account, Side::Long, TradeAmount::Base(whole(50))), reject);
}

#[test]
fn trade_rejects_low_health() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(5));
    let account = house.account("alice");
    // 2.34375 ETH that cost 240 are worth 234.375 at index, a loss of 5.625; a millionth of it is margin.
    // 5 - 5.625 - 0.000234375.
    let reject = Reject::HealthTooLow { account, health: usd("-0.625234375") };
    refuses(&mut house, long_240(account), reject);
}

#[test]
fn borrow_rejects_low_health() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    let account = house.account("alice");
    // 10 · 100 / 1.21 = 826.446280991735537190, rounded down; less 827.
    let reject = Reject::HealthTooLow { account, health: usd("-0.55371900826446281") };
    refuses(&mut house, Command::Borrow { account, chain: ETHEREUM, amount: whole(827) }, reject);
}

#[test]
fn request_withdrawal_rejects_low_health() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", amount("5.7"));
    house.long("alice", "ETH", whole(240)).expect("needs 5.625234375");
    let (account, token) = (house.account("alice"), house.token("USDC", "ethereum"));
    // 5.7 - 0.1 - 5.625 - 0.000234375, the last as above.
    let reject = Reject::HealthTooLow { account, health: usd("-0.025234375") };
    refuses(&mut house, Command::RequestWithdrawal { account, token, amount: amount("0.1") }, reject);
}

#[test]
fn trade_rejects_a_reduction_that_lowers_health() {
    let mut house = bare(|params| params.reduce_keeps_health = true);
    house.deposit("alice", "ethereum", "USDC", amount("5.63"));
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.long("alice", "ETH", whole(240)).expect("needs 5.625234375");
    house.short("bob", "ETH", whole(240)).expect("100 in cash cover it");
    let account = house.account("alice");
    // Before: 5.63 + 234.375 - 240 = 0.005, no margin.
    // 1 ETH brings 10,000 - 1,000,000 / 101, rounded: 99.0099009900990099. It cost 240 / 2.34375 = 102.4:
    // -3.3900990099009901 is realised. 1.34375 ETH at 100 that cost 137.6: -3.225 stays open.
    let reject =
        Reject::ReduceLowersHealth { account, before: usd("0.005"), after: usd("-0.9850990099009901") };
    refuses(&mut house, trade(account, Side::Short, TradeAmount::Base(whole(1))), reject);
}

#[test]
fn request_withdrawal_rejects_more_than_the_cash() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(5));
    let (account, token) = (house.account("alice"), house.token("USDC", "ethereum"));
    let reject = Reject::CashTooSmall { account, have: whole(5), need: whole(6) };
    refuses(&mut house, Command::RequestWithdrawal { account, token, amount: whole(6) }, reject);
}

#[test]
fn trade_rejects_opening_in_a_market_that_leaves() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(1_000));
    let (account, market) = (house.account("alice"), house.market("ETH"));
    house.run(Command::Govern(Change::WindDown { market, leaves: true })).expect("there is such a market");
    let amount = TradeAmount::Quote(whole(100));
    let command =
        Command::Trade { account, market, side: Side::Long, amount, limit: None, reduce_only: false };
    refuses(&mut house, command, Reject::MarketWindingDown { market });
}

#[test]
fn lend_rejects_more_than_the_cash() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(5));
    let account = house.account("alice");
    let reject = Reject::CashTooSmall { account, have: whole(5), need: whole(6) };
    refuses(&mut house, Command::Lend { account, chain: ETHEREUM, amount: whole(6) }, reject);
}

#[test]
fn contribute_rejects_more_than_the_cash() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(5));
    let account = house.account("alice");
    let reject = Reject::CashTooSmall { account, have: whole(5), need: whole(6) };
    refuses(&mut house, Command::Contribute { account, layer: Layer::Float, amount: whole(6) }, reject);
}

#[test]
fn repay_rejects_more_than_the_cash() {
    let mut house = House::bare();
    house.deposit("lender", "ethereum", "USDC", whole(100));
    house.lend("lender", "ethereum", whole(100)).expect("the lender has 100");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(60)).expect("826.44 is allowed");
    let account = house.account("alice");
    // All of the loan, which was paid out on the chain.
    let reject = Reject::CashTooSmall { account, have: Amount::ZERO, need: whole(60) };
    refuses(&mut house, Command::Repay { account, chain: ETHEREUM, amount: None }, reject);
}

#[test]
fn trade_rejects_a_fee_above_the_cash() {
    let mut house = bare(|params| params.fee_trade = Bps::new(10));
    house.deposit("alice", "ethereum", "ETH", whole(10));
    let account = house.account("alice");
    // 0.1 % of 240. Collateral pays no fee.
    let reject = Reject::CashTooSmall { account, have: Amount::ZERO, need: amount("0.24") };
    refuses(&mut house, long_240(account), reject);
}

// E21: liquidation

#[test]
fn liquidate_account_rejects_a_healthy_account() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(5));
    let account = house.account("alice");
    let reject = Reject::AccountHealthy { account, health: Usd::whole(5) };
    refuses(&mut house, Command::LiquidateAccount { account }, reject);
}

#[test]
fn govern_rejects_resolving_an_unknown_task() {
    let mut house = House::bare();
    let task = TaskId(1);
    refuses(&mut house, Command::Govern(Change::Resolve { task }), Reject::UnknownTask { task });
}

#[test]
fn govern_rejects_resolving_a_task_of_which_no_lot_is_frozen() {
    let mut house = House::new();
    house.deposit("lender", "ethereum", "USDC", whole(100_000));
    house.lend("lender", "ethereum", whole(50_000)).expect("the lender has 100,000");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    house.price("ETH", price("1600"));
    let task = house.view("alice").locked.expect("16,000 / 1.1 is less than 16,000");
    refuses(&mut house, Command::Govern(Change::Resolve { task }), Reject::TaskNotFrozen { task });
}

// E30: credit and withdrawals

#[test]
fn repay_rejects_no_loan() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(5));
    let account = house.account("alice");
    let command = Command::Repay { account, chain: ETHEREUM, amount: Some(whole(1)) };
    refuses(&mut house, command, Reject::NoLoan { account, chain: ETHEREUM });
}

#[test]
fn borrow_rejects_more_than_is_idle() {
    let mut house = House::bare();
    house.deposit("lender", "ethereum", "USDC", whole(1_000));
    house.lend("lender", "ethereum", whole(100)).expect("the lender has 1,000");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    let account = house.account("alice");
    let reject = Reject::LendingTooSmall { chain: ETHEREUM, have: whole(100), need: whole(200) };
    refuses(&mut house, Command::Borrow { account, chain: ETHEREUM, amount: whole(200) }, reject);
}

#[test]
fn redeem_rejects_more_than_is_idle() {
    let mut house = House::bare();
    house.deposit("lender", "ethereum", "USDC", whole(100));
    house.lend("lender", "ethereum", whole(100)).expect("the lender has 100");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(60)).expect("826.44 is allowed");
    let account = house.account("lender");
    // 100 - 60 are idle.
    let reject = Reject::LendingTooSmall { chain: ETHEREUM, have: whole(40), need: whole(100) };
    refuses(&mut house, Command::Redeem { account, chain: ETHEREUM, amount: None }, reject);
}

#[test]
fn borrow_rejects_more_than_the_inventory() {
    let mut house = House::new();
    // The dollars that are lent on ethereum came in on polygon: ethereum's vault has none.
    house.deposit("lender", "polygon", "USDC", whole(100));
    house.lend("lender", "ethereum", whole(100)).expect("the lender has 100");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    let account = house.account("alice");
    let reject = Reject::InventoryTooSmall { chain: ETHEREUM, have: Amount::ZERO, need: whole(50) };
    refuses(&mut house, Command::Borrow { account, chain: ETHEREUM, amount: whole(50) }, reject);
}

#[test]
fn redeem_rejects_more_than_the_shares_are_worth() {
    let mut house = House::bare();
    for name in ["alice", "bob"] {
        house.deposit(name, "ethereum", "USDC", whole(100));
        house.lend(name, "ethereum", whole(100)).expect("each has 100");
    }
    let account = house.account("alice");
    let reject = Reject::SharesTooSmall { account, have: whole(100), need: whole(150) };
    refuses(&mut house, Command::Redeem { account, chain: ETHEREUM, amount: Some(whole(150)) }, reject);
}

#[test]
fn lend_rejects_what_buys_no_share() {
    // 1,000 % a year at any use.
    let rate = RateParams { at_kink: Ratio::whole(10), at_full: Ratio::whole(10), ..RateParams::default() };
    let mut genesis = genesis::bare();
    genesis.chains[0].rate = rate;
    let mut house = House::of(genesis);
    house.deposit("lender", "ethereum", "USDC", whole(1));
    house.lend("lender", "ethereum", WEI).expect("a wei buys a million wei of shares");
    house.deposit("alice", "ethereum", "ETH", whole(1));
    house.borrow("alice", "ethereum", WEI).expect("82.6 is allowed");
    for _ in 0..7 {
        house.advance(Millis::seconds(31_556_952));
    }
    // A debt of 11^7 = 19,487,171 wei, of whose interest lenders have nine tenths: 17,538,454 wei with the principal.
    // 2,000,000 wei of shares, virtual ones included, so that a wei buys 0.11 wei of them.
    let account = house.account("lender");
    let reject = Reject::LendTooSmall { chain: ETHEREUM };
    refuses(&mut house, Command::Lend { account, chain: ETHEREUM, amount: WEI }, reject);
}

#[test]
fn request_withdrawal_rejects_no_address() {
    let mut house = House::bare();
    let (token, dave) = (house.token("USDC", "ethereum"), owner("dave"));
    // A deposit opens an account, without addresses.
    house.spoke("ethereum").deposit(dave, token.asset, whole(5));
    house.apply(Vec::new());
    let account = house.state().account_of(dave).expect("opened by the deposit");
    let reject = Reject::NoAddress { account, chain: ETHEREUM };
    refuses(&mut house, Command::RequestWithdrawal { account, token, amount: whole(5) }, reject);
}

#[test]
fn borrow_rejects_no_address() {
    let mut house = House::bare();
    house.deposit("lender", "ethereum", "USDC", whole(100));
    house.lend("lender", "ethereum", whole(100)).expect("the lender has 100");
    let (asset, dave) = (house.asset("ETH"), owner("dave"));
    house.spoke("ethereum").deposit(dave, asset, whole(10));
    house.apply(Vec::new());
    let account = house.state().account_of(dave).expect("opened by the deposit");
    let reject = Reject::NoAddress { account, chain: ETHEREUM };
    refuses(&mut house, Command::Borrow { account, chain: ETHEREUM, amount: whole(50) }, reject);
}

#[test]
fn request_withdrawal_rejects_more_than_the_collateral() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "ETH", whole(10));
    let (account, token) = (house.account("alice"), house.token("ETH", "ethereum"));
    let reject = Reject::CollateralTooSmall { account, have: whole(10), need: whole(11) };
    refuses(&mut house, Command::RequestWithdrawal { account, token, amount: whole(11) }, reject);
}

/// Alice brought 100 on polygon, bob 100 on ethereum; then the coin falls to 0.99, of which 0.5 % are tolerated.
fn with_coin_off_par() -> (House, AccountId, Token) {
    let mut house = House::new();
    house.deposit("alice", "polygon", "USDC", whole(100));
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.lend("bob", "ethereum", whole(50)).expect("bob has 100");
    house.deposit("alice", "ethereum", "ETH", whole(1));
    house.price("USDC", price("0.99"));
    let account = house.account("alice");
    let token = house.token("USDC", "ethereum");
    (house, account, token)
}

#[test]
fn borrow_rejects_more_than_was_deposited_while_off_par() {
    let (mut house, account, token) = with_coin_off_par();
    let reject = Reject::NotOnParBeyondDeposits { token, have: Amount::ZERO, need: whole(10) };
    refuses(&mut house, Command::Borrow { account, chain: ETHEREUM, amount: whole(10) }, reject);
}

#[test]
fn request_withdrawal_rejects_less_than_a_unit() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(5));
    let (account, token) = (house.account("alice"), house.token("USDC", "ethereum"));
    // 10^-6 dollars are 10^12 wei.
    let unit = Amount::from_wei(1_000_000_000_000);
    let reject = Reject::AmountBelowUnit { amount: unit - WEI, unit };
    refuses(&mut house, Command::RequestWithdrawal { account, token, amount: unit - WEI }, reject);
}

#[test]
fn borrow_rejects_less_than_a_unit() {
    let mut house = House::new();
    let account = house.account("alice");
    let unit = Amount::from_wei(1_000_000_000_000);
    let reject = Reject::AmountBelowUnit { amount: unit - WEI, unit };
    refuses(&mut house, Command::Borrow { account, chain: ETHEREUM, amount: unit - WEI }, reject);
}

#[test]
fn govern_rejects_a_collection_without_a_cold_store() {
    let mut house = House::new();
    let collect = Command::Govern(Change::Collect { chain: ETHEREUM, amount: whole(1) });
    refuses(&mut house, collect, Reject::NoColdStore { chain: ETHEREUM });
}

#[test]
fn govern_rejects_collecting_more_than_the_float() {
    let mut house = House::new();
    let store = Change::SetColdStore { chain: ETHEREUM, address: owner("safe").address };
    house.run(Command::Govern(store)).expect("the chain exists");
    house.deposit("alice", "ethereum", "USDC", whole(500));
    house.contribute("alice", Layer::Float, whole(200)).expect("it is cash");
    let collect = |amount| Command::Govern(Change::Collect { chain: ETHEREUM, amount });
    let unit = Amount::from_wei(1_000_000_000_000);
    let reject = Reject::FloatTooSmall { have: whole(200), need: whole(200) + unit };
    refuses(&mut house, collect(whole(200) + unit), reject);
    refuses(&mut house, collect(unit - WEI), Reject::AmountBelowUnit { amount: unit - WEI, unit });
    // The float is there, the coin is not: lenders have it idle.
    house.lend("alice", "ethereum", whole(299)).expect("it is cash");
    house.deposit("bob", "polygon", "USDC", whole(900));
    house.contribute("bob", Layer::Float, whole(400)).expect("it is cash");
    let reject = Reject::InventoryTooSmall { chain: ETHEREUM, have: whole(201), need: whole(202) };
    refuses(&mut house, collect(whole(202)), reject);
    house.run(collect(whole(201))).expect("so much is free");
}

#[test]
fn borrow_and_repay_reject_less_than_the_least() {
    let mut genesis = genesis::bare();
    genesis.chains[0].debt_min = whole(100);
    let mut house = House::of(genesis);
    house.deposit("lender", "ethereum", "USDC", whole(1_000));
    house.lend("lender", "ethereum", whole(500)).expect("the lender has 1,000");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.deposit("alice", "ethereum", "USDC", whole(200));
    let account = house.account("alice");
    let reject = Reject::LoanTooSmall { chain: ETHEREUM, owed: whole(99), least: whole(100) };
    refuses(&mut house, Command::Borrow { account, chain: ETHEREUM, amount: whole(99) }, reject);
    house.borrow("alice", "ethereum", whole(100)).expect("the least");
    house.borrow("alice", "ethereum", whole(50)).expect("one loan of 150");
    let repay = |dollars| Command::Repay { account, chain: ETHEREUM, amount: Some(whole(dollars)) };
    refuses(&mut house, repay(51), reject);
    for command in [repay(50), repay(100)] {
        assert_eq!(house.apply(vec![command]).rejects, []);
    }
    assert_eq!(house.view("alice").loans, []);
}

#[test]
fn withdraw_suspense_rejects_a_token_of_which_nothing_is_there() {
    let mut house = House::new();
    let (account, token) = (house.account("alice"), house.token("ETH", "ethereum"));
    let nothing = Reject::NothingInSuspense { account, token };
    refuses(&mut house, Command::WithdrawSuspense { account, token }, nothing);
}

/// A chain of the EVM kind pays 20 bytes: a release to anything else would fail at every delivery, at the couriers' cost.
#[test]
fn register_address_rejects_what_nobody_can_be_paid_at() {
    let mut house = House::tweaked(|genesis| genesis.chains[0].kind = ChainKind::Evm);
    let (account, evm, other) = (house.account("alice"), house.chain("ethereum"), house.chain("polygon"));
    let odd = Address([7; 32]);
    let mut padded = Address([0; 32]);
    padded.0[12..].fill(7);
    for (chain, address) in [(evm, odd), (evm, Address::default()), (other, Address::default())] {
        let command = Command::RegisterAddress { account, chain, address };
        refuses(&mut house, command, Reject::AddressInvalid { chain, address });
    }
    for (chain, address) in [(evm, padded), (other, odd)] {
        house.run(Command::RegisterAddress { account, chain, address }).expect("somebody can be paid there");
    }
}

#[test]
fn request_withdrawal_rejects_what_is_not_worth_its_delivery() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(100));
    let time = house.now();
    let report = |source| CostReport {
        chain: ETHEREUM,
        source: SourceId(source),
        gas: whole(3),
        bridge: whole(1),
        time,
    };
    let costs = (0..3).map(report).collect();
    let block = house.next_block(Vec::new());
    house.apply_block(Block { costs, ..block });
    let (account, token) = (house.account("alice"), house.token("USDC", "ethereum"));
    let amount = whole(30) - Amount::from_wei(1_000_000_000_000);
    let reject = Reject::WithdrawalTooSmall { account, amount, least: whole(30) };
    refuses(&mut house, Command::RequestWithdrawal { account, token, amount }, reject);
    house.withdraw("alice", "ethereum", "USDC", whole(30)).expect("ten times the fee");
}

#[test]
fn cancel_withdrawal_rejects_what_does_not_wait() {
    let mut house = House::new();
    let (account, token) = (house.account("alice"), house.token("USDC", "ethereum"));
    let nothing = Reject::NoWithdrawal { account, token };
    refuses(&mut house, Command::CancelWithdrawal { account, token }, nothing);
}

#[test]
fn request_withdrawal_rejects_more_than_may_be_on_their_way() {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(100));
    house.spoke("ethereum").loses_orders = true;
    let (account, token) = (house.account("alice"), house.token("USDC", "ethereum"));
    let command = Command::RequestWithdrawal { account, token, amount: whole(1) };
    assert_eq!(house.apply(vec![command.clone(); 16]).rejects, []);
    refuses(&mut house, command, Reject::WithdrawalsOpen { account, have: 16, limit: 16 });
}

// E40: listing and depth

#[test]
fn govern_rejects_a_maintenance_margin_that_does_not_cover() {
    // R8: band 2.5 % and J 2 % make 4.5 %; fees 0.1 + 1.25 % of 1.045 make 1.41075 %; one period's clamp 0.1 %.
    // A side at its cap of 20,000 ETH leaves D = 50,000 in ln(1.4²) / -ln(0.98) = 33.3, so 34 minutes: one period.
    let need = ratio("0.0601075");
    let have = need - Ratio::from_wei(1);
    market_refuses(|params| params.margin_maintenance = have, Reject::ListingMaintenance { need, have });
    market_passes(|params| params.margin_maintenance = need);
    market_passes(|params| params.margin_maintenance = Ratio::bps(625));
}

#[test]
fn govern_rejects_an_initial_margin_that_does_not_cover() {
    // 6.25 % and the band of 2.5 % and two fees of 0.1 %; a twelfth is less, an eleventh more.
    let (need, have) = (ratio("0.0895"), ratio("0.083333333333333333"));
    market_refuses(|params| params.leverage_max = Ratio::whole(12), Reject::ListingInitial { need, have });
    market_passes(|params| params.leverage_max = Ratio::whole(11));
}

#[test]
fn govern_rejects_a_cap_that_cannot_be_closed() {
    // One window of 36 %: D · (0.64^-0.5 - 1) = 50,000 · 0.25 = 12,500 ETH, 25 M at 2,000; the backstop takes 1 M.
    let one_window = |params: &mut MarketParams| {
        params.move_limit = Some(Ratio::percent(36));
        params.close_time_max = params.move_window;
    };
    let reject = Reject::ListingOpenInterest { closable: whole(26_000_000), cap: whole(40_000_000) };
    market_refuses(one_window, reject);
    market_passes(|params| {
        one_window(params);
        params.open_interest_cap = whole(26_000_000);
    });
}

#[test]
fn govern_rejects_a_threshold_that_does_not_cover() {
    // R14: 1.02 / (0.97 · (1 - 0.03)) = 1.02 / 0.9409 = 1.0840684451057498140.., rounded up.
    let (need, have) = (ratio("1.084068445105749815"), Ratio::percent(108));
    let reject = Reject::ListingThreshold { need, have };
    token_refuses(|params| params.threshold = have, reject);
    // 1.10 · 1.10.
    let have = Ratio::percent(120);
    let reject = Reject::ListingThreshold { need: Ratio::percent(121), have };
    token_refuses(|params| params.threshold_initial = have, reject);
}

#[test]
fn govern_rejects_terms_of_liquidations_that_no_genesis_may_have() {
    let outside = |value: Ratio, low: Ratio, high: Ratio| Reject::ListingValue { value, low, high };
    type Tweak = fn(&mut LiquidationParams);
    let (percent, whole) = (Ratio::percent, Ratio::whole);
    let cases: [(Tweak, Reject); 4] = [
        (|terms| terms.target_most = Ratio::percent(1), outside(percent(1), percent(2), Ratio::ONE)),
        (|terms| terms.target_fall = Ratio::whole(11), outside(whole(11), Ratio::ZERO, whole(10))),
        (|terms| terms.depth_wait = Millis::seconds(3_601), outside(whole(3_601), Ratio::ZERO, whole(3_600))),
        // At a fee of 5 % a threshold of 110 % covers nothing: 1.05 / 0.97 / 0.97.
        (
            |terms| terms.fee_collateral = Bps::new(500),
            Reject::ListingThreshold { need: ratio("1.115952811138271868"), have: percent(110) },
        ),
    ];
    for (tweak, reject) in cases {
        let mut terms = LiquidationParams::default();
        tweak(&mut terms);
        let change = Change::Liquidation { params: Box::new(terms) };
        refuses(&mut House::new(), Command::Govern(change), reject);
    }
}

#[test]
fn govern_rejects_a_value_outside_its_bounds() {
    let (value, low, high) = (Ratio::percent(101), Ratio::ZERO, Ratio::ONE);
    market_refuses(|params| params.margin_maintenance = value, Reject::ListingValue { value, low, high });
    let (value, low, high) = (Ratio::percent(99), Ratio::ONE, Ratio::whole(1_000));
    token_refuses(|params| params.threshold = value, Reject::ListingValue { value, low, high });
    // A coin that is written down is worth less than a dollar.
    let mut house = House::new();
    let token = house.token("USDC", "ethereum");
    let reject = Reject::ListingValue { value: Ratio::ONE, low: Ratio::ZERO, high: Ratio::ONE };
    refuses(&mut house, Command::Govern(Change::WriteDown { token, worth: Ratio::ONE }), reject);
}

#[test]
fn govern_rejects_a_step_of_depth_that_is_too_large() {
    let mut house = House::bare();
    let depth = |factor| Command::Govern(Change::Depth { market: ETH, factor: ratio(factor) });
    let (low, high) = (ratio("0.978"), ratio("1.001"));
    // 1.001² and 0.98².
    let up = Reject::DepthStep { squared: ratio("1.002001"), low, high };
    refuses(&mut house, depth("1.001"), up);
    let down = Reject::DepthStep { squared: ratio("0.9604"), low, high };
    refuses(&mut house, depth("0.98"), down);
}

#[test]
fn govern_rejects_a_depth_that_the_net_position_could_not_leave() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(100_000));
    // 920 ETH in the curve. Worth 82,000 at index, for 8,913: 73,087 are lost so far.
    house.trade("alice", "ETH", Side::Short, TradeAmount::Base(whole(820))).expect("100,000 cover it");
    // 920 · 0.989 = 909.88 ETH; without the 820 there would be 89.88, and a tenth is 90.988.
    let command = Command::Govern(Change::Depth { market: ETH, factor: ratio("0.989") });
    refuses(&mut house, command, Reject::DepthTooSmall { market: ETH });
}

#[test]
fn govern_rejects_a_depth_that_the_budget_cannot_pay() {
    let mut house = House::bare();
    house.deposit("alice", "ethereum", "USDC", whole(6_000));
    // 50 ETH and 20,000 dollars stay. Worth 5,000 at index, for 10,000: 5,000 are lost so far.
    house.trade("alice", "ETH", Side::Long, TradeAmount::Base(whole(50))).expect("6,000 cover it");
    // Closing brings 20,000 · 50 / 100 = 10,000, and afterwards 20,008 · 50 / 100.02, rounded up.
    let need = amount("1.999600079984003200");
    let command = Command::Govern(Change::Depth { market: ETH, factor: ratio("1.0004") });
    refuses(&mut house, command, Reject::BudgetTooSmall { market: ETH, have: Amount::ZERO, need });
}

#[test]
fn govern_rejects_limits_that_a_vault_cannot_count() {
    let mut house = House::new();
    let token = house.token("ETH", "ethereum");
    let limits = |window, delay| {
        let limits = VaultLimits { outflow: whole(1), window, delay_above: whole(1), delay };
        Command::Govern(Change::SetLimits { token, limits })
    };
    let (low, most) = (Millis::new(1), Millis::new(u64::from(u32::MAX)));
    let long = Millis::new(most.get() + 1);
    for have in [Millis::ZERO, long] {
        let reject = Reject::LimitsBounds { have, low, high: most };
        refuses(&mut house, limits(have, Millis::ZERO), reject);
    }
    // An order lives for an hour: what waits as long is never paid.
    let high = Millis::new(Millis::hours(1).get() - 1);
    let reject = Reject::LimitsBounds { have: Millis::hours(1), low: Millis::ZERO, high };
    refuses(&mut house, limits(low, Millis::hours(1)), reject);
    house.run(limits(most, high)).expect("both are at their bounds");
}

#[test]
fn govern_rejects_a_chain_whose_coin_is_not_among_its_tokens() {
    let mut house = House::new();
    let mut chain = house.genesis.chains[0].clone();
    let add = |house: &House, chain: &ChainGenesis| {
        Command::Govern(Change::AddChain { params: Box::new(house.chain_params(chain)) })
    };
    chain.coin = "ETH".to_owned();
    let command = add(&house, &chain);
    refuses(&mut house, command, Reject::CoinNotListed { asset: house_asset("ETH") });
    chain.coin = "USDC".to_owned();
    chain.tokens.remove(0);
    let command = add(&house, &chain);
    refuses(&mut house, command, Reject::CoinNotListed { asset: house_asset("USDC") });
    // Its other terms have the bounds of genesis.
    let mut chain = house.genesis.chains[0].clone();
    chain.tokens[1].params.threshold = Ratio::percent(99);
    let command = add(&house, &chain);
    let (value, low, high) = (Ratio::percent(99), Ratio::ONE, Ratio::whole(1_000));
    refuses(&mut house, command, Reject::ListingValue { value, low, high });
}

/// Of the guarded house.
fn house_asset(symbol: &str) -> AssetId {
    House::new().asset(symbol)
}

/// What the vault holds of ETH on Ethereum is counted in wei.
#[test]
fn govern_rejects_another_unit() {
    let mut house = House::new();
    let token = house.token("ETH", "ethereum");
    let mut params = house.state().token(token).expect("it is listed").params;
    let (unit, asked) = (params.unit, Amount::from_wei(10));
    params.unit = asked;
    refuses(
        &mut house,
        Command::Govern(Change::Token { token, params }),
        Reject::UnitChanged { unit, asked },
    );
}

fn rotate(signers: &[Signer]) -> Command {
    Command::Govern(Change::Rotate { signers: signers.to_vec() })
}

/// A vault that does not rotate for good falls behind, not further than four sets.
#[test]
fn govern_rejects_a_rotation_while_four_are_open() {
    let mut house = House::new();
    house.spoke("polygon").holds_finality = true;
    for number in 1..=4 {
        house.run(rotate(&[Signer([number; 20])])).expect("four at most are open");
    }
    // The others' are final in this block, before the command.
    let (chain, next) = (house.chain("polygon"), [Signer([5; 20])]);
    refuses(&mut house, rotate(&next), Reject::RotationOpen { chain, have: 0, want: 1 });
    assert_eq!(house.state().chains.get(chain).epoch_seen, 4, "seen is not final");
    house.finalise("polygon");
    house.run(rotate(&next)).expect("all are final everywhere");
}

#[test]
fn govern_rejects_a_set_that_no_certificate_can_count() {
    let mut house = House::new();
    let set = |number: u16| -> Vec<Signer> {
        let signer = |number: u16| Signer(std::array::from_fn(|at| number.to_be_bytes()[at % 2]));
        (1..=number).map(signer).collect()
    };
    for number in [0, 383] {
        let reject = Reject::SignersCount { have: u32::from(number), low: 1, high: 382 };
        refuses(&mut house, rotate(&set(number)), reject);
    }
    house.run(rotate(&set(382))).expect("a quorum of 255");
}

#[test]
fn govern_rejects_a_signer_of_zero() {
    let mut house = House::new();
    let signer = Signer([0; 20]);
    refuses(&mut house, rotate(&[Signer([1; 20]), signer]), Reject::SignerZero { signer });
}

#[test]
fn govern_rejects_a_signer_twice() {
    let mut house = House::new();
    let (one, signer) = (Signer([1; 20]), Signer([2; 20]));
    refuses(&mut house, rotate(&[signer, one, signer]), Reject::SignerTwice { signer });
}

#[test]
fn govern_rejects_the_present_set() {
    let (one, other) = (Signer([1; 20]), Signer([2; 20]));
    let mut house = House::tweaked(|genesis| genesis.validators = vec![one, other]);
    for same in [[one, other], [other, one]] {
        refuses(&mut house, rotate(&same), Reject::SetUnchanged { epoch: 0, signers: 2 });
    }
    house.run(rotate(&[one])).expect("one of them alone is another set");
}

#[test]
fn govern_rejects_opening_a_path_that_is_open() {
    let mut house = House::new();
    let (from, to) = (house.chain("polygon"), ETHEREUM);
    refuses(&mut house, Command::Govern(Change::OpenPath { from, to }), Reject::PathOpen { from, to });
}

// The catalogue

/// The test of each code, the first where there are several. None of these codes is out of reach.
const TESTS: [(&str, &str); 51] = [
    ("E2001", "trade_rejects_a_locked_account"),
    ("E2002", "close_position_rejects_no_position"),
    ("E2003", "trade_rejects_an_increase_where_only_reducing_was_asked"),
    ("E2004", "trade_rejects_more_than_nine_tenths_of_a_reserve"),
    ("E2005", "trade_rejects_a_swap_that_rounds_to_nothing"),
    ("E2006", "trade_rejects_a_price_beyond_its_limit"),
    ("E2007", "trade_rejects_a_mark_outside_the_band"),
    ("E2008", "trade_rejects_a_mark_that_moves_too_far"),
    ("E2009", "trade_rejects_open_interest_above_the_cap"),
    ("E2010", "trade_rejects_a_position_of_half_the_depth"),
    ("E2011", "trade_rejects_low_health"),
    ("E2012", "trade_rejects_a_reduction_that_lowers_health"),
    ("E2013", "request_withdrawal_rejects_more_than_the_cash"),
    ("E2014", "trade_rejects_opening_in_a_market_that_leaves"),
    ("E2104", "liquidate_account_rejects_a_healthy_account"),
    ("E2201", "govern_rejects_resolving_an_unknown_task"),
    ("E2202", "govern_rejects_resolving_a_task_of_which_no_lot_is_frozen"),
    ("E3001", "repay_rejects_no_loan"),
    ("E3002", "borrow_rejects_more_than_is_idle"),
    ("E3003", "borrow_rejects_more_than_the_inventory"),
    ("E3004", "redeem_rejects_more_than_the_shares_are_worth"),
    ("E3005", "lend_rejects_what_buys_no_share"),
    ("E3006", "request_withdrawal_rejects_no_address"),
    ("E3007", "request_withdrawal_rejects_more_than_the_collateral"),
    ("E3008", "borrow_rejects_more_than_was_deposited_while_off_par"),
    ("E3009", "request_withdrawal_rejects_less_than_a_unit"),
    ("E3010", "govern_rejects_a_collection_without_a_cold_store"),
    ("E3011", "govern_rejects_collecting_more_than_the_float"),
    ("E3012", "borrow_and_repay_reject_less_than_the_least"),
    ("E3013", "withdraw_suspense_rejects_a_token_of_which_nothing_is_there"),
    ("E3014", "register_address_rejects_what_nobody_can_be_paid_at"),
    ("E3015", "request_withdrawal_rejects_what_is_not_worth_its_delivery"),
    ("E3016", "cancel_withdrawal_rejects_what_does_not_wait"),
    ("E3017", "request_withdrawal_rejects_more_than_may_be_on_their_way"),
    ("E4001", "govern_rejects_a_maintenance_margin_that_does_not_cover"),
    ("E4002", "govern_rejects_an_initial_margin_that_does_not_cover"),
    ("E4003", "govern_rejects_a_cap_that_cannot_be_closed"),
    ("E4004", "govern_rejects_a_threshold_that_does_not_cover"),
    ("E4005", "govern_rejects_a_value_outside_its_bounds"),
    ("E4006", "govern_rejects_a_step_of_depth_that_is_too_large"),
    ("E4007", "govern_rejects_a_depth_that_the_net_position_could_not_leave"),
    ("E4008", "govern_rejects_a_depth_that_the_budget_cannot_pay"),
    ("E4009", "govern_rejects_limits_that_a_vault_cannot_count"),
    ("E4010", "govern_rejects_a_chain_whose_coin_is_not_among_its_tokens"),
    ("E4011", "govern_rejects_another_unit"),
    ("E4012", "govern_rejects_a_rotation_while_four_are_open"),
    ("E4013", "govern_rejects_a_set_that_no_certificate_can_count"),
    ("E4014", "govern_rejects_a_signer_of_zero"),
    ("E4015", "govern_rejects_a_signer_twice"),
    ("E4016", "govern_rejects_the_present_set"),
    ("E4017", "govern_rejects_opening_a_path_that_is_open"),
];

/// The tests stand in this file in the order of the catalogue, and each names its reject. Those of keepers are in
/// `rejects_keepers.rs`.
#[test]
fn every_code_has_a_test() {
    let mut rest = include_str!("rejects_commands.rs");
    let catalog = Reject::CATALOG.iter().filter(|info| ("E2".."E5").contains(&info.code));
    assert_eq!(catalog.clone().count(), TESTS.len());
    for (info, (code, test)) in catalog.zip(TESTS) {
        assert_eq!(code, info.code, "the catalogue's order");
        let at = rest.find(&format!("#[test]\nfn {test}() {{"));
        rest = &rest[at.unwrap_or_else(|| panic!("{test} does not come after the tests of earlier codes"))..];
        let body = rest.split("\n}\n").next().unwrap_or_default();
        assert!(body.contains(&format!("Reject::{} {{", info.name)), "{test} tests no {}", info.name);
    }
}
