//! Forwards what this process writes to stdout and stderr to the parents, line by line. Lines that no parent takes go to the
//! original stream, as do all lines of a service.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use super::exit_flush::EXIT_FLUSH;
use super::parents::Parents;
use crate::codec::{Body, Limits, Message, encode_for};

/// Longer lines are sent in pieces of this many bytes, which bounds the memory for a line that never ends.
const MAX_LINE: u64 = 1024 * 1024;

/// How long the last lines may take at the end of the process. A child process may still hold the stream open.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

static CAPTURE: OnceLock<Capture> = OnceLock::new();

/// The captured streams.
struct Capture {
    real: [OwnedFd; 2],
    /// When true, lines go to the original streams, as the process ends without waiting for its sockets.
    is_exiting: Arc<AtomicBool>,
    is_finished: AtomicBool,
    open: Arc<(Mutex<usize>, Condvar)>,
}

/// Captures both streams until the end of the process.
pub(super) fn capture(app: &Arc<str>, parents: &Arc<Parents>, is_service: bool) -> io::Result<()> {
    let is_exiting = Arc::new(AtomicBool::new(false));
    let open = Arc::new((Mutex::new(2), Condvar::new()));
    let real = [duplicate(1)?, duplicate(2)?];
    for (stream, real) in [1, 2].into_iter().zip(&real) {
        let lines = Lines {
            app: app.clone(),
            stream,
            real: File::from(real.try_clone()?),
            parents: parents.clone(),
            is_service,
            is_exiting: is_exiting.clone(),
        };
        let pipe = replace_by_pipe(stream)?;
        let open = open.clone();
        thread::Builder::new().name(format!("multifrost fd {stream}")).spawn(move || {
            lines.forward_all(pipe);
            *open.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            open.1.notify_all();
        })?;
    }
    let capture = Capture { real, is_exiting, is_finished: AtomicBool::new(false), open };
    if CAPTURE.set(capture).is_ok() {
        // SAFETY: registers a function that takes nothing and does not unwind.
        unsafe { libc::atexit(at_exit) };
    }
    Ok(())
}

/// Restores the streams and waits until earlier output has been forwarded.
pub(super) fn finish() {
    let _ = io::stdout().flush();
    if let Some(capture) = CAPTURE.get() {
        capture.finish();
    }
}

/// Runs when the process exits. Its last lines, such as the reason of a panic, go to the original streams.
extern "C" fn at_exit() {
    if let Some(capture) = CAPTURE.get() {
        capture.is_exiting.store(true, Ordering::Relaxed);
        capture.finish();
        EXIT_FLUSH.request_and_wait();
    }
}

impl Capture {
    fn finish(&self) {
        if self.is_finished.swap(true, Ordering::Relaxed) {
            return;
        }
        for (stream, real) in [1, 2].into_iter().zip(&self.real) {
            // SAFETY: both are open descriptors. This closes the last end of the pipe that this process writes to.
            unsafe { libc::dup2(real.as_raw_fd(), stream) };
        }
        let (open, closed) = &*self.open;
        let guard = open.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = closed.wait_timeout_while(guard, DRAIN_TIMEOUT, |open| *open > 0);
    }
}

/// Forwards the lines of one stream.
struct Lines {
    app: Arc<str>,
    stream: RawFd,
    real: File,
    parents: Arc<Parents>,
    is_service: bool,
    is_exiting: Arc<AtomicBool>,
}

impl Lines {
    fn forward_all(mut self, pipe: OwnedFd) {
        let mut reader = BufReader::new(File::from(pipe));
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => self.forward(&line),
            }
        }
    }

    fn forward(&mut self, line: &[u8]) {
        let is_forwarded = !self.is_exiting.load(Ordering::Relaxed) && self.parents.broadcast(&self.message(line));
        if !is_forwarded || self.is_service {
            // There is no place to report that the original stream is closed.
            let _ = self.real.write_all(line);
        }
    }

    fn message(&self, line: &[u8]) -> Vec<u8> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let output = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        let body = if self.stream == 1 { Body::Stdout { output } } else { Body::Stderr { output } };
        encode_for(&self.app, &Message::new(body), &Limits::default()).expect("a line is below every limit")
    }
}

fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: a new descriptor, which has no other owner.
    match unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) } {
        -1 => Err(io::Error::last_os_error()),
        copy => Ok(unsafe { OwnedFd::from_raw_fd(copy) }),
    }
}

/// Replaces the stream with a pipe, and returns the end to read from.
fn replace_by_pipe(stream: RawFd) -> io::Result<OwnedFd> {
    let (reader, writer) = io::pipe()?;
    // SAFETY: both are open descriptors; the writer's other descriptor is closed when it is dropped.
    match unsafe { libc::dup2(writer.as_raw_fd(), stream) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(reader.into()),
    }
}
