//! `ballast watch`: frames of a replay and of a house whose feed stops, screens of every size, lines, and the stream.
//!
//! Screens and lines are drawn from frames recorded in `watch/frames.jsonl`, so that they change with the drawing and
//! not with every figure of the engine. `UPDATE_GOLDEN=1` records the frames anew and draws everything again.

mod support;

use ballast_cli::watch::frame::{BINS, Frame, KeeperRow, Kind};
use ballast_cli::watch::screen::{Scroll, View, draw};
use ballast_cli::watch::stream::{Line, Lost, Publisher, Reader};
use ballast_cli::watch::{Tracker, lines};
use ballast_engine::{Engine, Outcome};
use ballast_sim::replay::Replay;
use ballast_sim::{Scenario, Seed, calendar, house, story};
use ballast_types::{
    Block, ChainId, Genesis, Grade, Height, KeeperId, Observation, PriceReport, RegionId, Sequence, SourceId,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::fs;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use support::ballast;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/watch").join(name)
}

/// Compares with what stands in a file, or writes it.
#[track_caller]
fn pinned(name: &str, text: &str) {
    let path = golden(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, text).unwrap();
        return;
    }
    let want = fs::read_to_string(&path).unwrap();
    for (number, (found, want)) in text.lines().zip(want.lines()).enumerate() {
        assert_eq!(found, want, "{name}:{}", number + 1);
    }
    assert_eq!(text.lines().count(), want.lines().count(), "{name}");
}

/// The hours of the deepest fall, few accounts, no bidders for a while: something of everything happens.
fn crash() -> Replay {
    let scenario: Scenario = toml_scenario();
    Replay::new(scenario, story::may_19_2021(Seed::new(1)), None).unwrap()
}

fn toml_scenario() -> Scenario {
    let file = std::env::temp_dir().join(format!(
        "ballast-watch-{}-{:?}.toml",
        std::process::id(),
        std::thread::current().id()
    ));
    fs::write(&file, SCENARIO).unwrap();
    let scenario = Scenario::read(&file).unwrap();
    fs::remove_file(file).unwrap();
    scenario
}

const SCENARIO: &str = "\
accounts = 600
seed = 1
from = 2021-05-19T12:30:00Z
to = 2021-05-19T13:20:00Z
warm_up = 2400000
[[bidders_away]]
from = 2021-05-19T12:55:00Z
to = 2021-05-19T13:05:00Z
share = \"0.9\"
";

/// Frames before the fall, in it, and after it.
const MOMENTS: [&str; 3] = ["2021-05-19 12:30:00", "2021-05-19 13:04:00", "2021-05-19 13:19:00"];

/// Plays the crash and looks at each block.
fn play(mut look: impl FnMut(&Tracker, &Replay)) {
    let mut replay = crash();
    let mut tracker = Tracker::new(replay.genesis(), "19 May 2021, as told");
    while let Some(step) = replay.step() {
        tracker.note(step.block, step.outcome, step.state);
        look(&tracker, &replay);
    }
}

/// The recorded frames; whoever asks first reads or records them.
fn frames() -> Vec<Frame> {
    static FRAMES: OnceLock<Vec<Frame>> = OnceLock::new();
    FRAMES.get_or_init(recorded).clone()
}

fn recorded() -> Vec<Frame> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let mut recorded = String::new();
        play(|tracker, replay| {
            if MOMENTS.contains(&calendar::date_time(replay.state().now()).as_str()) {
                let frame = tracker.frame(replay.state(), "");
                recorded += &format!("{}\n", serde_json::to_string(&frame).unwrap());
            }
        });
        fs::write(golden("frames.jsonl"), recorded).unwrap();
    }
    let text = fs::read_to_string(golden("frames.jsonl")).unwrap();
    let frames: Vec<Frame> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(frames.len(), MOMENTS.len());
    frames
}

/// The screen as text.
fn screen(frame: &Frame, view: &View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|f| draw(f, frame, view)).unwrap();
    text(&terminal)
}

fn text(terminal: &Terminal<TestBackend>) -> String {
    let buffer = terminal.backend().buffer();
    let row = |y: u16| {
        let row: String = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        format!("{}\n", row.trim_end())
    };
    (0..buffer.area.height).map(row).collect()
}

