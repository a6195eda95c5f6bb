//! Kills the workers when this process ends without stopping them, in whatever way: a shell outlives it by some milliseconds.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Reads `add 123` and `drop 123`, line by line, until the pipe ends: with this process, however it ends. Then it kills the
/// process groups that are left. Signals do not end it, as one may go to a whole tree of processes. A line that is cut off
/// does not count.
const SCRIPT: &str = r#"trap '' HUP INT QUIT TERM
groups=
while read -r change group; do
  kept=
  for known in $groups; do
    [ "$known" = "$group" ] || kept="$kept $known"
  done
  groups=$kept
  [ "$change" = drop ] || groups="$groups $group"
done
for group in $groups; do
  kill -9 "-$group"
done
"#;

static GUARD: Mutex<Guard> = Mutex::new(Guard { groups: BTreeSet::new(), shell: None });

/// The process group of a worker: what a wrapper or the worker itself starts is in it. Dropping it kills the group.
pub(super) struct Group(u32);

impl Group {
    /// The group that this process leads. It is killed when this process ends, too.
    pub(super) fn of(leader: u32) -> Self {
        with_guard(|guard| guard.add(leader));
        Self(leader)
    }

    pub(super) fn signal(&self, signal: libc::c_int) {
        // SAFETY: the call has no memory to get wrong; the group exists while its leader was not waited for.
        unsafe { libc::kill(-(self.0 as libc::pid_t), signal) };
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(libc::SIGKILL);
        with_guard(|guard| guard.forget(self.0));
    }
}

/// The groups, and the shell that knows them. It runs while there are some. Where it cannot be started, workers have to notice
/// by themselves that their parent is gone.
struct Guard {
    groups: BTreeSet<u32>,
    shell: Option<ChildStdin>,
}

fn with_guard(change: impl FnOnce(&mut Guard)) {
    change(&mut GUARD.lock().unwrap_or_else(PoisonError::into_inner));
}

impl Guard {
    fn add(&mut self, group: u32) {
        self.groups.insert(group);
        if self.shell.is_some() {
            self.tell(format!("add {group}\n"));
        } else {
            self.shell = start();
            self.tell(self.groups.iter().map(|group| format!("add {group}\n")).collect());
        }
    }

    fn forget(&mut self, group: u32) {
        self.groups.remove(&group);
        self.tell(format!("drop {group}\n"));
        if self.groups.is_empty() {
            self.shell = None;
        }
    }

    fn tell(&mut self, lines: String) {
        let told = self.shell.as_mut().map(|shell| shell.write_all(lines.as_bytes()));
        if matches!(told, Some(Err(_))) {
            // It was killed: the next worker starts another one.
            self.shell = None;
        }
    }
}

/// Runs the shell in its own group, without anything of this process's: what ends its group does not end the shell.
fn start() -> Option<ChildStdin> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", SCRIPT, "multifrost-guard"]).current_dir("/").env_clear().process_group(0);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = shell.spawn().ok()?;
    let stdin = child.stdin.take();
    let waiting = thread::Builder::new().name("multifrost guard".to_owned()).stack_size(64 * 1024);
    // Without the thread it is not waited for, which does no harm.
    let _ = waiting.spawn(move || child.wait());
    stdin
}
