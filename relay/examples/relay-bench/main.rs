//! Measures a relay side by side with others on this machine, over loopback. `docs/BENCHMARKS.md`
//! has results.
//!
//! ```text
//! cargo run --release -p peote-relay --example relay-bench -- [bulk|fanout|each|throughput|tls|roundtrip|calls|core|idle|fair|game|silent|sizes|storm|drain|cluster[-bulk|-roundtrip|-fanout|-names]]... [--rounds N] [--alone] [--svg FOLDER]
//! ```
//!
//! Without a job the first four are run. Each job is done in turns by the relay and what it is
//! compared with; the figures are medians of all rounds. `nats-server` has to be in the path for
//! the comparison with it. With `--alone` the relay is compared with nobody: for `valgrind` and
//! `perf`. With `--svg` the jobs `sizes` and `game` draw what they have measured, in
//! `FOLDER/relay-sizes.svg` and `FOLDER/relay-game.svg`.

mod calls;
#[cfg(feature = "cluster")]
mod cluster;
mod core;
mod fair;
mod forwarder;
mod game;
mod idle;
mod nats;
mod plot;
mod processor;
mod rigs;
mod silent;
mod sizes;
mod storm;
#[cfg(feature = "tls")]
mod tls;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rigs::Rig;

/// Bytes that a sender writes at once, about.
const WRITE: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut jobs = Vec::new();
    let mut rounds = 5;
    let mut is_alone = false;
    let mut folder = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().unwrap_or_default().parse()?,
            "--alone" => is_alone = true,
            "--svg" => folder = Some(PathBuf::from(arguments.next().ok_or("--svg needs a folder")?)),
            "--attackers" => return Ok(fair::attack(&arguments.collect::<Vec<_>>())?),
            "--relay" => return Ok(storm::relay()?),
            #[cfg(feature = "cluster")]
            "--cluster-relay" => return Ok(cluster::relay(&arguments.next().unwrap_or_default())?),
            "--idle-clients" => return Ok(idle::clients(&arguments.collect::<Vec<_>>())?),
            _ => jobs.push(argument),
        }
    }
    if jobs.is_empty() {
        jobs = ["bulk", "fanout", "throughput", "roundtrip"].map(String::from).to_vec();
    }
    let with_nats = !is_alone && std::process::Command::new("nats-server").arg("--version").output().is_ok();
    if !with_nats && !is_alone {
        println!("no nats-server found: nothing is compared with it");
    }
    let draw = |name: &str, plot: &plot::Plot| match &folder {
        Some(folder) => plot.save(&folder.join(name).with_extension("svg")),
        None => Ok(()),
    };
    for job in jobs {
        match job.as_str() {
            "bulk" => {
                let rigs: &[Make] = &[&rigs::relay_to_server, &|| nats::rig(1)];
                println!("16-byte messages in bulk, one sender, one receiver (messages/s)");
                compare(&rigs[..1 + usize::from(with_nats)], rounds, 5_000_000, 16, 1.0)?;
            }
            "fanout" => {
                let rigs: &[Make] = &[&|| rigs::relay_to_all(10), &|| nats::rig(10)];
                println!("16-byte messages in bulk, one sender, 10 receivers (messages received/s)");
                compare(&rigs[..1 + usize::from(with_nats)], rounds, 1_000_000, 16, 1.0)?;
            }
            "each" => {
                println!("16-byte messages to each of 10 receivers in turns (messages received/s)");
                compare(&[&rigs::relay_to_each], rounds, 1_000_000, 16, 1.0)?;
            }
            "throughput" => {
                let rigs: &[Make] = &[&rigs::relay_to_server, &rigs::forwarder];
                let rigs = if is_alone { &rigs[..1] } else { rigs };
                println!("16-KiB messages in bulk, one sender, one receiver (payload MB/s)");
                compare(rigs, rounds, 200_000, 16_384, 16_384.0 / 1e6)?;
            }
            "roundtrip" => {
                let rigs: &[Make] = &[&rigs::relay_to_server, &rigs::forwarder, &|| nats::rig(1)];
                println!("16 bytes there and back, one at a time (µs, median)");
                roundtrips(&rigs[..2 + usize::from(with_nats)], 16, rounds)?;
            }
            "calls" => calls::run(rounds, with_nats)?,
            "idle" => idle::run()?,
            "storm" => storm::storm()?,
            "drain" => storm::drain()?,
            "core" => core::run(),
            "silent" => silent::run(with_nats)?,
            "sizes" => draw("relay-sizes", &sizes::run(rounds, is_alone, with_nats)?)?,
            "game" => draw("relay-game", &game::run(rounds, with_nats)?)?,
            #[cfg(feature = "tls")]
            "tls" => tls::run(rounds, is_alone)?,
            #[cfg(feature = "cluster")]
            "cluster" => ["bulk", "roundtrip", "fanout", "names"]
                .into_iter()
                .try_for_each(|job| cluster::run(job, rounds, is_alone))?,
            #[cfg(feature = "cluster")]
            "cluster-bulk" | "cluster-roundtrip" | "cluster-fanout" | "cluster-names" => {
                cluster::run(job.trim_start_matches("cluster-"), rounds, is_alone)?;
            }
            "fair" => fair::run(rounds)?,
            other => return Err(format!("there is no job \"{other}\"").into()),
        }
    }
    Ok(())
}

type Make<'a> = &'a dyn Fn() -> io::Result<Rig>;

/// What a job comes to.
struct Figure {
    main: f64,
    /// Processor time of what is in between, in nanoseconds for each message.
    nanos: f64,
}

/// Parts of a round, in which each has its turn: what the machine does besides then meets all of
/// them.
const PARTS: usize = 10;

