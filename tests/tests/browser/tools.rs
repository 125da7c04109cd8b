//! The programs that these tests need and cargo does not build.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Node.js.
pub(crate) fn node() -> &'static Path {
    &tools().0
}

/// What `scripts/browser` says, which installs what is missing where it may, and else says what that is.
fn tools() -> &'static (PathBuf, PathBuf) {
    static TOOLS: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/browser");
        let ran = Command::new(&script).stdin(Stdio::null()).output();
        let ran = ran.unwrap_or_else(|error| panic!("{}: {error}", script.display()));
        let output = String::from_utf8_lossy(&ran.stdout);
        let errors = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{} failed:\n{output}{errors}", script.display());
        let mut lines = output.lines().rev();
        let (chromium, node) = (lines.next().expect("two lines"), lines.next().expect("two lines"));
        (node.into(), chromium.into())
    })
}
