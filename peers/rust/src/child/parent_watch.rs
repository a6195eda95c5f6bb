//! Ends a spawned worker when its parent has ended, even by SIGKILL: the system then assigns it another parent. `control.rs`
//! handles a lost connection.

use std::os::unix::process::parent_id;
use std::time::Duration;
use std::{process, thread};

/// The time between two checks.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Watches the parent from a separate thread, which no method can block.
pub(super) fn watch_parent() -> std::io::Result<()> {
    let parent = parent_id();
    thread::Builder::new().name("multifrost parent watch".to_owned()).spawn(move || {
        while parent_id() == parent {
            thread::sleep(CHECK_INTERVAL);
        }
        process::exit(1);
    })?;
    Ok(())
}
