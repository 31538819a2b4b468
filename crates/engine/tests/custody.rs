//! Custody: deposits, withdrawals, finality, par (R9, R10, R18, R25). Rejects: `rejects_inputs.rs` and
//! `rejects_commands.rs`.

mod support;

use ballast_types::{
    AccountId, Change, Command, Event, Hash, Layer, LedgerAccount, MarketId, Nonce, Observation, Reject,
    Scope, VaultEvent,
};
use ballast_units::{Amount, Millis, Ratio, Usd};
use support::genesis::guarded;
use support::{House, amount, owner, price, whole};

/// The guarded house, and somebody with 10 ETH and 100 dollars, both from Ethereum, both final.
fn with_alice() -> (House, AccountId) {
    let mut house = House::new();
    house.deposit("alice", "ethereum", "USDC", whole(100));
    house.deposit("alice", "ethereum", "ETH", whole(10));
    let alice = house.account("alice");
    (house, alice)
}

fn deposit(house: &House, name: &str, asset: &str, amount: Amount) -> VaultEvent {
    VaultEvent::Deposited { owner: owner(name), asset: house.asset(asset), amount }
}

/// R10: a coin is two entries, one in the coin and one in dollars; another token is one.
#[test]
fn a_coin_becomes_cash_and_another_token_collateral() {
    let (mut house, alice) = with_alice();
    let (usdc, eth) = (house.token("USDC", "ethereum"), house.token("ETH", "ethereum"));
    assert_eq!(house.balance(LedgerAccount::Inventory(usdc)), whole(100));
    assert_eq!(house.balance(LedgerAccount::Cash(alice)), whole(100));
    assert_eq!(house.balance(LedgerAccount::Collateral(alice, eth)), whole(10));
    assert_eq!(house.view("alice").equity, Usd::whole(20_100));
}

/// R39: one to one from 0.999, what it is worth down to 0.995, by the lowest of index and averages; a wei below that a coin is
/// collateral like any other, until it is back.
#[test]
fn a_coin_is_cash_at_what_it_is_worth_within_half_a_percent_of_par() {
    let (mut house, alice) = with_alice();
    house.deposit("bob", "ethereum", "USDC", whole(1_000));
    let usdc = house.token("USDC", "ethereum");
    let cash = |house: &House| house.balance(LedgerAccount::Cash(alice));
    let held = |house: &House| house.balance(LedgerAccount::Collateral(alice, usdc));
    for (quoted, brings) in [
        ("1.005000000000000001", "1"),
        ("0.999", "1"),
        ("0.998999999999999999", "0.998999999999999999"),
        ("0.995", "0.995"),
        ("0.994999999999999999", "0"),
    ] {
        house.price("USDC", price(quoted));
        let (before, held_before) = (cash(&house), held(&house));
        house.deposit("alice", "ethereum", "USDC", whole(1));
        let expected = if brings == "0" { whole(1) } else { Amount::ZERO };
        let found = (cash(&house) - before, held(&house) - held_before);
        assert_eq!(found, (amount(brings), expected), "at {quoted}");
    }
    // Back at 1, but 10 minutes at 0.98 leave an average of 0.9867.
    house.price("USDC", price("0.98"));
    house.advance_in(Millis::minutes(10), 10);
    house.price("USDC", price("1"));
    let before = cash(&house);
    house.deposit("alice", "ethereum", "USDC", whole(1));
    assert_eq!(cash(&house), before, "the average is off par");
    house.advance_in(Millis::minutes(16), 16);
    assert_eq!(cash(&house), before + whole(2), "16 minutes later it is not, and what waited is cash too");
}

/// R39: a coin whose share of all inventories, the deposit included, would be above its cap is collateral for that part.
#[test]
fn a_coin_is_cash_below_its_share_of_all_inventories() {
    let mut genesis = guarded();
    genesis.assets.push(support::genesis::asset("DAI", true));
    let dai = |share| ballast_types::TokenGenesis {
        asset: "DAI".to_owned(),
        params: ballast_types::TokenParams { par_share: share, ..ballast_types::TokenParams::default() },
    };
    genesis.chains[0].tokens.push(dai(Ratio::percent(20)));
    let mut house = House::of(genesis);
    house.deposit("alice", "ethereum", "USDC", whole(80));
    let alice = house.account("alice");
    // 20 of 100 are the most: the 21st waits.
    for (amount, cash) in [(20, 100), (1, 100)] {
        house.deposit("alice", "ethereum", "DAI", whole(amount));
        assert_eq!(house.balance(LedgerAccount::Cash(alice)), whole(cash));
    }
    let dai = house.token("DAI", "ethereum");
    assert_eq!(house.balance(LedgerAccount::Collateral(alice, dai)), whole(1));
}

