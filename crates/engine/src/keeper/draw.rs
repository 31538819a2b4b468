//! The draw of keepers for a task (R21).
//!
//! - Weight: whole tokens of stake, up to a cap, times the weight of the grade: stake beyond the cap buys nothing.
//! - A draw takes nobody twice, neither an operator nor who owns the account that is paid, and no region twice while another
//!   one has somebody.
//! - Randomness: `word(i) = keccak("BALLAST-DRAW-1" || task (8) || draw (1) || seed (32) || i (4))`, its first 16 bytes;
//!   words above the last whole multiple of the weights' sum are passed over, so that no keeper gains by the remainder.
//! - The seed is of a block after the one that ordered: whoever proposed that one could not know it.

use ballast_types::digest::keccak;
use ballast_types::{Address, Hash, KeeperId, RegionId, TaskId};

/// Who may be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The keeper.
    pub keeper: KeeperId,
    /// Who runs it.
    pub operator: Address,
    /// Whose account is paid, whatever its subaccount.
    pub owner: Address,
    /// Where.
    pub region: RegionId,
    /// Its part of the sum is its chance.
    pub weight: u128,
}

/// Draws up to `count` of the candidates, in order. Fewer where hands run out.
#[must_use]
pub fn draw(seed: Hash, task: TaskId, draw: u8, candidates: &[Candidate], count: u8) -> Vec<KeeperId> {
    let mut words = Words { seed, task, draw, next: 0 };
    let mut chosen: Vec<Candidate> = Vec::new();
    for _ in 0..count {
        let Some(found) = pick(&mut words, candidates, &chosen) else { break };
        chosen.push(found);
    }
    chosen.iter().map(|chosen| chosen.keeper).collect()
}

/// One more: of another hand and region, else of another hand.
fn pick(words: &mut Words, candidates: &[Candidate], chosen: &[Candidate]) -> Option<Candidate> {
    let is_same =
        |one: &Candidate, taken: &Candidate| taken.operator == one.operator || taken.owner == one.owner;
    let other_hand = |one: &&Candidate| !chosen.iter().any(|taken| is_same(one, taken));
    let other_region = |one: &&Candidate| chosen.iter().all(|taken| taken.region != one.region);
    weighted(words, candidates.iter().filter(other_hand).filter(other_region))
        .or_else(|| weighted(words, candidates.iter().filter(other_hand)))
}

fn weighted<'a>(
    words: &mut Words,
    candidates: impl Iterator<Item = &'a Candidate> + Clone,
) -> Option<Candidate> {
    let total = candidates.clone().fold(0_u128, |sum, one| sum.saturating_add(one.weight));
    let mut left = words.below(total)?;
    for one in candidates {
        match left.checked_sub(one.weight) {
            Some(rest) => left = rest,
            None => return Some(*one),
        }
    }
    None
}

/// The words of a draw, one after the other.
struct Words {
    seed: Hash,
    task: TaskId,
    draw: u8,
    next: u32,
}

impl Words {
    /// A number below `total`, each with the same chance; `None` for zero.
    fn below(&mut self, total: u128) -> Option<u128> {
        // 2^128 mod total: so many words at the end belong to no whole multiple.
        let spare = u128::MAX.checked_rem(total)?.wrapping_add(1).checked_rem(total)?;
        loop {
            let word = self.word();
            if word <= u128::MAX.wrapping_sub(spare) {
                return word.checked_rem(total);
            }
        }
    }

    fn word(&mut self) -> u128 {
        let (task, number) = (self.task.0.to_be_bytes(), self.next.to_be_bytes());
        self.next = self.next.wrapping_add(1);
        let Hash(bytes) = keccak(&[b"BALLAST-DRAW-1", &task, &[self.draw], &self.seed.0, &number]);
        bytes.first_chunk::<16>().map_or(0, |half| u128::from_be_bytes(*half))
    }
}
