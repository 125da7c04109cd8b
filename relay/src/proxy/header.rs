//! The header of the PROXY protocol, versions 1 and 2.

use std::net::SocketAddr;

use ppp::{v1, v2};

/// Bytes of the longest header that is taken: of version 2, with what proxies add about TLS.
pub(crate) const MAX_HEADER: usize = 4096;

/// Bytes of the longest header of version 1.
const MAX_TEXT: usize = 107;

const TEXT: &[u8] = b"PROXY ";
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What the beginning of a connection tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing yet: it may be the beginning of a header.
    Incomplete,
    /// No header.
    Nothing,
    /// A header that is not as it should be, or that is not about TCP.
    Malformed,
    /// A header of so many bytes, and the client if it names one. If not, the proxy has opened the
    /// connection for itself, as it does to see whether the relay is well.
    Header(usize, Option<SocketAddr>),
}

/// Looks at the bytes that a connection begins with.
pub(crate) fn header(bytes: &[u8]) -> Told {
    let is_begun = |signature: &[u8]| signature.iter().zip(bytes).all(|(one, other)| one == other);
    if is_begun(BINARY) {
        binary(bytes)
    } else if is_begun(TEXT) {
        text(bytes)
    } else {
        Told::Nothing
    }
}

fn text(bytes: &[u8]) -> Told {
    let Some(end) = bytes.windows(2).take(MAX_TEXT - 1).position(|two| two == b"\r\n") else {
        return if bytes.len() < MAX_TEXT { Told::Incomplete } else { Told::Malformed };
    };
    let len = end + 2;
    match v1::Header::try_from(bytes.get(..len).unwrap_or_default()) {
        Ok(header) => Told::Header(
            len,
            match header.addresses {
                v1::Addresses::Tcp4(all) => Some((all.source_address, all.source_port).into()),
                v1::Addresses::Tcp6(all) => Some((all.source_address, all.source_port).into()),
                v1::Addresses::Unknown => None,
            },
        ),
        Err(_) => Told::Malformed,
    }
}

fn binary(bytes: &[u8]) -> Told {
    let &[_, _, _, _, _, _, _, _, _, _, _, _, _, _, high, low, ..] = bytes else { return Told::Incomplete };
    let len = 16 + usize::from(u16::from_be_bytes([high, low]));
    if len > MAX_HEADER {
        return Told::Malformed;
    }
    let Some(bytes) = bytes.get(..len) else { return Told::Incomplete };
    let Ok(header) = v2::Header::try_from(bytes) else { return Told::Malformed };
    let client = match (header.command, header.protocol, header.addresses) {
        (v2::Command::Local, ..) | (_, _, v2::Addresses::Unspecified | v2::Addresses::Unix(_)) => None,
        (_, v2::Protocol::Datagram, _) => return Told::Malformed,
        (_, _, v2::Addresses::IPv4(all)) => Some((all.source_address, all.source_port).into()),
        (_, _, v2::Addresses::IPv6(all)) => Some((all.source_address, all.source_port).into()),
    };
    Told::Header(len, client)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(body.len()).unwrap().to_be_bytes();
        [BINARY, &[command, family], &len, body].concat()
    }

    const V4: [u8; 12] = [192, 0, 2, 7, 127, 0, 0, 1, 0x12, 0x34, 0x1e, 0x00];

    /// All headers that name somebody or nobody.
    fn good() -> Vec<(Vec<u8>, Option<SocketAddr>)> {
        let mut v6 = [0; 36];
        (v6[0], v6[1], v6[15], v6[33]) = (0x20, 0x01, 7, 80);
        let v4: SocketAddr = "192.0.2.7:4660".parse().unwrap();
        vec![
            (b"PROXY TCP4 192.0.2.7 127.0.0.1 4660 7680\r\n".to_vec(), Some(v4)),
            (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n".to_vec(), Some("[2001:db8::7]:1".parse().unwrap())),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff:f ffff:f 65535 65535\r\n".to_vec(), None),
            (v2(0x21, 0x11, &V4), Some(v4)),
            (v2(0x21, 0x11, &[&V4[..], &[0x04, 0, 1, 0]].concat()), Some(v4)),
            (v2(0x21, 0x21, &v6), Some("[2001::7]:80".parse().unwrap())),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x20, 0x11, &V4), None),
            (v2(0x21, 0x00, &[]), None),
            (v2(0x21, 0x31, &[0; 216]), None),
        ]
    }

    #[test]
    fn headers_of_both_versions_are_taken_with_whatever_comes_behind() {
        for (header, client) in good() {
            let len = header.len();
            for behind in [&b""[..], b"\0\0\x01\x01a", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe", &header] {
                let bytes = [&header, behind].concat();
                assert_eq!(super::header(&bytes), Told::Header(len, client), "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_header_that_is_cut_waits_for_more() {
        for (header, _) in good() {
            for len in 0..header.len() {
                assert_eq!(super::header(&header[..len]), Told::Incomplete, "{:?}", &header[..len]);
            }
        }
    }

    #[test]
    fn what_is_no_header_is_none() {
        for bytes in
            [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\0\x01\x01a", b"POST /", b"\r\n\r\nGET", b"P\0", b"\x16\x03"]
        {
            assert_eq!(header(bytes), Told::Nothing);
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let long = format!("PROXY {}", "1".repeat(200));
        for bytes in [
            long.as_bytes(),
            b"PROXY TCP4 1.2.3 127.0.0.1 1 2\r\n",
            b"PROXY TCP4 1.2.3.4 127.0.0.1 1 65536\r\n",
            b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
            b"PROXY UDP4 1.2.3.4 127.0.0.1 1 2\r\n",
            b"PROXY TCP4 1.2.3.4 127.0.0.1 1\r\n",
            b"PROXY \r\n",
            &v2(0x31, 0x11, &V4),
            &v2(0x22, 0x11, &V4),
            &v2(0x21, 0x12, &V4),
            &v2(0x21, 0x41, &V4),
            &v2(0x21, 0x11, &V4[..8]),
            &v2(0x21, 0x11, &[0; 5000]),
        ] {
            assert_eq!(header(bytes), Told::Malformed, "{bytes:?}");
        }
    }
}
