//! Chains while the house runs: one more, its tokens, its limits.

mod support;

use ballast_types::{
    Address, ChainGenesis, ChainId, ChainTier, Change, Command, Event, Hash, Nonce, OrderAction, Reject,
    Side, Token, TokenParams, TradeAmount, VaultLimits, digest,
};
use ballast_units::{Amount, Millis};
use support::{House, genesis, owner, price, whole};

const LAYER2: ChainId = ChainId(3);

fn layer2() -> ChainGenesis {
    let chain = genesis::chain("layer2", ChainTier::Liquid, 115, &[("USDC", 6), ("ETH", 18)]);
    ChainGenesis { domain: Hash([0x12; 32]), ..chain }
}

/// A house that has run for a while, and then has a fourth chain.
fn grown() -> House {
    let mut house = House::new();
    house.deposit("lender", "ethereum", "USDC", whole(100_000));
    house.deposit("alice", "polygon", "ETH", whole(10));
    house.advance(Millis::minutes(10));
    let out = house.add_chain(layer2()).expect("nobody has its domain");
    assert_eq!(out.events, [Event::ChainAdded { chain: LAYER2, domain: Hash([0x12; 32]) }]);
    house
}

#[test]
fn a_chain_that_is_added_does_everything_that_one_of_genesis_does() {
    let mut house = grown();
    // An account that was there before has no address on it yet.
    let account = house.account("lender");
    let address = owner("lender").address;
    house.run(Command::RegisterAddress { account, chain: LAYER2, address }).expect("the chain is there");
    house.deposit("lender", "layer2", "USDC", whole(50_000));
    house.lend("lender", "layer2", whole(40_000)).expect("it is cash");
    house.deposit("bob", "layer2", "ETH", whole(10));
    house.deposit("bob", "layer2", "USDC", whole(1));
    house.borrow("bob", "layer2", whole(15_000)).expect("20,000 / 1.265 = 15,810");
    house.trade("bob", "ETH", Side::Long, TradeAmount::Quote(whole(10))).expect("there is room");
    house.withdraw("lender", "layer2", "USDC", whole(100)).expect("it is cash");
    // 10 ETH at 1,700 count 14,782 against 15,000: liquidated there, by an auction of that chain.
    house.price("ETH", price("1700"));
    assert!(house.view("bob").locked.is_some());
    let (lot, _) = house.offers()[0];
    assert_eq!(house.state().lots.find(lot).expect("it is offered").token, house.token("ETH", "layer2"));
    house.take_all();
    let bob = house.view("bob");
    assert!(bob.locked.is_none() && bob.loans[0].principal < whole(15_000), "{bob:?}");
    // It is as one of genesis in everything but its first moment.
    let mut genesis = genesis::guarded();
    genesis.chains.push(layer2());
    let other = House::of(genesis);
    let [added, first] = [&house, &other].map(|house| {
        let record = house.state().chains.get(LAYER2);
        let tokens: Vec<_> =
            record.tokens.iter().map(|token| (token.asset, token.stable, token.params)).collect();
        (record.tier, record.domain, record.coin, record.rate, record.auction, record.pending_cap, tokens)
    });
    assert_eq!(added, first);
}

#[test]
fn makers_that_are_listed_are_told_to_a_chain_that_is_added() {
    let mut house = House::new();
    let maker = Address([5; 32]);
    house.run(Command::Govern(Change::Maker { maker, listed: true })).expect("it is new");
    let out = house.add_chain(layer2()).expect("nobody has its domain");
    let orders: Vec<_> = out.orders.iter().map(|order| (order.chain, order.action.clone())).collect();
    assert_eq!(orders, [(LAYER2, OrderAction::ListMaker { maker, listed: true })]);
}

