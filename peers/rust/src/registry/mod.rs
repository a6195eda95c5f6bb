//! The service registry, `~/.multifrost/services.json`, which all implementations share.

mod entries;
mod file;
mod liveness;
mod lock;
mod probe;
mod time;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use entries::ServiceEntry;
pub(crate) use time::iso_time;

use crate::error::{Error, Result};
use entries::Services;
use liveness::{Liveness, is_live, judge_here};
use lock::RegistryLocks;

/// The time between two reads of the file during discovery.
const READ_INTERVAL: Duration = Duration::from_millis(100);

/// The registry in which services are found by name.
#[derive(Debug, Clone)]
pub struct ServiceRegistry {
    directory: PathBuf,
}

impl ServiceRegistry {
    /// The registry of this user, in `$HOME/.multifrost`. A `HOME` that is no absolute path counts as not set: then it is in the
    /// home directory that the system has for the user.
    ///
    /// # Errors
    /// [`Error::Registry`] `REGISTRY_UNAVAILABLE` if there is no home directory.
    pub fn of_user() -> Result<Self> {
        let home = file::home_directory();
        home.map(|home| Self::at(home.join(".multifrost"))).ok_or_else(|| {
            let why = "HOME is not an absolute path and the system knows no home of this user; set HOME to one";
            unavailable(Path::new("~/.multifrost"), "opened", &why)
        })
    }

    /// The registry in this directory.
    pub fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Adds an entry for this process. Blocks while another process writes, for at most 10 s.
    ///
    /// # Errors
    /// [`Error::Registry`]: `SERVICE_EXISTS`, `LOCK_TIMEOUT`, `REGISTRY_UNAVAILABLE`.
    pub fn register(&self, service_id: &str, port: u16) -> Result<()> {
        self.update(|services| match services.read(service_id).filter(is_live) {
            Some(holder) => Err(exists(service_id, &holder.public(), &self.file())),
            None => {
                services.insert_own(service_id, port);
                Ok(true)
            }
        })
    }

    /// Removes the entry, if it belongs to this process. Blocks as [`ServiceRegistry::register`] does.
    ///
    /// # Errors
    /// [`Error::Registry`]: `LOCK_TIMEOUT`, `REGISTRY_UNAVAILABLE`.
    pub fn unregister(&self, service_id: &str) -> Result<()> {
        self.update(|services| Ok(services.remove_own(service_id)))
    }

    /// Waits until the service is registered and its process runs, for at most `timeout`. Takes no lock.
    ///
    /// # Errors
    /// [`Error::Registry`]: `SERVICE_NOT_FOUND`, `REGISTRY_UNAVAILABLE`.
    pub async fn discover(&self, service_id: &str, timeout: Duration) -> Result<ServiceEntry> {
        let until = Instant::now() + timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut looks = 1;
            let services = loop {
                let services = self.look("read")?;
                if services.is_some() || !left.is_zero() || looks == file::LOOKS {
                    break services;
                }
                // Another program may be writing the file.
                looks += 1;
                tokio::time::sleep(file::LOOKS_APART).await;
            };
            if let Some(entry) = services.as_ref().and_then(|services| services.read(service_id)) {
                let is_found = match judge_here(&entry) {
                    Liveness::Live => true,
                    Liveness::Gone => false,
                    Liveness::Unclear => {
                        let port = entry.port;
                        tokio::task::spawn_blocking(move || probe::answers_heartbeat(port)).await.unwrap_or(false)
                    }
                };
                if is_found {
                    return Ok(entry.public());
                }
            }
            if left.is_zero() {
                return Err(not_found(service_id, services.as_ref(), &self.file(), timeout));
            }
            tokio::time::sleep(left.min(READ_INTERVAL)).await;
        }
    }

    /// Reads the entries, `None` if the file is no JSON map.
    fn look(&self, verb: &str) -> Result<Option<Services>> {
        self.check_directory()?;
        file::read(&self.file()).map_err(|error| match error {
            file::ReadError::Io(error) => unavailable(&self.file(), verb, &error),
            file::ReadError::Irregular(kind) => irregular(&self.file(), kind),
        })
    }

    /// Refuses a directory in which other users could send callers to another program.
    fn check_directory(&self) -> Result<()> {
        file::danger(&self.directory)
            .map_or(Ok(()), |message| Err(Error::Registry { code: "REGISTRY_UNAVAILABLE", message }))
    }

    fn file(&self) -> PathBuf {
        self.directory.join("services.json")
    }

    /// Like `look`, but reads a file that is no JSON map again for 0.1 s: it may be about to become one.
    fn look_whole(&self) -> Result<Option<Services>> {
        for _ in 1..file::LOOKS {
            if let Some(services) = self.look("written")? {
                return Ok(Some(services));
            }
            std::thread::sleep(file::LOOKS_APART);
        }
        self.look("written")
    }

    /// Applies a change, which returns whether the entries must be written. Starts over if its locks were broken.
    fn update(&self, change: impl Fn(&mut Services) -> Result<bool>) -> Result<()> {
        self.check_directory()?;
        file::prepare(&self.directory).map_err(|error| unavailable(&self.directory, "written", &error))?;
        let io = |error: std::io::Error| unavailable(&self.file(), "written", &error);
        loop {
            let locks = RegistryLocks::take(&self.directory)?;
            let mut services = match self.look_whole()? {
                Some(services) => services,
                None => file::set_aside(&self.file()).map_err(io)?,
            };
            if !change(&mut services)? || file::replace(&self.file(), &services, &|| locks.are_held()).map_err(io)? {
                return Ok(());
            }
        }
    }
}

fn unavailable(path: &Path, verb: &str, why: &dyn std::fmt::Display) -> Error {
    let message = format!(
        "the service registry {} cannot be {verb}: {why}; make sure that it is in a directory that this user can write",
        path.display()
    );
    Error::Registry { code: "REGISTRY_UNAVAILABLE", message }
}

fn irregular(file: &Path, kind: &str) -> Error {
    let message = format!(
        "the service registry {} is {kind}, not a regular file; remove it or move it away: the next service that \
         registers makes a new one",
        file.display()
    );
    Error::Registry { code: "REGISTRY_UNAVAILABLE", message }
}

fn exists(service_id: &str, holder: &ServiceEntry, file: &Path) -> Error {
    let message = format!(
        "service '{service_id}' is already registered in {} by process {} on port {}, which is still running; stop it \
         first, or register under another name",
        file.display(),
        holder.pid,
        holder.port
    );
    Error::Registry { code: "SERVICE_EXISTS", message }
}

fn not_found(service_id: &str, services: Option<&Services>, file: &Path, timeout: Duration) -> Error {
    let there = match services {
        None => "the file is no JSON map".to_owned(),
        Some(services) => services.describe(service_id),
    };
    let message = format!(
        "service '{service_id}' was not found in {} within {} ms: {there}; start the service, or check its name",
        file.display(),
        timeout.as_millis()
    );
    Error::Registry { code: "SERVICE_NOT_FOUND", message }
}
