//! The command: which source, which output.

use super::app::{Control, Update, show};
use super::frame::Frame;
use super::lines;
use super::stream::{Lost, PATIENCE, Publisher, Reader};
use super::tracker::{Throttle, Tracker};
use crate::input::{BadInput, Pace, Source};
use anyhow::Context as _;
use ballast_sim::replay::Replay;
use ballast_spoke::{SimChain, Spoke};
use ballast_units::{Millis, Time};
use std::fmt::Debug;
use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

const EXAMPLES: &str = "Examples:
  ballast watch
  ballast watch --prices candles/ --accounts 100000 --seed 1 --speed 60
  ballast watch --scenario scenarios/bidders_away.toml --speed 0 | grep deficit
  ballast watch --speed 0 --every 3600 > day.txt
  ballast watch --publish /tmp/ballast.sock &  ballast watch --connect /tmp/ballast.sock

Keys: q quit, space pause, tab next pane, arrows scroll, enter one pane alone, ? help. Without a terminal it writes
plain lines (docs/watch.md). Exit codes: 0 the source ended or somebody quit; 1 the hub is gone or nobody publishes
there; 2 input that cannot be read.";

/// What the screen's speed is where nobody says: a day in 24 minutes.
const SPEED: f64 = 60.0;

/// A reader without a terminal looks for a hub that went away this long.
const RETURN: Duration = Duration::from_secs(30);

/// And this often.
const RETRY: Duration = Duration::from_secs(1);

/// Shows a replay or a running hub live: markets, chains, tasks, auctions, reserve, losses, events.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Watch a running hub: the socket on which it publishes
    #[arg(long, value_name = "SOCKET", conflicts_with_all = ["prices", "accounts", "seed", "scenario", "speed", "publish"])]
    connect: Option<PathBuf>,
    /// Publish the replay on a socket, for others to watch
    #[arg(long, value_name = "SOCKET")]
    publish: Option<PathBuf>,
    /// Write plain lines, on a terminal too
    #[arg(long)]
    plain: bool,
    /// Plain lines: figures each so many seconds of chain time; without it, once a second of the wall clock
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    every: Option<u32>,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let on_screen = !args.plain && has_terminal();
    let log = Log::new(args.every);
    match &args.connect {
        Some(place) if on_screen => watch_hub(place),
        Some(place) => log_hub(place, log),
        None => {
            let replay = args.source.prepare()?;
            let publisher = args.publish.as_deref().map(|place| publish(place, on_screen)).transpose()?;
            let speed = args.source.speed.unwrap_or(if on_screen { SPEED } else { 0.0 });
            let name = args.source.scenario.as_deref().and_then(Path::file_stem);
            let name = name.map_or("replay".to_owned(), |name| name.to_string_lossy().into_owned());
            let player = Player::new(replay, &name, Pace::new(speed), publisher);
            let (_, last) = if on_screen { watch_replay(player, true)? } else { log_replay(player, log)? };
            writeln!(std::io::stdout(), "{}", lines::status(&last))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Plays a replay to its end, on the screen where there is a terminal and `plain` does not say otherwise, and gives it
/// back; earlier where somebody quits.
pub fn present<S: Spoke + Debug + Send + 'static>(
    replay: Replay<S>,
    name: &str,
    speed: f64,
    socket: Option<&Path>,
    plain: bool,
) -> anyhow::Result<Replay<S>> {
    let on_screen = !plain && has_terminal();
    let publisher = socket.map(|place| publish(place, on_screen)).transpose()?;
    let player = Player::new(replay, name, Pace::new(speed), publisher);
    let (player, last) =
        if on_screen { watch_replay(player, false)? } else { log_replay(player, Log::new(Some(60)))? };
    writeln!(std::io::stdout(), "{}", lines::status(&last))?;
    Ok(player.replay)
}

fn has_terminal() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && !is_dumb
}

fn publish(place: &Path, on_screen: bool) -> anyhow::Result<Publisher> {
    let tell = move |sentence: &str| {
        if !on_screen {
            eprintln!("{sentence}");
        }
    };
    Ok(Publisher::bind(place, PATIENCE, Box::new(tell))
        .map_err(|error| BadInput(format!("{}: cannot publish there: {error}", place.display())))?)
}

