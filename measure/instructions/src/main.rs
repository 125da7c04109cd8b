//! Does one small job many times, for counting instructions: `scripts/count-instructions` runs it
//! under valgrind with two numbers of rounds, and the difference is what a round costs.

use std::hint::black_box;
use std::process::ExitCode;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::chunk::{Assembler, ChunkLimit};
use peote_net::link::{Destination, Event, Flow, Link, LinkBuffers, Mode, SendError, User};
use peote_net::protocol::{items, to_endpoint, to_relay};
use peote_net::rpc::{self, ANSWERS, Calls, Heard, Message, Remote, remote};
use peote_net::time::Instant;

/// A relay that says the same again and again, and takes everything.
struct Relay {
    says: Vec<u8>,
}

impl ErrorType for Relay {
    type Error = ErrorKind;
}
impl ReadReady for Relay {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(!self.says.is_empty())
    }
}
impl Read for Relay {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        buf[..self.says.len()].copy_from_slice(&self.says);
        Ok(self.says.len())
    }
}
impl WriteReady for Relay {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(true)
    }
}
impl Write for Relay {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        Ok(black_box(buf).len())
    }
    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Units in what one read returns.
const BATCH: usize = 32;

const CHUNKS: Mode = Mode::chunks(1024);
const RPC: Mode = Mode::rpc(1024);

type Buffers = LinkBuffers<1024, 64, 4, 4096, 4096>;

/// A chunk of `len` bytes with its length field, from user 3 of own channel 0.
fn chunk_unit(len: usize) -> Vec<u8> {
    unit_of(&vec![b'x'; len])
}

fn unit_of(chunk: &[u8]) -> Vec<u8> {
    let length = ChunkLimit::new(1024).encode_length(chunk.len()).unwrap();
    let mut unit =
        to_endpoint::data_for_server(0, 3, chunk.len() + length.as_bytes().len()).as_bytes().to_vec();
    unit.extend_from_slice(length.as_bytes());
    unit.extend_from_slice(chunk);
    unit
}

/// An object with a procedure of two scalars.
#[remote]
trait Board {
    fn clear(&mut self);
    fn draw(&mut self, x: i16, y: i16);
    fn say(&mut self, text: &str);
}

/// An object that answers.
#[remote]
trait Adder {
    fn sum(&mut self, x: i16, y: i16) -> i32;
}

struct Sum(i32);

impl Board for Sum {
    fn clear(&mut self) {
        self.0 = 0;
    }
    fn draw(&mut self, x: i16, y: i16) {
        self.0 = self.0.wrapping_add(i32::from(x) ^ i32::from(y));
    }
    fn say(&mut self, text: &str) {
        black_box(text);
    }
}

impl Adder for Sum {
    fn sum(&mut self, x: i16, y: i16) -> i32 {
        self.draw(x, y);
        self.0
    }
}

/// As `polls`, with chunks of 6 bytes that are calls.
fn dispatches(rounds: usize) {
    let mut relay = Relay { says: Vec::new() };
    let (mut link, _) = serving(&mut relay, RPC);
    relay.says = unit_of(&[0, 1, 10, 0, 20, 0]).repeat(BATCH);
    let mut board = Sum(0);
    for _ in 0..rounds / BATCH {
        link.poll(&mut relay, Instant::ZERO, |event, out| match event {
            Event::Rpc { from, bytes } => match Message::read(from, bytes) {
                Message::Call(call) => match call.object() {
                    0 => Board::dispatch(&mut board, &call, out),
                    _ => Err(call.unknown_object()),
                }
                .or_else(rpc::Error::pass_over),
                Message::Offer(_) => Ok(Flow::Continue),
            },
            event => {
                black_box(&event);
                Ok(Flow::Continue)
            }
        })
        .unwrap();
    }
    black_box(board.0);
}