/// R9: the credit of an owner is a tenth of what the chain's tranche could make good: of 50,000 that is 5,000, or 2.5
/// ETH at 2,000. It counts for opening, for nothing that leaves, and nothing can be paid from it.
#[test]
fn a_safe_deposit_counts_and_cannot_be_spent() {
    let mut house = House::new();
    let (chain, eth) = (house.chain("ethereum"), house.token("ETH", "ethereum"));
    house.deposit("bob", "ethereum", "USDC", whole(150_000));
    house.contribute("bob", Layer::Tranche(Scope::Chain(chain)), whole(50_000)).expect("there is cash");
    house.lend("bob", "ethereum", whole(50_000)).expect("there is cash");
    house.deposit("alice", "polygon", "USDC", whole(100));
    let alice = house.account("alice");

    house.deposit_safe("alice", "ethereum", "ETH", whole(10));
    assert_eq!(house.balance(LedgerAccount::Pending(alice, eth)), amount("2.5"));
    assert_eq!(house.balance(LedgerAccount::Collateral(alice, eth)), Amount::ZERO);
    // 2.5 x 2,000 / 1.1 and her cash.
    assert_eq!(house.view("alice").health, "4645.454545454545454545".parse().expect("a decimal"));

    let refused = house.withdraw("alice", "ethereum", "ETH", whole(1)).expect_err("it is not final");
    assert_eq!(refused, Reject::CollateralTooSmall { account: alice, have: Amount::ZERO, need: whole(1) });
    let refused = house.borrow("alice", "ethereum", whole(101)).expect_err("it backs no loan");
    assert_eq!(refused.code(), "E2011");
    // 10,000 of notional need 1,000; she has 100 in cash.
    house.long("alice", "ETH", whole(10_000)).expect("it counts for opening");

    let out = house.finalise("ethereum");
    assert!(out.events.contains(&Event::DepositCredited { account: alice, token: eth, amount: whole(10) }));
    assert_eq!(house.balance(LedgerAccount::Pending(alice, eth)), Amount::ZERO);
    assert_eq!(house.balance(LedgerAccount::Collateral(alice, eth)), whole(10));
}

/// R9: what only a deposit that is not final could pay is owed without a clock. A close at a loss leaves alice owing; two
/// days later nothing has been sold, since nothing of hers is final. Then the 24 hours begin.
#[test]
fn what_only_a_safe_deposit_could_pay_has_no_clock() {
    let mut house = House::new();
    let chain = house.chain("ethereum");
    house.deposit("bob", "polygon", "USDC", whole(650_000));
    house.contribute("bob", Layer::Tranche(Scope::Chain(chain)), whole(50_000)).expect("there is cash");
    house.deposit("alice", "polygon", "USDC", whole(60));
    house.deposit_safe("alice", "ethereum", "ETH", whole(2));
    house.long("alice", "ETH", whole(20_000)).expect("2 ETH count for opening");
    house.price("ETH", price("1970"));
    house.short("bob", "ETH", whole(700_000)).expect("towards the index");
    house.close("alice", "ETH").expect("a close reduces");
    let owes = |house: &mut House| house.view("alice").claims.iter().any(|claim| !claim.debt.is_zero());
    assert!(owes(&mut house), "1.4 % of 20,000 are more than 60");

    house.advance_in(Millis::hours(48), 48);
    assert_eq!(house.view("alice").locked, None, "nothing of hers can be sold");
    house.finalise("ethereum");
    house.advance_in(Millis::hours(23), 23);
    assert_eq!(house.view("alice").locked, None, "it is final since 23 hours");
    house.advance_in(Millis::hours(1), 1);
    assert!(house.view("alice").locked.is_some());
    assert!(owes(&mut house));
}

