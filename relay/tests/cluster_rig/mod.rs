//! A real NATS server, relays on it, and endpoints that speak bytes.
//!
//! Needs `nats-server` in the path, or its place in `NATS_SERVER`; `scripts/cluster` sees to it.
//! Without it these tests are left out, loudly, unless `CLUSTER_TESTS` is set.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test uses a part of it")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::program::{PATIENCE, Running};
use rustix::process::{Pid, Signal, kill_process};

pub mod elsewhere;

/// A NATS server of its own, with what it keeps.
#[derive(Debug)]
pub struct Nats {
    pub child: Child,
    pub port: u16,
    pub folder: PathBuf,
    arguments: Vec<String>,
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
        Self::start_with(name, &[])
    }

    /// A server with more arguments; `None` where there is no nats-server.
    pub fn start_with(name: &str, more: &[&str]) -> Option<Self> {
        nats_server()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("peote-nats-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let arguments: Vec<String> = more.iter().map(ToString::to_string).collect();
        let child = Self::spawn(port, &folder, &arguments);
        Some(Self { child, port, folder, arguments })
    }

    fn spawn(port: u16, folder: &std::path::Path, more: &[String]) -> Child {
        let child = Command::new(nats_server().unwrap())
            .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("NATS to listen", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        child
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn again(&mut self) {
        self.child = Self::spawn(self.port, &self.folder, &self.arguments);
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

/// Two relays with these arguments are one: what a user of one says comes to a server at the other.
#[track_caller]
pub fn across(nats: &Nats, url: &str, cluster: &str, more: &[&str]) {
    let (_a, at_a) = nats.relay_with(url, cluster, LONG, more);
    let (_b, at_b) = nats.relay_with(url, cluster, LONG, more);
    let (mut server, mut user) = channel(at_a, at_b, b"x");
    user.say(&[2, 0, 9]);
    server.expect(&[3, 128, 0, 9]);
}

/// A channel with a server at one relay and its first user at another one.
#[track_caller]
pub fn channel(server: SocketAddr, user: SocketAddr, name: &[u8]) -> (Raw, Raw) {
    let mut server = Raw::server(server, name);
    let user = Raw::user(user, name);
    server.expect(&[0, 4, 0, 0, 0, 0]);
    (server, user)
}

/// What a relay says of its cluster on its control socket.
#[track_caller]
pub fn cluster_of(socket: &str) -> serde_json::Value {
    let output = crate::program::output(&["ctl", "--socket", socket, "cluster"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A figure of a relay's page of metrics, without what stands before all of them.
#[track_caller]
pub fn figure_of(relay: SocketAddr, name: &str) -> u64 {
    let mut socket = TcpStream::connect(relay).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut page = String::new();
    socket.read_to_string(&mut page).unwrap();
    let name = format!("peote_relay_{name} ");
    let line = page.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap_or_else(|| panic!("{name} is not in\n{page}")).parse().unwrap()
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

    /// The server of a new channel.
    #[track_caller]
    pub fn server(address: SocketAddr, name: &[u8]) -> Self {
        let mut server = Self::connect(address);
        server.command(CREATE, 1, name);
        server.expect(OK);
        server
    }

    /// A user of a channel.
    #[track_caller]
    pub fn user(address: SocketAddr, name: &[u8]) -> Self {
        let mut user = Self::connect(address);
        user.command(ENTER, 1, name);
        user.expect(OK);
        user
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

/// A lease that no test waits for.
pub const LONG: &str = "600";

pub const OK: &[u8] = &[0, 3, 1, 0, 0];
pub const CREATE: u8 = 0;
pub const ENTER: u8 = 1;

/// A way to NATS that can be cut without a word, as by a network that is gone.
pub struct Way {
    pub port: u16,
    is_cut: Arc<AtomicBool>,
}

impl Way {
    pub fn to(nats: &Nats) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, to) = (listener.local_addr().unwrap().port(), nats.port);
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = is_cut.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                for (from, to) in [(&socket, &server), (&server, &socket)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let cut = cut.clone();
                    std::thread::spawn(move || pass(from, to, &cut));
                }
            }
        });
        Self { port, is_cut }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Nothing comes through from now on, or all does.
    pub fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }
}

/// Passes bytes on, and keeps them while the way is cut. A connection that was cut is dropped by
/// its ends.
fn pass(mut from: TcpStream, mut to: TcpStream, is_cut: &AtomicBool) {
    let mut bytes = vec![0; 65_536];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        while is_cut.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if to.write_all(&bytes[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
