//! Who may ask for what: users sign each command, and no signature counts twice.
//!
//! - An owner whose address has 20 bytes (12 zeros before it) signs EIP-712 with secp256k1; any other address is an
//!   ed25519 key, whose owner signs the same message as text, as Solana wallets show it.
//! - Each signature carries a nonce, above every one that its signer used for the account before, and a time after which it is worth
//!   nothing. A nonce is used up by being in a block, also where the engine refuses the command.
//! - The hub's id is in what is signed: nothing signed for another hub counts.
//! - Approvals go into the log's record beside the block: the engine takes commands as verified, and a verifier checks
//!   them again, against the state before the block ([`check_record`]). Nonces come from there alone: a restart reads
//!   them from snapshot and log.
//! - Absent: wallets that are contracts (ERC-1271). What a contract answers is another chain's state.

mod message;

pub use message::Message;

use crate::log::Record;
use ballast_engine::State;
use ballast_spoke::certificate::{Signature, SignatureFault};
use ballast_types::{AccountId, Address, Command, Hash, KeeperId, Signer};
use ballast_units::Time;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;

/// An owner's signature under a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Approval {
    /// Number of the command in its block, from 0.
    pub command: u32,
    /// The signature, and what was signed besides the command.
    pub permit: Permit,
}

/// What an owner sends with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Permit {
    /// Above every nonce that the signer used for the account before; milliseconds since 1970 will do.
    pub nonce: u64,
    /// A block at or after this does not take the command.
    pub expires: Time,
    /// Over the [`Message`] of all this.
    pub signature: OwnerSignature,
}

/// By the kind of wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum OwnerSignature {
    /// secp256k1 over the EIP-712 digest: `r (32) || s (32) || v (1)`, `v` 27 or 28.
    Ethereum([u8; 65]),
    /// ed25519 over the text.
    Solana([u8; 64]),
}

/// Who has to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The account's owner, by signature.
    Owner(AccountId),
    /// The owner of the account that a keeper belongs to: its stake moves.
    KeeperOwner(KeeperId),
    /// A keeper, with its own key.
    Keeper(KeeperId),
    /// Anybody: it moves nothing of anybody's.
    Anybody,
    /// The house: the node itself, or governance once it has decided.
    House,
}

/// Who signs. Each has nonces of its own: a keeper's key, which lies on a machine, must not be able to use up those of
/// the owner's wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Party {
    /// For which account.
    pub account: AccountId,
    /// The owner's, or the keeper's.
    pub address: Address,
}

/// Why a command is not taken from whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No such keeper.
    #[error("there is no keeper {keeper}; register it first")]
    UnknownKeeper {
        /// As named.
        keeper: KeeperId,
    },
    /// Users cannot ask for it.
    #[error("only the house gives this command")]
    HouseOnly,
    /// The owner must sign.
    #[error("this command needs the signature of account {account}'s owner")]
    SignatureMissing {
        /// Whose.
        account: AccountId,
    },
    /// Nobody has to sign.
    #[error("anybody may give this command; it takes no signature")]
    SignatureNeedless,
    /// Not there yet.
    #[error("account {account} does not exist; deposit to its owner, or open it first")]
    UnknownAccount {
        /// Which.
        account: AccountId,
    },
    /// Too late.
    #[error("signed to be worth nothing from {expires} on, it is {now}; sign again")]
    Expired {
        /// As signed.
        expires: Time,
        /// Of the last block, or of the one that was to take it.
        now: Time,
    },
    /// A signature counts once.
    #[error(
        "nonce {nonce} of account {account} is not above {last}, the last one used; sign again with a higher one"
    )]
    NonceUsed {
        /// Whose.
        account: AccountId,
        /// As signed.
        nonce: u64,
        /// The highest one so far.
        last: u64,
    },
    /// The other kind of wallet.
    #[error("account {account} belongs to {owner}, {}", if *.ethereum {
        "an Ethereum address, which signs EIP-712; this is an ed25519 signature"
    } else {
        "an ed25519 key, which signs the text; this is a secp256k1 signature"
    })]
    WrongScheme {
        /// Whose.
        account: AccountId,
        /// Its owner.
        owner: Address,
        /// The owner's address has 20 bytes.
        ethereum: bool,
    },
    /// Not 27 or 28.
    #[error("the signature's v is {v}, expected 27 or 28")]
    BadV {
        /// As sent.
        v: u8,
    },
    /// The upper half.
    #[error("the signature's s is in the upper half; wallets give the lower one")]
    HighS,
    /// No key signs so.
    #[error("this is no signature: no key signs so")]
    NoSignature,
    /// Signed by somebody else, or something else.
    #[error(
        "account {account} belongs to {owner}, this was signed by {signer}: by another wallet, or over another \
         message (hub, command, nonce and time are signed)"
    )]
    WrongSigner {
        /// Whose.
        account: AccountId,
        /// Its owner.
        owner: Address,
        /// Whose signature it would be.
        signer: Signer,
    },
    /// Not the owner's, or not over this.
    #[error(
        "this is no signature of {owner}, the owner of account {account}, over this message (hub, command, nonce and \
         time are signed)"
    )]
    WrongText {
        /// Whose.
        account: AccountId,
        /// Its owner.
        owner: Address,
    },
}