/// As `dispatches`, with calls that are answered.
fn answers(rounds: usize) {
    let mut relay = Relay { says: Vec::new() };
    let (mut link, _) = serving(&mut relay, RPC);
    relay.says = unit_of(&[0, 0, 1, 0, 0, 0, 10, 0, 20, 0]).repeat(BATCH);
    let (mut adder, mut calls) = (Sum(0), Calls::<64>::new(&[], &[]));
    for _ in 0..rounds / BATCH {
        link.poll(&mut relay, Instant::ZERO, |event, out| match calls.handle(event, out)? {
            Heard::Call(call) => match call.object() {
                0 => Adder::dispatch(&mut adder, &call, out),
                _ => Err(call.unknown_object()),
            }
            .or_else(rpc::Error::pass_over),
            heard => {
                black_box(&heard);
                Ok::<_, SendError>(Flow::Continue)
            }
        })
        .unwrap();
    }
    black_box(adder.0);
}

/// As `calls`, with calls that are answered, if `hears` with the next poll.
fn asks(rounds: usize, hears: bool) {
    let mut relay = Relay { says: Vec::new() };
    let (mut link, _) = serving(&mut relay, RPC);
    relay.says = [unit_of(&[ANSWERS]), unit_of(&[0])].concat();
    // as many as are never answered
    let (mut calls, mut adder) = (Box::new(Calls::<65_536>::new(&[], &[])), None);
    link.poll(&mut relay, Instant::ZERO, |event, out| {
        if let Heard::Offer(remote) = calls.handle(event, out)? {
            adder = Some(AdderCaller::new(remote));
        }
        Ok::<_, SendError>(())
    })
    .unwrap();
    let adder = adder.unwrap();
    let answer = unit_of(&[ANSWERS, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]);
    let number_at = answer.len() - 9;
    relay.says = if hears { answer.repeat(BATCH) } else { Vec::new() };
    let mut sum = 0i32;
    for _ in 0..rounds / BATCH {
        let mut out = link.out();
        for n in 0..BATCH {
            let call = adder.sum(&mut out, &mut *calls, black_box(10), black_box(20)).unwrap();
            if hears {
                let at = n * answer.len() + number_at;
                relay.says[at..at + 4].copy_from_slice(&call.number().to_le_bytes());
            }
        }
        link.poll(&mut relay, Instant::ZERO, |event, out| {
            if let Heard::Answer(answer) = calls.handle(event, out)? {
                sum = sum.wrapping_add(answer.value().unwrap_or(0));
            }
            Ok::<_, SendError>(())
        })
        .unwrap();
    }
    assert_eq!(calls.open_calls(), if hears { 0 } else { rounds });
    black_box(sum);
}

/// The same calls, taken apart by hand: what a dispatch would cost at least.
fn reads(rounds: usize) {
    let mut relay = Relay { says: Vec::new() };
    let (mut link, _) = serving(&mut relay, CHUNKS);
    relay.says = unit_of(&[0, 1, 10, 0, 20, 0]).repeat(BATCH);
    let mut board = Sum(0);
    for _ in 0..rounds / BATCH {
        link.poll(&mut relay, Instant::ZERO, |event, _| match event {
            Event::Chunk { bytes: &[0, 1, a, b, c, d], .. } => {
                board.draw(i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d]));
            }
            event => {
                black_box(&event);
            }
        })
        .unwrap();
    }
    black_box(board.0);
}

/// As `sends`, with calls of 6 bytes.
fn calls(rounds: usize) {
    let mut relay = Relay { says: Vec::new() };
    let (mut link, channel) = serving(&mut relay, RPC);
    relay.says.clear();
    let board = BoardCaller::new(Remote::assume((channel, User::new(3)), 0));
    for _ in 0..rounds / BATCH {
        let mut out = link.out();
        for _ in 0..BATCH {
            board.draw(&mut out, black_box(10), black_box(20)).unwrap();
        }
        link.poll(&mut relay, Instant::ZERO, |_, _| ()).unwrap();
    }
}

