//! The program under a service manager: sockets that it is handed, and what it says about itself.
#![cfg(target_os = "linux")]

mod common;
mod program;

use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Endpoint, open, talk};
use program::{PATIENCE, PROGRAM, Running, file, text};
use rustix::process::Signal;

/// The program with sockets from file descriptor 3 on, as a service manager starts it, under these
/// names. With two of them its log is thrown away.
fn handed(sockets: Vec<OwnedFd>, names: Option<&str>, arguments: &[&str]) -> Command {
    let count = sockets.len();
    let mut command = Command::new("sh");
    let others = if count > 1 { "4<&2 2>/dev/null" } else { "" };
    let script =
        format!("exec 3<&0 {others} 0</dev/null; LISTEN_PID=$$ LISTEN_FDS={count} exec {PROGRAM} \"$@\"");
    command.args(["-c", &script, "sh"]).args(arguments).env_remove("RUST_LOG").env_remove("LISTEN_FDNAMES");
    if let Some(names) = names {
        command.env("LISTEN_FDNAMES", names);
    }
    let mut sockets = sockets.into_iter();
    command.stdin(sockets.next().unwrap()).stdout(Stdio::piped());
    command.stderr(sockets.next().map_or_else(Stdio::piped, Stdio::from));
    command
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// Another descriptor of the same socket, as a service manager keeps one.
fn copy(listener: &TcpListener) -> OwnedFd {
    listener.try_clone().unwrap().into()
}

#[test]
fn who_came_before_the_relay_is_served_by_it_and_by_the_next_one() {
    let socket = listener();
    let address = socket.local_addr().unwrap();
    for _ in 0..2 {
        let (mut server, mut user) = (
            Endpoint::new(TcpStream::connect(address).unwrap()),
            Endpoint::new(TcpStream::connect(address).unwrap()),
        );
        server.send(b"\0\0\x01\x01a");
        let mut relay = Running::spawn(&mut handed(vec![copy(&socket)], Some("peote-relay.socket"), &[]));
        assert_eq!(relay.address(), address);
        assert_eq!(server.control(), [1, 0, 0]);
        user.enter(b"a");
        server.control();
        talk(&mut server, &mut user);
        relay.signal(Signal::TERM);
        let (code, errors) = relay.end();
        assert_eq!(code, Some(0));
        assert!(errors.contains("handed_over=true"), "{errors}");
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut relay.lines, &mut rest).unwrap();
        assert_eq!(rest, "", "it listens nowhere else");
    }
}

#[test]
fn addresses_that_are_set_are_used_too_and_none_of_them_twice() {
    let socket = listener();
    let address = socket.local_addr().unwrap();
    // one that the socket has, in a file that is read again, and one that it has not
    let path = file("handed.toml", &format!("listen = [\"127.0.0.1:0\", \"{address}\"]\n"));
    let path = path.to_str().unwrap();
    let mut relay = Running::spawn(&mut handed(vec![copy(&socket)], None, &["--config", path]));
    let (other, same) = (relay.address(), relay.address());
    assert_eq!(same, address);
    for address in [other, same] {
        Endpoint::new(TcpStream::connect(address).unwrap()).create(b"a");
    }
    relay.signal(Signal::HUP);
    let log = relay.log_until("configuration read again").join("\n");
    assert!(log.contains("changes=0") && !log.contains("next start"), "{log}");
    relay.signal(Signal::TERM);
    assert_eq!(relay.end().0, Some(0));
    let output = handed(vec![copy(&socket)], None, &["--print-config"]).output().unwrap();
    let line = text(&output.stdout).lines().find(|line| line.starts_with("listen ")).unwrap().to_string();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>().join(" "),
        format!("listen = [\"{address}\"] # sockets handed over")
    );
}

