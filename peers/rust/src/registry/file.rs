//! Reads and replaces the file of the registry.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::entries::Services;

/// Creates the directory, accessible only to this user.
pub(super) fn prepare(directory: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    if fs::metadata(directory)?.permissions().mode() & 0o777 != 0o700 {
        fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Reads the entries. Returns `None` if the file is no JSON map, and no entries if there is no file.
pub(super) fn read(file: &Path) -> Result<Option<Services>> {
    match fs::read(file) {
        Ok(bytes) => Ok(std::str::from_utf8(&bytes).ok().and_then(Services::parse)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some(Services::default())),
        Err(error) => Err(error),
    }
}

/// Moves a file that is no registry aside, prints a warning, and returns an empty registry.
pub(super) fn set_aside(file: &Path) -> Result<Services> {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let aside = file.with_file_name(format!("services.json.corrupt-{millis}"));
    fs::rename(file, &aside)?;
    eprintln!(
        "multifrost: {} was no JSON map and was moved to {}; start the services that were registered in it again",
        file.display(),
        aside.display()
    );
    Ok(Services::default())
}

/// Writes all entries to a temporary file and renames it, if `may_replace` returns true. Returns whether it did.
pub(super) fn replace(file: &Path, services: &Services, may_replace: &dyn Fn() -> bool) -> Result<bool> {
    let temporary = file.with_file_name(format!("services.json.{}.{}", std::process::id(), uuid::Uuid::new_v4()));
    let written = write_flushed(&temporary, &services.to_text());
    let replaced =
        written.and_then(|()| if may_replace() { fs::rename(&temporary, file).map(|()| true) } else { Ok(false) });
    if !matches!(replaced, Ok(true)) {
        // The error of the write or the rename is the one to return.
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

fn write_flushed(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
