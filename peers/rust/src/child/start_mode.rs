//! How parents reach a worker: by the environment of a spawned process, or by the name of a service.

use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// The port of the parent.
pub(crate) const PORT_VARIABLE: &str = "COMLINK_ZMQ_PORT";

/// `1` in a spawned process.
pub(crate) const MODE_VARIABLE: &str = "COMLINK_WORKER_MODE";

/// The private socket of the parent, such as `ipc:///tmp/mf-1/s`. It takes precedence over the port.
pub(crate) const ENDPOINT_VARIABLE: &str = "MULTIFROST_ENDPOINT";

/// Proves that the parent has started this process.
pub(crate) const TOKEN_VARIABLE: &str = "MULTIFROST_TOKEN";

/// What a parent sets for the process that it starts.
pub(crate) const SPAWN_VARIABLES: [&str; 4] = [PORT_VARIABLE, MODE_VARIABLE, ENDPOINT_VARIABLE, TOKEN_VARIABLE];

/// Whether a worker of this process has taken the variables.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// How parents reach a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    /// Spawned by a parent.
    Spawned(Address),
    /// A service with this name.
    Service(String),
}

/// Where the parent listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) port: Option<u16>,
    pub(super) path: Option<PathBuf>,
    pub(super) token: Option<String>,
}

impl Mode {
    /// Reads the variables of the parent and removes them from the environment, so that no process that this one starts can
    /// be taken for the worker.
    pub(super) fn take(service_id: Option<&str>) -> Result<Self> {
        let [port, _, endpoint, token] = SPAWN_VARIABLES.map(|name| {
            let value = env::var_os(name).map(|value| value.to_string_lossy().into_owned());
            if value.is_some() {
                // SAFETY: the standard library guards the environment against its own functions. Functions of C on other
                // threads could read it meanwhile: documented for `run_worker`, which programs call first.
                unsafe { env::remove_var(name) };
            }
            value
        });
        let is_first = !IS_TAKEN.load(Ordering::Relaxed);
        let mode = Self::choose(port.as_deref(), endpoint.as_deref(), token, service_id, is_first)?;
        if matches!(mode, Self::Spawned(_)) {
            IS_TAKEN.store(true, Ordering::Relaxed);
        }
        Ok(mode)
    }

    /// A parent takes precedence over a service id.
    fn choose(
        port: Option<&str>,
        endpoint: Option<&str>,
        token: Option<String>,
        service_id: Option<&str>,
        is_first: bool,
    ) -> Result<Self> {
        let path = endpoint.and_then(|endpoint| endpoint.strip_prefix("ipc://")).map(PathBuf::from);
        if port.is_some() || path.is_some() {
            let port = port.map(parse_port).transpose()?;
            return Ok(Self::Spawned(Address { port, path, token }));
        }
        match service_id {
            Some(service_id) if is_service_id(service_id) => Ok(Self::Service(service_id.to_owned())),
            Some(service_id) => {
                let rule = "it must have 1 to 255 characters and no control characters";
                Err(Error::usage("INVALID_OPTION", format!("{service_id:?} is no service id: {rule}")))
            }
            None if is_first => Err(Error::usage(
                "NO_START_MODE",
                format!(
                    "the worker has neither {PORT_VARIABLE} in its environment nor a service id: spawn it from a parent, or \
                     make it a service with ChildWorkerContext::with_service_id"
                ),
            )),
            None => Err(Error::usage(
                "NO_START_MODE",
                "another worker of this process is the one that the parent spawned, and a process has one: put the methods \
                 into one worker, or make this one a service with ChildWorkerContext::with_service_id",
            )),
        }
    }
}

fn parse_port(text: &str) -> Result<u16> {
    let is_plain = text.trim().bytes().all(|digit| digit.is_ascii_digit());
    let port = text.trim().parse().ok().filter(|port| is_plain && *port >= 1024);
    port.ok_or_else(|| {
        let message = format!(
            "{PORT_VARIABLE} is {text:?}, which is no port: it must be a whole number from 1024 to 65535; the parent sets \
             it when it spawns a worker: unset it to run this one as a service"
        );
        Error::usage("INVALID_PORT", message)
    })
}

pub(crate) fn is_service_id(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 255 && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(port: Option<&str>, service_id: Option<&str>) -> Result<Mode> {
        Mode::choose(port, None, None, service_id, true)
    }

    #[test]
    fn a_parent_takes_precedence_over_a_service_id() {
        let spawned = Mode::Spawned(Address { port: Some(5555), path: None, token: None });
        assert_eq!(choose(Some("5555"), Some("name")).expect("a mode"), spawned);
        assert_eq!(choose(None, Some("name")).expect("a mode"), Mode::Service("name".to_owned()));
        assert_eq!(choose(None, None).expect_err("no mode").code(), "NO_START_MODE");
        assert_eq!(choose(None, Some("a\nb")).expect_err("no mode").code(), "INVALID_OPTION");
    }

    #[test]
    fn a_private_socket_comes_with_its_token() {
        let token = Some("secret".to_owned());
        let mode = Mode::choose(Some("5555"), Some("ipc:///tmp/x/s"), token.clone(), None, true).expect("a mode");
        assert_eq!(mode, Mode::Spawned(Address { port: Some(5555), path: Some("/tmp/x/s".into()), token }));
    }

    #[test]
    fn a_second_worker_of_a_process_is_refused() {
        let error = Mode::choose(None, None, None, None, false).expect_err("refused");
        assert!(error.to_string().contains("a process has one"), "{error}");
        assert!(Mode::choose(None, None, None, Some("name"), false).is_ok());
    }

    #[test]
    fn invalid_ports_are_refused() {
        for text in ["", "1023", "65536", "+5555", "5555.0", "0x1f90", "-1", "port"] {
            assert_eq!(parse_port(text).expect_err(text).code(), "INVALID_PORT");
        }
    }
}