/// Who has to ask for a command.
#[must_use]
pub fn asker(command: &Command) -> Asker {
    match *command {
        Command::RegisterAddress { account, .. }
        | Command::Trade { account, .. }
        | Command::ClosePosition { account, .. }
        | Command::RequestWithdrawal { account, .. }
        | Command::WithdrawSuspense { account, .. }
        | Command::CancelWithdrawal { account, .. }
        | Command::RefuseToken { account, .. }
        | Command::Lend { account, .. }
        | Command::Redeem { account, .. }
        | Command::Borrow { account, .. }
        | Command::Repay { account, .. }
        | Command::Contribute { account, .. }
        | Command::RegisterKeeper { account, .. } => Asker::Owner(account),
        Command::StakeKeeper { keeper, .. } | Command::UnstakeKeeper { keeper, .. } => {
            Asker::KeeperOwner(keeper)
        }
        Command::Heartbeat { keeper }
        | Command::CommitReport { keeper, .. }
        | Command::RevealReport { keeper, .. } => Asker::Keeper(keeper),
        Command::LiquidateAccount { .. } => Asker::Anybody,
        // An account comes with its first deposit; the house alone opens one without.
        Command::OpenAccount { .. } | Command::Govern(_) | Command::EnterSafeMode => Asker::House,
    }
}

/// Who has to sign a command; `None` where nobody has.
pub fn party(state: &State, asker: Asker) -> Result<Option<Party>, AuthError> {
    let owner = |account| {
        let record = state.accounts.find(account).ok_or(AuthError::UnknownAccount { account })?;
        Ok(Some(Party { account, address: record.owner.address }))
    };
    let find = |keeper| state.keepers.find(keeper).ok_or(AuthError::UnknownKeeper { keeper });
    match asker {
        Asker::Owner(account) => owner(account),
        Asker::KeeperOwner(keeper) => owner(find(keeper)?.account),
        Asker::Keeper(keeper) => {
            let record = find(keeper)?;
            Ok(Some(Party { account: record.account, address: record.signer }))
        }
        Asker::Anybody | Asker::House => Ok(None),
    }
}

/// Checks that a party signed a command. Nonce and time are the caller's matter.
pub fn check_signature(hub: Hash, party: Party, command: &Command, permit: &Permit) -> Result<(), AuthError> {
    let Party { account, address: owner } = party;
    let message = Message::of(command, permit.nonce, permit.expires).ok_or(AuthError::SignatureNeedless)?;
    match (permit.signature, ethereum(owner)) {
        (OwnerSignature::Ethereum(bytes), Some(want)) => {
            let signer = recover(message.ethereum_digest(hub), &bytes)?;
            if signer == want { Ok(()) } else { Err(AuthError::WrongSigner { account, owner, signer }) }
        }
        (OwnerSignature::Solana(bytes), None) => verify_ed25519(owner, message.text(hub).as_bytes(), &bytes)
            .ok_or(AuthError::WrongText { account, owner }),
        (OwnerSignature::Ethereum(_), None) => {
            Err(AuthError::WrongScheme { account, owner, ethereum: false })
        }
        (OwnerSignature::Solana(_), Some(_)) => {
            Err(AuthError::WrongScheme { account, owner, ethereum: true })
        }
    }
}

