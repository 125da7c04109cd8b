//! The commands that README.md and other documents show: their programs, files and options exist.
//!
//! A program is asked for `--help` behind the options that the document gives, which fails at one
//! that it does not know.
#![cfg(unix)]

#[path = "common/running.rs"]
#[expect(dead_code, reason = "other tests need the rest")]
mod running;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Commands that are no part of the project.
const FOREIGN: [&str; 8] = ["apt-get", "cp", "git", "nats-server", "openssl", "rustup", "tshark", "valgrind"];

/// Commands of cargo without a program of ours to be run.
const CARGO: [&str; 6] = ["build", "doc", "generate", "install", "miri", "test"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The commands of a document: lines of shell blocks, and what cargo runs between backticks.
fn commands(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap().replace("\\\n", " ");
    let (mut commands, mut is_shell, mut is_other) = (Vec::new(), false, false);
    for line in text.lines() {
        if line.starts_with("```") {
            let opens = !is_shell && !is_other;
            is_shell = opens && matches!(line, "```sh" | "```bash" | "```console");
            is_other = opens && !is_shell;
        } else if is_shell {
            commands.push(line.to_string());
        } else if !is_other {
            let inline = line.split('`').skip(1).step_by(2).filter(|code| code.starts_with("cargo run "));
            commands.extend(inline.map(String::from));
        }
    }
    commands
}

/// The words of a command. Quotes keep blanks together, `#` begins a comment.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quote, mut is_word) = (vec![String::new()], None, false);
    for c in command.chars() {
        match (quote, c) {
            (None, '#') if !is_word => break,
            (None, '\'' | '"') => (quote, is_word) = (Some(c), true),
            (Some(open), c) if c == open => quote = None,
            (None, ' ') => {
                if is_word {
                    words.push(String::new());
                }
                is_word = false;
            }
            (_, c) => {
                words.last_mut().unwrap().push(c);
                is_word = true;
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Takes an option and its value out of the words.
fn take(words: &mut Vec<&str>, option: &str) -> Option<String> {
    let at = words.iter().position(|&word| word == option)?;
    let value = words.get(at + 1)?.to_string();
    words.drain(at..=at + 1);
    Some(value)
}

/// Asks a program for help behind these arguments.
fn asks(program: &str, arguments: &[&str]) -> Result<(), String> {
    let end = arguments.iter().position(|word| matches!(*word, "&" | ">" | ">>" | "|" | "2>"));
    let mut arguments = arguments[..end.unwrap_or(arguments.len())].to_vec();
    // of features that the program need not have been built with
    take(&mut arguments, "--cluster");
    arguments.push("--help");
    let ended = running::Running::start(program, &arguments).end();
    if ended.code == Some(0) { Ok(()) } else { Err(format!("{program}: {}", ended.errors)) }
}

fn has_package(name: &str) -> bool {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).contains(&format!("\"name\":\"{name}\""))
}

fn cargo(words: &[&str]) -> Result<(), String> {
    let (command, rest) = words.split_first().ok_or("cargo does nothing")?;
    if CARGO.contains(command) {
        return match rest.last() {
            Some(name) if *command == "install" && name.starts_with("peote") && !has_package(name) => {
                Err(format!("there is no package {name}"))
            }
            _ => Ok(()),
        };
    }
    if *command != "run" {
        return Err(format!("cargo {command} is not known to this test"));
    }
    let at = rest.iter().position(|&word| word == "--").unwrap_or(rest.len());
    let (mut options, arguments) = (rest[..at].to_vec(), rest.get(at + 1..).unwrap_or_default());
    let Some(package) = take(&mut options, "-p") else { return Ok(()) }; // in a folder of its own
    if !has_package(&package) {
        return Err(format!("there is no package {package}"));
    }
    if let Some(example) = take(&mut options, "--example") {
        // they have options of their own; they are built
        running::program(&format!("examples/{example}"));
        return Ok(());
    }
    let program = take(&mut options, "--bin").unwrap_or_else(|| match package.as_str() {
        "peote-net-demo" => "demo".into(),
        _ => package,
    });
    asks(&program, arguments)
}

fn is_variable(word: &str) -> bool {
    let is_of_a_name = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(is_of_a_name))
}

fn check(command: &str) -> Result<(), String> {
    let words = words(command);
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    while let ["sudo", ..] | ["chrt", "-r", "1", ..] = words[..] {
        words.drain(..if words[0] == "sudo" { 1 } else { 3 });
    }
    // variables of the environment come first
    let variables = words.iter().take_while(|word| is_variable(word)).count();
    words.drain(..variables);
    let Some((&name, rest)) = words.split_first() else { return Ok(()) };
    match name {
        "cargo" if rest.first() == Some(&"+nightly") => cargo(&rest[1..]),
        "cargo" => cargo(rest),
        "cd" => Ok(()),
        script if script.starts_with("scripts/") => {
            let path = root().join(script);
            path.is_file().then_some(()).ok_or_else(|| format!("{script} is not there"))
        }
        "python3" => match take(&mut words, "--directory") {
            Some(folder) if !root().join(&folder).is_dir() => Err(format!("{folder} is not there")),
            _ => Ok(()),
        },
        foreign if FOREIGN.contains(&foreign) => Ok(()),
        "stress" | "chat" | "peote-relay" | "peote-conformance" | "peote-serial" => asks(name, rest),
        other => Err(format!("{other} is not known to this test")),
    }
}

#[test]
fn programs_and_options_are_there() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in [
        "README.md",
        "CONTRIBUTING.md",
        "docs/PROGRAMS.md",
        "docs/OPERATING.md",
        "docs/CONFORMANCE.md",
        "docs/FUZZING.md",
        "docs/BENCHMARKS.md",
        "examples/README.md",
        "examples/browser/README.md",
        "relay/README.md",
        "tools/conformance/README.md",
        "tools/wireshark/README.md",
        "boards/serial-bridge/README.md",
    ] {
        let before = count;
        for command in commands(&root().join(file)) {
            for command in command.split(" && ") {
                count += 1;
                if let Err(why) = check(command) {
                    wrong.push(format!("{file}: {command}\n    {why}"));
                }
            }
        }
        assert!(count > before || file == "relay/README.md", "{file} has no commands");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The test finds what is wrong.
#[test]
fn wrong_commands_are_found() {
    for (command, why) in [
        ("cargo run --release -p peote-net-dmo", "there is no package peote-net-dmo"),
        ("cargo run -p peote-relay -- --tri", "--tri"),
        ("cargo rn -p peote-relay", "cargo rn is not known"),
        ("peote-relay --listen 127.0.0.1:0 --no-such-option", "--no-such-option"),
        ("scripts/tests", "scripts/tests is not there"),
        ("make", "make is not known"),
    ] {
        let found = check(command).unwrap_err();
        assert!(found.contains(why), "{command}: {found}");
    }
}
