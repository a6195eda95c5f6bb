//! The examples, run as programs.

use std::process::Command;

#[test]
fn the_parent_of_the_examples_calls_its_worker() {
    let test = std::env::current_exe().expect("a running program has a path");
    let target = test.parent().and_then(|deps| deps.parent()).expect("tests are in target/debug/deps");
    let output = Command::new(target.join("examples/spawn")).output().expect("cargo builds examples with the tests");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "add(10, 20) = 30",
            "divide(1, 0) failed: ArithmeticError: division by zero",
            "functions: add, divide, factorial",
            "3 calls",
        ]
    );
}
