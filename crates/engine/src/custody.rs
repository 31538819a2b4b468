//! Custody: what comes into the vaults and what leaves them.
//!
//! - A deposit counts when its block is safe (`Pending`, within the limits of R9) and can be used when it is
//!   final: a coin at par becomes cash, everything else collateral.
//! - A release floors to the token's unit (R25); the rest stays where it was.
//! - Dollars enter the books exactly when a coin enters an inventory, and leave exactly when it leaves.
//! - Keeps: I01 (conservation), I06 (each event of a vault takes effect once, in order).

use crate::account::Account;
use crate::apply::is_house;
use crate::ledger::{self, enter, leave, transfer};
use crate::liquidation::{self, Cause};
use crate::market::settlement;
use crate::oracle;
use crate::risk::health::{self, Whatif};
use crate::state::{Outcome, State};
use crate::table::RowId;
use crate::waterfall;
use ballast_types::{
    AccountId, Action, Address, ChainId, Event, Hash, LedgerAccount, Money, Nonce, Observation, OrderAction,
    Owner, Reason, Reject, ReleaseReason, Scope, Sequence, Token, VaultEvent,
};
use ballast_units::{Amount, Bps, Ratio};
use borsh::{BorshDeserialize, BorshSerialize};

/// Share of a chain's pending credit that one owner may have, over all subaccounts (R9).
const PENDING_OWNER_SHARE: Bps = Bps::new(1_000);

/// Withdrawals that may wait on one chain; more are refused, so that a block's work is bounded.
const WAITING_LIMIT: usize = 1_024;

/// Waiting withdrawals of a chain that are tried again in one block.
const RETRY_BATCH: usize = 64;

/// A vault event that is safe, not final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Unfinal {
    /// The block it stood in.
    pub version: Hash,
    /// What happened.
    pub event: VaultEvent,
    /// Credit given for it so far, in the token (deposits only).
    pub pending: Amount,
    /// The same in dollars at the index when it was seen, rounded up: what the chain's limit counts.
    pub credit: Amount,
}

/// A release that was ordered and whose payment is not final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Release {
    /// For whom.
    pub account: AccountId,
    /// What.
    pub token: Token,
    /// How much.
    pub amount: Amount,
    /// The vault's event that carried it out, where it was seen.
    pub seen: Option<Sequence>,
}

/// A withdrawal that waits for inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Waiting {
    /// Whose.
    pub account: AccountId,
    /// What.
    pub token: Token,
    /// How much.
    pub amount: Amount,
}

/// A withdrawal that may be made, now or when the inventory allows it.
#[derive(Debug)]
pub(crate) struct WithdrawPlan {
    payout: Payout,
    way: Way,
}

/// What a withdrawal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Cash becomes the coin.
    Cash,
    /// Collateral leaves as it is.
    Collateral,
    /// It waits for inventory.
    Wait,
}

/// Tokens to an account's address on their chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payout {
    /// For whom.
    pub(crate) account: AccountId,
    /// What.
    pub(crate) token: Token,
    /// How much: whole units of the token.
    pub(crate) amount: Amount,
    /// Where it goes.
    pub(crate) to: Address,
}

/// An amount floored to a token's unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floored {
    /// What can be paid.
    pub(crate) kept: Amount,
    asked: Amount,
    unit: Amount,
}

impl Floored {
    /// What can be paid, where that is something.
    pub(crate) fn not_zero(self) -> Result<Amount, Reject> {
        if self.kept.is_zero() {
            return Err(Reject::AmountBelowUnit { amount: self.asked, unit: self.unit });
        }
        Ok(self.kept)
    }
}

// Accounts

/// The account of an owner, opened where there is none.
pub(crate) fn open_account(state: &mut State, out: &mut Outcome, owner: Owner) -> Result<AccountId, Reject> {
    if let Some(account) = state.account_of(owner) {
        return Ok(account);
    }
    let account = new_account(state, owner)?;
    out.event(Event::AccountOpened { account, owner });
    Ok(account)
}

/// A new account for an owner who has none.
pub(crate) fn new_account(state: &mut State, owner: Owner) -> Result<AccountId, Reject> {
    let record = Account { owner, ..Account::default() };
    let account = state.accounts.push(record).ok_or(Reject::AccountsFull { limit: u32::MAX })?;
    state.owners.insert(owner, account);
    Ok(account)
}

