//! The terminal: takes frames and keys, draws.
//!
//! - Whoever makes frames runs on a thread of its own and is told to pause or stop through [`Control`].
//! - The terminal is given back as it was, after a panic too.

use super::frame::Frame;
use super::screen::{Scroll, View, draw};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// The screen follows keys and frames this fast.
const BEAT: Duration = Duration::from_millis(50);

/// Before the first frame.
const WAITING: &str = "waiting for the first frame";

/// What the terminal tells the source.
#[derive(Debug, Default)]
pub(super) struct Control {
    paused: AtomicBool,
    stopped: AtomicBool,
}

impl Control {
    pub(super) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// What the source tells the terminal.
#[derive(Debug)]
pub(super) enum Update {
    /// The house at one moment.
    Frame(Box<Frame>),
    /// Why no frames come at the moment; empty when they do again.
    Notice(String),
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Quit,
    Pause,
    Turn { forward: bool },
    Scroll(Scroll),
    Zoom,
    Help,
}

/// Shows what comes until somebody quits, or the source has it end.
pub(super) fn show(updates: &Receiver<Update>, control: &Control) -> std::io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let shown = follow(&mut terminal, updates, control);
    control.stop();
    ratatui::restore();
    shown
}

fn follow(
    terminal: &mut DefaultTerminal,
    updates: &Receiver<Update>,
    control: &Control,
) -> std::io::Result<()> {
    let mut view = View::default();
    view.notice = WAITING.to_owned();
    let (mut frame, mut newest) = (Frame::default(), None);
    let (mut changed, mut ends) = (true, false);
    while !control.is_stopped() {
        while !ends {
            match updates.try_recv() {
                Ok(Update::Frame(frame)) => newest = Some(*frame),
                Ok(Update::Notice(notice)) => (view.notice, changed) = (notice, true),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => ends = true,
            }
        }
        if let Some(newest) = newest.take_if(|_| !view.paused) {
            (frame, changed) = (newest, true);
            if view.notice == WAITING {
                view.notice.clear();
            }
        }
        if changed {
            terminal.draw(|f| draw(f, &frame, &view))?;
            changed = false;
        }
        let until = Instant::now() + BEAT;
        while event::poll(until.saturating_duration_since(Instant::now()))? {
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => match wish(key) {
                    Some(Wish::Quit) => return Ok(()),
                    Some(wish) => grant(wish, &mut view, &frame, control),
                    None => {}
                },
                Event::Resize(..) => {}
                _ => continue,
            }
            terminal.draw(|f| draw(f, &frame, &view))?;
            // Keys that never stop must not keep frames out.
            if until <= Instant::now() {
                break;
            }
        }
    }
    Ok(())
}

fn wish(key: KeyEvent) -> Option<Wish> {
    Some(match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Wish::Quit,
        KeyCode::Char('q') => Wish::Quit,
        KeyCode::Char(' ') => Wish::Pause,
        KeyCode::Tab | KeyCode::Right => Wish::Turn { forward: true },
        KeyCode::BackTab | KeyCode::Left => Wish::Turn { forward: false },
        KeyCode::Up => Wish::Scroll(Scroll::Up(1)),
        KeyCode::Down => Wish::Scroll(Scroll::Down(1)),
        KeyCode::PageUp => Wish::Scroll(Scroll::Up(10)),
        KeyCode::PageDown => Wish::Scroll(Scroll::Down(10)),
        KeyCode::Home => Wish::Scroll(Scroll::Top),
        KeyCode::Enter => Wish::Zoom,
        KeyCode::Char('?') => Wish::Help,
        KeyCode::Esc => Wish::Help,
        _ => return None,
    })
}

fn grant(wish: Wish, view: &mut View, frame: &Frame, control: &Control) {
    match wish {
        Wish::Quit => {}
        Wish::Pause => {
            view.paused = !view.paused;
            control.paused.store(view.paused, Ordering::Relaxed);
        }
        Wish::Turn { forward } => view.turn(forward),
        Wish::Scroll(scroll) => view.scroll(scroll, frame),
        Wish::Zoom => view.zoom = !view.zoom,
        Wish::Help => view.help = !view.help,
    }
}
