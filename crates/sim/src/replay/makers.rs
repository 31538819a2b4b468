//! Arbitrageurs: they trade mark towards index whenever it is further away than their threshold, as far as
//! the guards leave room and their margin reaches. When it does not reach, mark leaves index.

use super::places::Places;
use crate::scenario;
use ballast_engine::market::Market;
use ballast_engine::{BlockPart, Outcome, State};
use ballast_types::{AccountId, Block, Command, MarketId, Side, TradeAmount};
use ballast_units::{Amount, Millis, Price, Ratio, Size, Time};
use std::collections::BTreeMap;

/// No maker's position grows past this share of a market's depth: margins grow with it.
const POSITION_MAX: Ratio = Ratio::percent(10);

/// A smaller trade is not worth its trouble, dollars.
const TRADE_MIN: Amount = Amount::whole(50);

/// Kept from the edge of a guard's room: the index that the engine sees is a median of noisy sources.
const EDGE: Ratio = Ratio::bps(2);

/// All arbitrageurs.
#[derive(Clone, Debug)]
pub(super) struct Makers {
    accounts: Vec<AccountId>,
    threshold: Ratio,
    pause: Millis,
    /// Refused for lack of margin: until then.
    paused: BTreeMap<(AccountId, MarketId), Time>,
}

impl Makers {
    pub(super) fn new(accounts: Vec<AccountId>, terms: &scenario::Makers) -> Self {
        Self { accounts, threshold: terms.threshold, pause: terms.pause, paused: BTreeMap::new() }
    }

    /// At most one trade a market.
    pub(super) fn act(&mut self, state: &State, places: &Places, now: Time, out: &mut Vec<Command>) {
        for place in &places.markets {
            let market = state.markets.get(place.id);
            let index = places.price(place.asset, now);
            let Some(size) = wanted(market, index, self.threshold) else { continue };
            let Some((account, size)) = self.choose(state, place.id, market, size, now) else { continue };
            if size.magnitude().value_down(index).is_ok_and(|dollars| TRADE_MIN <= dollars) {
                out.push(Command::Trade {
                    account,
                    market: place.id,
                    side: if size.is_long() { Side::Long } else { Side::Short },
                    amount: TradeAmount::Base(size.magnitude()),
                    limit: None,
                    reduce_only: false,
                });
            }
        }
    }

    /// Who was refused waits.
    pub(super) fn learn(&mut self, block: &Block, outcome: &Outcome, now: Time) {
        for refused in outcome.rejects.iter().filter(|refused| refused.part == BlockPart::Command) {
            let command = usize::try_from(refused.number).ok().and_then(|number| block.commands.get(number));
            if let Some(Command::Trade { account, market, .. }) = command
                && self.accounts.binary_search(account).is_ok()
            {
                self.paused.insert((*account, *market), now.after(self.pause));
            }
        }
    }

    /// Who trades how much of `size`: whoever reduces a position by it, else whoever has the smallest.
    fn choose(
        &mut self,
        state: &State,
        id: MarketId,
        market: &Market,
        size: Size,
        now: Time,
    ) -> Option<(AccountId, Size)> {
        self.paused.retain(|_, until| now < *until);
        let limit = market.depth.mul_ratio_down(POSITION_MAX).unwrap_or(Amount::ZERO);
        let free = self.accounts.iter().filter(|account| !self.paused.contains_key(&(**account, id)));
        let held = free.filter_map(|account| {
            let record = state.accounts.find(*account).filter(|record| record.task.is_none())?;
            Some((*account, record.position(id).map_or(Size::ZERO, |position| position.size)))
        });
        let (account, position) = held.min_by_key(|(account, position)| {
            let reduces = position.is_long() != size.is_long() && !position.is_zero();
            let magnitude = position.magnitude();
            // Reducing ones first, the largest of them; then the smallest position.
            (!reduces, if reduces { Amount::MAX.saturating_sub(magnitude) } else { magnitude }, *account)
        })?;
        let room = if position.is_long() == size.is_long() {
            limit.saturating_sub(position.magnitude())
        } else {
            limit.checked_add(position.magnitude()).unwrap_or(limit)
        };
        let size = Size::from_amount(size.magnitude().min(room), size.is_long());
        (!size.is_zero()).then_some((account, size))
    }
}

/// What would bring mark back to where trading stops paying, within the guard; none where it is near enough.
fn wanted(market: &Market, index: Price, threshold: Ratio) -> Option<Size> {
    let mark = market.curve.mark().ok()?;
    let premium = mark.premium_over(index).ok()?;
    if premium.abs() <= threshold {
        return None;
    }
    let fee = market.params.fee_trade.ratio();
    let rest = if premium.is_negative() { Ratio::ONE - fee } else { Ratio::ONE + fee };
    let mut target = index.mul_ratio_down(rest).ok()?;
    if let (Some(limit), Some((low, high))) = (market.params.move_limit, market.window.extremes()) {
        let highest = low.mul_ratio_down(Ratio::ONE + limit - EDGE).ok()?;
        let lowest = high.mul_ratio_up(Ratio::ONE - limit + EDGE).ok()?;
        target = if mark < target { target.min(highest) } else { target.max(lowest) };
    }
    let towards = if premium.is_negative() { mark < target } else { target < mark };
    let size = market.curve.base_to(target).ok()?;
    (towards && !size.is_zero()).then_some(size)
}
