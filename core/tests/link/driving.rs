//! Driving a link: bounded work, transports of every manner, nothing copied that need not be.

use peote_net::link::{Buffers, Error, Event, Flow, IntoFlow, Link, LinkBuffers, Mode, SendError, Source};
use peote_net::protocol::to_endpoint;
use peote_net::time::Instant;

use crate::support::{Heap, Rig, Script, Seen, Sizes, chunk, from_server, from_user, tag};

const MODE: Mode = Mode::chunks(1024);

#[test]
fn a_poll_reads_at_most_once() {
    let mut rig = Rig::new(Link::<LinkBuffers<1024, 4, 1, 512, 16>>::new());
    let channel = rig.entered(5, MODE);
    let from = Source::Server { channel };
    let chunks: Vec<Vec<u8>> = (0..20u8).map(|i| vec![i; usize::from(i) * 9 + 1]).collect();
    for bytes in &chunks {
        let code = u16::try_from(bytes.len() - 1).unwrap();
        let length =
            if code < 128 { vec![code.to_le_bytes()[0]] } else { vec![128 | code.to_le_bytes()[0], 1] };
        rig.says(from_server(5, &[&length, &bytes[..]].concat()));
    }
    let mut seen = Vec::new();
    while !rig.script.incoming.is_empty() {
        let (reads, left) = (rig.script.reads, rig.script.incoming.len());
        rig.poll_once(|event, _| seen.push(Seen::from(event))).unwrap();
        assert_eq!(rig.script.reads, reads + 1);
        assert_eq!(left - rig.script.incoming.len(), left.min(16), "as much as the scratch holds, no more");
    }
    assert_eq!(seen, chunks.into_iter().map(|bytes| Seen::Chunk(from, bytes)).collect::<Vec<_>>());
    // nothing there: nothing is read
    let reads = rig.script.reads;
    rig.poll_once(|_, _| ()).unwrap();
    assert_eq!(rig.script.reads, reads);
}

/// The same for the other face: one read from one `None` to the next.
#[test]
fn next_event_reads_once_before_it_returns_none() {
    let mut rig = Rig::new(Link::<LinkBuffers<1024, 4, 1, 512, 16>>::new());
    rig.entered(5, MODE);
    for _ in 0..10 {
        rig.says(from_server(5, b"\0a\0b\0c"));
    }
    let mut chunks = 0;
    while !rig.script.incoming.is_empty() {
        let reads = rig.script.reads;
        while let Some((event, _)) = rig.link.next_event(&mut rig.script, rig.now).unwrap() {
            assert!(matches!(event, Event::Chunk { .. }));
            chunks += 1;
        }
        assert_eq!(rig.script.reads, reads + 1);
    }
    assert_eq!(chunks, 30);
}

#[test]
fn what_handlers_send_is_written_before_the_poll_ends() {
    let mut rig = Rig::default();
    rig.entered(5, MODE);
    rig.sent();
    rig.says(from_server(5, b"\0a\0b"));
    rig.poll_once(|event, out| {
        let Event::Chunk { from, bytes } = event else { panic!() };
        out.send(from, bytes)
    })
    .unwrap();
    assert_eq!(rig.script.outgoing, [3, 5, 0, b'a', 3, 5, 0, b'b']);
    assert!(!rig.link.wants_write());
    // also when the handler is not done with the event
    rig.script.outgoing.clear();
    rig.says(from_server(5, b"\0c"));
    rig.poll_once(|event, out| {
        let Event::Chunk { from, bytes } = event else { panic!() };
        out.send(from, bytes).unwrap();
        Flow::Again
    })
    .unwrap();
    assert_eq!(rig.script.outgoing, [3, 5, 0, b'c']);
}

#[test]
fn wants_write_while_something_is_queued() {
    let mut rig = Rig::default();
    assert!(!rig.link.wants_write() && rig.link.wants_read());
    rig.out().create("abc", MODE).unwrap();
    rig.script.room = 3;
    rig.script.write_limit = 2;
    for left in [3, 0] {
        assert!(rig.link.wants_write());
        rig.poll_once(|_, _| ()).unwrap();
        rig.script.room += 4;
        assert_eq!(rig.script.outgoing.len() + usize::from(left > 0) * 4, 7);
    }
    assert!(!rig.link.wants_write());
}

