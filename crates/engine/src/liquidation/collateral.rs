//! Collateral: how much of it goes under auction (R15).
//!
//! - Size: the smallest value v with `H_M after = target`: `v = (target - H_M) / (d · (1 - fee) - 1/θ)`, rounded
//!   up; the whole of a chain's collateral where the denominator is at most 2 %, where H_M is below -5 % of
//!   debt, or where less than the dust minimum would stay; never less than the dust minimum. Chains with the
//!   largest denominator first. H_M and debt are those once the task's other lots are paid (`outlook`).
//! - Crumbs, which are worth no more than the delivery of an order, are not sold: they stay with their owner.
//! - Value moves: `Collateral -> Lot` when queued, cut to fit under the cap on auctions unless it is to be bridged.

use super::outlook::Outlook;
use super::queue::auction_cap;
use super::selling::{stored, unit, value_of};
use super::{Cause, Lot, LotStage, Part, Standing, distribute, joint, selling};
use crate::ledger::transfer;
use crate::oracle;
use crate::state::{Outcome, State};
use ballast_types::{
    AccountId, Action, ChainId, Event, LedgerAccount, LotId, Money, Nonce, Reason, TaskId, Token,
};
use ballast_units::{Amount, Bps, Price, Ratio, Usd, WAD};

/// A denominator up to this sells all: so little is gained a dollar that a partial sale digs the hole (R15).
const GAIN_LEAST: Ratio = Ratio::percent(2);

/// Pieces that one holding is cut into at most, to fit under its token's auction cap.
const PIECES_MOST: u128 = 64;

/// What can be done with an account's collateral.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// So much of these; of none where warehoused lots are expected to bring the rest.
    Sell(Vec<(Token, Amount)>),
    /// There is some, but without a price that allows liquidation, or not final.
    Wait,
    /// None is left.
    Nothing,
}

/// A holding that can be sold now.
#[derive(Clone, Copy)]
struct Candidate {
    token: Token,
    amount: Amount,
    index: Price,
    /// Dollars at index, rounded down.
    value: Amount,
    /// `d · (1 - fee) - 1/θ`: health gained a dollar sold.
    gain: Ratio,
}

/// How much of which token has to be sold.
pub(crate) fn plan(state: &State, id: TaskId, standing: &Standing) -> Plan {
    let task = state.tasks.find(id).expect("the caller found it");
    let mut sellable = Vec::new();
    let mut waits = false;
    for holding in state.collateral(state.accounts.get(task.account)) {
        // A crumb is waited for no more than it is sold: anybody can send one, as often as he likes.
        waits |= oracle::matters(state, holding.token, holding.pending);
        let amount = holding.amount.units_down(unit(state, holding.token));
        // What takes are paid in there has become cash already, as far as it was needed.
        if amount.is_zero() || state.chains.get(holding.token.chain).coin == holding.token.asset {
            continue;
        }
        match oracle::allows(state, holding.token.asset, Action::Liquidate) {
            Ok(index) => sellable.extend(candidate(state, task.cause, holding.token, amount, index)),
            Err(_) => waits |= oracle::matters(state, holding.token, amount),
        }
    }
    if sellable.is_empty() {
        return if waits { Plan::Wait } else { Plan::Nothing };
    }
    Plan::Sell(match task.cause {
        Cause::Settlement => exactly(state, id, in_order(sellable)),
        Cause::Health | Cause::Reorg(_) => enough(state, id, standing, in_order(sellable)),
    })
}

fn candidate(state: &State, cause: Cause, token: Token, amount: Amount, index: Price) -> Option<Candidate> {
    let value = amount.value_down(index).unwrap_or(Amount::LIMIT);
    if value <= crumb(state, token) {
        return None;
    }
    let threshold = state.token(token)?.params.threshold;
    let share = Ratio::ONE.div_up(threshold).unwrap_or(Ratio::ONE);
    let gain = net_fill(state, cause).checked_sub(share).unwrap_or(Ratio::ZERO);
    Some(Candidate { token, amount, index, value, gain })
}

/// What is worth no more than this stays with its owner: what it costs to have an order delivered there, and a hundredth of
/// the token's dust at least.
fn crumb(state: &State, token: Token) -> Amount {
    let gas = state.chains.get(token.chain).gas.usable(state.now(), &state.house.oracle);
    let dust = state.token(token).map_or(Amount::ZERO, |record| record.params.dust);
    gas.unwrap_or(Amount::ZERO).max(dust.bps_down(Bps::new(100)))
}

