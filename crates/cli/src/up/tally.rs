//! What a run came to, measured at its end: the log applied again, chains against the ledger, traffic, claims.

use super::attestors::Attestation;
use super::spoke::{LocalSpoke, Traffic};
use super::ways::{Way, WayTally};
use super::world::Counts;
use crate::{columns, verify};
use ballast_engine::{State, view};
use ballast_sim::replay::{Claims, Replay, Summary};
use ballast_sim::report::{dollars, percent};
use ballast_spoke::Spoke as _;
use ballast_types::{AssetId, ChainId, Hash, LedgerAccount, Money, Nonce, OrderAction, ReleaseReason, Token};
use ballast_units::Amount;
use indicatif::ProgressBar;
use serde::Serialize;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Tally {
    /// Seconds until the chains were up, then to play; from the start, to the first order that sold collateral on a chain.
    start_s: f64,
    play_s: f64,
    first_liquidation_s: Option<f64>,
    blocks: u64,
    state_hash: Hash,
    /// Of the log, applied again by `ballast verify`'s own way, and how many signatures it checked.
    again: Hash,
    signatures: u64,
    sound: bool,
    chains: Vec<ChainTally>,
    /// Payloads sent by LayerZero, and those that could not be.
    messages: u64,
    messages_unsent: u64,
    /// Transfers of collateral that arrived over it.
    bridged: u64,
    /// Rounds that feeds were moved by; those that the hub's sources read; readings that were refused.
    feed_rounds: u64,
    feed_readings: u64,
    feed_refusals: u64,
    attestation: Attestation,
}

/// A chain.
#[derive(Clone, Debug, Serialize)]
struct ChainTally {
    name: String,
    block_time_s: u64,
    blocks: u64,
    deposits: u64,
    deliveries: u64,
    takes: u64,
    pokes: u64,
    failed: u64,
    /// Orders that it carried out, by how they came.
    by_layerzero: WayTally,
    by_keepers: WayTally,
    by_couriers: WayTally,
    /// Of its own coin, paid for gas by whoever sends deposits and couriers' orders, by keepers, and by bidders.
    gas_couriers: Amount,
    gas_keepers: Amount,
    gas_bidders: Amount,
    /// Bridges that its gateway's own money still pays for.
    bridges_left: Option<u64>,
    tokens: Vec<TokenTally>,
    /// Dollars of the reserve that have left for the Safe by the ledger, and the coin that it has.
    cold: Amount,
    safe: Amount,
}

/// A token of a vault, when all that the hub knows is final.
#[derive(Clone, Debug, Serialize)]
struct TokenTally {
    asset: String,
    ledger: Amount,
    vault: Amount,
}

impl Tally {
    pub(super) fn of(
        replay: &Replay<LocalSpoke>,
        log: &Path,
        counts: Counts,
        attestation: Attestation,
        began: Instant,
        [start, play]: [Duration; 2],
    ) -> anyhow::Result<Self> {
        let verdict = verify::replay(log, &ProgressBar::hidden())?;
        let mut chains = Vec::new();
        let ids: Vec<ChainId> = replay.chains().iter().map(|chain| chain.chain()).collect();
        for (chain, genesis) in replay.chains().iter().zip(&replay.genesis().chains) {
            let Traffic { blocks, deposits, deliveries, takes, pokes, failed } = chain.traffic();
            let bidders = chain.wallets().iter().filter_map(|wallet| chain.coins_spent(*wallet));
            let keepers = replay.state().keepers.iter().map(|(_, keeper)| keeper.signer);
            chains.push(ChainTally {
                name: genesis.name.clone(),
                block_time_s: genesis.block_time.get() / 1_000,
                blocks,
                deposits,
                deliveries,
                takes,
                pokes,
                failed,
                by_layerzero: chain.ways().tally(Way::LayerZero),
                by_keepers: chain.ways().tally(Way::Keeper),
                by_couriers: chain.ways().tally(Way::Courier),
                gas_couriers: chain.coins_spent(chain.sender()).unwrap_or_default(),
                gas_keepers: keepers.filter_map(|wallet| chain.coins_spent(wallet)).sum(),
                gas_bidders: bidders.sum(),
                bridges_left: chain.bridges_left(&ids)?,
                tokens: tokens(replay, chain)?,
                cold: cold(replay.state(), chain.chain()),
                safe: match chain.local().deployment.safe {
                    Some(safe) => chain.balance(chain.local().deployment.coin, safe.safe)?,
                    None => Amount::ZERO,
                },
            });
        }
        Ok(Self {
            start_s: start.as_secs_f64(),
            play_s: play.as_secs_f64(),
            first_liquidation_s: replay
                .chains()
                .iter()
                .filter_map(|chain| chain.ways().first_sale())
                .min()
                .map(|first| first.duration_since(began).as_secs_f64()),
            blocks: verdict.blocks,
            state_hash: replay.state().house.hash,
            again: verdict.state_hash,
            signatures: verdict.signatures.unwrap_or_default(),
            sound: verdict.fault.is_none(),
            chains,
            messages: counts.messages,
            messages_unsent: counts.messages_unsent,
            bridged: counts.bridged,
            feed_rounds: counts.rounds,
            feed_readings: counts.readings,
            feed_refusals: counts.readings_refused,
            attestation,
        })
    }

