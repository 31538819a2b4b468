//! What a stablecoin is worth: when it becomes cash at par, who may take it out, what a write-down costs (R10).

use super::check_token;
use crate::oracle;
use crate::state::{Outcome, State, TokenRecord};
use crate::waterfall;
use ballast_types::{AccountId, Event, Reject, Scope, Token};
use ballast_units::{Amount, Ratio};
use smallvec::SmallVec;

/// A stablecoin becomes cash while it is at par and its share of all inventories is not above its cap (R10).
pub(super) fn is_taken_at_par(state: &State, token: Token) -> bool {
    let Some(record) = state.token(token).filter(|record| record.stable) else { return false };
    let (mut of_coin, mut of_all) = (Amount::ZERO, Amount::ZERO);
    for (_, chain) in state.chains.iter() {
        for listed in &chain.tokens {
            of_all += listed.money.inventory();
            if listed.asset == token.asset {
                of_coin += listed.money.inventory();
            }
        }
    }
    let cap = of_all.mul_ratio_down(record.params.par_share.min(Ratio::ONE)).unwrap_or(Amount::ZERO);
    of_coin <= cap && oracle::at_par(state, token.asset)
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
