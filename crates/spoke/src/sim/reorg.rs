//! Reorgs: the last blocks of a chain are dropped and made anew, with the same transactions in another order.
//!
//! - What a dropped block did is undone from its journal; nothing final is ever dropped.
//! - Its transactions go back to the mempool: most are included in the new branch at once, each at a place of its own,
//!   some later, some never. What a gateway brings is never lost: it comes again.

use super::{SimChain, Slot, Transaction};
use crate::faults::Draws;
use crate::{Receipt, Revert};
use ballast_units::Bps;

/// A reorg to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// How many blocks are dropped at most; final ones stay.
    pub depth: u64,
    /// Share of their transactions that is never included again.
    pub lost: Bps,
    /// Share of them that is included after the present head only.
    pub late: Bps,
    /// What the new order is drawn from.
    pub seed: u64,
}

/// What a reorg did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reorg {
    /// Blocks dropped, empty ones too.
    pub blocks: u64,
    /// Events dropped with them.
    pub events: u64,
    /// Transactions that were in them.
    pub transactions: u64,
    /// Of those, how many are never included again.
    pub lost: u64,
}

impl SimChain {
    /// Drops the last blocks and makes as many new ones at once.
    pub fn reorg(&mut self, fork: Fork) -> Reorg {
        let head = self.head_number();
        let last_final = head.saturating_sub(self.params.final_depth);
        let depth = fork.depth.min(head - last_final);
        if depth == 0 {
            return Reorg::default();
        }
        let parent = head - depth;
        let before = self.last_sequence();
        let mut dropped = Vec::new();
        while let Some(block) = self.blocks.pop_back_if(|block| parent < block.number) {
            self.vault.undo(block.journal);
            let time = self.clock.time(block.number);
            let gone = block.included.iter();
            self.receipts.extend(gone.map(|(tx, _)| Receipt { tx: *tx, time, result: Err(Revert::Reorged) }));
            dropped.extend(block.included);
        }
        let kept = self.last_sequence();
        if kept < self.telling.seen {
            self.telling.dropped = Some(self.telling.dropped.map_or(kept + 1, |first| first.min(kept + 1)));
            self.telling.seen = kept;
        }
        self.reorgs += 1;
        self.branches.split_off(&(parent + 1));
        self.branches.insert(parent + 1, self.reorgs);
        let mut draws = Draws::new(fork.seed, &self.reorgs.to_string());
        let mut done = Reorg {
            blocks: depth,
            events: before - kept,
            transactions: super::count(dropped.len()),
            lost: 0,
        };
        dropped.sort_by_key(|(tx, _)| *tx);
        for (tx, sent) in dropped {
            let carried = matches!(sent.transaction, Transaction::BridgeIn(_));
            if draws.chance(fork.lost) && !carried {
                done.lost += 1;
                continue;
            }
            let first = (parent + 1).max(self.clock.at(sent.at) + 1);
            let (low, high) = if draws.chance(fork.late) { (head + 1, head + depth) } else { (first, head) };
            let slot = Slot { block: draws.between(low, high), rank: draws.bits(), tx };
            self.mempool.insert(slot, sent);
        }
        self.run(parent, head);
        done
    }
}
