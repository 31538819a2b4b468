//! What applies a replay's blocks: the engine alone, or one whose blocks last before anybody hears of them.

use ballast_engine::{Engine, Outcome, State};
use ballast_types::Block;
use std::fmt::Debug;

/// The house, block by block.
pub trait Hub: Debug + Send {
    /// The house as it stands.
    fn state(&self) -> &State;

    /// The next block. After an error, which says why in words, there are no more.
    fn apply(&mut self, block: &Block, out: &mut Outcome) -> Result<(), String>;
}

impl Hub for Engine {
    fn state(&self) -> &State {
        Engine::state(self)
    }

    fn apply(&mut self, block: &Block, out: &mut Outcome) -> Result<(), String> {
        Engine::apply(self, block, out);
        Ok(())
    }
}
