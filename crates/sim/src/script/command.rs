//! From a line to a command of the engine.

use ballast_engine::State;
use ballast_types::{
    ChainId, Change, Command, Hash, KeeperId, Layer, RegionId, Scope, TaskId, TradeAmount, digest,
};

use super::genesis::overlay;
use super::line::{Contribute, Govern, LayerName, Line, RegisterKeeper, Report, Trade};
use super::names::{Names, address, signer};

/// The command that a line stands for; `None` for lines that are no command.
pub(crate) fn read(line: &Line, names: &mut Names, state: &State) -> Result<Option<Command>, String> {
    Ok(Some(match line {
        Line::Withdraw(line) => Command::RequestWithdrawal {
            account: names.account(&line.account),
            token: names.token(&line.asset, &line.chain)?,
            amount: line.amount.0,
        },
        Line::CancelWithdrawal(line) => Command::CancelWithdrawal {
            account: names.account(&line.account),
            token: names.token(&line.asset, &line.chain)?,
        },
        Line::WithdrawSuspense(line) => Command::WithdrawSuspense {
            account: names.account(&line.account),
            token: names.token(&line.asset, &line.chain)?,
        },
        Line::RefuseToken(line) => Command::RefuseToken {
            account: names.account(&line.account),
            token: names.token(&line.asset, &line.chain)?,
            refused: line.refused,
        },
        Line::Trade(line) => Command::Trade {
            account: names.account(&line.account),
            market: names.market(&line.market)?,
            side: line.side,
            amount: trade_amount(line)?,
            limit: line.limit.map(|limit| limit.0),
            reduce_only: line.reduce_only,
        },
        Line::Close(line) => Command::ClosePosition {
            account: names.account(&line.account),
            market: names.market(&line.market)?,
            limit: line.limit.map(|limit| limit.0),
        },
        Line::Lend(line) => Command::Lend {
            account: names.account(&line.account),
            chain: names.chain(&line.chain)?,
            amount: line.amount.0,
        },
        Line::Redeem(line) => Command::Redeem {
            account: names.account(&line.account),
            chain: names.chain(&line.chain)?,
            amount: line.amount.map(|amount| amount.0),
        },
        Line::Borrow(line) => Command::Borrow {
            account: names.account(&line.account),
            chain: names.chain(&line.chain)?,
            amount: line.amount.0,
        },
        Line::Repay(line) => Command::Repay {
            account: names.account(&line.account),
            chain: names.chain(&line.chain)?,
            amount: line.amount.map(|amount| amount.0),
        },
        Line::Contribute(line) => Command::Contribute {
            account: names.account(&line.account),
            layer: layer(line, names)?,
            amount: line.amount.0,
        },
        Line::Liquidate(line) => Command::LiquidateAccount { account: names.account(&line.account) },
        Line::RegisterKeeper(line) => register_keeper(line, names, state),
        Line::Stake(line) => {
            let (keeper, amount) = (KeeperId(line.keeper), line.amount.0);
            match line.back {
                false => Command::StakeKeeper { keeper, amount },
                true => Command::UnstakeKeeper { keeper, amount },
            }
        }
        Line::Heartbeat(line) => Command::Heartbeat { keeper: KeeperId(line.keeper) },
        Line::Commit(line) => {
            let Said { keeper, task, chain, result, block, salt } = said(line, names, state)?;
            let commit = digest::report_commit(result, block, keeper, salt);
            Command::CommitReport { keeper, task, chain, commit }
        }
        Line::Report(line) => {
            let Said { keeper, task, chain, result, block, salt } = said(line, names, state)?;
            Command::RevealReport { keeper, task, chain, result, block, salt }
        }
        Line::Govern(line) => Command::Govern(change(line, names, state)?),
        Line::SafeMode(_) => Command::EnterSafeMode,
        Line::Genesis(_)
        | Line::Advance(_)
        | Line::Price(_)
        | Line::Deposit(_)
        | Line::Finalize(_)
        | Line::Drop(_)
        | Line::Take(_)
        | Line::Expire(_)
        | Line::Show(_)
        | Line::Block(_) => return Ok(None),
    }))
}

fn register_keeper(line: &RegisterKeeper, names: &mut Names, state: &State) -> Command {
    let operator = line.operator.as_deref().unwrap_or(&line.account);
    Command::RegisterKeeper {
        account: names.account(&line.account),
        operator: address(operator),
        region: RegionId(line.region),
        cores: line.cores,
        memory: line.memory,
        signer: address(&format!("{} keeper {}", line.account, state.keepers.len())),
        stake: line.stake.0,
    }
}

/// What a keeper says of a task.
struct Said {
    keeper: KeeperId,
    task: TaskId,
    chain: ChainId,
    result: Hash,
    block: Hash,
    salt: Hash,
}

