//! From the state to a frame. Reads, and changes nothing.

use super::coverage::{Coverage, coverage};
use super::frame::{
    AuctionRow, Auctions, ChainRow, Clock, DeficitRow, FORMAT, Frame, Happening, KeeperRow, MarketRow,
    Reserve, STALE_AFTER, TaskRow, Tasks, Waterfall,
};
use super::tracker::{Tracker, task_of};
use ballast_engine::keeper::Keeper;
use ballast_engine::liquidation::{Cause, Lot, LotStage, Stage, Task};
use ballast_engine::market::Market;
use ballast_engine::state::Chain;
use ballast_engine::{State, auction, view};
use ballast_types::{Auction, ChainId, KeeperId, LotId, Scope, TaskId, Token};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use std::collections::BTreeSet;

/// Tasks in a frame.
const TASKS: usize = 100;

/// Auctions in a frame.
const AUCTIONS: usize = 48;

/// Points of a price path.
const PATH: u64 = 24;

pub(super) fn frame(
    tracker: &Tracker,
    state: &State,
    (house, note): (&str, &str),
    events: Vec<Happening>,
) -> Frame {
    let cover = coverage(state);
    let chains = state.chains.iter().zip(&cover);
    Frame {
        format: FORMAT,
        house: house.to_owned(),
        note: note.to_owned(),
        clock: Clock {
            time: state.now(),
            height: state.house.height.0,
            state_hash: state.house.hash,
            accounts: state.accounts.len() as u64,
            safe_mode: state.house.safe_mode.is_some(),
        },
        markets: state.markets.iter().map(|(id, market)| market_row(tracker, state, id, market)).collect(),
        chains: chains.map(|((id, chain), cover)| chain_row(tracker, state, id, chain, cover)).collect(),
        tasks: tasks(tracker, state),
        auctions: auctions(tracker, state),
        keepers: keepers(tracker, state),
        reserve: reserve(tracker, state),
        waterfall: waterfall(tracker, state),
        events,
    }
}

fn market_row(tracker: &Tracker, state: &State, id: ballast_types::MarketId, market: &Market) -> MarketRow {
    let asset = state.assets.get(market.asset);
    let risk = market.prices.risk;
    let worth =
        |base: Amount| risk.map_or(Amount::ZERO, |price| base.value_down(price).unwrap_or(Amount::LIMIT));
    let price_age = state.now().since(asset.confirmed);
    let funding = asset.index.map_or(Ratio::ZERO, |index| of_price(market.funding.rate, index));
    MarketRow {
        name: tracker.names.market(id).to_owned(),
        mark: market.prices.last_mark,
        index: asset.index,
        risk,
        long: worth(market.books.long),
        short: worth(market.books.short),
        funding,
        pool: market.money.pool(),
        claims: market.claims.unpaid() + market.claims.suspended,
        backing: market.backing,
        deficit: market.deficit,
        oracle: asset.state,
        price_age,
        stale: STALE_AFTER < price_age,
    }
}

/// Dollars a unit as a share of a price.
fn of_price(dollars: ballast_units::Usd, price: Price) -> Ratio {
    let share = Price::from_wei(dollars.magnitude().wei()).and_then(|part| part.ratio_to_down(price));
    let share = share.unwrap_or(Ratio::ZERO);
    if dollars.is_negative() { Ratio::ZERO - share } else { share }
}

fn chain_row(tracker: &Tracker, state: &State, id: ChainId, chain: &Chain, cover: &Coverage) -> ChainRow {
    let now = state.now();
    // Nobody measures the price of what keepers stake.
    let staked = state.house.keepers.token.map(|token| token.asset);
    let collateral = || chain.tokens.iter().filter(|token| !token.stable && Some(token.asset) != staked);
    let ages = collateral().filter_map(|token| state.assets.find(token.asset));
    let price_age = ages.map(|asset| now.since(asset.confirmed)).max();
    let depths: Vec<(Amount, Time)> = collateral().filter_map(|token| token.depth.last()).collect();
    let depth_age = depths.iter().map(|(_, time)| now.since(*time)).max();
    let head_age = now.since(chain.heard);
    // A chain has nothing new to tell within its own block time.
    let patience = Millis::new(STALE_AFTER.get() + chain.block_time.get());
    let measured = [price_age, depth_age].into_iter().flatten().any(|age| STALE_AFTER < age);
    ChainRow {
        name: tracker.names.chain(id).to_owned(),
        threshold: collateral().map(|token| token.params.threshold).min(),
        borrowers: cover.borrowers,
        locked: cover.locked,
        bins: cover.bins,
        debt: chain.pool.principal,
        idle: chain.money.lending(),
        auctioned: chain.tokens.iter().map(|token| token.auctioned).sum(),
        depth: (!depths.is_empty()).then(|| depths.iter().map(|(depth, _)| *depth).sum()),
        depth_age,
        price_age,
        head_age,
        final_lag: now.since(chain.final_time),
        tranche: chain.money.tranche(),
        deficit: chain.pool.deficit,
        stale: measured || patience < head_age,
    }
}

fn tasks(tracker: &Tracker, state: &State) -> Tasks {
    Tasks {
        open: state.tasks.len() as u64,
        opened: tracker.opened,
        closed: tracker.closed,
        // Ids are given in order of time.
        rows: state.tasks.iter().take(TASKS).map(|(id, task)| task_row(tracker, state, id, task)).collect(),
    }
}

