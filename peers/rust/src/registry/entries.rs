//! The entries of the registry. Entries of other implementations do not change, to the last digit.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::value::{RawValue, to_raw_value};

use super::iso_time;
use super::liveness::{boot_id, is_alive, running_process};

/// An entry of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEntry {
    /// The port of the service, on this machine.
    pub port: u16,
    /// The id of its process.
    pub pid: u32,
}

/// An entry as it is in the file, also with what tells its process from others with the same pid.
#[derive(Debug, Clone)]
pub(super) struct StoredEntry {
    pub(super) port: u16,
    pub(super) pid: u32,
    /// When its process started. `None` in entries of older implementations.
    pub(super) process_started: Option<String>,
    /// The boot in which it runs.
    pub(super) boot: Option<String>,
}

impl StoredEntry {
    /// `None` if it has no valid port and pid. Other fields of a wrong type are absent.
    pub(super) fn parse(json: &str) -> Option<Self> {
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).ok()?;
        let text = |name: &str| fields.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let number = |name: &str| u32::try_from(fields.get(name)?.as_u64()?).ok().filter(|number| *number > 0);
        Some(Self {
            port: u16::try_from(number("port")?).ok()?,
            pid: number("pid")?,
            process_started: text("process_started"),
            boot: text("boot"),
        })
    }

    pub(super) fn public(&self) -> ServiceEntry {
        ServiceEntry { port: self.port, pid: self.pid }
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

    /// Adds the entry of a service in this process.
    pub(super) fn insert_own(&mut self, service_id: &str, port: u16) {
        let pid = std::process::id();
        let mut json = serde_json::json!({ "port": port, "pid": pid, "started": iso_time(SystemTime::now()) });
        if let Some(started) = running_process(pid).and_then(|process| process.started) {
            json["process_started"] = started.into();
            if let Some(boot) = boot_id() {
                json["boot"] = boot.into();
            }
        }
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
            let (pid, port) = (entry.pid, entry.port);
            return if is_alive(pid) {
                format!("its entry names process {pid} and port {port}, but the service does not run there")
            } else {
                format!("its entry names process {pid}, which is not running")
            };
        }
        let names: Vec<String> = self.0.keys().take(10).map(|name| format!("'{name}'")).collect();
        if names.is_empty() {
            "no service is registered there".to_owned()
        } else {
            format!("registered there: {}", names.join(", "))
        }
    }

    pub(super) fn read(&self, service_id: &str) -> Option<StoredEntry> {
        StoredEntry::parse(self.0.get(service_id)?.get())
    }
}
