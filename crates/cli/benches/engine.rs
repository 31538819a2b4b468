//! Single operations of the engine, one core. Whole runs are `ballast bench`.

#![expect(missing_docs, reason = "criterion writes a public function without a sentence")]

use ballast_sim::load::{Kind, Load};
use ballast_types::{Address, Hash, KeeperId, MarketId, RegionId, Side, TaskId, TradeAmount};
use ballast_units::math::{mul_div_down, mul_wad_down};
use ballast_units::{Amount, Time};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const ACCOUNTS: u32 = 100_000;

fn arithmetic(c: &mut Criterion) {
    let price = 3_456_780_000_000_000_000_000_u128;
    let size = 12_345_678_901_234_567_890_u128;
    c.bench_function("mul_wad_down, a size at a price", |b| {
        b.iter(|| mul_wad_down(black_box(size), black_box(price)))
    });
    let reserve = 100_000_000_000_000_000_000_000_000_u128;
    c.bench_function("mul_div_down, three reserves of 10^26", |b| {
        b.iter(|| mul_div_down(black_box(reserve), black_box(reserve + 7), black_box(reserve - 7)))
    });
}

fn curve(c: &mut Criterion) {
    let load = Load::new(1_000, 16, Kind::Cash, 1).expect("the load's genesis is valid");
    let curve = load.engine.state().markets.get(MarketId(0)).curve;
    let amount = TradeAmount::Quote(Amount::whole(1_000));
    c.bench_function("swap on the curve", |b| {
        b.iter(|| black_box(curve).swap(MarketId(0), Side::Long, black_box(amount)))
    });
}

fn health(c: &mut Criterion) {
    let mut load = Load::new(ACCOUNTS, 16, Kind::Collateral, 1).expect("the load's genesis is valid");
    load.open_all(10_000);
    let state = load.engine.state();
    let mut number = 0_u32;
    c.bench_function("maintenance health, one position and one collateral", |b| {
        b.iter(|| {
            number = (number + 7_919) % ACCOUNTS;
            ballast_engine::risk::health::maintenance(state, load.account(number))
        })
    });
}

fn blocks(c: &mut Criterion) {
    let mut group = c.benchmark_group("block");
    group.sample_size(20);
    let mut load = Load::new(ACCOUNTS, 16, Kind::Cash, 1).expect("the load's genesis is valid");
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("10,000 trades, 100,000 accounts", |b| {
        b.iter_custom(|count| {
            (0..count).fold(std::time::Duration::ZERO, |spent, _| {
                let block = load.trades(10_000, false);
                let start = std::time::Instant::now();
                load.apply(&block);
                spent + start.elapsed()
            })
        })
    });
    group.finish();
}

fn auction(c: &mut Criterion) {
    let terms = ballast_types::AuctionSchedule::default();
    let index = ballast_units::Price::whole(3_000);
    let auction = ballast_engine::auction::terms(
        Amount::whole(20_000),
        Amount::whole(10),
        index,
        Time::from_millis(0),
        &terms,
        0,
    );
    let auction = auction.expect("a plain auction");
    c.bench_function("auction price after 17 steps", |b| {
        b.iter(|| ballast_engine::auction::price(black_box(&auction), black_box(Time::from_millis(170_000))))
    });
    c.bench_function("snapshot and restore, 100,000 accounts", |b| {
        let load = Load::new(ACCOUNTS, 16, Kind::Cash, 1).expect("the load's genesis is valid");
        b.iter_batched(
            || load.engine.snapshot(),
            |bytes| ballast_engine::Engine::restore(&bytes),
            BatchSize::PerIteration,
        )
    });
}

fn draw(c: &mut Criterion) {
    use ballast_engine::keeper::draw::{Candidate, draw};
    let candidate = |number: u32| Candidate {
        keeper: KeeperId(number),
        operator: Address([u8::try_from(number % 251).expect("below 256"); 32]),
        owner: Address([u8::try_from(number % 253).expect("below 256"); 32]),
        region: RegionId(u16::try_from(number % 12).expect("below 12")),
        weight: 40_000 + u128::from(number),
    };
    let all: Vec<Candidate> = (0..1_000).map(candidate).collect();
    let mut task = 0_u64;
    c.bench_function("draw of 3 among 1,000 keepers", |b| {
        b.iter(|| {
            task += 1;
            draw(black_box(Hash([7; 32])), TaskId(task), 1, black_box(&all), 3)
        })
    });
}

criterion_group!(benches, draw, arithmetic, curve, health, blocks, auction);
criterion_main!(benches);
