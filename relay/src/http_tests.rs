use super::*;

/// The response to a request that comes at once.
fn page_of(request: &str) -> String {
    match Request::default().receive(request.as_bytes(), &Config::default()) {
        Answer::Page(Page::Metrics) => String::from_utf8(metrics("figures\n")).unwrap(),
        Answer::Close(response, _) => String::from_utf8(response).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pages_and_what_is_none() {
    let status = |line: &str| page_of(&format!("{line}\r\nHost: x\r\n\r\n"))[9..12].to_string();
    assert_eq!(status("GET /health HTTP/1.1"), "200");
    assert_eq!(status("GET /health?x=y HTTP/1.0"), "200");
    assert_eq!(status("GET /metrics HTTP/1.1"), "200");
    for path in ["/", "/health/", "/healthy", "/HEALTH", "*", "/%68ealth"] {
        assert_eq!(status(&format!("GET {path} HTTP/1.1")), "404", "{path}");
    }
    assert!(page_of("GET /health HTTP/1.1\r\n\r\n").ends_with("Connection: close\r\n\r\nok\n"));
    assert!(page_of("GET /metrics HTTP/1.1\r\n\r\n").ends_with("\r\n\r\nfigures\n"));
}

/// By a name of its own, which it has stand for this machine, a page elsewhere could have a browser here read the page.
#[test]
fn details_are_not_shown_to_whoever_asks_by_a_name() {
    let asked = |host: &str, config: &Config| {
        let request = format!("GET /details HTTP/1.1\r\n{host}\r\n");
        Request::default().receive(request.as_bytes(), config)
    };
    let config = Config { details: true, ..Config::default() };
    for host in [
        "",
        "127.0.0.1",
        "127.0.0.1:7680",
        "[::1]:7680",
        "[::1]",
        "localhost",
        "LocalHost:80",
        "192.0.2.1:7680",
    ] {
        let host = if host.is_empty() { String::new() } else { format!("Host: {host}\r\n") };
        assert!(matches!(asked(&host, &config), Answer::Page(Page::Details)), "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:7680",
        "localhost.evil.example",
        "127.0.0.1.evil.example:7680",
        "127.0.0.1\r\nHost: evil.example",
        "[::1].evil.example",
        "[evil]",
        "localhost:evil",
        "::1:evil",
        "\u{80}",
        "",
    ] {
        match asked(&format!("Host: {host}\r\n"), &config) {
            Answer::Close(response, Closed::WatchFrom) => assert!(response.starts_with(b"HTTP/1.1 403 ")),
            other => panic!("{host}: {other:?}"),
        }
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
            Answer::Upgrade(response, used) => {
                assert!(response.starts_with(b"HTTP/1.1 101 "));
                assert_eq!(used, request.len() - cut);
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
        assert!(collected.memory() <= MAX_REQUEST + 64, "{}", collected.memory());
        if count * 1000 < MAX_REQUEST {
            assert!(matches!(answer, Answer::Wait));
        } else {
            assert!(matches!(answer, Answer::Close(response, _) if response.starts_with(b"HTTP/1.1 431 ")));
            break;
        }
    }
}
