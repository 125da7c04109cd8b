//! Each requirement of docs/PROTOCOL.md that has a name is cited by a test, and each citation has a
//! name there. A name is `§`, the section's number, a hyphen, and a word.
//!
//! `cargo test -p peote-net-tests --test specification -- --nocapture` lists who cites what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use peote_conformance::{Subject, cases};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All names in a text, with the numbers of their lines. Not "§4" or "§ 4" of other documents.
fn names(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        for after in text.split('§').skip(1) {
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'));
            let name = after[..end.unwrap_or(after.len())].trim_end_matches(['.', '-']);
            if name.starts_with(|c: char| c.is_ascii_digit()) && name.contains('-') {
                found.push((line, name.to_string()));
            }
        }
    }
    found
}

/// The names that PROTOCOL.md gives, each once, in the section that it names.
fn requirements() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/PROTOCOL.md")).unwrap();
    let mut all: Vec<String> = Vec::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### ").or_else(|| line.strip_prefix("## ")) {
            section = heading.split(' ').next().unwrap_or_default().to_string();
        }
        for (_, name) in names(line) {
            assert!(line.contains(&format!("`§{name}`")), "§{name} is not in backticks: {line}");
            assert!(name.starts_with(&format!("{section}-")), "§{name} is in section {section}");
            assert!(!all.contains(&name), "§{name} is there twice");
            all.push(name);
        }
    }
    all
}

/// Files of the repository that can cite: source code, without what is built.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir()
            && !name.starts_with('.')
            && !["target", "corpus", "seeds", "artifacts"].contains(&&*name)
        {
            sources(&path, found);
        } else if [".rs", ".js", ".mjs", ".lua"].iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/")
        || path.starts_with("tests/")
        || path.ends_with("tests.rs")
        || path.ends_with(".test.mjs")
}

#[derive(Default)]
struct Cited {
    code: Vec<String>,
    tests: Vec<String>,
}

/// Who cites what.
fn citations() -> BTreeMap<String, Cited> {
    let (root, mut all): (PathBuf, BTreeMap<String, Cited>) = (root(), BTreeMap::new());
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.sort();
    for file in files {
        let path = file.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        // this file speaks of names, and of what is none
        if path == "tests/tests/specification.rs" {
            continue;
        }
        for (line, name) in names(&std::fs::read_to_string(&file).unwrap_or_default()) {
            let cited = all.entry(name).or_default();
            if is_test(&path) { &mut cited.tests } else { &mut cited.code }.push(format!("{path}:{line}"));
        }
    }
    // The test suite runs all of them against the programs of this repository.
    for (subject, who) in [(Subject::Relay, "relay"), (Subject::Endpoint, "endpoint")] {
        for case in cases(subject) {
            let cited = all.entry(case.requirement().to_string()).or_default();
            cited.tests.push(format!("peote-conformance {who} --only {}", case.name));
        }
    }
    all
}

#[test]
fn every_requirement_has_a_test_and_every_citation_a_requirement() {
    let (requirements, citations) = (requirements(), citations());
    assert!(requirements.len() > 80, "{} names are few", requirements.len());
    let mut untested = Vec::new();
    for name in &requirements {
        let none = Cited::default();
        let cited = citations.get(name).unwrap_or(&none);
        println!("§{name}\n    tests: {}\n    code: {}", cited.tests.join(", "), cited.code.join(", "));
        if cited.tests.is_empty() {
            untested.push(format!("§{name}"));
        }
    }
    assert!(untested.is_empty(), "requirements of docs/PROTOCOL.md without a test: {}", untested.join(", "));
    let unknown: Vec<String> = citations
        .iter()
        .filter(|(name, _)| !requirements.contains(name))
        .map(|(name, cited)| format!("§{name}: {}", [&cited.tests[..], &cited.code].concat().join(", ")))
        .collect();
    assert!(unknown.is_empty(), "names that docs/PROTOCOL.md does not have:\n{}", unknown.join("\n"));
}

#[test]
fn names_are_told_from_other_signs() {
    let text = "§3.2-framing, (§11.1-lasts). RFC 6455 §4 and § 5-6; §x-y\n`§5-tcp-cut`";
    let found: Vec<(usize, String)> = names(text);
    let found: Vec<(usize, &str)> = found.iter().map(|(line, name)| (*line, &name[..])).collect();
    assert_eq!(found, [(1, "3.2-framing"), (1, "11.1-lasts"), (2, "5-tcp-cut")]);
    assert!(is_test("core/tests/link/main.rs") && is_test("relay/src/http/head_tests.rs"));
    assert!(!is_test("core/src/chunk/limit.rs"));
}
