//! What bystanders wait for beside a user that stops reading: one server says 5,000 messages a
//! second to 50 users in turns, and 20 to all. Delays count from the moment at which a message was
//! due, so a server that is held up shows.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use peote_net::link::{Channel, Event, Mode, OwnChannel, SendError, User};
use peote_net_std::{DesktopLink, Sizes};

use crate::{nats, rigs};

const USERS: usize = 50;
const LEN: usize = 1400;
const MESSAGE_EVERY: Duration = Duration::from_micros(200);
const BROADCAST_EVERY: Duration = Duration::from_millis(50);
/// Long enough to fill every buffer of the one that is silent, which gets 168 KB a second.
const TIME: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(10);

/// What all threads of a run know.
struct Run {
    start: Instant,
    is_over: AtomicBool,
    ready: AtomicUsize,
    /// Delays in microseconds.
    delays: Mutex<Vec<f64>>,
    /// Messages that were not sent because their receiver had no room.
    left_out: AtomicUsize,
}

impl Run {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            is_over: AtomicBool::new(false),
            ready: AtomicUsize::new(0),
            delays: Mutex::default(),
            left_out: AtomicUsize::new(0),
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn keep(&self, delays: Vec<f64>) {
        if let Ok(mut all) = self.delays.lock() {
            all.extend(delays);
        }
    }

    /// How long a message took that says when it was due.
    fn delay(&self, message: &[u8]) -> Option<f64> {
        let due = u64::from_le_bytes(message.get(..8)?.try_into().ok()?);
        Some((self.start.elapsed().as_nanos() as f64 - due as f64) / 1e3)
    }
}

/// What is to be said when.
struct Schedule {
    messages: u32,
    broadcasts: u32,
    first: Duration,
}

/// A message to a user, by number, or to all.
#[derive(Clone, Copy)]
enum To {
    User(usize),
    All,
}

impl Schedule {
    /// What is due next, and when.
    fn next(&self) -> (Duration, To) {
        let message = self.first + MESSAGE_EVERY * self.messages;
        let broadcast = self.first + BROADCAST_EVERY * self.broadcasts;
        if broadcast <= message {
            (broadcast, To::All)
        } else {
            (message, To::User(self.messages as usize % USERS))
        }
    }

    fn advance(&mut self, to: To) {
        match to {
            To::User(_) => self.messages += 1,
            To::All => self.broadcasts += 1,
        }
    }
}

/// Runs without and with a silent user, over the relay and over NATS, and prints what bystanders
/// waited for.
pub(crate) fn run(with_nats: bool) -> io::Result<()> {
    println!(
        "1 server, {USERS} users, {LEN} bytes: 5000 messages a second to single ones, 20 to all; one user stops reading"
    );
    type Play = fn(bool) -> io::Result<Run>;
    let rigs: [(&str, Play); 2] = [("relay", over_relay), ("nats-server", over_nats)];
    for (name, play) in &rigs[..1 + usize::from(with_nats)] {
        let without = Summary::of(play(false)?);
        let with = Summary::of(play(true)?);
        println!(
            "  {name:12} {} and {} messages received, {} left out; p50 {:.0} and {:.0} µs, longest {:.0} and {:.0} µs",
            without.received,
            with.received,
            with.left_out,
            without.p50,
            with.p50,
            without.longest,
            with.longest,
        );
        println!(
            "  {name:12} bystanders p99.9 {:.0} with, {:.0} without, ratio {:.2}",
            with.p999,
            without.p999,
            with.p999 / without.p999
        );
    }
    Ok(())
}

struct Summary {
    received: usize,
    left_out: usize,
    p50: f64,
    p999: f64,
    longest: f64,
}

impl Summary {
    fn of(run: Run) -> Self {
        let mut all = run.delays.into_inner().unwrap_or_default();
        all.sort_by(f64::total_cmp);
        let at = |thousandth: usize| all.get(all.len() * thousandth / 1000).copied().unwrap_or(f64::NAN);
        Self {
            received: all.len(),
            left_out: run.left_out.into_inner(),
            p50: at(500),
            p999: at(999),
            longest: all.last().copied().unwrap_or(f64::NAN),
        }
    }
}