/// R9: over all owners no more than the tranche, and a tenth of it an owner over all subaccounts.
#[test]
fn credit_for_safe_deposits_is_bounded_by_the_tranche() {
    let mut house = House::new();
    let (chain, eth) = (house.chain("ethereum"), house.token("ETH", "ethereum"));
    house.deposit("bob", "ethereum", "USDC", whole(50_000));
    house.contribute("bob", Layer::Tranche(Scope::Chain(chain)), whole(50_000)).expect("there is cash");
    let mut credits = Vec::new();
    for name in ["o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9", "o10", "o11"] {
        house.deposit_safe(name, "ethereum", "ETH", whole(3));
        let account = house.account(name);
        credits.push(house.balance(LedgerAccount::Pending(account, eth)));
    }
    // Ten times 5,000, and nothing for the eleventh.
    assert_eq!(credits, [vec![amount("2.5"); 10], vec![Amount::ZERO]].concat());
    // A second subaccount of the first owner has nothing either, though the first chain's limit had room for it.
    let mut house = House::new();
    house.deposit("bob", "ethereum", "USDC", whole(50_000));
    house.contribute("bob", Layer::Tranche(Scope::Chain(chain)), whole(50_000)).expect("there is cash");
    house.deposit_safe("alice", "ethereum", "ETH", whole(3));
    let second = ballast_types::Owner { subaccount: 1, ..owner("alice") };
    house.spoke("ethereum").deposit(second, eth.asset, whole(3));
    house.apply(Vec::new());
    let account = house.state().account_of(second).expect("a deposit opens it");
    assert_eq!(house.balance(LedgerAccount::Pending(account, eth)), Amount::ZERO);
}

/// R9: a safe deposit backs a position, the position loses, the chain drops the deposit. What the account cannot pay
/// is a loss of that chain: its tranche pays the market's pool.
#[test]
fn a_dropped_deposit_is_a_loss_of_its_chain() {
    let mut house = House::new();
    let (chain, eth) = (house.chain("ethereum"), house.token("ETH", "ethereum"));
    let tranche = LedgerAccount::Tranche(Scope::Chain(chain));
    house.deposit("bob", "ethereum", "USDC", whole(150_000));
    house.contribute("bob", Layer::Tranche(Scope::Chain(chain)), whole(50_000)).expect("there is cash");
    house.deposit("alice", "polygon", "USDC", whole(100));
    let alice = house.account("alice");
    let dropped = house.deposit_safe("alice", "ethereum", "ETH", whole(10));
    house.long("alice", "ETH", whole(20_000)).expect("100 + 4,132 cover 2,000");
    house.short("bob", "ETH", whole(20_000)).expect("there is cash");
    house.price("ETH", price("1800"));
    // 80 + 2.5 x 1,800 / 1.1 - 2,004 - 6.27 % of 17,996.
    assert!(!house.view("alice").health.is_negative());
    assert_eq!(house.view("alice").locked, None);

    let before = (house.balance(tranche), house.balance(LedgerAccount::Tranche(Scope::Market(MarketId(0)))));
    let out = house.drop_from("ethereum", dropped);
    assert!(out.events.contains(&Event::DepositDropped { account: alice, token: eth, amount: whole(10) }));
    let mut absorbed = Vec::new();
    let mut shortfall = None;
    for _ in 0..5 {
        for event in house.history.split_off(0) {
            match event {
                Event::LossAbsorbed { scope, amount, tranche, .. } => absorbed.push((scope, amount, tranche)),
                Event::TaskClosed { account, shortfall: lost, .. } if account == alice => {
                    shortfall = Some(lost)
                }
                _ => {}
            }
        }
        house.advance(Millis::seconds(2));
    }
    let lost = shortfall.expect("her task has ended");
    // Long about 9.998 ETH for 20,000; taken over at 1,800: about 2,004 lost, of which her 80 pay a part.
    assert!(whole(1_900) < lost && lost < whole(1_930), "{lost}");
    assert_eq!(absorbed, [(Scope::Chain(chain), lost, lost)]);
    assert_eq!(before.0 - house.balance(tranche), lost);
    assert!(before.1 <= house.balance(LedgerAccount::Tranche(Scope::Market(MarketId(0)))));
    assert_eq!(house.balance(LedgerAccount::Pending(alice, eth)), Amount::ZERO);
}

