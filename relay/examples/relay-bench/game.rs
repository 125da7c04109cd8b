//! Rooms of a game: each player says 32 bytes 60 times a second to its room's owner, who says the
//! room's state of 256 bytes 20 times a second to all.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use peote_net::protocol::to_relay;

use crate::nats;
use crate::plot::{Line, Plot};
use crate::rigs::{self, ANNOUNCEMENT, Between};

/// Players of a room.
const ROOM: usize = 50;

const INPUT: usize = 32;
const INPUT_EVERY: Duration = Duration::from_nanos(1_000_000_000 / 60);
const STATE: usize = 256;
const STATE_EVERY: Duration = Duration::from_millis(50);

/// How long it goes on before it is measured, and is measured.
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(4);

/// A message as it is sent, its length as it is received, and where the time at which it was sent
/// stands in both.
struct Shape {
    bytes: Vec<u8>,
    stamp: usize,
    received: usize,
    stamp_received: usize,
}

/// One who says something again and again, and hears others.
struct Party {
    socket: TcpStream,
    says: Shape,
    /// What is heard: its length, and where its time stands.
    hears: (usize, usize),
}

struct Rooms {
    name: &'static str,
    owners: Vec<Party>,
    players: Vec<Party>,
    between: Between,
}

/// What one run comes to: processor time of what is in between for each message in nanoseconds, and
/// delays in microseconds.
#[derive(Clone, Copy, Default)]
struct Figures {
    nanos: f64,
    state_p50: f64,
    state_p99: f64,
    input_p50: f64,
    input_p99: f64,
}

/// Measures with so many players, in turns with each that is compared.
pub(crate) fn run(rounds: usize, with_nats: bool) -> io::Result<Plot> {
    println!(
        "rooms of {ROOM}: {INPUT} bytes at 60 Hz from each player, {STATE} bytes at 20 Hz to all (medians of {rounds} rounds)"
    );
    let mut lines: Vec<Line> = Vec::new();
    for players in [200, 500, 1000] {
        let rigs: [fn(usize) -> io::Result<Rooms>; 2] = [relay_rooms, nats_rooms];
        let mut results = [("", Vec::new()), ("", Vec::new())];
        let count = 1 + usize::from(with_nats);
        for _ in 0..rounds {
            for (make, (name, figures)) in rigs.iter().zip(&mut results).take(count) {
                let rooms = make(players)?;
                *name = rooms.name;
                figures.push(play(rooms)?);
            }
        }
        let mut first: Option<Figures> = None;
        for (number, (name, figures)) in results[..count].iter().enumerate() {
            let median = |of: fn(&Figures) -> f64| {
                let mut all: Vec<f64> = figures.iter().map(of).collect();
                all.sort_by(f64::total_cmp);
                all[all.len() / 2]
            };
            let nanos = median(|figures| figures.nanos);
            if lines.len() <= number {
                lines.push(Line { name: (*name).into(), points: Vec::new() });
            }
            lines[number].points.push((players as f64, nanos / 1000.0));
            let state = [median(|figures| figures.state_p50), median(|figures| figures.state_p99)];
            let input = [median(|figures| figures.input_p50), median(|figures| figures.input_p99)];
            print!(
                "  {players:>4} players, {name:12} {nanos:>7.0} ns of processor time a message; state p50 {:>5.0} p99 {:>6.0} µs, input p50 {:>5.0} p99 {:>6.0} µs",
                state[0], state[1], input[0], input[1]
            );
            match first {
                None => println!(),
                Some(relay) => println!(
                    "; relay/this {:.2}, p99 of the state {:.2}",
                    relay.nanos / nanos,
                    relay.state_p99 / state[1]
                ),
            }
            first.get_or_insert(Figures { nanos, state_p99: state[1], ..Figures::default() });
        }
    }
    Ok(Plot { title: "A game: processor time for each message", x: "players", y: "microseconds", lines })
}

