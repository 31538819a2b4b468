//! What a stablecoin is worth: when it becomes cash at par, who may take it out, what a write-down costs (R10).

use super::{check_token, floor_to_unit};
use crate::ledger::{self, enter, leave, pay, transfer};
use crate::market::settlement;
use crate::oracle;
use crate::reserve;
use crate::state::{Outcome, State, TokenRecord};
use crate::waterfall;
use ballast_types::{
    AccountId, AssetId, ChainId, Event, LedgerAccount, Listing, Money, Reason, Reject, Scope, Token,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use smallvec::SmallVec;

/// The most that one coin which no loans are paid in has of all inventories, and all of these together.
const OTHERS_SHARE: Ratio = Ratio::percent(50);

/// Holders of a coin are looked through when so much of it is taken.
const LOOK: Amount = Amount::whole(1);

/// Of all inventories, so much comes in below par within an hour.
const BELOW_PAR_SHARE: Bps = Bps::new(100);
const HOUR: Millis = Millis::hours(1);

/// What came in below par, less what has leaked since: as much in an hour as may come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BelowPar {
    sum: Amount,
    since: Time,
}

/// What a coin brings as cash while it is taken: one to one at par; a little below par what it is worth, and of that a bounded
/// part of all inventories an hour. Nothing below that, without a fresh price, or beyond its share (R39).
pub(super) fn taken_at(state: &State, token: Token, amount: Amount) -> Option<Price> {
    let (room, worth) = room(state, token)?;
    (amount <= room).then_some(worth)
}

/// How much of a coin is taken now, and at what.
fn room(state: &State, token: Token) -> Option<(Amount, Price)> {
    state.token(token).filter(|record| record.stable && record.listing == Listing::Open)?;
    let worth = oracle::band(state, oracle::worth(state, token.asset)?)?;
    let all: Amount = coins(state).map(|(_, record)| record.money.inventory()).sum();
    let in_hour = if worth < Price::ONE {
        all.bps_down(BELOW_PAR_SHARE).saturating_sub(came_below_par(state, all))
    } else {
        Amount::LIMIT
    };
    Some((in_hour.min(share_left(state, token, all)), worth))
}

/// How much more of a coin there may be beside the others: `held + x <= share · (all + x)`, rounded down. What loans are paid in has
/// no share: it is never shut out.
fn share_left(state: &State, token: Token, all: Amount) -> Amount {
    let is_lent = |asset: AssetId| state.chains.iter().any(|(_, chain)| chain.coin == asset);
    if is_lent(token.asset) {
        return Amount::LIMIT;
    }
    let left = |held: Amount, share: Ratio| {
        let room = all.mul_ratio_down(share).unwrap_or(Amount::ZERO).saturating_sub(held);
        let one = Amount::whole(1);
        let others = one.mul_ratio_down(Ratio::ONE - share).unwrap_or(Amount::ZERO);
        // A share of one leaves nobody out.
        room.share_down(one, others).unwrap_or(Amount::LIMIT).min(Amount::LIMIT)
    };
    let held_of = |is: &dyn Fn(AssetId) -> bool| -> Amount {
        let those = coins(state).filter(|(coin, _)| is(coin.asset));
        those.map(|(_, record)| record.money.inventory()).sum()
    };
    let share = state.token(token).map_or(Ratio::ZERO, |record| record.params.par_share.min(Ratio::ONE));
    let own = left(held_of(&|asset| asset == token.asset), share);
    own.min(left(held_of(&|asset| !is_lent(asset)), share.max(OTHERS_SHARE)))
}

/// What counts of the coins that came in below par.
fn came_below_par(state: &State, all: Amount) -> Amount {
    let BelowPar { sum, since } = state.house.below_par;
    let passed = state.now().since(since).min(HOUR);
    let [passed, hour] = [passed, HOUR].map(|span| Amount::from_wei(u128::from(span.get())));
    sum.saturating_sub(all.bps_down(BELOW_PAR_SHARE).share_down(passed, hour).unwrap_or(sum))
}

/// Coins of an account's collateral, or that come in now, become cash. What they lack to par is kept for a write-down of them.
pub(super) fn take(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
    (amount, worth): (Amount, Price),
    from: Option<LedgerAccount>,
) -> Amount {
    let inventory = LedgerAccount::Inventory(token);
    match from {
        Some(from) => transfer(state, out, from, inventory, Money::Token(token), amount, Reason::Deposit),
        None => enter(state, out, inventory, Money::Token(token), amount, Reason::Deposit),
    }
    let cash = amount.value_down(worth).unwrap_or(Amount::ZERO).min(amount);
    if worth < Price::ONE {
        let all = coins(state).map(|(_, record)| record.money.inventory()).sum();
        let sum = came_below_par(state, all) + amount;
        state.house.below_par = BelowPar { sum, since: state.now() };
    }
    enter(state, out, LedgerAccount::Cash(account), Money::Usd, cash, Reason::Deposit);
    enter(state, out, LedgerAccount::ParReserve(token), Money::Usd, amount - cash, Reason::Deposit);
    let before = own_deposits(state, account, token);
    set_deposits(state, account, token, before + cash);
    cash
}