/// One byte for each read and each write, and everything is as ever.
#[test]
fn a_transport_that_takes_and_brings_a_byte_at_a_time() {
    let script = Script { read_limit: 1, write_limit: 1, ..Script::default() };
    let mut rig = Rig { script, ..Rig::default() };
    let own = rig.own(3, MODE);
    let user = rig.user(own, 3, 9);
    let from = Source::User { channel: own, user };
    let bytes: Vec<u8> = (0..200).collect();
    let length = [0x80 | 71, 1];
    let piece = [&length[..], &bytes].concat();
    assert_eq!(rig.hears(from_user(3, 9, &piece)), [Seen::Chunk(from, bytes.clone())]);
    rig.out().send(from, &bytes).unwrap();
    assert_eq!(rig.sent(), [&[0x80, 204, 0x83, 9], &piece[..]].concat());
}

/// The handler's error ends the poll, not the link: its event is dealt with, the others come from
/// the next poll on.
#[test]
fn a_handler_that_fails() {
    let mut rig = Rig::default();
    let channel = rig.entered(5, MODE);
    let from = Source::Server { channel };
    rig.says(from_server(5, b"\0a\0b\0c"));
    let mut seen: Vec<Seen> = Vec::new();
    let error = rig.poll_once(|event, _| {
        seen.push(event.into());
        if seen.len() == 2 { Err(SendError::NoChunkBegun) } else { Ok(()) }
    });
    assert_eq!(error, Err(Error::Handler(SendError::NoChunkBegun)));
    assert_eq!(seen, [Seen::Chunk(from, b"a".to_vec()), Seen::Chunk(from, b"b".to_vec())]);
    // what came meanwhile is read by the same poll that goes through the rest
    assert_eq!(
        rig.hears(from_server(5, b"\0d")),
        [Seen::Chunk(from, b"c".to_vec()), Seen::Chunk(from, b"d".to_vec())]
    );
}

#[test]
fn what_handlers_can_return() {
    assert_eq!(().into_flow(), Ok(Flow::Continue));
    assert_eq!(Flow::Again.into_flow(), Ok(Flow::Again));
    assert_eq!(Flow::Continue.into_flow(), Ok(Flow::Continue));
    assert_eq!(Ok::<(), SendError>(()).into_flow(), Ok(Flow::Continue));
    assert_eq!(Ok::<_, SendError>(Flow::Again).into_flow(), Ok(Flow::Again));
    assert_eq!(Err::<(), _>(SendError::WouldBlock).into_flow(), Ok(Flow::Again));
    assert_eq!(Err::<Flow, _>(SendError::NotOpen).into_flow(), Err(SendError::NotOpen));
}

/// Where the bytes of events lie.
#[test]
fn nothing_is_copied_that_lies_in_one_piece() {
    let mut memory = Heap::new(Sizes { transmit: 512, ..Sizes::default() });
    let parts = memory.parts();
    let received = parts.receive.as_ptr_range();
    let slots = parts.chunks.as_ptr_range();
    let mut rig = Rig::new(Link::with_buffers(memory));
    let channel = rig.entered(5, MODE);
    let raw = rig.entered(6, Mode::Data);
    let own = rig.own(3, MODE);
    rig.user(own, 3, 9);
    let mut places = |bytes: &[u8]| {
        let mut places = Vec::new();
        rig.says(bytes);
        rig.poll_once(|event, _| match event {
            Event::Chunk { bytes, .. } | Event::Data { bytes, .. } => {
                let range = bytes.as_ptr_range();
                let within = |memory: &std::ops::Range<*const u8>| {
                    memory.start <= range.start && range.end <= memory.end
                };
                places.push((within(&received), within(&slots)));
            }
            other => panic!("{other:?}"),
        })
        .unwrap();
        places
    };
    let (here, there) = ((true, false), (false, true));
    // whole units, merged and single; raw data however cut
    assert_eq!(places(&from_server(5, b"\0a\0b\x02cde")), [here, here, here]);
    assert_eq!(places(&from_user(3, 9, b"\x02abc")), [here]);
    assert_eq!(places(&from_server(6, b"raw")), [here]);
    assert_eq!(places(&[9, 6, b'r', b'a', b'w']), [here]);
    assert_eq!(places(b"cut-t"), [here]);
    // the length came before, in a unit of its own, as existing peers send it
    assert_eq!(places(&[from_server(5, b"\x02"), from_server(5, b"abc")].concat()), [here]);
    assert_eq!(places(&from_server(5, b"\x02")), []);
    assert_eq!(places(&from_server(5, b"abc\0d")), [here, here]);
    // in pieces: the only ones that are copied
    assert_eq!(places(&from_server(5, b"\x02a")), []);
    assert_eq!(places(&from_server(5, b"bc\0d")), [there, here]);
    assert_eq!(places(&[from_user(3, 9, b"\x02ab"), from_user(3, 9, b"c")].concat()), [there]);
    let _ = (channel, raw, own);
}