    /// The log leads to the same house, every vault and Safe holds what the ledger says, and every root counts.
    pub(super) fn agrees(&self) -> bool {
        self.sound
            && self.attestation.agrees()
            && self.chains.iter().all(|chain| chain.cold == chain.safe)
            && self.state_hash == self.again
            && self.chains.iter().flat_map(|chain| &chain.tokens).all(|token| token.ledger == token.vault)
    }

    pub(super) fn print(&self, out: &mut impl Write, summary: &Summary, json: bool) -> anyhow::Result<()> {
        writeln!(out, "\n{}", summary.scenario)?;
        for fault in summary.faults() {
            writeln!(out, "FAULT: {fault}")?;
        }
        for (title, rows) in self.tables(summary) {
            columns::print(out, &title, &rows)?;
        }
        if json {
            writeln!(out, "{}", serde_json::json!({ "up": self, "summary": summary }))?;
        }
        Ok(())
    }

    /// For the report.
    pub(super) fn sections(&self) -> Vec<(String, Vec<Vec<String>>)> {
        let mut tables = self.own_tables();
        tables.truncate(5);
        tables
    }

    fn tables(&self, summary: &Summary) -> Vec<(String, Vec<Vec<String>>)> {
        let drills = summary.drills.iter().map(|drills| (columns::DRILLS.to_owned(), drills.rows()));
        let mut tables: Vec<_> = drills.chain(self.own_tables()).collect();
        tables.push(("Claims, as measured in this run".to_owned(), claims(&summary.claims)));
        tables.push(("Losses".to_owned(), losses(summary)));
        tables
    }

    fn own_tables(&self) -> Vec<(String, Vec<Vec<String>>)> {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let mut traffic = vec![row(&[
            "chain",
            "s a block",
            "blocks",
            "deposits",
            "orders",
            "takes",
            "pokes",
            "failed",
            "gas couriers",
            "gas keepers",
            "gas bidders",
            "bridges paid",
        ])];
        let mut ways = vec![row(&["chain", "by LayerZero", "by keepers", "by couriers"])];
        let mut safes = vec![row(&["safe", "ledger", "on the chain"])];
        let mut vaults = vec![row(&["vault", "asset", "ledger", "on the chain", "difference"])];
        for chain in &self.chains {
            let counts = [
                chain.block_time_s,
                chain.blocks,
                chain.deposits,
                chain.deliveries,
                chain.takes,
                chain.pokes,
                chain.failed,
            ];
            let mut cells = vec![chain.name.clone()];
            cells.extend(counts.map(|count| count.to_string()));
            let gas = [chain.gas_couriers, chain.gas_keepers, chain.gas_bidders];
            // Six digits are enough to compare; the rest would not fit the page.
            cells.extend(gas.map(|coins| floor_micro(coins).to_string()));
            // A local chain's workers ask for a billionth of a coin: more than anybody counts.
            cells.push(chain.bridges_left.map_or("-".to_owned(), |left| match left {
                0..100_000 => left.to_string(),
                _ => "many".to_owned(),
            }));
            traffic.push(cells);
            let mut cells = vec![chain.name.clone()];
            let brought = [chain.by_layerzero, chain.by_keepers, chain.by_couriers];
            cells.extend(brought.map(|way| match way.orders {
                0 => "-".to_owned(),
                orders => format!("{orders}: {}, {} s", way.median_s, way.p99_s),
            }));
            ways.push(cells);
            let figures = [chain.cold, chain.safe].map(|amount| amount.to_string());
            let mut cells = vec![chain.name.clone()];
            cells.extend(figures);
            safes.push(cells);
            for token in &chain.tokens {
                let difference =
                    token.ledger.saturating_sub(token.vault) + token.vault.saturating_sub(token.ledger);
                let figures = [token.ledger, token.vault, difference].map(|amount| amount.to_string());
                let mut cells = vec![chain.name.clone(), token.asset.clone()];
                cells.extend(figures);
                vaults.push(cells);
            }
        }
        let pair = |one: u64, other: u64| format!("{one}, {other}");
        let [h0, h1, owed] = self.attestation.given;
        let first = self.first_liquidation_s.map_or("-".to_owned(), |first| format!("{first:.0}"));
        let same = if self.state_hash == self.again { "the same" } else { "ANOTHER" };
        let hub = vec![
            row(&["hub", "of this run"]),
            row(&["blocks in the log", &self.blocks.to_string()]),
            row(&["state hash", &self.state_hash.to_string()]),
            row(&["log applied again", same]),
            row(&["signatures of users and keepers checked", &self.signatures.to_string()]),
            row(&["payloads sent by LayerZero, not sendable", &pair(self.messages, self.messages_unsent)]),
            row(&["transfers of collateral by LayerZero", &self.bridged.to_string()]),
            row(&["rounds of feeds, read by sources", &pair(self.feed_rounds, self.feed_readings)]),
            row(&["readings of feeds refused", &self.feed_refusals.to_string()]),
            row(&["roots of H0, H1, liabilities", &format!("{h0}, {h1}, {owed}")]),
            row(&["of them on the attestation chain", &self.attestation.same.to_string()]),
            row(&["seconds to start, to play", &format!("{:.0}, {:.0}", self.start_s, self.play_s)]),
            row(&["seconds to the first liquidation on a chain", &first]),
        ];
        vec![
            ("Transactions".to_owned(), traffic),
            ("Orders carried out, by how they came: number, seconds (median, 99 of 100)".to_owned(), ways),
            ("Vaults against the ledger, at the last final block".to_owned(), vaults),
            ("The reserve's share of fees, in the chains' Safes".to_owned(), safes),
            ("Hub".to_owned(), hub),
        ]
    }
}

