//! The program, run as an operator runs it.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses a part of it")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_peote-relay");
pub const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/relay.toml");

/// The longest that anything here may take; far above what it takes, because machines are sometimes
/// busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The program with these arguments, not influenced by the environment of the tests.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_remove("RUST_LOG").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub fn output(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What `--print-config` prints, without comments and empty lines.
pub fn settings(arguments: &[&str]) -> Vec<String> {
    let output = output(&[arguments, &["--print-config"]].concat());
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    let lines = text(&output.stdout);
    let lines = lines.lines().map(|line| line.split(" #").next().unwrap().trim().to_string());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Asserts that the program refuses these arguments with exit code 2 and exactly these lines.
#[track_caller]
pub fn refused(arguments: &[&str], lines: &[&str]) {
    let output = output(arguments);
    let found = text(&output.stderr);
    let found: Vec<_> = found.lines().map(|line| line.strip_prefix("peote-relay: ").unwrap()).collect();
    assert_eq!(found, lines);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
}

/// A file in the directory for temporary files of the tests.
pub fn file(name: &str, content: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path
}

/// A running relay; ended with the test, however that ends.
#[derive(Debug)]
pub struct Running {
    pub child: Child,
    pub lines: BufReader<std::process::ChildStdout>,
    log: Option<mpsc::Receiver<String>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub fn start(arguments: &[&str]) -> Self {
        Self::spawn(program(arguments).stderr(Stdio::piped()))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, log: None }
    }

    /// The next address it says it listens on.
    #[track_caller]
    pub fn address(&mut self) -> SocketAddr {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}"));
        address.trim_end().trim_end_matches(" with TLS").parse().unwrap()
    }

    /// The log lines up to the next one that contains this.
    #[track_caller]
    pub fn log_until(&mut self, part: &str) -> Vec<String> {
        let log = self.log.get_or_insert_with(|| {
            let errors = BufReader::new(self.child.stderr.take().unwrap());
            let (sender, log) = mpsc::channel();
            std::thread::spawn(move || {
                errors.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
            });
            log
        });
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.contains(part)) {
            match log.recv_timeout(PATIENCE) {
                Ok(line) => lines.push(line),
                Err(_) => panic!("no line with {part:?} in {lines:#?}"),
            }
        }
        lines
    }

    /// Waits until it has ended: exit code and standard error.
    #[track_caller]
    pub fn end(&mut self) -> (Option<i32>, String) {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < PATIENCE, "does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut errors = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            stderr.read_to_string(&mut errors).unwrap();
        }
        (status.code(), errors)
    }

    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }
}
