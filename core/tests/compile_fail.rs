//! Sizes that cannot work do not compile, and the compiler says why.
//!
//! Each file in `compile-fail` is a program. Its first line has the words that the compiler's error
//! has to contain; a program without such a line has to compile. Only the words of this crate are
//! compared, not those of the compiler, which change.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The names of the programs, and what their errors have to say.
fn programs(folder: &Path) -> Vec<(String, Option<String>)> {
    let mut programs: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let source = fs::read_to_string(&path).unwrap();
            let error = source.lines().next().and_then(|line| line.strip_prefix("// error: "));
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), error.map(str::to_owned))
        })
        .collect();
    programs.sort_unstable();
    programs
}

#[test]
fn what_does_not_compile() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = core.join("tests/compile-fail");
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile-fail");
    fs::create_dir_all(&package).unwrap();
    let mut manifest = format!(
        "[package]\nname = \"compile-fail\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         peote-net = {{ path = {core:?}, default-features = false }}\n"
    );
    let programs = programs(&folder);
    assert!(programs.len() >= 8);
    for (name, _) in &programs {
        let path = folder.join(format!("{name}.rs"));
        writeln!(manifest, "\n[[bin]]\nname = \"{name}\"\npath = {path:?}").unwrap();
    }
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(core.join("../Cargo.lock"), package.join("Cargo.lock")).unwrap();
    for (name, error) in programs {
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--offline", "--quiet", "--color", "never", "--bin", &name, "--target-dir"])
            .arg(package.join("target"))
            .current_dir(&package)
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        match error {
            Some(error) => {
                assert!(!output.status.success(), "{name} compiles");
                assert!(said.contains(&error), "{name} does not say {error:?}, but:\n{said}");
            }
            None => assert!(output.status.success(), "{name} does not compile:\n{said}"),
        }
    }
}
