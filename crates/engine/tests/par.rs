//! What a coin brings as cash (R39), how much of a token the house takes, and what it does with the rest.

mod support;

use ballast_types::{
    AssetGenesis, ChainId, Change, Command, Event, LedgerAccount, Listing, OracleState, Reject, TokenGenesis,
    TokenParams,
};
use ballast_units::{Amount, Millis, Ratio};
use support::{House, amount, genesis, price, whole};

/// The guarded house with a second stablecoin on Ethereum, in which no loans are paid.
fn two_coins(tweak: impl FnOnce(&mut TokenParams)) -> House {
    let mut genesis = genesis::guarded();
    genesis.assets.push(AssetGenesis { symbol: "USDT".to_owned(), ..genesis::asset("USDT", true) });
    let mut params = TokenParams { unit: Amount::from_wei(1_000_000_000_000), ..TokenParams::default() };
    tweak(&mut params);
    genesis.chains[0].tokens.push(TokenGenesis { asset: "USDT".to_owned(), params });
    House::of(genesis)
}

/// A day at this price, in steps that keep it fresh.
fn settle_at(house: &mut House, asset: &str, quote: &str) {
    house.price(asset, price(quote));
    house.advance_in(Millis::hours(25), 100);
}

/// Case 31: 999,999 of a coin at 0.9951 came out as 999,999 of the good one. They bring what they are worth; more than 1 % of all
/// inventories an hour is not taken at all.
#[test]
fn a_coin_below_par_is_worth_what_it_is_worth() {
    let mut house = two_coins(|_| {});
    house.deposit("bob", "ethereum", "USDC", whole(200_000_000));
    settle_at(&mut house, "USDT", "0.9951");
    let usdt = house.token("USDT", "ethereum");
    house.deposit("mallory", "ethereum", "USDT", whole(999_999));
    assert_eq!(house.view("mallory").cash, amount("995099.0049"));
    assert_eq!(house.balance(LedgerAccount::ParReserve(usdt)), amount("4899.9951"));
    // 2 M of 200 M within the hour.
    house.deposit("mallory", "ethereum", "USDT", whole(1_100_000));
    assert_eq!(house.view("mallory").cash, amount("995099.0049"), "collateral, until the coin is at par");
    // The reserve pays a write-down first, and is the float's when the coin has been at par for a day.
    let float = house.balance(LedgerAccount::Float);
    settle_at(&mut house, "USDT", "1");
    house.advance_in(Millis::hours(25), 100);
    assert_eq!(house.balance(LedgerAccount::ParReserve(usdt)), Amount::ZERO);
    assert_eq!(house.balance(LedgerAccount::Float), float + amount("4899.9951"));
    assert_eq!(house.view("mallory").cash, amount("2095099.0049"));
}

/// What coins lacked to par when they came pays first when the coin is written down.
#[test]
fn a_write_down_is_paid_by_what_coins_lacked() {
    let mut house = two_coins(|_| {});
    house.deposit("bob", "ethereum", "USDC", whole(1_000_000));
    settle_at(&mut house, "USDT", "0.996");
    let usdt = house.token("USDT", "ethereum");
    house.deposit("ann", "ethereum", "USDT", whole(10_000));
    assert_eq!(house.balance(LedgerAccount::ParReserve(usdt)), whole(40));
    let change = Change::WriteDown { token: usdt, worth: Ratio::percent(99) };
    house.run(Command::Govern(change)).expect("a hundredth");
    assert_eq!(house.balance(LedgerAccount::ParReserve(usdt)), Amount::ZERO);
    assert_eq!(house.state().house.par_loss, whole(40), "the layers are empty, lenders have nothing idle");
}

/// A coin that no loans are paid in is 30 % of all inventories at most, the deposit included; one that loans are paid in is never
/// shut out. Two coins at 45 % each would otherwise shut each other out for good.
#[test]
fn shares_are_tested_with_the_deposit_and_never_shut_out_what_loans_are_paid_in() {
    let mut house = two_coins(|_| {});
    house.deposit("ann", "ethereum", "USDT", whole(1_000));
    assert_eq!(house.view("ann").cash, Amount::ZERO, "all of an empty house's");
    house.deposit("bob", "ethereum", "USDC", whole(700));
    // 300 of 1,000 are taken as soon as there is room, the rest as soon as there is more.
    assert_eq!(house.view("ann").cash, whole(300));
    house.deposit("bob", "ethereum", "USDC", whole(700));
    assert_eq!(house.view("ann").cash, whole(600));
    assert_eq!(house.view("bob").cash, whole(1_400));
}

