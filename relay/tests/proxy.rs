//! Behind proxies: limits and lists of addresses hold for the client that the proxy names, and for
//! nobody else's word.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use common::websocket::{Browser, Frame, REQUEST, head};
use common::{Endpoint, PATIENCE, Running, config, start};
use peote_relay::{Closed, Config, ForwardedHeader, TurnedAway};

/// Clients that come through a proxy.
const CLIENTS: u8 = 100;

fn ranges(text: &str) -> Vec<peote_relay::IpNet> {
    vec![text.parse().unwrap()]
}

/// A relay that believes headers of the PROXY protocol from this machine, and lets each address in
/// once.
fn behind_tcp() -> Running {
    start(Config { proxy_protocol_from: ranges("127.0.0.1/32"), max_connections_per_address: 1, ..config() })
}

/// One that believes what stands in HTTP requests from this machine.
fn behind_http() -> Config {
    Config { forwarded_from: ranges("127.0.0.1/32"), max_connections_per_address: 1, ..config() }
}

fn v1(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 127.0.0.1 4711 7680\r\n").into_bytes()
}

fn v2(client: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend(client);
    header.extend([127, 0, 0, 1, 1, 2, 3, 4]);
    header
}

/// A connection to `to` from this address of the loopback.
fn connect_from(from: IpAddr, to: SocketAddr) -> TcpStream {
    try_connect_from(from, to).unwrap()
}