/// With this pane in focus, by its number.
fn turned(times: usize) -> View {
    let mut view = View::default();
    (0..times).for_each(|_| view.turn(true));
    view
}

fn zoomed(times: usize) -> View {
    let mut view = turned(times);
    view.zoom = true;
    view
}

#[test]
fn screens_are_drawn_as_they_were() {
    let [calm, fall, after] = <[Frame; 3]>::try_from(frames()).unwrap();
    let view = View::default();
    pinned("screen_120x40_calm.txt", &screen(&calm, &view, 120, 40));
    pinned("screen_120x40.txt", &screen(&fall, &view, 120, 40));
    pinned("screen_120x40_after.txt", &screen(&after, &view, 120, 40));
    pinned("screen_80x24.txt", &screen(&fall, &turned(3), 80, 24));
    pinned("screen_80x24_chains.txt", &screen(&fall, &zoomed(1), 80, 24));
    let mut help = View::default();
    help.help = true;
    pinned("screen_80x24_help.txt", &screen(&fall, &help, 80, 24));
    let line_by_line: String = [&calm, &fall, &after]
        .iter()
        .flat_map(|frame| frame.events.iter().map(lines::happening).chain([lines::status(frame)]))
        .map(|line| line + "\n")
        .collect();
    pinned("lines.txt", &line_by_line);
}

#[test]
fn no_size_is_too_small_and_a_screen_can_change_its_size() {
    let frame = frames().remove(1);
    for (width, height) in
        [(1, 1), (10, 3), (19, 5), (20, 6), (30, 7), (60, 12), (79, 17), (109, 33), (110, 34), (300, 90)]
    {
        for times in 0..8 {
            for zoom in [false, true] {
                let mut view = turned(times);
                (view.zoom, view.help) = (zoom, times == 3);
                assert_eq!(screen(&frame, &view, width, height).lines().count(), usize::from(height));
                screen(&Frame::default(), &view, width, height);
            }
        }
    }
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    for (width, height) in [(120, 40), (80, 24), (10, 3), (120, 40)] {
        terminal.backend_mut().resize(width, height);
        terminal.draw(|f| draw(f, &frame, &View::default())).unwrap();
        assert_eq!(text(&terminal), screen(&frame, &View::default(), width, height));
    }
}

#[test]
fn a_pane_scrolls_to_its_last_line_and_back() {
    let frame = frames().remove(1);
    let mut view = zoomed(7);
    let newest = screen(&frame, &view, 80, 12);
    view.scroll(Scroll::Down(1_000), &frame);
    let oldest = screen(&frame, &view, 80, 12);
    let first = &frame.events[0].text;
    let seen: String = first.chars().take(40).collect();
    assert!(oldest.contains(&seen) && !newest.contains(&seen), "{oldest}");
    view.scroll(Scroll::Up(5), &frame);
    assert_ne!(screen(&frame, &view, 80, 12), newest);
    view.scroll(Scroll::Top, &frame);
    assert_eq!(screen(&frame, &view, 80, 12), newest);
}

#[test]
fn keepers_are_drawn_with_grade_and_absence() {
    let mut frame = frames().remove(1);
    let now = frame.clock.time;
    let row = |keeper: u32, grade| KeeperRow {
        keeper: KeeperId(keeper),
        region: RegionId(7),
        grade,
        stake: Amount::whole(10_000),
        uptime: Some(Ratio::bps(9_975)),
        reported: Some(Time::from_millis(now.millis() - 65_000)),
        away: None,
    };
    let frozen = KeeperRow { away: Some(now.after(Millis::hours(2))), ..row(2, Grade::D) };
    let young = KeeperRow { uptime: None, reported: None, ..row(3, Grade::B) };
    frame.keepers = vec![row(1, Grade::A), frozen, young];
    let text = serde_json::to_string(&frame).unwrap();
    assert_eq!(serde_json::from_str::<Frame>(&text).unwrap(), frame);
    let drawn = screen(&frame, &zoomed(6), 80, 12);
    let rows: Vec<String> =
        drawn.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for want in
        ["│ 1 7 A 10.0k 99.75% 65s │", "│ 2 7 D 10.0k 99.75% 65s away 2h00m │", "│ 3 7 B 10.0k young - │"]
    {
        assert!(rows.iter().any(|row| row == want), "{want} not in {drawn}");
    }
}

