//! What every transport has to do, as tests that any of them can be put through.
//!
//! A transport is embedded-io's `Read`, `Write`, `ReadReady` and `WriteReady`. Those traits leave
//! some things open that a link relies on; the checks say which:
//!
//! - readiness answers are true: when one is yes, the next call returns at once, with bytes moved,
//!   the end, or an error;
//! - readiness is yes at the end of the stream and when the connection is broken, and stays so;
//! - reading zero bytes into a buffer that has room means that the other side has ended in order,
//!   and nothing else does;
//! - a write takes at least one byte;
//! - the two directions do not depend on each other.
//!
//! A [`Testbed`] is a transport together with the far end of its connection, which the checks
//! control. The macro [`conformance!`](crate::conformance!) makes a test of each check.

#![allow(clippy::missing_panics_doc, reason = "all checks panic when the transport fails them")]

use std::fmt::Debug;
use std::time::{Duration, Instant};

use embedded_io::{Read, ReadReady, Write, WriteReady};

use crate::random::Random;

/// A transport, and the far end of its connection. A fresh one is connected and silent. Each
/// direction has room for at least 256 unread bytes.
///
/// Nothing here may block, except that the transport's own `read` and `write` may when they are
/// called though not ready.
pub trait Testbed {
    /// The transport, as a link would be handed it.
    type Transport<'a>: Read + Write + ReadReady + WriteReady
    where
        Self: 'a;

    /// Whether there is such a thing as a reset: an end that is not in order.
    const RESETS: bool = true;

    /// Whether there is such a thing as an end in order: a serial line has none.
    const ENDS: bool = true;

    /// Whether one direction can end and the other one go on, as with TCP.
    const ENDS_APART: bool = true;

    /// How many bytes the transfers in bulk move each way.
    const BULK: usize = 4 << 20;

    /// The transport.
    fn transport(&mut self) -> Self::Transport<'_>;

    /// Ends the transport's sending half, as programs do with it.
    fn close(&mut self);

    /// Sends from the far end; answers how many bytes were taken, none when there is no room.
    fn far_write(&mut self, bytes: &[u8]) -> usize;

    /// Receives at the far end.
    fn far_read(&mut self, buffer: &mut [u8]) -> FarRead;

    /// Ends the far end's sending half; it goes on receiving.
    fn far_close(&mut self);

    /// Breaks the connection from the far end.
    fn far_reset(&mut self);

    /// Lets a little time pass, so that bytes under way arrive.
    fn step(&mut self);
}

/// What the far end received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FarRead {
    /// So many bytes.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// The transport has ended its sending half.
    Closed,
}

/// Makes a test of each check, for the testbed that the expression builds.
///
/// ```ignore
/// mod tcp {
///     peote_net_testkit::conformance!(super::TcpBed::new());
/// }
/// ```
#[macro_export]
macro_rules! conformance {
    ($testbed:expr) => {
        $crate::conformance! { @ $testbed =>
            a_silent_connection_is_not_readable_but_writable
            asking_consumes_nothing
            readable_until_everything_is_read
            empty_buffers_move_nothing
            a_write_takes_at_least_one_byte
            bytes_written_one_by_one_arrive_in_order
            full_is_not_writable_and_drained_is_again
            a_full_transport_can_be_read
            unread_bytes_do_not_keep_from_writing
            the_end_is_readable_and_stays
            data_comes_before_the_end
            after_the_far_end_has_closed_writing_goes_on
            after_closing_reading_goes_on
            a_reset_is_an_error_and_not_an_end
            a_reset_noticed_by_writing_is_one_for_reading
            bulk_in_both_directions_at_once
            bulk_in_odd_pieces
        }
    };
    (@ $testbed:expr => $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $crate::conformance::$check(&mut $testbed);
            }
        )*
    };
}

/// How long anything may take before it is taken for a hang.
const PATIENCE: Duration = Duration::from_secs(60);

fn until<B: Testbed>(bed: &mut B, what: &str, mut done: impl FnMut(&mut B) -> bool) {
    let start = Instant::now();
    while !done(bed) {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        bed.step();
    }
}

/// Lets everything under way arrive.
fn settle<B: Testbed>(bed: &mut B) {
    for _ in 0..50 {
        bed.step();
    }
}

fn ok<T, E: Debug>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error:?}"))
}

fn read_ready<B: Testbed>(bed: &mut B) -> bool {
    ok(bed.transport().read_ready())
}

fn write_ready<B: Testbed>(bed: &mut B) -> bool {
    ok(bed.transport().write_ready())
}