/// Starts a server and its users, each in a thread; the last user is silent if one is to be.
fn play(
    has_silent: bool,
    server: impl FnOnce(&Run) -> io::Result<()> + Send,
    user: impl Fn(usize, bool, &Run) -> io::Result<()> + Sync,
) -> io::Result<Run> {
    let run = Run::new();
    std::thread::scope(|scope| {
        let (run, user) = (&run, &user);
        let mut threads = vec![scope.spawn(move || server(run))];
        for number in 0..USERS {
            let is_silent = has_silent && number == USERS - 1;
            threads.push(scope.spawn(move || user(number, is_silent, run)));
        }
        let until = Instant::now() + PATIENCE;
        while run.ready.load(Ordering::Acquire) < USERS && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(TIME);
        run.is_over.store(true, Ordering::Relaxed);
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| io::Error::other("panic"))?)
    })?;
    Ok(run)
}

fn over_relay(has_silent: bool) -> io::Result<Run> {
    let (address, handle, _) = rigs::start_relay(rigs::config()?)?;
    let run = play(
        has_silent,
        move |run| serve(address, run),
        move |_, is_silent, run| if is_silent { keep_silent(address, run) } else { listen(address, run) },
    );
    handle.stop();
    run
}

fn link(address: SocketAddr, parties: usize, window: usize) -> io::Result<DesktopLink> {
    let sizes = Sizes { parties, window, local_users: 0, ..Sizes::default() };
    DesktopLink::builder().sizes(sizes).connect(&address.to_string()).map_err(io::Error::other)
}

/// The server of the channel.
fn serve(address: SocketAddr, run: &Run) -> io::Result<()> {
    let mut link = link(address, USERS + 1, 64 * 1024)?;
    let channel = link.create("silent", Mode::default()).map_err(io::Error::other)?;
    let mut users = Vec::new();
    let mut schedule = None;
    let mut message = vec![0; LEN];
    while !run.is_over() {
        link.poll(|event, _| match event {
            Event::UserEntered { user, .. } => {
                users.push(user);
                Ok(())
            }
            Event::UserGone { .. } => Ok(()),
            other => other.ok(),
        })
        .map_err(io::Error::other)?;
        if schedule.is_none() && users.len() == USERS && run.ready.load(Ordering::Acquire) == USERS {
            schedule = Some(Schedule { messages: 0, broadcasts: 0, first: run.start.elapsed() });
        }
        let mut next = Duration::from_millis(1);
        if let Some(schedule) = &mut schedule {
            next = say_due(&mut link, channel, &users, schedule, &mut message, run)?;
        }
        let deadline =
            link.now() + peote_net::time::Duration::from_millis(next.as_millis().try_into().unwrap_or(1));
        link.wait_for(&mut [], Some(deadline))?;
    }
    Ok(())
}

/// Says what is due, as far as there is room. Returns after how long it is to be tried again.
fn say_due(
    link: &mut DesktopLink,
    channel: OwnChannel,
    users: &[User],
    schedule: &mut Schedule,
    message: &mut [u8],
    run: &Run,
) -> io::Result<Duration> {
    loop {
        let (due, to) = schedule.next();
        if due > run.start.elapsed() {
            return Ok(Duration::from_millis(1));
        }
        let nanos = u64::try_from(due.as_nanos()).unwrap_or(u64::MAX);
        message[..8].copy_from_slice(&nanos.to_le_bytes());
        let mut out = link.out();
        let said = match to {
            To::All => out.send_to_ready(channel, message),
            To::User(number) => out.send((channel, users[number]), message).map(|()| 0),
        };
        match said {
            Ok(left_out) => {
                run.left_out.fetch_add(left_out, Ordering::Relaxed);
            }
            // the link has room, so it is this user that has none
            Err(SendError::WouldBlock) if out.free() > 2 * LEN => {
                run.left_out.fetch_add(1, Ordering::Relaxed);
            }
            Err(SendError::WouldBlock) => return Ok(Duration::from_millis(1)),
            // it was given up
            Err(SendError::NotOpen) => {}
            Err(error) => return Err(io::Error::other(error)),
        }
        schedule.advance(to);
    }
}

