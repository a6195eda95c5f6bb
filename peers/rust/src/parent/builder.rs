//! The options of a parent.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::options::{ConnectMode, Launch, LineHandler, Options};
use super::worker::ParentWorker;
use crate::child::is_service_id;
use crate::codec::{APP_ID, Limits, Message};
use crate::error::{Error, Result};
use crate::log::StructuredLogger;
use crate::registry::ServiceRegistry;

/// Collects the options of a parent. `build()` returns the parent, whose `start()` starts the worker.
pub struct ParentWorkerBuilder {
    name: String,
    stdout: Option<LineHandler>,
    stderr: Option<LineHandler>,
    options: Options,
    invalid: Option<String>,
}

impl ParentWorkerBuilder {
    /// A worker that this parent starts, in a new process. Nothing runs until [`ParentWorker::start`].
    ///
    /// The extension of the script decides what runs it: `python3` for `.py`, `node` for `.js`, `tsx` or else `node` for
    /// `.ts`, `go run` for `.go`. Other files run directly, never in a shell. [`Self::executable`] names another program.
    pub fn spawn(script: impl Into<PathBuf>) -> Self {
        let script = script.into();
        let name = script.file_name().unwrap_or(script.as_os_str()).to_string_lossy().into_owned();
        Self::new(name, ConnectMode::Spawn(Launch { script, ..Launch::default() }))
    }

    /// A service that already runs and is found by its name. [`Self::build`] waits for it, for at most `timeout`. Default: 5 s.
    pub fn connect(service_id: &str, timeout: Option<Duration>) -> Self {
        let timeout = timeout.unwrap_or(Duration::from_secs(5));
        let mut builder =
            Self::new(service_id.to_owned(), ConnectMode::Connect { service_id: service_id.to_owned(), timeout });
        if !is_service_id(service_id) {
            builder.invalid = Some(format!("{service_id:?} is no service id"));
        }
        builder
    }

    fn new(name: String, connect_mode: ConnectMode) -> Self {
        let options = Options {
            connect_mode,
            auto_restart: false,
            max_restart_attempts: 5,
            default_timeout: None,
            heartbeat_interval: Duration::from_secs(5),
            heartbeat_timeout: Duration::from_secs(3),
            heartbeat_max_misses: 3,
            stall_timeout: Duration::from_secs(60),
            start_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
            max_pending: 250_000,
            limits: Limits::default(),
            app: APP_ID.into(),
            registry: None,
            logger: StructuredLogger::default(),
            stdout: Arc::new(|_| {}),
            stderr: Arc::new(|_| {}),
            on_message: None,
            is_failure: None,
        };
        Self { name, stdout: None, stderr: None, options, invalid: None }
    }

    /// Sets the name that is shown with the worker's output and log events. Default: the file name of the script, or the
    /// id of the service.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Restarts the worker when it exits, or is stalled for [`Self::stall_timeout`]. Default: off.
    #[must_use]
    pub fn auto_restart(mut self, on: bool) -> Self {
        self.options.auto_restart = on;
        self
    }

    /// Sets how many restarts a worker gets before the parent gives up on it, and how many consecutive failures open the
    /// circuit breaker. A worker that runs for 30 s gets its restarts back. Exits, lost connections and timeouts count against the
    /// worker; an error of a method counts against this method alone, whose circuit leaves others callable. Default: 5.
    #[must_use]
    pub fn max_restart_attempts(mut self, attempts: u32) -> Self {
        self.options.max_restart_attempts = attempts;
        self
    }

    /// Sets how long calls wait for their answers. Default: without end.
    #[must_use]
    pub fn default_timeout(mut self, timeout: Duration) -> Self {
        self.options.default_timeout = Some(timeout);
        self
    }

    /// Sets the time between heartbeats, in seconds. 0 switches them off. Default: 5.
    #[must_use]
    pub fn heartbeat_interval(mut self, seconds: f64) -> Self {
        self.options.heartbeat_interval = self.seconds("heartbeat_interval", seconds);
        self
    }

    /// Sets how long the answer to a heartbeat may take, in seconds. Default: 3.
    #[must_use]
    pub fn heartbeat_timeout(mut self, seconds: f64) -> Self {
        self.options.heartbeat_timeout = self.seconds("heartbeat_timeout", seconds);
        self
    }

    /// Sets after how many consecutive missed heartbeats the state is [`WorkerState::Stalled`](crate::WorkerState::Stalled).
    /// Default: 3.
    #[must_use]
    pub fn heartbeat_max_misses(mut self, misses: u32) -> Self {
        self.options.heartbeat_max_misses = misses.max(1);
        self
    }

    /// Sets how long a worker that is connected may leave heartbeats unanswered, in seconds, because it computes, is suspended or
    /// hangs. Then the circuit breaker opens, and with [`Self::auto_restart`] the worker is killed and restarted. It is counted in
    /// whole intervals; time in which this process did not run does not count. 0 means as soon as it is stalled, infinity never.
    /// Default: 60.
    #[must_use]
    pub fn stall_timeout(mut self, seconds: f64) -> Self {
        self.options.stall_timeout =
            if seconds == f64::INFINITY { Duration::MAX } else { self.seconds("stall_timeout", seconds) };
        self
    }