/// Waits until the transport is readable, then reads once.
fn read<B: Testbed>(bed: &mut B, buffer: &mut [u8]) -> usize {
    until(bed, "something to read", read_ready);
    ok(bed.transport().read(buffer))
}

/// Reads exactly as many bytes as the buffer has.
fn read_all<B: Testbed>(bed: &mut B, mut buffer: &mut [u8]) {
    while !buffer.is_empty() {
        let count = read(bed, buffer);
        assert_ne!(count, 0, "ended, {} bytes too early", buffer.len());
        buffer = &mut buffer[count..];
    }
}

fn write_all<B: Testbed>(bed: &mut B, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        until(bed, "room to write", write_ready);
        let count = ok(bed.transport().write(bytes));
        assert!((1..=bytes.len()).contains(&count), "wrote {count} of {} bytes", bytes.len());
        bytes = &bytes[count..];
    }
}

fn far_write_all<B: Testbed>(bed: &mut B, mut bytes: &[u8]) {
    until(bed, "room at the far end", |bed| {
        bytes = &bytes[bed.far_write(bytes)..];
        bytes.is_empty()
    });
}

fn far_read_all<B: Testbed>(bed: &mut B, buffer: &mut [u8]) {
    let mut filled = 0;
    until(bed, "bytes at the far end", |bed| {
        match bed.far_read(&mut buffer[filled..]) {
            FarRead::Bytes(count) => filled += count,
            FarRead::Nothing => {}
            FarRead::Closed => panic!("ended after {filled} bytes"),
        }
        filled == buffer.len()
    });
}

fn far_sees_the_end<B: Testbed>(bed: &mut B) {
    until(bed, "the end at the far end", |bed| match bed.far_read(&mut [0; 16]) {
        FarRead::Bytes(count) => panic!("{count} bytes too many"),
        FarRead::Nothing => false,
        FarRead::Closed => true,
    });
}

/// Writes until there is no room, and none comes from bytes that move on; answers what was written.
fn fill<B: Testbed>(bed: &mut B) -> Vec<u8> {
    let mut random = Random::new(1);
    let mut written = Vec::new();
    let mut piece = vec![0; 16 << 10];
    loop {
        while write_ready(bed) {
            random.fill(&mut piece);
            let count = ok(bed.transport().write(&piece));
            assert!((1..=piece.len()).contains(&count));
            written.extend_from_slice(&piece[..count]);
            assert!(written.len() < 1 << 30, "no end to what it takes");
        }
        settle(bed);
        if !write_ready(bed) {
            return written;
        }
    }
}

/// Nothing has happened: not readable, writable, and asking again changes nothing.
pub fn a_silent_connection_is_not_readable_but_writable<B: Testbed>(bed: &mut B) {
    for _ in 0..3 {
        assert!(!read_ready(bed));
        assert!(write_ready(bed));
        settle(bed);
    }
    ok(bed.transport().flush());
}

/// However often readiness is asked for, the bytes are still there.
pub fn asking_consumes_nothing<B: Testbed>(bed: &mut B) {
    far_write_all(bed, b"abc");
    until(bed, "something to read", read_ready);
    for _ in 0..100 {
        assert!(read_ready(bed));
        assert!(write_ready(bed));
    }
    let mut buffer = [0; 3];
    read_all(bed, &mut buffer);
    assert_eq!(&buffer, b"abc");
}

