//! The locks of the registry. Implementations use three different ones; a writer that takes all three excludes all of them
//! (REG-8).

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, Metadata, OpenOptions};
use std::io::{ErrorKind, Result as IoResult, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::file::read_regular_file;
use super::liveness::is_alive;
use super::unavailable;
use crate::error::{Error, Result};

/// The age at which a lock is stale, even if its holder still runs.
const STALE: Duration = Duration::from_secs(10);

/// How long a writer waits for its locks.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The directories in which a thread of this process writes. A lock of this process's pid that another one finds there is
/// that of an earlier process with the same pid.
static WRITTEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The right of one thread of this process to write in a directory.
struct Writer(PathBuf);

impl Writer {
    fn wait_for(directory: &Path, until: Instant) -> Result<Self> {
        while !written().insert(directory.to_owned()) {
            if Instant::now() >= until {
                return Err(timed_out(&directory.join("services.json.lock")));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(Self(directory.to_owned()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        written().remove(&self.0);
    }
}

fn written() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The three locks, held until dropped.
pub(super) struct RegistryLocks {
    locks: Vec<Lock>,
    /// Dropped after the locks are released.
    _writer: Writer,
}

impl RegistryLocks {
    /// Takes the three locks, always in the same order.
    pub(super) fn take(directory: &Path) -> Result<Self> {
        let until = Instant::now() + TIMEOUT;
        let mut taken = Self { locks: Vec::with_capacity(3), _writer: Writer::wait_for(directory, until)? };
        for (name, kind) in
            [("services.json.lock", Kind::Directory), ("registry.lock", Kind::File), ("services.lock", Kind::File)]
        {
            taken.locks.push(Lock::wait_for(directory.join(name), kind, until)?);
        }
        Ok(taken)
    }

    /// Whether this process still holds all of them.
    pub(super) fn are_held(&self) -> bool {
        self.locks.iter().all(Lock::is_held)
    }
}

impl Drop for RegistryLocks {
    fn drop(&mut self) {
        while let Some(lock) = self.locks.pop() {
            lock.release();
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Directory,
    File,
}

/// A lock that this process holds.
struct Lock {
    path: PathBuf,
    kind: Kind,
    identity: Identity,
}

/// Distinguishes a lock from a later one at the same path.
type Identity = (u64, Option<SystemTime>);

impl Lock {
    fn wait_for(path: PathBuf, kind: Kind, until: Instant) -> Result<Self> {
        loop {
            // Read before the attempt, so that the last attempt comes after the deadline.
            let is_last = Instant::now() >= until;
            match Self::attempt(&path, kind) {
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) if is_last => return Err(timed_out(&path)),
                // Different for each process, so that waiters do not retry at the same time.
                Ok(None) => thread::sleep(Duration::from_millis(5 + u64::from(std::process::id()) % 11)),
                Err(error) => return Err(unavailable(&path, "locked", &error)),
            }
        }
    }

    fn attempt(path: &Path, kind: Kind) -> IoResult<Option<Self>> {
        let is_made = make(path, kind)? || (break_stale(path, kind)? && make(path, kind)?);
        if !is_made {
            return Ok(None);
        }
        let Some(identity) = identity_at(path) else {
            return Ok(None);
        };
        if kind == Kind::Directory {
            // The pid of a directory's holder is in a separate file, the note.
            write_note(path)?;
        }
        Ok(Some(Self { path: path.to_owned(), kind, identity }))
    }

    fn is_held(&self) -> bool {
        identity_at(&self.path) == Some(self.identity)
    }

    /// A lock that cannot be removed becomes stale, and the next writer breaks it.
    fn release(&self) {
        if self.is_held() {
            let _ = match self.kind {
                Kind::Directory => fs::remove_file(note_of(&self.path)).and_then(|()| fs::remove_dir(&self.path)),
                Kind::File => fs::remove_file(&self.path),
            };
        }
    }
}

/// Replaces what an earlier holder left, whatever it is.
fn write_note(path: &Path) -> IoResult<()> {
    let note = note_of(path);
    match fs::remove_file(&note) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let text = format!("{} {}", std::process::id(), note_identity(&fs::symlink_metadata(path)?));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(note)?;
    file.write_all(text.as_bytes())
}

/// Creates a lock. Returns `false` if it exists.
fn make(path: &Path, kind: Kind) -> IoResult<bool> {
    let made = match kind {
        Kind::Directory => DirBuilder::new().mode(0o700).create(path),
        Kind::File => OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| write!(file, "{}", std::process::id())),
    };
    match made {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Breaks a stale lock, and returns whether it did. Only the holder of the claim, a second lock at `.breaking`, may break the
/// lock. It checks the lock again under the claim, and once more after renaming it, so that at most one of several processes
/// breaks a lock, and none breaks a new one.
fn break_stale(path: &Path, kind: Kind) -> IoResult<bool> {
    if stale_identity(path, kind).is_none() {
        return Ok(false);
    }
    let claim = with_suffix(path, ".breaking");
    if !make(&claim, Kind::File)? {
        if stale_identity(&claim, Kind::File).is_some_and(|dead| identity_at(&claim) == Some(dead)) {
            let _ = fs::remove_file(&claim);
        }
        return Ok(false);
    }
    let broken = match stale_identity(path, kind) {
        Some(judged) => remove_judged(path, judged),
        None => Ok(false),
    };
    let _ = fs::remove_file(&claim);
    broken
}

/// Renames the lock, and removes it if it is the one that was found stale. Otherwise renames it back.
fn remove_judged(path: &Path, judged: Identity) -> IoResult<bool> {
    let aside = with_suffix(path, &format!(".broken-{}", uuid::Uuid::new_v4()));
    match fs::rename(path, &aside) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        renamed => renamed?,
    }
    if identity_at(&aside) != Some(judged) {
        fs::rename(&aside, path)?;
        return Ok(false);
    }
    if fs::metadata(&aside)?.is_dir() {
        fs::remove_dir_all(&aside)?
    } else {
        fs::remove_file(&aside)?
    }
    Ok(true)
}

/// The identity of the lock if it is stale. The age of one that is dated in the future says nothing, as the clock was set back
/// since: its holder decides.
fn stale_identity(path: &Path, kind: Kind) -> Option<Identity> {
    let metadata = fs::symlink_metadata(path).ok()?;
    // proper-lockfile sets the first mtime up to 1 s ahead, hence the earlier of both times.
    let touched = metadata.mtime().min(metadata.ctime());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    // One thread of this process writes at a time, so an earlier process with its pid took the lock it waits for.
    let is_held = holder_of(path, kind, &metadata).map(|pid| pid != std::process::id() && is_alive(pid));
    is_stale(now - touched, is_held).then(|| identity_of(&metadata))
}

/// Judges by the age in seconds and by whether the holder runs, if it is known.
fn is_stale(age: i64, is_held: Option<bool>) -> bool {
    let limit = STALE.as_secs() as i64;
    age > limit || !is_held.unwrap_or(age >= -limit)
}

/// The pid of the holder, if it is known. The note of a directory names the directory to which it belongs.
fn holder_of(path: &Path, kind: Kind, metadata: &Metadata) -> Option<u32> {
    match kind {
        Kind::File => text_of(path)?.trim().parse().ok(),
        Kind::Directory => {
            let note = text_of(&note_of(path))?;
            let (pid, identity) = note.split_once(' ')?;
            if identity == note_identity(metadata) { pid.parse().ok() } else { None }
        }
    }
}

fn text_of(path: &Path) -> Option<String> {
    String::from_utf8(read_regular_file(path).ok()?).ok()
}

fn identity_at(path: &Path) -> Option<Identity> {
    fs::symlink_metadata(path).ok().map(|metadata| identity_of(&metadata))
}

fn identity_of(metadata: &Metadata) -> Identity {
    (metadata.ino(), metadata.created().ok())
}

/// The inode and the creation time in nanoseconds, as the TypeScript implementation writes them.
fn note_identity(metadata: &Metadata) -> String {
    let born = metadata.created().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    format!("{}-{}", metadata.ino(), born.unwrap_or_default().as_nanos())
}

fn note_of(path: &Path) -> PathBuf {
    with_suffix(path, ".holder")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    text.into()
}

fn timed_out(path: &Path) -> Error {
    let message = format!(
        "the service registry is locked: {} was still held after {} s; try again, or end its holder if it hangs",
        path.display(),
        TIMEOUT.as_secs()
    );
    Error::Registry { code: "LOCK_TIMEOUT", message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_dated_in_the_future_is_judged_by_its_holder() {
        for age in [-3600, -11] {
            assert!(!is_stale(age, Some(true)) && is_stale(age, Some(false)) && is_stale(age, None), "{age}");
        }
        for age in [-1, 0, 9] {
            assert!(!is_stale(age, Some(true)) && is_stale(age, Some(false)) && !is_stale(age, None), "{age}");
        }
        assert!(is_stale(11, Some(true)) && is_stale(11, None));
    }
}
