//! Frames over a Unix socket, one JSON object a line.
//!
//! - [`Publisher::send`] never waits: a thread of its own writes, and a frame that comes while it is still busy is
//!   left out. A reader gets the newest frame whenever it has read the one before; one that reads nothing for
//!   [`PATIENCE`] is dropped, and the hub is told so.
//! - [`Reader`] gives frames, and says why there are no more: the hub's own last word, a cut line (the hub dropped this
//!   reader), or silence.
//! - Nothing comes back: what a reader writes is not read.

use super::frame::{FORMAT, Frame};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A reader that takes nothing for so long is dropped.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The thread looks for new readers, and at slow ones, this often.
const BEAT: Duration = Duration::from_millis(20);

/// A hub that ends waits at most this long for its readers to take its last word.
const FAREWELL: Duration = Duration::from_millis(500);

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The house at one moment.
    Frame(Box<Frame>),
    /// The last line: why there are no more.
    End(String),
}

/// The hub's side.
#[derive(Debug)]
pub struct Publisher {
    lines: SyncSender<Line>,
    thread: Option<JoinHandle<()>>,
    place: PathBuf,
}

/// What the publisher's thread tells the hub: one sentence each.
pub type Tell = Box<dyn Fn(&str) + Send>;

impl Publisher {
    /// Listens at `place`; a socket that a dead hub left there is replaced. `patience`: [`PATIENCE`], but in a test.
    pub fn bind(place: &Path, patience: Duration, tell: Tell) -> io::Result<Publisher> {
        if UnixStream::connect(place).is_ok() {
            let text = "another hub publishes there already";
            return Err(io::Error::new(ErrorKind::AddrInUse, text));
        }
        if std::fs::symlink_metadata(place).is_ok_and(|found| found.file_type().is_socket()) {
            std::fs::remove_file(place)?;
        }
        let listener = UnixListener::bind(place)?;
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let (lines, newest) = sync_channel(1);
        let mut desk = Desk { listener, readers: Vec::new(), last: None, patience, tell, next_name: 1 };
        let thread =
            std::thread::Builder::new().name("publisher".to_owned()).spawn(move || desk.run(&newest))?;
        Ok(Publisher { lines, thread: Some(thread), place: place.to_owned() })
    }

