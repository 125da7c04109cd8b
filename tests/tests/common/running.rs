//! Programs of this workspace as processes: their output line by line, their end.
//!
//! They have to be built: `cargo test --workspace` does so, because their packages have tests of
//! their own.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::task::Poll;
use std::time::{Duration, Instant};

use peote_net_std::{Clock, Lines, Waiter};

/// How long anything may take. Only a failure takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A program of this workspace, where cargo puts it: beside the folder this test lies in.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap();
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is not built; run `cargo test --workspace`", program.display());
    program
}

/// A process that is running, and its output line by line. Ended when dropped.
pub(crate) struct Running {
    name: String,
    pub(crate) process: Child,
    input: Option<ChildStdin>,
    output: Lines<ChildStdout>,
    waiter: Waiter,
    clock: Clock,
    /// All lines so far.
    pub(crate) seen: Vec<String>,
}

/// What a process has left behind.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Running {
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        Self::start_in(name, arguments, &[])
    }

    /// The same with variables in its environment.
    pub(crate) fn start_in(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new(program(name))
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let input = process.stdin.take();
        let output = Lines::new(process.stdout.take().unwrap());
        let clock = Clock::new();
        let waiter = Waiter::new(clock).unwrap();
        Self { name: name.into(), process, input, output, waiter, clock, seen: Vec::new() }
    }

    /// Types a line.
    pub(crate) fn type_in(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Returns a line of output if there is one.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn try_line(&mut self) -> Option<String> {
        match self.output.poll_line().unwrap() {
            Poll::Ready(line) => {
                self.seen.extend(line.clone());
                line
            }
            Poll::Pending => None,
        }
    }

    /// Waits for a line of output; `None` at the end.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.output.poll_line().unwrap() {
                Poll::Ready(line) => {
                    self.seen.extend(line.clone());
                    return line;
                }
                Poll::Pending => {
                    assert!(Instant::now() < deadline, "{}: no more lines after {:#?}", self.name, self.seen);
                    let look = self.clock.now() + peote_net::time::Duration::from_secs(1);
                    self.waiter.wait(&mut [self.output.watch()], Some(look)).unwrap();
                }
            }
        }
    }

    /// Waits for a line that has `text` in it.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> String {
        while let Some(line) = self.next_line() {
            if line.contains(text) {
                return line;
            }
        }
        let end = self.end();
        panic!("{}: no {text:?} in {}, errors: {}", self.name, end.output, end.errors);
    }

    /// Waits for the end.
    pub(crate) fn end(&mut self) -> Ended {
        self.input = None;
        while self.next_line().is_some() {}
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "{} does not end", self.name);
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut errors = String::new();
        if let Some(mut pipe) = self.process.stderr.take() {
            pipe.read_to_string(&mut errors).unwrap();
        }
        Ended { code: status.code(), output: self.seen.join("\n"), errors }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A relay that is running, and where.
pub(crate) fn relay() -> (Running, String) {
    let mut relay = Running::start("peote-relay", &["--listen", "127.0.0.1:0", "--log-level", "error"]);
    let line = relay.expect("listening on ");
    let address = line.rsplit(' ').next().unwrap().to_owned();
    (relay, address)
}
