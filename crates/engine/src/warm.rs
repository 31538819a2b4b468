//! Memory fetched ahead. With a million accounts, waiting for memory is most of what a trade costs, and waits for many
//! lines at once take hardly longer than for one: what a group of commands or accounts will need is read before the
//! first of them has its turn. Nothing that happens depends on what is read here.

use crate::state::State;
use ballast_types::{AccountId, Command};

/// How many are fetched together.
pub(crate) const GROUP: usize = 32;

/// Reads words of these accounts' records, then of what hangs at them on the heap, whose place only the record tells.
pub(crate) fn records(state: &State, accounts: impl Iterator<Item = AccountId> + Clone) {
    let mut seen = 0_usize;
    let found = || accounts.clone().filter_map(|account| state.accounts.find(account));
    for record in found() {
        seen ^= record.positions.len() ^ record.claims.len() ^ record.loans.len();
        seen ^= record.balances.holdings().len() ^ usize::from(record.balances.cash().is_zero());
        seen ^= usize::from(record.task.is_some());
    }
    for record in found() {
        let positions = record.positions.iter().map(|position| position.market.0);
        let claims = record.claims.iter().map(|claim| claim.market.0);
        let loans = record.loans.iter().map(|loan| loan.chain.0);
        let holdings = record.balances.holdings().iter().map(|holding| holding.token.asset.0);
        seen ^=
            usize::from(positions.chain(claims).chain(loans).chain(holdings).fold(0, |seen, id| seen ^ id));
    }
    std::hint::black_box(seen);
}

/// Reads whether those who trade are members of their markets, which opening and closing write.
pub(crate) fn members(state: &State, commands: &[Command]) {
    let mut seen = false;
    for command in commands {
        if let Command::Trade { account, market, .. } | Command::ClosePosition { account, market, .. } =
            *command
        {
            seen ^= state.find_members(market).is_some_and(|members| members.contains(account));
        }
    }
    std::hint::black_box(seen);
}

/// The account that a frequent command names.
pub(crate) fn names(command: &Command) -> Option<AccountId> {
    if let Command::Trade { account, .. } | Command::ClosePosition { account, .. } = command {
        Some(*account)
    } else {
        None
    }
}
