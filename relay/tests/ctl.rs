//! `peote-relay ctl`: the operator's commands over the relay's socket, and what they leave behind.
#![cfg(all(unix, feature = "program"))]

mod common;
mod program;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use common::{Endpoint, PATIENCE, open};
use program::{Running, output, text};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A folder for the socket and the bans, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        // short, because the path of a socket must be
        let path = std::env::temp_dir().join(format!("peote-ctl-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }

    fn bans(&self) -> PathBuf {
        self.0.join("bans.toml")
    }

    fn start(&self) -> (Running, SocketAddr) {
        let (socket, bans) = (self.socket(), self.bans());
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--control-socket",
            socket.to_str().unwrap(),
            "--ban-file",
            bans.to_str().unwrap(),
            "--drain-time",
            "0.5",
        ];
        let mut relay = Running::start(&arguments);
        let address = relay.address();
        (relay, address)
    }

    /// The answer to a command that is carried out.
    #[track_caller]
    fn ask(&self, arguments: &[&str]) -> Value {
        let output = self.ctl(arguments);
        assert_eq!(text(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_str(&text(&output.stdout)).unwrap()
    }

    /// Why a command is not carried out.
    #[track_caller]
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.ctl(arguments);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        text(&output.stderr)
    }

    fn ctl(&self, arguments: &[&str]) -> std::process::Output {
        output(&[&["ctl", "--socket", self.socket().to_str().unwrap()], arguments].concat())
    }

    /// What a line on the socket is answered with.
    fn raw(&self, line: &[u8]) -> String {
        let mut socket = UnixStream::connect(self.socket()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = socket.write_all(line);
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        let _ = socket.read_to_string(&mut answer);
        answer
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn connect(address: SocketAddr) -> Endpoint {
    Endpoint::new(TcpStream::connect(address).unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_there_is_shown_and_closed() {
    let folder = Folder::new("show");
    let (mut relay, address) = folder.start();
    assert_eq!(mode(&folder.socket()), 0o660);
    let (mut server, mut user) = (connect(address), connect(address));
    open(b"tea", &mut server, &mut user);
    assert_eq!(folder.ask(&["status"])["connections"], 2);
    let list = folder.ask(&["list"]);
    assert_eq!(list["connections"].as_array().unwrap().len(), 2);
    assert_eq!(folder.ask(&["list", "--most", "1"])["more"], true);
    assert_eq!(folder.ask(&["list", "--address", "10.0.0.0/8"])["connections"], json!([]));
    assert_eq!(folder.ask(&["list", "--subject", "ann"])["connections"], json!([]));
    assert_eq!(
        folder.ask(&["channels"])["channels"],
        json!([{"name": "tea", "number": 0, "server": "0.0", "users": 1}])
    );
    let shown = folder.ask(&["show", "1.0"]);
    assert_eq!(shown["connection"]["entered_channels"][0]["name"], "tea");
    assert_eq!(shown["connection"]["transport"], "plain");

    folder.ask(&["limit", "0.0", "--max-channels", "1"]);
    server.send(b"\0\0\x01\x01x");
    assert_eq!(server.control(), [1, 1, 1]);
    folder.ask(&["close", "tea", "--reason", "spilt"]);
    assert_eq!(user.control(), [0, 2, 0, 2]);
    folder.ask(&["kick", "1.0", "--reason", "rude"]);
    user.is_closed();
    let said = folder.fails(&["kick", "1.0"]);
    assert!(said.contains("there is no connection \"1.0\"; it may have gone; `list` shows"), "{said}");
    assert!(folder.fails(&["close", "tea"]).contains("there is no channel \"tea\""));
    // every action is a line of the log
    let log = relay.log_until("there is no channel").join("\n");
    for part in
        ["max_channels", "spilt", "rude", "operator's command carried out", "operator's command failed"]
    {
        assert!(log.contains(part), "{part}: {log}");
    }
    assert!(!log.contains("\"command\":\"list\""), "who only looks is not an action");
}

#[test]
fn bans_survive_a_restart() {
    let folder = Folder::new("ban");
    let (mut relay, address) = folder.start();
    let mut endpoint = connect(address);
    endpoint.create(b"a");
    let banned = folder.ask(&["ban", "127.0.0.0/8", "--for", "1h", "--reason", "noise"]);
    assert_eq!((&banned["closed"], &banned["survives_restart"]), (&json!(1), &json!(true)));
    endpoint.is_closed();
    folder.ask(&["ban", "--subject", "ann"]);
    relay.signal(Signal::TERM);
    assert_eq!(relay.end().0, Some(0));
    assert!(!folder.socket().exists());

    let (mut relay, address) = folder.start();
    connect(address).is_closed();
    let bans = folder.ask(&["bans"]);
    assert_eq!(bans["bans"][0]["address"], "127.0.0.0/8");
    assert_eq!(bans["bans"][0]["reason"], "noise");
    assert_eq!(bans["bans"][1]["subject"], "ann");
    folder.ask(&["unban", "127.0.0.0/8"]);
    assert!(folder.fails(&["unban", "127.0.0.1"]).contains("no such ban"));
    connect(address).create(b"a");
    // killed, the relay leaves its socket behind, and the next one takes its place
    relay.signal(Signal::KILL);
    relay.end();
    assert!(folder.socket().exists());
    let (mut relay, address) = folder.start();
    connect(address).create(b"a");
    assert_eq!(folder.ask(&["bans"])["bans"].as_array().unwrap().len(), 1);
    // another relay does not
    let (socket, none) = (folder.socket(), ["--listen", "127.0.0.1:0", "--control-socket"]);
    let second = output(&[&none[..], &[socket.to_str().unwrap()]].concat());
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("another relay listens there"), "{}", text(&second.stderr));
    relay.signal(Signal::TERM);
    relay.end();
    fs::write(folder.bans(), "[[ban]]\nreason = \"x\"\n").unwrap();
    let bans = folder.bans();
    let wrong = output(&["--listen", "127.0.0.1:0", "--ban-file", bans.to_str().unwrap()]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("either address or subject"), "{}", text(&wrong.stderr));
}

#[test]
fn draining_ends_with_the_relay_if_it_is_to() {
    let folder = Folder::new("drain");
    let (mut relay, address) = folder.start();
    let mut all: Vec<_> = (0..20).map(|_| connect(address)).collect();
    all.iter_mut().enumerate().for_each(|(number, one)| {
        one.create(&[u8::try_from(number).unwrap()]);
    });
    let drained = folder.ask(&["drain", "--stop", "--reason", "new version"]);
    assert_eq!((&drained["connections"], &drained["seconds"]), (&json!(20), &json!(0.5)));
    all.iter_mut().for_each(Endpoint::is_closed);
    drop(all);
    assert_eq!(relay.end().0, Some(0));
}

#[test]
fn a_signal_drains_as_well() {
    let folder = Folder::new("usr1");
    let (mut relay, address) = folder.start();
    let mut endpoint = connect(address);
    endpoint.create(b"a");
    relay.signal(Signal::USR1);
    endpoint.is_closed();
    assert_eq!(folder.ask(&["status"])["draining"], true);
    relay.signal(Signal::TERM);
    assert_eq!(relay.end().0, Some(0));
}

#[test]
fn nonsense_on_the_socket_disturbs_nobody() {
    let folder = Folder::new("nonsense");
    let (_relay, address) = folder.start();
    let long = vec![b'x'; 200_000];
    for line in [
        &b"\n"[..],
        b"{}\n",
        b"{\"command\":\"reboot\"}\n",
        b"\xff\xfe\n",
        b"[1,2",
        &long,
        b"{\"command\":\"ban\"}\n",
    ] {
        let answer = folder.raw(line);
        assert!(answer.is_empty() || answer.contains("\"error\""), "{answer}");
    }
    folder.raw(b"");
    let _silent = UnixStream::connect(folder.socket()).unwrap();
    connect(address).create(b"a");
    assert_eq!(folder.ask(&["status"])["ok"], true);
}

#[test]
fn without_a_relay_it_says_so() {
    let folder = Folder::new("none");
    assert!(folder.fails(&["status"]).contains("is a relay running with this control-socket?"));
    let output = folder.ctl(&["kik", "1.0"]);
    assert_eq!(output.status.code(), Some(2));
    let output = folder.ctl(&["ban"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
}

/// The system has no file descriptor left for a while.
#[cfg(target_os = "linux")]
#[test]
fn who_asks_while_nobody_can_be_let_in_is_answered_later() {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

    let folder = Folder::new("files");
    let (mut relay, _) = folder.start();
    let pid = Pid::from_child(&relay.child);
    // it has that of this process, which only root may raise
    let few = Rlimit { current: Some(3), ..getrlimit(Resource::Nofile) };
    let before = prlimit(Some(pid), Resource::Nofile, few).unwrap();
    let asked = std::thread::spawn({
        let socket = folder.socket();
        move || output(&["ctl", "--socket", socket.to_str().unwrap(), "status"])
    });
    relay.log_until("cannot be asked at the moment");
    prlimit(Some(pid), Resource::Nofile, before).unwrap();
    assert_eq!(asked.join().unwrap().status.code(), Some(0));
}
