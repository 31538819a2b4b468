//! What applies a replay's blocks: the engine alone, or a node, whose blocks last before anybody hears of them.

use ballast_engine::{Engine, Outcome, State};
use ballast_spoke::freeze::FreezeVote;
use ballast_spoke::message::Payload;
use ballast_types::{Block, ChainId};
use ballast_units::Time;
use std::fmt::Debug;

/// The house, block by block.
pub trait Hub: Debug + Send {
    /// The house as it stands.
    fn state(&self) -> &State;

    /// The next block, which becomes what was made of it. After an error, which says why in words, there are no more.
    fn apply(&mut self, block: &mut Block, out: &mut Outcome) -> Result<(), String>;

    /// The last block's orders, signed: a payload for each spoke and each epoch that its vault may be in; `None` of a hub
    /// that signs nothing.
    fn take_payloads(&mut self) -> Option<Vec<Payload>>;

    /// Signatures under a freeze of a chain's vault until then; `None` of a hub that signs nothing.
    fn sign_freeze(&self, chain: ChainId, until: Time) -> Option<Vec<FreezeVote>>;
}

impl Hub for Engine {
    fn state(&self) -> &State {
        Engine::state(self)
    }

    fn apply(&mut self, block: &mut Block, out: &mut Outcome) -> Result<(), String> {
        Engine::apply(self, block, out);
        Ok(())
    }

    fn take_payloads(&mut self) -> Option<Vec<Payload>> {
        None
    }

    fn sign_freeze(&self, _: ChainId, _: Time) -> Option<Vec<FreezeVote>> {
        None
    }
}
