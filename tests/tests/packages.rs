//! What would be published: each package has its metadata, its README and the licences, and all of
//! them can be packaged in the right order. `scripts/publish` builds the packages as well.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs cargo, without a network, and returns what it prints.
fn cargo(arguments: &[&str]) -> String {
    let ran =
        Command::new(env!("CARGO")).args(arguments).arg("--offline").current_dir(root()).output().unwrap();
    assert!(ran.status.success(), "cargo {arguments:?}:\n{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// The packages of the workspace that do not say `publish = false`.
fn published() -> Vec<Value> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version=1", "--no-deps"])).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.filter(|package| package["publish"].is_null()).cloned().collect()
}

#[test]
fn every_package_says_what_it_is() {
    let packages = published();
    assert!(packages.len() >= 8, "{} packages are few", packages.len());
    for package in &packages {
        let name = &package["name"];
        for field in ["description", "license", "readme", "repository", "rust_version"] {
            assert!(package[field].is_string(), "{name} has no {field}");
        }
        for (field, most) in [("keywords", 5), ("categories", 5)] {
            let count = package[field].as_array().unwrap().len();
            assert!((1..=most).contains(&count), "{name} has {count} {field}");
        }
        assert!(package["metadata"]["docs"]["rs"].is_object(), "{name} has no package.metadata.docs.rs");
    }
    // One place has to be changed for a release, and it is the placeholder or a real address.
    let repositories: BTreeSet<&str> =
        packages.iter().map(|package| package["repository"].as_str().unwrap()).collect();
    assert_eq!(repositories.len(), 1, "{repositories:?}");
    assert!(repositories.first().unwrap().starts_with("https://"), "{repositories:?}");
}

#[test]
fn every_package_has_the_licences_and_can_be_packaged() {
    let packages = published();
    let names: Vec<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let folder = std::env::temp_dir().join(format!("peote-packages-{}", std::process::id()));
    let mut arguments = vec!["package", "--no-verify", "--allow-dirty", "--quiet", "--target-dir"];
    arguments.push(folder.to_str().unwrap());
    arguments.extend(names.iter().flat_map(|name| ["--package", *name]));
    cargo(&arguments);
    for package in &packages {
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        assert!(folder.join(format!("package/{name}-{version}.crate")).is_file(), "{name} was not packaged");
        let files = cargo(&["package", "--list", "--allow-dirty", "--package", name]);
        let files: BTreeSet<&str> = files.lines().collect();
        for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            assert!(files.contains(file), "{name} is packaged without {file}");
        }
        let own = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let read = |folder: &Path| std::fs::read_to_string(folder.join(licence)).unwrap();
            assert_eq!(read(own), read(&root()), "{licence} of {name}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Files of the repository that name versions of its packages, without what is built.
fn naming(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            naming(&path, found);
        } else if name.ends_with(".md") || name == "Cargo.toml" {
            found.push(path);
        }
    }
}

/// The packages of this project that a line asks for in Cargo's way, with the version.
fn asked_for(line: &str) -> Option<(&str, &str)> {
    let (name, wanted) = line.split_once(" = ")?;
    let version = wanted.strip_prefix("{ version = ").unwrap_or(wanted).strip_prefix('"')?;
    name.starts_with("peote-").then_some((name, version.split('"').next()?))
}

/// What a new version has to be put into: RELEASING.md names the places, and this test those that
/// were forgotten.
#[test]
fn all_places_name_the_same_version() {
    let package = &published()[0];
    let version = package["version"].as_str().unwrap();
    let series = version.rsplit_once('.').unwrap().0;
    let mut files = Vec::new();
    naming(&root(), &mut files);
    let (mut count, mut wrong) = (0, Vec::new());
    for file in &files {
        for line in std::fs::read_to_string(file).unwrap_or_default().lines() {
            if let Some((name, asked)) = asked_for(line) {
                count += 1;
                if asked != version && asked != series {
                    wrong.push(format!("{}: {name} {asked}", file.display()));
                }
            }
        }
    }
    assert!(count > 20, "{count} places are few");
    let module = std::fs::read_to_string(root().join("examples/browser/package.json")).unwrap();
    let module: Value = serde_json::from_str(&module).unwrap();
    if module["version"] != version {
        wrong.push(format!("examples/browser/package.json: {}", module["version"]));
    }
    assert!(wrong.is_empty(), "the version is {version}, but not in\n{}", wrong.join("\n"));
}

#[test]
fn versions_that_are_asked_for_are_found() {
    assert_eq!(asked_for("peote-net = \"0.1\""), Some(("peote-net", "0.1")));
    assert_eq!(
        asked_for("peote-net-std = { version = \"0.1.0\", path = \"x\" }"),
        Some(("peote-net-std", "0.1.0"))
    );
    assert_eq!(asked_for("peote-net = { path = \"../core\" }"), None);
    assert_eq!(asked_for("heapless = \"0.9.3\""), None);
}