/// A read takes what is there without waiting for more; readiness is yes as long as something is
/// left, then no.
pub fn readable_until_everything_is_read<B: Testbed>(bed: &mut B) {
    let sent: Vec<u8> = (0..100).collect();
    far_write_all(bed, &sent);
    settle(bed);
    let mut received = Vec::new();
    while received.len() < 50 {
        let mut buffer = [0; 7];
        let count = read(bed, &mut buffer);
        assert!((1..=7).contains(&count));
        received.extend_from_slice(&buffer[..count]);
        assert!(read_ready(bed), "though {} bytes are left", 100 - received.len());
    }
    // With room for more than there will ever be.
    while received.len() < 100 {
        let mut buffer = [0; 1000];
        let count = read(bed, &mut buffer);
        received.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(received, sent);
    settle(bed);
    assert!(!read_ready(bed));
}

/// Empty buffers give zero at any time, block never, and take nothing away.
pub fn empty_buffers_move_nothing<B: Testbed>(bed: &mut B) {
    let nothing_moves = |bed: &mut B| {
        assert_eq!(ok(bed.transport().read(&mut [])), 0);
        assert_eq!(ok(bed.transport().write(&[])), 0);
    };
    nothing_moves(bed);
    far_write_all(bed, b"x");
    until(bed, "something to read", read_ready);
    nothing_moves(bed);
    assert!(read_ready(bed));
    let mut buffer = [0; 1];
    read_all(bed, &mut buffer);
    fill(bed);
    nothing_moves(bed);
    if !B::ENDS {
        return;
    }
    bed.far_close();
    until(bed, "the end", read_ready);
    nothing_moves(bed);
}

/// As long as it is ready, a write takes some of the bytes: any number from one to all.
pub fn a_write_takes_at_least_one_byte<B: Testbed>(bed: &mut B) {
    for length in [1_usize, 2, 3, 100, 1000, 100_000, 1] {
        let bytes = vec![u8::try_from(length % 251).unwrap(); length];
        until(bed, "room to write", write_ready);
        let count = ok(bed.transport().write(&bytes));
        assert!((1..=length).contains(&count), "{count} of {length}");
        let mut received = vec![0; count];
        far_read_all(bed, &mut received);
        assert!(received == bytes[..count]);
    }
}

/// Small writes keep their order.
pub fn bytes_written_one_by_one_arrive_in_order<B: Testbed>(bed: &mut B) {
    let sent: Vec<u8> = (0..1000_u32).flat_map(u32::to_be_bytes).collect();
    let mut received = vec![0; sent.len()];
    let mut at = 0;
    for byte in &sent {
        write_all(bed, &[*byte]);
        if let FarRead::Bytes(count) = bed.far_read(&mut received[at..]) {
            at += count;
        }
    }
    far_read_all(bed, &mut received[at..]);
    assert!(received == sent);
}

/// When the other side does not read, writing is not ready in the end; when it has read, it is
/// again. Nothing is lost.
pub fn full_is_not_writable_and_drained_is_again<B: Testbed>(bed: &mut B) {
    let written = fill(bed);
    // a link flushes after writing, and its polls do not wait
    ok(bed.transport().flush());
    let mut received = vec![0; written.len()];
    far_read_all(bed, &mut received);
    assert!(received == written);
    until(bed, "room to write", write_ready);
    write_all(bed, b"more");
    let mut more = [0; 4];
    far_read_all(bed, &mut more);
    assert_eq!(&more, b"more");
}

/// Being unable to write does not keep from reading.
pub fn a_full_transport_can_be_read<B: Testbed>(bed: &mut B) {
    fill(bed);
    far_write_all(bed, b"still there?");
    let mut buffer = [0; 12];
    read_all(bed, &mut buffer);
    assert_eq!(&buffer, b"still there?");
}

/// Not reading does not keep from writing.
pub fn unread_bytes_do_not_keep_from_writing<B: Testbed>(bed: &mut B) {
    far_write_all(bed, &[1; 100]);
    until(bed, "something to read", read_ready);
    let sent = vec![2; 10_000];
    let mut received = vec![0; sent.len()];
    let mut at = 0;
    for piece in sent.chunks(100) {
        write_all(bed, piece);
        if let FarRead::Bytes(count) = bed.far_read(&mut received[at..]) {
            at += count;
        }
    }
    far_read_all(bed, &mut received[at..]);
    assert!(received == sent);
    assert!(read_ready(bed));
}

/// The end in order: readable, zero bytes, as often as one asks.
pub fn the_end_is_readable_and_stays<B: Testbed>(bed: &mut B) {
    if !B::ENDS {
        return;
    }
    bed.far_close();
    for _ in 0..3 {
        assert_eq!(read(bed, &mut [0; 16]), 0);
        assert!(read_ready(bed));
        settle(bed);
    }
}

/// Bytes and the end that arrive together are told one after the other, and readiness is yes
/// throughout.
pub fn data_comes_before_the_end<B: Testbed>(bed: &mut B) {
    if !B::ENDS {
        return;
    }
    let sent: Vec<u8> = (0..200).collect();
    far_write_all(bed, &sent);
    bed.far_close();
    settle(bed);
    let mut received = vec![0; sent.len()];
    read_all(bed, &mut received);
    assert_eq!(received, sent);
    assert_eq!(read(bed, &mut [0; 16]), 0);
}

/// The far end's end is that of one direction only.
pub fn after_the_far_end_has_closed_writing_goes_on<B: Testbed>(bed: &mut B) {
    if !(B::ENDS && B::ENDS_APART) {
        return;
    }
    bed.far_close();
    assert_eq!(read(bed, &mut [0; 16]), 0);
    let sent: Vec<u8> = (0..200).collect();
    for piece in sent.chunks(50) {
        write_all(bed, piece);
        settle(bed);
    }
    let mut received = vec![0; sent.len()];
    far_read_all(bed, &mut received);
    assert_eq!(received, sent);
    bed.close();
    far_sees_the_end(bed);
}

/// Closing sends everything written before it, and then the end; what comes from the far end is
/// still read.
pub fn after_closing_reading_goes_on<B: Testbed>(bed: &mut B) {
    if !(B::ENDS && B::ENDS_APART) {
        return;
    }
    let sent = vec![3; 50_000];
    let mut received = vec![0; sent.len()];
    let mut at = 0;
    for piece in sent.chunks(100) {
        write_all(bed, piece);
        if let FarRead::Bytes(count) = bed.far_read(&mut received[at..]) {
            at += count;
        }
    }
    bed.close();
    far_read_all(bed, &mut received[at..]);
    assert!(received == sent);
    far_sees_the_end(bed);
    far_write_all(bed, b"answer");
    let mut answer = [0; 6];
    read_all(bed, &mut answer);
    assert_eq!(&answer, b"answer");
    bed.far_close();
    assert_eq!(read(bed, &mut [0; 16]), 0);
}

/// A broken connection is readable and writable, so that it is noticed, and both are errors; now
/// and later.
pub fn a_reset_is_an_error_and_not_an_end<B: Testbed>(bed: &mut B) {
    if !B::RESETS {
        return;
    }
    bed.far_reset();
    for _ in 0..3 {
        until(bed, "the reset", read_ready);
        assert!(bed.transport().read(&mut [0; 16]).is_err());
        settle(bed);
    }
    until(bed, "the reset, for writing", write_ready);
    assert!(bed.transport().write(b"x").is_err());
}

/// Whichever direction meets a broken connection first, the other one is told as well.
pub fn a_reset_noticed_by_writing_is_one_for_reading<B: Testbed>(bed: &mut B) {
    if !B::RESETS {
        return;
    }
    bed.far_reset();
    until(bed, "an error", |bed| write_ready(bed) && bed.transport().write(b"x").is_err());
    until(bed, "the reset, for reading", read_ready);
    assert!(bed.transport().read(&mut [0; 16]).is_err());
}

/// Much in both directions, from one thread, with buffers of the usual sizes.
pub fn bulk_in_both_directions_at_once<B: Testbed>(bed: &mut B) {
    transfer(bed, B::BULK, |_| 4096);
}

/// The same, less of it, in pieces of any size.
pub fn bulk_in_odd_pieces<B: Testbed>(bed: &mut B) {
    transfer(bed, B::BULK / 16, |random| 1 + random.below(1500));
}

/// Moves `total` bytes each way; whoever can do something does it.
fn transfer<B: Testbed>(bed: &mut B, total: usize, mut piece: impl FnMut(&mut Random) -> usize) {
    let mut random = Random::new(2);
    let mut outward = vec![0; total];
    let mut inward = vec![0; total];
    random.fill(&mut outward);
    random.fill(&mut inward);
    let (mut written, mut read, mut far_written, mut far_read) = (0, 0, 0, 0);
    let mut buffer = vec![0; 65_536];
    let mut idle_since = Instant::now();
    while read < total || far_read < total {
        let before = (written, read, far_written, far_read);
        if written < total && write_ready(bed) {
            let end = total.min(written + piece(&mut random));
            written += ok(bed.transport().write(&outward[written..end]));
        }
        let end = total.min(far_written + piece(&mut random));
        far_written += bed.far_write(&inward[far_written..end]);
        if read < total && read_ready(bed) {
            let room = piece(&mut random);
            let count = ok(bed.transport().read(&mut buffer[..room]));
            assert_ne!(count, 0, "ended after {read} bytes");
            assert!(inward[read..].starts_with(&buffer[..count]), "other bytes, behind {read}");
            read += count;
        }
        if far_read < total {
            let room = piece(&mut random);
            match bed.far_read(&mut buffer[..room]) {
                FarRead::Bytes(count) => {
                    assert!(
                        outward[far_read..].starts_with(&buffer[..count]),
                        "other bytes, behind {far_read}"
                    );
                    far_read += count;
                }
                FarRead::Nothing => {}
                FarRead::Closed => panic!("the far end sees an end after {far_read} bytes"),
            }
        }
        if before == (written, read, far_written, far_read) {
            assert!(idle_since.elapsed() < PATIENCE, "stuck at {before:?}");
            bed.step();
        } else {
            idle_since = Instant::now();
        }
    }
    settle(bed);
    assert!(!read_ready(bed), "more came than was sent");
}