#[test]
fn frames_say_what_the_state_says() {
    let mut seen: Vec<Kind> = Vec::new();
    let (mut told, mut looked) = (0, 0);
    play(|tracker, replay| {
        let state = replay.state();
        for happening in tracker.happenings_since(told) {
            assert_eq!(happening.number, told + 1);
            told = happening.number;
            if !seen.contains(&happening.kind) {
                seen.push(happening.kind);
            }
        }
        assert_eq!(told, tracker.last_number());
        if !state.house.height.0.is_multiple_of(97) {
            return;
        }
        looked += 1;
        let frame = tracker.frame(state, "");
        assert_eq!((frame.clock.height, frame.clock.state_hash), (state.house.height.0, state.house.hash));
        assert_eq!(frame.tasks.open, state.tasks.len() as u64);
        assert_eq!(frame.tasks.opened - frame.tasks.closed, frame.tasks.open);
        for ((id, chain), row) in state.chains.iter().zip(&frame.chains) {
            let owes = state.accounts.iter().filter(|(_, account)| account.loan(id).is_some());
            let (borrowers, locked) = owes.fold((0, 0), |(all, locked), (_, account)| {
                (all + 1, locked + u64::from(account.task.is_some()))
            });
            assert_eq!((row.borrowers, row.locked), (borrowers, locked), "{}", row.name);
            let (accounts, debt) = row
                .bins
                .iter()
                .fold((0, Amount::ZERO), |(accounts, debt), bin| (accounts + bin.accounts, debt + bin.debt));
            assert_eq!(accounts, borrowers, "{}", row.name);
            // Bins count whole dollars of debt with its interest.
            let owed = chain.pool.scaled.mul_ratio_up(chain.pool.index).unwrap();
            assert!(debt <= owed + Amount::whole(1), "{}: {debt} of {owed}", row.name);
            assert!(owed <= debt + Amount::whole(BINS as u64 + 1), "{}: {debt} of {owed}", row.name);
        }
        // Whoever is below 1 has a health below zero, and the other way round; at the edge the last digit may err.
        let below: u64 = frame.chains.iter().map(|row| row.bins[0].accounts).sum();
        let failing: u64 = state
            .accounts
            .iter()
            .filter(|(id, _)| ballast_engine::risk::health::maintenance(state, *id).is_negative())
            .map(|(_, account)| account.loans.len() as u64)
            .sum();
        assert_eq!(below, failing);
    });
    assert!(10 < looked);
    for kind in [Kind::Locked, Kind::Offered, Kind::Taken, Kind::Expired, Kind::Closed] {
        assert!(seen.contains(&kind), "{kind:?} not among {seen:?}");
    }
}

/// A house whose chains and sources say something in every block, but those that are told to stop.
struct Feed {
    genesis: Genesis,
    engine: Engine,
    tracker: Tracker,
    outcome: Outcome,
    block: Block,
}

impl Feed {
    fn new() -> Self {
        let genesis = Genesis { time: Time::from_millis(1_000_000), ..house::genesis() };
        let engine = Engine::new(&genesis).unwrap();
        let tracker = Tracker::new(&genesis, "a test");
        let block = Block { time: genesis.time, ..Block::default() };
        Self { genesis, engine, tracker, outcome: Outcome::default(), block }
    }

    fn chain(&self, name: &str) -> usize {
        self.genesis.chains.iter().position(|chain| chain.name == name).unwrap()
    }

