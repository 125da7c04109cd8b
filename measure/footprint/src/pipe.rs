//! Between QEMU, which starts this program for a connection of the board, and the peer in another
//! process.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::Result;

/// Copies both ways until the peer ends the connection.
pub(crate) fn run(address: &str) -> Result {
    let mut from_peer = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
    let mut to_peer = from_peer.try_clone().map_err(|error| error.to_string())?;
    std::thread::spawn(move || {
        copy(&mut std::io::stdin(), &mut to_peer);
        // the board has ended its half; the peer may be gone already
        let _ = to_peer.shutdown(Shutdown::Write);
    });
    copy(&mut from_peer, &mut std::io::stdout());
    Ok(())
}

/// Until the end, or until either side is gone.
fn copy(from: &mut impl Read, to: &mut impl Write) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let written =
            buffer.get(..count).is_some_and(|bytes| to.write_all(bytes).and_then(|()| to.flush()).is_ok());
        if !written {
            return;
        }
    }
}
