//! What the attacker has gained.
//!
//! - Counts: cash, collateral, open positions at what closing the market's whole net position pays, claims as far as
//!   they are backed, lender shares; loans and debts against them. An account counts as nothing where it is worth less:
//!   the attacker leaves it.
//! - Wallets: what left vaults for the attacker or was taken at auctions, less what went in, in tokens at the closing
//!   price. Holding an asset gains nothing.
//! - Wages do not count. What it takes of a lot counts at the price paid where the lot's owner is honest and would have
//!   been liquidated without the attacker.
//! - Where prices move, a gain counts as far as the house's layers (but budgets) and its lenders lost more than without the attacker: the
//!   rest is what traders gain from each other. A mark that lags behind its index pays whoever trades first.
//! - Gas: of each deposit, release and take, the chain's figure of the house.

use crate::script::Names;
use ballast_engine::{State, view};
use ballast_types::{AccountId, AssetId};
use ballast_units::{Amount, Price, Usd};
use std::collections::BTreeMap;

/// What a market's budget is called among those who pay.
pub(crate) const BUDGET: &str = "budget";

/// What a script came to.
#[derive(Clone, Debug)]
pub struct Score {
    /// Mean over the path and its mirror image.
    pub gain: Usd,
    /// Gain on the path, and on its mirror image.
    pub each: [Usd; 2],
    /// Everything was closed and paid before it was counted; otherwise it is an estimate.
    pub realised: bool,
    /// Kinds of events, rejects and reverts that were seen, with how often.
    pub seen: Vec<u64>,
    /// Amounts of the attacker's accounts at the end.
    pub amounts: Vec<Amount>,
}

/// What became of a script.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The house kept its rules.
    Scored(Score),
    /// An invariant broke, or the program panicked: with what it said.
    Broken(String),
}

/// Tokens outside the house: what came out less what went in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wallet {
    tokens: BTreeMap<AssetId, Usd>,
    gas: Amount,
}

impl Wallet {
    /// Tokens come in.
    pub(crate) fn gets(&mut self, asset: AssetId, amount: Amount) {
        *self.tokens.entry(asset).or_insert(Usd::ZERO) += amount.dollars();
    }

    /// Tokens go out.
    pub(crate) fn pays(&mut self, asset: AssetId, amount: Amount) {
        *self.tokens.entry(asset).or_insert(Usd::ZERO) -= amount.dollars();
    }

    /// Gas of a transaction.
    pub(crate) fn burns(&mut self, gas: Amount) {
        self.gas += gas;
    }

    /// Dollars at these prices.
    pub(crate) fn worth(&self, price: impl Fn(AssetId) -> Price) -> Usd {
        let worth = |(asset, tokens): (&AssetId, &Usd)| {
            let amount = tokens.positive_part();
            if !amount.is_zero() {
                return amount.value_down(price(*asset)).expect("in range").dollars();
            }
            -(-*tokens).positive_part().value_up(price(*asset)).expect("in range").dollars()
        };
        self.tokens.iter().map(worth).sum::<Usd>() - self.gas.dollars()
    }
}

/// What an account would bring its owner, were everybody to leave at once. Below zero where it owes more than it has.
pub(crate) fn worth(state: &State, id: AccountId, price: impl Fn(AssetId) -> Price) -> Usd {
    let Some(view) = view::account(state, id) else { return Usd::ZERO };
    let mut total = view.cash.dollars();
    for held in &view.collateral {
        let amount = held.amount + held.pending;
        total += amount.value_down(price(held.token.asset)).expect("in range").dollars();
    }
    for loan in &view.loans {
        total -= (loan.principal + loan.interest).dollars();
    }
    for lent in &view.lent {
        total += lent.worth.dollars();
    }
    for claim in &view.claims {
        let backing = state.markets.get(claim.market).backing;
        total += claim.claim.mul_ratio_down(backing).expect("in range").dollars() - claim.debt.dollars();
    }
    for held in &view.positions {
        let market = state.markets.get(held.market);
        let net = market.books.net;
        let closes_at = if net.is_zero() {
            market.prices.last_mark.expect("there is a mark")
        } else {
            let closed = market.curve.closing_value_down(net).expect("in range").magnitude();
            closed.price_of(net.magnitude()).expect("in range")
        };
        total += held.size.value_down(closes_at).expect("in range") - held.cost - held.funding;
    }
    total
}

/// Amounts that an account's next step may be about.
pub(crate) fn amounts(state: &State, id: AccountId, into: &mut Vec<Amount>) {
    let Some(view) = view::account(state, id) else { return };
    // What it may still borrow is not far from its health.
    into.extend([view.cash, view.health.positive_part(), view.equity.positive_part()]);
    into.extend(view.collateral.iter().map(|held| held.amount));
    into.extend(view.loans.iter().map(|loan| loan.principal + loan.interest));
    into.extend(view.positions.iter().map(|held| held.size.magnitude()));
    into.extend(view.positions.iter().map(|held| held.cost.magnitude()));
    into.extend(view.claims.iter().flat_map(|held| [held.claim, held.debt]));
    into.extend(view.lent.iter().map(|lent| lent.worth));
    into.retain(|amount| !amount.is_zero());
    into.sort_unstable();
    into.dedup();
}

/// Dollars of every layer of the waterfall, of lending pools, of the house's own accounts, and less deficits.
pub(crate) fn house(state: &State, names: &Names) -> Vec<(String, Usd)> {
    let waterfall = view::waterfall(state);
    let mut rows: Vec<(String, Usd)> = waterfall
        .tranches
        .iter()
        .map(|(scope, amount)| (format!("tranche of {}", names.scope_name(*scope)), amount.dollars()))
        .collect();
    rows.push(("float".to_owned(), waterfall.float.dollars()));
    rows.push(("treasury".to_owned(), waterfall.treasury.dollars()));
    let deficits: Amount = waterfall.deficits.iter().map(|deficit| deficit.left).sum();
    rows.push(("deficits".to_owned(), -deficits.dollars()));
    for (id, chain) in state.chains.iter() {
        let lent = chain.money.lending() + chain.pool.principal;
        rows.push((format!("lenders on {}", names.chain_name(id)), lent.dollars()));
    }
    for (id, market) in state.markets.iter() {
        rows.push((format!("{BUDGET} of {}", names.market_name(id)), market.money.budget().dollars()));
        rows.push((
            format!("backstop of {}", names.market_name(id)),
            view::account(state, market.backstop).map_or(Usd::ZERO, |view| view.equity),
        ));
    }
    rows
}