/// What the chain has told so far, or a lie about the same block.
fn said(line: &Report, names: &Names, state: &State) -> Result<Said, String> {
    let (task, chain) = (TaskId(line.task), names.chain(&line.chain)?);
    let jobs = state.rounds.find(task).map(|round| round.jobs.as_slice()).unwrap_or_default();
    let ended =
        jobs.iter().find(|job| job.chain == chain).map(|job| job.ended.as_slice()).unwrap_or_default();
    let results: Vec<Hash> = ended.iter().map(|ended| ended.result).collect();
    let truth = digest::task_report(task, chain, &results);
    Ok(Said {
        keeper: KeeperId(line.keeper),
        task,
        chain,
        result: line.lie.as_deref().map_or(truth, |word| Hash(address(word).0)),
        block: ended.last().map(|ended| ended.version).unwrap_or_default(),
        salt: Hash(address(&format!("salt of keeper {}", line.keeper)).0),
    })
}

fn trade_amount(line: &Trade) -> Result<TradeAmount, String> {
    match (line.quote, line.base) {
        (Some(quote), None) => Ok(TradeAmount::Quote(quote.0)),
        (None, Some(base)) => Ok(TradeAmount::Base(base.0)),
        (None, None) => Err("trade: expected one of `quote` and `base`, found neither".to_owned()),
        (Some(_), Some(_)) => Err("trade: expected one of `quote` and `base`, found both".to_owned()),
    }
}

fn layer(line: &Contribute, names: &Names) -> Result<Layer, String> {
    match (line.layer, &line.market, &line.chain) {
        (LayerName::Tranche, Some(market), None) => Ok(Layer::Tranche(Scope::Market(names.market(market)?))),
        (LayerName::Tranche, None, Some(chain)) => Ok(Layer::Tranche(Scope::Chain(names.chain(chain)?))),
        (LayerName::Budget, Some(market), None) => Ok(Layer::Budget(names.market(market)?)),
        (LayerName::Float, None, None) => Ok(Layer::Float),
        (LayerName::Tranche, _, _) => {
            Err("contribute: a tranche needs one of `market` and `chain`".to_owned())
        }
        (LayerName::Budget, _, _) => Err("contribute: a budget needs `market` alone".to_owned()),
        (LayerName::Float, _, _) => Err("contribute: the float has neither `market` nor `chain`".to_owned()),
    }
}

fn change(line: &Govern, names: &Names, state: &State) -> Result<Change, String> {
    Ok(match line {
        Govern::Depth(line) => Change::Depth { market: names.market(&line.market)?, factor: line.factor },
        Govern::Market(line) => {
            let market = names.market(&line.market)?;
            let params =
                overlay(&state.markets.get(market).params, &line.params, "govern.market", &["market"])?;
            Change::Market { market, params: Box::new(params) }
        }
        Govern::Token(line) => {
            let token = names.token(&line.asset, &line.chain)?;
            let now = state.token(token).map(|record| record.params).unwrap_or_default();
            Change::Token { token, params: overlay(&now, &line.params, "govern.token", &["asset", "chain"])? }
        }
        Govern::Keepers(params) => {
            let params = overlay(&state.house.keepers.params, params, "govern.keepers", &[])?;
            Change::Keepers { params: Box::new(params) }
        }
        Govern::Liquidation(params) => {
            let params = overlay(&state.house.liquidation, params, "govern.liquidation", &[])?;
            Change::Liquidation { params: Box::new(params) }
        }
        Govern::Resolve(line) => Change::Resolve { task: TaskId(line.task) },
        Govern::OpenPath(line) => {
            Change::OpenPath { from: names.chain(&line.from)?, to: names.chain(&line.to)? }
        }
        Govern::List(line) => {
            Change::List { token: names.token(&line.asset, &line.chain)?, listing: line.listing }
        }
        Govern::WindDown(line) => {
            Change::WindDown { market: names.market(&line.market)?, leaves: line.leaves }
        }
        Govern::Migrate(line) => {
            let (chain, to) = (names.chain(&line.chain)?, address(&line.to));
            let domain = digest::domain(digest::ChainKind::InProcess, u64::from(chain.0), to);
            Change::Migrate { chain, to, domain }
        }
        Govern::Verdict(line) => Change::Verdict { keeper: KeeperId(line.keeper), upheld: line.upheld },
        Govern::Rotate(line) => {
            Change::Rotate { signers: line.signers.iter().map(|name| signer(name)).collect() }
        }
        Govern::Unfreeze(line) => Change::Unfreeze { chain: names.chain(&line.chain)? },
        Govern::WriteDown(line) => {
            Change::WriteDown { token: names.token(&line.asset, &line.chain)?, worth: line.worth }
        }
    })
}
