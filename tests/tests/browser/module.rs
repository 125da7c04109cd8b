//! The module's own tests, run by Node.js: files `*.test.mjs` beside this one and beside the
//! module. Those of `relay.test.mjs` are with a relay, that of `names.test.mjs` is with names that
//! the terminal's chat has judged.

use std::path::Path;
use std::process::Command;

use crate::running::relay;
use crate::{names, tools};

#[test]
fn the_module_passes_its_tests_in_node() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let example = folder.join("../../../examples/browser");
    let all = [folder, example].map(|folder| folder.read_dir().unwrap());
    let mut files: Vec<_> = all.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    assert!(files.len() >= 15, "{files:?}");
    let (_relay, address) = relay();
    let names = names::write();
    let mut node = Command::new(tools::node());
    node.args(["--test", "--test-reporter=tap"])
        .args(&files)
        .env("PEOTE_RELAY", address)
        .env("PEOTE_NAMES", &names);
    let ran = node.output().unwrap();
    let _ = std::fs::remove_file(names);
    let output = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{}{}", failures(&output), String::from_utf8_lossy(&ran.stderr));
    let count = |what: &str| -> usize {
        let line = output.lines().find_map(|line| line.strip_prefix(what));
        line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {what:?} in {output}"))
    };
    assert!(count("# pass ") >= 180, "{output}");
    assert_eq!([count("# fail "), count("# skipped "), count("# todo ")], [0, 0, 0], "{output}");
}

/// What `output` (TAP) says of tests that failed, and the figures at its end; the rest would bury
/// them.
fn failures(output: &str) -> String {
    let tests = output.split_inclusive("# Subtest: ").filter(|test| test.contains("not ok "));
    let figures = output
        .lines()
        .filter(|line| line.starts_with("# ") && line.ends_with(|end: char| end.is_ascii_digit()));
    tests.map(str::to_owned).chain(figures.map(|line| format!("{line}\n"))).collect()
}

#[test]
fn failures_are_told_without_the_rest() {
    let output = "TAP version 13\n# Subtest: one\nok 1 - one\n# Subtest: two\nnot ok 2 - two\n  error: 'why'\n\
                  # Subtest: three\nok 3 - three\n1..3\n# tests 3\n# fail 1\n";
    let told = failures(output);
    assert!(told.contains("two") && told.contains("why") && told.contains("# fail 1"), "{told}");
    assert!(!told.contains("ok 1") && !told.contains("ok 3"), "{told}");
}