/// Case 15: coins brought while their price was late stayed collateral for good. They are cash when it is fresh again.
#[test]
fn coins_of_a_pause_become_cash_after_it() {
    let mut house = House::of(genesis::guarded());
    house.deposit("lena", "ethereum", "USDC", whole(100_000));
    house.lend("lena", "ethereum", whole(50_000)).expect("there is cash");
    house.deposit("bob", "ethereum", "ETH", whole(2));
    house.borrow("bob", "ethereum", whole(2_500)).expect("4,000 / 1.21");
    house.silence("USDC");
    house.advance(Millis::minutes(2));
    house.deposit("bob", "ethereum", "USDC", whole(2_600));
    assert_eq!(house.view("bob").cash, Amount::ZERO);
    // What was borrowed in a coin is repaid in it, in the pause too.
    house.repay("bob", "ethereum", Some(whole(500))).expect("his own coins");
    assert_eq!(house.view("bob").collateral.len(), 2, "2,100 USDC are left");
    house.price("USDC", price("1"));
    house.advance(Millis::seconds(10));
    assert_eq!(house.view("bob").cash, whole(2_100));
    house.repay("bob", "ethereum", None).expect("as ever");
    assert!(house.view("bob").loans.is_empty());
}

/// A coin that its chain's takes are paid in was auctioned for itself, down to 0.70. It pays the debt.
#[test]
fn a_coin_pays_its_own_debt_and_is_never_auctioned_for_itself() {
    let mut house = House::of(genesis::guarded());
    house.deposit("lena", "ethereum", "USDC", whole(100_000));
    house.lend("lena", "ethereum", whole(50_000)).expect("there is cash");
    house.deposit("bob", "ethereum", "ETH", whole(2));
    house.borrow("bob", "ethereum", whole(2_500)).expect("4,000 / 1.21");
    settle_at(&mut house, "USDC", "0.98");
    house.deposit("bob", "ethereum", "USDC", whole(2_600));
    assert_eq!(house.view("bob").cash, Amount::ZERO, "off par: collateral");
    house.price("ETH", price("100"));
    house.apply(Vec::new());
    let coin = house.asset("USDC");
    assert!(house.offers().iter().all(|(_, offer)| offer.asset != coin), "{:?}", house.offers());
    let taken = house.history.iter().any(|event| matches!(event, Event::CoinsTaken { .. }));
    assert!(taken, "2,600 at 0.98 are more than the debt");
    assert!(house.view("bob").loans.is_empty(), "paid: {:?}", house.view("bob").loans);
}

/// Case 32: a hundred billion ETH borrowed the pool dry. What is beyond the cap waits in suspense.
#[test]
fn what_is_beyond_the_supply_cap_waits_in_suspense() {
    let mut house = House::of(genesis::guarded());
    house.deposit("bob", "ethereum", "ETH", whole(100_000_000_000));
    let eth = house.token("ETH", "ethereum");
    let bob = house.account("bob");
    assert_eq!(
        house.balance(LedgerAccount::Collateral(bob, eth)),
        whole(500_000),
        "a billion dollars at 2,000"
    );
    assert_eq!(house.balance(LedgerAccount::Suspense(bob, eth)), whole(99_999_500_000));
    house.run(Command::WithdrawSuspense { account: bob, token: eth }).expect("it is his");
}