/// Coins that were not taken when they came become cash as soon as they are, the oldest first; and what coins lacked to par is the
/// float's when they have been at par for a day.
pub(crate) fn step(state: &mut State, out: &mut Outcome) {
    free_reserves(state, out);
    if state.parked.is_empty() {
        return;
    }
    let all: Vec<Token> = coins(state).map(|(coin, _)| coin).collect();
    for coin in all {
        take_parked(state, out, coin);
    }
}

fn take_parked(state: &mut State, out: &mut Outcome, coin: Token) {
    let holders = (coin, AccountId(0))..=(coin, AccountId(u32::MAX));
    // At par alone: what waits is worth what it is, and its owner loses nothing by waiting on.
    let is_taken = |(room, worth): &(Amount, Price)| LOOK <= *room && *worth == Price::ONE;
    if state.parked.range(holders.clone()).next().is_none()
        || !room(state, coin).is_some_and(|room| is_taken(&room))
    {
        return;
    }
    let mut parked: Vec<(u64, AccountId)> =
        state.parked.range(holders).map(|((_, account), place)| (*place, account)).collect();
    parked.sort_unstable();
    for (_, account) in parked {
        let Some((room, worth)) = room(state, coin).filter(is_taken) else {
            return;
        };
        let amount = state.accounts.get(account).balances.collateral(coin);
        let part = floor_to_unit(state, coin, amount.min(room)).map_or(Amount::ZERO, |floored| floored.kept);
        if !part.is_zero() {
            pay_in(state, out, account, coin, (part, worth));
            settlement::collect(state, out, account);
            reserve::recall(state, out, account, coin.chain);
        }
        if part == amount {
            state.parked.remove((coin, account));
        }
    }
}

/// Coins of an account's collateral become its cash. The caller says what that pays first.
fn pay_in(state: &mut State, out: &mut Outcome, account: AccountId, token: Token, taken: (Amount, Price)) {
    let from = LedgerAccount::Collateral(account, token);
    let cash = take(state, out, account, token, taken, Some(from));
    out.event(Event::CoinsTaken { account, token, amount: taken.0, cash });
}

/// What lacks of `need` cash, and can come from the account's own coin of a chain: coins, and what one is worth. What was borrowed
/// in a coin can always be repaid in it.
pub(crate) fn own_coins(
    state: &State,
    account: AccountId,
    chain: ChainId,
    need: Amount,
) -> Option<(Amount, Price)> {
    let token = Token { asset: state.chains.get(chain).coin, chain };
    let have = state.accounts.get(account).balances.collateral(token);
    if have.is_zero() || need.is_zero() {
        return None;
    }
    let worth = oracle::worth_as_payment(state, token.asset)?;
    let unit = state.token(token)?.params.unit;
    let coins = need.at_price_up(worth).and_then(|coins| coins.units_up(unit)).unwrap_or(have);
    Some((coins.min(have), worth))
}

/// They become cash, whatever the coin's share and price: a coin pays a debt in itself. The caller pays it.
pub(crate) fn pay_with_own_coins(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    chain: ChainId,
    need: Amount,
) {
    if let Some(taken) = own_coins(state, account, chain, need) {
        let token = Token { asset: state.chains.get(chain).coin, chain };
        pay_in(state, out, account, token, taken);
    }
}

fn free_reserves(state: &mut State, out: &mut Outcome) {
    let due = coins(state).filter(|(coin, record)| {
        !record.money.par_reserve().is_zero() && oracle::is_long_at_par(state, coin.asset)
    });
    let due: Vec<(Token, Amount)> = due.map(|(coin, record)| (coin, record.money.par_reserve())).collect();
    for (coin, amount) in due {
        pay(state, out, LedgerAccount::ParReserve(coin), LedgerAccount::Float, amount, Reason::Overflow);
    }
}

