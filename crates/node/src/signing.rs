//! Signs what the engine orders of its spokes.
//!
//! - A block's orders in the batches that a chain takes (`message::cut`), each for each epoch that the spoke's vault may be in: from its final one up to
//!   the newest that was ordered. A vault takes those of its own epoch and refuses the others, whichever comes first.
//! - Signatures are deterministic: what is signed again is the same, byte for byte.
//! - What a restart has to hand out again is the engine's register of open orders, signed anew: a vault carries out each
//!   order once, in whatever batch it comes.

use ballast_engine::State;
use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::freeze::FreezeVote;
use ballast_spoke::message::{EncodeError, Freeze, Payload, cut};
use ballast_types::{ChainId, Order, Signer};
use ballast_units::Time;
use std::collections::BTreeMap;

/// The keys that this node has: of the present set, of those before it that a vault may still obey, and of sets to come.
#[derive(Debug)]
pub(crate) struct Keyring {
    first: Key,
    keys: BTreeMap<Signer, Key>,
}

impl Keyring {
    /// `None` where there is no key.
    pub(crate) fn new(keys: Vec<Key>) -> Option<Self> {
        let first = keys.first()?.clone();
        Some(Self { first, keys: keys.into_iter().map(|key| (key.signer(), key)).collect() })
    }

    /// The set of an epoch: as the house knows it, or, where its genesis named nobody, the first key alone.
    pub(crate) fn set(&self, state: &State, epoch: u32) -> Option<ValidatorSet> {
        let signers = match state.validators.find(epoch)?.as_slice() {
            [] => vec![self.first.signer()],
            named => named.to_vec(),
        };
        Some(ValidatorSet::new(epoch, signers).expect("the engine takes no other sets"))
    }

    /// Keys of a set, as many as a quorum has, or all that are here where they are fewer.
    pub(crate) fn of(&self, set: &ValidatorSet) -> Vec<Key> {
        self.all_of(set).take(set.quorum()).cloned().collect()
    }

    fn all_of(&self, set: &ValidatorSet) -> impl Iterator<Item = &Key> {
        set.signers().iter().filter_map(|signer| self.keys.get(signer))
    }
}

/// Signs a freeze of a chain's vault with every key of every set that it may obey; nothing where there is no such chain.
pub(crate) fn sign_freeze(state: &State, chain: ChainId, until: Time, keyring: &Keyring) -> Vec<FreezeVote> {
    if state.chains.find(chain).is_none() {
        return Vec::new();
    }
    let domain = state.domain(chain);
    let mut votes = Vec::new();
    for set in state.epochs(chain).filter_map(|epoch| keyring.set(state, epoch)) {
        let sign = |key: &Key| FreezeVote::sign(domain, set.epoch(), Freeze { until }, key);
        votes.extend(keyring.all_of(&set).map(sign));
    }
    votes
}

/// Signs orders: payloads by spoke, batch and epoch.
pub(crate) fn sign(
    state: &State,
    orders: impl IntoIterator<Item = Order>,
    keyring: &Keyring,
) -> Result<Vec<Payload>, EncodeError> {
    let mut payloads = Vec::new();
    for (chain, orders) in cut(orders) {
        let domain = state.domain(chain);
        for set in state.epochs(chain).filter_map(|epoch| keyring.set(state, epoch)) {
            let keys = keyring.of(&set);
            if !keys.is_empty() {
                payloads.push(Payload::sign(domain, chain, set.epoch(), orders.clone(), &keys)?);
            }
        }
    }
    Ok(payloads)
}

/// Signs the orders that no vault is known to have carried out yet, and that one still would.
pub(crate) fn sign_open(state: &State, keyring: &Keyring) -> Result<Vec<Payload>, EncodeError> {
    let open = state.orders.iter().filter(|(_, sent)| state.is_wanted(sent));
    sign(state, open.map(|(_, sent)| sent.order.clone()), keyring)
}
