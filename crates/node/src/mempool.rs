//! The mempool: commands that wait for a block, in the order in which they came.
//!
//! - Bounded: as a whole, by account, and for commands that nobody signs, which cost their sender nothing. What does
//!   not fit is refused with the figure; nothing that waits is thrown out for it.
//! - Lost in a restart: what is not in a block was never taken, and its nonce is not used up.

use crate::auth::{self, Approval, AuthError, Nonces, Permit};
use ballast_types::{AccountId, Command};
use ballast_units::Time;
use std::collections::{BTreeMap, VecDeque};

/// How many commands may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolLimits {
    /// All together.
    pub all: usize,
    /// Of one account.
    pub account: usize,
    /// Of those that nobody signs.
    pub unsigned: usize,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self { all: 100_000, account: 1_000, unsigned: 10_000 }
    }
}

/// A command's place among all that a node took since it was started, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Why a command was not taken. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Whoever sent it may not, or did not sign it as he should.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Too many wait.
    #[error("the mempool is full: {limit} commands wait; send it again after the next block")]
    Full {
        /// As many as may.
        limit: usize,
    },
    /// Too many of the account's wait.
    #[error("{limit} commands of account {account} wait already; send it again after the next block")]
    AccountFull {
        /// Whose.
        account: AccountId,
        /// As many as may.
        limit: usize,
    },
    /// Too many without signature wait.
    #[error("{limit} commands without signature wait already; send it again after the next block")]
    UnsignedFull {
        /// As many as may.
        limit: usize,
    },
    /// The node stopped.
    #[error("the node stopped when a block could not be written; it takes nothing until it is started again")]
    Stopped,
}

/// What a block takes out of the mempool.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) commands: Vec<Command>,
    pub(crate) approvals: Vec<Approval>,
    /// Number of the command in the block, and its ticket.
    pub(crate) tickets: Vec<(u32, Ticket)>,
    pub(crate) expired: Vec<Ticket>,
}

#[derive(Debug)]
pub(crate) struct Mempool {
    limits: MempoolLimits,
    waiting: VecDeque<Waiting>,
    owners: BTreeMap<AccountId, Queue>,
    unsigned: usize,
    last: Ticket,
}

#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    command: Command,
    permit: Option<(AccountId, Permit)>,
}

/// What waits of one account.
#[derive(Debug)]
struct Queue {
    count: usize,
    nonce: u64,
}

impl Mempool {
    pub(crate) fn new(limits: MempoolLimits) -> Self {
        let (waiting, owners) = (VecDeque::new(), BTreeMap::new());
        Self { limits, waiting, owners, unsigned: 0, last: Ticket(0) }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether an owner's command has room, and a nonce above all that wait.
    pub(crate) fn check_owner(
        &self,
        account: AccountId,
        permit: &Permit,
        used: &Nonces,
    ) -> Result<(), SubmitError> {
        self.check_room()?;
        used.check(account, permit.nonce)?;
        let Some(queue) = self.owners.get(&account) else { return Ok(()) };
        if self.limits.account <= queue.count {
            return Err(SubmitError::AccountFull { account, limit: self.limits.account });
        }
        if permit.nonce <= queue.nonce {
            let (nonce, last) = (permit.nonce, queue.nonce);
            return Err(AuthError::NonceUsed { account, nonce, last }.into());
        }
        Ok(())
    }

    /// Whether a command that nobody signs has room.
    pub(crate) fn check_unsigned(&self) -> Result<(), SubmitError> {
        self.check_room()?;
        let limit = self.limits.unsigned;
        if limit <= self.unsigned { Err(SubmitError::UnsignedFull { limit }) } else { Ok(()) }
    }

    fn check_room(&self) -> Result<(), SubmitError> {
        let limit = self.limits.all;
        if limit <= self.waiting.len() { Err(SubmitError::Full { limit }) } else { Ok(()) }
    }

    /// Takes a command that was checked.
    pub(crate) fn push(&mut self, command: Command, permit: Option<(AccountId, Permit)>) -> Ticket {
        match permit {
            Some((account, Permit { nonce, .. })) => {
                let queue = self.owners.entry(account).or_insert(Queue { count: 0, nonce });
                queue.count += 1;
                queue.nonce = nonce;
            }
            None => self.unsigned += 1,
        }
        self.last.0 += 1;
        self.waiting.push_back(Waiting { ticket: self.last, command, permit });
        self.last
    }

    /// Fills a block of this time up to `limit` commands; what has expired is dropped.
    pub(crate) fn take(&mut self, now: Time, limit: usize, taken: &mut Taken) {
        while taken.commands.len() < limit {
            let Some(Waiting { ticket, command, permit }) = self.waiting.pop_front() else { break };
            let number = u32::try_from(taken.commands.len()).expect("a block's limit is far below 2^32");
            match permit {
                None => self.unsigned -= 1,
                Some((account, permit)) => {
                    self.forget(account);
                    if auth::in_time(&permit, now).is_err() {
                        taken.expired.push(ticket);
                        continue;
                    }
                    taken.approvals.push(Approval { command: number, permit });
                }
            }
            taken.tickets.push((number, ticket));
            taken.commands.push(command);
        }
    }

    fn forget(&mut self, account: AccountId) {
        let queue = self.owners.get_mut(&account).expect("what waits is counted");
        queue.count -= 1;
        if queue.count == 0 {
            self.owners.remove(&account);
        }
    }
}
