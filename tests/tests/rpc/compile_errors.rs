//! What cannot be a remote object does not compile, and the error says which procedure and why.

use std::process::Command;

/// The version whose texts `compile-fail/rpc/types` has. Those that come from the compiler itself
/// differ from version to version.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn errors_name_the_procedure_and_the_cause() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("compile-fail/rpc/*.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap().stdout;
    if String::from_utf8(version).unwrap().starts_with(COMPILER) {
        cases.compile_fail("compile-fail/rpc/types/*.rs");
    }
}
