//! Calls with answers: a user that asks and a server that answers, both with the library's link,
//! through the relay. Beside it the same calls, and requests and replies through a NATS server, by
//! clients that are written for this and do nothing else: what is in between then counts for most.
//! As many are under way at a time with each.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use peote_net::link::{Channel, Event, Flow, Mode, SendError};
use peote_net::protocol::{to_endpoint, to_relay};
use peote_net::rpc::{self, Calls, Heard, remote};
use peote_net_std::DesktopLink;

use crate::{nats, rigs};

/// Calls that wait for their answers.
const OPEN: usize = 1024;
const MANY: u32 = 1024;

#[remote]
trait Adder {
    fn add(&mut self, number: u32) -> u32;
}

struct One;

impl Adder for One {
    fn add(&mut self, number: u32) -> u32 {
        number.wrapping_add(1)
    }
}

/// Prints how many calls with answers there are a second, medians of all rounds.
pub(crate) fn run(rounds: usize, with_nats: bool) -> io::Result<()> {
    const CALLS: u32 = 300_000;
    println!("calls with answers, 4 bytes each way, {OPEN} under way (answers/s)");
    let (mut relay, mut plain) = (Relayed::start()?, Plain::start()?);
    let mut nats = if with_nats { Some(Requests::start()?) } else { None };
    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..2 * rounds {
        rates[0].push(relay.calls(CALLS)?);
        rates[1].push(plain.calls(CALLS)?);
        if let Some(nats) = &mut nats {
            rates[2].push(nats.requests(CALLS)?);
        }
    }
    let median = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let [ours, plain, theirs] = rates.each_mut().map(median);
    println!("  {:34} {ours:>12.0}", "relay, links of the library");
    println!("  {:34} {plain:>12.0}", "relay, clients written for this");
    if with_nats {
        let name = "nats-server, clients written for it";
        println!("  {name:34} {theirs:>12.0}; relay/this {:.2}, {:.2}", ours / theirs, plain / theirs);
    }
    Ok(())
}

/// A user and a server behind a relay.
struct Relayed {
    user: DesktopLink,
    calls: Box<Calls<OPEN>>,
    adder: AdderCaller,
    stop: Arc<AtomicBool>,
    relay: peote_relay::Handle,
}

impl Drop for Relayed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.relay.stop();
    }
}

