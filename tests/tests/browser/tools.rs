//! The program that these tests need and cargo does not build.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Node.js, as `scripts/browser` finds it, which installs it where it may, and else says what is missing.
pub(crate) fn node() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/browser");
    let ran = Command::new(&script).stdin(Stdio::null()).output();
    let ran = ran.unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    let output = String::from_utf8_lossy(&ran.stdout);
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{} failed:\n{output}{errors}", script.display());
    output.lines().last().expect("scripts/browser says where Node.js is").into()
}