fn relay_rooms(players: usize) -> io::Result<Rooms> {
    let (address, handle, thread) = rigs::start_relay(rigs::config()?)?;
    let (mut owners, mut all) = (Vec::new(), Vec::new());
    let state = to_relay::broadcast(0, None, STATE);
    let input = to_relay::data_from_user(0, INPUT);
    // a header has a byte more where the payload's length needs it, and one for the user towards
    // the owner
    let (state_head, input_head) = (3, 3);
    for room in 0..players.div_ceil(ROOM) {
        let mut owner = rigs::connect(address)?;
        let name = u8::try_from(room).map_err(io::Error::other)?;
        owner.write_all(&[0, 0, 1, 1, name])?;
        rigs::expect(&mut owner, ANNOUNCEMENT + 5)?;
        for _ in 0..ROOM {
            let mut player = rigs::connect(address)?;
            player.write_all(&[0, 1, 1, 1, name])?;
            rigs::expect(&mut player, ANNOUNCEMENT + 5)?;
            rigs::expect(&mut owner, 6)?;
            let says = Shape {
                bytes: [input.as_bytes(), &[0; INPUT]].concat(),
                stamp: input.as_bytes().len(),
                received: input_head + INPUT,
                stamp_received: input_head,
            };
            all.push(Party { socket: player, says, hears: (state_head + STATE, state_head) });
        }
        let says = Shape {
            bytes: [state.as_bytes(), &[0; STATE]].concat(),
            stamp: state.as_bytes().len(),
            received: state_head + STATE,
            stamp_received: state_head,
        };
        owners.push(Party { socket: owner, says, hears: (input_head + INPUT, input_head) });
    }
    Ok(Rooms { name: "relay", owners, players: all, between: Between::Relay(handle, thread) })
}

fn nats_rooms(players: usize) -> io::Result<Rooms> {
    let (address, between) = nats::start()?;
    let (mut owners, mut all) = (Vec::new(), Vec::new());
    let shape = |subject: &str, len: usize| {
        let bytes = nats::publish(subject, &vec![0; len]);
        let head = nats::head(subject, len).len();
        Shape { stamp: bytes.len() - len - 2, bytes, received: head + len + 2, stamp_received: head }
    };
    for room in 0..players.div_ceil(ROOM) {
        let (to_owner, to_all) = (format!("i{room:02}"), format!("s{room:02}"));
        let (input, state) = (shape(&to_owner, INPUT), shape(&to_all, STATE));
        let hears = (input.received, input.stamp_received);
        let hears_state = (state.received, state.stamp_received);
        owners.push(Party { socket: nats::connect(address, &[&to_owner])?, says: state, hears });
        for _ in 0..ROOM {
            let socket = nats::connect(address, &[&to_all])?;
            all.push(Party { socket, says: shape(&to_owner, INPUT), hears: hears_state });
        }
    }
    Ok(Rooms { name: "nats-server", owners, players: all, between })
}

/// What all threads of a run know.
struct Run {
    start: Instant,
    is_measured: AtomicBool,
    is_over: AtomicBool,
    /// Messages that were received while it was measured; known when it is over.
    received: AtomicU64,
}

