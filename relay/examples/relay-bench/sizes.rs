//! Messages of several lengths in bulk, as a line over the length for each that is compared.

use std::io;

use crate::plot::{Line, Plot};
use crate::{bulk, nats, rigs};

/// Bytes of a message.
const LENGTHS: [usize; 6] = [16, 64, 256, 1024, 4096, 16_384];

/// Bytes that are sent for each length in each round, at most; and messages.
const BYTES: usize = 256 << 20;
const MESSAGES: usize = 1_000_000;

/// Measures all in turns, and prints the processor time of what is in between for each message.
pub(crate) fn run(rounds: usize, is_alone: bool, with_nats: bool) -> io::Result<Plot> {
    println!("messages in bulk, one sender, one receiver: bytes of a message, ns of processor time each");
    let mut rigs = vec![rigs::relay_to_server()?];
    if !is_alone {
        rigs.push(rigs::forwarder()?);
    }
    if with_nats {
        rigs.push(nats::rig(1)?);
    }
    let mut lines: Vec<Line> = Vec::new();
    lines.extend(rigs.iter().map(|rig| Line { name: rig.name.into(), points: Vec::new() }));
    for len in LENGTHS {
        let mut all = vec![Vec::new(); rigs.len()];
        for _ in 0..rounds.max(1) {
            for (rig, nanos) in rigs.iter_mut().zip(&mut all) {
                nanos.push(bulk(rig, len, MESSAGES.min(BYTES / len))?.nanos);
            }
        }
        print!("  {len:>6}");
        for (line, mut nanos) in lines.iter_mut().zip(all) {
            nanos.sort_by(f64::total_cmp);
            let median = nanos[nanos.len() / 2];
            line.points.push((len as f64, median));
            print!("  {} {median:>8.0}", line.name);
        }
        println!();
    }
    Ok(Plot {
        title: "Processor time for each message, by its size",
        x: "bytes of a message",
        y: "nanoseconds",
        lines,
    })
}
