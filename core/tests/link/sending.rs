//! What is sent, byte by byte; and that it is queued whole or not at all.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use peote_net::chunk::{Assembler, ChunkLimit, Step};
use peote_net::link::{Buffers, Destination, Link, LinkBuffers, Mode, SendError, User};
use peote_net::protocol::MAX_UNIT_PAYLOAD;
use peote_net::protocol::to_relay::{Decoder, Unit};
use proptest::prelude::*;

use crate::support::{Heap, Rig, Sizes, tag};

/// The size field of a data unit.
fn size(len: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(len).unwrap().to_be_bytes();
    if len < 128 { vec![low] } else { vec![128 | high, low] }
}

/// How a destination looks on the wire: what is in front of the size, and behind it.
#[derive(Clone, Copy, Debug)]
struct Form {
    to: Destination,
    prefix: &'static [u8],
    names: &'static [u8],
}

impl Form {
    fn unit(&self, payload: &[u8]) -> Vec<u8> {
        [self.prefix, &size(self.names.len() + payload.len()), self.names, payload].concat()
    }

    /// Payload cut into as few units as there can be, the last one the shortest.
    fn units(&self, payload: &[u8]) -> Vec<u8> {
        payload.chunks(MAX_UNIT_PAYLOAD).flat_map(|part| self.unit(part)).collect()
    }
}

/// A rig with one destination of each form, in this mode.
fn forms<B: Buffers>(rig: &mut Rig<B>, mode: Mode) -> [Form; 4] {
    let own = rig.own(3, mode);
    let user = rig.user(own, 3, 9);
    let entered = rig.entered(5, mode);
    [
        Form { to: Destination::Server(entered), prefix: &[], names: &[5] },
        Form { to: Destination::User(own, user), prefix: &[], names: &[0x83, 9] },
        Form { to: Destination::All(own), prefix: &[1, 1], names: &[0x83] },
        Form { to: Destination::AllBut(own, user), prefix: &[1, 0], names: &[0x83, 9] },
    ]
}