fn failed(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

impl Relayed {
    fn start() -> io::Result<Self> {
        let (address, relay, _) = rigs::start_relay(rigs::config()?)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut server = DesktopLink::connect(&address.to_string()).map_err(failed)?;
        server.create("adder", Mode::RPC).map_err(failed)?;
        let mut is_open = false;
        while !is_open {
            server.wait()?;
            server.poll(|event, _| is_open |= matches!(event, Event::Opened { .. })).map_err(failed)?;
        }
        let is_over = Arc::clone(&stop);
        std::thread::spawn(move || serve(server, &is_over));
        let mut user = DesktopLink::connect(&address.to_string()).map_err(failed)?;
        user.enter("adder", Mode::RPC).map_err(failed)?;
        let mut calls = Box::new(Calls::new(&[], &[(0, AdderCaller::INTERFACE)]));
        let mut offered = None;
        while offered.is_none() {
            user.wait()?;
            user.poll(|event, out| {
                if let Heard::Offer(remote) = calls.handle(event, out)? {
                    offered = Some(remote);
                }
                Ok::<_, SendError>(())
            })
            .map_err(failed)?;
        }
        let adder = offered.map(AdderCaller::new).ok_or_else(|| failed("nothing was offered"))?;
        Ok(Self { user, calls, adder, stop, relay })
    }

    fn calls(&mut self, count: u32) -> io::Result<f64> {
        let Self { user, calls, adder, .. } = self;
        let (mut asked, mut answered, start) = (0u32, 0u32, Instant::now());
        while answered < count {
            while asked < count {
                match adder.add(&mut user.out(), &mut **calls, asked) {
                    Ok(_) => asked += 1,
                    Err(SendError::WouldBlock | SendError::TooManyCalls) => break,
                    Err(error) => return Err(failed(error)),
                }
            }
            let before = answered;
            user.poll(|event, out| {
                match calls.handle(event, out)? {
                    Heard::Answer(answer) if answer.value::<u32>().is_ok() => answered += 1,
                    Heard::Other(event) => event.ok()?,
                    _ => {}
                }
                Ok::<_, SendError>(())
            })
            .map_err(failed)?;
            if before == answered {
                user.wait()?;
            }
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }
}

fn serve(mut link: DesktopLink, is_over: &AtomicBool) -> io::Result<()> {
    let mut calls = Calls::<1, 4>::new(&[(0, AdderCaller::INTERFACE)], &[]);
    while !is_over.load(Ordering::Relaxed) {
        link.poll(|event, out| match calls.handle(event, out)? {
            Heard::Call(call) => One.dispatch(&call, out).or_else(rpc::Error::pass_over),
            Heard::Other(Event::Closed { channel: Channel::Own(_), .. }) => Err(SendError::NotOpen),
            _ => Ok(Flow::Continue),
        })
        .map_err(failed)?;
        link.wait()?;
    }
    Ok(())
}

/// The same calls without a library.
struct Plain {
    rig: rigs::Rig,
    held: Chunks,
}

/// Payloads of one sender, put together: calls and answers, of 11 bytes with their length field.
#[derive(Default)]
struct Chunks {
    decoder: to_endpoint::Decoder,
    bytes: Vec<u8>,
}

impl Chunks {
    /// Reads once, and hands over what is whole.
    fn read(&mut self, socket: &mut TcpStream, len: usize, mut hear: impl FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = [0; 64 * 1024];
        let read = socket.read(&mut buffer)?;
        let mut rest = &buffer[..read];
        if rest.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let Some((used, unit)) = self.decoder.decode(rest) {
            use to_endpoint::Unit::{FromServer, FromUser};
            if let FromUser { payload, .. } | FromServer { payload, .. } = unit {
                self.bytes.extend_from_slice(payload.bytes());
            }
            rest = &rest[used..];
        }
        let chunks = self.bytes.chunks_exact(len);
        let left = chunks.remainder().len();
        chunks.for_each(&mut hear);
        self.bytes.drain(..self.bytes.len() - left);
        Ok(())
    }
}

/// Bytes of a call, and of an answer, each with its length field.
const CALL: usize = 11;
const ANSWER: usize = 12;

impl Plain {
    fn start() -> io::Result<Self> {
        let mut rig = rigs::relay_to_server()?;
        let mut server = rig.receivers.pop().ok_or_else(|| failed("no receiver"))?;
        std::thread::spawn(move || {
            let mut chunks = Chunks::default();
            let head = to_relay::data_from_server(0, 0, ANSWER);
            loop {
                let mut bytes = Vec::with_capacity(64 * 1024);
                chunks.read(&mut server, CALL, |call| {
                    let Some(&[a, b, c, d, e, f, g, h]) = call.last_chunk::<8>() else { return };
                    let [e, f, g, h] = u32::from_le_bytes([e, f, g, h]).wrapping_add(1).to_le_bytes();
                    bytes.extend_from_slice(head.as_bytes());
                    bytes.extend_from_slice(&[10, 255, 0, a, b, c, d, 4, e, f, g, h]);
                })?;
                server.write_all(&bytes)?;
            }
            #[expect(unreachable_code, reason = "names the type of the error")]
            Ok::<(), io::Error>(())
        });
        Ok(Self { rig, held: Chunks::default() })
    }

    fn calls(&mut self, count: u32) -> io::Result<f64> {
        let (mut asked, mut answered, start) = (0u32, 0u32, Instant::now());
        let head = to_relay::data_from_user(0, CALL);
        let mut bytes = Vec::new();
        while answered < count {
            bytes.clear();
            while asked < count && asked - answered < MANY {
                bytes.extend_from_slice(head.as_bytes());
                let [a, b, c, d] = asked.to_le_bytes();
                bytes.extend_from_slice(&[9, 0, 0, a, b, c, d, a, b, c, d]);
                asked += 1;
            }
            self.rig.sender.write_all(&bytes)?;
            self.held.read(&mut self.rig.sender, ANSWER, |_| answered += 1)?;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }
}

/// A requester and a service behind a NATS server.
struct Requests {
    requester: Lines,
    _server: rigs::Between,
}

impl Requests {
    fn start() -> io::Result<Self> {
        let (address, server) = nats::start()?;
        let requester = Lines::new(nats::connect(address, &["r.*"])?);
        let mut service = Lines::new(nats::connect(address, &["add"])?);
        std::thread::spawn(move || service.reply());
        Ok(Self { requester, _server: server })
    }

    fn requests(&mut self, count: u32) -> io::Result<f64> {
        let (mut asked, mut answered, start) = (0u32, 0u32, Instant::now());
        let mut bytes = Vec::new();
        while answered < count {
            bytes.clear();
            while asked < count && (asked - answered) < MANY {
                write!(bytes, "PUB add r.{asked} 4\r\n")?;
                bytes.extend_from_slice(&asked.to_le_bytes());
                bytes.extend_from_slice(b"\r\n");
                asked += 1;
            }
            self.requester.socket.write_all(&bytes)?;
            self.requester.messages(|_, _| answered += 1)?;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }
}

/// Takes what a NATS server says apart.
struct Lines {
    socket: TcpStream,
    buffer: Vec<u8>,
    held: usize,
}

impl Lines {
    fn new(socket: TcpStream) -> Self {
        Self { socket, buffer: vec![0; 256 * 1024], held: 0 }
    }

    /// Reads once, and hands over the messages that are whole: subject to reply to, and payload of
    /// 4 bytes.
    fn messages(&mut self, mut hear: impl FnMut(&[u8], [u8; 4])) -> io::Result<()> {
        let len = self.socket.read(&mut self.buffer[self.held..])?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let all = self.held + len;
        let mut at = 0;
        while let Some(end) = self.buffer[at..all].iter().position(|byte| *byte == b'\n') {
            let line = &self.buffer[at..at + end];
            if line.starts_with(b"MSG") {
                let Some(&[a, b, c, d]) = self.buffer[..all].get(at + end + 1..at + end + 5) else { break };
                if at + end + 7 > all {
                    break;
                }
                // MSG subject 1 [reply] 4
                let reply = line.split(|byte| *byte == b' ').nth(3).unwrap_or_default();
                hear(reply, [a, b, c, d]);
                at += end + 7;
            } else {
                at += end + 1; // PING, which comes once in two minutes
            }
        }
        self.buffer.copy_within(at..all, 0);
        self.held = all - at;
        Ok(())
    }

    fn reply(&mut self) -> io::Result<()> {
        loop {
            let mut bytes = Vec::with_capacity(64 * 1024);
            self.messages(|reply, number| {
                bytes.extend_from_slice(b"PUB ");
                bytes.extend_from_slice(reply);
                bytes.extend_from_slice(b" 4\r\n");
                bytes.extend_from_slice(&u32::from_le_bytes(number).wrapping_add(1).to_le_bytes());
                bytes.extend_from_slice(b"\r\n");
            })?;
            self.socket.write_all(&bytes)?;
        }
    }
}