/// d · (1 - fee): what a dollar of collateral repays of debt.
fn net_fill(state: &State, cause: Cause) -> Ratio {
    let params = &state.house.liquidation;
    let fee = match cause {
        Cause::Settlement => Ratio::ZERO,
        Cause::Health | Cause::Reorg(_) => params.fee_collateral.ratio(),
    };
    params.fill_expected.mul_down(Ratio::ONE - fee).unwrap_or(Ratio::ZERO)
}

/// The chain with the largest denominator first; on a chain likewise, then by asset.
fn in_order(mut sellable: Vec<Candidate>) -> Vec<Candidate> {
    let best = |chain: ChainId, all: &[Candidate]| {
        all.iter().filter(|other| other.token.chain == chain).map(|other| other.gain).max()
    };
    let chains: Vec<Option<Ratio>> = sellable.iter().map(|one| best(one.token.chain, &sellable)).collect();
    let mut keyed: Vec<(Option<Ratio>, Candidate)> = chains.into_iter().zip(sellable.drain(..)).collect();
    keyed.sort_by(|(best_a, a), (best_b, b)| {
        let by_chain = best_b.cmp(best_a).then(a.token.chain.cmp(&b.token.chain));
        by_chain.then(b.gain.cmp(&a.gain)).then(a.token.asset.cmp(&b.token.asset))
    });
    keyed.into_iter().map(|(_, one)| one).collect()
}

/// Collateral for exactly what is owed, at the expected fill.
fn exactly(state: &State, id: TaskId, sellable: Vec<Candidate>) -> Vec<(Token, Amount)> {
    let fill = net_fill(state, Cause::Settlement);
    let mut missing = distribute::wanted(state, id).saturating_sub(stored(state, id));
    let mut lots = Vec::new();
    for one in sellable {
        if missing.is_zero() {
            break;
        }
        let quantity = quantity(state, &one, divided_up(missing, fill));
        missing = missing.saturating_sub(brings(&one, quantity, fill));
        lots.push((one.token, quantity));
    }
    lots
}

/// Collateral that brings health to its target, chain by chain.
fn enough(state: &State, id: TaskId, standing: &Standing, sellable: Vec<Candidate>) -> Vec<(Token, Amount)> {
    let task = state.tasks.find(id).expect("the caller found it");
    let params = &state.house.liquidation;
    let Outlook { owed: debt, health } = Outlook::of(state, id, standing);
    let fill = net_fill(state, task.cause);
    let loans = state.accounts.get(task.account).loans.iter();
    let least = loans.map(|loan| state.chains.get(loan.chain).debt_min).fold(params.debt_dust, Amount::max);
    // What was thought to be enough was not: the price falls on, and each lot costs gas.
    let again = selling::is_selling(state, id);
    let deep = again || health < -debt.mul_ratio_down(params.sell_all_below).unwrap_or(debt).dollars();
    let mut gap = aim(state, debt, &sellable).dollars().saturating_sub(health);
    let mut missing = debt;
    let mut lots = Vec::new();
    let mut whole_chain = None;
    let mut last_chain = None;
    for one in sellable {
        // A chain of which everything has to go goes whole, though its first token might do.
        let enough = gap <= Usd::ZERO || missing.is_zero();
        if enough && whole_chain != Some(one.token.chain) {
            break;
        }
        if last_chain != Some(one.token.chain) && (deep || one.gain <= GAIN_LEAST) {
            whole_chain = Some(one.token.chain);
        }
        last_chain = Some(one.token.chain);
        let value = if whole_chain == last_chain || one.gain <= GAIN_LEAST {
            one.value
        } else {
            let to_target = divided_up(gap.positive_part(), one.gain);
            // Less than the minimum of debt must not stay either.
            let repaid = to_target.mul_ratio_down(fill).unwrap_or(missing);
            let stays = missing.saturating_sub(repaid);
            if stays < least { to_target.max(divided_up(missing, fill)) } else { to_target }
        };
        let quantity = quantity(state, &one, value);
        let sold = quantity.value_down(one.index).unwrap_or(Amount::LIMIT);
        gap -= sold.dollars().mul_ratio_down(one.gain).unwrap_or(Usd::ZERO);
        missing = missing.saturating_sub(brings(&one, quantity, fill));
        lots.push((one.token, quantity));
    }
    lots
}