/// The Ethereum address that an owner's is, if it is one.
fn ethereum(owner: Address) -> Option<Signer> {
    let (zeros, address) = owner.0.split_at(12);
    (zeros == [0; 12]).then(|| Signer(address.try_into().expect("32 less 12 bytes")))
}

fn recover(digest: Hash, bytes: &[u8; 65]) -> Result<Signer, AuthError> {
    let (r, rest) = bytes.split_first_chunk().expect("65 bytes");
    let (s, v) = rest.split_first_chunk().expect("33 bytes");
    let signature = Signature { r: *r, s: *s, v: v[0] };
    signature.recover(digest).map_err(|fault| match fault {
        SignatureFault::BadV(v) => AuthError::BadV { v },
        SignatureFault::HighS => AuthError::HighS,
        SignatureFault::NoSignature => AuthError::NoSignature,
    })
}

fn verify_ed25519(owner: Address, text: &[u8], signature: &[u8; 64]) -> Option<()> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(&owner.0).ok()?;
    // Strict: keys of small order, under which one signature fits many texts, are refused.
    key.verify_strict(text, &ed25519_dalek::Signature::from_bytes(signature)).ok()
}

/// The highest nonce that each signer used.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Nonces {
    used: BTreeMap<Party, u64>,
}

impl Nonces {
    /// The highest that a signer used; none before its first.
    #[must_use]
    pub fn last(&self, party: Party) -> Option<u64> {
        self.used.get(&party).copied()
    }

    /// Whether a nonce is above every one that the signer used.
    pub fn check(&self, party: Party, nonce: u64) -> Result<(), AuthError> {
        match self.last(party) {
            Some(last) if nonce <= last => Err(AuthError::NonceUsed { account: party.account, nonce, last }),
            _ => Ok(()),
        }
    }

    /// Uses a nonce up.
    pub fn take(&mut self, party: Party, nonce: u64) -> Result<(), AuthError> {
        self.check(party, nonce)?;
        self.used.insert(party, nonce);
        Ok(())
    }

    /// Uses up what a record's approvals carry; whoever wrote the record has checked them.
    pub(crate) fn take_all(&mut self, state: &State, record: &Record) {
        for Approval { command, permit } in &record.approvals {
            let command = usize::try_from(*command).ok().and_then(|number| record.block.commands.get(number));
            if let Some(Ok(Some(party))) = command.map(|command| party(state, asker(command))) {
                self.used.insert(party, permit.nonce);
            }
        }
    }
}

/// A command of a record that nobody entitled asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("command {command}: {fault}")]
pub struct RecordFault {
    /// Its number in the block, from 0.
    pub command: u32,
    /// What is wrong.
    pub fault: AuthError,
}

/// Checks every signature of a record against the state before its block, uses up the nonces, and gives how many there
/// were. What only the house may ask for is the validators' word: their quorum stands behind the block.
pub fn check_record(
    state: &State,
    hub: Hash,
    record: &Record,
    nonces: &mut Nonces,
) -> Result<u64, RecordFault> {
    let mut approvals = record.approvals.iter().peekable();
    let mut checked = 0;
    for (number, command) in (0..).zip(&record.block.commands) {
        let permit = approvals.next_if(|approval| approval.command == number).map(|found| &found.permit);
        let done = party(state, asker(command)).and_then(|party| match (party, permit) {
            (Some(party), Some(permit)) => {
                checked += 1;
                in_time(permit, record.block.time)
                    .and_then(|()| check_signature(hub, party, command, permit))
                    .and_then(|()| nonces.take(party, permit.nonce))
            }
            (Some(Party { account, .. }), None) => Err(AuthError::SignatureMissing { account }),
            (None, Some(_)) => Err(AuthError::SignatureNeedless),
            (None, None) => Ok(()),
        });
        done.map_err(|fault| RecordFault { command: number, fault })?;
    }
    match approvals.next() {
        Some(left) => Err(RecordFault { command: left.command, fault: AuthError::SignatureNeedless }),
        None => Ok(checked),
    }
}

/// Whether a command may be in a block of this time.
pub(crate) fn in_time(permit: &Permit, now: Time) -> Result<(), AuthError> {
    let expires = permit.expires;
    if now < expires { Ok(()) } else { Err(AuthError::Expired { expires, now }) }
}
