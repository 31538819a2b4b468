//! Draws: the same on every machine, independent by name, and of the shape they claim.

use ballast_sim::seed::{Q32_ONE, Seed, Stream, log2, scale_exp2};

fn stream() -> Stream {
    Seed::new(7).stream("test")
}

#[test]
fn a_stream_is_pinned() {
    // A change of these changes every recorded simulation.
    let mut stream = Seed::new(1).stream("pinned");
    let drawn: Vec<u64> = (0..3).map(|_| stream.bits()).collect();
    assert_eq!(drawn, PINNED);
}

const PINNED: [u64; 3] = [9_934_066_929_577_754_913, 7_582_027_619_973_143_078, 10_459_787_893_748_023_539];

#[test]
fn streams_differ_by_seed_name_and_index() {
    let first = |seed: u64, name: &str, index| Seed::new(seed).stream_at(name, index).bits();
    let one = first(1, "a", 0);
    assert_eq!(one, Seed::new(1).stream("a").bits());
    assert_eq!(one, first(1, "a", 0));
    assert_ne!(one, first(2, "a", 0));
    assert_ne!(one, first(1, "b", 0));
    assert_ne!(one, first(1, "a", 1));
}

#[test]
fn below_is_uniform() {
    let mut counts = [0_u32; 6];
    let mut stream = stream();
    for _ in 0..60_000 {
        counts[usize::try_from(stream.below(6)).unwrap()] += 1;
    }
    // 10,000 each; one standard deviation is 91.
    assert!(counts.iter().all(|count| count.abs_diff(10_000) < 500), "{counts:?}");
}

#[test]
fn between_reaches_both_ends_and_the_whole_range() {
    let mut stream = stream();
    let drawn: Vec<u64> = (0..1_000).map(|_| stream.between(3, 5)).collect();
    assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&5)));
    assert_eq!(stream.between(9, 9), 9);
    assert!(stream.between(0, u64::MAX) != stream.between(0, u64::MAX));
}

#[test]
fn chance_keeps_its_rate() {
    let mut stream = stream();
    let hits = (0..100_000).filter(|_| stream.chance(250)).count();
    // 2,500; one standard deviation is 49.
    assert!(hits.abs_diff(2_500) < 250, "{hits}");
    assert!(!stream.chance(0));
    assert!(stream.chance(10_000));
}

#[test]
fn normal_has_mean_zero_and_variance_one() {
    let mut stream = stream();
    let drawn: Vec<f64> = (0..100_000).map(|_| stream.normal() as f64 / Q32_ONE as f64).collect();
    let mean = drawn.iter().sum::<f64>() / 1e5;
    let variance = drawn.iter().map(|x| x * x).sum::<f64>() / 1e5;
    assert!(mean.abs() < 0.02, "{mean}");
    assert!((variance - 1.0).abs() < 0.03, "{variance}");
}

#[test]
fn exp2_and_log2_agree_with_floats() {
    for value in [1_u64, 2, 3, 10, 1_000_003, 1 << 40, u64::MAX] {
        let exact = (value as f64).log2();
        assert!((log2(value) as f64 / Q32_ONE as f64 - exact).abs() < 1e-9, "log2 of {value}");
    }
    for octaves in [-3.7_f64, -1.0, -0.001, 0.0, 0.3, 1.0, 12.345] {
        let exact = 1e12 * octaves.exp2();
        let fixed = scale_exp2(1_000_000_000_000, (octaves * Q32_ONE as f64) as i64) as f64;
        assert!((fixed / exact - 1.0).abs() < 1e-8, "2^{octaves}: {fixed} for {exact}");
    }
}

#[test]
fn exp2_is_exact_at_whole_octaves_and_saturates() {
    assert_eq!(scale_exp2(5, 0), 5);
    assert_eq!(scale_exp2(5, 3 * Q32_ONE), 40);
    assert_eq!(scale_exp2(5, -2 * Q32_ONE), 1);
    assert_eq!(scale_exp2(1, 63 * Q32_ONE), 1 << 63);
    assert_eq!(scale_exp2(1, 64 * Q32_ONE), u64::MAX);
    assert_eq!(scale_exp2(u64::MAX, i64::MAX), u64::MAX);
    assert_eq!(scale_exp2(u64::MAX, i64::MIN), 0);
    assert_eq!(scale_exp2(0, i64::MAX), 0);
}

#[test]
fn lognormal_has_its_median_and_spread() {
    let mut stream = stream();
    let mut drawn: Vec<u64> = (0..20_001).map(|_| stream.lognormal(1_000_000, 150)).collect();
    drawn.sort_unstable();
    // One standard deviation up is the 84.13th percentile: 2^1.5 times the median, 2,828,427.
    assert!(drawn[10_000].abs_diff(1_000_000) < 40_000, "{}", drawn[10_000]);
    assert!(drawn[16_827].abs_diff(2_828_427) < 150_000, "{}", drawn[16_827]);
}

#[test]
fn pareto_has_its_least_and_its_tail() {
    let mut stream = stream();
    let mut drawn: Vec<u64> = (0..20_001).map(|_| stream.pareto(1_000, 200)).collect();
    drawn.sort_unstable();
    // Tail index 2: the median is sqrt(2) times the least, the 99th percentile ten times.
    assert!(1_000 <= drawn[0]);
    assert!(drawn[10_000].abs_diff(1_414) < 20, "{}", drawn[10_000]);
    assert!(drawn[19_800].abs_diff(10_000) < 1_500, "{}", drawn[19_800]);
}

#[test]
fn shuffle_keeps_the_items_and_mixes_them() {
    let mut items: Vec<u32> = (0..100).collect();
    stream().shuffle(&mut items);
    assert_ne!(items, (0..100).collect::<Vec<_>>());
    items.sort_unstable();
    assert_eq!(items, (0..100).collect::<Vec<_>>());
}