/// Books that a coin is worth less than a dollar (R10): what its inventory lost is a loss of its chain. What the
/// layers and the chain's idle lenders pay for it leaves the books, so that dollars stay equal to coins at par
/// less the par loss (I01b); what nobody can pay is the chain's deficit.
///
/// A coin that was written down before loses the difference. Refused: what is no listed stablecoin, and a worth
/// outside [0, 1).
pub(crate) fn write_down(
    state: &mut State,
    out: &mut Outcome,
    token: Token,
    worth: Ratio,
) -> Result<(), Reject> {
    check_token(state, token)?;
    let unknown = Reject::UnknownToken { asset: token.asset, chain: token.chain };
    let record = state.token(token).filter(|record| record.stable).ok_or(unknown)?;
    if worth.is_negative() || Ratio::ONE <= worth {
        return Err(Reject::ListingValue { value: worth, low: Ratio::ZERO, high: Ratio::ONE });
    }
    let coins = record.money.inventory();
    let lost = coins - coins.mul_ratio_down(worth)?;
    let amount = lost.saturating_sub(record.written_down);
    if amount.is_zero() {
        return Ok(());
    }
    state.token_mut(token).written_down += amount;
    out.event(Event::ParLossBooked { token, amount });
    // What coins lacked to par when they came pays first.
    let reserve = ledger::balance(state, LedgerAccount::ParReserve(token), Money::Usd);
    let kept = amount.min(reserve);
    leave(state, out, LedgerAccount::ParReserve(token), Money::Usd, kept, Reason::Loss);
    state.house.par_loss += kept;
    let amount = amount - kept;
    let absorbed = waterfall::absorb(state, out, Scope::Chain(token.chain), amount, None);
    state.house.par_loss += absorbed.paid() + absorbed.lending;
    Ok(())
}

/// While any listed coin is off par, nobody borrows more of a coin than they brought (R10): what leaves beyond that
/// would be somebody else's good coin for one's own bad one.
pub(crate) fn check_par(
    state: &State,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> Result<(), Reject> {
    let have = own_deposits(state, account, token);
    if have < amount && !all_at_par(state) {
        return Err(Reject::NotOnParBeyondDeposits { token, have, need: amount });
    }
    Ok(())
}

/// The coins that pay dollars out, which were asked for in one coin (R10). While every listed coin is at par that coin
/// alone; else it up to the account's own deposits of it, and beyond that every coin by its share of all inventories,
/// so that nobody leaves in the good coin. Each part is rounded down.
pub(super) fn mix(state: &State, account: AccountId, token: Token, amount: Amount) -> Mix {
    let own = own_deposits(state, account, token).min(amount);
    if own == amount || all_at_par(state) {
        return SmallVec::from_iter([(token, amount)]);
    }
    let left = |coin: Token, inventory: Amount| {
        if coin == token { inventory.saturating_sub(own) } else { inventory }
    };
    let coins = || coins(state).map(|(coin, record)| (coin, left(coin, record.money.inventory())));
    let all: Amount = coins().map(|(_, inventory)| inventory).sum();
    let rest = amount - own;
    let share = |inventory: Amount| rest.share_down(inventory, all).unwrap_or(Amount::ZERO);
    let parts = coins().map(|(coin, inventory)| {
        let own = if coin == token { own } else { Amount::ZERO };
        (coin, own + share(inventory))
    });
    parts.filter(|(_, part)| !part.is_zero()).collect()
}

/// Coins, and how much of each.
pub(super) type Mix = SmallVec<[(Token, Amount); 1]>;

/// Every listed stablecoin on every chain.
fn coins(state: &State) -> impl Iterator<Item = (Token, &TokenRecord)> {
    state.chains.iter().flat_map(|(chain, record)| {
        let stable = record.tokens.iter().filter(|token| token.stable);
        stable.map(move |token| (Token { asset: token.asset, chain }, token))
    })
}

/// Every listed stablecoin is at par.
pub(super) fn all_at_par(state: &State) -> bool {
    coins(state).all(|(coin, _)| oracle::at_par(state, coin.asset))
}

/// Deposits of a coin less withdrawals of it, at least zero.
pub(super) fn own_deposits(state: &State, account: AccountId, token: Token) -> Amount {
    state.coin_deposits.find((account, token)).copied().unwrap_or_default()
}

/// Sets what is left of an account's own deposits of a coin.
pub(super) fn set_deposits(state: &mut State, account: AccountId, token: Token, deposits: Amount) {
    if deposits.is_zero() {
        state.coin_deposits.remove((account, token));
    } else {
        state.coin_deposits.insert((account, token), deposits);
    }
}

/// Gives back what a withdrawal that was never paid had used up of an account's own deposits.
pub(crate) fn restore_deposits(state: &mut State, account: AccountId, token: Token, deposits: Amount) {
    let restored = own_deposits(state, account, token) + deposits;
    set_deposits(state, account, token, restored);
}
