//! Which events are told as happenings, and in which words. The words are a format: `docs/watch.md` lists them.

use super::frame::{Kind, signed};
use super::tracker::Names;
use ballast_engine::State;
use ballast_sim::calendar::date_time;
use ballast_sim::report::dollars;
use ballast_types::{Duty, Event, LossId, OracleState, Scope};
use ballast_units::{Amount, Price};

/// What a sentence may look up.
pub(super) struct Words<'a> {
    pub(super) names: &'a Names,
    pub(super) state: &'a State,
}

/// A happening of an event that people at a risk desk want to see one by one.
pub(super) fn of(words: &Words<'_>, event: &Event) -> Option<(Kind, String)> {
    Some(match event {
        Event::AccountLocked { account, task, health } => {
            (Kind::Locked, format!("task {task} account {account} health {} USD", signed(*health)))
        }
        Event::PositionDeleveraged { account, market, size, price, counterparties } => {
            let worth = size.magnitude().value_down(*price).unwrap_or(Amount::ZERO);
            let market = words.names.market(*market);
            let text = format!(
                "account {account} {market} {} USD against {counterparties} accounts",
                dollars(worth)
            );
            (Kind::Deleveraged, text)
        }
        Event::LotOffered { lot, task, token, quantity: amount, start, floor, round } => {
            let token = words.names.token(*token);
            let [start, floor] = [start, floor].map(price);
            let text = format!(
                "lot {lot} task {task} {} {token} from {start} to {floor} USD round {round}",
                quantity(*amount)
            );
            (Kind::Offered, text)
        }
        Event::LotTaken { lot, quantity: amount, paid, left, .. } => {
            let each = paid.price_of(*amount).map(|each| price(&each)).unwrap_or_default();
            let [amount, left] = [*amount, *left].map(quantity);
            (Kind::Taken, format!("lot {lot} {amount} for {} USD at {each} left {left}", dollars(*paid)))
        }
        Event::LotExpired { lot, left, round } => {
            (Kind::Expired, format!("lot {lot} round {round} left {}", quantity(*left)))
        }
        Event::LotBoughtByReserve { lot, quantity: amount, paid } => {
            (Kind::Reserve, format!("lot {lot} {} for {} USD", quantity(*amount), dollars(*paid)))
        }
        Event::LotWarehoused { lot, left } => {
            (Kind::Warehoused, format!("lot {lot} left {}", quantity(*left)))
        }
        Event::TaskClosed { task, account, principal, interest, settlement, fee, shortfall, .. } => {
            let repaid = dollars(*principal + *interest + *settlement);
            let [fee, shortfall] = [fee, shortfall].map(|amount| dollars(*amount));
            let text = format!(
                "task {task} account {account} repaid {repaid} USD fee {fee} USD shortfall {shortfall} USD"
            );
            (Kind::Closed, text)
        }
        Event::LossAbsorbed { loss, scope, amount, tranche, float, cover, deficit } => {
            // Only a loss that left a deficit has a number.
            let (kind, number) = match deficit.is_zero() {
                true => (Kind::Loss, String::new()),
                false => (Kind::Deficit, format!("loss {loss} ")),
            };
            let scope = words.names.scope(*scope);
            let [amount, tranche, float, cover, left] =
                [amount, tranche, float, cover, deficit].map(|amount| dollars(*amount));
            let text = format!(
                "{number}{scope} {amount} USD tranche {tranche} float {float} cover {cover} deficit {left}"
            );
            (kind, text)
        }
        Event::DeficitRepaid { loss, amount, left } => {
            let scope = words.scope_of(*loss);
            let text = format!("loss {loss}{scope} {} USD left {} USD", dollars(*amount), dollars(*left));
            (Kind::Repaid, text)
        }
        Event::DeficitWrittenOff { loss, amount } => {
            (Kind::Written, format!("loss {loss}{} {} USD", words.scope_of(*loss), dollars(*amount)))
        }
        Event::ParLossBooked { token, amount } => {
            (Kind::Written, format!("{} {} USD", words.names.token(*token), dollars(*amount)))
        }
        Event::DepositDropped { account, token, amount } => {
            let (amount, token) = (quantity(*amount), words.names.token(*token));
            (Kind::Reorg, format!("account {account} lost a deposit of {amount} {token}"))
        }
        Event::TaskDisputed { task, lot, chain, told, computed } => {
            let chain = words.names.chain(*chain);
            (Kind::Dispute, format!("task {task} lot {lot} {chain} told {told} computed {computed}"))
        }
        Event::LotFrozen { lot } => (Kind::Dispute, format!("lot {lot} is frozen")),
        Event::LotThawed { lot } => (Kind::Dispute, format!("lot {lot} goes on")),
        Event::AnomalyFound { chain, sequence, anomaly } => {
            let figures = anomaly.figures().into_iter().map(|(name, value)| format!(" {name} {value}"));
            let (chain, kind) = (words.names.chain(*chain), anomaly.kind().name());
            (Kind::Anomaly, format!("{chain} {sequence} {kind}{}", figures.collect::<String>()))
        }
        Event::PathClosed { from, to, until } => {
            let [from, to] = [from, to].map(|chain| words.names.chain(*chain));
            let how = until.map_or_else(|| "until a vote".to_owned(), |until| format!("until {until}"));
            (Kind::Anomaly, format!("the way from {from} to {to} is closed {how}"))
        }
        Event::PathOpened { from, to } => {
            let [from, to] = [from, to].map(|chain| words.names.chain(*chain));
            (Kind::Anomaly, format!("the way from {from} to {to} is open again"))
        }
        Event::BridgedShort { lot, token, got, missing, paid } => {
            let (token, paid) = (words.names.token(*token), dollars(*paid));
            let [got, missing] = [got, missing].map(|amount| quantity(*amount));
            (Kind::Anomaly, format!("lot {lot} {token}: {got} came, {missing} are missing, {paid} USD paid"))
        }
        Event::OrderResent { chain, nonce, times } => {
            (Kind::Order, format!("{} {nonce} sent {times} times", words.names.chain(*chain)))
        }
        Event::OrderExpired { chain, nonce } => {
            (Kind::Order, format!("{} {nonce} expired", words.names.chain(*chain)))
        }
        Event::LotBridged { lot, task, from, to, amount, .. } => {
            let [from, to] = [from, to].map(|token| words.names.token(*token));
            (Kind::Bridged, format!("lot {lot} task {task} {} {from} to {to}", quantity(*amount)))
        }
        Event::LotJoined { lot, part, task, token, amount } => {
            let (amount, token) = (quantity(*amount), words.names.token(*token));
            (Kind::Joined, format!("lot {lot} part {part} task {task} {amount} {token}"))
        }
        Event::TaskRolledBack { task, chain, sequence, .. } => {
            let chain = words.names.chain(*chain);
            (Kind::Reorg, format!("task {task} as it was before {chain}'s event {sequence}"))
        }
        Event::KeeperLate { keeper, task, chain, duty } => {
            let duty = match duty {
                Duty::Deliver => "order",
                Duty::Report => "report",
            };
            let chain = words.names.chain(*chain);
            (Kind::Keeper, format!("{keeper} task {task} {chain} late with its {duty}"))
        }
        Event::ReportUnfounded { keeper, task, chain } => {
            let chain = words.names.chain(*chain);
            (Kind::Keeper, format!("{keeper} task {task} {chain} names a block that nobody saw"))
        }
        Event::KeeperSlashed { keeper, task, chain, amount, .. } => {
            let chain = words.names.chain(*chain);
            (Kind::Keeper, format!("{keeper} task {task} {chain} slashed {}", quantity(*amount)))
        }
        Event::KeeperSuspended { keeper, until, fine } => {
            (Kind::Keeper, format!("{keeper} suspended until {} fine {}", date_time(*until), quantity(*fine)))
        }
        Event::KeeperFrozen { keeper, until, .. } => {
            (Kind::Keeper, format!("{keeper} frozen until {}", date_time(*until)))
        }
        Event::KeeperRestored { keeper } => (Kind::Keeper, format!("{keeper} restored")),
        Event::VerdictGiven { keeper, upheld, fine } => {
            let verdict = if *upheld { "upheld" } else { "lifted" };
            (Kind::Keeper, format!("{keeper} freeze {verdict} fine {}", quantity(*fine)))
        }
        Event::NoKeeperDrawn { task, draw } => {
            (Kind::Keeper, format!("task {task} draw {draw} found nobody: validators deliver"))
        }
        Event::RotationOrdered { epoch, signers } => {
            (Kind::Validators, format!("epoch {epoch} ordered, {signers} validators"))
        }
        Event::RotationCompleted { chain, epoch } => {
            (Kind::Validators, format!("{} obeys epoch {epoch}", words.names.chain(*chain)))
        }
        Event::UnfreezeOrdered { chain, nonce } => (
            Kind::Validators,
            format!("{} told by order {nonce} to end its freeze", words.names.chain(*chain)),
        ),
        Event::MigrationOrdered { chain, to, quiet, .. } => (
            Kind::Validators,
            format!("{} hands over to {to}, quiet from {}", words.names.chain(*chain), date_time(*quiet)),
        ),
        Event::MigrationUndone { chain, to, .. } => {
            (Kind::Validators, format!("{} did not hand over to {to}", words.names.chain(*chain)))
        }
        Event::MigrationCompleted { chain, to, .. } => {
            (Kind::Validators, format!("{} has its vault at {to}", words.names.chain(*chain)))
        }
        Event::OracleChanged { asset, before, after } => {
            let [before, after] = [*before, *after].map(oracle);
            (Kind::Oracle, format!("{} {before} to {after}", words.names.asset(*asset)))
        }
        Event::SafeModeEntered {} => (Kind::SafeMode, "entered".to_owned()),
        Event::SafeModeLeft {} => (Kind::SafeMode, "left".to_owned()),
        _ => return None,
    })
}

impl Words<'_> {
    /// Whose loss it was, while the house remembers it.
    fn scope_of(&self, loss: LossId) -> String {
        let scope: Option<Scope> = self.state.losses.find(loss).map(|record| record.scope);
        scope.map(|scope| format!(" {}", self.names.scope(scope))).unwrap_or_default()
    }
}

/// A price with six decimals, rounded down.
fn price(price: &Price) -> String {
    six(price.wei())
}

/// A quantity likewise.
fn quantity(amount: Amount) -> String {
    six(amount.wei())
}

fn six(wei: u128) -> String {
    let micro = wei / 10_u128.pow(12);
    format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

/// One word.
pub(super) const fn oracle(state: OracleState) -> &'static str {
    match state {
        OracleState::Fresh => "fresh",
        OracleState::Stale => "stale",
        OracleState::Divergent => "divergent",
        OracleState::Halted => "halted",
    }
}
