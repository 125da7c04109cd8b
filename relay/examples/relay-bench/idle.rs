//! What idle connections cost.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::rigs::{config, start_relay};

const CONNECTIONS: usize = 10_000;

/// Memory of this process that is really there, in bytes.
fn resident() -> io::Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kilobytes
        .map(|kilobytes| kilobytes * 1024)
        .ok_or_else(|| io::Error::other("no VmRSS in /proc/self/status"))
}

/// A relay in this process and its endpoints in another.
pub(crate) fn run() -> io::Result<()> {
    let (address, handle, _) = start_relay(config()?)?;
    // one connection that does everything once, so that what is there anyway is there
    let mut first = TcpStream::connect(address)?;
    first.write_all(b"\0\0\x01\x01a")?;
    first.read_exact(&mut [0; 5])?;
    let before = resident()?;
    let mut clients = Command::new(std::env::current_exe()?)
        .args(["--idle-clients", &address.to_string(), &CONNECTIONS.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let Some(out) = &mut clients.stdout else { return Err(io::Error::other("no pipe")) };
    let mut line = [0; 6];
    out.read_exact(&mut line)?;
    let after = resident()?;
    println!(
        "{CONNECTIONS} idle connections: {} bytes of resident memory each",
        after.saturating_sub(before) / CONNECTIONS
    );
    drop(clients.stdin.take());
    clients.wait()?;
    handle.stop();
    Ok(())
}

/// The other process: opens connections that have said one thing, and holds them until its input
/// ends.
pub(crate) fn clients(arguments: &[String]) -> io::Result<()> {
    let [address, count] = arguments else { return Err(io::Error::other("address and count are missing")) };
    let mut connections = Vec::new();
    for _ in 0..count.parse::<usize>().map_err(io::Error::other)? {
        let mut connection = TcpStream::connect(address)?;
        // a name that is not there: refused, and everything on the way was used once
        connection.write_all(b"\0\x01\x01\x01z")?;
        connection.read_exact(&mut [0; 5])?;
        connections.push(connection);
    }
    println!("ready");
    io::stdin().read_exact(&mut [0]).ok();
    Ok(())
}
