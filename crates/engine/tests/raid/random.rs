//! Random raids: three accounts of one attacker on two markets and in a lending pool, over flat, drifting and jumping
//! prices.

use super::{ETH, Figures, Raid, by_bps};
use crate::support::whole;
use ballast_types::{Side, TradeAmount};
use ballast_units::{Amount, Price};

const HANDS: [&str; 3] = ["ann", "bea", "cid"];

/// xorshift64: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn of_seed(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        // The first numbers of neighbouring seeds are alike.
        for _ in 0..5 {
            dice.below(2);
        }
        dice
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Between minus and plus `wide`.
    fn about_zero(&mut self, wide: u64) -> i64 {
        self.below(2 * wide + 1) as i64 - wide as i64
    }
}

/// The raid of a seed.
pub(crate) fn raid(base: &Raid, seed: u64) -> Figures {
    let mut dice = Dice::of_seed(seed);
    let mut raid = base.clone();
    for hand in HANDS {
        raid.brings(hand, whole(dice.of(&[20_000, 100_000, 500_000, 2_000_000])));
    }
    raid.begin();
    // Basis points of index a block, evenly; and a jump every minute or two.
    let (wide, jump) = (dice.of(&[0, 5, 20, 50]), dice.of(&[0, 300, 600]));
    let (mut eth, mut sol, mut drift) = (ETH, Price::whole(100), 0);
    let steps = 30 + dice.below(120);
    for _ in 0..steps {
        if dice.below(20) == 0 {
            drift = dice.about_zero(wide);
        }
        let leap = if dice.below(60) == 0 { dice.of(&[-jump, jump]) } else { 0 };
        let bps = drift + dice.about_zero(wide) + leap;
        eth = by_bps(eth, bps);
        // The two go together one time in three.
        let apart = dice.about_zero(wide);
        sol = by_bps(sol, if dice.below(3) == 0 { bps } else { apart });
        raid.house.quote("SOL", sol);
        raid.tick(eth);
        match dice.below(12) {
            0 => raid.wait(30),
            1 => raid.wait_hours(1 + dice.below(3)),
            _ => {}
        }
        for _ in 0..dice.below(4) {
            act(&mut raid, &mut dice, eth);
        }
    }
    raid.wind_down();
    raid.figures(format!("seed {seed}, {wide} bp a block, jumps of {jump} bp, {steps} steps"))
}

/// One command of one hand, whether it is accepted or not.
fn act(raid: &mut Raid, dice: &mut Dice, index: Price) {
    let hand = dice.of(&HANDS);
    let cash = raid.house.view(hand).cash;
    let levered = Amount::from_wei(cash.wei() * dice.of(&[1, 3, 6, 9]));
    let side = dice.of(&[Side::Long, Side::Short]);
    match dice.below(13) {
        0..=2 => {
            raid.most(hand, side, levered);
        }
        3..=5 => {
            let edge = dice.of(&[-240, 0, 240]);
            let _ = raid.push(hand, by_bps(index, edge));
        }
        6..=7 => {
            let _ = raid.house.close(hand, "ETH");
        }
        8 => raid.cash_out(hand),
        9 => {
            let _ = raid.house.trade(hand, "SOL", side, TradeAmount::Quote(levered));
        }
        10 => {
            let _ = raid.house.close(hand, "SOL");
        }
        11 => {
            let _ = raid.house.lend(hand, "ethereum", Amount::from_wei(cash.wei() / 2));
        }
        _ => {
            let _ = raid.house.redeem(hand, "ethereum", None);
        }
    }
}
