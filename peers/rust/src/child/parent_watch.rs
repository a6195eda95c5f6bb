//! Ends a spawned worker when its parent is gone, even by SIGKILL: the system gives an orphan another parent. The other
//! sign, a connection that breaks and stays broken, is seen in `control.rs`.

use std::os::unix::process::parent_id;
use std::time::Duration;
use std::{process, thread};

/// How often to look.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Watches from a thread of its own, so that no method can keep it from looking.
pub(super) fn watch_parent() -> std::io::Result<()> {
    let parent = parent_id();
    thread::Builder::new().name("multifrost parent watch".to_owned()).spawn(move || {
        while parent_id() == parent {
            thread::sleep(LOOK_INTERVAL);
        }
        process::exit(1);
    })?;
    Ok(())
}
