//! A link without own channels, chunks above one unit and the index: what a sensor compiles.
//!
//! These tests run with every choice of features. The tests of `link` need all of them.

use peote_net::Reason;
use peote_net::link::{
    Channel, EnteredChannel, Error, Event, Flow, Link, LinkBuffers, Mode, SendError, Source,
};
use peote_net::protocol::to_endpoint;
use peote_net::time::Instant;
use peote_net_testkit::script::Script;

/// A connection of which one read brings at most `most` bytes.
fn line(most: usize) -> Script {
    Script { read_limit: most, ..Script::default() }
}

type Sensor = Link<LinkBuffers<64, 2, 0, 512, 64>>;

/// The tag of the first command: with flow control it says how large the slots are.
const FIRST: u8 = if cfg!(feature = "flow") { 246 } else { 1 };
/// The same of the next connection.
const AGAIN: u8 = if cfg!(feature = "flow") { FIRST } else { 2 };

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Opened(Channel),
    Refused(Channel, Reason),
    Closed(Channel, Reason),
    Bytes(Source, Vec<u8>),
    Malicious(Source),
    LinkLost(usize),
}

fn seen(event: Event<'_>) -> Seen {
    match event {
        Event::Opened { channel } => Seen::Opened(channel),
        Event::Refused { channel, reason, .. } => Seen::Refused(channel, reason),
        Event::Closed { channel, reason } => Seen::Closed(channel, reason),
        Event::Data { from, bytes } | Event::Chunk { from, bytes } => Seen::Bytes(from, bytes.to_vec()),
        Event::Malicious { from, .. } => Seen::Malicious(from),
        Event::LinkLost { unsent } => Seen::LinkLost(unsent),
        other => panic!("a link without own channels has said {other:?}"),
    }
}

/// Polls until nothing comes any more.
fn poll_all(link: &mut Sensor, line: &mut Script) -> Vec<Seen> {
    let mut all = Vec::new();
    while !line.incoming.is_empty() || link.has_more() {
        link.poll(line, Instant::ZERO, |event, _| all.push(seen(event))).unwrap();
    }
    link.poll(line, Instant::ZERO, |event, _| all.push(seen(event))).unwrap();
    all
}

/// A link that has entered one channel, as number 5.
fn entered(mode: Mode, most: usize) -> (Sensor, Script, EnteredChannel) {
    let (mut link, mut line) = (Sensor::new(), line(most));
    let channel = link.out().enter("work", mode).unwrap();
    line.incoming.extend(to_endpoint::success(FIRST, 5));
    assert_eq!(poll_all(&mut link, &mut line), [Seen::Opened(channel.into())]);
    assert_eq!(line.outgoing, [&[0, 1, FIRST, 4][..], b"work"].concat());
    line.outgoing.clear();
    (link, line, channel)
}

fn from_server(bytes: &[u8]) -> Vec<u8> {
    let header = to_endpoint::data_for_user(5, bytes.len());
    [header.as_bytes(), bytes].concat()
}

#[test]
fn a_chunk_comes_whole_at_every_cut() {
    for cut in 1..=64 {
        for most in [1, 2, 3, 63, 64, 1000] {
            let (mut link, mut line, channel) = entered(Mode::chunks(64), most);
            let chunks: Vec<Vec<u8>> = [1u8, 2, 63, 64].map(|len| vec![len; len.into()]).into();
            // a length is coded as one less; each byte of a chunk is its length
            let stream: Vec<u8> =
                chunks.iter().flat_map(|chunk| [&[chunk[0] - 1][..], chunk].concat()).collect();
            for piece in stream.chunks(cut) {
                line.incoming.extend(from_server(piece));
            }
            let expected: Vec<_> =
                chunks.into_iter().map(|chunk| Seen::Bytes(channel.into(), chunk)).collect();
            assert_eq!(poll_all(&mut link, &mut line), expected, "cut {cut}, most {most}");
        }
    }
}

#[test]
fn raw_data_comes_in_its_order() {
    for most in [1, 7, 64] {
        let (mut link, mut line, channel) = entered(Mode::Data, most);
        line.incoming.extend(from_server(b"some"));
        line.incoming.extend(from_server(b"thing"));
        let mut all = Vec::new();
        for event in poll_all(&mut link, &mut line) {
            let Seen::Bytes(from, bytes) = event else { panic!("{event:?}") };
            assert_eq!(from, channel.into());
            all.extend(bytes);
        }
        assert_eq!(all, b"something");
    }
}