/// Sets where an account's withdrawals on a chain go from now on. Orders already sent keep their address.
pub(crate) fn register_address(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    chain: ChainId,
    address: Address,
) -> Result<(), Reject> {
    if state.accounts.find(account).is_none() {
        return Err(Reject::UnknownAccount { account });
    }
    if state.chains.find(chain).is_none() {
        return Err(Reject::UnknownChain { chain });
    }
    state.addresses.insert((account, chain), address);
    out.event(Event::AddressRegistered { account, chain, address });
    Ok(())
}

/// Where an account's withdrawals on a chain go.
pub(crate) fn address(state: &State, account: AccountId, chain: ChainId) -> Result<Address, Reject> {
    state.addresses.find((account, chain)).copied().ok_or(Reject::NoAddress { account, chain })
}

// Observations

/// Takes a fact about a chain.
pub(crate) fn observe(state: &mut State, out: &mut Outcome, observation: &Observation) -> Result<(), Reject> {
    match *observation {
        Observation::Seen { chain, sequence, version, event } => {
            seen(state, out, chain, sequence, version, event)
        }
        Observation::Final { chain, sequence, time: _ } => finalise(state, out, chain, sequence),
        Observation::Dropped { chain, sequence } => drop_events(state, out, chain, sequence),
    }
}

/// A vault's event in a safe block. Another version of an event that is not final first reverses the one before
/// and all after it (R18); that stands even where the new version is refused.
fn seen(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    sequence: Sequence,
    version: Hash,
    event: VaultEvent,
) -> Result<(), Reject> {
    let next = state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?.next_sequence;
    if next < sequence {
        return Err(Reject::SequenceGap { chain, got: sequence, want: next });
    }
    let known = state.unfinal.find((chain, sequence)).map(|known| known.version);
    let replaces = known.is_some_and(|known| known != version);
    if sequence < next && !replaces {
        return Err(Reject::SequenceSeen { chain, got: sequence, next });
    }
    check_event(state, chain, sequence, event)?;
    if replaces {
        reverse_from(state, out, chain, sequence);
    }
    let mut record = Unfinal { version, event, pending: Amount::ZERO, credit: Amount::ZERO };
    match event {
        VaultEvent::Deposited { owner, asset, amount } => {
            let account = open_account(state, out, owner)?;
            (record.pending, record.credit) =
                credit_pending(state, out, account, Token { asset, chain }, amount);
        }
        VaultEvent::Executed { nonce } => {
            state.releases.find_mut((chain, nonce)).expect("check_event found it").seen = Some(sequence);
        }
        VaultEvent::Taken { lot, taker, quantity, paid, rebate: _ } => {
            liquidation::take_seen(state, out, chain, lot, taker, quantity, paid)?;
        }
        VaultEvent::Ended { lot, result: _ } => liquidation::expired(state, out, chain, lot)?,
        VaultEvent::BridgedIn { .. } => {}
    }
    state.unfinal.insert((chain, sequence), record);
    state.chains.get_mut(chain).next_sequence = Sequence(sequence.0.saturating_add(1));
    Ok(())
}

/// Refuses what a vault cannot have done.
fn check_event(state: &State, chain: ChainId, sequence: Sequence, event: VaultEvent) -> Result<(), Reject> {
    match event {
        VaultEvent::Deposited { owner, asset, amount } => {
            check_amount(amount)?;
            let floored = floor_to_unit(state, Token { asset, chain }, amount)?;
            if floored.kept != amount {
                return Err(Reject::AmountBelowUnit { amount, unit: floored.unit });
            }
            if state.account_of(owner).is_none() && AccountId::of(state.accounts.len()).is_none() {
                return Err(Reject::AccountsFull { limit: u32::MAX });
            }
        }
        VaultEvent::Executed { nonce } => {
            // A release that a later event is dropped with may be seen again.
            let is_open = |release: &&Release| release.seen.is_none_or(|seen| sequence <= seen);
            let release = state.releases.find((chain, nonce)).filter(is_open);
            release.ok_or(Reject::UnknownOrder { chain, nonce })?;
        }
        // The lot is checked where it is taken.
        VaultEvent::Taken { lot: _, taker: _, quantity, paid, rebate: _ } => {
            check_amount(quantity)?;
            if !paid.in_range() {
                return Err(Reject::AmountOutOfRange { amount: paid, limit: Amount::LIMIT });
            }
        }
        VaultEvent::Ended { .. } => {}
        VaultEvent::BridgedIn { from, nonce, .. } => return Err(Reject::UnknownOrder { chain: from, nonce }),
    }
    Ok(())
}