/// Health that a sale aims at: the house's target, and while the index of what can be sold falls, as much as may follow.
fn aim(state: &State, debt: Amount, sellable: &[Candidate]) -> Amount {
    let params = &state.house.liquidation;
    let falls = sellable.iter().map(|one| oracle::fall(state, one.token.asset));
    let ahead = falls.max().unwrap_or(Ratio::ZERO).mul_up(params.target_fall).unwrap_or(params.target_most);
    let share = ahead.min(params.target_most).max(params.health_target);
    debt.mul_ratio_up(share).unwrap_or(debt)
}

/// Collateral worth `value`, at least the dust, rounded up to the token's unit; all of it where less than the
/// dust would stay.
fn quantity(state: &State, one: &Candidate, value: Amount) -> Amount {
    let params = state.token(one.token).expect("held tokens are listed").params;
    let value = value.max(params.dust);
    if one.value <= value || one.value - value < params.dust {
        return one.amount;
    }
    let wanted = value.at_price_up(one.index).unwrap_or(one.amount);
    wanted.units_up(params.unit).unwrap_or(one.amount).min(one.amount)
}

fn brings(one: &Candidate, quantity: Amount, fill: Ratio) -> Amount {
    quantity.value_down(one.index).and_then(|value| value.mul_ratio_down(fill)).unwrap_or(Amount::LIMIT)
}

/// `amount / ratio`, rounded up, held at the end of the range.
fn divided_up(amount: Amount, ratio: Ratio) -> Amount {
    let divisor = Amount::from_wei(u128::try_from(ratio.wei()).unwrap_or(0));
    amount.share_up(Amount::from_wei(WAD), divisor).unwrap_or(Amount::LIMIT).min(Amount::LIMIT)
}

/// Moves collateral into lots, cut to fit under the auction cap.
pub(crate) fn queue(
    state: &mut State,
    out: &mut Outcome,
    id: TaskId,
    health: Usd,
    parts: &[(Token, Amount)],
) {
    let account = state.tasks.find(id).expect("the caller found it").account;
    for (token, quantity) in parts {
        for piece in pieces(state, *token, *quantity) {
            queue_lot(state, out, id, account, *token, piece, health);
        }
    }
}

fn queue_lot(
    state: &mut State,
    out: &mut Outcome,
    task: TaskId,
    account: AccountId,
    token: Token,
    quantity: Amount,
    health: Usd,
) {
    let id = LotId(state.house.last_lot.0.saturating_add(1));
    state.house.last_lot = id;
    let value = value_of(state, token, quantity);
    let lot = Lot {
        parts: vec![Part { task, home: token.chain, quantity, value, leaves: false }],
        token,
        held: Amount::ZERO,
        taken: Amount::ZERO,
        paid: Amount::ZERO,
        value,
        since: state.now(),
        health,
        stage: LotStage::Queued,
        start: Nonce(0),
        round: 0,
        runs: Vec::new(),
        frozen: Vec::new(),
        stays: false,
    };
    state.agenda.add(id, &lot);
    state.lots.insert(id, lot);
    state.tasks.find_mut(task).expect("the caller found it").lots.push(id);
    let from = LedgerAccount::Collateral(account, token);
    transfer(state, out, from, LedgerAccount::Lot(id), Money::Token(token), quantity, Reason::Lot);
    out.event(Event::LotQueued { lot: id, task, token, quantity });
}

/// Equal parts, each worth at most the cap on auctions, or what is worth its gas; what is to be bridged stays whole.
fn pieces(state: &State, token: Token, quantity: Amount) -> Vec<Amount> {
    if joint::destination(state, token, quantity).is_some() {
        return vec![quantity];
    }
    let params = state.token(token).expect("held tokens are listed").params;
    let least = u128::from(state.house.liquidation.piece_least);
    let least = Amount::from_wei(params.dust.wei().saturating_mul(least));
    let (value, cap) = (value_of(state, token, quantity), auction_cap(state, token).max(least));
    let needed = value.wei().saturating_sub(1).checked_div(cap.wei()).unwrap_or(0).saturating_add(1);
    let count = needed.min(PIECES_MOST);
    let each = Amount::from_wei(quantity.wei().div_ceil(count)).units_up(params.unit).unwrap_or(quantity);
    let mut left = quantity;
    let mut parts = Vec::new();
    while !left.is_zero() {
        let part = each.min(left);
        left -= part;
        parts.push(part);
    }
    parts
}