/// A replay that is watched while it runs.
struct Player<S: Spoke = SimChain> {
    replay: Replay<S>,
    tracker: Tracker,
    pace: Pace,
    publisher: Option<Publisher>,
    throttle: Throttle,
}

impl<S: Spoke> Player<S> {
    fn new(replay: Replay<S>, name: &str, pace: Pace, publisher: Option<Publisher>) -> Self {
        let tracker = Tracker::new(replay.genesis(), name);
        Self { replay, tracker, pace, publisher, throttle: Throttle::default() }
    }

    /// The next block; false after the last.
    fn step(&mut self) -> bool {
        let Some(step) = self.replay.step() else { return false };
        self.tracker.note(step.block, step.outcome, step.state);
        true
    }

    fn frame(&self) -> Frame {
        let note = if self.replay.progress().warming_up { "warming up" } else { "" };
        self.tracker.frame(self.replay.state(), note)
    }

    /// A frame, published, where one is due.
    fn due(&mut self) -> Option<Frame> {
        self.throttle.is_due().then(|| self.published())
    }

    fn published(&self) -> Frame {
        let frame = self.frame();
        if let Some(publisher) = &self.publisher {
            publisher.send(frame.clone());
        }
        frame
    }

    /// Sleeps until the last block is due; not while it is told to pause or stop.
    fn wait(&mut self, control: &Control) {
        loop {
            let left = self.pace.left(&self.replay.progress());
            if left.is_zero() || control.is_paused() || control.is_stopped() {
                return;
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
    }
}

/// `stay`: until somebody quits.
fn watch_replay<S: Spoke + Debug + Send + 'static>(
    mut player: Player<S>,
    stay: bool,
) -> anyhow::Result<(Player<S>, Frame)> {
    let control = Arc::new(Control::default());
    let (updates, screen) = sync_channel(2);
    let told = Arc::clone(&control);
    let thread = std::thread::Builder::new().name("replay".to_owned()).spawn(move || {
        while !told.is_stopped() {
            if told.is_paused() {
                std::thread::sleep(Duration::from_millis(50));
                player.pace.restart();
            } else if player.step() {
                if let Some(frame) = player.due() {
                    // A screen that is behind gets the next one.
                    let _ = updates.try_send(Update::Frame(Box::new(frame)));
                }
                player.wait(&told);
            } else {
                break;
            }
        }
        let last = finish(&mut player, &updates, &told);
        if !stay {
            told.stop();
        }
        (player, last)
    })?;
    show(&screen, &control).context("the terminal cannot be drawn on; --plain writes lines")?;
    // A replay that waits to hand over its last frame must not wait for a screen that is gone.
    drop(screen);
    Ok(thread.join().expect("a replay does not panic"))
}

/// The last frame reaches the screen, and readers are told that it was the last.
fn finish<S: Spoke>(player: &mut Player<S>, updates: &SyncSender<Update>, control: &Control) -> Frame {
    let last = player.published();
    if let Some(publisher) = player.publisher.take() {
        publisher.end(if control.is_stopped() { "the replay was stopped" } else { "the replay is over" });
    }
    if !control.is_stopped() {
        let over = Update::Notice("the replay is over".to_owned());
        // Fails where somebody has quit meanwhile.
        let _ = updates.send(Update::Frame(Box::new(last.clone()))).and_then(|()| updates.send(over));
    }
    last
}

fn log_replay<S: Spoke>(mut player: Player<S>, mut log: Log) -> anyhow::Result<(Player<S>, Frame)> {
    let mut out = std::io::stdout().lock();
    let control = Control::default();
    let mut told = 0;
    while player.step() {
        for happening in player.tracker.happenings_since(told) {
            writeln!(out, "{}", lines::happening(happening))?;
        }
        told = player.tracker.last_number();
        if player.publisher.is_some() {
            player.due();
        }
        if log.is_due(player.replay.state().now()) {
            writeln!(out, "{}", lines::status(&player.frame()))?;
            out.flush()?;
        }
        player.wait(&control);
    }
    let last = player.published();
    if let Some(publisher) = player.publisher.take() {
        publisher.end("the replay is over");
    }
    out.flush()?;
    Ok((player, last))
}

fn watch_hub(place: &Path) -> anyhow::Result<ExitCode> {
    let mut reader = Reader::connect(place)?;
    let control = Arc::new(Control::default());
    let (updates, screen) = sync_channel(2);
    let (told, place) = (Arc::clone(&control), place.to_owned());
    // It may wait for the hub for ever; it ends with the program.
    std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
        while !told.is_stopped() {
            match reader.frame() {
                Ok(frame) => match updates.try_send(Update::Frame(Box::new(frame))) {
                    Ok(()) | Err(TrySendError::Full(_)) => {}
                    Err(TrySendError::Disconnected(_)) => return,
                },
                Err(lost) => {
                    let notice = format!("{lost}; looking for it again");
                    if updates.send(Update::Notice(notice)).is_err() {
                        return;
                    }
                    let Some(again) = reconnect(&place, &told) else { return };
                    reader = again;
                    if updates.send(Update::Notice(String::new())).is_err() {
                        return;
                    }
                }
            }
        }
    })?;
    show(&screen, &control).context("the terminal cannot be drawn on; --plain writes lines")?;
    Ok(ExitCode::SUCCESS)
}