/// The length field in a channel of two length bytes.
fn length(len: usize) -> Vec<u8> {
    let code = len - 1;
    let low = u8::try_from(code % 128).unwrap();
    if code < 128 { vec![low] } else { vec![128 | low, u8::try_from(code / 128).unwrap()] }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

/// Room for more than a greatest unit.
fn wide() -> Rig<Heap> {
    Rig::new(Link::with_buffers(Heap::new(Sizes {
        chunk_size: 200_000,
        parties: 4,
        transmit: 210_000,
        ..Sizes::default()
    })))
}

#[test]
fn raw_data_of_every_length_that_matters() {
    let mut rig = wide();
    for form in forms(&mut rig, Mode::Data) {
        for len in [
            1, 124, 125, 126, 127, 128, 255, 256, 32_763, 32_764, 32_765, 32_766, 32_767, 65_530, 65_531,
            100_000,
        ] {
            let payload = bytes(len);
            let free = rig.out().free();
            rig.out().send(form.to, &payload).unwrap();
            let expected = form.units(&payload);
            assert_eq!(free - rig.out().free(), expected.len(), "{form:?}, {len} bytes");
            assert!(rig.sent() == expected, "{form:?}, {len} bytes");
        }
    }
}

#[test]
fn chunks_of_every_length_that_matters() {
    let mut rig = wide();
    for form in forms(&mut rig, Mode::default()) {
        for len in [
            1, 123, 124, 125, 126, 127, 128, 129, 255, 256, 257, 16_384, 32_762, 32_763, 32_764, 32_767,
            32_768,
        ] {
            let chunk = bytes(len);
            rig.out().send(form.to, &chunk).unwrap();
            let expected = form.units(&[&length(len)[..], &chunk].concat());
            assert!(rig.sent() == expected, "{form:?}, {len} bytes");
        }
    }
}

#[test]
fn long_chunks_are_cut_into_units() {
    let mut rig = wide();
    for form in forms(&mut rig, Mode::chunks(200_000)) {
        for len in [32_762, 32_763, 65_527, 65_528, 98_000, 200_000] {
            let code = len - 1;
            let length = [128 | code & 127, 128 | code >> 7 & 127, code >> 14]
                .map(|byte| u8::try_from(byte & 255).unwrap());
            let chunk = bytes(len);
            rig.out().send(form.to, &chunk).unwrap();
            assert!(rig.sent() == form.units(&[&length[..], &chunk].concat()), "{form:?}, {len} bytes");
        }
    }
}

/// Existing receivers deliver at most one chunk for each unit.
#[test]
fn two_chunks_never_share_a_unit() {
    let mut rig = wide();
    let [server, ..] = forms(&mut rig, Mode::default());
    let lens = [1, 5, 32_768, 1, 32_763, 32_764, 2, 32_765, 127, 128];
    for len in lens {
        rig.out().send(server.to, &bytes(len)).unwrap();
    }
    rig.out().begin_chunk(server.to, 300).unwrap();
    assert_eq!(rig.out().write_chunk(&bytes(299)), Ok(299));
    assert_eq!(rig.out().write_chunk(&[1]), Ok(1));
    let wire = rig.sent();
    let mut decoder = Decoder::new();
    let mut assembler = Assembler::new();
    let mut slot = vec![0; 32_768];
    let (mut rest, mut chunks) = (&wire[..], 0);
    while let Some((used, unit)) = decoder.decode(rest) {
        rest = &rest[used..];
        let Unit::ToServer { channel: 5, payload } = unit else { panic!("{unit:?}") };
        assert!(payload.is_whole());
        let (used, step) = assembler.feed(ChunkLimit::DEFAULT, payload.bytes(), &mut slot);
        assert_eq!(used, payload.bytes().len(), "the unit goes on behind a chunk");
        chunks += usize::from(step != Step::More);
    }
    assert_eq!(chunks, lens.len() + 1);
}

#[test]
fn several_pieces_are_sent_as_one() {
    let mut rig = wide();
    for form in forms(&mut rig, Mode::chunks(200_000)) {
        let whole = bytes(70_000);
        rig.out().send(form.to, &whole).unwrap();
        let expected = rig.sent();
        for cuts in
            [&[][..], &[0], &[1], &[32_761, 32_762], &[32_762], &[32_763, 65_527], &[10, 10, 69_999, 70_000]]
        {
            let mut at = 0;
            let mut parts: Vec<&[u8]> = Vec::new();
            for &cut in cuts {
                parts.push(&whole[at..cut]);
                at = cut;
            }
            parts.push(&whole[at..]);
            rig.out().send_parts(form.to, &parts).unwrap();
            assert!(rig.sent() == expected, "{form:?}, cut at {cuts:?}");
        }
        rig.out()
            .send_with(form.to, 70_000, |payload| whole.chunks(33).for_each(|part| payload.put(part)))
            .unwrap();
        assert!(rig.sent() == expected);
    }
}

/// The length is fixed before the bytes are: too few are made up for with zeros, too many are left
/// out.
#[test]
fn a_writer_that_does_not_keep_its_word() {
    for len in [5usize, 200, 70_000] {
        let mut rig = wide();
        for form in forms(&mut rig, Mode::Data) {
            for put in [0, 1, len / 2, len - 1, len, len + 1, len + 40_000] {
                let ones = vec![1; put];
                rig.out()
                    .send_with(form.to, len, |payload| {
                        assert_eq!(payload.left(), len);
                        ones.chunks(40).for_each(|part| payload.put(part));
                        assert_eq!(payload.left(), len.saturating_sub(put));
                    })
                    .unwrap();
                let mut expected = vec![1; put.min(len)];
                expected.resize(len, 0);
                assert!(rig.sent() == form.units(&expected), "{put} of {len} bytes");
            }
        }
    }
}

#[test]
fn a_writer_that_panics_leaves_a_whole_unit() {
    let mut rig = Rig::default();
    let channel = rig.entered(5, Mode::Data);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        rig.out().send_with(channel, 4, |payload| {
            payload.put(b"ab");
            panic!("on purpose");
        })
    }));
    assert!(panicked.is_err());
    rig.out().send(channel, b"next").unwrap();
    assert_eq!(rig.sent(), b"\x05\x05ab\0\0\x05\x05next");
}

#[test]
fn what_cannot_be_sent_queues_nothing() {
    let mut rig = Rig::default(); // a ring of 2048 bytes
    let raw = rig.entered(1, Mode::Data);
    let own = rig.own(2, Mode::chunks(1024));
    rig.out().send(raw, &[7; 1500]).unwrap();
    let free = rig.out().free();
    let mut called = false;
    for (to, len, error) in [
        (Destination::Server(raw), 0, SendError::Empty),
        (Destination::All(own), 0, SendError::Empty),
        (Destination::All(own), 1025, SendError::ChunkTooLarge { len: 1025, max: 1024 }),
        (Destination::Server(raw), 1000, SendError::WouldBlock),
        (Destination::All(own), 1000, SendError::WouldBlock),
        (Destination::Server(raw), 2046, SendError::QueueTooSmall { needed: 2049, capacity: 2048 }),
        (Destination::User(own, User::new(0)), 1, SendError::NotOpen),
    ] {
        assert!(!rig.out().can_send(to, len));
        assert_eq!(rig.out().send(to, &vec![1; len]), Err(error));
        assert_eq!(rig.out().send_parts(to, &[&vec![1; len], &[]]), Err(error));
        assert_eq!(rig.out().send_with(to, len, |_| called = true), Err(error));
    }
    assert!(!called);
    assert_eq!(rig.out().free(), free);
    assert_eq!(rig.sent(), [&size(1501)[..], &[1], &[7; 1500]].concat());
    // exactly as much as the ring holds
    assert!(rig.out().can_send(raw, 2045));
    rig.out().send(raw, &[7; 2045]).unwrap();
    assert_eq!(rig.out().free(), 0);
    assert!(!rig.out().can_send(raw, 1));
    assert_eq!(rig.out().send(raw, &[1]), Err(SendError::WouldBlock));
    assert_eq!(rig.sent().len(), 2048);
}

