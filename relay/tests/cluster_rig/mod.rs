//! A real NATS server, relays on it, and endpoints that speak bytes.
//!
//! Needs `nats-server` in the path, or its place in `NATS_SERVER`; `scripts/cluster` sees to it.
//! Without it these tests are left out, loudly, unless `CLUSTER_TESTS` is set.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test uses a part of it")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{PATIENCE, Running};
use rustix::process::{Pid, Signal, kill_process};

/// A NATS server of its own, with what it keeps.
pub struct Nats {
    pub child: Child,
    pub port: u16,
    pub folder: PathBuf,
}

pub fn nats_server() -> Option<PathBuf> {
    let given = std::env::var_os("NATS_SERVER").map(PathBuf::from);
    let places = ["/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"];
    let found = given.or_else(|| places.iter().map(PathBuf::from).find(|place| place.exists()));
    if found.is_none() {
        assert!(std::env::var_os("CLUSTER_TESTS").is_none(), "there is no nats-server; run scripts/cluster");
        eprintln!("LEFT OUT: there is no nats-server; run scripts/cluster, or set NATS_SERVER");
    }
    found
}

impl Nats {
    pub fn start(name: &str) -> Option<Self> {
        nats_server()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("peote-nats-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let child = Self::spawn(port, &folder);
        Some(Self { child, port, folder })
    }

    pub fn spawn(port: u16, folder: &std::path::Path) -> Child {
        let child = Command::new(nats_server().unwrap())
            .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("NATS to listen", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        child
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn again(&mut self) {
        self.child = Self::spawn(self.port, &self.folder);
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn relay(&self, cluster: &str, lease: &str) -> (Running, SocketAddr) {
        self.relay_with(&self.url(), cluster, lease, &[])
    }

    /// A relay that is one of the cluster, with more arguments.
    pub fn relay_with(&self, url: &str, cluster: &str, lease: &str, more: &[&str]) -> (Running, SocketAddr) {
        let usual = ["--listen", "127.0.0.1:0", "--unlimited"];
        let of_cluster = ["--cluster", url, "--cluster-name", cluster, "--cluster-lease", lease];
        let mut relay = Running::start(&[&usual[..], &of_cluster, more].concat());
        let address = relay.address();
        relay.log_until("part of the cluster");
        (relay, address)
    }

    /// A path in the server's folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_string()
    }
}

/// What a relay says of its cluster on its control socket.
#[track_caller]
pub fn cluster_of(socket: &str) -> serde_json::Value {
    let output = crate::program::output(&["ctl", "--socket", socket, "cluster"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "waited for {what} in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn signal(relay: &Running, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(relay.child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// An endpoint as those of Haxe: bytes.
pub struct Raw(pub TcpStream, pub Vec<u8>);

pub const KEEPALIVE: &[u8] = &[0, 4, 0, 255];

impl Raw {
    pub fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        Self(socket, Vec::new())
    }

    pub fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub fn command(&mut self, code: u8, tag: u8, name: &[u8]) {
        let head = [0, code, tag, u8::try_from(name.len()).unwrap()];
        self.say(&[&head, name].concat());
    }

    /// The next unit but keepalives; `None` if the connection has ended.
    #[track_caller]
    pub fn next(&mut self) -> Option<Vec<u8>> {
        let begin = Instant::now();
        loop {
            if let Some(unit) = self.take() {
                if unit.starts_with(KEEPALIVE) {
                    continue;
                }
                return Some(unit);
            }
            let mut bytes = [0; 65_536];
            match self.0.read(&mut bytes) {
                Ok(0) => return None,
                Ok(len) => self.1.extend_from_slice(&bytes[..len]),
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                Err(_) => return None,
            }
            assert!(begin.elapsed() < PATIENCE, "nothing comes; so far {:?}", self.1);
        }
    }

    pub fn take(&mut self) -> Option<Vec<u8>> {
        let bytes = &self.1;
        let len = match *bytes.first()? {
            0 => 2 + usize::from(*bytes.get(1)?),
            size @ 1..=127 => 1 + usize::from(size),
            high => 2 + (usize::from(high & 127) << 8) + usize::from(*bytes.get(1)?),
        };
        (bytes.len() >= len).then(|| self.1.drain(..len).collect())
    }

    #[track_caller]
    pub fn expect(&mut self, unit: &[u8]) {
        assert_eq!(self.next().as_deref(), Some(unit));
    }

    /// The answer to a command, given again until it is another one than `but`.
    #[track_caller]
    pub fn command_until(&mut self, code: u8, name: &[u8], but: &[u8]) -> Vec<u8> {
        let begin = Instant::now();
        loop {
            self.command(code, 1, name);
            let answer = self.next().expect("the connection is there");
            if answer != but {
                return answer;
            }
            assert!(begin.elapsed() < PATIENCE, "still {answer:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// An endpoint that takes part, and asks its users to knock.
pub fn taking_part(address: SocketAddr, window: u32) -> Raw {
    let mut raw = Raw::connect(address);
    let items = [&[1, 1, 1, 6, 4][..], &window.to_le_bytes()].concat();
    raw.command(6, 0, &items);
    let hello = raw.next().unwrap();
    assert_eq!(hello[..4], [0, hello[1], 0, 3]);
    raw
}

pub const OK: &[u8] = &[0, 3, 1, 0, 0];
pub const CREATE: u8 = 0;
pub const ENTER: u8 = 1;
