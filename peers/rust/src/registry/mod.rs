//! The service registry, `~/.multifrost/services.json`, which all implementations share.

mod entries;
mod file;
mod lock;
mod time;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use entries::ServiceEntry;
pub(crate) use time::iso_time;

use crate::error::{Error, Result};
use entries::Services;
use lock::RegistryLocks;

/// The time between two reads of the file during discovery.
const READ_INTERVAL: Duration = Duration::from_millis(100);

/// The registry in which services are found by name.
#[derive(Debug, Clone)]
pub struct ServiceRegistry {
    directory: PathBuf,
}

impl ServiceRegistry {
    /// The registry of this user, in `$HOME/.multifrost`.
    ///
    /// # Errors
    /// [`Error::Registry`] `REGISTRY_UNAVAILABLE` if there is no home directory.
    pub fn of_user() -> Result<Self> {
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        home.map(|home| Self::at(home.join(".multifrost")))
            .ok_or_else(|| unavailable(Path::new("~/.multifrost"), "opened", &"there is no home directory; set HOME"))
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
        let entry = ServiceEntry::of_this_process(port);
        self.update(|services| match services.live(service_id) {
            Some(holder) => Err(exists(service_id, &holder, &self.file())),
            None => {
                services.insert(service_id, &entry);
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
            let services = file::read(&self.file()).map_err(|error| unavailable(&self.file(), "read", &error))?;
            if let Some(entry) = services.as_ref().and_then(|services| services.live(service_id)) {
                return Ok(entry);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(not_found(service_id, services.as_ref(), &self.file(), timeout));
            }
            tokio::time::sleep(left.min(READ_INTERVAL)).await;
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.join("services.json")
    }

    /// Applies a change, which returns whether the entries must be written. Starts over if its locks were broken.
    fn update(&self, change: impl Fn(&mut Services) -> Result<bool>) -> Result<()> {
        file::prepare(&self.directory).map_err(|error| unavailable(&self.directory, "written", &error))?;
        let io = |error: std::io::Error| unavailable(&self.file(), "written", &error);
        loop {
            let locks = RegistryLocks::take(&self.directory)?;
            let mut services = match file::read(&self.file()).map_err(io)? {
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
