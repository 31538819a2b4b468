//! What `show` prints: the engine's views, with names.

use ballast_engine::liquidation::{Cause, Lot, LotStage, Stage, Task};
use ballast_engine::state::Chain;
use ballast_engine::{State, auction, credit, view};
use ballast_types::{AccountId, Auction, ChainId, LotId, MarketId, Reject, Scope, TaskId};
use ballast_units::Amount;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::line::Show;
use super::lots::Lots;
use super::names::Names;

/// What is asked for; a reject where the books do not have it, an error where there is no such name.
pub(crate) fn show(
    line: &Show,
    names: &mut Names,
    state: &State,
    lots: &Lots,
) -> Result<Result<Value, Reject>, String> {
    Ok(match line {
        Show::Market(name) => market(names, state, names.market(name)?),
        Show::Account(name) => {
            let id = names.account(name);
            account(names, state, id)
        }
        Show::Ledger(_) => Ok(ledger(names, state)),
        Show::Waterfall(_) => Ok(waterfall(names, state)),
        Show::Lot(number) => {
            let lot = LotId(*number);
            let open = state.lots.find(lot).map(|record| self::lot(names, state, lot, record));
            let shown = open.or_else(|| closed(names, lots, lot));
            Ok(shown.ok_or_else(|| format!("show: there was no lot {number}"))?)
        }
        Show::Lots(_) => {
            let lots = state.lots.iter().map(|(id, record)| lot(names, state, id, record));
            Ok(json!({ "lots": lots.collect::<Vec<_>>() }))
        }
        Show::Tasks(_) => {
            let tasks = state.tasks.iter().map(|(id, record)| task(names, id, record));
            Ok(json!({ "tasks": tasks.collect::<Vec<_>>() }))
        }
        Show::Chain(name) => {
            let id = names.chain(name)?;
            let record = state.chains.find(id).ok_or(Reject::UnknownChain { chain: id });
            record.map(|record| chain(names, state, id, record))
        }
        Show::Oracle(_) => Ok(oracle(names, state)),
        Show::House(_) => Ok(house(state)),
    })
}

fn market(names: &Names, state: &State, market: MarketId) -> Result<Value, Reject> {
    let view = view::market(state, market).ok_or(Reject::UnknownMarket { market })?;
    Ok(json!({
        "market": names.market_name(market),
        "base_reserve": view.base_reserve,
        "quote_reserve": view.quote_reserve,
        "mark": view.mark,
        "mark_twap": view.mark_twap,
        "index": view.index,
        "risk_price": view.risk_price,
        "open_interest_long": view.open_interest_long,
        "open_interest_short": view.open_interest_short,
        "net_size": view.net_size,
        "pool": view.pool,
        "claims": view.claims,
        "settlement_debt": view.settlement_debt,
        "funding_rate": view.funding_rate,
        "funding_index": view.funding_index,
        "funding_index_short": view.funding_index_short,
        "backing": view.backing,
        "depth": view.depth,
        "tranche": view.tranche,
        "budget": view.budget,
        "deficit": view.deficit,
    }))
}