/// R18: another version of an event reverses the first before it takes effect.
#[test]
fn another_version_of_a_deposit_replaces_it() {
    let (mut house, alice) = with_alice();
    let (chain, eth) = (house.chain("ethereum"), house.token("ETH", "ethereum"));
    house.deposit("bob", "ethereum", "USDC", whole(50_000));
    house.contribute("bob", Layer::Tranche(Scope::Chain(chain)), whole(50_000)).expect("there is cash");
    let sequence = house.deposit_safe("alice", "ethereum", "ETH", whole(1));
    assert_eq!(house.balance(LedgerAccount::Pending(alice, eth)), whole(1));
    let event = deposit(&house, "alice", "ETH", whole(2));
    house
        .observe(Observation::Seen { chain, sequence, version: Hash([5; 32]), event })
        .expect("another block");
    assert_eq!(house.balance(LedgerAccount::Pending(alice, eth)), whole(2));
    house
        .observe(Observation::Final {
            chain,
            sequence,
            time: ballast_units::Time::default(),
            block: Hash::default(),
        })
        .expect("it was seen");
    assert_eq!(house.balance(LedgerAccount::Collateral(alice, eth)), whole(12));
}

/// R25: a release is floored to the chain's unit; the rest stays where it was.
#[test]
fn a_withdrawal_is_floored_to_the_unit() {
    let (mut house, alice) = with_alice();
    let usdc = house.token("USDC", "ethereum");
    let out = house.withdraw("alice", "ethereum", "USDC", amount("1.2345678")).expect("there is cash");
    let nonce = Nonce(1);
    let ordered = Event::ReleaseOrdered { account: alice, token: usdc, amount: amount("1.234567"), nonce };
    assert!(out.events.contains(&ordered));
    assert_eq!(house.balance(LedgerAccount::Cash(alice)), amount("98.765433"));
    assert_eq!(house.balance(LedgerAccount::Inventory(usdc)), amount("98.765433"));
    assert_eq!(house.balance(LedgerAccount::InFlight(usdc.chain)), amount("1.234567"));
    let out = house.apply(Vec::new());
    let done = Event::ReleaseCompleted { chain: usdc.chain, nonce, amount: amount("1.234567") };
    assert!(out.events.contains(&done));
    assert_eq!(house.balance(LedgerAccount::InFlight(usdc.chain)), Amount::ZERO);
}

/// R10: lenders' idle dollars stay in the vault; who does not fit beside them waits, and goes when coins come.
#[test]
fn withdrawals_beyond_the_free_inventory_wait() {
    let mut house = House::new();
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.lend("bob", "ethereum", whole(100)).expect("there is cash");
    for name in ["ann", "cid"] {
        house.deposit(name, "polygon", "USDC", whole(100));
        house.withdraw(name, "ethereum", "USDC", whole(80)).expect("it waits");
    }
    let usdc = house.token("USDC", "ethereum");
    assert_eq!(house.balance(LedgerAccount::InFlight(usdc.chain)), Amount::ZERO);
    // What waits is no cash any more. 100 more: half for each; with 60 more both are paid.
    let ann = house.account("ann");
    assert_eq!(house.balance(LedgerAccount::Cash(ann)), whole(20));
    house.deposit("dan", "ethereum", "USDC", whole(100));
    for name in ["ann", "cid"] {
        assert_eq!(house.view(name).waiting, [(usdc, whole(80), whole(50))]);
    }
    house.deposit("dan", "ethereum", "USDC", whole(60));
    assert_eq!((house.view("ann").cash, house.view("cid").cash), (whole(20), whole(20)));
    assert_eq!(house.state().waiting.iter().count(), 0);
    // Bob's 100 are all that is left on Ethereum: 260 came, 160 went.
    assert_eq!(house.balance(LedgerAccount::Inventory(usdc)), whole(100));
}