/// Enters the channel.
fn enter(address: SocketAddr, run: &Run) -> io::Result<DesktopLink> {
    let mut link = link(address, 2, 64 * 1024)?;
    std::thread::sleep(Duration::from_millis(100)); // the server creates it first
    link.enter("silent", Mode::default()).map_err(io::Error::other)?;
    let mut has_entered = false;
    while !has_entered && !run.is_over() {
        link.poll(|event, _| match event {
            Event::Opened { channel: Channel::Entered(_) } => {
                has_entered = true;
                Ok(())
            }
            other => other.ok(),
        })
        .map_err(io::Error::other)?;
        if !has_entered {
            link.wait()?;
        }
    }
    run.ready.fetch_add(1, Ordering::Release);
    Ok(link)
}

/// A user that stops reading.
fn keep_silent(address: SocketAddr, run: &Run) -> io::Result<()> {
    let _link = enter(address, run)?;
    while !run.is_over() {
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// A bystander.
fn listen(address: SocketAddr, run: &Run) -> io::Result<()> {
    let mut link = enter(address, run)?;
    let mut delays = Vec::new();
    while !run.is_over() {
        link.poll(|event, _| match event {
            Event::Chunk { bytes, .. } => {
                delays.extend(run.delay(bytes));
                Ok(())
            }
            other => other.ok(),
        })
        .map_err(io::Error::other)?;
        let deadline = link.now() + peote_net::time::Duration::from_millis(200);
        link.wait_for(&mut [], Some(deadline))?;
    }
    run.keep(delays);
    Ok(())
}

fn over_nats(has_silent: bool) -> io::Result<Run> {
    let (address, _server) = nats::start()?;
    play(
        has_silent,
        move |run| publish(address, run),
        move |number, is_silent, run| subscribe(address, number, is_silent, run),
    )
}

fn publish(address: SocketAddr, run: &Run) -> io::Result<()> {
    let mut socket = nats::connect(address, &[])?;
    while run.ready.load(Ordering::Acquire) < USERS && !run.is_over() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut schedule = Schedule { messages: 0, broadcasts: 0, first: run.start.elapsed() };
    let mut message = vec![0; LEN];
    while !run.is_over() {
        let mut bytes = Vec::new();
        loop {
            let (due, to) = schedule.next();
            if due > run.start.elapsed() {
                break;
            }
            let nanos = u64::try_from(due.as_nanos()).unwrap_or(u64::MAX);
            message[..8].copy_from_slice(&nanos.to_le_bytes());
            let subject = match to {
                To::All => String::from("all"),
                To::User(number) => format!("u{number:02}"),
            };
            bytes.extend(nats::publish(&subject, &message));
            schedule.advance(to);
        }
        socket.write_all(&bytes)?;
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn subscribe(address: SocketAddr, number: usize, is_silent: bool, run: &Run) -> io::Result<()> {
    let subject = format!("u{number:02}");
    let socket = nats::connect(address, &[&subject, "all"])?;
    run.ready.fetch_add(1, Ordering::Release);
    if is_silent {
        while !run.is_over() {
            std::thread::sleep(Duration::from_millis(100));
        }
        return Ok(());
    }
    let head = nats::head(&subject, LEN).len();
    hear(socket, head, run)
}

/// Reads messages behind heads of such a length.
fn hear(mut socket: TcpStream, head: usize, run: &Run) -> io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let (mut kept, mut buffer, mut delays) = (Vec::new(), vec![0; 64 * 1024], Vec::new());
    while !run.is_over() {
        let read = match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(error) => return Err(error),
        };
        kept.extend(&buffer[..read]);
        let used = nats::take_messages(&kept, head + LEN + 2, |message| {
            delays.extend(message.get(head..).and_then(|message| run.delay(message)));
        });
        kept.drain(..used);
    }
    run.keep(delays);
    Ok(())
}
