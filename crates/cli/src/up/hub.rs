//! The hub of a run: a node with its log on the disk. Everybody signs what they ask it for.

use super::attestors::Told;
use super::collector::Collector;
use super::wallets::Wallets;
use ballast_engine::{Outcome, State};
use ballast_node::auth::{self, Message, OwnerSignature, Permit};
use ballast_node::{Node, Options, Setup};
use ballast_sim::replay::{Hub, ReplayError};
use ballast_spoke::certificate::Key;
use ballast_spoke::freeze::FreezeVote;
use ballast_spoke::message::Payload;
use ballast_types::{Block, ChainId, Command, Genesis};
use ballast_units::{Millis, Time};
use std::path::Path;
use std::sync::mpsc::Sender;

/// What is signed is worth something for this long.
const WORTH: Millis = Millis::minutes(1);

/// A node, and the wallets of whoever asks it for something.
#[derive(Debug)]
pub(super) struct NodeHub {
    node: Node,
    wallets: Wallets,
    /// The last one signed with, by anybody.
    nonce: u64,
    payloads: Vec<Payload>,
    collector: Collector,
    /// To the members of the attestation chain.
    tell: Sender<Option<Told>>,
}

impl NodeHub {
    /// A new house on a folder without one. `keys` are the lone validator's, of now and of after a rotation.
    pub(super) fn new(
        folder: &Path,
        genesis: &Genesis,
        keys: Vec<Key>,
        wallets: Wallets,
        tell: Sender<Option<Told>>,
    ) -> Result<Self, ReplayError> {
        let setup = Setup { genesis: genesis.clone(), keys, options: Options::default() };
        let node = Node::open(folder, setup).map_err(|error| ReplayError::Start(error.to_string()))?;
        Ok(Self { node, wallets, nonce: 0, payloads: Vec::new(), collector: Collector::default(), tell })
    }

    /// Hands in a command as whoever asks for it does.
    fn submit(&mut self, command: Command, now: Time) -> Result<(), String> {
        let party = auth::party(self.node.memory(), auth::asker(&command));
        let permit = match party.map_err(|error| error.to_string())? {
            None => None,
            Some(party) => {
                let key = self.wallets.key(party.address);
                let key = key.ok_or_else(|| format!("nobody has the key of {}", party.address))?;
                let (nonce, expires) = (self.nonce + 1, now.after(WORTH));
                let message = Message::of(&command, nonce, expires).ok_or("a command that nobody signs")?;
                let bytes = key.sign(message.ethereum_digest(self.node.hub())).encode();
                self.nonce = nonce;
                Some(Permit { nonce, expires, signature: OwnerSignature::Ethereum(bytes) })
            }
        };
        self.node.submit(command, permit).map(drop).map_err(|error| error.to_string())
    }
}

impl Hub for NodeHub {
    fn state(&self) -> &State {
        self.node.memory()
    }

    fn apply(&mut self, block: &mut Block, out: &mut Outcome) -> Result<(), String> {
        let Block { time, observations, prices, depths, costs, commands, .. } = std::mem::take(block);
        self.node.observe(observations);
        self.node.prices(prices);
        self.node.depths(depths);
        self.node.costs(costs);
        for command in commands {
            match auth::asker(&command) {
                auth::Asker::House => self.node.enact(command),
                _ => self.submit(command, time)?,
            }
        }
        for command in self.collector.act(self.node.memory()) {
            self.node.enact(command);
        }
        let produced = self.node.step(time, self.node.block_hash()).map_err(|error| error.to_string())?;
        for notice in self.node.take_notices() {
            eprintln!("{notice}");
        }
        *block = produced.record.block;
        *out = produced.outcome;
        self.payloads = produced.payloads;
        self.collector.learn(out);
        // Members that have ended say so at the end of the run.
        let _ = self.tell.send(Some(Told::of(out, self.node.memory())));
        Ok(())
    }

    fn take_payloads(&mut self) -> Option<Vec<Payload>> {
        Some(std::mem::take(&mut self.payloads))
    }

    fn sign_freeze(&self, chain: ChainId, until: Time) -> Option<Vec<FreezeVote>> {
        Some(self.node.sign_freeze(chain, until))
    }
}
