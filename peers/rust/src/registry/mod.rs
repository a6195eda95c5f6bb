//! The service registry, `~/.multifrost/services.json`, shared with every other implementation.

mod entries;
mod file;
mod lock;
mod time;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use entries::ServiceEntry;
pub(crate) use time::iso_time;

use crate::error::{MultifrostError, Result};
use entries::Services;
use lock::RegistryLocks;

/// How often discovery looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Where services are found by name.
#[derive(Debug, Clone)]
pub struct ServiceRegistry {
    directory: PathBuf,
}

impl ServiceRegistry {
    /// The registry of this user, in `$HOME/.multifrost`.
    ///
    /// # Errors
    /// [`MultifrostError::Registry`] `REGISTRY_UNAVAILABLE` where there is no home directory.
    pub fn of_user() -> Result<Self> {
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        home.map(|home| Self::at(home.join(".multifrost")))
            .ok_or_else(|| unavailable(Path::new("~/.multifrost"), "opened", &"there is no home directory; set HOME"))
    }

    /// The registry in this directory.
    pub fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Enters this process as the service. Blocks while another writer is at it, for 10 s at most.
    ///
    /// # Errors
    /// [`MultifrostError::Registry`]: `SERVICE_EXISTS`, `LOCK_TIMEOUT`, `REGISTRY_UNAVAILABLE`.
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

    /// Takes the entry out, if it is this process's. Blocks as [`ServiceRegistry::register`] does.
    ///
    /// # Errors
    /// [`MultifrostError::Registry`]: `LOCK_TIMEOUT`, `REGISTRY_UNAVAILABLE`.
    pub fn unregister(&self, service_id: &str) -> Result<()> {
        self.update(|services| Ok(services.remove_own(service_id)))
    }

    /// Looks for a service whose process lives, until the timeout. Takes no lock and changes nothing.
    ///
    /// # Errors
    /// [`MultifrostError::Registry`]: `SERVICE_NOT_FOUND`, `REGISTRY_UNAVAILABLE`.
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
            tokio::time::sleep(left.min(LOOK_INTERVAL)).await;
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.join("services.json")
    }

    /// Runs a change that tells whether there is anything to write. Starts over if its locks were broken meanwhile.
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

fn unavailable(path: &Path, verb: &str, why: &dyn std::fmt::Display) -> MultifrostError {
    let message = format!(
        "the service registry {} cannot be {verb}: {why}; make sure that it is in a directory this user may write",
        path.display()
    );
    MultifrostError::Registry { code: "REGISTRY_UNAVAILABLE", message }
}

fn exists(service_id: &str, holder: &ServiceEntry, file: &Path) -> MultifrostError {
    let message = format!(
        "service '{service_id}' is already registered in {} by process {} on port {}, which is still running; stop it \
         first, or register under another name",
        file.display(),
        holder.pid,
        holder.port
    );
    MultifrostError::Registry { code: "SERVICE_EXISTS", message }
}

fn not_found(service_id: &str, services: Option<&Services>, file: &Path, timeout: Duration) -> MultifrostError {
    let there = match services {
        None => "the file does not hold a JSON map".to_owned(),
        Some(services) => services.describe(service_id),
    };
    let message = format!(
        "service '{service_id}' was not found in {} within {} ms: {there}; start the service, or check its name",
        file.display(),
        timeout.as_millis()
    );
    MultifrostError::Registry { code: "SERVICE_NOT_FOUND", message }
}