/// R10: while a coin is off par, what leaves beyond an account's own deposits leaves in the mix of all inventories: nobody
/// brings the bad coin and leaves in the good one.
#[test]
fn beyond_own_deposits_the_mix_of_all_inventories_is_paid_while_a_coin_is_off_par() {
    let mut genesis = guarded();
    genesis.assets.push(support::genesis::asset("DAI", true));
    let params =
        ballast_types::TokenParams { par_share: Ratio::ONE, ..ballast_types::TokenParams::default() };
    genesis.chains[0].tokens.push(ballast_types::TokenGenesis { asset: "DAI".to_owned(), params });
    let mut house = House::of(genesis);
    // 300 dollars: 150 DAI and 90 USDC on Ethereum, 60 USDC on Polygon.
    house.deposit("alice", "ethereum", "USDC", whole(60));
    house.deposit("alice", "polygon", "USDC", whole(60));
    house.deposit("bob", "ethereum", "USDC", whole(30));
    house.deposit("bob", "ethereum", "DAI", whole(150));
    house.price("USDC", price("0.90"));
    let dai = house.token("DAI", "ethereum");
    let coins = [dai, house.token("USDC", "ethereum"), house.token("USDC", "polygon")];
    let inventories = |house: &House| coins.map(|coin| house.balance(LedgerAccount::Inventory(coin)));

    // A hundred of the good coin, against 120 of the bad one that she brought.
    house.withdraw("alice", "ethereum", "DAI", whole(100)).expect("in the mix");
    assert_eq!(inventories(&house), [whole(100), whole(60), whole(40)], "100 of 150 : 90 : 60");
    assert_eq!(house.view("alice").cash, whole(20));

    // Bob brought 150 DAI; beyond them he is paid in what is then left: no DAI, 60 : 40.
    house.deposit("cid", "ethereum", "DAI", whole(50));
    house.withdraw("bob", "ethereum", "DAI", whole(150)).expect("his own");
    assert_eq!(inventories(&house), [Amount::ZERO, whole(60), whole(40)]);
    house.withdraw("bob", "ethereum", "DAI", whole(10)).expect("in the mix");
    assert_eq!(inventories(&house), [Amount::ZERO, whole(54), whole(36)]);
    assert_eq!(house.view("bob").cash, whole(20));

    // A part below its coin's unit stays cash; nothing but such parts is refused.
    let unit = house.state().token(coins[1]).expect("listed").params.unit;
    let (account, token) = (house.account("bob"), dai);
    let refused =
        house.run(Command::RequestWithdrawal { account, token, amount: unit }).expect_err("too small");
    assert!(matches!(refused, Reject::AmountBelowUnit { unit: least, .. } if least == unit), "{refused}");

    // What lenders have idle does not leave: 12 of 54 USDC would be Alice's, 50 are lenders'. She waits, and has another mix
    // when coins have come: 1,000 DAI of 1,090, USDC rounded down to units.
    house.lend("bob", "ethereum", whole(20)).expect("there is cash");
    house.lend("cid", "ethereum", whole(30)).expect("there is cash");
    house.withdraw("alice", "ethereum", "DAI", whole(20)).expect("it waits");
    assert_eq!(
        (inventories(&house), house.view("alice").cash),
        ([Amount::ZERO, whole(54), whole(36)], Amount::ZERO)
    );
    house.deposit("dan", "ethereum", "DAI", whole(1_000));
    let after = [amount("981.651376146788990826"), amount("53.009175"), amount("35.339450")];
    assert_eq!(inventories(&house), after);
    assert_eq!(house.view("alice").cash, amount("0.000001146788990826"));
}

/// R10: a coin worth 0.90 of a dollar has lost 10 of 100. Tranche 4, float at most half of 8, idle lending the rest.
#[test]
fn a_written_down_coin_is_a_loss_of_its_chain() {
    let mut house = House::new();
    let (chain, usdc) = (house.chain("ethereum"), house.token("USDC", "ethereum"));
    house.deposit("bob", "ethereum", "USDC", whole(100));
    house.contribute("bob", Layer::Tranche(Scope::Chain(chain)), whole(4)).expect("there is cash");
    house.contribute("bob", Layer::Float, whole(8)).expect("there is cash");
    house.lend("bob", "ethereum", whole(50)).expect("there is cash");
    let change = Change::WriteDown { token: usdc, worth: Ratio::percent(90) };
    let out = house.run(Command::Govern(change.clone())).expect("it is a listed coin");
    assert!(out.events.contains(&Event::ParLossBooked { token: usdc, amount: whole(10) }));
    assert_eq!(house.balance(LedgerAccount::Tranche(Scope::Chain(chain))), whole(0));
    assert_eq!(house.balance(LedgerAccount::Float), whole(4));
    assert_eq!(house.balance(LedgerAccount::Lending(chain)), whole(48));
    assert_eq!(house.view("bob").receipts.iter().map(|(_, amount)| *amount).sum::<Amount>(), whole(2));
    assert_eq!(house.state().house.par_loss, whole(10));
    // The same again loses nothing more; at 0.85 another 5 are gone.
    house.run(Command::Govern(change)).expect("without effect");
    assert_eq!(house.state().house.par_loss, whole(10));
    let lower = Change::WriteDown { token: usdc, worth: Ratio::percent(85) };
    house.run(Command::Govern(lower)).expect("it is a listed coin");
    assert_eq!(house.state().house.par_loss, whole(15));
}