fn account(names: &Names, state: &State, account: AccountId) -> Result<Value, Reject> {
    let view = view::account(state, account).ok_or(Reject::UnknownAccount { account })?;
    Ok(json!({
        "account": names.account_name(account),
        "cash": view.cash,
        "waiting": map(view.waiting.iter().map(|(coin, amount, kept)| {
            (names.token_name(*coin), json!({ "amount": amount, "kept": kept }))
        })),
        "collateral": map(view.collateral.iter().map(|held| (names.token_name(held.token), held.amount))),
        "pending": map(view.collateral.iter().filter(|held| !held.pending.is_zero())
            .map(|held| (names.token_name(held.token), held.pending))),
        "loans": map(view.loans.iter().map(|loan| {
            (names.chain_name(loan.chain), json!({ "principal": loan.principal, "interest": loan.interest }))
        })),
        "positions": map(view.positions.iter().map(|position| {
            let shown = json!({
                "size": position.size,
                "cost": position.cost,
                "pnl": position.pnl,
                "funding": position.funding,
            });
            (names.market_name(position.market), shown)
        })),
        "claims": map(view.claims.iter().filter(|claim| !claim.claim.is_zero())
            .map(|claim| (names.market_name(claim.market), claim.claim))),
        "settlement_debts": map(view.claims.iter().filter(|claim| !claim.debt.is_zero())
            .map(|claim| (names.market_name(claim.market), claim.debt))),
        "lent": map(view.lent.iter().map(|lent| {
            (names.chain_name(lent.chain), json!({ "shares": lent.shares, "worth": lent.worth }))
        })),
        "receipts": map(view.receipts.iter().map(|(loss, amount)| (loss.to_string(), *amount))),
        "equity": view.equity,
        "health": view.health,
        "locked": view.locked.is_some(),
        "task": view.locked,
    }))
}

fn ledger(names: &Names, state: &State) -> Value {
    let entries = view::ledger(state).into_iter().map(|(account, money, amount)| {
        json!({ "account": names.ledger_name(account), "money": names.money_name(money), "amount": amount })
    });
    json!({ "ledger": entries.collect::<Vec<_>>() })
}

fn waterfall(names: &Names, state: &State) -> Value {
    let view = view::waterfall(state);
    let deficits = view.deficits.iter().map(|loss| {
        let figures = json!({ "time": loss.time, "deficit": loss.deficit, "left": loss.left });
        merged([json!({ "loss": loss.loss }), scope(names, loss.scope), figures])
    });
    let tranches =
        view.tranches.iter().map(|(of, amount)| merged([scope(names, *of), json!({ "amount": amount })]));
    json!({
        "tranches": tranches.collect::<Vec<_>>(),
        "float": view.float,
        "cover": view.cover,
        "cold": view.cold,
        "treasury": view.treasury,
        "deficits": deficits.collect::<Vec<_>>(),
    })
}

fn lot(names: &Names, state: &State, id: LotId, lot: &Lot) -> Value {
    let stage = match lot.stage {
        LotStage::Queued => json!({ "stage": "queued" }),
        LotStage::Offered(auction) => {
            merged([json!({ "stage": "offered" }), terms(state, &auction, lot.sold())])
        }
        LotStage::Ending { auction, anew } => {
            merged([json!({ "stage": "ending", "anew": anew }), terms(state, &auction, lot.sold())])
        }
        LotStage::Warehoused(until) => json!({ "stage": "warehoused", "offered_again": until }),
        LotStage::Ended(_) => json!({ "stage": "ended" }),
        LotStage::Over(_) => json!({ "stage": "over" }),
        LotStage::Bridging { to, .. } => json!({ "stage": "bridging", "to": names.chain_name(to) }),
        LotStage::Gathering(until) => json!({ "stage": "gathering", "until": until }),
    };
    let tasks: Vec<TaskId> = lot.parts.iter().map(|part| part.task).collect();
    let of = match tasks.as_slice() {
        [task] => json!({ "task": task }),
        tasks => json!({ "tasks": tasks }),
    };
    let record = json!({
        "token": names.token_name(lot.token),
        "left": lot.left(),
        "held": lot.held,
        "taken": lot.taken,
        "paid": lot.paid,
        "value": lot.value,
        "round": lot.round,
    });
    merged([json!({ "lot": id }), of, record, stage])
}

/// A lot that the engine has closed, as the script saw it.
fn closed(names: &Names, lots: &Lots, id: LotId) -> Option<Value> {
    let seen = lots.find(id)?;
    let (taken, paid) = lots.sold(id);
    let (bought, bought_for) = seen.bought;
    Some(json!({
        "lot": id,
        "tasks": seen.tasks,
        "token": seen.token.map(|token| names.token_name(token)),
        "left": "0",
        "taken": taken,
        "paid": paid,
        "need": seen.need,
        "unmet": lots.unmet(id),
        "bought_by_reserve": bought,
        "paid_by_reserve": bought_for,
        "returned": seen.returned,
        "stage": "closed",
    }))
}