/// Does a job with each, in turns, and prints the medians of messages a second, processor time of
/// all of it, and how the first compares with the others.
fn compare(rigs: &[Make<'_>], rounds: usize, messages: usize, len: usize, scale: f64) -> io::Result<()> {
    let mut rigs = rigs.iter().map(|make| make()).collect::<io::Result<Vec<_>>>()?;
    let mut results = vec![(Vec::new(), 0.0); rigs.len()];
    let shares: Vec<_> = rigs.iter().map(Rig::shares).collect();
    for _ in 0..PARTS * rounds {
        for (rig, (rates, nanos)) in rigs.iter_mut().zip(&mut results) {
            let figure = bulk(rig, len, messages / PARTS)?;
            rates.push(figure.main * scale);
            *nanos += figure.nanos / (PARTS * rounds) as f64;
        }
    }
    let mut first = None;
    for ((rig, shares), (rates, nanos)) in rigs.iter().zip(&shares).zip(&mut results) {
        rates.sort_by(f64::total_cmp);
        let median = rates[rates.len() / 2];
        let range = format!("{:.1} to {:.1}", rates[0], rates[rates.len() - 1]);
        print!("  {:12} {median:>12.1} ({range:>26}), {nanos:>8.0} ns of processor time each", rig.name);
        match first {
            None => println!(),
            Some((main, first)) => println!("; relay/this {:.2}, {:.2}", main / median, first / *nanos),
        }
        first.get_or_insert((median, *nanos));
        rigs::print_shares(shares, &rig.shares(), (messages * rounds * rig.receivers.len()) as f64);
    }
    Ok(())
}

/// Sends messages as fast as they are taken. Says how many were received a second, by all receivers
/// together.
fn bulk(rig: &mut Rig, len: usize, count: usize) -> io::Result<Figure> {
    let message = (rig.message)(len);
    // as many for all that are compared, whatever their headers
    let per_write = (WRITE / len).max(1);
    let writes = count.div_ceil(per_write);
    let bytes = message.bytes.repeat(per_write);
    let expected = message.received * per_write * writes;
    let (start, before) = (Instant::now(), rig.nanos());
    let (sender, receivers) = (&mut rig.sender, &mut rig.receivers);
    let received = (per_write * writes * receivers.len()) as f64;
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            receivers.iter_mut().map(|receiver| scope.spawn(move || drain(receiver, expected))).collect();
        for _ in 0..writes {
            sender.write_all(&bytes)?;
        }
        for thread in threads {
            thread.join().map_err(|_| io::Error::other("panic"))??;
        }
        Ok::<(), io::Error>(())
    })?;
    let main = received / start.elapsed().as_secs_f64();
    Ok(Figure { main, nanos: (rig.nanos() - before) as f64 / received })
}

/// Receives so many bytes.
fn drain(socket: &mut TcpStream, expected: usize) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    let mut seen = 0;
    while seen < expected {
        match socket.read(&mut buffer)? {
            0 => return Err(io::Error::other(format!("the end after {seen} of {expected} bytes"))),
            len => seen += len,
        }
    }
    Ok(())
}

/// Messages of one batch of [`roundtrips`].
const BATCH: usize = 200;

/// Sends a message, waits for an answer as long, and so on, in small batches with each rig in
/// turns: what the machine does besides, and on which processors it puts whom, then meets all of
/// them. Medians in microseconds.
fn roundtrips(rigs: &[Make<'_>], len: usize, rounds: usize) -> io::Result<()> {
    let mut rigs = rigs.iter().map(|make| make()).collect::<io::Result<Vec<_>>>()?;
    let mut times = vec![Vec::new(); rigs.len()];
    let mut nanos = vec![0; rigs.len()];
    let shares: Vec<_> = rigs.iter().map(Rig::shares).collect();
    for _ in 0..40 * rounds {
        for (number, rig) in rigs.iter_mut().enumerate() {
            let before = rig.nanos();
            times[number].extend(roundtrip(rig, len)?);
            nanos[number] += rig.nanos() - before;
        }
    }
    let mut first = None;
    for (((rig, times), nanos), shares) in rigs.iter().zip(&mut times).zip(&nanos).zip(&shares) {
        times.sort();
        let micros = |at: usize| times.get(at).map_or(0.0, Duration::as_secs_f64) * 1e6;
        let (median, worst) = (micros(times.len() / 2), micros(times.len() * 99 / 100));
        let nanos = *nanos as f64 / (2 * times.len()) as f64;
        print!("  {:12} {median:>12.1} (99 %: {worst:.1}), {nanos:>8.0} ns of processor time each", rig.name);
        match first {
            None => println!(),
            Some((main, first)) => println!("; relay/this {:.2}, {:.2}", main / median, first / nanos),
        }
        first.get_or_insert((median, nanos));
        rigs::print_shares(shares, &rig.shares(), (2 * times.len()) as f64);
    }
    Ok(())
}

/// One batch.
fn roundtrip(rig: &mut Rig, len: usize) -> io::Result<Vec<Duration>> {
    let (message, answer) = ((rig.message)(len), (rig.answer)(len));
    let Some(receiver) = rig.receivers.first_mut() else { return Ok(Vec::new()) };
    let mut times = Vec::with_capacity(BATCH);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut buffer = vec![0; message.received];
            for _ in 0..BATCH {
                if receiver.read_exact(&mut buffer).and_then(|()| receiver.write_all(&answer.bytes)).is_err()
                {
                    return;
                }
            }
        });
        let mut buffer = vec![0; answer.received];
        for _ in 0..BATCH {
            let start = Instant::now();
            rig.sender.write_all(&message.bytes)?;
            rig.sender.read_exact(&mut buffer)?;
            times.push(start.elapsed());
        }
        Ok::<(), io::Error>(())
    })?;
    Ok(times)
}
