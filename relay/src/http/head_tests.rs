use httparse::EMPTY_HEADER;

use super::*;

/// What is made of a whole head: method, version, path, host.
fn parsed(head: &str) -> Result<(Method, bool, String, Option<String>), &'static str> {
    let mut collected = Collected::default();
    assert_eq!(collected.push(head.as_bytes()), Ok(Some(head.len())), "{head:?}");
    let mut headers = [EMPTY_HEADER; MAX_LINES];
    let head = collected.parse(&mut headers).map_err(|refusal| &refusal.status[..3])?;
    let host = head.host.map(|host| str::from_utf8(host).unwrap().to_string());
    Ok((head.method, head.is_1_1, head.path.to_string(), host))
}

#[track_caller]
fn is_refused(head: &str, status: &str) {
    assert_eq!(parsed(head).unwrap_err(), status, "{head:?}");
}

#[track_caller]
fn asks_for(target: &str, path: &str, host: &str) {
    let head = format!("GET {target} HTTP/1.1\r\nHost: relay:1\r\n\r\n");
    assert_eq!(parsed(&head), Ok((Method::Get, true, path.into(), Some(host.into()))), "{target}");
}

/// RFC 9112, section 3.2.
#[test]
fn targets_in_every_form() {
    asks_for("/", "/", "relay:1");
    asks_for("/a/b?c=/d", "/a/b", "relay:1");
    asks_for("*", "*", "relay:1");
    // a host that stands in the target goes before the header (RFC 9112, section 3.2.2)
    for (target, path, host) in [
        ("http://other/health", "/health", "other"),
        ("HTTP://other:80/health?x", "/health", "other:80"),
        ("https://[::1]:7680/a", "/a", "[::1]:7680"),
        ("ws://other", "/", "other"),
        ("wss://other?query=/x", "/", "other"),
        ("http://other/a?b=http://c", "/a", "other"),
    ] {
        asks_for(target, path, host);
    }
    for target in [
        "health",
        "relay:7680",
        "http:/x",
        "http://",
        "http:///x",
        "http://user@relay/x",
        "ftp://relay/x",
        "http://a b/",
        "http://a:b/",
        "?x",
        "http://[::1/x",
    ] {
        is_refused(&format!("GET {target} HTTP/1.1\r\nHost: relay\r\n\r\n"), "400");
    }
}

/// RFC 9112, sections 2.3 and 3; RFC 9110, section 2.5.
#[test]
fn versions() {
    let version = |version: &str| parsed(&format!("GET / {version}\r\nHost: x\r\n\r\n")).map(|head| head.1);
    assert_eq!(version("HTTP/1.1"), Ok(true));
    assert_eq!(version("HTTP/1.0"), Ok(false));
    // a later one is taken for the latest that is known
    assert_eq!(version("HTTP/1.2"), Ok(true));
    assert_eq!(version("HTTP/1.9"), Ok(true));
    for other in ["HTTP/2.0", "HTTP/0.9", "HTTP/3.1"] {
        assert_eq!(version(other), Err("505"), "{other}");
    }
    for none in ["http/1.1", "HTTP/1", "HTTP/1.10", "HTTP/1.x", "HTTP/1,1", "", "x"] {
        assert_eq!(version(none), Err("400"), "{none}");
    }
    assert_eq!(parsed("PRI * HTTP/2.0\r\n\r\n"), Err("505"));
}

