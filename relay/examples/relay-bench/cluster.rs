//! Two relays that are one, on a NATS server of their own, beside clients of the same server and
//! beside one relay.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use peote_net::protocol::to_relay;
use peote_relay::Relay;

use crate::rigs::{ANNOUNCEMENT, Between, Programs, Rig, Share, config, connect, expect, unit};
use crate::{Make, compare, nats, processor, rigs, roundtrips};

/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Answers to commands that were carried out, or not.
const ANSWER: usize = 5;

/// A NATS server with `JetStream`, gone with all that it keeps.
struct Server {
    child: Child,
    address: SocketAddr,
    monitor: SocketAddr,
    folder: PathBuf,
}

fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

impl Server {
    fn start() -> io::Result<Rc<Self>> {
        let (address, monitor) = (free_port()?, free_port()?);
        let folder = std::env::temp_dir().join(format!("relay-bench-nats-{}", address.port()));
        let child = Command::new("nats-server")
            .args(["-a", "127.0.0.1", "-p", &address.port().to_string()])
            .args(["-m", &monitor.port().to_string(), "-js", "-sd"])
            .arg(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() || TcpStream::connect(monitor).is_err() {
            if begin.elapsed() > PATIENCE {
                return Err(io::Error::other("nats-server does not listen"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Rc::new(Self { child, address, monitor, folder }))
    }

    /// Messages and bytes that it has received so far.
    fn received(&self) -> io::Result<(u64, u64)> {
        let mut socket = TcpStream::connect(self.monitor)?;
        socket.write_all(b"GET /varz HTTP/1.0\r\n\r\n")?;
        let mut page = String::new();
        socket.read_to_string(&mut page)?;
        let number = |name: &str| {
            let (_, behind) = page.split_once(&format!("\"{name}\": "))?;
            behind.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        number("in_msgs").zip(number("in_bytes")).ok_or_else(|| io::Error::other("no figures of nats-server"))
    }
}

impl Programs for Rc<Server> {
    fn nanos(&self) -> u64 {
        processor::of_process(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A relay in a process of its own.
pub(crate) struct Program {
    child: Child,
    address: SocketAddr,
}

/// What `--cluster-relay` does: a relay of the cluster on that NATS server, until the input ends.
pub(crate) fn relay(server: &str) -> io::Result<()> {
    let mut config = config()?;
    (config.cluster, config.cluster_name) = (vec![format!("nats://{server}")], "bench".into());
    let mut relay = Relay::bind(config)?;
    println!("{}", relay.local_addrs()[0]);
    let handle = relay.handle();
    std::thread::spawn(move || {
        let _ = io::stdin().read_line(&mut String::new());
        handle.stop();
    });
    relay.run().map(|_| ())
}

impl Program {
    fn start(server: &Server) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--cluster-relay", &server.address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().map_err(io::Error::other)?;
        let program = Self { child, address };
        // part of the cluster when it can create
        let mut socket = connect(program.address)?;
        until_done(&mut socket, &[b"\0\0\x01\x03w".as_slice(), &address.port().to_le_bytes()].concat())?;
        Ok(program)
    }

    /// Stops it. Returns how long that took.
    fn stop(mut self) -> io::Result<Duration> {
        let begin = Instant::now();
        drop(self.child.stdin.take());
        self.child.wait()?;
        Ok(begin.elapsed())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gives a command, the first one of a connection, again until it is carried out.
fn until_done(socket: &mut TcpStream, command: &[u8]) -> io::Result<()> {
    let begin = Instant::now();
    socket.write_all(command)?;
    expect(socket, ANNOUNCEMENT)?;
    loop {
        let mut answer = [0; ANSWER];
        socket.read_exact(&mut answer)?;
        if answer[3] == 0 {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            return Err(io::Error::other(format!("a command is refused: {answer:?}")));
        }
        std::thread::sleep(Duration::from_millis(10));
        socket.write_all(command)?;
    }
}

/// Two relays and their NATS server, between a sender and receivers.
struct Pair {
    relays: [Program; 2],
    server: Rc<Server>,
}

impl Pair {
    fn start(server: &Rc<Server>) -> io::Result<Self> {
        Ok(Self { relays: [Program::start(server)?, Program::start(server)?], server: server.clone() })
    }

    /// A channel at the first relay with users at both, in turns from `first` on.
    fn channel(&self, name: u8, users: usize, first: usize) -> io::Result<(TcpStream, Vec<TcpStream>)> {
        let mut server = connect(self.relays[0].address)?;
        until_done(&mut server, &[0, 0, 1, 1, name])?;
        let mut all = Vec::new();
        for number in first..first + users {
            let mut user = connect(self.relays[number % 2].address)?;
            until_done(&mut user, &[0, 1, 1, 1, name])?;
            expect(&mut server, 6)?;
            all.push(user);
        }
        Ok((server, all))
    }
}

impl Programs for Pair {
    fn nanos(&self) -> u64 {
        self.shares().iter().map(|share| share.nanos).sum()
    }

    fn shares(&self) -> Vec<Share> {
        let [of_server, of_user] = [&self.relays[0], &self.relays[1]].map(|relay| relay.child.id());
        let programs = [
            ("relay of users", of_user),
            ("nats-server", self.server.child.id()),
            ("relay of server", of_server),
        ];
        let share = |(name, id)| Share {
            name,
            nanos: processor::of_process(id),
            waits: processor::waits_of_process(id),
        };
        programs.into_iter().map(share).collect()
    }
}

fn to_server(server: &Rc<Server>) -> io::Result<Rig> {
    let pair = Pair::start(server)?;
    let (receiver, mut users) = pair.channel(b'a', 1, 1)?;
    let sender = users.pop().ok_or(io::ErrorKind::NotFound)?;
    let between = Between::Programs(Box::new(pair));
    Ok(Rig { name: "two relays", sender, receivers: vec![receiver], between, ..rigs::relay_to_server()? })
}

fn to_all(server: &Rc<Server>, users: usize) -> io::Result<Rig> {
    let pair = Pair::start(server)?;
    let (sender, receivers) = pair.channel(b'a', users, 0)?;
    Ok(Rig {
        name: "two relays",
        sender,
        receivers,
        message: |len| unit(to_relay::broadcast(0, None, len), len, len + if len < 127 { 2 } else { 3 }),
        answer: |len| unit(to_relay::data_from_user(0, len), len, len + if len < 126 { 3 } else { 4 }),
        between: Between::Programs(Box::new(pair)),
    })
}

/// Two clients through the same server.
fn clients(server: &Rc<Server>) -> io::Result<Rig> {
    let (sender, receiver) = (nats::connect(server.address, &["b"])?, nats::connect(server.address, &["a"])?);
    let between = Between::Programs(Box::new(server.clone()));
    Ok(Rig { name: "nats-server", sender, receivers: vec![receiver], between, ..nats::rig(1)? })
}

/// Measures one of the things that are measured of a cluster.
pub(crate) fn run(job: &str, rounds: usize, is_alone: bool) -> io::Result<()> {
    let server = Server::start()?;
    let two = || to_server(&server);
    let clients = || clients(&server);
    match job {
        "bulk" => {
            println!(
                "16-byte messages in bulk, from a user of one relay to a server at another one (messages/s)"
            );
            let rigs: &[Make<'_>] = &[&two, &clients, &rigs::relay_to_server];
            compare(if is_alone { &rigs[..1] } else { rigs }, rounds, 1_000_000, 16, 1.0)
        }
        "roundtrip" => {
            println!("16 bytes there and back, one at a time (µs, median)");
            let rigs: &[Make<'_>] = &[&two, &rigs::relay_to_server, &clients];
            roundtrips(if is_alone { &rigs[..1] } else { rigs }, 16, rounds)
        }
        "fanout" => {
            println!("16-byte broadcasts to 100 users, half of them at each relay (messages received/s)");
            let rigs: &[Make<'_>] = &[&|| to_all(&server, 100), &|| rigs::relay_to_all(100)];
            compare(if is_alone { &rigs[..1] } else { rigs }, rounds, 50_000, 16, 1.0)
        }
        _ => names(&server),
    }
}

/// Connections that create and enter, and channels of each: as many as one relay may have in all.
const CONNECTIONS: usize = 128;
const EACH: usize = 128;

fn commands(code: u8, connection: usize) -> Vec<u8> {
    let name = |channel: usize| [b'n', connection.to_le_bytes()[0], channel.to_le_bytes()[0]];
    let command = |channel: usize| [&[0, code, channel.to_le_bytes()[0] + 1, 3][..], &name(channel)].concat();
    (0..EACH).flat_map(command).collect()
}

/// Each connection, which is new, gives all its commands at once. Returns how long it takes until
/// all are carried out.
fn all(sockets: &mut [TcpStream], code: u8) -> io::Result<Duration> {
    let begin = Instant::now();
    for (number, socket) in sockets.iter_mut().enumerate() {
        socket.write_all(&commands(code, number))?;
    }
    for socket in sockets {
        socket.set_read_timeout(Some(PATIENCE))?;
        expect(socket, ANNOUNCEMENT)?;
        let mut answers = vec![0; EACH * ANSWER];
        socket.read_exact(&mut answers)?;
        if let Some(refused) = answers.chunks(ANSWER).find(|answer| answer[3] != 0) {
            return Err(io::Error::other(format!("a command is refused: {refused:?}")));
        }
    }
    Ok(begin.elapsed())
}

fn connections(relay: &Program) -> io::Result<Vec<TcpStream>> {
    (0..CONNECTIONS).map(|_| connect(relay.address)).collect()
}

/// Creating, entering, and what a relay with very many channels costs when it stops and comes back.
fn names(server: &Rc<Server>) -> io::Result<()> {
    let (first, second) = (Program::start(server)?, Program::start(server)?);
    let count = (CONNECTIONS * EACH) as f64;
    let mut owners = connections(&first)?;
    let (create, enter) = (all(&mut owners, 0)?, all(&mut connections(&second)?, 1)?);
    println!(
        "{count} channels created by {CONNECTIONS} connections at one relay, and entered at another one (channels/s)"
    );
    println!("  created {:>8.0}, entered {:>8.0}", count / create.as_secs_f64(), count / enter.as_secs_f64());
    println!("that relay stops, starts again, and has all its channels again");
    let (before, nanos) = (server.received()?, server.nanos());
    let stopped = first.stop()?;
    drop(owners);
    let at_stop = server.received()?;
    let again = Instant::now();
    let first = Program::start(server)?;
    all(&mut connections(&first)?, 0)?;
    let (again, after) = (again.elapsed(), server.received()?);
    let seconds = |duration: Duration| duration.as_secs_f64();
    println!(
        "  stops in {:.2} s with {} messages ({} bytes) to the directory; is there again after {:.2} s with {} messages ({} bytes); {:.2} s of processor time of nats-server",
        seconds(stopped),
        at_stop.0 - before.0,
        at_stop.1 - before.1,
        seconds(again),
        after.0 - at_stop.0,
        after.1 - at_stop.1,
        seconds(Duration::from_nanos(server.nanos() - nanos)),
    );
    Ok(())
}