#[test]
fn a_chunk_is_sent_behind_its_length_or_not_at_all() {
    let (mut link, mut line, channel) = entered(Mode::chunks(64), 64);
    link.out().send(channel, b"abc").unwrap();
    assert_eq!(line.outgoing, b"");
    link.poll(&mut line, Instant::ZERO, |_, _| ()).unwrap();
    assert_eq!(line.outgoing, b"\x05\x05\x02abc");
    line.outgoing.clear();

    line.room = 0;
    let mut sent = 0;
    let error = loop {
        match link.out().send(channel, &[7; 64]) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((sent, error), (512 / 67, SendError::WouldBlock));
    line.room = usize::MAX;
    link.poll(&mut line, Instant::ZERO, |_, _| ()).unwrap();
    assert_eq!(line.outgoing.len(), sent * 67);
    for error in [link.out().send(channel, &[]), link.out().send(channel, &[7; 65])] {
        assert!(matches!(error, Err(SendError::Empty | SendError::ChunkTooLarge { len: 65, max: 64 })));
    }
}

#[test]
fn a_kept_chunk_comes_again_before_what_is_behind_it() {
    let (mut link, mut line, channel) = entered(Mode::chunks(64), 64);
    line.incoming.extend(from_server(b"\x00a"));
    line.incoming.extend(from_server(b"\x00b"));
    let mut all = Vec::new();
    for round in 0..4 {
        link.poll(&mut line, Instant::ZERO, |event, _| {
            all.push(seen(event));
            if round < 2 { Flow::Again } else { Flow::Continue }
        })
        .unwrap();
    }
    let bytes = |text: &[u8]| Seen::Bytes(channel.into(), text.to_vec());
    assert_eq!(all, [bytes(b"a"), bytes(b"a"), bytes(b"a"), bytes(b"b")]);
}

#[test]
fn a_refusal_is_an_error_of_a_handler_that_does_not_look_at_it() {
    let (mut link, mut line) = (Sensor::new(), line(64));
    let channel = link.out().enter("work", Mode::chunks(64)).unwrap();
    line.incoming.extend(to_endpoint::refused(FIRST, 1));
    let error = link.poll(&mut line, Instant::ZERO, |event, _| event.ok()).unwrap_err();
    let refused = SendError::Refused { channel: channel.into(), reason: Reason::NoSuchChannel };
    assert_eq!(error, Error::Handler(refused));
    assert!(matches!(link.out().send(channel, b"x"), Err(SendError::NotOpen)));
}

#[test]
fn a_channel_that_was_left_says_nothing_more() {
    let (mut link, mut line, channel) = entered(Mode::chunks(64), 64);
    link.out().leave(channel).unwrap();
    line.incoming.extend(from_server(b"\x00a"));
    assert_eq!(poll_all(&mut link, &mut line), []);
    assert_eq!(line.outgoing, b"\x00\x02\x00\x01\x05");
    assert!(matches!(link.out().send(channel, b"x"), Err(SendError::NotOpen)));
}

#[test]
fn the_end_of_a_channel_is_told() {
    let (mut link, mut line, channel) = entered(Mode::chunks(64), 64);
    line.incoming.extend(to_endpoint::channel_gone(5, 0));
    assert_eq!(poll_all(&mut link, &mut line), [Seen::Closed(channel.into(), Reason::OnPurpose)]);
}

#[test]
fn a_loss_is_told_with_what_was_not_sent() {
    let (mut link, mut line, channel) = entered(Mode::chunks(64), 64);
    line.room = 0;
    link.out().send(channel, b"abc").unwrap();
    line.closed = true;
    let mut all = Vec::new();
    link.poll(&mut line, Instant::ZERO, |event, _| all.push(seen(event))).unwrap_err();
    assert_eq!(all, [Seen::LinkLost(6), Seen::Closed(channel.into(), Reason::LinkLost)]);
    // the link is as new
    let (mut line, channel) = (self::line(64), link.out().enter("work", Mode::Data).unwrap());
    line.incoming.extend(to_endpoint::success(AGAIN, 0));
    let all = poll_all(&mut link, &mut line);
    assert_eq!(all, [Seen::Opened(channel.into())]);
}

#[test]
fn a_silent_relay_is_lost() {
    let (mut link, mut line, _) = entered(Mode::Data, 64);
    let limit = peote_net::link::SILENCE_LIMIT;
    let end = Instant::ZERO.saturating_add(limit);
    let before = Instant::from_millis(limit.as_millis() - 1);
    assert_eq!(link.next_deadline(), Some(end));
    link.poll(&mut line, before, |_, _| ()).unwrap();
    let error = link.poll(&mut line, end, |_, _| ()).unwrap_err();
    assert_eq!(error, Error::Silent { duration: limit });
}

#[test]
fn a_length_above_the_maximum_is_malicious() {
    let (mut link, mut line, channel) = entered(Mode::chunks(10), 64);
    line.incoming.extend(from_server(&[10]));
    line.incoming.extend(from_server(b"\x00a"));
    assert_eq!(poll_all(&mut link, &mut line), [Seen::Malicious(channel.into())]);
}

#[test]
fn nonsense_about_own_channels_is_passed_over() {
    let (mut link, mut line, channel) = entered(Mode::chunks(64), 64);
    line.incoming.extend(to_endpoint::user_entered(0, 7));
    line.incoming.extend(to_endpoint::data_for_server(0, 7, 1).as_bytes());
    line.incoming.push_back(1);
    line.incoming.extend(to_endpoint::user_gone(0, 7, 0));
    line.incoming.extend(from_server(b"\x00a"));
    assert_eq!(poll_all(&mut link, &mut line), [Seen::Bytes(channel.into(), b"a".to_vec())]);
}
