//! A worker's process: its start, its output, its end.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::launch::command_line;
use super::link::Task;
use super::options::{Launch, LineHandler, Options, guarded};
use crate::child::PORT_VARIABLE;
use crate::error::{MultifrostError, ProcessEnd, Result};

/// How much of its stderr is kept, in bytes.
const TAIL: usize = 4096;

/// A longer line goes to the handler in pieces of this many bytes.
const MAX_LINE: u64 = 1024 * 1024;

/// How long its last output may take to arrive. A program that it has started may still hold the stream open.
const LAST_OUTPUT: Duration = Duration::from_millis(250);

/// A process, killed when this is dropped.
pub(super) struct Process {
    child: Child,
    command: String,
    pub(super) pid: u32,
    tail: Tail,
    output: [Task; 2],
}

/// The last bytes of its stderr.
pub(super) type Tail = Arc<Mutex<Vec<u8>>>;

impl Process {
    /// Starts it, to connect to this port.
    pub(super) fn launch(launch: &Launch, port: u16, options: &Options) -> Result<Self> {
        let line = command_line(launch);
        let shown = show(&line);
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).envs(launch.env.iter().map(|(name, value)| (name, value)));
        command.env(PORT_VARIABLE, port.to_string()).env("COMLINK_WORKER_MODE", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        if let Some(directory) = &launch.directory {
            command.current_dir(directory);
        }
        let mut child = command.spawn().map_err(|error| cannot_start(&shown, &error))?;
        let tail = Tail::default();
        let stdout = child.stdout.take().expect("it is piped");
        let stderr = child.stderr.take().expect("it is piped");
        let output = [
            Task::spawn(drain(stdout, options.stdout.clone(), None)),
            Task::spawn(drain(stderr, options.stderr.clone(), Some(tail.clone()))),
        ];
        let pid = child.id().expect("nobody has waited for it");
        Ok(Self { child, command: shown, pid, tail, output })
    }

    /// Waits for its end. May be cancelled.
    pub(super) async fn ended(&mut self) -> ProcessEnd {
        let status = self.child.wait().await;
        let [stdout, stderr] = &mut self.output;
        let drained = async { tokio::join!(stdout.ended(), stderr.ended()) };
        let _ = tokio::time::timeout(LAST_OUTPUT, drained).await;
        let (exit_code, signal) = status.map(|status| (status.code(), status.signal())).unwrap_or_default();
        self.end(exit_code, signal)
    }

    /// Its end so far, for a worker that is given up.
    pub(super) fn end(&self, exit_code: Option<i32>, signal: Option<i32>) -> ProcessEnd {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let stderr_tail = String::from_utf8_lossy(&tail).into_owned();
        ProcessEnd { exit_code, signal, stderr_tail, command: self.command.clone() }
    }

    /// Where its stderr is kept, for lines that come by another way.
    pub(super) fn tail(&self) -> Tail {
        self.tail.clone()
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) {
        if let Some(pid) = self.child.id() {
            // SAFETY: the process has not been waited for, so its id is still its own.
            unsafe { libc::kill(pid as libc::pid_t, libc::SIGTERM) };
        }
    }

    /// Ends it.
    pub(super) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.start_kill();
    }
}

/// Adds a line to a tail.
pub(super) fn keep(tail: &Tail, line: &[u8]) {
    let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    tail.extend_from_slice(line);
    let surplus = tail.len().saturating_sub(TAIL);
    tail.drain(..surplus);
}

/// Reads a stream to its end, line by line, so that no amount of output blocks the worker.
async fn drain(stream: impl AsyncRead + Unpin, handler: LineHandler, tail: Option<Tail>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if let Some(tail) = &tail {
            keep(tail, &line);
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = String::from_utf8_lossy(text.strip_suffix(b"\r").unwrap_or(text));
        guarded(|| handler(&text));
    }
}

fn show(line: &[OsString]) -> String {
    let words: Vec<_> = line.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn cannot_start(command: &str, error: &std::io::Error) -> MultifrostError {
    let (code, advice) = match error.kind() {
        ErrorKind::NotFound => ("PROGRAM_NOT_FOUND", "there is no such program; check its path, or install it"),
        ErrorKind::PermissionDenied => {
            ("SPAWN_FAILED", "it may not be run; make the file executable, or name its program")
        }
        _ => ("SPAWN_FAILED", "see the reason"),
    };
    MultifrostError::Spawn { code, message: format!("{command} cannot be started: {error}; {advice}"), end: None }
}
