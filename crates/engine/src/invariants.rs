//! The invariants, one function each; `docs/invariants.md` has a row for each. A breach stops the node and
//! prints the figures that disagree.
//!
//! [`check_cheap`] runs after every block everywhere; [`check`] looks at the whole state, after every block
//! under the feature `verify`. I02 stands in `ledger::debit`, which stops at the transfer that would break it;
//! I07 is what the tests show that run everything twice.

use crate::apply::is_house;
use crate::custody::queue::Queues;
use crate::ledger::{Sums, TokenMoney};
use crate::liquidation::OnItsWay;
use crate::market::{Market, funding};
use crate::orders;
use crate::risk::health;
use crate::rollback;
use crate::state::State;
use ballast_types::{AssetId, MarketId, Money, Scope, Token};
use ballast_units::{Amount, Size, Usd, Wide};
use std::collections::BTreeMap;

/// What costs a few lines a block.
pub(crate) fn check_cheap(state: &State) {
    i01_dollars_are_backed(state);
    i01_records_add_up(state);
    i01_what_is_on_its_way(state);
}

/// Everything.
pub(crate) fn check(state: &State) {
    i01_conservation(state);
    for (id, market) in state.markets.iter() {
        i03_curve_is_zero_sum(state, id, market);
        i04_profit_comes_out_of_losses(state, id, market);
        i05_funding_finances_itself(state, id, market);
    }
    i06_exactly_once(state);
    rollback::check(state);
    i08_deficits_add_up(state);
    i09_sets_are_known(state);
    i10_skipped_is_healthy(state);
}

/// I01 (b): dollars of the books = stablecoin in the vaults at par, less what was written down, and what the
/// multisigs hold.
fn i01_dollars_are_backed(state: &State) {
    let mut backed = Wide::ZERO;
    for (_, chain) in state.chains.iter() {
        for token in chain.tokens.iter().filter(|token| token.stable) {
            backed = backed.plus(token.money.inventory().dollars());
        }
        backed = backed.plus(chain.money.cold().dollars());
    }
    backed = backed.minus(state.house.par_loss.dollars());
    let dollars = Wide::from_amount(state.house.money.usd());
    assert!(dollars == backed, "I01: dollars {dollars:?}, backed {backed:?}");
}

/// I01: per money, all ledger accounts add up to what entered and has not left.
fn i01_conservation(state: &State) {
    let mut sums: BTreeMap<Money, Amount> = BTreeMap::new();
    crate::view::each_balance(state, |_, money, amount| {
        *sums.entry(money).or_insert(Amount::ZERO) += amount;
    });
    let records = Sums::of(state);
    let kept = &state.sums;
    assert!(kept.same_as(&records), "I01: debits and credits kept {kept:?}, the records hold {records:?}");
    assert_eq!(
        state.on_its_way,
        OnItsWay::of(state),
        "I01: what is on its way, as kept, and of all transits"
    );
    assert_eq!(state.queues, Queues::of(state), "I01: the queues of withdrawals, as kept, and their entries");
    assert_eq!(
        state.releases,
        orders::releases(state),
        "I06: releases on their way, as kept, and of all orders"
    );
    assert_eq!(
        state.pending_of,
        crate::custody::pending_of(state),
        "R9: credit by owner, as kept, and of all deposits"
    );
    let usd = sums.remove(&Money::Usd).unwrap_or(Amount::ZERO);
    assert_eq!(usd, state.house.money.usd(), "I01: dollars of all ledger accounts, and dollars that entered");
    for (token, total) in state.house.money.token_totals() {
        let sum = sums.remove(&Money::Token(token)).unwrap_or(Amount::ZERO);
        assert_eq!(sum, total, "I01: {token}: all ledger accounts, and the vault");
    }
    assert!(sums.is_empty(), "I01: balances of tokens that never entered: {sums:?}");
}

/// I01, after every block everywhere: what records that come and go hold together, as every debit and credit kept it,
/// and the fields of markets, chains and the house add up to what entered and has not left.
fn i01_records_add_up(state: &State) {
    let money = &state.house.money;
    let mut dollars = Wide::from_amount(state.sums.dollars + money.float() + money.treasury());
    for (_, market) in state.markets.iter() {
        let money = &market.money;
        for part in [money.pool(), money.payable(), money.budget(), money.tranche(), money.fees()] {
            dollars = dollars.plus(part.dollars());
        }
    }
    for (id, chain) in state.chains.iter() {
        let money = &chain.money;
        for part in [money.lending(), money.tranche(), money.fees(), money.cold()] {
            dollars = dollars.plus(part.dollars());
        }
        for record in &chain.tokens {
            dollars = dollars.plus(record.money.par_reserve().dollars());
            i01_token_adds_up(state, Token { asset: record.asset, chain: id }, &record.money);
        }
    }
    let entered = Wide::from_amount(money.usd());
    assert!(dollars == entered, "I01: dollars of all ledger accounts {dollars:?}, that entered {entered:?}");
}