/// Every length at every place in the ring where it can start.
#[test]
fn at_every_place_of_the_ring() {
    const RING: usize = 259;
    let mut rig = Rig::new(Link::<LinkBuffers<1, 1, 0, RING, 16>>::new());
    let form = {
        let entered = rig.entered(5, Mode::Data);
        Form { to: Destination::Server(entered), prefix: &[], names: &[5] }
    };
    rig.script.room = 0;
    let mut expected: VecDeque<u8> = VecDeque::new();
    for round in 0..3000usize {
        for len in [1, 2, 3, 5, 8, 13, 60, 125, 126, 127, 128, 200, 255, 256] {
            let payload = vec![u8::try_from((round + len) & 255).unwrap(); len];
            let unit = form.unit(&payload);
            let fits = unit.len() <= RING - expected.len();
            assert_eq!(rig.out().can_send(form.to, len), fits);
            assert_eq!(
                rig.out().send(form.to, &payload),
                if fits { Ok(()) } else { Err(SendError::WouldBlock) }
            );
            if fits {
                expected.extend(unit);
            }
            assert_eq!(rig.out().free(), RING - expected.len());
        }
        // some of it goes, but never all, for then the ring would start over at its front
        let taken = (1 + round * 7 % 61).min(expected.len() - 1);
        rig.script.room = taken;
        rig.poll_once(|_, _| ()).unwrap();
        let gone: Vec<u8> = expected.drain(..taken).collect();
        assert_eq!(std::mem::take(&mut rig.script.outgoing), gone);
    }
}

proptest! {
    /// All destinations, all operations, any fill: what is accepted is on the wire, and free is
    /// what is left.
    #[test]
    fn queued_whole_or_not_at_all(
        jobs in prop::collection::vec((0usize..6, 0usize..4, prop_oneof![1usize..30, 100usize..400, 2000usize..2100]), 1..120),
        mode in prop::sample::select(vec![Mode::Data, Mode::chunks(1024)]),
    ) {
        let mut rig = Rig::default();
        let forms = forms(&mut rig, mode);
        rig.script.room = 0;
        let mut queued = VecDeque::new();
        let mut tag = tag(3); // behind those of the two channels
        for (job, form, len) in jobs {
            let form = forms[form];
            if job == 0 {
                rig.script.room = len;
                rig.poll_once(|_, _| ()).unwrap();
                let gone: Vec<u8> = queued.drain(..len.min(queued.len())).collect();
                prop_assert_eq!(std::mem::take(&mut rig.script.outgoing), gone);
                rig.script.room = 0;
            } else if job == 1 {
                let name = vec![b'n'; len.min(255)];
                let result = rig.out().enter(&name, mode);
                let fits = name.len() + 4 <= 2048 - queued.len();
                match result {
                    Ok(_) => {
                        prop_assert!(fits);
                        queued.extend([0, 1, tag, u8::try_from(name.len()).unwrap()]);
                        queued.extend(&name);
                        tag = tag.checked_add(1).unwrap_or(1);
                    }
                    Err(error) => prop_assert!(!fits && error == SendError::WouldBlock || error == SendError::TooManyParties),
                }
            } else {
                let payload = bytes(len);
                let whole = if mode == Mode::Data { payload.clone() } else { [length(len), payload.clone()].concat() };
                let unit = form.units(&whole);
                let expected = match mode {
                    Mode::Chunks(_) if len > 1024 => Err(SendError::ChunkTooLarge { len, max: 1024 }),
                    _ if unit.len() > 2048 => Err(SendError::QueueTooSmall { needed: unit.len(), capacity: 2048 }),
                    _ if unit.len() > 2048 - queued.len() => Err(SendError::WouldBlock),
                    _ => Ok(()),
                };
                prop_assert_eq!(rig.out().can_send(form.to, len), expected.is_ok());
                prop_assert_eq!(rig.out().send(form.to, &payload), expected);
                if expected.is_ok() {
                    queued.extend(unit);
                }
            }
            prop_assert_eq!(rig.out().free(), 2048 - queued.len());
        }
    }
}
