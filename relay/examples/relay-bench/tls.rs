//! What TLS costs the relay: the same messages over a port with it and over one without, in turns.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use peote_net::protocol::to_relay;
use peote_relay::Handle;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::processor::Thread;
use crate::rigs::{self, ANNOUNCEMENT};

/// Parts of a round, in turns.
const PARTS: usize = 10;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A user that sends to the server of its channel, through a relay.
struct Rig {
    name: &'static str,
    sender: Box<dyn Stream>,
    receiver: Box<dyn Stream>,
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
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(made.cert.der().to_vec())).map_err(io::Error::other)?;
    let client = Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());

    let mut rigs = Vec::new();
    if !is_alone {
        let (address, handle, thread) = rigs::start_relay(rigs::config()?)?;
        rigs.push(rig("plain", handle, thread, || plain(address))?);
    }
    let mut config = rigs::config()?;
    config.listen_tls = std::mem::take(&mut config.listen);
    (config.tls_certificate, config.tls_key) = (Some(certificate), Some(key));
    let (address, handle, thread) = rigs::start_relay(config)?;
    rigs.push(rig("tls", handle, thread, || with_tls(address, &client))?);

    for (len, count) in [(16_384, 20_000), (16, 2_000_000)] {
        println!("{len}-byte messages in bulk, without TLS and with it (payload MB/s)");
        let mut results = vec![(0.0, 0.0); rigs.len()];
        for _ in 0..PARTS * rounds {
            for (rig, (rate, nanos)) in rigs.iter_mut().zip(&mut results) {
                let (seconds, used) = bulk(rig, len, count / PARTS)?;
                *rate += (len * count / PARTS) as f64 / seconds / 1e6 / (PARTS * rounds) as f64;
                *nanos += used / (PARTS * rounds) as f64;
            }
        }
        for (rig, (rate, nanos)) in rigs.iter().zip(&results) {
            println!("  {:8} {rate:>8.1}, {nanos:>8.0} ns of processor time each", rig.name);
        }
        if let [(plain_rate, plain), (tls_rate, tls)] = results[..] {
            println!("  tls/plain {:.2}, by processor time {:.2}", tls_rate / plain_rate, plain / tls);
        }
    }
    Ok(())
}

fn plain(address: SocketAddr) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(rigs::connect(address)?))
}

fn with_tls(address: SocketAddr, client: &Arc<ClientConfig>) -> io::Result<Box<dyn Stream>> {
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::clone(client), name).map_err(io::Error::other)?;
    let mut stream: StreamOwned<ClientConnection, TcpStream> =
        StreamOwned::new(connection, rigs::connect(address)?);
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(Box::new(stream))
}

fn rig(
    name: &'static str,
    handle: Handle,
    thread: Thread,
    connect: impl Fn() -> io::Result<Box<dyn Stream>>,
) -> io::Result<Rig> {
    let (mut receiver, mut sender) = (connect()?, connect()?);
    let expect = |stream: &mut Box<dyn Stream>, len: usize| stream.read_exact(&mut vec![0; len]);
    receiver.write_all(b"\0\0\x01\x01a")?;
    receiver.flush()?;
    expect(&mut receiver, ANNOUNCEMENT + 5)?;
    sender.write_all(b"\0\x01\x01\x01a")?;
    sender.flush()?;
    expect(&mut sender, ANNOUNCEMENT + 5)?;
    expect(&mut receiver, 6)?;
    Ok(Rig { name, sender, receiver, handle, thread })
}

/// Sends so many messages. Returns the seconds that took, and nanoseconds of the relay's for each.
fn bulk(rig: &mut Rig, len: usize, count: usize) -> io::Result<(f64, f64)> {
    let unit = rigs::unit(to_relay::data_from_user(0, len), len, len + if len < 126 { 3 } else { 4 });
    let per_write = (crate::WRITE / len).max(1);
    let writes = count.div_ceil(per_write);
    let bytes = unit.bytes.repeat(per_write);
    let expected = unit.received * per_write * writes;
    let (start, before) = (Instant::now(), rig.thread.nanos());
    let Rig { sender, receiver, .. } = rig;
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            let (mut buffer, mut seen) = (vec![0; 256 * 1024], 0);
            while seen < expected {
                match receiver.read(&mut buffer)? {
                    0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                    more => seen += more,
                }
            }
            Ok(())
        });
        for _ in 0..writes {
            sender.write_all(&bytes)?;
        }
        sender.flush()?;
        thread.join().map_err(|_| io::Error::other("panic"))?
    })?;
    let used = (rig.thread.nanos() - before) as f64;
    Ok((start.elapsed().as_secs_f64(), used / (per_write * writes) as f64))
}
