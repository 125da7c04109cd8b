use super::super::WebSocket;
use super::*;

/// Takes `most` bytes of what is to be written, with a payload of `7`s.
fn write(socket: &mut WebSocket, most: usize) -> Vec<u8> {
    let left = usize::try_from(socket.payload_left()).unwrap();
    let mut bytes = [&socket.head().concat()[..], &vec![7; left]].concat();
    bytes.truncate(most);
    socket.advance(bytes.len());
    bytes
}

fn write_all(socket: &mut WebSocket, at_once: usize) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match write(socket, at_once) {
            bytes if bytes.is_empty() => return all,
            bytes => all.extend(bytes),
        }
    }
}

fn ping(socket: &mut WebSocket, payload: &[u8]) {
    let mut bytes = vec![0x89, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
    bytes.extend(payload);
    assert_eq!(socket.read(&mut bytes), Ok((bytes.len(), None)));
}

#[test]
fn headers_have_the_shortest_form() {
    let forms: [(usize, &[u8]); 5] = [
        (0, &[0x82, 0]),
        (125, &[0x82, 125]),
        (126, &[0x82, 126, 0, 126]),
        (65_535, &[0x82, 126, 255, 255]),
        (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ];
    for (len, header) in forms {
        let mut socket = WebSocket::new();
        socket.begin(Kind::Binary, true, true, len);
        assert_eq!(write_all(&mut socket, 1000), [header, &vec![7; len]].concat());
        assert_eq!(socket.payload_left(), 0);
    }
}

#[test]
fn pongs_come_between_frames_and_never_inside_one() {
    for at_once in 1..12 {
        let mut socket = WebSocket::new();
        socket.begin(Kind::Binary, true, true, 5);
        // nothing of the frame is written yet
        ping(&mut socket, b"a");
        let mut all = write(&mut socket, 3 + at_once);
        ping(&mut socket, b"b");
        all.extend(write_all(&mut socket, at_once));
        let frame = [0x82, 5, 7, 7, 7, 7, 7];
        assert_eq!(all, [b"\x8a\x01a", &frame[..], b"\x8a\x01b"].concat(), "{at_once} bytes at once");
    }
}

#[test]
fn who_pings_without_reading_gets_some_answers_and_the_last_one() {
    let mut socket = WebSocket::new();
    socket.respond(b"response");
    assert_eq!(write(&mut socket, 3), b"res");
    for number in 0..100_000u32 {
        ping(&mut socket, &number.to_be_bytes().repeat(1 + number as usize % 31));
        assert!(socket.memory() <= 2048, "{} bytes", socket.memory());
    }
    let all = write_all(&mut socket, 100);
    assert!(all.starts_with(b"ponse\x8a\x04\0\0\0\0"));
    let last = 99_999u32.to_be_bytes().repeat(1 + 99_999 % 31);
    assert!(all.ends_with(&[&[0x8a, u8::try_from(last.len()).unwrap()][..], &last].concat()));
    // all of them are whole
    let mut rest = &all[5..];
    while let [first, len, more @ ..] = rest {
        assert_eq!(*first, 0x8a);
        rest = &more[usize::from(*len)..];
    }
    assert!(rest.is_empty());
    assert!(socket.memory() < size_of::<WebSocket>() + 1, "nothing is kept");
}

#[test]
fn a_close_comes_behind_the_frame_that_has_begun() {
    let mut socket = WebSocket::new();
    socket.begin(Kind::Binary, true, true, 5);
    let mut all = write(&mut socket, 1);
    socket.close(Some(1001));
    socket.close(Some(1002));
    socket.begin(Kind::Binary, true, true, 9);
    ping(&mut socket, b"too late");
    all.extend(write_all(&mut socket, 3));
    assert_eq!(all, [0x82, 5, 7, 7, 7, 7, 7, 0x88, 2, 3, 233]);
}

#[test]
fn a_close_takes_the_place_of_a_frame_that_has_not_begun() {
    let mut socket = WebSocket::new();
    socket.begin(Kind::Binary, true, true, 5);
    socket.close(None);
    assert_eq!((socket.payload_left(), write_all(&mut socket, 100)), (0, vec![0x88, 0]));
}

#[test]
fn a_message_in_several_frames() {
    let mut socket = WebSocket::new();
    let mut all = Vec::new();
    for (is_first, is_last) in [(true, false), (false, false), (false, true)] {
        socket.begin(Kind::Text, is_first, is_last, 1);
        all.extend(write_all(&mut socket, 100));
    }
    assert_eq!(all, [0x01, 1, 7, 0x00, 1, 7, 0x80, 1, 7]);
}
