use super::*;
use crate::http::MAX_HEAD;

/// The response to a request that comes at once, with this content where it is a page.
fn page_of(request: &str) -> String {
    let mut collected = Request::default();
    let response = match collected.receive(request.as_bytes(), &Config::default()) {
        Answer::Page(page) => collected.page(page, "content\n"),
        Answer::Refuse(refusal, _) => collected.refuse(refusal),
        other => panic!("{other:?}"),
    };
    String::from_utf8(response.bytes).unwrap()
}

#[test]
fn pages_and_what_is_none() {
    let status = |line: &str| page_of(&format!("{line}\r\nHost: x\r\n\r\n"))[9..12].to_string();
    assert_eq!(status("GET /health HTTP/1.1"), "200");
    assert_eq!(status("GET /health?x=y HTTP/1.0"), "200");
    assert_eq!(status("GET http://relay/health HTTP/1.1"), "200");
    assert_eq!(status("GET /metrics HTTP/1.1"), "200");
    for path in ["/", "/health/", "/healthy", "/HEALTH", "*", "/%68ealth", "http://relay/health/"] {
        assert_eq!(status(&format!("GET {path} HTTP/1.1")), "404", "{path}");
    }
    let page = page_of("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(page.ends_with("Connection: close\r\n\r\ncontent\n"), "{page}");
}

/// RFC 9110, section 9.3.2: as `GET`, without the content, whatever the answer is.
#[test]
fn head_gets_what_get_gets_without_the_content() {
    for rest in [
        "/health HTTP/1.1\r\nHost: x\r\n\r\n",
        "/metrics HTTP/1.0\r\n\r\n",
        "/details HTTP/1.1\r\nHost: x\r\n\r\n",
        "/nothing HTTP/1.1\r\nHost: x\r\n\r\n",
        "/health HTTP/1.1\r\n\r\n",
        "/health HTTP/3.0\r\n\r\n",
    ] {
        // the date may have changed in between
        let undated = |response: String| {
            let lines = response.split_inclusive("\r\n").filter(|line| !line.starts_with("Date: "));
            lines.collect::<String>()
        };
        let get = undated(page_of(&format!("GET {rest}")));
        let (header, content) = get.split_once("\r\n\r\n").unwrap();
        assert!(
            header.contains(&format!("\r\nContent-Length: {}\r\n", content.len())) && !content.is_empty()
        );
        for front in ["", "\r\n"] {
            let head = undated(page_of(&format!("{front}HEAD {rest}")));
            assert_eq!(head, format!("{header}\r\n\r\n"), "{rest}");
        }
    }
    // a request that did not come whole says how it is to be answered, too
    let mut collected = Request::default();
    assert!(matches!(collected.receive(b"HEAD /health HTTP/1.1\r\n", &Config::default()), Answer::Wait));
    for response in [collected.too_slow(), collected.stopping()] {
        assert!(response.bytes.ends_with(b"\r\n\r\n"));
    }
}

/// RFC 9110, sections 6.6.1 and 7.8, and RFC 9112, section 9.6.
#[test]
fn what_every_response_says() {
    for (request, status, connection) in [
        ("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", "200", "close"),
        ("GET /health HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", "200", "close"),
        // RFC 9110, sections 10.1.1 and 12.1: neither is a reason for anything else
        ("GET /health HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", "200", "close"),
        ("GET /health HTTP/1.1\r\nHost: x\r\nAccept: image/png\r\n\r\n", "200", "close"),
        ("GET /health HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "200", "close"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404", "close"),
        (
            "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            "426",
            "Upgrade, close",
        ),
    ] {
        let response = page_of(request);
        assert_eq!(&response[9..12], status);
        let value =
            |name: &str| response.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_string();
        assert_eq!(value("Connection: "), connection);
        let date = httpdate::parse_http_date(&value("Date: ")).unwrap();
        assert!(date.elapsed().is_ok_and(|age| age.as_secs() < 60), "{response}");
    }
}

/// RFC 9110, section 12.5.1; which one it is is part of what caches have to know (section 12.5.5).
#[test]
fn figures_come_in_the_format_that_is_asked_for() {
    for (accept, kind) in [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "Accept: application/openmetrics-text\r\n",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        (
            "Accept: text/plain;q=0.4\r\nAccept: application/*;q=0.5\r\n",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ] {
        let response = page_of(&format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{accept}\r\n"));
        assert!(response.contains(&format!("\r\nVary: Accept\r\nContent-Type: {kind}\r\n")), "{response}");
    }
}

/// RFC 9110, section 7.8: with HTTP/1.0 the header has no meaning; RFC 6455, section 4.2.1: a
/// handshake with it is refused.
#[test]
fn upgrades_with_an_old_version() {
    let upgrade = "HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    assert_eq!(&page_of(&format!("GET /health {upgrade}"))[9..12], "200");
    assert_eq!(&page_of(&format!("GET / {upgrade}"))[9..12], "505");
}

/// By a name of its own, which it has stand for this machine, a page elsewhere could have a browser
/// here read the page.
#[test]
fn figures_are_not_shown_to_whoever_asks_by_a_name() {
    let config = Config { metrics: true, ..Config::default() };
    let asked = |host: &str, config: &Config| {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n");
        Request::default().receive(request.as_bytes(), config)
    };
    for host in ["127.0.0.1:7680", "[::1]", "localhost"] {
        assert!(matches!(asked(host, &config), Answer::Page(Page::Metrics(_))), "{host}");
    }
    for host in ["evil.example", "localhost.evil.example:7680"] {
        assert!(matches!(asked(host, &config), Answer::Refuse(BY_NAME, Closed::WatchFrom)), "{host}");
    }
    let everybody = Config { watch_from: Vec::new(), ..config };
    assert!(matches!(asked("relay.example", &everybody), Answer::Page(Page::Metrics(_))));
    // where there is none, nothing is said about names
    assert!(matches!(asked("evil.example", &Config::default()), Answer::Page(Page::Metrics(_))));
}

#[test]
fn details_are_not_shown_to_whoever_asks_by_a_name() {
    let asked = |host: &str, config: &Config| {
        let request = format!("GET /details HTTP/1.1\r\n{host}\r\n");
        Request::default().receive(request.as_bytes(), config)
    };
    let config = Config { details: true, ..Config::default() };
    let old = "GET /details HTTP/1.0\r\n\r\n";
    let asked_without = Request::default().receive(old.as_bytes(), &config);
    assert!(matches!(asked_without, Answer::Page(Page::Details)));
    for host in [
        "127.0.0.1",
        "127.0.0.1:7680",
        "[::1]:7680",
        "[::1]",
        "localhost",
        "LocalHost:80",
        "192.0.2.1:7680",
        "relay",
        "my_relay-1:7680",
    ] {
        assert!(
            matches!(asked(&format!("Host: {host}\r\n"), &config), Answer::Page(Page::Details)),
            "{host}"
        );
    }
    for (host, is_wrong) in [
        ("evil.example", false),
        ("evil.example:7680", false),
        ("evil.", false),
        ("evil%2eexample", false),
        ("localhost.evil.example", false),
        ("127.0.0.1.evil.example:7680", false),
        ("127.0.0.1\r\nHost: evil.example", true),
        ("[::1].evil.example", true),
        ("[evil]", false),
        ("localhost:evil", true),
        ("::1:evil", true),
        ("\u{80}", true),
        ("", false),
    ] {
        match asked(&format!("Host: {host}\r\n"), &config) {
            Answer::Refuse(refusal, Closed::WatchFrom) => assert_eq!(refusal, BY_NAME),
            Answer::Refuse(refusal, Closed::BadRequest) => {
                assert!(is_wrong && refusal.status.starts_with("400 "), "{host}");
            }
            other => panic!("{host}: {other:?}"),
        }
    }
    // the target goes before the header
    for (target, is_shown) in [("http://evil.example/details", false), ("http://127.0.0.1:80/details", true)]
    {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = Request::default().receive(request.as_bytes(), &config);
        assert_eq!(matches!(answer, Answer::Page(Page::Details)), is_shown, "{target}");
    }
    // where everybody may see it, and where there is none
    let named = "Host: relay.example\r\n";
    let everybody = Config { watch_from: Vec::new(), ..config };
    assert!(matches!(asked(named, &everybody), Answer::Page(Page::Details)));
    assert!(matches!(asked(named, &Config::default()), Answer::Page(Page::Details)));
}

#[test]
fn a_request_in_pieces_says_where_it_ends() {
    let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let stream = [request.as_bytes(), b"more\r\n\r\n"].concat();
    for cut in 0..request.len() {
        let mut collected = Request::default();
        let (first, second) = stream.split_at(cut);
        assert!(matches!(collected.receive(first, &Config::default()), Answer::Wait));
        match collected.receive(second, &Config::default()) {
            Answer::Upgrade(upgrade) => {
                assert!(upgrade.response.starts_with(b"HTTP/1.1 101 "));
                assert_eq!(upgrade.used, request.len() - cut);
                assert_eq!(upgrade.token, None);
            }
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
}

#[test]
fn a_request_never_takes_more_than_its_limit() {
    let mut collected = Request::default();
    for count in 1.. {
        let answer = collected.receive(&[b'G'; 1000], &Config::default());
        assert!(collected.memory() <= MAX_HEAD + 64, "{}", collected.memory());
        if count * 1000 < MAX_HEAD {
            assert!(matches!(answer, Answer::Wait));
        } else {
            assert!(matches!(answer, Answer::Refuse(refusal, _) if refusal.status.starts_with("431 ")));
            break;
        }
    }
}

#[test]
fn a_token_comes_in_the_header_or_in_the_query() {
    for (target, header, token) in [
        ("/?token=a.b-_.c", "", Some("a.b-_.c")),
        ("/x?y=1&token=t&z", "", Some("t")),
        ("/?token=", "", Some("")),
        ("/?mytoken=t", "", None),
        ("/token=t", "", None),
        ("http://x/?token=t", "", Some("t")),
        ("/", "Authorization: Bearer  t \r\n", Some("t")),
        ("/?token=q", "authorization: bearer h\r\n", Some("h")),
        ("/?token=q", "Authorization: Basic h\r\n", Some("q")),
        ("/", "Authorization: Bearer\r\n", None),
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{header}\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        match Request::default().receive(request.as_bytes(), &Config::default()) {
            Answer::Upgrade(upgrade) => {
                assert_eq!(upgrade.token.as_deref(), token.map(str::as_bytes), "{request}");
            }
            other => panic!("{request}: {other:?}"),
        }
    }
}