fn reconnect(place: &Path, control: &Control) -> Option<Reader> {
    while !control.is_stopped() {
        if let Ok(reader) = Reader::connect(place) {
            return Some(reader);
        }
        std::thread::sleep(RETRY);
    }
    None
}

fn log_hub(place: &Path, mut log: Log) -> anyhow::Result<ExitCode> {
    let mut reader = Reader::connect(place)?;
    let mut out = std::io::stdout().lock();
    let mut told = Told::default();
    loop {
        match reader.frame() {
            Ok(frame) => {
                told.tell(&frame, &mut out)?;
                if log.is_due(frame.clock.time) {
                    writeln!(out, "{}", lines::status(&frame))?;
                }
                out.flush()?;
            }
            Err(Lost::Ended(why)) => {
                eprintln!("the hub has ended: {why}");
                return Ok(ExitCode::SUCCESS);
            }
            Err(lost @ (Lost::Dropped | Lost::Silent)) => {
                eprintln!("{lost}; looking for it again for {} s", RETURN.as_secs());
                reader = look_again(place).ok_or(lost)?;
                eprintln!("the hub is back");
            }
            Err(lost @ (Lost::Nobody { .. } | Lost::Unreadable(_))) => return Err(lost.into()),
        }
    }
}

/// A hub at the same place, if one comes in time.
fn look_again(place: &Path) -> Option<Reader> {
    let start = Instant::now();
    while start.elapsed() < RETURN {
        if let Ok(reader) = Reader::connect(place) {
            return Some(reader);
        }
        std::thread::sleep(RETRY);
    }
    None
}

/// Which happenings were written.
#[derive(Default)]
struct Told {
    last: Option<u64>,
}

impl Told {
    /// Writes those that are new, and how many passed by between two frames.
    fn tell(&mut self, frame: &Frame, out: &mut impl Write) -> std::io::Result<()> {
        let newest = frame.events.last().map_or(0, |event| event.number);
        // The first frame of a hub tells what was before; a lower number is another hub.
        let known = self.last.replace(newest).filter(|known| *known <= newest);
        let oldest = frame.events.first().map_or(1, |event| event.number);
        if let Some(missed) =
            known.and_then(|known| oldest.checked_sub(known + 1)).filter(|missed| *missed != 0)
        {
            let time = ballast_sim::calendar::date_time(frame.clock.time);
            writeln!(out, "{time} missed      {missed} events between two frames")?;
        }
        for event in frame.events.iter().filter(|event| known.is_none_or(|known| known < event.number)) {
            writeln!(out, "{}", lines::happening(event))?;
        }
        Ok(())
    }
}

/// When a line of figures is due.
struct Log {
    every: Option<Millis>,
    next: Time,
    last: Option<Instant>,
}

impl Log {
    fn new(every: Option<u32>) -> Self {
        let every = every.map(|seconds| Millis::seconds(seconds.into()));
        Self { every, next: Time::ZERO, last: None }
    }

    fn is_due(&mut self, now: Time) -> bool {
        let Some(every) = self.every else {
            let due = self.last.is_none_or(|last| Duration::from_secs(1) <= last.elapsed());
            if due {
                self.last = Some(Instant::now());
            }
            return due;
        };
        let due = self.next <= now;
        if due {
            // At full multiples: the same moments in every run.
            let step = every.get();
            self.next = Time::from_millis((now.millis() / step + 1) * step);
        }
        due
    }
}
