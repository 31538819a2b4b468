//! What a frame costs a hub of 100,000 accounts, 60,000 of them borrowers, in the middle of the crash.

#![expect(missing_docs, reason = "criterion writes a public function without a sentence")]

use ballast_cli::watch::{Tracker, coverage};
use ballast_sim::replay::Replay;
use ballast_sim::{Scenario, Seed, story};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

/// Blocks of the default scenario until 13:05.
const BLOCKS: u64 = 25_350;

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
    group.bench_function("cover of every borrower", |b| b.iter(|| coverage(black_box(state))));
    group.bench_function("a frame", |b| b.iter(|| tracker.frame(black_box(state), "")));
    let frame = tracker.frame(state, "");
    group.bench_function("its line on the stream", |b| {
        b.iter(|| serde_json::to_vec(black_box(&frame)).expect("string keys only").len())
    });
    group.finish();
}

criterion_group!(benches, frame);
criterion_main!(benches);