#[test]
fn a_chain_without_a_domain_gets_that_of_its_place() {
    let mut house = House::new();
    house.add_chain(ChainGenesis { domain: Hash::default(), ..layer2() }).expect("nobody has it");
    assert_eq!(house.state().chains.get(LAYER2).domain, digest::domain_in_process(LAYER2));
}

/// SOL is no token of Ethereum's vault until governance lists it there; the vault is told its contract and unit.
#[test]
fn a_token_that_is_listed_is_collateral_from_then_on() {
    let mut house = House::new();
    let token = Token { asset: house.asset("SOL"), chain: house.chain("ethereum") };
    let params = TokenParams { unit: Amount::from_wei(1_000_000_000), ..TokenParams::default() };
    let (contract, unit) = (Address([7; 32]), Amount::from_wei(1_000));
    let list = |unit| Command::Govern(Change::ListToken { token, contract, unit, params });
    // The hub counts in whole numbers of the contract's unit.
    let reject = Reject::AmountBelowUnit { amount: params.unit, unit: Amount::from_wei(3) };
    assert_eq!(house.run(list(Amount::from_wei(3))).map(drop), Err(reject));
    let out = house.run(list(unit)).expect("it is new");
    let order = OrderAction::ListToken { asset: token.asset, token: contract, unit };
    assert_eq!(out.orders[0].action, order);
    assert_eq!(out.events, [Event::TokenListed { token, contract, nonce: Nonce(1) }]);
    house.deposit("alice", "ethereum", "SOL", whole(100));
    // 100 SOL at 100, threshold 110 %.
    assert_eq!(house.view("alice").collateral[0].amount, whole(100));
    house.deposit("lender", "ethereum", "USDC", whole(100_000));
    house.lend("lender", "ethereum", whole(50_000)).expect("it is cash");
    house.borrow("alice", "ethereum", whole(8_000)).expect("10,000 / 1.21 = 8,264");
}

/// A token of genesis is told to the vault likewise; whoever holds it is looked at under its terms.
#[test]
fn a_token_of_genesis_is_listed_with_the_terms_that_are_given() {
    let mut house = House::new();
    house.deposit("lender", "ethereum", "USDC", whole(100_000));
    house.lend("lender", "ethereum", whole(50_000)).expect("it is cash");
    house.deposit("alice", "ethereum", "ETH", whole(10));
    house.borrow("alice", "ethereum", whole(16_000)).expect("20,000 / 1.21 = 16,528");
    let token = house.token("ETH", "ethereum");
    let held = house.state().token(token).expect("of genesis").params;
    // 20,000 / 1.30 = 15,384: below her debt.
    let params =
        TokenParams { threshold: "1.3".parse().unwrap(), threshold_initial: "1.43".parse().unwrap(), ..held };
    let list = Change::ListToken { token, contract: Address([7; 32]), unit: Amount::from_wei(1), params };
    house.run(Command::Govern(list)).expect("the vault was not told yet");
    assert!(house.view("alice").locked.is_some());
}

#[test]
fn limits_go_to_the_vault_and_come_again_when_they_expire() {
    let mut house = House::new();
    let token = house.token("ETH", "polygon");
    let limits = VaultLimits {
        outflow: whole(1_000),
        window: Millis::hours(1),
        delay_above: whole(100),
        delay: Millis::minutes(10),
    };
    let VaultLimits { outflow, window, delay_above, delay } = limits;
    let order = OrderAction::SetLimits { asset: token.asset, outflow, window, delay_above, delay };
    house.spoke("polygon").loses_orders = true;
    let out = house.run(Command::Govern(Change::SetLimits { token, limits })).expect("none is open");
    assert_eq!(out.orders[0].action, order);
    assert_eq!(out.events, [Event::LimitsOrdered { token, limits, nonce: Nonce(1) }]);
    let out = house.advance(Millis::hours(1));
    let given: Vec<_> = out.orders.iter().map(|given| (given.nonce, &given.action)).collect();
    assert_eq!(given, [(Nonce(2), &order)]);
}