/// RFC 9112, section 3.2; RFC 9110, section 7.2.
#[test]
fn the_host_is_there_once_and_is_one() {
    let host = |lines: &str| parsed(&format!("GET / HTTP/1.1\r\n{lines}\r\n")).map(|head| head.3.unwrap());
    for good in ["relay", "relay:", "relay:7680", "127.0.0.1", "[::1]:7680", "[v1.x]", "r%41_-~", ""] {
        assert_eq!(host(&format!("Host: {good}\r\n")).as_deref(), Ok(good));
    }
    for bad in [
        "a b",
        "a/b",
        "a,b@c",
        "user@relay",
        "relay:x",
        ":80",
        "[::1",
        "[]",
        "::1",
        "[::1]x",
        "a\\b",
        "r\u{e4}",
    ] {
        assert_eq!(host(&format!("Host: {bad}\r\n")), Err("400"), "{bad}");
    }
    assert_eq!(host(""), Err("400"));
    assert_eq!(host("Host: a\r\nHost: a\r\n"), Err("400"));
    assert_eq!(parsed("GET / HTTP/1.0\r\n\r\n"), Ok((Method::Get, false, "/".into(), None)));
    is_refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400");
    is_refused("GET http://a/ HTTP/1.1\r\n\r\n", "400");
}

/// RFC 9112, sections 2.2, 3 and 5; RFC 9110, section 9.1.
#[test]
fn lines_and_methods() {
    assert!(parsed("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap().0 == Method::Head);
    for method in ["POST", "PUT", "OPTIONS", "DELETE", "TRACE", "CONNECT", "PATCH", "Get", "HEADS", "X"] {
        is_refused(&format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n"), "405");
    }
    // line ends of one byte, and space around a value
    assert_eq!(parsed("GET / HTTP/1.1\nHost:\t x \t\n\n").unwrap().3.as_deref(), Some("x"));
    for wrong in [
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1 x\r\nHost: x\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        // a name with a space behind it, a line that goes on, a line without a colon, a return by
        // itself
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
    ] {
        is_refused(wrong, "400");
    }
}

/// RFC 9112, section 2.2.
#[test]
fn empty_lines_in_front_have_no_meaning() {
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for empty in ["\r\n", "\n", "\r\n\r\n", "\n\r\n\n", "\r\n\r\n\r\n\r\n"] {
        let all = format!("{empty}{request}behind\r\n\r\n");
        let end = empty.len() + request.len();
        for cut in 0..end {
            let mut collected = Collected::default();
            assert_eq!(collected.push(&all.as_bytes()[..cut]), Ok(None), "{empty:?} cut at {cut}");
            assert_eq!(collected.push(&all.as_bytes()[cut..]), Ok(Some(end - cut)), "{empty:?} cut at {cut}");
            assert!(collected.parse(&mut [EMPTY_HEADER; MAX_LINES]).is_ok());
        }
        let mut collected = Collected::default();
        let byte_by_byte = all.bytes().position(|byte| collected.push(&[byte]) == Ok(Some(1)));
        assert_eq!(byte_by_byte, Some(end - 1), "{empty:?}");
    }
    // they count
    assert!(Collected::default().push(&b"\r\n".repeat(MAX_HEAD)).is_err());
}

#[test]
fn what_is_too_long_is_named() {
    let status = |bytes: &[u8]| Collected::default().push(bytes).map_err(|refusal| &refusal.status[..3]);
    let with = |len: usize| {
        let start = "GET / HTTP/1.1\r\nHost: x\r\nCookie: ";
        format!("{start}{}\r\n\r\n", "c".repeat(len - start.len() - 4))
    };
    assert_eq!(status(with(MAX_HEAD).as_bytes()), Ok(Some(MAX_HEAD)));
    assert_eq!(status(with(MAX_HEAD + 1).as_bytes()), Err("431"));
    let target = format!("GET /{} HTTP/1.1\r\n", "x".repeat(MAX_HEAD));
    assert_eq!(status(target.as_bytes()), Err("414"));
    assert_eq!(status(format!("\r\n{target}").as_bytes()), Err("414"));
    assert_eq!(status(&[b'G'; MAX_HEAD]), Err("431"));
    let lines =
        |count: usize| parsed(&format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(count - 1)));
    assert!(lines(MAX_LINES).is_ok());
    assert_eq!(lines(MAX_LINES + 1), Err("431"));
}
