//! The npm package: its types, its size, and its use from a project of somebody else.

use std::path::Path;
use std::process::{Command, Stdio};

/// The bounds on the size are those of the script.
#[test]
fn the_package_works_in_a_fresh_typescript_project() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/npm-package");
    let ran = Command::new(&script).stdin(Stdio::null()).output();
    let ran = ran.unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    let output = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{output}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(output.contains("size of link: ") && output.contains("size of all: "), "{output}");
    print!("{output}");
}
