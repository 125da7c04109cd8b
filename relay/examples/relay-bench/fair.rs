//! How long a bystander waits while others do their worst. Attackers come from addresses of their
//! own (127.0.0.0/8 is all this machine's on Linux), from another process of the lowest priority:
//! elsewhere they would have machines of their own.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use peote_relay::Config;
use socket2::{Domain, Socket, Type};

use crate::rigs::start_relay;

/// Round trips that are measured beside each attack, and the pause between two.
const TRIPS: usize = 2000;
const PAUSE: Duration = Duration::from_millis(1);

/// Users of each broadcaster.
const USERS: u8 = 255;

/// What attackers do: what it is called, and how many do it.
const ATTACKS: [(&str, u8); 6] = [
    ("broadcasters", 1),
    ("broadcasters", 8),
    ("broadcasters", 60),
    ("fragments", 62),
    ("pings", 62),
    ("nobody", 62),
];

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// 50th and 99th hundredth of round trips, in microseconds.
struct Figures {
    p50: f64,
    p99: f64,
}

/// All attacks, one after the other, each `rounds` times beside a round without one.
pub(crate) fn run(rounds: usize) -> io::Result<()> {
    println!("16 bytes there and back for a bystander, beside attackers (µs; medians of {rounds} rounds)");
    let mut none = Vec::new();
    let mut worst = Vec::new();
    for (attack, count) in ATTACKS {
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            // the limits of the default configuration hold, but for the rate at which all come here
            // at once
            let listen = vec!["127.0.0.1:0".parse().map_err(io::Error::other)?];
            let config = Config { listen, connections_per_second_per_address: 0, ..Config::default() };
            let (address, handle, _) = start_relay(config)?;
            let mut bystander = Bystander::new(address)?;
            alone.push(bystander.measure()?);
            let attackers = Attackers::start(attack, count, address)?;
            beside.push(bystander.measure()?);
            drop(attackers);
            handle.stop();
        }
        let (alone, beside) = (median(alone), median(beside));
        let ratio = beside.p99 / alone.p99;
        println!(
            "  {:22} p50 {:>7.0}  p99 {:>7.0}    without p50 {:>5.0}  p99 {:>5.0}    ratio {ratio:.1}",
            format!("{count} {attack}"),
            beside.p50,
            beside.p99,
            alone.p50,
            alone.p99
        );
        none.push(alone);
        worst.push(ratio);
    }
    let none = median(none);
    println!("  {:22} p50 {:>7.0}  p99 {:>7.0}", "none", none.p50, none.p99);
    println!("worst ratio {:.1}", worst.into_iter().fold(0.0, f64::max));
    Ok(())
}

fn median(mut all: Vec<Figures>) -> Figures {
    all.sort_by(|a, b| a.p99.total_cmp(&b.p99));
    all.swap_remove(all.len() / 2)
}

/// A server and a user of its channel, who say 16 bytes to each other.
struct Bystander {
    server: TcpStream,
    user: TcpStream,
}

impl Bystander {
    fn new(address: SocketAddr) -> io::Result<Self> {
        let mut server = connect(address, [127, 9, 9, 1])?;
        let mut user = connect(address, [127, 9, 9, 2])?;
        command(&mut server, 0, b"bystander")?;
        command(&mut user, 1, b"bystander")?;
        server.read_exact(&mut [0; 6])?;
        Ok(Self { server, user })
    }

    fn measure(&mut self) -> io::Result<Figures> {
        let mut times = Vec::with_capacity(TRIPS);
        let mut buffer = [0; 32];
        while times.len() < TRIPS {
            let start = Instant::now();
            self.user.write_all(&[&[17, 0][..], &[7; 16]].concat())?;
            read_data(&mut self.server, &mut buffer, 19)?;
            self.server.write_all(&[&[18, 128, 0][..], &[7; 16]].concat())?;
            read_data(&mut self.user, &mut buffer, 18)?;
            times.push(start.elapsed().as_secs_f64() * 1e6);
            std::thread::sleep(PAUSE);
        }
        times.sort_by(f64::total_cmp);
        Ok(Figures { p50: times[TRIPS / 2], p99: times[TRIPS * 99 / 100] })
    }
}

/// Reads a unit of so many bytes; a keepalive may come before it.
fn read_data(socket: &mut TcpStream, buffer: &mut [u8], len: usize) -> io::Result<()> {
    socket.read_exact(&mut buffer[..6])?;
    if buffer[0] == 0 {
        socket.read_exact(&mut buffer[..6])?;
    }
    socket.read_exact(&mut buffer[6..len])
}