impl Run {
    fn nanos(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

fn play(rooms: Rooms) -> io::Result<Figures> {
    let Rooms { owners, players, between, .. } = rooms;
    let run = Run {
        start: Instant::now(),
        is_measured: AtomicBool::new(false),
        is_over: AtomicBool::new(false),
        received: AtomicU64::new(0),
    };
    let run = &run;
    let (talking, listening) = split(owners)?;
    let (pressing, watching) = split(players)?;
    std::thread::scope(|scope| {
        let states = scope.spawn(move || hear(watching, run));
        let inputs = scope.spawn(move || hear(listening, run));
        let saying = [
            scope.spawn(move || say(talking, STATE_EVERY, run)),
            scope.spawn(move || say(pressing, INPUT_EVERY, run)),
        ];
        std::thread::sleep(WARM_UP);
        run.is_measured.store(true, Ordering::Relaxed);
        let before = between.nanos();
        std::thread::sleep(MEASURED);
        let nanos = between.nanos() - before;
        run.is_measured.store(false, Ordering::Relaxed);
        run.is_over.store(true, Ordering::Relaxed);
        for thread in saying {
            thread.join().map_err(|_| io::Error::other("panic"))??;
        }
        let [states, inputs] = [states, inputs].map(std::thread::ScopedJoinHandle::join);
        let states = states.map_err(|_| io::Error::other("panic"))??;
        let inputs = inputs.map_err(|_| io::Error::other("panic"))??;
        let messages = run.received.load(Ordering::Relaxed).max(1) as f64;
        Ok(Figures {
            nanos: nanos as f64 / messages,
            state_p50: hundredth(&states, 50),
            state_p99: hundredth(&states, 99),
            input_p50: hundredth(&inputs, 50),
            input_p99: hundredth(&inputs, 99),
        })
    })
}

fn hundredth(sorted: &[f64], hundredth: usize) -> f64 {
    sorted.get(sorted.len() * hundredth / 100).copied().unwrap_or(f64::NAN)
}

type Speaker = (TcpStream, Shape);
type Listener = (TcpStream, (usize, usize));

fn split(parties: Vec<Party>) -> io::Result<(Vec<Speaker>, Vec<Listener>)> {
    let (mut speakers, mut listeners) = (Vec::new(), Vec::new());
    for Party { socket, says, hears } in parties {
        socket.set_nonblocking(true)?;
        listeners.push((socket.try_clone()?, hears));
        speakers.push((socket, says));
    }
    Ok((speakers, listeners))
}

/// Each says its message once in such a time, one after the other and not all at once.
fn say(mut speakers: Vec<Speaker>, every: Duration, run: &Run) -> io::Result<()> {
    // in an order in which those of a room do not follow each other
    let count = speakers.len();
    let stride = (0..).map(|i| count * 5 / 13 + i).find(|stride| gcd(*stride, count) == 1).unwrap_or(1);
    let step = every / u32::try_from(count).map_err(io::Error::other)?;
    let (mut due, mut next) = (run.start.elapsed(), 0);
    while !run.is_over.load(Ordering::Relaxed) {
        if let Some(early) = due.checked_sub(run.start.elapsed()) {
            std::thread::sleep(early);
        }
        let (socket, shape) = &mut speakers[next];
        shape.bytes[shape.stamp..shape.stamp + 8].copy_from_slice(&run.nanos().to_le_bytes());
        match socket.write(&shape.bytes) {
            Ok(len) if len == shape.bytes.len() => {}
            // what is in between takes no more: the figures show it
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(_) => return Err(io::Error::other("a message was taken in part")),
            Err(error) => return Err(error),
        }
        next = (next + stride) % count;
        due += step;
    }
    Ok(())
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Hears all, and says how long each message that was measured took, the shortest first, in
/// microseconds.
fn hear(listeners: Vec<Listener>, run: &Run) -> io::Result<Vec<f64>> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut all = Vec::new();
    for (socket, hears) in listeners {
        let mut socket = mio::net::TcpStream::from_std(socket);
        poll.registry().register(&mut socket, Token(all.len()), Interest::READABLE)?;
        all.push((socket, hears, Vec::<u8>::new()));
    }
    let mut delays = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while !run.is_over.load(Ordering::Relaxed) {
        poll.poll(&mut events, Some(Duration::from_millis(100)))?;
        for event in &events {
            let (socket, (len, stamp), kept) = &mut all[event.token().0];
            while let Ok(read @ 1..) = socket.read(&mut buffer) {
                let now = run.nanos();
                kept.extend(&buffer[..read]);
                let is_measured = run.is_measured.load(Ordering::Relaxed);
                let used = nats::take_messages(kept, *len, |message| {
                    let sent = message.get(*stamp..*stamp + 8).and_then(|bytes| bytes.try_into().ok());
                    let sent = sent.map_or(0, u64::from_le_bytes);
                    if is_measured {
                        delays.push(now.saturating_sub(sent) as f64 / 1e3);
                    }
                });
                kept.drain(..used);
                if read < buffer.len() {
                    break;
                }
            }
        }
    }
    run.received.fetch_add(delays.len() as u64, Ordering::Relaxed);
    delays.sort_by(f64::total_cmp);
    Ok(delays)
}