#[cfg(feature = "tls")]
#[test]
fn the_name_says_whose_connections_begin_with_tls() {
    let files = common::tls::Files::new();
    let (plain, tls) = (listener(), listener());
    let addresses = [&plain, &tls].map(|socket| socket.local_addr().unwrap());
    let arguments =
        ["--tls-certificate", files.certificate.to_str().unwrap(), "--tls-key", files.key.to_str().unwrap()];
    let mut user = Endpoint::over(files.connect(addresses[1]));
    let sockets = vec![copy(&plain), copy(&tls)];
    let mut relay = Running::spawn(&mut handed(sockets, Some("peote-relay.socket:tls"), &arguments));
    assert_eq!([relay.address(), relay.address()], addresses);
    let mut server = Endpoint::new(TcpStream::connect(addresses[0]).unwrap());
    open(b"a", &mut server, &mut user);
    talk(&mut server, &mut user);
}

/// The program refuses such a socket with exit code 2 and this line.
#[track_caller]
fn is_refused(socket: impl Into<OwnedFd>, names: Option<&str>, arguments: &[&str], line: &str) {
    let output = handed(vec![socket.into()], names, arguments).output().unwrap();
    assert_eq!(text(&output.stderr), format!("peote-relay: {line}\n"));
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
}

#[test]
fn sockets_of_the_wrong_kind_are_refused() {
    let socket = listener();
    let not_tcp =
        "socket 0 of those handed over (\"x\"): not of TCP; write ListenStream= with a port in its unit";
    is_refused(UdpSocket::bind("127.0.0.1:0").unwrap(), Some("x"), &[], not_tcp);
    let (path, removed) = own_path("unix");
    is_refused(UnixListener::bind(&path).unwrap(), Some("x"), &[], not_tcp);
    drop(removed);
    is_refused(fs::File::open("/dev/null").unwrap(), Some("x"), &[], not_tcp);
    let connection = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
    let line = "socket 0 of those handed over (\"\"): not listened on; write Accept=no in its unit";
    is_refused(connection, None, &[], line);
    let line = "socket 0 of those handed over (\"relay-tls.socket\"): with TLS or not? \
                Write FileDescriptorName=tls or FileDescriptorName=plain in its unit";
    is_refused(copy(&socket), Some("relay-tls.socket"), &[], line);
    let line = "LISTEN_FDNAMES has 2 names for the 1 sockets of LISTEN_FDS; give as many, or none";
    is_refused(copy(&socket), Some("a:b"), &[], line);
    is_refused(
        copy(&socket),
        Some("tls"),
        &[],
        "listen-tls needs tls-certificate; set it, or remove listen-tls",
    );
    let address = socket.local_addr().unwrap().to_string();
    let line = format!("--listen-tls: {address} is there twice; remove one");
    let arguments = ["--listen-tls", &address, "--tls-certificate", "c.pem", "--tls-key", "k.pem"];
    is_refused(copy(&socket), None, &arguments, &line);
}

#[test]
fn what_another_process_was_handed_is_none_of_its_business() {
    let mut command = program::program(&["--listen", "127.0.0.1:0"]);
    command.env("LISTEN_PID", "1").env("LISTEN_FDS", "1").stderr(Stdio::piped());
    let mut relay = Running::spawn(&mut command);
    TcpStream::connect(relay.address()).unwrap();
}

/// A path for a socket, and what removes it in the end.
fn own_path(name: &str) -> (PathBuf, impl Drop) {
    struct Remove(PathBuf);
    impl Drop for Remove {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }
    // not below the target directory: the path of a socket must be short
    let path = std::env::temp_dir().join(format!("peote-relay-{name}-{}", std::process::id()));
    let _ = fs::remove_file(&path);
    (path.clone(), Remove(path))
}

#[test]
fn a_service_manager_is_told_what_the_relay_is_doing() {
    let (path, _removed) = own_path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut buffer = [0; 200];
        let len = socket.recv(&mut buffer).unwrap();
        text(&buffer[..len])
    };
    let config = file("notify.toml", "listen = [\"127.0.0.1:0\"]\n");
    let mut command = program::program(&["--config", config.to_str().unwrap()]);
    let mut relay = Running::spawn(command.env("NOTIFY_SOCKET", &path).stderr(Stdio::piped()));
    assert_eq!(told().trim(), "READY=1");
    TcpStream::connect(relay.address()).unwrap();
    // whether the file is right or wrong
    let mut before = 0;
    for (content, end) in [("", "read again"), ("nonsense", "stay as they were")] {
        write(&config, content);
        relay.signal(Signal::HUP);
        let reloading = told();
        let (state, time) = reloading.trim().split_once('\n').unwrap();
        assert_eq!(state, "RELOADING=1");
        let time: u64 = time.strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
        assert!(time > before);
        before = time;
        assert_eq!(told().trim(), "READY=1");
        relay.log_until(end);
    }
    relay.signal(Signal::TERM);
    assert_eq!(told().trim(), "STOPPING=1");
    assert_eq!(relay.end().0, Some(0));
}

