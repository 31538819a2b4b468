//! Claims: profit that is realised and not yet paid (R4).
//!
//! - Paid once a market at the end of each block: every claim older than one round by the same share,
//!   whatever the order in the block: `paid = min(pool, C)`, `F := F · (1 - paid / C)`, rounded up.
//! - An account's unpaid claim is `ceil(a · F / F_joined)`; what was paid lies in `Payable(market)` until the
//!   account is touched. `paid = C` ends the epoch: then all is paid.
//! - C is kept as Σ a - payable; the unpaid parts rounded up add to at least C, so that `Payable` always covers
//!   what holders may take (I02).
//! - Young claims (realised since the round before the last began) wait in cohorts: cohort r matures when
//!   round r ends. At most two cohorts are young at once, told apart by their parity.
//! - Source: the product-sum algorithm of Liquity's stability pool (epoch and scale), with one sum only.

use ballast_types::MarketId;
use ballast_units::Amount;
use ballast_units::math::mul_div_up;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;

use super::debt::SettlementDebt;

/// F: share of a claim of the epoch's beginning that is still unpaid. 36 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Factor {
    /// Ends when everything was paid.
    pub epoch: u32,
    /// Times `f` was multiplied by [`STEP`] to keep its digits.
    pub scale: u32,
    /// 10^36 = everything is unpaid.
    pub f: u128,
}

const ONE: u128 = 1_000_000_000_000_000_000_000_000_000_000_000_000; // 10^36
const STEP: u128 = 1_000_000_000; // 10^9
/// Finished cohorts whose factor is kept: claims name them until the next round has touched them.
const COHORTS_KEPT: u32 = 4;
const SCALE_BELOW: u128 = 1_000_000_000_000_000_000_000_000_000; // 10^27

impl Default for Factor {
    fn default() -> Self {
        Self { epoch: 0, scale: 0, f: ONE }
    }
}

impl Factor {
    /// What is unpaid of a claim that was `amount` when the factor was `joined`, rounded up.
    fn unpaid(self, amount: Amount, joined: Factor) -> Amount {
        if amount.is_zero() || self.epoch != joined.epoch {
            return Amount::ZERO;
        }
        // F over its scales since, rounded up: at most `joined.f`, so that the division cannot overflow.
        let scales = self.scale.saturating_sub(joined.scale);
        let f = STEP.checked_pow(scales).map_or(1, |steps| self.f.div_ceil(steps)).min(joined.f);
        let left = mul_div_up(amount.wei(), f, joined.f.max(1)).expect("R11: a part of the claim");
        Amount::from_wei(left)
    }

    /// After `paid` of `claims` was paid; `paid < claims`.
    fn paid(self, paid: Amount, claims: Amount) -> Self {
        let left = claims - paid;
        let f = mul_div_up(self.f, left.wei(), claims.wei()).expect("R11: left is less than claims").max(1);
        let mut after = Self { f, ..self };
        while after.f < SCALE_BELOW {
            after.f = after.f.saturating_mul(STEP);
            after.scale = after.scale.saturating_add(1);
        }
        after
    }

    fn next_epoch(self) -> Self {
        Self { epoch: self.epoch.saturating_add(1), scale: 0, f: ONE }
    }
}

/// One holder's claim on a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Claim {
    /// Mature: what it was when F was `joined`.
    amount: Amount,
    joined: Factor,
    /// Young, of two cohorts by parity.
    young: [Young; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Young {
    cohort: u32,
    amount: Amount,
}

/// Claim and settlement debt of an account in a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MarketClaim {
    /// Where.
    pub market: MarketId,
    /// Profit not yet paid.
    pub claim: Claim,
    /// Loss not yet paid.
    pub debt: SettlementDebt,
}

impl Claim {
    /// Nothing is claimed, and nothing that was paid waits.
    fn is_empty(&self) -> bool {
        let [even, odd] = &self.young;
        self.amount.is_zero() && even.amount.is_zero() && odd.amount.is_zero()
    }
}

impl MarketClaim {
    /// Nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.claim.is_empty() && self.debt.scaled.is_zero() && self.debt.principal.is_zero()
    }
}

/// What a holder's claim stands at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Paid, waiting in `Payable`.
    pub paid: Amount,
    /// Mature and unpaid.
    pub mature: Amount,
    /// Young and unpaid.
    pub young: Amount,
}

impl Standing {
    /// Unpaid in all.
    #[must_use]
    pub fn unpaid(&self) -> Amount {
        self.mature + self.young
    }
}

/// The claims of a market.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClaimBook {
    /// C: mature and unpaid.
    mature: Amount,
    factor: Factor,
    /// Unpaid claims of each cohort that is young.
    cohorts: BTreeMap<u32, Amount>,
    /// The factor at which each finished cohort joined.
    joined: BTreeMap<u32, Factor>,
    /// The cohort that new claims join = rounds begun so far.
    cohort: u32,
    /// Claims suspended for deficits (R1); they are neither paid nor counted in `mature`.
    pub suspended: Amount,
    /// The house's own claims: budget, tranche, float.
    pub house: [Claim; 3],
}