    /// Gives readers a frame. Never waits; says whether the frame goes out.
    pub fn send(&self, frame: Frame) -> bool {
        match self.lines.try_send(Line::Frame(Box::new(frame))) {
            Ok(()) => true,
            // Busy with the one before; the next frame will be newer.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// Tells readers that this was all, and why; waits for them for half a second at most.
    pub fn end(mut self, why: &str) {
        self.close(why);
    }

    fn close(&mut self, why: &str) {
        if let Some(thread) = self.thread.take() {
            // A thread that is gone has nobody to tell.
            let _ = self.lines.send(Line::End(why.to_owned()));
            let _ = thread.join();
            let _ = std::fs::remove_file(&self.place);
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.close("the hub has stopped");
    }
}

/// The publisher's thread.
struct Desk {
    listener: UnixListener,
    readers: Vec<Seat>,
    /// The newest frame, for whoever comes.
    last: Option<Arc<[u8]>>,
    patience: Duration,
    tell: Tell,
    next_name: u64,
}

/// One reader.
struct Seat {
    name: u64,
    stream: UnixStream,
    /// The line that it is being given, and how much of that it has taken.
    line: Arc<[u8]>,
    taken: usize,
    /// What comes after that line, the newest.
    next: Option<Arc<[u8]>>,
    /// When it last took something, or had nothing to take.
    moved: Instant,
}

/// Why a reader is gone.
enum Gone {
    Left,
    Slow,
}

impl Desk {
    fn run(&mut self, newest: &Receiver<Line>) {
        loop {
            match newest.recv_timeout(BEAT) {
                Ok(line @ Line::Frame(_)) => {
                    let line = text(&line);
                    self.last = Some(Arc::clone(&line));
                    self.give(&line);
                }
                Ok(line @ Line::End(_)) => return self.farewell(&text(&line)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.welcome();
            self.serve();
        }
    }

    fn give(&mut self, line: &Arc<[u8]>) {
        for seat in &mut self.readers {
            seat.next = Some(Arc::clone(line));
        }
    }

    fn welcome(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                let (line, next) = (Arc::from([]), self.last.clone());
                let seat = Seat { name: self.next_name, stream, line, taken: 0, next, moved: Instant::now() };
                self.next_name += 1;
                self.readers.push(seat);
            }
        }
    }

    fn serve(&mut self) {
        let (patience, tell) = (self.patience, &self.tell);
        self.readers.retain_mut(|seat| match seat.serve(patience) {
            Ok(()) => true,
            Err(Gone::Left) => false,
            Err(Gone::Slow) => {
                tell(&format!(
                    "reader {} took nothing for {:.1} s and was dropped",
                    seat.name,
                    patience.as_secs_f64()
                ));
                false
            }
        });
    }

    /// The last line, for as long as it may take.
    fn farewell(&mut self, line: &Arc<[u8]>) {
        self.welcome();
        self.give(line);
        let start = Instant::now();
        loop {
            self.serve();
            self.readers.retain(Seat::is_busy);
            if self.readers.is_empty() || FAREWELL <= start.elapsed() {
                return;
            }
            std::thread::sleep(BEAT);
        }
    }
}

impl Seat {
    fn is_busy(&self) -> bool {
        self.taken < self.line.len() || self.next.is_some()
    }

    /// Writes as much as the reader takes.
    fn serve(&mut self, patience: Duration) -> Result<(), Gone> {
        loop {
            if self.taken == self.line.len() {
                self.moved = self.moved.max(Instant::now());
                let Some(line) = self.next.take() else { return Ok(()) };
                (self.line, self.taken) = (line, 0);
            }
            match self.stream.write(&self.line[self.taken..]) {
                Ok(0) => return Err(Gone::Left),
                Ok(taken) => {
                    self.taken += taken;
                    self.moved = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return if self.moved.elapsed() < patience { Ok(()) } else { Err(Gone::Slow) };
                }
                Err(_) => return Err(Gone::Left),
            }
        }
    }
}

fn text(line: &Line) -> Arc<[u8]> {
    let mut text = serde_json::to_vec(line).expect("a frame has string keys only");
    text.push(b'\n');
    Arc::from(text)
}

/// Why a reader gets no more frames.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Nobody listens there.
    #[error("nobody publishes at {}", .place.display())]
    Nobody {
        /// Where.
        place: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The hub said that it ends, and why.
    #[error("the hub has ended: {0}")]
    Ended(String),
    /// The stream stopped in the middle of a line.
    #[error("the hub dropped this reader in the middle of a line: it read too slowly, or the hub was killed")]
    Dropped,
    /// The stream stopped without a last word.
    #[error("the hub is gone without a word")]
    Silent,
    /// What came is no frame, or one of another format.
    #[error("what the hub sends cannot be read: {0}")]
    Unreadable(String),
}

/// A reader's side.
#[derive(Debug)]
pub struct Reader {
    stream: BufReader<UnixStream>,
    line: Vec<u8>,
}

impl Reader {
    /// Connects to a hub.
    pub fn connect(place: &Path) -> Result<Reader, Lost> {
        let stream =
            UnixStream::connect(place).map_err(|source| Lost::Nobody { place: place.to_owned(), source })?;
        Ok(Reader { stream: BufReader::new(stream), line: Vec::new() })
    }

    /// A second handle on the connection: shutting it down ends a waiting [`Reader::frame`].
    pub fn handle(&self) -> io::Result<UnixStream> {
        self.stream.get_ref().try_clone()
    }

    /// The next frame; waits for it.
    pub fn frame(&mut self) -> Result<Frame, Lost> {
        self.line.clear();
        let read = self.stream.read_until(b'\n', &mut self.line);
        match read {
            Ok(0) => return Err(Lost::Silent),
            Ok(_) if self.line.last() != Some(&b'\n') => return Err(Lost::Dropped),
            Ok(_) => {}
            Err(_) if self.line.is_empty() => return Err(Lost::Silent),
            Err(_) => return Err(Lost::Dropped),
        }
        let line: Line =
            serde_json::from_slice(&self.line).map_err(|error| Lost::Unreadable(error.to_string()))?;
        match line {
            Line::Frame(frame) if frame.format == FORMAT => Ok(*frame),
            Line::Frame(frame) => {
                Err(Lost::Unreadable(format!("format {}; this program reads {FORMAT}", frame.format)))
            }
            Line::End(why) => Err(Lost::Ended(why)),
        }
    }
}