/// A link that owns a channel with users 0 to 49.
fn serving(relay: &mut Relay, mode: Mode) -> (Box<Link<Buffers>>, peote_net::link::OwnChannel) {
    let mut link = Box::new(Link::<Buffers>::new());
    let channel = link.out().create("bench", mode).unwrap();
    relay.says = to_endpoint::success(items::first_tag(1024).unwrap(), 0).to_vec();
    for user in 0..50 {
        relay.says.extend_from_slice(&to_endpoint::user_entered(0, user));
    }
    link.poll(relay, Instant::ZERO, |_, _| ()).unwrap();
    (link, channel)
}

fn polls(rounds: usize, len: usize, echo: bool) {
    let mut relay = Relay { says: Vec::new() };
    let (mut link, _) = serving(&mut relay, CHUNKS);
    relay.says = chunk_unit(len).repeat(BATCH);
    for _ in 0..rounds / BATCH {
        link.poll(&mut relay, Instant::ZERO, |event, out| match event {
            Event::Chunk { from, bytes } if echo => out.send(from, bytes),
            event => {
                black_box(&event);
                Ok(())
            }
        })
        .unwrap();
    }
}

fn sends(rounds: usize, len: usize) {
    let mut relay = Relay { says: Vec::new() };
    let (mut link, channel) = serving(&mut relay, CHUNKS);
    relay.says.clear();
    let bytes = vec![b'x'; len];
    for _ in 0..rounds / BATCH {
        let mut out = link.out();
        for _ in 0..BATCH {
            out.send(Destination::User(channel, User::new(3)), black_box(&bytes)).unwrap();
        }
        link.poll(&mut relay, Instant::ZERO, |_, _| ()).unwrap();
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(job), Some(rounds)) =
        (arguments.next(), arguments.next().and_then(|n| n.parse::<usize>().ok()))
    else {
        eprintln!("usage: instructions JOB ROUNDS (rounds: a multiple of {BATCH})");
        return ExitCode::from(2);
    };
    match job.as_str() {
        "decode-to-endpoint-64" => {
            let stream = chunk_unit(64).repeat(BATCH);
            for _ in 0..rounds / BATCH {
                let mut decoder = to_endpoint::Decoder::new();
                let mut rest = black_box(&stream[..]);
                while let Some((used, unit)) = decoder.decode(rest) {
                    black_box(&unit);
                    rest = &rest[used..];
                }
            }
        }
        "decode-to-relay-64" => {
            let mut unit = to_relay::data_from_user(0, 65).as_bytes().to_vec();
            unit.resize(unit.len() + 65, b'x');
            let stream = unit.repeat(BATCH);
            for _ in 0..rounds / BATCH {
                let mut decoder = to_relay::Decoder::new();
                let mut rest = black_box(&stream[..]);
                while let Some((used, unit)) = decoder.decode(rest) {
                    black_box(&unit);
                    rest = &rest[used..];
                }
            }
        }
        "assemble-64" => {
            let mut data = vec![63];
            data.resize(65, b'x');
            let data = data.repeat(BATCH);
            let mut assembler = Assembler::new();
            for _ in 0..rounds / BATCH {
                let mut rest = black_box(&data[..]);
                while !rest.is_empty() {
                    let (used, step) = assembler.feed(ChunkLimit::DEFAULT, rest, &mut [0; 64]);
                    black_box(step);
                    rest = &rest[used..];
                }
            }
        }
        "receive-6" => polls(rounds, 6, false),
        "send-6" => sends(rounds, 6),
        "rpc-dispatch-2-scalars" => dispatches(rounds),
        "receive-2-scalars" => reads(rounds),
        "rpc-call-2-scalars" => calls(rounds),
        "rpc-dispatch-answered" => answers(rounds),
        "rpc-call-answered" => asks(rounds, false),
        "rpc-call-and-answer" => asks(rounds, true),
        "receive-64" => polls(rounds, 64, false),
        "receive-16" => polls(rounds, 16, false),
        "echo-64" => polls(rounds, 64, true),
        "send-64" => sends(rounds, 64),
        "send-16" => sends(rounds, 16),
        other => {
            eprintln!("there is no job {other}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