/// Answering with the bytes one was given needs no copy of the caller's.
#[test]
fn a_handler_answers_with_the_bytes_it_was_given() {
    let mut rig = Rig::default();
    rig.entered(5, MODE);
    rig.says([from_server(5, &chunk(b"whole")), from_server(5, b"\x02c"), from_server(5, b"ut")].concat());
    rig.poll_once(|event, out| {
        let Event::Chunk { from, bytes } = event else { panic!() };
        out.send(from, bytes)
    })
    .unwrap();
    assert_eq!(rig.sent(), b"\x07\x05\x04whole\x05\x05\x02cut");
}

/// Raw data comes as it is cut, and never empty.
#[test]
fn raw_data_is_a_stream() {
    let mut rig = Rig::default();
    let channel = rig.entered(5, Mode::Data);
    let from = Source::Server { channel };
    let own = rig.own(3, Mode::Data);
    let user = rig.user(own, 3, 9);
    let stream = [&[1, 5][..], &[0x80, 1, 5], &[2, 0x83, 9], &from_server(5, b"abc"), &from_user(3, 9, b"x")];
    let seen = rig.hears(stream.concat());
    let expected =
        [Seen::Data(from, b"abc".to_vec()), Seen::Data(Source::User { channel: own, user }, b"x".to_vec())];
    assert_eq!(seen, expected);
    rig.says([3, 5, b'a']);
    assert_eq!(
        rig.poll(),
        [Seen::Data(from, b"a".to_vec())],
        "what has come does not wait for the rest of its unit"
    );
    assert_eq!(rig.hears([b'b']), [Seen::Data(from, b"b".to_vec())]);
}

/// Chunks with less than peers may send, among peers that count on more.
#[test]
fn a_small_receiver_among_peers_with_a_greater_maximum() {
    let mode = Mode::Chunks(peote_net::chunk::ChunkLimit::new(200).among(32_768));
    let mut rig = Rig::default();
    let channel = rig.entered(5, mode);
    let bytes = [7; 150];
    let from = Source::Server { channel };
    let wire = [&[0x80 | 21, 1][..], &bytes].concat();
    assert_eq!(rig.hears(from_server(5, &wire)), [Seen::Chunk(from, bytes.to_vec())]);
    rig.out().send(channel, &bytes).unwrap();
    assert_eq!(rig.sent(), from_server(5, &wire));
}

#[test]
fn a_link_that_has_nothing_to_do_does_nothing() {
    let mut rig = Rig::default();
    for millis in [0, 1, 1_000_000] {
        rig.now = Instant::from_millis(millis);
        assert_eq!(rig.poll(), []);
        assert!(rig.link.next_event(&mut rig.script, rig.now).unwrap().is_none());
    }
    assert_eq!((rig.script.reads, rig.script.writes, rig.link.next_deadline()), (0, 0, None));
    assert_eq!(rig.hears([to_endpoint::keepalive(), to_endpoint::keepalive()].concat()), []);
    assert_eq!(rig.hears([0, 0, 0, 1, 9, 0x80, 0, 1, 0x80]), []);
}