fn i01_token_adds_up(state: &State, token: Token, record: &TokenMoney) {
    let held = state.sums.tokens.get(&token).copied().unwrap_or_default();
    let forfeited = state.house.keepers.token == Some(token);
    let fines = if forfeited { state.house.money.fines() } else { Amount::ZERO };
    let sum = held + record.inventory() + record.in_flight() + record.warehouse() + fines;
    let total = state.house.money.token_total(token);
    assert_eq!(sum, total, "I01: {token}: all ledger accounts, and the vault");
}

/// I01: what left vaults by bridges and what came by bridges differ by what is on its way and what was lost there.
fn i01_what_is_on_its_way(state: &State) {
    for (asset, left, came) in state.house.money.bridged() {
        let OnItsWay { gone, early } = state.on_its_way.get(&asset).copied().unwrap_or_default();
        let lost = state.house.money.lost(asset);
        assert_eq!(
            left + early,
            came + gone + lost,
            "I01: asset {asset}: left and early, came and on its way"
        );
    }
    let known = |asset: &AssetId| state.house.money.bridged().any(|(known, _, _)| known == *asset);
    let stray = state.on_its_way.keys().find(|asset| !known(asset));
    assert!(stray.is_none(), "I01: on its way, and never left: {stray:?}");
}

/// I03: the curve is zero-sum, to the wei, and never owes more than the books hold (R3).
fn i03_curve_is_zero_sum(state: &State, id: MarketId, market: &Market) {
    let (mut net, mut long, mut short) = (Size::ZERO, Amount::ZERO, Amount::ZERO);
    let (mut cost, mut pending) = (Wide::ZERO, Wide::ZERO);
    let mut debts = Amount::ZERO;
    for (account, record) in state.accounts.iter() {
        if let Some(position) = record.position(id) {
            assert!(
                !position.size.is_zero(),
                "I03: account {account} keeps an empty position in market {id}"
            );
            net += position.size;
            if position.size.is_long() {
                long += position.size.magnitude()
            } else {
                short += position.size.magnitude()
            }
            cost = cost.plus(position.cost);
            pending = pending.plus(funding::owed(&market.funding, position));
        }
        if let Some(held) = record.claim(id) {
            debts += held.debt.principal;
        }
        let member = record.position(id).is_some() || record.claim(id).is_some();
        assert_eq!(
            member,
            state.members(id).contains(account),
            "I03: account {account} among members of {id}"
        );
    }
    let books = &market.books;
    assert_eq!((net, long, short), (books.net, books.long, books.short), "I03: sizes of market {id}");
    assert!(cost == Wide::from_usd(books.cost), "I03: market {id}: Σ cost {cost:?}, booked {}", books.cost);
    assert_eq!(debts, market.debts.principal, "I03: settlement debts of market {id}");
    // (2) Q = Σ cost - Σ realised.
    assert_eq!(
        books.quote_in,
        books.cost - books.realised,
        "I03 (2): market {id}: quote that swaps moved in"
    );
    // (3) What is there and owed to the pool, less unpaid claims = Q + A - Σ cost + dust.
    let have = Wide::from_amount(market.money.pool())
        .plus(debts.dollars())
        .plus(market.deficit.dollars())
        .plus_wide(pending)
        .minus(market.claims.unpaid().dollars())
        .minus(market.claims.suspended.dollars());
    let owe = Wide::from_usd(books.quote_in).plus(books.adjustments).minus(books.cost);
    let dust = have.minus_wide(owe);
    let most = Wide::from_usd(Usd::whole(1));
    assert!(
        !dust.is_negative() && dust < most,
        "I03 (3): market {id}: books hold {have:?}, the curve owes {owe:?}, pool {} debts {debts} deficit {} \
         pending {pending:?} claims {} suspended {} cost {} realised {} Q {} A {}",
        market.money.pool(),
        market.deficit,
        market.claims.unpaid(),
        market.claims.suspended,
        books.cost,
        books.realised,
        books.quote_in,
        books.adjustments,
    );
    // (4) V(N) <= Q + A.
    let closing = market.curve.closing_value_down(books.net).expect("R11: reserves are below 2^110");
    let booked = books.quote_in + books.adjustments;
    assert!(
        closing <= booked,
        "I03 (4): market {id}: closing the net position pays {closing}, booked {booked}"
    );
}

