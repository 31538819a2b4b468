//! Keepers: who they are, and whether they may be drawn.
//!
//! - Registering brings the stake, out of the owner's collateral.
//! - Qualified: stake, declared hardware, uptime, no verdict of malice against the operator, not suspended, not frozen.
//! - One that has left gives its place to a newcomer when all places are taken.
//! - A pool that spans too few regions is warned of, once per change; the house goes on.

use super::rating::Month;
use super::uptime::Uptime;
use super::{book, change_keeper, stake};
use crate::custody;
use crate::ledger::{self, balance};
use crate::state::{Outcome, State};
use crate::table::RowId;
use ballast_types::{
    AccountId, Address, Event, Grade, KeeperId, LedgerAccount, Money, Reason, RegionId, Reject, Token,
};
use ballast_units::{Amount, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeSet;

/// Keepers that are taken at most: a draw looks at all of them.
const KEEPERS_MOST: u32 = 4_096;

/// A keeper.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Keeper {
    /// Staked, and is paid.
    pub account: AccountId,
    /// Who runs it.
    pub operator: Address,
    /// Where it stands.
    pub region: RegionId,
    /// Declared.
    pub cores: u32,
    /// Declared, GiB.
    pub memory: u32,
    /// Its key.
    pub signer: Address,
    /// Tokens staked (ledger), those that are leaving included.
    pub stake: Amount,
    /// Tokens that are given back then.
    pub leaving: Option<(Amount, Time)>,
    /// Its heartbeats.
    pub uptime: Uptime,
    /// Of the last rating.
    pub grade: Grade,
    /// What is rated at the end of the month.
    pub month: Month,
    /// Misdeeds since the last freeze or rating.
    pub misdeeds: u32,
    /// Suspended until then.
    pub suspended: Option<Time>,
    /// Frozen until then; a vote on it is open as long.
    pub frozen: Option<Time>,
}

impl Keeper {
    /// Stake that stays.
    #[must_use]
    pub fn staying(&self) -> Amount {
        self.stake.saturating_sub(self.leaving.map_or(Amount::ZERO, |(amount, _)| amount))
    }
}

/// Why a keeper is not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Its operator is barred.
    Barred,
    /// Graded D.
    Suspended(Time),
    /// Misdeeds.
    Frozen(Time),
    /// Less stake than is needed stays.
    Stake,
    /// Less hardware than is needed was declared.
    Hardware,
    /// Its uptime cannot be told yet.
    Young,
    /// It was down too much.
    Uptime,
}

/// A keeper that may be registered.
#[derive(Debug)]
pub(crate) struct RegisterPlan {
    /// Of one that has left.
    place: Option<KeeperId>,
    keeper: Keeper,
    token: Token,
    stake: Amount,
}

/// What a node says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    pub(crate) account: AccountId,
    pub(crate) operator: Address,
    pub(crate) region: RegionId,
    pub(crate) cores: u32,
    pub(crate) memory: u32,
    pub(crate) signer: Address,
    pub(crate) stake: Amount,
}

/// Decides whether a node becomes a keeper.
pub(crate) fn plan(state: &State, offer: Offer) -> Result<RegisterPlan, Reject> {
    let Offer { account, operator, region, cores, memory, signer, stake } = offer;
    let params = &state.house.keepers.params;
    let token = stake::token(state)?;
    state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    let place = place(state)?;
    if let Some(since) = state.barred.find(operator).copied() {
        return Err(Reject::OperatorBarred { operator, since });
    }
    if cores < params.cores_min {
        return Err(Reject::CoresTooFew { have: cores, need: params.cores_min });
    }
    if memory < params.memory_min {
        return Err(Reject::MemoryTooSmall { have: memory, need: params.memory_min });
    }
    if stake < params.stake_min {
        return Err(Reject::StakeTooSmall { have: stake, need: params.stake_min });
    }
    let has_key = |known: &Keeper| known.signer == signer && !has_left(known);
    if let Some((keeper, _)) = state.keepers.iter().find(|(_, known)| has_key(known)) {
        return Err(Reject::SignerTaken { keeper });
    }
    stake::check_held(state, account, token, stake)?;
    let now = state.now();
    let keeper = Keeper {
        account,
        operator,
        region,
        cores,
        memory,
        signer,
        stake: Amount::ZERO,
        leaving: None,
        uptime: Uptime::new(now),
        grade: Grade::B,
        month: Month::default(),
        misdeeds: 0,
        suspended: None,
        frozen: None,
    };
    Ok(RegisterPlan { place, keeper, token, stake })
}

/// Where a newcomer goes: behind the others; where there is no room, to the place of one that has left.
fn place(state: &State) -> Result<Option<KeeperId>, Reject> {
    if state.keepers.len() < most() {
        return Ok(None);
    }
    let members = state.rounds.iter().flat_map(|(_, round)| &round.members);
    let serving: BTreeSet<KeeperId> = members.map(|member| member.keeper).collect();
    let mut left = state.keepers.iter().filter(|(_, keeper)| has_left(keeper));
    let free = left.find(|(id, _)| !serving.contains(id)).map(|(id, _)| id);
    free.map(Some).ok_or(Reject::KeepersFull { limit: KEEPERS_MOST })
}

