//! The programs that these tests need and cargo does not build.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Node.js.
pub(crate) fn node() -> PathBuf {
    find("node")
}

/// Chromium, or another browser that understands its protocol.
pub(crate) fn chromium() -> PathBuf {
    find("chromium")
}

/// A program, as `scripts/browser` finds it, which installs it where it may, and else says what is missing.
fn find(program: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/browser");
    let ran = Command::new(&script).arg(program).stdin(Stdio::null()).output();
    let ran = ran.unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    let output = String::from_utf8_lossy(&ran.stdout);
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{} {program} failed:\n{output}{errors}", script.display());
    output.lines().last().expect("scripts/browser says where the program is").into()
}
