//! Reads and replaces the file of the registry.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{self, DirBuilder, Metadata, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::entries::Services;

/// How often a file is read that another program may be writing, and the pause between.
pub(super) const LOOKS: u32 = 10;
pub(super) const LOOKS_APART: Duration = Duration::from_millis(10);

/// Creates the directory, accessible only to this user.
pub(super) fn prepare(directory: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    if fs::metadata(directory)?.permissions().mode() & 0o777 != 0o700 {
        fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Why a file cannot be read.
pub(super) enum ReadError {
    Io(std::io::Error),
    /// It is a directory, a FIFO, a device or a socket. Reading some of them never ends.
    Irregular(&'static str),
}

/// Reads the entries. Returns `None` if the file is no JSON map, and no entries if there is no file.
pub(super) fn read(file: &Path) -> Result<Option<Services>, ReadError> {
    match read_regular_file(file) {
        Ok(bytes) => Ok(std::str::from_utf8(&bytes).ok().and_then(Services::parse)),
        Err(ReadError::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(Some(Services::default())),
        Err(error) => Err(error),
    }
}

/// Reads a file, and does not wait for the other end of a FIFO.
pub(super) fn read_regular_file(path: &Path) -> Result<Vec<u8>, ReadError> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let mut file = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ENXIO) => ReadError::Irregular("a socket"),
        _ => ReadError::Io(error),
    })?;
    let kind = file.metadata().map_err(ReadError::Io)?.file_type();
    if !kind.is_file() {
        let fifo_or_device = if kind.is_fifo() { "a FIFO" } else { "a device" };
        return Err(ReadError::Irregular(if kind.is_dir() { "a directory" } else { fifo_or_device }));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(ReadError::Io)?;
    Ok(bytes)
}

/// Why the directory must not be used: other users could send callers to another program. Names the command that fixes it.
pub(super) fn danger(directory: &Path) -> Option<String> {
    // One that cannot be looked at is reported when the file in it is read.
    let metadata = fs::metadata(directory).ok().filter(Metadata::is_dir)?;
    // SAFETY: it only reads.
    let user = unsafe { libc::geteuid() };
    let (shown, quoted) = (directory.display(), directory.to_string_lossy().replace('\'', r"'\''"));
    if metadata.uid() != user {
        let owner = metadata.uid();
        return Some(format!(
            "the directory {shown} of the service registry belongs to user {owner}, and this process runs as user {user}; run it \
             as that user, set HOME to the home of user {user}, or give the directory to user {user}: chown -R {user} '{quoted}'"
        ));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o002 != 0).then(|| {
        format!(
            "every user of this machine can write the directory {shown} of the service registry (mode {mode:04o}), and so send \
             callers to another program; remove what is not yours from it, then run: chmod 700 '{quoted}'"
        )
    })
}

/// `HOME` if it is an absolute path, otherwise the home directory that the system has for this user.
pub(super) fn home_directory() -> Option<PathBuf> {
    absolute(std::env::var_os("HOME")).or_else(home_of_user)
}

fn absolute(home: Option<OsString>) -> Option<PathBuf> {
    home.map(PathBuf::from).filter(|home| home.is_absolute())
}

fn home_of_user() -> Option<PathBuf> {
    let mut buffer = vec![0; 16 * 1024];
    // SAFETY: all zeros are a valid value of this C struct.
    let mut user: libc::passwd = unsafe { std::mem::zeroed() };
    let mut found = std::ptr::null_mut();
    // SAFETY: the pointers are valid, and the buffer has the length that is given.
    let code = unsafe { libc::getpwuid_r(libc::getuid(), &mut user, buffer.as_mut_ptr(), buffer.len(), &mut found) };
    if code != 0 || found.is_null() || user.pw_dir.is_null() {
        return None;
    }
    // SAFETY: it points to text in the buffer, which ends with a zero.
    let home = unsafe { CStr::from_ptr(user.pw_dir) };
    absolute(Some(OsStr::from_bytes(home.to_bytes()).to_owned()))
}

/// Moves a file that is no registry aside, prints a warning, and returns an empty registry.
pub(super) fn set_aside(file: &Path) -> std::io::Result<Services> {
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
pub(super) fn replace(file: &Path, services: &Services, may_replace: &dyn Fn() -> bool) -> std::io::Result<bool> {
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

fn write_flushed(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_is_no_absolute_path_counts_as_not_set() {
        for home in ["", ".", "relative/home"] {
            assert_eq!(absolute(Some(home.into())), None);
        }
        assert_eq!(absolute(Some("/home/of/user".into())), Some(PathBuf::from("/home/of/user")));
        assert!(home_of_user().is_some_and(|home| home.is_absolute()));
    }
}
