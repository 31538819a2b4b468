//! What a frame costs a hub of 100,000 accounts, 60,000 of them borrowers, in the middle of the crash. Processor time
//! of this thread where the system tells it, so that a busy machine measures the same; else the wall clock.

#![expect(missing_docs, reason = "criterion writes a public function without a sentence")]

use ballast_cli::watch::{Tracker, coverage};
use ballast_sim::replay::Replay;
use ballast_sim::{Scenario, Seed, story};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Blocks of the default scenario until 13:05.
const BLOCKS: u64 = 25_350;

/// Time that this thread has run.
fn processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// Time of so many runs.
fn timed<T>(count: u64, mut run: impl FnMut() -> T) -> Duration {
    let (clock, start) = (Instant::now(), processor());
    for _ in 0..count {
        black_box(run());
    }
    match (start, processor()) {
        (Some(start), Some(end)) => end - start,
        _ => clock.elapsed(),
    }
}

fn frame(c: &mut Criterion) {
    let scenario = Scenario { accounts: 100_000, ..Scenario::default() };
    let mut replay =
        Replay::new(scenario, story::may_19_2021(Seed::new(1)), None).expect("the default can be played");
    let mut tracker = Tracker::new(replay.genesis(), "bench");
    while replay.progress().done < BLOCKS {
        let step = replay.step().expect("the day is longer");
        tracker.note(step.block, step.outcome, step.state);
    }
    let state = replay.state();
    eprintln!("{} tasks, {} lots", state.tasks.len(), state.lots.len());
    let mut group = c.benchmark_group("watch, 100,000 accounts");
    group.sample_size(50);
    group.bench_function("cover of every borrower", |b| {
        b.iter_custom(|count| timed(count, || coverage(black_box(state))))
    });
    group.bench_function("a frame", |b| {
        b.iter_custom(|count| timed(count, || tracker.frame(black_box(state), "")))
    });
    let frame = tracker.frame(state, "");
    group.bench_function("its line on the stream", |b| {
        b.iter(|| serde_json::to_vec(black_box(&frame)).expect("string keys only").len())
    });
    group.finish();
}

criterion_group!(benches, frame);
criterion_main!(benches);