/// It has taken its stake out, and nothing of it is pending.
fn has_left(keeper: &Keeper) -> bool {
    keeper.stake.is_zero()
        && keeper.leaving.is_none()
        && keeper.suspended.is_none()
        && keeper.frozen.is_none()
}

/// Registers it.
pub(crate) fn execute(state: &mut State, out: &mut Outcome, plan: RegisterPlan) {
    let RegisterPlan { place, keeper, token, stake } = plan;
    let Keeper { account, operator, region, .. } = keeper;
    let id = match place {
        Some(id) => {
            change_keeper(state, id, |record| *record = keeper);
            id
        }
        None => state.keepers.push(keeper).expect("plan found room"),
    };
    let from = LedgerAccount::Collateral(account, token);
    ledger::transfer(state, out, from, LedgerAccount::Stake(id), Money::Token(token), stake, Reason::Stake);
    book::first_look(state);
    out.event(Event::KeeperRegistered { keeper: id, account, operator, region, stake });
}

/// A keeper's heartbeat.
pub(crate) fn heartbeat(state: &mut State, keeper: KeeperId) -> Result<(), Reject> {
    let record = find(state, keeper)?;
    check_not_barred(state, record)?;
    let now = state.now();
    if let Some(until) = record.suspended {
        return Err(Reject::KeeperSuspended { keeper, until });
    }
    let params = state.house.keepers.params;
    let next = record.uptime.last.after(ballast_units::Millis::new(params.heartbeat.get() >> 1));
    if now < next && record.uptime.last != record.uptime.since {
        return Err(Reject::HeartbeatEarly { keeper, next });
    }
    state.keepers.get_mut(keeper).uptime.beat(now, &params);
    Ok(())
}

/// The keeper, or that there is none.
pub(crate) fn find(state: &State, keeper: KeeperId) -> Result<&Keeper, Reject> {
    state.keepers.find(keeper).ok_or(Reject::UnknownKeeper { keeper })
}

/// No verdict of malice stands against its operator.
pub(crate) fn check_not_barred(state: &State, keeper: &Keeper) -> Result<(), Reject> {
    let operator = keeper.operator;
    match state.barred.find(operator) {
        Some(since) => Err(Reject::OperatorBarred { operator, since: *since }),
        None => Ok(()),
    }
}

/// Whether a keeper may be drawn now, and why not.
pub fn qualification(state: &State, keeper: &Keeper) -> Result<(), Unfit> {
    let (now, params) = (state.now(), &state.house.keepers.params);
    if state.barred.find(keeper.operator).is_some() {
        return Err(Unfit::Barred);
    }
    if let Some(until) = keeper.suspended {
        return Err(Unfit::Suspended(until));
    }
    if let Some(until) = keeper.frozen.filter(|until| now < *until) {
        return Err(Unfit::Frozen(until));
    }
    if keeper.staying() < params.stake_min {
        return Err(Unfit::Stake);
    }
    if keeper.cores < params.cores_min || keeper.memory < params.memory_min {
        return Err(Unfit::Hardware);
    }
    match keeper.uptime.share(now, params) {
        None => Err(Unfit::Young),
        Some(share) if share < params.uptime_min => Err(Unfit::Uptime),
        Some(_) => Ok(()),
    }
}

/// Keepers that may be drawn now.
pub(crate) fn qualified(state: &State) -> impl Iterator<Item = (KeeperId, &Keeper)> {
    state.keepers.iter().filter(|(_, keeper)| qualification(state, keeper).is_ok())
}

/// Tells in how many regions qualified keepers stand, where that changed and is or was too few.
pub(crate) fn look_at_regions(state: &mut State, out: &mut Outcome) {
    let regions: BTreeSet<RegionId> = qualified(state).map(|(_, keeper)| keeper.region).collect();
    let have = u32::try_from(regions.len()).unwrap_or(u32::MAX);
    let need = state.house.keepers.params.regions_min;
    let before = state.house.keepers.regions;
    if have != before {
        state.house.keepers.regions = have;
        if have < need || before < need {
            out.event(Event::RegionsChanged { have, need });
        }
    }
}

/// Tokens that a keeper has at stake.
#[must_use]
pub fn staked(state: &State, keeper: KeeperId) -> Amount {
    let token = state.house.keepers.token;
    token.map_or(Amount::ZERO, |token| balance(state, LedgerAccount::Stake(keeper), Money::Token(token)))
}

/// The account exists and may move collateral.
pub(crate) fn check_account(state: &State, account: AccountId) -> Result<(), Reject> {
    state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    custody::check_unlocked(state, account)
}

/// How many keepers there may be.
#[must_use]
pub fn most() -> usize {
    KeeperId(KEEPERS_MOST).row()
}