fn connect(address: SocketAddr, from: [u8; 4]) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::from(from), 0)).into())?;
    socket.connect(&address.into())?;
    let socket = TcpStream::from(socket);
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(socket)
}

/// Creates (0) or enters (1) a channel. Its answer comes after the announcement if it is the first
/// command.
fn command(socket: &mut TcpStream, command: u8, name: &[u8]) -> io::Result<()> {
    let len = u8::try_from(name.len()).map_err(io::Error::other)?;
    socket.write_all(&[&[0, command, 1, len], name].concat())?;
    let mut answer = [0; 6];
    loop {
        socket.read_exact(&mut answer[..5])?;
        match answer[..5] {
            [0, 3, 1, 0, _] => return Ok(()),
            [0, 3, 1, 1, code] => return Err(io::Error::other(format!("refused with code {code}"))),
            _ => socket.read_exact(&mut answer[5..])?,
        }
    }
}

/// The other process.
struct Attackers(Child);

impl Attackers {
    /// Starts it and waits until all is under way.
    fn start(attack: &str, count: u8, address: SocketAddr) -> io::Result<Self> {
        let mut child = Command::new("nice")
            // the system takes more than there is for the most
            .args(["-n", "39"])
            .arg(std::env::current_exe()?)
            .args(["--attackers", attack, &count.to_string(), &address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let Some(out) = &mut child.stdout else { return Err(io::Error::other("no pipe")) };
        out.read_exact(&mut [0; 6])?;
        std::thread::sleep(Duration::from_millis(300));
        Ok(Self(child))
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the other process does, until it is killed.
pub(crate) fn attack(arguments: &[String]) -> io::Result<()> {
    let [attack, count, address] = arguments else { return Err(io::Error::other("arguments are missing")) };
    let count: u8 = count.parse().map_err(io::Error::other)?;
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let mut senders = (0..count).map(|_| connect(address, [127, 0, 2, 1])).collect::<io::Result<Vec<_>>>()?;
    let mut receivers = Vec::new();
    let stream = match attack.as_str() {
        "broadcasters" => {
            for (number, sender) in (0..count).zip(&mut senders) {
                command(sender, 0, &[b'a', number])?;
            }
            for user in 0..USERS {
                let network = 3 + user / 128;
                let mut receiver = connect(address, [127, 0, network, user / 60 + 1])?;
                for number in 0..count {
                    command(&mut receiver, 1, &[b'a', number])?;
                }
                receivers.push(receiver);
            }
            // to all and to all but one in turns, so that none goes with the next one
            [&[1, 1, 2, 128, b'x'][..], &[1, 0, 3, 128, 255, b'y']].concat().repeat(3000)
        }
        "fragments" => [&frame(0x02)[..], &frame(0x00).repeat(10_000), &frame(0x80)].concat(),
        "pings" => frame(0x89).repeat(10_000),
        "nobody" => b"\x02\x7fx".repeat(20_000),
        other => return Err(io::Error::other(format!("there is no attack {other}"))),
    };
    if matches!(attack.as_str(), "fragments" | "pings") {
        for sender in &mut senders {
            sender.write_all(REQUEST.as_bytes())?;
        }
    }
    for sender in &senders {
        receivers.push(sender.try_clone()?);
    }
    for socket in senders.iter().chain(&receivers) {
        socket.set_nonblocking(true)?;
    }
    std::thread::spawn(move || drain(&mut receivers));
    println!("ready");
    io::stdout().flush()?;
    flood(&mut senders, &stream)
}

/// An empty frame with a mask.
fn frame(head: u8) -> [u8; 6] {
    [head, 0x80, 0, 0, 0, 0]
}

/// Reads all that comes, for ever.
fn drain(receivers: &mut [TcpStream]) {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let mut is_idle = true;
        for receiver in &mut *receivers {
            is_idle &= !matches!(receiver.read(&mut buffer), Ok(1..));
        }
        if is_idle {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Writes a stream again and again on each connection, as fast as it is taken.
fn flood(senders: &mut [TcpStream], stream: &[u8]) -> io::Result<()> {
    let mut places = vec![0; senders.len()];
    loop {
        let mut is_idle = true;
        for (sender, at) in senders.iter_mut().zip(&mut places) {
            match sender.write(&stream[*at..]) {
                Ok(len) => {
                    *at = (*at + len) % stream.len();
                    is_idle = false;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if is_idle {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}
