//! A place of its own in the network, with a cable to NATS that can be pulled out.
//!
//! Needs the right to make interfaces, which `scripts/cluster` has in a namespace of its own.

use std::process::{Child, Command, Stdio};

use super::until;
use crate::program::{PROGRAM, Running};

/// A network namespace with two cables to that of the test: one for NATS, one for endpoints.
#[derive(Debug)]
pub struct Elsewhere {
    /// Holds the namespace.
    holder: Child,
    /// The address of NATS, on its own cable, and that of the relay, on the one for endpoints.
    pub nats: &'static str,
    pub relay: &'static str,
}

const NATS_CABLE: &str = "peote-nats";
const CABLE: &str = "peote-users";

impl Elsewhere {
    pub fn new() -> Self {
        let mut holder = Command::new("unshare");
        holder.args(["--net", "sleep", "600"]).stdin(Stdio::null());
        let this = Self { holder: holder.spawn().unwrap(), nats: "10.77.1.1", relay: "10.77.2.2" };
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        let its = format!("/proc/{}/ns/net", this.holder.id());
        until("another namespace", || std::fs::read_link(&its).is_ok_and(|its| its != own));
        this.inside(&["ip", "link", "set", "lo", "up"]);
        this.lay(NATS_CABLE, "10.77.1.1/24", "10.77.1.2/24");
        this.lay(CABLE, "10.77.2.1/24", "10.77.2.2/24");
        this
    }

    /// Lays a cable between the namespaces.
    fn lay(&self, name: &str, here: &str, there: &str) {
        let (other, holder) = (format!("{name}-b"), self.holder.id().to_string());
        run(&["ip", "link", "add", name, "type", "veth", "peer", "name", &other, "netns", &holder]);
        run(&["ip", "address", "add", here, "dev", name]);
        run(&["ip", "link", "set", name, "up"]);
        self.inside(&["ip", "address", "add", there, "dev", &other]);
        self.inside(&["ip", "link", "set", &other, "up"]);
    }

    fn enter(&self) -> Vec<String> {
        ["nsenter", "--net", "--target"]
            .map(str::to_string)
            .into_iter()
            .chain([self.holder.id().to_string()])
            .collect()
    }

    /// Runs a command in the namespace.
    fn inside(&self, command: &[&str]) {
        let enter = self.enter();
        run(&enter.iter().map(String::as_str).chain(command.iter().copied()).collect::<Vec<_>>());
    }

    /// A relay in the namespace.
    pub fn run(&self, arguments: &[&str]) -> Running {
        let enter = self.enter();
        let mut command = Command::new(&enter[0]);
        command.args(&enter[1..]).arg(PROGRAM).args(arguments).env_remove("RUST_LOG");
        Running::spawn(command.stdin(Stdio::null()).stderr(Stdio::piped()))
    }

    /// The cable to NATS is not there from now on, or is there again.
    pub fn pull_out(&self, is_out: bool) {
        run(&["ip", "link", "set", NATS_CABLE, if is_out { "down" } else { "up" }]);
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[track_caller]
fn run(command: &[&str]) {
    let status = Command::new(command[0]).args(&command[1..]).stdin(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
}
