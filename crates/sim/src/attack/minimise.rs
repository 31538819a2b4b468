//! A find made short: every line is left out without which the gain stays.

use super::gain::{Score, Verdict};
use super::genome::Genome;
use super::world::World;
use crate::script::Line;
use ballast_units::{Ratio, Usd};

/// Share of the gain that has to stay.
const STAYS: Ratio = Ratio::percent(90);

/// Leaves out lines, the last first, until none can be left out any more; then lines of blocks.
pub(crate) fn minimise(world: &World, genome: &Genome, score: &Score) -> (Genome, Score) {
    let least = score.gain.mul_ratio_down(STAYS).expect("less than it was");
    let (mut best, mut found) = (genome.clone(), score.clone());
    loop {
        let mut shorter = false;
        for place in (0..best.0.len()).rev() {
            for lines in without(&best.0, place) {
                if let Some(score) = still_gains(world, &lines, least) {
                    (best, found) = (lines, score);
                    shorter = true;
                    break;
                }
            }
        }
        if !shorter {
            return (best, found);
        }
    }
}

/// The script without a line, or without one of the lines of its block.
fn without(lines: &[Line], place: usize) -> Vec<Genome> {
    let mut whole = lines.to_vec();
    let Some(line) = lines.get(place) else { return Vec::new() };
    whole.remove(place);
    let mut shorter = vec![Genome(whole)];
    if let Line::Block(parts) = line {
        for left_out in 0..parts.len() {
            let mut kept = parts.clone();
            kept.remove(left_out);
            let mut lines = lines.to_vec();
            lines[place] = if kept.len() == 1 { kept.remove(0) } else { Line::Block(kept) };
            shorter.push(Genome(lines));
        }
    }
    shorter
}

fn still_gains(world: &World, genome: &Genome, least: Usd) -> Option<Score> {
    match world.settled(genome) {
        Verdict::Scored(score) if least <= score.gain => Some(score),
        _ => None,
    }
}