fn try_connect_from(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect(&to.into())?;
    let socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

#[test]
fn limits_count_the_client_that_the_header_names() {
    let relay = behind_tcp();
    let mut all = Vec::new();
    for number in 1..=CLIENTS {
        let mut endpoint = relay.connect();
        endpoint.send(&if number % 2 == 0 {
            v1(&format!("192.0.{number}.7"))
        } else {
            v2([192, 0, number, 7])
        });
        endpoint.create(&[number]);
        all.push(endpoint);
    }
    // the same again is one too many
    let mut again = relay.connect();
    again.send(&[&v1("192.0.2.7")[..], b"\0\0\x01\x01a"].concat());
    again.is_closed();
    let stats = relay.until(|stats| stats.closed.of(Closed::TurnedAway) == 1);
    assert_eq!(stats.turned_away.of(TurnedAway::Address), 1);
    drop(all.remove(1));
    relay.until(|stats| stats.connections == usize::from(CLIENTS) - 1);
    let mut again = relay.connect();
    again.send(&v1("192.0.2.7"));
    again.create(b"again");
}

#[test]
fn a_header_may_come_in_pieces_and_nothing_is_lost_behind_it() {
    let relay = behind_tcp();
    for header in [v1("192.0.2.1"), v2([192, 0, 2, 2])] {
        let bytes = [&header[..], b"\0\0\x01\x01a"].concat();
        let mut endpoint = relay.connect();
        for byte in &bytes {
            endpoint.send(&[*byte]);
            // so that it comes alone
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(endpoint.control(), [1, 0, 0]);
        drop(endpoint);
        relay.until(|stats| stats.connections == 0);
    }
}

/// As a proxy does that wants to know whether the relay is there.
#[test]
fn a_proxy_that_says_nothing_has_done_nothing_wrong() {
    let relay = behind_tcp();
    for _ in 0..3 {
        drop(relay.connect());
    }
    let stats = relay.until(|stats| stats.closed.total() == 3);
    assert_eq!((stats.closed.of(Closed::Endpoint), stats.turned_away.total()), (3, 0));
}

#[test]
fn what_a_proxy_has_to_send_is_asked_for() {
    let relay = behind_tcp();
    let long = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
    let huge = [&v2([1, 2, 3, 4])[..14], &[0xff, 0xff]].concat();
    for bytes in [&b"\0\0\x01\x01a"[..], b"PROXY nonsense\r\n", b"\x16\x03\x01", &huge, &long] {
        let mut endpoint = relay.connect();
        endpoint.send(bytes);
        endpoint.is_closed();
    }
    relay.until(|stats| stats.closed.of(Closed::ProxyHeader) == 5);
    // cut off, and gone
    let mut endpoint = relay.connect();
    endpoint.send(b"PROXY TCP4 1.");
    endpoint.socket.shutdown(std::net::Shutdown::Write).unwrap();
    endpoint.is_closed();
    // the proxy for itself, and somebody on its machine
    let health = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    for before in [&b"PROXY UNKNOWN\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", b""] {
        let mut endpoint = relay.connect();
        endpoint.send(&[before, health].concat());
        assert!(head(&mut endpoint.socket).starts_with("HTTP/1.1 200 "));
    }
}

#[test]
fn a_header_is_believed_from_proxies_only_and_once() {
    let relay = start(config());
    // elsewhere it is an HTTP request that is none
    let mut endpoint = relay.connect();
    endpoint.send(&[&v1("192.0.2.7")[..], b"\r\n"].concat());
    assert!(head(&mut endpoint.socket).starts_with("HTTP/1.1 400 "));
    let relay = behind_tcp();
    let mut endpoint = relay.connect();
    endpoint.send(&[&v1("192.0.2.7")[..], &v1("192.0.2.8"), b"\r\n"].concat());
    assert!(head(&mut endpoint.socket).starts_with("HTTP/1.1 400 "));
}

#[test]
fn lists_of_addresses_hold_for_the_client() {
    let relay = start(Config {
        proxy_protocol_from: ranges("127.0.0.1/32"),
        connect_from: ranges("192.0.2.0/24"),
        create_from: ranges("192.0.2.7/32"),
        watch_from: ranges("192.0.2.8/32"),
        metrics: true,
        ..config()
    });
    let mut one = relay.connect();
    one.send(&v1("192.0.2.7"));
    one.create(b"a");
    let mut other = relay.connect();
    other.send(&[&v1("192.0.2.9")[..], b"\0\0\x01\x01b"].concat());
    assert_eq!(other.control(), [1, 1, 1]);
    for (client, status) in [("192.0.2.8", "200"), ("192.0.2.7", "403"), ("192.0.3.8", "")] {
        let mut endpoint = relay.connect();
        endpoint.send(&[&v1(client)[..], b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat());
        let mut response = String::new();
        let _ = endpoint.socket.read_to_string(&mut response);
        assert_eq!(response.get(9..12).unwrap_or_default(), status, "{client}");
    }
}

fn request_with(header: &str) -> String {
    REQUEST.replacen("\r\nUpgrade", &format!("\r\n{header}\r\nUpgrade"), 1)
}

#[test]
fn a_web_socket_counts_for_the_client_that_its_request_names() {
    for (config, name) in [
        (behind_http(), "X-Forwarded-For: 6.6.6.6, "),
        (
            Config { forwarded_header: ForwardedHeader::Forwarded, ..behind_http() },
            "Forwarded: for=6.6.6.6, for=",
        ),
    ] {
        let relay = start(config);
        let ask = |client: &str| {
            let mut endpoint = relay.connect();
            endpoint.send(request_with(&format!("{name}{client}")).as_bytes());
            let response = head(&mut endpoint.socket);
            (Browser::behind(endpoint.socket), response)
        };
        let mut all: Vec<_> = (1..=CLIENTS).map(|number| ask(&format!("192.0.{number}.7"))).collect();
        assert!(all.iter().all(|(_, response)| response.starts_with("HTTP/1.1 101 ")));
        let (_, response) = ask("192.0.2.7");
        assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
        let (browser, _) = &mut all[0];
        browser.send(b"\0\0\x01\x01a");
        assert_eq!(browser.control(), [1, 0, 0]);
        // whoever names nobody is the proxy itself, and that has one connection as well
        let mut plain = relay.connect();
        plain.create(b"plain");
        let mut endpoint = relay.connect();
        endpoint.send(REQUEST.as_bytes());
        assert!(head(&mut endpoint.socket).starts_with("HTTP/1.1 503 "));
        let mut endpoint = relay.connect();
        endpoint.send(b"\0\0\x01\x01b");
        endpoint.is_closed();
    }
}

#[test]
fn what_others_write_into_requests_means_nothing() {
    let relay =
        start(Config { forwarded_from: ranges("10.0.0.0/8"), max_connections_per_address: 1, ..config() });
    let mut first = relay.connect();
    first.send(request_with("X-Forwarded-For: 192.0.2.7").as_bytes());
    assert!(head(&mut first.socket).starts_with("HTTP/1.1 101 "));
    let mut second = relay.connect();
    second.send(request_with("X-Forwarded-For: 192.0.2.8").as_bytes());
    assert!(head(&mut second.socket).starts_with("HTTP/1.1 503 "));
}

/// A proxy that runs in the foreground, with a folder of its own; both gone with the test.
struct Proxy {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Proxy {
    /// Starts `program`; `configuration` gets the folder and the address that the proxy is to
    /// listen on.
    fn start(program: &str, arguments: &[&str], configuration: impl Fn(&Path, SocketAddr) -> String) -> Self {
        install();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{program}-{}", std::process::id()));
        let mut said = String::new();
        // a port that is free now; should somebody else take it, the proxy ends and another one is
        // tried
        for _ in 0..10 {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            fs::create_dir_all(&folder).unwrap();
            let file = folder.join("configuration");
            fs::write(&file, configuration(&folder, address)).unwrap();
            let mut command = Command::new("/usr/sbin/".to_owned() + program);
            command.args(arguments).arg(&file).current_dir(&folder);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(fs::File::create(folder.join("log")).unwrap());
            let mut proxy = Self { child: command.spawn().unwrap(), folder: folder.clone(), address };
            if proxy.is_up() {
                return proxy;
            }
            said = fs::read_to_string(folder.join("log")).unwrap_or_default();
        }
        panic!("{program} does not run: {said}");
    }

    fn is_up(&mut self) -> bool {
        let end = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() && Instant::now() < end {
            // HAProxy's looks at /health come from 127.0.0.1; each address may have one connection
            if try_connect_from(IpAddr::from([127, 3, 0, 1]), self.address).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx ends its workers with it
        let process = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Has the proxies installed where they are missing.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if Path::new("/usr/sbin/nginx").exists() && Path::new("/usr/sbin/haproxy").exists() {
            return;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/proxies");
        assert!(Command::new(script).status().unwrap().success(), "scripts/proxies says what is missing");
    });
}

fn sample(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)).unwrap()
}

/// The sample configuration with the addresses of the test, and what stands around it in nginx's
/// own file.
fn nginx(relay: SocketAddr) -> Proxy {
    Proxy::start("nginx", &["-e", "stderr", "-c"], |folder, address| {
        let folder = folder.display();
        let site = sample("nginx.conf").replace("127.0.0.1:7680", &relay.to_string());
        let site = site.replace("listen 443 ssl", &format!("listen {address}"));
        let site = site.replace("/var/log/nginx/peote-relay.log", &format!("{folder}/access.log"));
        let site: String =
            site.lines().filter(|line| !line.contains("ssl_")).map(|line| format!("{line}\n")).collect();
        format!(
            "daemon off;\npid {folder}/pid;\nerror_log stderr;\nworker_processes 1;\nevents {{}}\nhttp {{\n\
             client_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\nfastcgi_temp_path {folder}/f;\n\
             uwsgi_temp_path {folder}/u;\nscgi_temp_path {folder}/s;\n{site}}}\n"
        )
    })
}

fn haproxy(relay: SocketAddr, header: &str) -> Proxy {
    Proxy::start("haproxy", &["-db", "-f"], |_, address| {
        let text = sample("haproxy.cfg").replace("127.0.0.1:7681", &relay.to_string());
        text.replace("0.0.0.0:7680", &address.to_string())
            .replace("send-proxy-v2", header)
            .replace("maxconn 20000", "maxconn 500")
    })
}

/// Addresses of the loopback, each of a network of its own.
fn clients() -> impl Iterator<Item = IpAddr> {
    (1..=CLIENTS).map(|number| IpAddr::from([127, 1, number, 1]))
}

#[test]
fn a_hundred_clients_through_haproxy() {
    for header in ["send-proxy-v2", "send-proxy"] {
        let relay = behind_tcp();
        let proxy = haproxy(relay.address, header);
        let mut all = Vec::new();
        for (number, client) in clients().enumerate() {
            let mut endpoint = Endpoint::new(connect_from(client, proxy.address));
            endpoint.create(&[u8::try_from(number).unwrap()]);
            all.push(endpoint);
        }
        for client in clients().take(3) {
            let mut endpoint = Endpoint::new(connect_from(client, proxy.address));
            endpoint.send(b"\0\0\x01\x01a");
            endpoint.is_closed();
        }
        assert_eq!(relay.stats().turned_away.of(TurnedAway::Address), 3);
        // a WebSocket, and HAProxy's own looks at /health
        let mut browser = Browser::over(connect_from(IpAddr::from([127, 2, 0, 1]), proxy.address));
        browser.send(b"\0\x01\x01\x01\x05");
        assert_eq!(browser.control(), [1, 0, 0]);
        relay.until(|stats| stats.closed.of(Closed::Page) > 0);
    }
}

#[test]
fn a_hundred_browsers_through_nginx() {
    let relay = start(behind_http());
    let proxy = nginx(relay.address);
    let mut all = Vec::new();
    for client in clients() {
        let mut socket = connect_from(client, proxy.address);
        // what a client writes itself does not count
        socket
            .write_all(request_with("X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6").as_bytes())
            .unwrap();
        let response = head(&mut socket);
        assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
        all.push(Browser::behind(socket));
    }
    let mut again = connect_from(clients().next().unwrap(), proxy.address);
    again.write_all(REQUEST.as_bytes()).unwrap();
    assert!(head(&mut again).starts_with("HTTP/1.1 503 "));
    assert_eq!(relay.stats().turned_away.of(TurnedAway::Address), 1);
    // they talk, and one that leaves makes room
    let (server, users) = all.split_first_mut().unwrap();
    server.send(b"\0\0\x01\x01a");
    assert_eq!(server.control(), [1, 0, 0]);
    for (number, user) in users.iter_mut().enumerate() {
        user.send(b"\0\x01\x01\x01a");
        assert_eq!(user.control(), [1, 0, 0]);
        assert_eq!(server.control(), [0, 0, 0, u8::try_from(number).unwrap()]);
    }
    server.send(&common::to_all(0, b"hello"));
    assert!(users.iter_mut().all(|user| user.data(0, 5) == b"hello"));
    server.raw(&common::websocket::frame(common::websocket::CLOSE, &1000u16.to_be_bytes()));
    while server.frame() != Frame::End {}
    relay.until(|stats| stats.connections == usize::from(CLIENTS) - 1);
    let mut socket = connect_from(clients().next().unwrap(), proxy.address);
    socket.write_all(REQUEST.as_bytes()).unwrap();
    assert!(head(&mut socket).starts_with("HTTP/1.1 101 "));
    // pages for operators are not for those who come through the proxy
    let mut socket = connect_from(IpAddr::from([127, 2, 0, 1]), proxy.address);
    socket.write_all(b"GET /details HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(head(&mut socket).starts_with("HTTP/1.1 403 "));
}

#[cfg(feature = "tls")]
#[test]
fn the_header_stands_in_front_of_tls() {
    let files = common::tls::Files::new();
    let relay = start(Config {
        proxy_protocol_from: ranges("127.0.0.1/32"),
        max_connections_per_address: 1,
        ..files.config()
    });
    let mut all = Vec::new();
    for client in ["192.0.2.1", "192.0.2.2"] {
        let mut socket = TcpStream::connect(relay.addresses[1]).unwrap();
        socket.write_all(&v1(client)).unwrap();
        let mut endpoint = Endpoint::over(files.over(socket));
        endpoint.create(client.as_bytes());
        all.push(endpoint);
    }
    let mut socket = TcpStream::connect(relay.addresses[1]).unwrap();
    socket.write_all(&v1("192.0.2.1")).unwrap();
    assert!(common::tls::rest(&mut socket).is_empty());
    assert_eq!(relay.stats().turned_away.of(TurnedAway::Address), 1);
}