/// Gives credit for a safe deposit, as far as R9 allows; the rest waits for finality and is not in the books
/// until then. Returns the credit in the token and in dollars.
fn credit_pending(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> (Amount, Amount) {
    let (pending, credit) = pending_credit(state, account, token, amount);
    enter(state, out, LedgerAccount::Pending(account, token), Money::Token(token), pending, Reason::Deposit);
    state.chains.get_mut(token.chain).pending += credit;
    out.event(Event::DepositPending { account, token, amount: pending });
    (pending, credit)
}

/// How much of a safe deposit counts, in the token and in dollars at index, rounded up. Limits: what the chain's
/// tranche could make good if the deposit disappeared, and of that a tenth an owner.
fn pending_credit(state: &State, account: AccountId, token: Token, amount: Amount) -> (Amount, Amount) {
    let none = (Amount::ZERO, Amount::ZERO);
    let Some(index) = oracle::index(state, token.asset) else { return none };
    let chain = state.chains.get(token.chain);
    let limit = chain.pending_cap.min(chain.money.tranche());
    let of_owner = owner_pending(state, state.accounts.get(account).owner, token.chain);
    let room = limit.saturating_sub(chain.pending);
    let room = room.min(limit.bps_down(PENDING_OWNER_SHARE).saturating_sub(of_owner));
    let value = |amount: Amount| amount.value_up(index).unwrap_or(Amount::MAX);
    let pending =
        if value(amount) <= room { amount } else { room.at_price_down(index).unwrap_or(amount).min(amount) };
    (pending, value(pending))
}

/// Dollars at index of an owner's pending credit on a chain, over all subaccounts, rounded up.
fn owner_pending(state: &State, owner: Owner, chain: ChainId) -> Amount {
    let subaccounts = Owner { subaccount: 0, ..owner }..=Owner { subaccount: u16::MAX, ..owner };
    let accounts = state.owners.range(subaccounts).map(|(_, account)| state.accounts.get(*account));
    let held =
        accounts.flat_map(|account| account.balances.holdings()).filter(|held| held.token.chain == chain);
    held.fold(Amount::ZERO, |sum, held| {
        let value = oracle::index(state, held.token.asset).map(|index| held.pending.value_up(index));
        sum.checked_add(value.and_then(Result::ok).unwrap_or(Amount::ZERO)).unwrap_or(Amount::MAX)
    })
}

/// Every event up to this one is final.
fn finalise(state: &mut State, out: &mut Outcome, chain: ChainId, sequence: Sequence) -> Result<(), Reject> {
    let record = state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    let (next, next_final) = (record.next_sequence, record.next_final);
    if sequence < next_final {
        return Err(Reject::SequenceSeen { chain, got: sequence, next: next_final });
    }
    if next <= sequence {
        return Err(Reject::SequenceUnknown { chain, got: sequence, next });
    }
    let range = (chain, next_final)..=(chain, sequence);
    let events: Vec<_> = state.unfinal.range(range).map(|(key, record)| (key, *record)).collect();
    state.chains.get_mut(chain).next_final = Sequence(sequence.0.saturating_add(1));
    for (key, record) in events {
        state.unfinal.remove(key);
        match record.event {
            VaultEvent::Deposited { owner, asset, amount } => {
                let account = state.account_of(owner).expect("opened when the deposit was seen");
                state.chains.get_mut(chain).pending -= record.credit;
                credit_final(state, out, account, Token { asset, chain }, amount, record.pending);
            }
            VaultEvent::Executed { nonce } => complete_release(state, out, chain, nonce),
            VaultEvent::BridgedIn { .. } => {}
            VaultEvent::Taken { lot, taker: _, quantity, paid, rebate: _ } => {
                liquidation::take_final(state, out, lot, quantity, paid);
            }
            // What followed from it followed when it was seen.
            VaultEvent::Ended { .. } => {}
        }
    }
    Ok(())
}

/// A deposit is final: what was pending and what had no credit become cash where the coin is taken at par, and
/// collateral otherwise.
fn credit_final(
    state: &mut State,
    out: &mut Outcome,
    account: AccountId,
    token: Token,
    amount: Amount,
    pending: Amount,
) {
    let as_cash = is_taken_at_par(state, token);
    let to =
        if as_cash { LedgerAccount::Inventory(token) } else { LedgerAccount::Collateral(account, token) };
    let money = Money::Token(token);
    transfer(state, out, LedgerAccount::Pending(account, token), to, money, pending, Reason::Finality);
    enter(state, out, to, money, amount - pending, Reason::Deposit);
    if as_cash {
        enter(state, out, LedgerAccount::Cash(account), Money::Usd, amount, Reason::Deposit);
        let before = own_deposits(state, account, token);
        state.coin_deposits.insert((account, token), before + amount);
    }
    out.event(Event::DepositCredited { account, token, amount });
    settlement::collect(state, out, account);
}

/// A stablecoin becomes cash while it is at par and its share of all inventories is not above its cap (R10).
fn is_taken_at_par(state: &State, token: Token) -> bool {
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

/// The vault has paid, finally.
fn complete_release(state: &mut State, out: &mut Outcome, chain: ChainId, nonce: Nonce) {
    let release = state.releases.remove((chain, nonce)).expect("seen once, so open until final");
    let money = Money::Token(release.token);
    leave(state, out, LedgerAccount::InFlight(chain), money, release.amount, Reason::Withdrawal);
    out.event(Event::ReleaseCompleted { chain, nonce, amount: release.amount });
}

/// The chain dropped this event and all later ones.
fn drop_events(
    state: &mut State,
    out: &mut Outcome,
    chain: ChainId,
    sequence: Sequence,
) -> Result<(), Reject> {
    let record = state.chains.find(chain).ok_or(Reject::UnknownChain { chain })?;
    let (next, next_final) = (record.next_sequence, record.next_final);
    if next <= sequence {
        return Err(Reject::SequenceUnknown { chain, got: sequence, next });
    }
    if sequence < next_final {
        let final_to = Sequence(next_final.0.saturating_sub(1));
        return Err(Reject::SequenceFinal { chain, got: sequence, final_to });
    }
    reverse_from(state, out, chain, sequence);
    Ok(())
}

/// Reverses the entries of an event and of all later ones, newest first, by entries of their own (R18). An
/// account that a dropped deposit leaves below its maintenance margin is locked and liquidated (R9).
fn reverse_from(state: &mut State, out: &mut Outcome, chain: ChainId, sequence: Sequence) {
    let range = (chain, sequence)..=(chain, Sequence(u64::MAX));
    let events: Vec<_> = state.unfinal.range(range).rev().map(|(key, record)| (key, *record)).collect();
    state.chains.get_mut(chain).next_sequence = sequence;
    let mut debited = Vec::new();
    for (key, record) in events {
        state.unfinal.remove(key);
        match record.event {
            VaultEvent::Deposited { owner, asset, amount } => {
                let account = state.account_of(owner).expect("opened when the deposit was seen");
                debit_pending(state, out, account, Token { asset, chain }, record);
                out.event(Event::DepositDropped { account, token: Token { asset, chain }, amount });
                debited.push(account);
            }
            // Its order stands: any courier may deliver it again, and the vault carries it out once.
            VaultEvent::Executed { nonce } => {
                state.releases.find_mut((chain, nonce)).expect("open until final").seen = None;
            }
            VaultEvent::Taken { lot, taker: _, quantity, paid, rebate: _ } => {
                liquidation::take_dropped(state, lot, quantity, paid);
            }
            // The round is over all the same: the lot was offered again, and its old auction is past its end.
            VaultEvent::Ended { .. } | VaultEvent::BridgedIn { .. } => {}
        }
    }
    debited.sort_unstable();
    debited.dedup();
    for account in debited {
        let free = state.accounts.get(account).task.is_none() && !is_house(state, account);
        if free && health::maintenance(state, account).is_negative() {
            liquidation::open(state, out, account, Cause::Reorg(chain));
        }
    }
}

/// Takes the credit of a dropped deposit back; no transfer could have left it.
fn debit_pending(state: &mut State, out: &mut Outcome, account: AccountId, token: Token, record: Unfinal) {
    let from = LedgerAccount::Pending(account, token);
    leave(state, out, from, Money::Token(token), record.pending, Reason::Reorg);
    state.chains.get_mut(token.chain).pending -= record.credit;
}

// Withdrawals

/// Decides whether an account may take tokens out, and whether they can go now.
///
/// A stablecoin is paid from collateral of that very token where there is enough of it, otherwise from cash.
pub(crate) fn plan_withdrawal(
    state: &State,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> Result<WithdrawPlan, Reject> {
    let plan = plan_payout(state, account, token, amount)?;
    if plan.way == Way::Collateral {
        return Ok(plan);
    }
    let amount = plan.payout.amount;
    let (mut waiting, mut ahead, mut own) = (0_usize, Amount::ZERO, Amount::ZERO);
    for (_, other) in state.waiting.range(queue(token.chain)) {
        waiting = waiting.saturating_add(1);
        if other.token == token {
            ahead += other.amount;
        }
        if other.account == account {
            own += other.amount;
        }
    }
    if fits(state, token, amount, ahead) {
        return Ok(plan);
    }
    // The same cash waits once on a chain, or a queue of promises would hold up everybody's.
    let have = cash(state, account).saturating_sub(own);
    if have < amount {
        return Err(Reject::CashTooSmall { account, have, need: amount });
    }
    if WAITING_LIMIT <= waiting {
        let have = free_inventory(state, token).saturating_sub(ahead);
        return Err(Reject::InventoryTooSmall { chain: token.chain, have, need: amount });
    }
    Ok(WithdrawPlan { way: Way::Wait, ..plan })
}

/// Everything that does not depend on the inventory.
fn plan_payout(
    state: &State,
    account: AccountId,
    token: Token,
    amount: Amount,
) -> Result<WithdrawPlan, Reject> {
    check_amount(amount)?;
    let record = state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    state.chains.find(token.chain).ok_or(Reject::UnknownChain { chain: token.chain })?;
    let floored = floor_to_unit(state, token, amount)?;
    let amount = floored.kept;
    check_may_lower(state, account)?;
    let stable = state.token(token).is_some_and(|listed| listed.stable);
    let have = record.balances.collateral(token);
    let way = if stable && have < amount { Way::Cash } else { Way::Collateral };
    let whatif = match way {
        Way::Cash | Way::Wait => {
            check_cash(state, account, amount)?;
            Whatif { cash: -amount.dollars(), ..Whatif::default() }
        }
        Way::Collateral => {
            if have < amount {
                return Err(Reject::CollateralTooSmall { account, have, need: amount });
            }
            Whatif { token: Some((token, amount)), ..Whatif::default() }
        }
    };
    check_health(state, account, whatif)?;
    let to = address(state, account, token.chain)?;
    if way == Way::Cash {
        check_par(state, account, token, amount)?;
    }
    let amount = floored.not_zero()?;
    Ok(WithdrawPlan { payout: Payout { account, token, amount, to }, way })
}

/// Orders the payment, or puts it in the queue, where it moves nothing.
pub(crate) fn execute_withdrawal(state: &mut State, out: &mut Outcome, plan: WithdrawPlan) {
    let WithdrawPlan { payout, way } = plan;
    let Payout { account, token, amount, to: _ } = payout;
    match way {
        Way::Cash => {
            settlement::collect(state, out, account);
            pay_out_coin(state, out, LedgerAccount::Cash(account), payout, Reason::Withdrawal);
        }
        Way::Collateral => {
            let (from, to) =
                (LedgerAccount::Collateral(account, token), LedgerAccount::InFlight(token.chain));
            transfer(state, out, from, to, Money::Token(token), amount, Reason::Withdrawal);
            order_release(state, out, payout, ReleaseReason::Withdrawal);
        }
        Way::Wait => {
            let place = state.house.last_waiting.saturating_add(1);
            state.house.last_waiting = place;
            state.waiting.insert((token.chain, place), Waiting { account, token, amount });
            out.event(Event::WithdrawalQueued { account, token, amount });
        }
    }
}

/// Tries waiting withdrawals again, in order, a bounded number a chain and block. One that would be refused now
/// is dropped; one that does not fit holds up those behind it for the same coin.
pub(crate) fn retry_waiting(state: &mut State, out: &mut Outcome) {
    for chain in state.chains.ids() {
        let front: Vec<_> = state
            .waiting
            .range(queue(chain))
            .take(RETRY_BATCH)
            .map(|(key, waiting)| (key, *waiting))
            .collect();
        let mut held_up = Vec::new();
        for (key, Waiting { account, token, amount }) in front {
            if held_up.contains(&token) {
                continue;
            }
            match plan_payout(state, account, token, amount) {
                Ok(plan) if plan.way == Way::Collateral || fits(state, token, amount, Amount::ZERO) => {
                    state.waiting.remove(key);
                    execute_withdrawal(state, out, plan);
                }
                Ok(_) => held_up.push(token),
                Err(reject) => {
                    state.waiting.remove(key);
                    out.event(Event::WithdrawalRefused { account, token, amount, reject });
                }
            }
        }
    }
}

/// The keys of a chain's queue.
fn queue(chain: ChainId) -> std::ops::RangeInclusive<(ChainId, u64)> {
    (chain, 0)..=(chain, u64::MAX)
}

/// After it, the inventory still covers the chain's idle lending and the withdrawals ahead (R10).
fn fits(state: &State, token: Token, amount: Amount, ahead: Amount) -> bool {
    amount <= free_inventory(state, token).saturating_sub(ahead)
}

/// Inventory beyond what the chain's lenders have idle. Loans are paid out in the chain's coin alone.
fn free_inventory(state: &State, token: Token) -> Amount {
    let chain = state.chains.get(token.chain);
    let idle = if chain.coin == token.asset { chain.money.lending() } else { Amount::ZERO };
    inventory(state, token).saturating_sub(idle)
}

/// A stablecoin in its vault that backs dollars.
pub(crate) fn inventory(state: &State, token: Token) -> Amount {
    ledger::balance(state, LedgerAccount::Inventory(token), Money::Token(token))
}

/// Σ withdrawals of a coin that wait.
pub(crate) fn waiting_for(state: &State, token: Token) -> Amount {
    let queued = state.waiting.range(queue(token.chain)).filter(|(_, waiting)| waiting.token == token);
    queued.map(|(_, waiting)| waiting.amount).sum()
}

/// Dollars leave the books as their coin leaves the inventory.
pub(crate) fn pay_out_coin(
    state: &mut State,
    out: &mut Outcome,
    from: LedgerAccount,
    payout: Payout,
    reason: Reason,
) {
    let Payout { account, token, amount, to: _ } = payout;
    leave(state, out, from, Money::Usd, amount, reason);
    let (inventory, in_flight) = (LedgerAccount::Inventory(token), LedgerAccount::InFlight(token.chain));
    transfer(state, out, inventory, in_flight, Money::Token(token), amount, reason);
    let deposits = own_deposits(state, account, token).saturating_sub(amount);
    if deposits.is_zero() {
        state.coin_deposits.remove((account, token));
    } else {
        state.coin_deposits.insert((account, token), deposits);
    }
    let reason = if reason == Reason::Borrow { ReleaseReason::Loan } else { ReleaseReason::Withdrawal };
    order_release(state, out, payout, reason);
}

/// Tells the vault to pay what is in flight.
fn order_release(state: &mut State, out: &mut Outcome, payout: Payout, reason: ReleaseReason) {
    let Payout { account, token, amount, to } = payout;
    let nonce =
        state.order(out, token.chain, OrderAction::Release { reason, to, asset: token.asset, amount });
    state.releases.insert((token.chain, nonce), Release { account, token, amount, seen: None });
    out.event(Event::ReleaseOrdered { account, token, amount, nonce });
}

// What a stablecoin is worth

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

// Checks that withdrawing, lending and borrowing share

/// The account may give this much cash away for nothing in return. For payments that do not collect first: cash
/// that claims have paid but that has not reached the account does not count.
pub(crate) fn check_cash_out(state: &State, account: AccountId, amount: Amount) -> Result<(), Reject> {
    check_amount(amount)?;
    state.accounts.find(account).ok_or(Reject::UnknownAccount { account })?;
    check_may_lower(state, account)?;
    let have = cash(state, account).min(ledger::cash(state, account));
    if have < amount {
        return Err(Reject::CashTooSmall { account, have, need: amount });
    }
    check_health(state, account, Whatif { cash: -amount.dollars(), ..Whatif::default() })
}

/// The chain exists and its vault lists the token.
pub(crate) fn check_token(state: &State, token: Token) -> Result<(), Reject> {
    state.chains.find(token.chain).ok_or(Reject::UnknownChain { chain: token.chain })?;
    let unknown = Reject::UnknownToken { asset: token.asset, chain: token.chain };
    state.token(token).map(|_| ()).ok_or(unknown)
}

/// The account may lower its health: not locked and, where it owes or holds a position, on prices that allow it.
pub(crate) fn check_may_lower(state: &State, account: AccountId) -> Result<(), Reject> {
    let record = state.accounts.get(account);
    let owes = !record.loans.is_empty() || record.claims.iter().any(|claim| !claim.debt.scaled.is_zero());
    if owes || !record.positions.is_empty() {
        oracle::allows_account(state, record, Action::Borrow)?;
    }
    check_unlocked(state, account)
}

/// The account is not being liquidated.
pub(crate) fn check_unlocked(state: &State, account: AccountId) -> Result<(), Reject> {
    match state.accounts.get(account).task {
        Some(_) => Err(Reject::AccountLocked { account }),
        None => Ok(()),
    }
}

/// H_W after a change is zero or above.
pub(crate) fn check_health(state: &State, account: AccountId, whatif: Whatif) -> Result<(), Reject> {
    let health = health::withdrawal(state, account, whatif);
    if health.is_negative() {
        return Err(Reject::HealthTooLow { account, health });
    }
    Ok(())
}

/// Cash that an account can spend: what its claims were paid is in it, its settlement debts are paid from it. Who
/// spends it brings it in first, by [`settlement::collect`].
fn cash(state: &State, account: AccountId) -> Amount {
    settlement::collected(state, state.accounts.get(account)).cash
}

/// The account has this much cash to spend.
pub(crate) fn check_cash(state: &State, account: AccountId, need: Amount) -> Result<(), Reject> {
    let have = cash(state, account);
    if have < need {
        return Err(Reject::CashTooSmall { account, have, need });
    }
    Ok(())
}

/// While any listed coin is off par, nobody takes more of a coin than they brought (R10): what leaves beyond that
/// would be somebody else's good coin for one's own bad one. No mix beyond it: it is refused.
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

fn all_at_par(state: &State) -> bool {
    let mut listed = state.chains.iter().flat_map(|(_, chain)| &chain.tokens).filter(|token| token.stable);
    listed.all(|token| oracle::at_par(state, token.asset))
}

/// Deposits of a coin less withdrawals of it, at least zero.
fn own_deposits(state: &State, account: AccountId, token: Token) -> Amount {
    state.coin_deposits.find((account, token)).copied().unwrap_or_default()
}

/// Floors an amount to what the token's chain can pay (R25).
pub(crate) fn floor_to_unit(state: &State, token: Token, amount: Amount) -> Result<Floored, Reject> {
    let unknown = Reject::UnknownToken { asset: token.asset, chain: token.chain };
    let unit = state.token(token).ok_or(unknown)?.params.unit;
    // A unit of zero wei is one of a wei.
    let rest = amount.wei().checked_rem(unit.wei()).unwrap_or(0);
    Ok(Floored { kept: amount - Amount::from_wei(rest), asked: amount, unit })
}

/// Something, and not more than the house counts.
pub(crate) fn check_amount(amount: Amount) -> Result<(), Reject> {
    if amount.is_zero() {
        return Err(Reject::AmountZero {});
    }
    if !amount.in_range() {
        return Err(Reject::AmountOutOfRange { amount, limit: Amount::LIMIT });
    }
    Ok(())
}
