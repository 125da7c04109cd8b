//! `peote-relay --try`: the page beside the relay, over plain HTTP.
#![cfg(all(feature = "program", feature = "try"))]

mod program;

use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream};

use program::{PATIENCE, Running, output, refused, settings, text};

struct Tried {
    _relay: Running,
    relay: SocketAddr,
    page: SocketAddr,
}

impl Tried {
    fn start() -> Self {
        let mut running = Running::start(&["--try"]);
        let relay = running.address();
        let mut line = String::new();
        running.lines.read_line(&mut line).unwrap();
        let page = line.strip_prefix("try it: http://").and_then(|rest| rest.strip_suffix("/\n"));
        let page = page.unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
        Self { _relay: running, relay, page }
    }

    /// The head and the content of what comes back for these bytes.
    fn ask(&self, at: SocketAddr, request: &str) -> (String, String) {
        let mut socket = TcpStream::connect(at).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut response = Vec::new();
        socket.read_to_end(&mut response).unwrap();
        let response = text(&response);
        let (head, content) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
        (head.into(), content.into())
    }

    fn get(&self, path: &str) -> (String, String) {
        self.ask(self.page, &format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.page))
    }

    #[track_caller]
    fn is_refused(&self, request: &str, status: &str) {
        let (head, _) = self.ask(self.page, request);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{request:?}: {head}");
    }
}

#[test]
fn the_page_and_its_files_are_served() {
    let tried = Tried::start();
    assert!(tried.relay.ip().is_loopback() && tried.page.ip().is_loopback());
    let (head, content) = tried.get("/");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"), "{head}");
    assert!(head.contains(&format!("connect-src 'self' ws://{};", tried.relay)), "{head}");
    assert!(content.contains(&format!("data-relay=\"{}\"", tried.relay)), "{content}");
    assert!(!content.contains("{{"), "{content}");
    let files = [
        ("/try.js", "text/javascript"),
        ("/chat/index.html?room=try", "text/html"),
        ("/chat/chat.js", "text/javascript"),
        ("/chat/peote-net.js", "text/javascript"),
        ("/chat/chat.css", "text/css"),
    ];
    for (path, kind) in files {
        let (head, content) = tried.get(path);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {head}");
        assert!(head.contains(&format!("\r\nContent-Type: {kind}; charset=utf-8\r\n")), "{path}: {head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", content.len())), "{path}: {head}");
    }
    let host = tried.page;
    let (head, content) = tried.ask(host, &format!("HEAD / HTTP/1.0\r\nhost: {host}\r\n\r\n"));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && content.is_empty(), "{head}\n{content}");
}

#[test]
fn the_figures_are_those_of_the_relay() {
    let tried = Tried::start();
    let _endpoint = TcpStream::connect(tried.relay).unwrap();
    let (head, content) = tried.get("/figures");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let figures: serde_json::Value = serde_json::from_str(&content).unwrap();
    assert_eq!(figures["channel_count"], 0);
    // the endpoint, and the one that asks
    assert!(figures["connections"].as_u64().unwrap() >= 1, "{content}");
}

/// A page elsewhere has neither this server's name nor its origin.
#[test]
fn pages_of_others_get_nothing() {
    let tried = Tried::start();
    let port = tried.page.port();
    for host in ["example.com", "127.0.0.1", &format!("example.com:{port}"), &format!("[::1]:{port}")] {
        tried.is_refused(&format!("GET /figures HTTP/1.1\r\nHost: {host}\r\n\r\n"), "403 ");
    }
    tried.is_refused("GET / HTTP/1.1\r\n\r\n", "403 ");
    let host = tried.page;
    tried.is_refused(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n"), "403 ");
    let socket = |origin: &str| {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            tried.relay
        );
        let mut socket = TcpStream::connect(tried.relay).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut status = [0; 12];
        socket.read_exact(&mut status).unwrap();
        text(&status)
    };
    assert_eq!(socket("https://example.com"), "HTTP/1.1 403");
    assert_eq!(socket(&format!("http://127.0.0.1:{}", tried.relay.port())), "HTTP/1.1 403");
    assert_eq!(socket(&format!("http://127.0.0.1:{port}")), "HTTP/1.1 101");
    assert_eq!(socket(&format!("http://localhost:{port}")), "HTTP/1.1 101");
}

#[test]
fn what_is_not_asked_for_rightly_is_refused() {
    let tried = Tried::start();
    let host = tried.page;
    for path in
        ["/Cargo.toml", "/chat/", "/chat/../try.js", "/chat/chat.test.mjs", "/chat/README.md", "//try.css/"]
    {
        tried.is_refused(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"), "404 ");
    }
    tried.is_refused(&format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"), "405 ");
    tried.is_refused("\u{1}\u{2}\r\n\r\n", "400 ");
    tried.is_refused(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nX: {}", "x".repeat(9000)), "400 ");
}

/// A browser opens connections that it does not use.
#[test]
fn connections_that_say_nothing_hold_up_nobody() {
    let tried = Tried::start();
    let silent: Vec<_> = (0..8).map(|_| TcpStream::connect(tried.page).unwrap()).collect();
    assert!(tried.get("/try.css").0.starts_with("HTTP/1.1 200 OK\r\n"));
    drop(silent);
}

#[test]
fn it_is_for_this_machine_only_and_without_a_file() {
    let local = "--try: the page is for this machine; listen on 127.0.0.1, on [::1], or without --try";
    refused(&["--try", "--listen", "0.0.0.0:0"], &[local]);
    refused(&["--try", "--listen", "127.0.0.1:0", "--listen", "[::]:0"], &[local]);
    refused(
        &["--try", "--config", "x.toml"],
        &["the argument '--try' cannot be used with '--config <FILE>'; see --help"],
    );
    let settings = settings(&["--try", "--listen", "[::1]:7690"]);
    assert!(settings.contains(&"listen = [\"[::1]:7690\"]".into()), "{settings:#?}");
    assert!(settings.contains(&"details = true".into()), "{settings:#?}");
    assert!(text(&output(&["--help"]).stdout).contains("--try"));
}
