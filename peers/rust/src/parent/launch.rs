//! The command that runs a worker.

use std::ffi::OsString;
use std::path::Path;

use super::options::Launch;

/// The program and its arguments.
pub(super) fn command_line(launch: &Launch) -> Vec<OsString> {
    let mut line = if launch.executable.is_empty() { by_extension(&launch.script) } else { launch.executable.clone() };
    let script = if line.is_empty() { as_program(&launch.script) } else { launch.script.clone().into_os_string() };
    line.push(script);
    line.extend(launch.args.iter().cloned());
    line
}

fn by_extension(script: &Path) -> Vec<OsString> {
    let extension = script.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let program: &[&str] = match extension {
        "js" | "mjs" | "cjs" => &["node"],
        "ts" | "mts" | "cts" if is_in_path("tsx") => &["tsx"],
        "ts" | "mts" | "cts" => &["node", "--experimental-strip-types"],
        "py" => &["python3"],
        "go" => &["go", "run"],
        _ => &[],
    };
    program.iter().map(OsString::from).collect()
}

/// Runs a file of the current directory itself, rather than a program of that name in `PATH`.
fn as_program(script: &Path) -> OsString {
    if script.components().count() == 1 && script.is_file() {
        return Path::new(".").join(script).into_os_string();
    }
    script.as_os_str().to_owned()
}

fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(script: &str, executable: &[&str]) -> Vec<OsString> {
        let executable = executable.iter().map(OsString::from).collect();
        command_line(&Launch { script: script.into(), executable, args: vec!["x y".into()], ..Launch::default() })
    }

    #[test]
    fn the_extension_of_a_script_decides_what_runs_it() {
        assert_eq!(line("a b/worker.py", &[]), ["python3", "a b/worker.py", "x y"]);
        assert_eq!(line("worker.mjs", &[]), ["node", "worker.mjs", "x y"]);
        assert_eq!(line("worker.go", &[]), ["go", "run", "worker.go", "x y"]);
        assert_eq!(line("bin/worker", &[]), ["bin/worker", "x y"]);
        assert_eq!(line("Cargo.toml", &[]), ["./Cargo.toml", "x y"]);
        assert_eq!(line("worker.py", &["pypy", "-u"]), ["pypy", "-u", "worker.py", "x y"]);
    }
}