impl ClaimBook {
    /// Unpaid claims without the suspended ones.
    #[must_use]
    pub fn unpaid(&self) -> Amount {
        self.mature + self.cohorts.values().copied().sum::<Amount>()
    }

    /// Mature and unpaid.
    #[must_use]
    pub fn mature(&self) -> Amount {
        self.mature
    }

    /// Where a claim stands now.
    #[must_use]
    pub fn standing(&self, claim: &Claim) -> Standing {
        let mut standing = Standing::default();
        let mut add_mature = |amount: Amount, joined: Factor| {
            let unpaid = self.factor.unpaid(amount, joined);
            standing.mature += unpaid;
            standing.paid += amount - unpaid;
        };
        add_mature(claim.amount, claim.joined);
        let mut young_left = Amount::ZERO;
        for young in claim.young {
            if young.amount.is_zero() {
                continue;
            }
            match self.joined.get(&young.cohort) {
                Some(joined) => add_mature(young.amount, *joined),
                None => young_left += young.amount,
            }
        }
        standing.young = young_left;
        standing
    }

    /// Brings a claim up to date and returns what was paid on it meanwhile, which the caller moves out of
    /// `Payable`.
    pub(crate) fn touch(&self, claim: &mut Claim) -> Amount {
        if claim.is_empty() {
            return Amount::ZERO;
        }
        let standing = self.standing(claim);
        claim.amount = standing.mature;
        claim.joined = self.factor;
        for young in &mut claim.young {
            if self.joined.contains_key(&young.cohort) || young.amount.is_zero() {
                *young = Young::default();
            }
        }
        if claim.amount.is_zero() {
            claim.joined = Factor::default();
        }
        standing.paid
    }

    /// Adds to a touched claim. With `aged` off, or for the house, it is mature at once.
    pub(crate) fn add(&mut self, claim: &mut Claim, amount: Amount, aged: bool) {
        if amount.is_zero() {
            return;
        }
        if !aged {
            claim.amount += amount;
            claim.joined = self.factor;
            self.mature += amount;
            return;
        }
        let [even, odd] = &mut claim.young;
        let slot = if self.cohort & 1 == 0 { even } else { odd };
        slot.cohort = self.cohort;
        slot.amount += amount;
        *self.cohorts.entry(self.cohort).or_insert(Amount::ZERO) += amount;
    }

    /// Takes `amount` off a touched claim, mature part first. Returns dust of `Payable` that is now the
    /// pool's: what rounding up had counted beyond C.
    #[must_use]
    pub(crate) fn remove(&mut self, claim: &mut Claim, amount: Amount) -> Amount {
        let from_mature = amount.min(claim.amount);
        claim.amount -= from_mature;
        let dust = from_mature.saturating_sub(self.mature);
        self.mature = self.mature.saturating_sub(from_mature);
        let mut left = amount - from_mature;
        for young in &mut claim.young {
            let part = left.min(young.amount);
            young.amount -= part;
            left -= part;
            if let Some(cohort) = self.cohorts.get_mut(&young.cohort) {
                *cohort -= part;
            }
            if young.amount.is_zero() {
                *young = Young::default();
            }
        }
        assert!(left.is_zero(), "I04: {left} more was taken off a claim than it held");
        if claim.amount.is_zero() {
            claim.joined = Factor::default();
        }
        dust
    }

    /// Pays what the pool has; the caller moves it from the pool to `Payable`.
    pub(crate) fn pay(&mut self, pool: Amount) -> Amount {
        let paid = pool.min(self.mature);
        if paid.is_zero() {
            return Amount::ZERO;
        }
        self.factor =
            if paid == self.mature { self.factor.next_epoch() } else { self.factor.paid(paid, self.mature) };
        self.mature -= paid;
        paid
    }

    /// A round begins: claims from now on belong to the next cohort.
    pub(crate) fn begin_round(&mut self) {
        self.cohort = self.cohort.saturating_add(1);
    }

    /// A round ended: every cohort from before it is mature.
    pub(crate) fn end_round(&mut self) {
        let young = self.cohorts.split_off(&self.cohort);
        for amount in std::mem::replace(&mut self.cohorts, young).into_values() {
            self.mature += amount;
        }
        // A cohort without claims needs no entry, but one that a claim names must keep its factor.
        for cohort in self.joined.last_key_value().map_or(0, |(last, _)| last.saturating_add(1))..self.cohort
        {
            self.joined.insert(cohort, self.factor);
        }
        // Every round brings every claim up to date: a cohort that matured two rounds ago names nobody.
        self.joined = self.joined.split_off(&self.cohort.saturating_sub(COHORTS_KEPT));
    }

    /// No claim names a cohort that was forgotten.
    #[must_use]
    pub(crate) fn knows(&self, claim: &Claim) -> bool {
        let known = |young: &Young| {
            young.amount.is_zero()
                || self.joined.contains_key(&young.cohort)
                || self.cohorts.contains_key(&young.cohort)
        };
        claim.young.iter().all(known)
    }
}
