//! Chance: everything random in a simulation comes from one seed, in independent named streams.
//!
//! - A stream is keyed by (seed, name, index): a new stream, or a longer one, never shifts another.
//! - Integers only: the same seed draws the same numbers on every machine.
//! - Fixed point: "Q32" is a signed number in units of 2^-32.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// One in Q32.
pub const Q32_ONE: i64 = 1 << 32;

/// Separates these keys from every other use of BLAKE3. Changing it changes every simulation.
const CONTEXT: &str = "ballast-sim stream v1";

/// The number a whole simulation follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed(u64);

impl Seed {
    /// The seed with this number.
    pub fn new(number: u64) -> Seed {
        Seed(number)
    }

    /// The number it was made from.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The stream called `name`: the same draws each time it is asked for.
    pub fn stream(self, name: &str) -> Stream {
        self.stream_at(name, 0)
    }

    /// The stream `index` among those called `name`: one an account, an asset, an actor.
    pub fn stream_at(self, name: &str, index: u64) -> Stream {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&self.0.to_le_bytes());
        hasher.update(&index.to_le_bytes());
        hasher.update(name.as_bytes());
        Stream(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }
}

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Uniform over all 64-bit numbers.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..bound`, without bias. `bound` must not be zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(0 < bound, "a draw below zero");
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let bits = self.bits();
            if bits < limit {
                return bits % bound;
            }
        }
    }

    /// Uniform in `low..=high`. `low` must not be above `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "a draw between {low} and {high}");
        match (high - low).checked_add(1) {
            Some(width) => low + self.below(width),
            None => self.bits(),
        }
    }

    /// True in `bps` of 10,000 cases.
    pub fn chance(&mut self, bps: u64) -> bool {
        self.below(10_000) < bps
    }

    /// Standard normal in Q32, cut at 6: the sum of twelve uniform draws (Irwin-Hall), whose variance is
    /// one. Mean exactly zero.
    pub fn normal(&mut self) -> i64 {
        // Twelve draws of 0..=2^32-1 have the mean 6 * (2^32 - 1).
        let sum: i64 = (0..12).map(|_| i64::from(self.0.next_u32())).sum();
        sum - 6 * (Q32_ONE - 1)
    }

    /// Lognormal around `median`: one standard deviation multiplies by `2^(octaves_percent / 100)`, so 100
    /// doubles. Rounded down, saturating; in whatever unit `median` has.
    pub fn lognormal(&mut self, median: u64, octaves_percent: u32) -> u64 {
        scale_exp2(median, self.normal() * i64::from(octaves_percent) / 100)
    }

    /// Pareto from `least` up, tail index `alpha_percent / 100`: 116 gives a fifth of the draws four fifths
    /// of the sum. Rounded down, saturating; in whatever unit `least` has. `alpha_percent` must not be zero.
    pub fn pareto(&mut self, least: u64, alpha_percent: u32) -> u64 {
        assert!(0 < alpha_percent, "a Pareto draw without a tail index");
        // least * u^(-1 / alpha), with u uniform in (0, 1): log2(1 / u) = 64 - log2(bits).
        let octaves = 64 * Q32_ONE - log2(self.bits().max(1));
        let octaves = i128::from(octaves) * 100 / i128::from(alpha_percent);
        scale_exp2(least, i64::try_from(octaves).unwrap_or(i64::MAX))
    }

    /// One of `items`, each as likely. `items` must not be empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// Puts `items` in random order, every order as likely (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }

    /// Uniform in `0..len`.
    fn index(&mut self, len: usize) -> usize {
        let len = u64::try_from(len).expect("a length fits in 64 bits");
        usize::try_from(self.below(len)).expect("an index is below a usize")
    }
}

/// 2^(1/2), 2^(1/4), .. 2^(1/2^32), in units of 2^-62, each the root of the one before, rounded down.
const ROOTS: [u128; 32] = {
    let mut roots = [0; 32];
    let mut root: u128 = 2 << 62;
    let mut k = 0;
    while k < 32 {
        root = (root << 62).isqrt();
        roots[k] = root;
        k += 1;
    }
    roots
};

/// `value * 2^octaves`, `octaves` in Q32. Rounded down, saturating at 2^64 - 1; relative error below 2^-50.
pub fn scale_exp2(value: u64, octaves: i64) -> u64 {
    let fraction = octaves & (Q32_ONE - 1);
    let mut factor: u128 = 1 << 62;
    for (k, root) in ROOTS.iter().enumerate() {
        if (fraction >> (31 - k)) & 1 == 1 {
            factor = (factor * root) >> 62;
        }
    }
    let product = u128::from(value) * factor;
    let shift = 62 - (octaves >> 32);
    if shift < 0 {
        // The product is at least 2^62 unless value is zero, and what is at least 2^64 saturates.
        let left = u32::try_from(-shift).unwrap_or(u32::MAX).min(63);
        return u64::try_from(product.min(u128::from(u64::MAX)) << left).unwrap_or(u64::MAX);
    }
    let right = u32::try_from(shift).unwrap_or(u32::MAX).min(127);
    u64::try_from(product >> right).unwrap_or(u64::MAX)
}

/// Binary logarithm of `value` in Q32, rounded down. `value` must not be zero.
pub fn log2(value: u64) -> i64 {
    assert!(0 < value, "the logarithm of zero");
    let whole = value.ilog2();
    // In [1, 2), in units of 2^-63; each squaring brings out one more bit of the logarithm.
    let mut mantissa = u128::from(value) << (63 - whole);
    let mut log = i64::from(whole);
    for _ in 0..32 {
        mantissa = (mantissa * mantissa) >> 63;
        log <<= 1;
        if 1 << 64 <= mantissa {
            mantissa >>= 1;
            log |= 1;
        }
    }
    log
}
