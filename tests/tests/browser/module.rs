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
    assert!(ran.status.success(), "{output}{}", String::from_utf8_lossy(&ran.stderr));
    let count = |what: &str| -> usize {
        let line = output.lines().find_map(|line| line.strip_prefix(what));
        line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {what:?} in {output}"))
    };
    assert!(count("# pass ") >= 180, "{output}");
    assert_eq!([count("# fail "), count("# skipped "), count("# todo ")], [0, 0, 0], "{output}");
}