/// A cap in the token, and deposits paused, wound down, or refused by their owner.
#[test]
fn what_the_house_or_its_owner_does_not_take_waits_in_suspense() {
    let mut house = House::tweaked(|genesis| {
        for token in &mut genesis.chains[0].tokens {
            token.params.supply_cap = if token.asset == "ETH" { whole(10) } else { Amount::LIMIT };
        }
    });
    let (eth, bob) = (house.token("ETH", "ethereum"), house.account("bob"));
    let held = |house: &House| {
        (house.balance(LedgerAccount::Collateral(bob, eth)), house.balance(LedgerAccount::Suspense(bob, eth)))
    };
    house.deposit("bob", "ethereum", "ETH", whole(8));
    house.deposit("bob", "ethereum", "ETH", whole(8));
    assert_eq!(held(&house), (whole(10), whole(6)));
    house.run(Command::WithdrawSuspense { account: bob, token: eth }).expect("it is his");
    house.withdraw("bob", "ethereum", "ETH", whole(9)).expect("room again");
    house.apply(Vec::new());
    let listing = |listing| Command::Govern(Change::List { token: eth, listing });
    for closed in [Listing::Paused, Listing::WindingDown] {
        house.run(listing(closed)).expect("it is listed");
        house.deposit("bob", "ethereum", "ETH", whole(1));
    }
    assert_eq!(held(&house), (whole(1), whole(2)));
    house.run(listing(Listing::Open)).expect("it is listed");
    let refuse = |refused| Command::RefuseToken { account: bob, token: eth, refused };
    house.run(refuse(true)).expect("his own");
    house.deposit("bob", "ethereum", "ETH", whole(1));
    assert_eq!(held(&house), (whole(1), whole(3)));
    house.run(refuse(false)).expect("his own");
    house.deposit("bob", "ethereum", "ETH", whole(1));
    assert_eq!(held(&house), (whole(2), whole(3)));
}

/// A token that leaves the house backs nothing new, and makes nobody leave.
#[test]
fn a_token_that_leaves_backs_nothing_new() {
    let mut house = House::of(genesis::guarded());
    house.deposit("lena", "ethereum", "USDC", whole(100_000));
    house.lend("lena", "ethereum", whole(50_000)).expect("there is cash");
    house.deposit("bob", "ethereum", "ETH", whole(10));
    house.borrow("bob", "ethereum", whole(1_000)).expect("20,000 / 1.21");
    let health = house.view("bob").health;
    let token = house.token("ETH", "ethereum");
    house.run(Command::Govern(Change::List { token, listing: Listing::WindingDown })).expect("it is listed");
    assert_eq!(house.view("bob").health, health);
    assert!(matches!(house.borrow("bob", "ethereum", whole(100)), Err(Reject::HealthTooLow { .. })));
    house.repay("bob", "ethereum", None).expect_err("he has no cash");
    house.deposit("bob", "ethereum", "USDC", whole(1_100));
    house.repay("bob", "ethereum", None).expect("paying back is always possible");
    house.withdraw("bob", "ethereum", "ETH", whole(10)).expect("he owes nothing");
}

/// A market that leaves lets positions be closed, and none be opened.
#[test]
fn a_market_that_leaves_is_only_reduced() {
    let mut house = House::of(genesis::guarded());
    house.deposit("ann", "ethereum", "USDC", whole(10_000));
    house.long("ann", "ETH", whole(1_000)).expect("there is margin");
    let market = house.market("ETH");
    house.run(Command::Govern(Change::WindDown { market, leaves: true })).expect("there is such a market");
    assert_eq!(
        house.long("ann", "ETH", whole(100)).expect_err("it opens"),
        Reject::MarketWindingDown { market }
    );
    house.short("ann", "ETH", whole(500)).expect("it reduces");
    house.run(Command::Govern(Change::WindDown { market, leaves: false })).expect("there is such a market");
    house.long("ann", "ETH", whole(100)).expect("it stays after all");
}

/// One dead feed and a restart held the whole house in safe mode for ever: it holds up what rests on it.
#[test]
fn safe_mode_is_by_asset() {
    let mut house = House::of(genesis::guarded());
    house.deposit("ann", "ethereum", "USDC", whole(10_000));
    house.silence("SOL");
    house.run(Command::EnterSafeMode).expect("always");
    let since = house.now();
    house.advance(Millis::seconds(10));
    house.long("ann", "ETH", whole(100)).expect("ETH is fresh");
    assert_eq!(house.state().house.safe_mode, Some(since), "SOL is not");
    let sol = house.asset("SOL");
    assert_ne!(house.state().assets.get(sol).state, OracleState::Halted);
    assert_eq!(house.chain("ethereum"), ChainId(0));
}
