//! What TLS costs relay and endpoints: the same messages over a port with it and over one without,
//! in turns.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use embedded_io::{Read, Write};
use peote_net::protocol::to_relay;
use peote_net_std::{TcpTransport, TlsOptions};
use peote_relay::Handle;

use crate::processor::{self, Thread};
use crate::rigs::{self, ANNOUNCEMENT};

/// Parts of a round, in turns.
const PARTS: usize = 10;

/// Bytes that an endpoint reads at once, at most.
const READ: usize = 64 * 1024;

/// A user that sends to the server of its channel, through a relay.
struct Rig {
    name: &'static str,
    sender: TcpTransport,
    receiver: TcpTransport,
    handle: Handle,
    thread: Thread,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

/// Sends 16-KiB and 16-byte messages, and prints bytes a second and processor time of the relay,
/// and how both with TLS are to those without.
pub(crate) fn run(rounds: usize, is_alone: bool) -> io::Result<()> {
    let directory = std::env::temp_dir().join(format!("relay-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let result = run_in(&directory, rounds, is_alone);
    std::fs::remove_dir_all(&directory)?;
    result
}

fn run_in(directory: &std::path::Path, rounds: usize, is_alone: bool) -> io::Result<()> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).map_err(io::Error::other)?;
    let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    let options = TlsOptions::with_roots(made.cert.pem().as_bytes()).map_err(io::Error::other)?;

    let mut rigs = Vec::new();
    if !is_alone {
        let (address, handle, thread) = rigs::start_relay(rigs::config()?)?;
        rigs.push(rig("plain", handle, thread, || connect(address))?);
    }
    let mut config = rigs::config()?;
    config.listen_tls = std::mem::take(&mut config.listen);
    (config.tls_certificate, config.tls_key) = (Some(certificate), Some(key));
    let (address, handle, thread) = rigs::start_relay(config)?;
    rigs.push(rig("tls", handle, thread, || {
        let transport = connect(address)?.with_tls("localhost", &options);
        transport.map_err(io::Error::other)
    })?);

    for (len, count) in [(16_384, 20_000), (16, 2_000_000)] {
        println!("{len}-byte messages in bulk, without TLS and with it");
        let mut results = vec![Figures::default(); rigs.len()];
        for _ in 0..PARTS * rounds {
            for (rig, sums) in rigs.iter_mut().zip(&mut results) {
                sums.add(&bulk(rig, len, count / PARTS)?);
            }
        }
        for (rig, sums) in rigs.iter().zip(&results) {
            let [seconds, relay, sender, receiver] = sums.0.map(|sum| sum / sums.1);
            println!(
                "  {:8} {:>8.1} MB/s; processor time each: relay {relay:>6.0} ns, \
                 sender {sender:>6.0} ns, receiver {receiver:>6.0} ns",
                rig.name,
                len as f64 / seconds / 1e6,
            );
        }
        if let [plain, tls] = &results[..] {
            let [rate, relay, sender, receiver] = std::array::from_fn(|i| plain.0[i] / tls.0[i]);
            println!(
                "  with/without {rate:.2} by bytes a second; without/with by processor time: \
                 relay {relay:.2}, sender {sender:.2}, receiver {receiver:.2}"
            );
        }
    }
    Ok(())
}

/// Seconds, and nanoseconds of the relay's thread, the sender's and the receiver's, for so many
/// messages.
#[derive(Clone, Debug, Default)]
struct Figures([f64; 4], f64);

impl Figures {
    fn add(&mut self, more: &Self) {
        self.0.iter_mut().zip(more.0).for_each(|(sum, more)| *sum += more);
        self.1 += more.1;
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpTransport> {
    TcpTransport::new(rigs::connect(address)?).map_err(io::Error::other)
}

fn read_exact(transport: &mut TcpTransport, len: usize) -> io::Result<()> {
    transport.read_exact(&mut vec![0; len]).map_err(io::Error::other)
}

fn write_all(transport: &mut TcpTransport, bytes: &[u8]) -> io::Result<()> {
    transport.write_all(bytes).and_then(|()| transport.flush()).map_err(io::Error::other)
}

fn rig(
    name: &'static str,
    handle: Handle,
    thread: Thread,
    connect: impl Fn() -> io::Result<TcpTransport>,
) -> io::Result<Rig> {
    let (mut receiver, mut sender) = (connect()?, connect()?);
    write_all(&mut receiver, b"\0\0\x01\x01a")?;
    read_exact(&mut receiver, ANNOUNCEMENT + 5)?;
    write_all(&mut sender, b"\0\x01\x01\x01a")?;
    read_exact(&mut sender, ANNOUNCEMENT + 5)?;
    read_exact(&mut receiver, 6)?;
    Ok(Rig { name, sender, receiver, handle, thread })
}

/// Sends so many messages.
fn bulk(rig: &mut Rig, len: usize, count: usize) -> io::Result<Figures> {
    let unit = rigs::unit(to_relay::data_from_user(0, len), len, len + if len < 126 { 3 } else { 4 });
    let per_write = (crate::WRITE / len).max(1);
    let writes = count.div_ceil(per_write);
    let bytes = unit.bytes.repeat(per_write);
    let expected = unit.received * per_write * writes;
    let (start, relay, own) = (Instant::now(), rig.thread.nanos(), processor::own());
    let Rig { sender, receiver, .. } = rig;
    let of_receiver = std::thread::scope(|scope| {
        let thread = scope.spawn(move || receive(receiver, expected));
        for _ in 0..writes {
            sender.write_all(&bytes).map_err(io::Error::other)?;
        }
        sender.flush().map_err(io::Error::other)?;
        thread.join().map_err(|_| io::Error::other("panic"))?
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let (relay, own) = (rig.thread.nanos() - relay, processor::own() - own);
    Ok(Figures([seconds, relay as f64, own as f64, of_receiver as f64], (per_write * writes) as f64))
}

/// Reads so many bytes. Returns nanoseconds of processor time that took.
fn receive(receiver: &mut TcpTransport, expected: usize) -> io::Result<u64> {
    let (mut buffer, mut seen) = (vec![0; READ], 0);
    let before = processor::own();
    while seen < expected {
        match receiver.read(&mut buffer).map_err(io::Error::other)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => seen += more,
        }
    }
    Ok(processor::own() - before)
}