/// A program with a watchdog takes a few events for each poll, and misses none.
#[test]
fn a_poll_hands_over_as_many_events_as_are_wanted() {
    let mut rig = Rig::default();
    rig.link.set_event_limit(core::num::NonZeroU16::new(2));
    let channel = rig.own(0, Mode::chunks(16));
    rig.user(channel, 0, 7);
    for byte in *b"abcde" {
        rig.says(from_user(0, 7, &chunk(&[byte])));
    }
    let mut polls = Vec::new();
    loop {
        let mut seen = Vec::new();
        rig.link
            .poll(&mut rig.script, rig.now, |event, _| {
                if let Event::Chunk { bytes, .. } = event {
                    seen.extend_from_slice(bytes);
                }
            })
            .unwrap();
        polls.push(seen);
        if !rig.link.has_more() {
            break;
        }
        // what is left needs no reading, so the loop must not sleep
        assert_eq!(rig.link.next_deadline(), Some(Instant::ZERO));
    }
    assert_eq!(polls, [b"ab".to_vec(), b"cd".to_vec(), b"e".to_vec()]);
    assert_eq!(rig.script.reads, 3); // two for the channel and the user, one for all chunks
}

/// Also after an error of the handler there may be more, and the link says so.
#[test]
fn what_an_error_of_the_handler_has_left_is_known() {
    let mut rig = Rig::default();
    let channel = rig.own(0, Mode::chunks(16));
    rig.user(channel, 0, 7);
    rig.says(from_user(0, 7, &chunk(b"a")));
    rig.says(from_user(0, 7, &chunk(b"b")));
    let polled = rig.link.poll(&mut rig.script, rig.now, |_, _| Err::<(), _>(SendError::NotOpen));
    assert_eq!(polled, Err(Error::Handler(SendError::NotOpen)));
    assert!(rig.link.has_more());
    assert_eq!(rig.poll().len(), 1);
    assert!(!rig.link.has_more());
}

/// However many events it takes, the loss of a connection is told in one poll.
#[test]
fn a_loss_is_told_whatever_the_limit_of_events() {
    let mut rig = Rig::default();
    for number in 0..3 {
        rig.entered(number, Mode::chunks(16));
    }
    rig.link.set_event_limit(core::num::NonZeroU16::new(1));
    rig.script.closed = true;
    let (seen, error) = rig.lose();
    assert_eq!(error, Error::Closed);
    assert_eq!(seen.len(), 3);
}

/// A transport may gather what is written until it is flushed.
#[test]
fn what_was_written_is_flushed() {
    let mut rig = Rig::default();
    rig.poll();
    assert_eq!(rig.script.flushes, 0);
    rig.out().create("shop", Mode::chunks(16)).unwrap();
    rig.poll();
    assert_eq!(rig.script.flushes, 1);
    rig.poll();
    assert_eq!(rig.script.flushes, 1);
}

/// Gathers a few bytes until it is flushed, and takes no more before.
#[derive(Debug, Default)]
struct Gathering {
    gathered: Vec<u8>,
    sent: Vec<u8>,
}

impl embedded_io::ErrorType for Gathering {
    type Error = embedded_io::ErrorKind;
}

impl embedded_io::ReadReady for Gathering {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        Ok(false)
    }
}

impl embedded_io::Read for Gathering {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, Self::Error> {
        panic!("this read would block")
    }
}

impl embedded_io::WriteReady for Gathering {
    fn write_ready(&mut self) -> Result<bool, Self::Error> {
        Ok(self.gathered.len() < 4)
    }
}

impl embedded_io::Write for Gathering {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        let count = bytes.len().min(4 - self.gathered.len());
        self.gathered.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.sent.append(&mut self.gathered);
        Ok(())
    }
}

/// A transport that has gathered as much as it can takes more only when it has been flushed.
#[test]
fn a_full_transport_is_flushed() {
    for next_event in [false, true] {
        let mut rig = Rig::default();
        let mut transport = Gathering::default();
        rig.out().create("a long name", Mode::chunks(16)).unwrap();
        for _ in 0..10 {
            if next_event {
                assert!(rig.link.next_event(&mut transport, rig.now).unwrap().is_none());
            } else {
                rig.link.poll(&mut transport, rig.now, |_, _| ()).unwrap();
            }
        }
        assert_eq!(transport.sent, [&[0, 0, tag(1), 11][..], b"a long name"].concat());
        assert!(!rig.link.wants_write());
    }
}
