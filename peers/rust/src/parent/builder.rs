//! Makes parents.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::options::{Launch, Options, Way};
use super::worker::ParentWorker;
use crate::child::is_service_id;
use crate::codec::{Limits, Message};
use crate::error::{MultifrostError, Result};
use crate::log::StructuredLogger;
use crate::registry::ServiceRegistry;

/// Collects a worker's options; `build()` makes the parent, `start()` starts it.
pub struct ParentWorkerBuilder {
    name: String,
    options: Options,
    invalid: Option<String>,
}

impl ParentWorkerBuilder {
    /// A worker that this parent starts and owns. `name` is shown with its output; empty: the script's file name.
    ///
    /// The program follows the script's extension (`.py` python3, `.js` node, `.go` go run, …); anything else is run
    /// itself. There is no shell.
    pub fn spawn(name: &str, script: impl Into<PathBuf>) -> Self {
        let script = script.into();
        let file_name = script.file_name().unwrap_or(script.as_os_str()).to_string_lossy().into_owned();
        let name = if name.is_empty() { file_name } else { name.to_owned() };
        Self::new(name, Way::Spawn(Launch { script, ..Launch::default() }))
    }

    /// A service that runs by itself and is looked up by its name in the registry, for `timeout` at most. Default: 5 s.
    pub fn connect(service_id: &str, timeout: Option<Duration>) -> Self {
        let timeout = timeout.unwrap_or(Duration::from_secs(5));
        let mut builder = Self::new(service_id.to_owned(), Way::Connect { service_id: service_id.to_owned(), timeout });
        if !is_service_id(service_id) {
            builder.invalid = Some(format!("{service_id:?} is no service id"));
        }
        builder
    }

    fn new(name: String, way: Way) -> Self {
        let (stdout, stderr) = (name.clone(), name.clone());
        let options = Options {
            way,
            auto_restart: false,
            max_restart_attempts: 5,
            default_timeout: None,
            heartbeat_interval: Duration::from_secs(5),
            heartbeat_timeout: Duration::from_secs(3),
            heartbeat_max_misses: 3,
            start_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
            max_pending: 250_000,
            limits: Limits::default(),
            registry: None,
            logger: StructuredLogger::default(),
            stdout: Arc::new(move |line| println!("[{stdout} STDOUT]: {line}")),
            stderr: Arc::new(move |line| eprintln!("[{stderr} STDERR]: {line}")),
            on_message: None,
            is_failure: None,
        };
        Self { name, options, invalid: None }
    }

    /// Starts the worker again when it ends unexpectedly or its heartbeats are lost. Default: off.
    #[must_use]
    pub fn auto_restart(mut self, on: bool) -> Self {
        self.options.auto_restart = on;
        self
    }

    /// Restarts before giving up, and failures in a row before the circuit breaker opens. Default: 5. A worker that was
    /// well for 30 s has all its restarts again.
    #[must_use]
    pub fn max_restart_attempts(mut self, attempts: u32) -> Self {
        self.options.max_restart_attempts = attempts;
        self
    }

    /// How long calls wait for their answers. Default: for ever.
    #[must_use]
    pub fn default_timeout(mut self, timeout: Duration) -> Self {
        self.options.default_timeout = Some(timeout);
        self
    }

    /// Seconds between heartbeats; 0 switches them off. Default: 5.
    #[must_use]
    pub fn heartbeat_interval(mut self, seconds: f64) -> Self {
        self.options.heartbeat_interval = self.seconds("heartbeat_interval", seconds);
        self
    }

    /// Seconds after which a heartbeat without an answer is a miss. Default: 3.
    #[must_use]
    pub fn heartbeat_timeout(mut self, seconds: f64) -> Self {
        self.options.heartbeat_timeout = self.seconds("heartbeat_timeout", seconds);
        self
    }

    /// Misses in a row before the circuit breaker opens. Default: 3.
    #[must_use]
    pub fn heartbeat_max_misses(mut self, misses: u32) -> Self {
        self.options.heartbeat_max_misses = misses.max(1);
        self
    }

