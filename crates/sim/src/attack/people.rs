//! What happens without the attacker: prices move, honest people trade, arbitrageurs and bidders react.
//!
//! - Where prices move, an arbitrageur trades each market towards its index as far as the guards allow, every 20 s while
//!   they differ by more than 0.3 %. In the calm field there is none: whoever moves a mark there keeps it.
//! - Bidders buy whole lots at 97 % of index or below, every 10 s.

use super::field::Move;
use super::run::{Mirror, Run};
use crate::script::Line;
use crate::script::line::{PriceInput, Ranged, Take, Trade};
use ballast_engine::auction;
use ballast_engine::liquidation::LotStage;
use ballast_types::{AssetId, MarketId, OracleState, Side};
use ballast_units::{Price, Ratio, Time};

/// Seconds between two looks of honest bidders.
const BID_EVERY: u64 = 10;

/// Seconds between two trades of honest arbitrageurs.
const TRADE_EVERY: u64 = 20;

/// Share of index at which honest bidders buy.
const BID_AT: Ratio = Ratio::percent(97);

/// Distance of mark from index at which an arbitrageur trades: fees are 10 bp each way.
const GAP: Ratio = Ratio::bps(30);

/// How far a trade moves mark at most: less than the guard allows.
const STEP: Ratio = Ratio::bps(150);

/// Confidence of a price that no oracle uses.
const USELESS: Ratio = Ratio::percent(50);

/// Who trades marks towards their indices.
pub(super) const ARBITRAGEUR: &str = "arbitrageur";

impl Run<'_> {
    /// When honest people look again.
    pub(super) fn reaction_due(&self) -> Option<u64> {
        let state = self.session.engine().state();
        let offered = state.lots.iter().any(|(_, lot)| matches!(lot.stage, LotStage::Offered(_)));
        if offered {
            return Some(self.now + BID_EVERY);
        }
        let apart = self.world.field.moves() && state.markets.ids().any(|id| self.gap(id).is_some());
        apart.then(|| self.now + TRADE_EVERY)
    }

    /// What the time has come for.
    pub(super) fn world_acts(&mut self) {
        while self.move_due().is_some_and(|at| at <= self.now) {
            let Move { asset, bps, told, .. } = self.world.moves[self.next_move];
            self.next_move += 1;
            let bps = if self.mirror == Mirror::Straight { bps } else { -bps };
            let id = self.session.names().asset(asset).expect("the world knows its assets");
            self.away.insert(id, bps);
            let price = Ranged(self.world.price(id, bps));
            let confidence = if told { Ratio::ZERO } else { USELESS };
            let line = PriceInput { asset: asset.to_owned(), price, source: None, confidence };
            self.line(&Line::Price(line));
        }
        while self.honest_due().is_some_and(|at| at <= self.now) {
            let (_, line) = &self.world.meanwhile[self.next_honest];
            self.next_honest += 1;
            self.line(line);
        }
        self.honest_arbitrage();
        self.honest_bids();
    }

    fn honest_bids(&mut self) {
        let state = self.session.engine().state();
        let now: Time = state.now();
        let mut cheap = Vec::new();
        for (id, lot) in state.lots.iter() {
            let LotStage::Offered(terms) = &lot.stage else { continue };
            let asset = lot.token.asset;
            let index = self.price(asset);
            let most = index.mul_ratio_down(BID_AT).expect("less than it was");
            if auction::price(terms, now) <= most {
                cheap.push((id, lot.left()));
            }
        }
        for (id, left) in cheap {
            let take = Take {
                lot: id.0,
                quantity: Ranged(left),
                least: None,
                price_max: None,
                paid: None,
                taker: Some("bidder".to_owned()),
            };
            self.line(&Line::Take(take));
        }
    }

    fn honest_arbitrage(&mut self) {
        if !self.world.field.moves() {
            return;
        }
        let markets: Vec<MarketId> = self.session.engine().state().markets.ids().collect();
        for market in markets {
            let Some((mark, to)) = self.gap(market) else { continue };
            let record = self.session.engine().state().markets.get(market);
            let step = |ratio| mark.mul_ratio_down(ratio).expect("near the mark");
            let to = to.clamp(step(Ratio::ONE - STEP), step(Ratio::ONE + STEP));
            let Ok(size) = record.curve.base_to(to) else { continue };
            let side = if size.is_long() { Side::Long } else { Side::Short };
            let trade = Trade {
                account: ARBITRAGEUR.to_owned(),
                market: self.session.names().market_name(market),
                side,
                quote: None,
                base: Some(Ranged(size.magnitude())),
                limit: None,
                reduce_only: false,
            };
            self.line(&Line::Trade(trade));
        }
    }

    /// Mark and index of a market whose asset has moved, where they differ by more than [`GAP`].
    fn gap(&self, market: MarketId) -> Option<(Price, Price)> {
        let state = self.session.engine().state();
        let record = state.markets.get(market);
        self.away.get(&record.asset)?;
        if state.assets.get(record.asset).state != OracleState::Fresh {
            return None;
        }
        let (mark, index) = (record.prices.last_mark?, self.price(record.asset));
        let premium = mark.premium_over(index).ok()?;
        (GAP < premium || premium < Ratio::ZERO - GAP).then_some((mark, index))
    }

    /// Price of now, told or not.
    pub(super) fn price(&self, asset: AssetId) -> Price {
        self.world.price(asset, self.away.get(&asset).copied().unwrap_or(0))
    }
}
