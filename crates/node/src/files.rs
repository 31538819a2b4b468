//! What the log and the snapshots do with files: names by height, files that appear whole, the lock of a folder.

use ballast_types::Height;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// Of a file that is being written; it is no file of anything yet.
const GROWING: &str = "new";

/// "00000000000000000042.log".
pub(crate) fn name(height: Height, extension: &str) -> String {
    format!("{:020}.{extension}", height.0)
}

/// The files of a folder that are named by a height, ascending.
pub(crate) fn numbered(folder: &Path, extension: &str) -> io::Result<Vec<(Height, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() != Some(OsStr::new(extension)) {
            continue;
        }
        let digits = path.file_stem().and_then(OsStr::to_str).filter(|stem| stem.len() == 20);
        if let Some(height) = digits.and_then(|digits| digits.parse().ok()) {
            found.push((Height(height), path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Writes a file that appears whole, durably, or not at all: beside its place, then renamed.
pub(crate) fn write_whole(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let growing = path.with_extension(GROWING);
    let done = (|| {
        let mut file = File::create(&growing)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()?;
        fs::rename(&growing, path)?;
        sync_folder(path.parent().expect("a file lies in a folder"))
    })();
    if done.is_err() {
        // The space is worth more than the reason why it cannot be had back.
        let _ = fs::remove_file(&growing);
    }
    done
}

/// Removes what a crash left half written.
pub(crate) fn remove_growing(folder: &Path) -> io::Result<()> {
    for (_, path) in numbered(folder, GROWING)? {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Names in a folder are durable only when the folder is.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The lock of a folder: held as long as this lives, also where the process is killed.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Aloud: a child that this process begins at this moment has the file too until it becomes another program, and
    /// closing ours alone would leave the folder locked that long.
    fn drop(&mut self) {
        // Where that fails, closing does it.
        let _ = self.file.unlock();
    }
}

/// Why a folder cannot be locked.
#[derive(Debug)]
pub(crate) enum LockFault {
    /// Somebody has it: what the file says of whom.
    Held(String),
    /// The system refuses.
    Io(io::Error),
}

impl Lock {
    /// Takes the lock, and writes down who has it.
    pub(crate) fn take(path: &Path) -> Result<Self, LockFault> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(LockFault::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = file.read_to_string(&mut holder);
                return Err(read.map_or_else(LockFault::Io, |_| LockFault::Held(holder.trim().to_owned())));
            }
            Err(TryLockError::Error(error)) => return Err(LockFault::Io(error)),
        }
        let write = (|| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "process {}", std::process::id())
        })();
        // On a full disk nobody can be named, and the lock is held all the same.
        let _ = write;
        Ok(Self { file })
    }
}
