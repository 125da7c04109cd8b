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

/// The folder of the game's page, built.
pub(crate) fn game_page() -> PathBuf {
    last_line("web", &[])
}

/// A program, as `scripts/browser` finds it, which installs it where it may, and else says what is
/// missing.
fn find(program: &str) -> PathBuf {
    last_line("browser", &[program])
}

/// What a script says in the last line of its output.
fn last_line(name: &str, arguments: &[&str]) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts").join(name);
    let ran = Command::new(&script).args(arguments).stdin(Stdio::null()).output();
    let ran = ran.unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    let output = String::from_utf8_lossy(&ran.stdout);
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{} {arguments:?} failed:\n{output}{errors}", script.display());
    output.lines().last().expect("the script ends with a path").into()
}