    /// Sets how long the worker may take to start. Default: 30 s.
    #[must_use]
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.options.start_timeout = timeout;
        self
    }

    /// Sets how long calls in flight may take to finish in [`ParentWorker::stop`]. Default: 5 s.
    #[must_use]
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.options.stop_timeout = timeout;
        self
    }

    /// Bounds the calls that wait for an answer. More fail with [`Error::Overload`]. Default: 250,000.
    #[must_use]
    pub fn max_pending(mut self, calls: usize) -> Self {
        self.options.max_pending = calls.max(1);
        self
    }

    /// Sets the handler of the lines that the worker writes to stdout. Default: prints `[name STDOUT]: line`.
    #[must_use]
    pub fn stdout_handler(mut self, handler: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.stdout = Some(Arc::new(handler));
        self
    }

    /// Sets the handler of the lines that the worker writes to stderr. Default: prints `[name STDERR]: line` to stderr.
    #[must_use]
    pub fn stderr_handler(mut self, handler: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.stderr = Some(Arc::new(handler));
        self
    }

    /// Sets a handler that gets each message of the worker, for debugging. Default: none.
    #[must_use]
    pub fn message_handler(mut self, handler: impl Fn(&Message) + Send + Sync + 'static) -> Self {
        self.options.on_message = Some(Arc::new(handler));
        self
    }

    /// Sets a function that decides whether an error counts for the circuit breaker, for example to exclude failed validation.
    /// It is asked only about errors that count by default. Default: all of them.
    #[must_use]
    pub fn is_failure(mut self, rule: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        self.options.is_failure = Some(Arc::new(rule));
        self
    }

    /// Sets the logger. Default: warnings and errors, to stderr.
    #[must_use]
    pub fn logger(mut self, logger: StructuredLogger) -> Self {
        self.options.logger = logger;
        self
    }

    /// Sets the limits of messages and values. [`Self::build`] refuses a limit of 0. Default: see [`Limits`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.invalid = limits.fault().or(self.invalid);
        self.options.limits = limits;
        self
    }

    /// Sets the app id of all messages, which the worker must have too. [`Self::build`] refuses an empty one. Default:
    /// `comlink_ipc_v3`; `comlink_ipc_v4` has the same wire format.
    #[must_use]
    pub fn app(mut self, app: impl Into<String>) -> Self {
        let app = app.into();
        self.invalid = app.is_empty().then(|| "app must not be empty".to_owned()).or(self.invalid);
        self.options.app = app.into();
        self
    }

    /// Sets the registry in which services are found. Default: that of this user.
    #[must_use]
    pub fn registry(mut self, registry: ServiceRegistry) -> Self {
        self.options.registry = Some(registry);
        self
    }

    /// Sets the program that runs the script, and its leading arguments. For spawned workers. Default: by the script's
    /// extension.
    #[must_use]
    pub fn executable<T: Into<OsString>>(self, program: impl IntoIterator<Item = T>) -> Self {
        self.launch("executable", |launch| launch.executable = program.into_iter().map(Into::into).collect())
    }

    /// Sets the arguments that follow the script. For spawned workers. Default: none.
    #[must_use]
    pub fn args<T: Into<OsString>>(self, args: impl IntoIterator<Item = T>) -> Self {
        self.launch("args", |launch| launch.args = args.into_iter().map(Into::into).collect())
    }

    /// Adds a variable to the environment that the worker inherits. For spawned workers.
    #[must_use]
    pub fn env(self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.launch("env", |launch| launch.env.push((name.into(), value.into())))
    }

    /// Sets the working directory. For spawned workers. Default: that of this process.
    #[must_use]
    pub fn current_dir(self, directory: impl AsRef<Path>) -> Self {
        self.launch("current_dir", |launch| launch.directory = Some(directory.as_ref().to_owned()))
    }

    /// Returns the parent. Finds a service, but starts no process.
    ///
    /// # Errors
    /// [`Error::Usage`] for an invalid option, [`Error::Registry`] if the service is not found.
    pub async fn build(mut self) -> Result<ParentWorker> {
        if let Some(message) = self.invalid {
            return Err(Error::usage("INVALID_OPTION", message));
        }
        if let ConnectMode::Connect { service_id, timeout } = &self.options.connect_mode {
            self.options.registry()?.discover(service_id, *timeout).await?;
        }
        let (stdout, stderr) = (self.name.clone(), self.name.clone());
        self.options.stdout =
            self.stdout.unwrap_or_else(|| Arc::new(move |line| println!("[{stdout} STDOUT]: {line}")));
        self.options.stderr =
            self.stderr.unwrap_or_else(|| Arc::new(move |line| eprintln!("[{stderr} STDERR]: {line}")));
        Ok(ParentWorker::new(self.name, self.options))
    }

    fn launch(mut self, option: &str, set: impl FnOnce(&mut Launch)) -> Self {
        match &mut self.options.connect_mode {
            ConnectMode::Spawn(launch) => set(launch),
            ConnectMode::Connect { .. } => {
                self.invalid = Some(format!("{option} is an option of spawned workers, not of services"))
            }
        }
        self
    }

    fn seconds(&mut self, option: &str, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds).unwrap_or_else(|_| {
            self.invalid = Some(format!("{option} must be at least 0 seconds, not {seconds}"));
            Duration::ZERO
        })
    }
}