fn terms(state: &State, auction: &Auction, sold: Amount) -> Value {
    json!({
        "price": auction::price(auction, state.now()),
        "start": auction.start,
        "floor": auction.floor,
        "need": auction.need,
        "unmet": auction.need.saturating_sub(sold),
        "opened": auction.opened,
        "ends": auction.ends,
    })
}

fn task(names: &Names, id: TaskId, task: &Task) -> Value {
    json!({
        "task": id,
        "account": names.account_name(task.account),
        "cause": match task.cause {
            Cause::Health => "health".to_owned(),
            Cause::Settlement => "settlement".to_owned(),
            Cause::Reorg(chain) => format!("reorg of {}", names.chain_name(chain)),
        },
        "stage": match task.stage {
            Stage::Positions => "positions",
            Stage::Collateral => "collateral",
            Stage::Selling => "selling",
        },
        "lots": task.lots,
        "opened": task.opened,
        "slices": task.slices,
        "proceeds": task.proceeds,
        "principal": task.repaid.principal,
        "interest": task.repaid.interest,
        "settlement": task.repaid.settlement,
        "fee": task.repaid.fee,
        "returned": task.repaid.returned,
        "shortfall": task.repaid.shortfall,
    })
}

fn chain(names: &Names, state: &State, id: ChainId, chain: &Chain) -> Value {
    let coins = chain.tokens.iter().filter(|token| token.stable);
    json!({
        "chain": names.chain_name(id),
        "idle": chain.money.lending(),
        "principal": chain.pool.principal,
        "shares": chain.pool.shares,
        "worth": credit::assets(state, id),
        "utilisation": credit::utilisation(state, id),
        "rate": credit::rate(state, id),
        "borrow_index": chain.pool.index,
        "deficit": chain.pool.deficit,
        "tranche": chain.money.tranche(),
        "inventory": map(coins.map(|coin| (names.asset_name(coin.asset), coin.money.inventory()))),
        "pending": chain.pending,
        "epoch": chain.epoch,
        "anomalies": map(anomalies(state, id)),
    })
}

/// How many facts of each kind the books did not expect.
fn anomalies(state: &State, id: ChainId) -> impl Iterator<Item = (String, u64)> {
    let counts = state.house.anomalies.iter().filter(move |((chain, _), count)| *chain == id && **count != 0);
    counts.map(|((_, kind), count)| (kind.name().to_owned(), *count))
}

fn oracle(names: &Names, state: &State) -> Value {
    let assets = state.assets.iter().map(|(id, asset)| {
        let shown = json!({
            "index": asset.index,
            "index_twap": asset.twap.average(),
            "state": asset.state,
            "confirmed": asset.confirmed,
        });
        (names.asset_name(id), shown)
    });
    map(assets)
}

fn house(state: &State) -> Value {
    let house = &state.house;
    json!({
        "height": house.height,
        "time": house.time,
        "state_hash": house.hash,
        "accounts": state.accounts.len(),
        "safe_mode": house.safe_mode,
        "par_loss": house.par_loss,
    })
}

fn scope(names: &Names, scope: Scope) -> Value {
    match scope {
        Scope::Market(market) => json!({ "market": names.market_name(market) }),
        Scope::Chain(chain) => json!({ "chain": names.chain_name(chain) }),
    }
}

fn map<T: Serialize>(entries: impl Iterator<Item = (String, T)>) -> Value {
    let entries = entries.map(|(key, value)| (key, json!(value)));
    Value::Object(entries.collect())
}

fn merged(parts: impl IntoIterator<Item = Value>) -> Value {
    let fields = parts.into_iter().flat_map(|part| match part {
        Value::Object(fields) => fields,
        _ => Map::new(),
    });
    Value::Object(fields.collect())
}
