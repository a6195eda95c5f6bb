//! Whether the service of an entry runs (REG-13). A pid alone does not tell a process from a later one with the same, so an
//! entry also says when its process started and in which boot. One that does not is of an older implementation.

use std::fs;
use std::process;

use super::entries::StoredEntry;
use super::probe::answers_heartbeat;

/// What the system says about a process that runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Running {
    /// On Linux field 22 of `/proc/<pid>/stat`. `None`: the system does not say.
    pub(super) started: Option<String>,
}

/// Whether the service of an entry runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Liveness {
    Live,
    /// Its process has ended, or another has its pid.
    Gone,
    /// It runs if its port answers a heartbeat.
    Unclear,
}

/// Judges by what is given.
pub(super) fn judge(entry: &StoredEntry, own_pid: u32, boot: Option<&str>, running: Option<&Running>) -> Liveness {
    let Some(Running { started }) = running else {
        return Liveness::Gone;
    };
    if let Some(written) = &entry.process_started {
        let is_other_boot = entry.boot.as_deref() != boot;
        if is_other_boot && entry.boot.is_some() && boot.is_some() {
            return Liveness::Gone;
        }
        if let (false, Some(started)) = (is_other_boot, started) {
            return if written == started { Liveness::Live } else { Liveness::Gone };
        }
    }
    // This process would have said when it started.
    if entry.pid == own_pid && started.is_some() { Liveness::Gone } else { Liveness::Unclear }
}

/// Judges by this machine. Blocks for up to 2 s if the port has to be asked.
pub(super) fn is_live(entry: &StoredEntry) -> bool {
    match judge_here(entry) {
        Liveness::Live => true,
        Liveness::Gone => false,
        Liveness::Unclear => answers_heartbeat(entry.port),
    }
}

/// Judges by this machine without asking the port.
pub(super) fn judge_here(entry: &StoredEntry) -> Liveness {
    judge(entry, process::id(), boot_id().as_deref(), running_process(entry.pid).as_ref())
}

/// Whether a process with this id runs, even as another user. A zombie does not.
pub(super) fn is_alive(pid: u32) -> bool {
    running_process(pid).is_some()
}

/// The process with this id, `None` if none runs or a zombie is left of it.
pub(super) fn running_process(pid: u32) -> Option<Running> {
    let id = libc::pid_t::try_from(pid).ok()?;
    // SAFETY: signal 0 only checks whether the process exists.
    let looked = unsafe { libc::kill(id, 0) };
    if looked != 0 && std::io::Error::last_os_error().raw_os_error() != Some(libc::EPERM) {
        return None;
    }
    let stat = if has_own_proc() { fs::read_to_string(format!("/proc/{pid}/stat")).ok() } else { None };
    stat.map_or(Some(Running::default()), |stat| parse_stat(&stat))
}

/// The id of this boot of the machine, `None` where the system has none.
pub(super) fn boot_id() -> Option<String> {
    // Only Linux has the file.
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Reads `/proc/<pid>/stat`. The name in it may have spaces and parentheses.
fn parse_stat(stat: &str) -> Option<Running> {
    let after_name = stat.rfind(')').and_then(|at| stat.get(at + 2..)).unwrap_or_default();
    let fields: Vec<&str> = after_name.split(' ').collect();
    let field = |at: usize| fields.get(at).copied().unwrap_or_default();
    // A process whose first thread has ended looks like a zombie, but runs as long as it has other threads.
    if matches!(field(0), "Z" | "X") && field(17).parse::<u32>().unwrap_or(0) <= 1 {
        return None;
    }
    let started = Some(field(19).to_owned()).filter(|started| started.parse::<u64>().is_ok());
    Some(Running { started })
}

/// Whether `/proc` has this process's ids: it may belong to another PID namespace.
fn has_own_proc() -> bool {
    cfg!(target_os = "linux")
        && fs::read_link("/proc/self").is_ok_and(|own| own.as_os_str() == process::id().to_string().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn running_of(value: &Value) -> Option<Running> {
        (!value.is_null()).then(|| Running { started: value["started"].as_str().map(str::to_owned) })
    }

    #[test]
    fn all_languages_agree_on_liveness() {
        let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../interop/liveness.json"));
        let cases: Value = serde_json::from_str(&text.expect("readable")).expect("it is JSON");
        let entries = cases["entries"].as_array().expect("an array");
        assert!(entries.len() >= 50);
        for case in entries {
            let system = &case["system"];
            let own_pid = system["ownPid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a pid");
            let running = running_of(&system["running"]);
            let entry = StoredEntry::parse(&case["entry"].to_string());
            let is_live =
                entry.is_some_and(|entry| match judge(&entry, own_pid, system["boot"].as_str(), running.as_ref()) {
                    Liveness::Live => true,
                    Liveness::Gone => false,
                    Liveness::Unclear => system["answers"] == true,
                });
            assert_eq!(is_live, case["live"] == true, "{}", case["name"]);
        }
        for case in cases["stats"].as_array().expect("an array") {
            let text = case["text"].as_str().expect("text");
            assert_eq!(parse_stat(text), running_of(&case["running"]), "{}", case["name"]);
        }
    }

    #[test]
    fn a_zombie_does_not_run() {
        let mut ended = process::Command::new("true").spawn().expect("it starts");
        let stat = format!("/proc/{}/stat", ended.id());
        while !fs::read_to_string(&stat).expect("it is not asked yet").contains(") Z ") {
            std::thread::yield_now();
        }
        assert!(!is_alive(ended.id()));
        ended.wait().expect("it has ended");
        assert!(is_alive(process::id()));
    }
}