    /// How long the worker may take to start. Default: 30 s.
    #[must_use]
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.options.start_timeout = timeout;
        self
    }

    /// How long calls in flight may take to finish at `stop()`. Default: 5 s.
    #[must_use]
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.options.stop_timeout = timeout;
        self
    }

    /// How many calls may wait at once; more are refused. Default: 250,000.
    #[must_use]
    pub fn max_pending(mut self, calls: usize) -> Self {
        self.options.max_pending = calls.max(1);
        self
    }

    /// Takes the worker's stdout line by line. Default: prints `[name STDOUT]: line`.
    #[must_use]
    pub fn stdout_handler(mut self, handler: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.options.stdout = Arc::new(handler);
        self
    }

    /// Takes the worker's stderr line by line. Default: prints `[name STDERR]: line` to stderr.
    #[must_use]
    pub fn stderr_handler(mut self, handler: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.options.stderr = Arc::new(handler);
        self
    }

    /// Sees every message that comes from the worker. For debugging.
    #[must_use]
    pub fn message_handler(mut self, handler: impl Fn(&Message) + Send + Sync + 'static) -> Self {
        self.options.on_message = Some(Arc::new(handler));
        self
    }

    /// Says which errors speak against the worker, of those that do so by default: leave out, say, failed validation.
    #[must_use]
    pub fn is_failure(mut self, rule: impl Fn(&MultifrostError) -> bool + Send + Sync + 'static) -> Self {
        self.options.is_failure = Some(Arc::new(rule));
        self
    }

    /// Where log events go. Default: warnings and errors to stderr.
    #[must_use]
    pub fn logger(mut self, logger: StructuredLogger) -> Self {
        self.options.logger = logger;
        self
    }

    /// How large messages and values may be. A limit of 0 is refused by [`Self::build`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.invalid = limits.fault().or(self.invalid);
        self.options.limits = limits;
        self
    }

    /// Where services are looked up. Default: the registry of this user.
    #[must_use]
    pub fn registry(mut self, registry: ServiceRegistry) -> Self {
        self.options.registry = Some(registry);
        self
    }

    /// The program that runs the script, and its leading arguments. Spawn only.
    #[must_use]
    pub fn executable<T: Into<OsString>>(self, program: impl IntoIterator<Item = T>) -> Self {
        self.launch("executable", |launch| launch.executable = program.into_iter().map(Into::into).collect())
    }

    /// Arguments behind the script. Spawn only.
    #[must_use]
    pub fn args<T: Into<OsString>>(self, args: impl IntoIterator<Item = T>) -> Self {
        self.launch("args", |launch| launch.args = args.into_iter().map(Into::into).collect())
    }

    /// A variable of the worker's environment, next to those it inherits. Spawn only.
    #[must_use]
    pub fn env(self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.launch("env", |launch| launch.env.push((name.into(), value.into())))
    }

    /// The directory that the worker runs in. Default: this process's. Spawn only.
    #[must_use]
    pub fn current_dir(self, directory: impl AsRef<Path>) -> Self {
        self.launch("current_dir", |launch| launch.directory = Some(directory.as_ref().to_owned()))
    }

    /// Makes the parent. A service is looked up here; a process is not started before `start()`.
    ///
    /// # Errors
    /// [`MultifrostError::Usage`] for an option that cannot be used; [`MultifrostError::Registry`] where the service is
    /// not found.
    pub async fn build(self) -> Result<ParentWorker> {
        if let Some(message) = self.invalid {
            return Err(MultifrostError::usage("INVALID_OPTION", message));
        }
        if let Way::Connect { service_id, timeout } = &self.options.way {
            self.options.registry()?.discover(service_id, *timeout).await?;
        }
        Ok(ParentWorker::new(self.name, self.options))
    }

    fn launch(mut self, option: &str, set: impl FnOnce(&mut Launch)) -> Self {
        match &mut self.options.way {
            Way::Spawn(launch) => set(launch),
            Way::Connect { .. } => {
                self.invalid = Some(format!("{option} is for spawned workers; a service runs by itself"))
            }
        }
        self
    }

    fn seconds(&mut self, option: &str, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds).unwrap_or_else(|_| {
            self.invalid = Some(format!("{option} must be seconds of at least 0, not {seconds}"));
            Duration::ZERO
        })
    }
}