fn task_row(tracker: &Tracker, state: &State, id: TaskId, task: &Task) -> TaskRow {
    let lots: Vec<&Lot> = task.lots.iter().filter_map(|lot| state.lots.find(*lot)).collect();
    let chains: BTreeSet<ChainId> = lots.iter().map(|lot| lot.token.chain).collect();
    let ends = lots.iter().filter_map(|lot| running(lot)).map(|auction| auction.ends);
    let due = state.rounds.find(id).and_then(|round| round.due);
    let (orders, acknowledged) =
        tracker.orders.get(&id).map_or((0, 0), |orders| (orders.sent, orders.acknowledged));
    TaskRow {
        task: id,
        account: task.account,
        opened: task.opened,
        cause: match task.cause {
            Cause::Health => "health",
            Cause::Settlement => "settlement",
            Cause::Reorg(_) => "reorg",
        }
        .to_owned(),
        stage: match task.stage {
            Stage::Positions => "positions",
            Stage::Collateral => "collateral",
            Stage::Selling => "selling",
        }
        .to_owned(),
        chains: chains.iter().map(|chain| tracker.names.chain(*chain).to_owned()).collect(),
        lots: lots.len() as u64,
        orders,
        acknowledged,
        deadline: ends.chain(due).min(),
        proceeds: task.proceeds,
        repaid: task.repaid.debt(),
        disputed: lots.iter().any(|lot| lot.is_frozen()),
    }
}

/// The auction of a lot that takers can take from.
fn running(lot: &Lot) -> Option<&Auction> {
    match &lot.stage {
        LotStage::Offered(auction) | LotStage::Ending { auction, .. } => Some(auction),
        _ => None,
    }
}

fn auctions(tracker: &Tracker, state: &State) -> Auctions {
    let (mut open, mut queued, mut warehoused) = (Vec::new(), 0, 0);
    for (id, lot) in state.lots.iter() {
        open.extend(running(lot).map(|_| (lot.value, id)));
        queued += u64::from(matches!(lot.stage, LotStage::Queued));
        warehoused += u64::from(matches!(lot.stage, LotStage::Warehoused(_)));
    }
    let shown = AUCTIONS.min(open.len());
    open.sort_unstable_by(|(a, first), (b, second)| b.cmp(a).then(first.cmp(second)));
    Auctions {
        open: open.len() as u64,
        queued,
        warehoused,
        rows: open.iter().take(shown).filter_map(|(_, id)| auction_row(tracker, state, *id)).collect(),
    }
}

fn auction_row(tracker: &Tracker, state: &State, id: LotId) -> Option<AuctionRow> {
    let lot = state.lots.find(id)?;
    let auction = running(lot)?;
    let takes = tracker.takes.get(&id).cloned().unwrap_or_default();
    let span = auction.ends.since(auction.opened).get();
    let at = |part: u64| auction.opened.after(Millis::new(span.saturating_mul(part) / (PATH - 1)));
    Some(AuctionRow {
        lot: id,
        task: task_of(state, id)?,
        asset: tracker.names.asset(lot.token.asset).to_owned(),
        chain: tracker.names.chain(lot.token.chain).to_owned(),
        value: lot.value,
        quantity: auction.quantity,
        taken: auction.quantity.saturating_sub(lot.left()),
        paid: takes.paid,
        round: lot.round,
        opened: auction.opened,
        ends: auction.ends,
        price: auction::price(auction, state.now().max(auction.opened)),
        floor: auction.floor,
        index: state.assets.find(lot.token.asset)?.index,
        path: (0..PATH).map(|part| auction::price(auction, at(part))).collect(),
        takes: takes.marks,
    })
}

fn keepers(tracker: &Tracker, state: &State) -> Vec<KeeperRow> {
    let (now, terms) = (state.now(), &state.house.keepers.params);
    let row = |(id, keeper): (KeeperId, &Keeper)| KeeperRow {
        keeper: id,
        region: keeper.region,
        grade: keeper.grade,
        stake: keeper.stake,
        uptime: keeper.uptime.share(now, terms),
        reported: tracker.reported.get(&id).copied(),
        away: keeper.frozen.max(keeper.suspended).filter(|until| now < *until),
    };
    state.keepers.iter().map(row).collect()
}

fn reserve(tracker: &Tracker, state: &State) -> Reserve {
    let layers = view::waterfall(state);
    let mut warehouse = Vec::new();
    for (chain, record) in state.chains.iter() {
        for token in record.tokens.iter().filter(|token| !token.money.warehouse().is_zero()) {
            let quantity = token.money.warehouse();
            let index = state.assets.find(token.asset).and_then(|asset| asset.index);
            let worth =
                index.map_or(Amount::ZERO, |index| quantity.value_down(index).unwrap_or(Amount::LIMIT));
            warehouse.push((tracker.names.token(Token { asset: token.asset, chain }), quantity, worth));
        }
    }
    let named = |(scope, amount): (Scope, Amount)| (tracker.names.scope(scope), amount);
    Reserve {
        float: layers.float,
        cold: layers.cold,
        treasury: layers.treasury,
        tranches: layers.tranches.into_iter().map(named).collect(),
        warehouse,
    }
}

fn waterfall(tracker: &Tracker, state: &State) -> Waterfall {
    let open = state.losses.iter().filter(|(_, loss)| !loss.left.is_zero()).map(|(id, loss)| DeficitRow {
        loss: id,
        scope: tracker.names.scope(loss.scope),
        time: loss.time,
        deficit: loss.deficit,
        left: loss.left,
    });
    Waterfall { open: open.collect(), ..tracker.waterfall.clone() }
}
