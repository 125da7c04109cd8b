//! Very many endpoints at once: all of them come (`storm`), and all of them have to go elsewhere
//! (`drain`).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use peote_relay::{Config, Relay};

use crate::processor;
use crate::rigs::config;

const ENDPOINTS: usize = 10_000;

/// Over how long they are drained.
const OVER: Duration = Duration::from_secs(20);

/// Parts of that time in which those that arrive are counted.
const WINDOW: Duration = Duration::from_millis(500);

/// Bytes of what an endpoint is answered, with the announcement in front.
const ANSWER: usize = 11;

/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A relay in a process of its own.
struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--relay")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self { child, address })
    }

    /// Seconds of processor time that it has used.
    fn seconds(&self) -> f64 {
        Duration::from_nanos(processor::of_process(self.child.id())).as_secs_f64()
    }

    fn drain(&mut self) -> io::Result<()> {
        let input = self.child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(b"drain\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other process: a relay, which drains when a line comes.
pub(crate) fn relay() -> io::Result<()> {
    let config = Config { max_connections: 0, max_channels: 0, ..config()? };
    let mut relay = Relay::bind(config)?;
    println!("{}", relay.local_addrs()[0]);
    let (handle, (tell, told)) = (relay.handle(), std::sync::mpsc::channel());
    std::thread::spawn(move || {
        let mut line = String::new();
        while io::stdin().read_line(&mut line).is_ok_and(|len| len > 0) {
            let _ = tell.send(());
            handle.wake();
        }
        handle.stop();
    });
    while !relay.handle().is_stopping() {
        relay.turn(None)?;
        if told.try_recv().is_ok() {
            relay.drain(OVER);
        }
    }
    Ok(())
}

/// What an endpoint says: one half creates a channel, the other enters the channel of its
/// neighbour.
fn command(number: usize) -> Vec<u8> {
    let name = (number / 2).to_string();
    let len = u8::try_from(name.len()).unwrap_or(u8::MAX);
    [&[0, u8::from(number % 2 == 1), 1, len], name.as_bytes()].concat()
}

/// All of them connect and say their command; then all answers are read. Those whose channel was
/// not there yet say it again.
fn arrive(address: SocketAddr) -> io::Result<Vec<TcpStream>> {
    let mut all = Vec::new();
    for number in (0..ENDPOINTS).step_by(2).chain((1..ENDPOINTS).step_by(2)) {
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(&command(number))?;
        all.push((number, socket));
    }
    for (number, socket) in &mut all {
        let mut answer = [0; ANSWER];
        socket.read_exact(&mut answer)?;
        while answer[9] != 0 {
            socket.write_all(&command(*number))?;
            socket.read_exact(&mut answer[6..])?;
        }
    }
    Ok(all.into_iter().map(|(_, socket)| socket).collect())
}

/// All come at once. What counts is the processor time of the relay.
pub(crate) fn storm() -> io::Result<()> {
    let relay = Program::start()?;
    let (before, begin) = (relay.seconds(), Instant::now());
    let all = arrive(relay.address)?;
    println!(
        "{} endpoints connect, one half creates, the other enters: {:.2} s of the relay's processor time, {:.2} s in all",
        all.len(),
        relay.seconds() - before,
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}

/// All have to go to another relay, each as soon as its connection has ended.
pub(crate) fn drain() -> io::Result<()> {
    let (mut from, to) = (Program::start()?, Program::start()?);
    let all = arrive(from.address)?;
    let mut poll = Poll::new()?;
    let mut sockets = Vec::new();
    for (number, socket) in all.into_iter().enumerate() {
        socket.set_nonblocking(true)?;
        let mut socket = mio::net::TcpStream::from_std(socket);
        poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
        sockets.push(socket);
    }
    from.drain()?;
    let (mut arrivals, mut events) = (Vec::new(), Events::with_capacity(1024));
    let begin = Instant::now();
    while arrivals.len() < ENDPOINTS && begin.elapsed() < PATIENCE {
        poll.poll(&mut events, Some(Duration::from_secs(1)))?;
        for event in &events {
            let number = event.token().0;
            if !has_ended(&mut sockets[number])? {
                continue;
            }
            // the same as it did before, at the other relay
            let mut socket = TcpStream::connect(to.address)?;
            socket.write_all(&command(number))?;
            arrivals.push(begin.elapsed());
            socket.set_nonblocking(true)?;
            let mut socket = mio::net::TcpStream::from_std(socket);
            poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
            sockets[number] = socket;
        }
    }
    let parts = usize::try_from(OVER.as_millis() / WINDOW.as_millis()).unwrap_or(1);
    let mut counts = vec![0; parts + 1];
    for at in &arrivals {
        counts[usize::try_from(at.as_millis() / WINDOW.as_millis()).unwrap_or(parts).min(parts)] += 1;
    }
    let (average, peak) = (ENDPOINTS as f64 / parts as f64, counts.iter().copied().max().unwrap_or(0));
    println!(
        "{} endpoints moved over {} s: at most {peak} in {} ms, {:.2} times the average; {:.2} s and {:.2} s of the relays' processor time",
        arrivals.len(),
        OVER.as_secs(),
        WINDOW.as_millis(),
        f64::from(peak) / average,
        from.seconds(),
        to.seconds()
    );
    Ok(())
}

/// Reads what has come. Returns whether that was the end.
fn has_ended(socket: &mut mio::net::TcpStream) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}