/// A socket whose name is in the abstract namespace and no other test's, and what a relay is told
/// of it.
fn abstract_manager(name: &str) -> (UnixDatagram, String) {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    let name = format!("peote-relay-{name}-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    (socket, format!("@{name}"))
}

fn told(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 200];
    let len = socket.recv(&mut buffer).unwrap();
    text(&buffer[..len])
}

#[test]
fn a_service_manager_may_have_a_name_without_a_file() {
    let (socket, name) = abstract_manager("abstract");
    let mut command = program::program(&["--listen", "127.0.0.1:0"]);
    let mut relay = Running::spawn(command.env("NOTIFY_SOCKET", name));
    assert_eq!(told(&socket), "READY=1\n");
    relay.signal(Signal::TERM);
    assert_eq!(told(&socket), "STOPPING=1\n");
    assert_eq!(relay.end().0, Some(0));
}

/// While nobody is connected, while somebody is, and while the configuration is read again.
#[test]
fn a_watchdog_hears_that_the_relay_is_alive() {
    let (socket, name) = abstract_manager("watchdog");
    let mut command = program::program(&["--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", name).env("WATCHDOG_USEC", "200000").env_remove("WATCHDOG_PID");
    let mut relay = Running::spawn(&mut command);
    assert_eq!(told(&socket), "READY=1\n");
    for _ in 0..5 {
        assert_eq!(told(&socket), "WATCHDOG=1\n");
    }
    let (mut server, mut user) = {
        let address = relay.address();
        (
            Endpoint::new(TcpStream::connect(address).unwrap()),
            Endpoint::new(TcpStream::connect(address).unwrap()),
        )
    };
    open(b"a", &mut server, &mut user);
    talk(&mut server, &mut user);
    assert_eq!(told(&socket), "WATCHDOG=1\n");
    relay.signal(Signal::HUP);
    while !told(&socket).starts_with("RELOADING=1\n") {}
    assert_eq!(told(&socket), "READY=1\n");
    assert_eq!(told(&socket), "WATCHDOG=1\n");
}

#[test]
fn a_watchdog_of_another_process_hears_nothing() {
    let (socket, name) = abstract_manager("other");
    let mut command = program::program(&["--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", name).env("WATCHDOG_USEC", "1000").env("WATCHDOG_PID", "1");
    let relay = Running::spawn(&mut command);
    assert_eq!(told(&socket), "READY=1\n");
    std::thread::sleep(std::time::Duration::from_millis(50));
    relay.signal(Signal::TERM);
    assert_eq!(told(&socket), "STOPPING=1\n");
}

#[test]
fn a_service_manager_that_cannot_be_told_is_no_reason_not_to_run() {
    for (name, value, part) in [
        ("NOTIFY_SOCKET", "relative", "NOTIFY_SOCKET cannot be used"),
        ("NOTIFY_SOCKET", "vsock:2:1", "NOTIFY_SOCKET cannot be used"),
        ("NOTIFY_SOCKET", "/nowhere/notify", "the service manager cannot be told: READY=1"),
        ("NOTIFY_SOCKET", "@peote-relay-nobody", "the service manager cannot be told: READY=1"),
    ] {
        let mut command = program::program(&["--listen", "127.0.0.1:0"]);
        let mut relay = Running::spawn(command.env(name, value).stderr(Stdio::piped()));
        TcpStream::connect(relay.address()).unwrap();
        relay.log_until(part);
    }
}

fn write(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
}
