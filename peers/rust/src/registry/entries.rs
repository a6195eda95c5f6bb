//! The entries of the registry. Entries of other implementations do not change, to the last digit.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::iso_time;

/// An entry of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServiceEntry {
    /// The port of the service, on this machine.
    pub port: u16,
    /// The id of its process.
    pub pid: u32,
}

impl ServiceEntry {
    pub(super) fn of_this_process(port: u16) -> Self {
        Self { port, pid: std::process::id() }
    }
}

/// All entries, each as JSON text.
#[derive(Debug, Default)]
pub(super) struct Services(BTreeMap<String, Box<RawValue>>);

impl Services {
    /// Returns `None` if the text is no JSON map.
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    pub(super) fn to_text(&self) -> String {
        let lines: Vec<String> =
            self.0.iter().map(|(id, entry)| format!("  {}: {}", serde_json::json!(id), entry.get())).collect();
        if lines.is_empty() { "{}\n".to_owned() } else { format!("{{\n{}\n}}\n", lines.join(",\n")) }
    }

    /// The entry, if its process runs.
    pub(super) fn live(&self, service_id: &str) -> Option<ServiceEntry> {
        self.read(service_id).filter(|entry| is_alive(entry.pid))
    }

    pub(super) fn insert(&mut self, service_id: &str, entry: &ServiceEntry) {
        let started = iso_time(SystemTime::now());
        let json = serde_json::json!({ "port": entry.port, "pid": entry.pid, "started": started });
        let raw = to_raw_value(&json).expect("numbers and text are JSON");
        self.0.insert(service_id.to_owned(), raw);
    }

    /// Removes the entry if it belongs to this process. Returns whether it did.
    pub(super) fn remove_own(&mut self, service_id: &str) -> bool {
        let is_own = self.read(service_id).is_some_and(|entry| entry.pid == std::process::id());
        is_own && self.0.remove(service_id).is_some()
    }

    /// Describes why the service is not found, for an error.
    pub(super) fn describe(&self, service_id: &str) -> String {
        if let Some(entry) = self.read(service_id) {
            return format!("its entry names process {}, which is not running", entry.pid);
        }
        let names: Vec<String> = self.0.keys().take(10).map(|name| format!("'{name}'")).collect();
        if names.is_empty() {
            "no service is registered there".to_owned()
        } else {
            format!("registered there: {}", names.join(", "))
        }
    }

    fn read(&self, service_id: &str) -> Option<ServiceEntry> {
        let entry: ServiceEntry = serde_json::from_str(self.0.get(service_id)?.get()).ok()?;
        (entry.port > 0 && entry.pid > 0).then_some(entry)
    }
}

/// Whether a process with this id runs, even as another user.
pub(super) fn is_alive(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else {
        return false;
    };
    // SAFETY: signal 0 only checks whether the process exists.
    let looked = unsafe { libc::kill(pid, 0) };
    looked == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}