    fn step(&mut self, silent_chain: Option<usize>, silent_asset: Option<&str>) {
        self.block.height = Height(self.block.height.0 + 1);
        self.block.time = self.block.time.after(Millis::seconds(1));
        let time = self.block.time;
        let speaks = |chain: &usize| Some(*chain) != silent_chain;
        let told = |chain: usize| {
            let chain = ChainId(chain as u16);
            let block = ballast_types::digest::block_in_process(chain, time);
            Observation::Final { chain, sequence: Sequence(0), time, block }
        };
        self.block.observations = (0..self.genesis.chains.len()).filter(speaks).map(told).collect();
        self.block.prices.clear();
        for (asset, listed) in (0..).zip(&self.genesis.assets) {
            if Some(listed.symbol.as_str()) == silent_asset {
                continue;
            }
            for source in 0..3 {
                let price = Price::whole(if listed.stable { 1 } else { 100 });
                let (asset, source) = (ballast_types::AssetId(asset), SourceId(source));
                self.block.prices.push(PriceReport { asset, source, price, confidence: Ratio::ZERO, time });
            }
        }
        self.engine.apply(&self.block, &mut self.outcome);
        self.tracker.note(&self.block, &self.outcome, self.engine.state());
    }

    fn frame(&self) -> Frame {
        self.tracker.frame(self.engine.state(), "")
    }
}

fn stale(frame: &Frame) -> Vec<&str> {
    let chains = frame.chains.iter().filter(|row| row.stale).map(|row| row.name.as_str());
    chains.chain(frame.markets.iter().filter(|row| row.stale).map(|row| row.name.as_str())).collect()
}

#[test]
fn a_chain_whose_feed_stops_is_marked_stale() {
    let mut feed = Feed::new();
    feed.step(None, None);
    let polygon = feed.chain("polygon");
    // A block of polygon takes 2 s: 12 s without a word can still be its silence, 13 s cannot.
    for _ in 0..12 {
        feed.step(Some(polygon), None);
        assert_eq!(stale(&feed.frame()), [""; 0]);
    }
    feed.step(Some(polygon), None);
    let frame = feed.frame();
    assert_eq!(stale(&frame), ["polygon"]);
    assert_eq!(frame.chains[polygon].head_age, Millis::seconds(13));
    let drawn = screen(&frame, &View::default(), 120, 40);
    let row = drawn.lines().find(|line| line.contains("polygon")).unwrap();
    assert!(row.contains("stale") && drawn.contains("STALE"), "{drawn}");
    assert!(lines::status(&frame).contains("stale 1"));
    feed.step(None, None);
    assert_eq!(stale(&feed.frame()), [""; 0]);
}

#[test]
fn a_price_that_stops_makes_its_market_and_chains_stale() {
    let mut feed = Feed::new();
    feed.step(None, None);
    // Reports are usable for a while: the price is confirmed until they are too old.
    let mut seconds = 0;
    while stale(&feed.frame()).is_empty() {
        feed.step(None, Some("SOL"));
        seconds += 1;
        assert!(seconds < 120, "SOL's price is never stale");
    }
    assert_eq!(stale(&feed.frame()), ["solana", "SOL"]);
    assert!(10 < seconds);
    feed.step(None, None);
    assert_eq!(stale(&feed.frame()), [""; 0]);
}

fn socket(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("ballast-{name}-{}.sock", std::process::id()))
}