/// Cold dollars of a chain, less those whose order it has not carried out.
fn cold(state: &State, chain: ChainId) -> Amount {
    let cold = state.chains.find(chain).map_or(Amount::ZERO, |record| record.money.cold());
    let orders = state.orders.range((chain, Nonce(0))..=(chain, Nonce(u64::MAX)));
    let open =
        orders.filter(|(_, sent)| sent.seen.is_none()).filter_map(|(_, sent)| match sent.order.action {
            OrderAction::Release { reason: ReleaseReason::Collection, amount, .. } => Some(amount),
            _ => None,
        });
    cold.saturating_sub(open.sum())
}

/// What the ledger and the vault say of each token of a chain. A deposit that is not final is in neither.
fn tokens(replay: &Replay<LocalSpoke>, chain: &LocalSpoke) -> anyhow::Result<Vec<TokenTally>> {
    let (state, id) = (replay.state(), chain.chain());
    let Some(holdings) = chain.final_holdings()? else { return Ok(Vec::new()) };
    let name = |asset: AssetId| {
        let named = replay.genesis().assets.get(usize::from(asset.0));
        named.map_or_else(|| asset.0.to_string(), |named| named.symbol.clone())
    };
    let ledger = view::ledger(state);
    let tokens = holdings.assets.iter().map(|held| {
        let token = Token { asset: held.asset, chain: id };
        let pending = ledger.iter().filter(|(account, money, _)| {
            *money == Money::Token(token) && matches!(account, LedgerAccount::Pending(..))
        });
        let pending: Amount = pending.map(|(_, _, amount)| *amount).sum();
        let ledger = state.house.money.token_total(token).saturating_sub(pending);
        TokenTally { asset: name(held.asset), ledger, vault: held.booked }
    });
    Ok(tokens.collect())
}

fn claims(claims: &Claims) -> Vec<Vec<String>> {
    let seconds = |ratio: ballast_units::Ratio| format!("{ratio} s");
    let rows = [
        ("tasks", claims.tasks.to_string()),
        ("successful", percent(claims.success)),
        ("successful, of those that sold collateral", percent(claims.success_sold)),
        ("first order included, median", seconds(claims.response_median_s)),
        ("first order included, 99 of 100 within", seconds(claims.response_p99_s)),
        ("bought by takers, by value", percent(claims.fill)),
        ("auction, mean", seconds(claims.duration_mean_s)),
        ("price over index, median", percent(claims.price_median)),
        ("price over index, 99 of 100 at least", percent(claims.price_p99)),
        ("owners' loss from delay", percent(claims.delay_loss)),
        ("tasks without a dispute", percent(claims.consistency)),
        ("reorgs", claims.reorgs.to_string()),
    ];
    let mut rows: Vec<Vec<String>> =
        rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    rows.extend(
        claims.failures.iter().map(|(why, number)| vec![format!("  no success: {why}"), number.to_string()]),
    );
    rows
}

/// Without what is finer than a millionth.
fn floor_micro(coins: Amount) -> Amount {
    const MICRO: u128 = 1_000_000_000_000;
    Amount::from_wei(coins.wei().saturating_sub(coins.wei().checked_rem(MICRO).unwrap_or(0)))
}

fn losses(summary: &Summary) -> Vec<Vec<String>> {
    let fall = &summary.waterfall;
    let rows = [
        ("accounts liquidated", summary.liquidated.to_string()),
        ("debt liquidated, USD", dollars(summary.debt_liquidated)),
        ("positions liquidated, USD", dollars(summary.notional_liquidated)),
        ("bad debt, USD", dollars(summary.bad_debt)),
        ("  taken by tranches", dollars(fall.tranche)),
        ("  taken by the float", dollars(fall.float)),
        ("  taken by cover", dollars(fall.cover)),
        ("  left as deficit", dollars(fall.deficit)),
    ];
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}
