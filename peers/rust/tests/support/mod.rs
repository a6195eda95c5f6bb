//! Functions that the tests share.

#![allow(dead_code, reason = "each test file uses a part")]

pub mod bare;

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use multifrost::{ParentWorker, ParentWorkerBuilder, StructuredLogger, call};

/// The worker of `tests/fixtures/edge_worker.rs`.
pub fn edge_worker() -> &'static str {
    env!("CARGO_BIN_EXE_edge_worker")
}

/// A builder of a parent of that worker, which prints nothing.
pub fn spawning() -> ParentWorkerBuilder {
    ParentWorkerBuilder::spawn(edge_worker())
        .default_timeout(Duration::from_secs(10))
        .stdout_handler(|_| {})
        .stderr_handler(|_| {})
        .logger(StructuredLogger::new())
}

/// Builds and starts a worker.
pub async fn started(builder: ParentWorkerBuilder) -> ParentWorker {
    let worker = builder.build().await.expect("it can be built");
    worker.start().await.expect("it starts");
    worker
}

/// Collects lines of output.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub fn handler(&self) -> impl Fn(&str) + Send + Sync + 'static + use<> {
        let lines = self.0.clone();
        move |line| lines.lock().expect("no panic").push(line.to_owned())
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }
}

/// Callers that call a worker without a pause.
pub struct SteadyCalls {
    over: Arc<AtomicBool>,
    callers: Vec<tokio::task::JoinHandle<u64>>,
}

impl SteadyCalls {
    pub fn begin(worker: &ParentWorker) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let callers = (0..8).map(|_| {
            let (worker, over) = (worker.clone(), over.clone());
            tokio::spawn(async move {
                let mut calls = 0;
                while !over.load(Ordering::Relaxed) {
                    let sum: i64 = call!(worker, add(1, 2)).await.expect("no call fails");
                    assert_eq!(sum, 3);
                    calls += 1;
                }
                calls
            })
        });
        Self { callers: callers.collect(), over }
    }

    /// Panics if a call failed.
    pub async fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        for caller in self.callers {
            assert!(caller.await.expect("no call fails") > 0);
        }
    }
}

/// Waits for a condition, for at most 10 s.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "timed out after 10 s waiting until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process runs. A zombie does not.
pub fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Sends a signal by its name.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().expect("kill runs");
    assert!(sent.success(), "process {pid} could not be signalled");
}

/// A process that is killed when the test ends.
pub struct Guarded(pub Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Guarded {
    /// Starts the worker by hand, with this environment.
    pub fn edge_worker(env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(edge_worker());
        command.env_remove("COMLINK_ZMQ_PORT").envs(env.iter().copied());
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"))
    }

    /// Waits for its end, for at most 10 s, and returns its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("it is a child process") {
                return status.code();
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "it still runs after 10 s");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