/// I04: what holders may take of a market's payable money is there.
fn i04_profit_comes_out_of_losses(state: &State, id: MarketId, market: &Market) {
    let mut payable = Amount::ZERO;
    let mut unpaid = Amount::ZERO;
    for claim in state
        .accounts
        .iter()
        .filter_map(|(_, record)| record.claim(id).map(|held| held.claim))
        .chain(market.claims.house)
    {
        assert!(market.claims.knows(&claim), "I04: market {id}: a claim names a cohort that was forgotten");
        let standing = market.claims.standing(&claim);
        payable += standing.paid;
        unpaid += standing.unpaid();
    }
    let have = market.money.payable();
    assert!(payable <= have, "I04: market {id}: holders may take {payable}, payable holds {have}");
    let booked = market.claims.unpaid();
    assert!(booked <= unpaid, "I04: market {id}: holders claim {unpaid}, less than the booked {booked}");
}

/// I05: charged = credited + surplus + dust, dust >= 0, accounts not yet touched included (R12).
fn i05_funding_finances_itself(state: &State, id: MarketId, market: &Market) {
    let mut charged = Wide::from_amount(market.books.funding_charged);
    let mut credited =
        Wide::from_amount(market.books.funding_credited).plus(market.books.funding_surplus.dollars());
    for (_, record) in state.accounts.iter() {
        if let Some(position) = record.position(id) {
            let owed = funding::owed(&market.funding, position);
            charged = charged.plus(owed.positive_part().dollars());
            credited = credited.plus(owed.negative_part().dollars());
        }
    }
    assert!(credited <= charged, "I05: market {id}: charged {charged:?}, credited {credited:?}");
}

/// I06: what waits to be final was seen, once; what was ordered has a number that was given out.
fn i06_exactly_once(state: &State) {
    for ((id, sequence), _) in state.unfinal.iter() {
        let chain = state.chains.get(id);
        let known = chain.next_final <= sequence && sequence < chain.next_sequence;
        assert!(
            known,
            "I06: event {sequence} of chain {id} is kept outside {}..{}",
            chain.next_final, chain.next_sequence
        );
    }
    for ((id, nonce), sent) in state.orders.iter() {
        let next = state.chains.get(id).next_nonce;
        assert!(nonce < next, "I06: order {nonce} of chain {id} has no number below {next}");
        let seen = sent.seen.is_none_or(|seen| state.unfinal.find((id, seen)).is_some());
        assert!(seen, "I06: order {nonce} of chain {id} was carried out in an event that is not kept");
    }
}

/// I08: what losses have left is what markets and chains book as deficit, and is suspended at most once.
fn i08_deficits_add_up(state: &State) {
    let mut left: BTreeMap<Scope, Amount> = BTreeMap::new();
    for (_, loss) in state.losses.iter() {
        *left.entry(loss.scope).or_insert(Amount::ZERO) += loss.left;
    }
    for (id, market) in state.markets.iter() {
        let losses = left.remove(&Scope::Market(id)).unwrap_or(Amount::ZERO);
        assert_eq!(losses, market.deficit, "I08: market {id}: what losses left, and its deficit");
        let suspended = market.claims.suspended;
        assert!(
            suspended <= market.deficit,
            "I08: market {id}: suspended {suspended}, deficit {}",
            market.deficit
        );
    }
    for (id, chain) in state.chains.iter() {
        let losses = left.remove(&Scope::Chain(id)).unwrap_or(Amount::ZERO);
        assert_eq!(losses, chain.pool.deficit, "I08: chain {id}: what losses left, and its deficit");
    }
}

/// I09: of each epoch that a vault may be in, the set of validators is known, and of no other.
fn i09_sets_are_known(state: &State) {
    let newest = state.epoch();
    for (id, chain) in state.chains.iter() {
        let epochs = [chain.epoch, chain.epoch_seen, newest];
        assert!(epochs.is_sorted(), "I09: chain {id} is in epoch {epochs:?} (final, seen, newest)");
    }
    let lowest = state.chains.iter().map(|(_, chain)| chain.epoch).min().unwrap_or(newest);
    let known: Vec<u32> = state.validators.iter().map(|(epoch, _)| epoch).collect();
    assert_eq!(known, (lowest..=newest).collect::<Vec<_>>(), "I09: epochs of known sets");
}

/// I10: whoever is not locked is healthy, or stands on a price that allows no liquidation; whoever is locked will be, once
/// what is for sale is paid, or is looked at next. A full evaluation, never the index.
fn i10_skipped_is_healthy(state: &State) {
    crate::liquidation::outlook::check(state);
    for (id, record) in state.accounts.iter() {
        if record.task.is_some() || is_house(state, id) {
            continue;
        }
        let health = health::maintenance(state, id);
        let assessed = health::assess(state, id).health;
        assert_eq!(health, assessed, "I10: account {id}: the two ways to reckon health differ");
        if health.is_negative() {
            assert!(
                crate::apply::liquidatable(state, id).is_err(),
                "I10: account {id} was skipped with health {health}: {record:?}"
            );
        }
    }
}