/// Sends until the publisher has taken it.
fn send(publisher: &Publisher, frame: &Frame) {
    while !publisher.send(frame.clone()) {
        std::thread::yield_now();
    }
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_reader_gets_frames_and_the_last_word_and_comes_back_to_the_next_hub() {
    let place = socket("frames");
    let frame = frames().remove(1);
    let lost = Reader::connect(&place).unwrap_err();
    assert!(
        matches!(lost, Lost::Nobody { .. }) && lost.to_string().contains("nobody publishes at"),
        "{lost}"
    );
    for hub in ["first", "second"] {
        let publisher = Publisher::bind(&place, LONG, Box::new(|_| {})).unwrap();
        let second = Publisher::bind(&place, LONG, Box::new(|_| {})).unwrap_err();
        assert_eq!(second.to_string(), "another hub publishes there already");
        // Who comes late gets the newest frame at once.
        send(&publisher, &frame);
        let mut readers = [Reader::connect(&place).unwrap(), Reader::connect(&place).unwrap()];
        for reader in &mut readers {
            assert_eq!(reader.frame().unwrap(), frame);
        }
        let newer = Frame { note: "newer".to_owned(), ..frame.clone() };
        send(&publisher, &newer);
        for reader in &mut readers {
            assert_eq!(reader.frame().unwrap(), newer);
        }
        publisher.end(&format!("the {hub} is over"));
        for reader in &mut readers {
            let lost = reader.frame().unwrap_err();
            assert_eq!(lost.to_string(), format!("the hub has ended: the {hub} is over"));
        }
        assert!(!place.exists());
    }
}

#[test]
fn a_slow_reader_is_dropped_and_the_hub_never_waits() {
    let place = socket("slow");
    let mut frame = frames().remove(1);
    // More than a socket holds.
    frame.note = "x".repeat(4 << 20);
    let (tell, told) = channel();
    let say = move |sentence: &str| tell.send(sentence.to_owned()).unwrap();
    let publisher = Publisher::bind(&place, Duration::from_millis(50), Box::new(say)).unwrap();
    let mut slow = UnixStream::connect(&place).unwrap();
    send(&publisher, &frame);
    let sentence = told.recv_timeout(LONG).unwrap();
    assert_eq!(sentence, "reader 1 took nothing for 0.1 s and was dropped");
    // What was in the socket ends in the middle of a line.
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    assert!(!rest.is_empty() && rest.last() != Some(&b'\n'));
    // Others are served as before.
    frame.note.clear();
    send(&publisher, &frame);
    let mut quick = Reader::connect(&place).unwrap();
    let start = Instant::now();
    while quick.frame().unwrap() != frame {
        assert!(start.elapsed() < LONG);
    }
}

#[test]
fn a_cut_line_silence_and_another_format_are_told_apart() {
    let place = socket("lost");
    let _ = fs::remove_file(&place);
    let listener = std::os::unix::net::UnixListener::bind(&place).unwrap();
    let say = |bytes: &[u8]| {
        let mut reader = Reader::connect(&place).unwrap();
        let (mut hub, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut hub, bytes).unwrap();
        drop(hub);
        reader.frame().unwrap_err().to_string()
    };
    assert_eq!(say(b""), "the hub is gone without a word");
    assert!(say(b"{\"frame\":").contains("in the middle of a line"));
    assert!(say(b"hello\n").contains("cannot be read"));
    let other = Line::Frame(Box::new(Frame { format: 99, ..Frame::default() }));
    let other = format!("{}\n", serde_json::to_string(&other).unwrap());
    assert!(say(other.as_bytes()).contains("format 99; this program reads 1"));
    fs::remove_file(place).unwrap();
}

#[test]
fn without_a_terminal_it_writes_lines_and_the_same_twice() {
    let file = std::env::temp_dir().join(format!("ballast-watch-lines-{}.toml", std::process::id()));
    fs::write(&file, SCENARIO).unwrap();
    let args = ["watch", "--every", "600", "--scenario", file.to_str().unwrap()];
    let [first, second] = [0, 1].map(|_| ballast(&args, ""));
    fs::remove_file(file).unwrap();
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(first.stdout, second.stdout);
    let text = String::from_utf8(first.stdout).unwrap();
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("2021-05-19 13:19:58 status      block "), "{last}");
    let statuses = text.lines().filter(|line| line.contains(" status ")).count();
    // The warm-up of 40 min and the 50 min after it, at full ten minutes, and the last block.
    assert_eq!(statuses, 10);
    assert!(text.contains(" locked      task 1 account "));
}

#[test]
fn exit_codes_say_what_was_wrong() {
    let code = |args: &[&str]| {
        let output = ballast(args, "");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (gone, text) = code(&["watch", "--connect", "/nowhere/at.sock"]);
    assert_eq!(gone, Some(1));
    assert!(text.contains("nobody publishes at /nowhere/at.sock"), "{text}");
    let (bad, text) = code(&["watch", "--prices", "/nowhere"]);
    assert!(bad == Some(2) && text.contains("/nowhere"), "{text}");
    let (bad, text) = code(&["watch", "--publish", "/nowhere/at.sock"]);
    assert!(bad == Some(2) && text.contains("cannot publish there"), "{text}");
    let (both, _) = code(&["watch", "--connect", "a.sock", "--seed", "1"]);
    assert_eq!(both, Some(2));
}
