//! The process of a worker.

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
use super::orphan_guard::Group;
use crate::child::SPAWN_VARIABLES;
use crate::error::{Error, ProcessEnd, Result};

/// How much of stderr is kept, in bytes.
const STDERR_TAIL_BYTES: usize = 4096;

/// Longer lines are passed to the handler in pieces of this many bytes.
const MAX_LINE: u64 = 1024 * 1024;

/// How long the last output may take to arrive. A child process of the worker may still hold the stream open.
const OUTPUT_TIMEOUT: Duration = Duration::from_millis(250);

/// The process of a worker. Dropping it kills the process.
pub(super) struct Process {
    child: Child,
    command: String,
    pub(super) pid: u32,
    stderr_tail: StderrTail,
    output: [Task; 2],
    /// Until its leader has ended.
    group: Option<Group>,
}

/// The last bytes of stderr.
pub(super) type StderrTail = Arc<Mutex<Vec<u8>>>;

impl Process {
    /// Starts the process with these environment variables.
    pub(super) fn launch(launch: &Launch, variables: Vec<(&str, OsString)>, options: &Options) -> Result<Self> {
        let line = command_line(launch);
        let shown = show(&line);
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).envs(launch.env.iter().map(|(name, value)| (name, value)));
        // This process may have been given some itself.
        for name in SPAWN_VARIABLES {
            command.env_remove(name);
        }
        command.envs(variables);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.process_group(0);
        if let Some(directory) = &launch.directory {
            command.current_dir(directory);
        }
        let mut child = command.spawn().map_err(|error| cannot_start(&shown, &error))?;
        let stderr_tail = StderrTail::default();
        let stdout = child.stdout.take().expect("it is piped");
        let stderr = child.stderr.take().expect("it is piped");
        let output = [
            Task::spawn(drain(stdout, options.stdout.clone(), None)),
            Task::spawn(drain(stderr, options.stderr.clone(), Some(stderr_tail.clone()))),
        ];
        let pid = child.id().expect("it has not been waited for");
        Ok(Self { child, command: shown, pid, stderr_tail, output, group: Some(Group::of(pid)) })
    }

    /// Waits until the process has ended. Cancel safe.
    pub(super) async fn ended(&mut self) -> ProcessEnd {
        let status = self.child.wait().await;
        self.group = None;
        let [stdout, stderr] = &mut self.output;
        let drained = async { tokio::join!(stdout.ended(), stderr.ended()) };
        let _ = tokio::time::timeout(OUTPUT_TIMEOUT, drained).await;
        let (exit_code, signal) = status.map(|status| (status.code(), status.signal())).unwrap_or_default();
        self.end(exit_code, signal)
    }

    /// Describes the end of the process, or its state so far if the parent gives up on it.
    pub(super) fn end(&self, exit_code: Option<i32>, signal: Option<i32>) -> ProcessEnd {
        let tail = self.stderr_tail.lock().unwrap_or_else(PoisonError::into_inner);
        let stderr_tail = String::from_utf8_lossy(&tail).into_owned();
        ProcessEnd { exit_code, signal, stderr_tail, command: self.command.clone(), stalled: None }
    }

    /// The tail of stderr, to which lines that arrive as messages are added.
    pub(super) fn stderr_tail(&self) -> StderrTail {
        self.stderr_tail.clone()
    }

    /// Sends SIGTERM to the process group.
    pub(super) fn terminate(&self) {
        self.signal(libc::SIGTERM);
    }

    /// Sends SIGKILL to the process group.
    pub(super) fn kill(&self) {
        self.signal(libc::SIGKILL);
    }

    fn signal(&self, signal: libc::c_int) {
        if let Some(group) = &self.group {
            group.signal(signal);
        }
    }
}

/// Adds a line to the tail of stderr.
pub(super) fn keep(tail: &StderrTail, line: &[u8]) {
    let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    tail.extend_from_slice(line);
    let surplus = tail.len().saturating_sub(STDERR_TAIL_BYTES);
    tail.drain(..surplus);
}

/// Reads a stream to its end, line by line, so that output does not block the worker.
async fn drain(stream: impl AsyncRead + Unpin, handler: LineHandler, tail: Option<StderrTail>) {
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

fn cannot_start(command: &str, error: &std::io::Error) -> Error {
    let (code, advice) = match error.kind() {
        ErrorKind::NotFound => ("PROGRAM_NOT_FOUND", "the program does not exist: check its path, or install it"),
        ErrorKind::PermissionDenied => (
            "SPAWN_FAILED",
            "the file is not executable: change that, or name the program that runs it with executable",
        ),
        _ => ("SPAWN_FAILED", "check the command"),
    };
    Error::Spawn { code, message: format!("{command} cannot be started: {error}; {advice}"), end: None }
}
