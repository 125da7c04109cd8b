//! Users that flood and lie: the firmware says so, and serves the others.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::PATIENCE;
use crate::image::Board;
use crate::machine::{Machine, Network};
use crate::peer::{Peer, exercise};
use crate::relay_thread::RelayThread;

/// Enters `firmware/echo` on a bare socket. The channel gets number 0, the first one of the
/// connection.
fn enter(relay: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(relay).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // PROTOCOL.md, commands: 0, enter, tag, length, name
    stream.write_all(b"\x00\x01\x01\x0dfirmware/echo").unwrap();
    let mut answer = [0; 5];
    loop {
        stream.read_exact(&mut answer[..2]).unwrap();
        let length = usize::from(answer[1]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).unwrap();
        if payload == [1, 0, 0] {
            return stream;
        }
        assert_eq!(payload[0], 0, "an event, or the answer that channel 0 is entered");
    }
}

#[test]
fn liars_are_reported_and_the_others_served() {
    let board = Board::Lm3s6965evb;
    let relay = RelayThread::start();
    let mut machine = Machine::start(board, &Network::User, &["server", &relay.argument()]);
    machine.wait_for("channel firmware/echo is open");
    let (mut honest, channel) = Peer::user(relay.address(), "firmware/echo", board.chunk());
    exercise(&mut honest, channel, 0, 10, board.chunk());

    // PROTOCOL.md, data from a user: size, channel, bytes. First a length that is coded with a byte
    // too many,
    let mut overlong = enter(relay.address());
    overlong.write_all(&[3, 0, 0x80, 0x00]).unwrap();
    machine.wait_for("malicious user 1 in firmware/echo: OverlongLength");
    // then one above the channel's greatest: 2001, of which 2000 is coded, 0x0f * 128 + 0x50.
    let mut too_long = enter(relay.address());
    too_long.write_all(&[3, 0, 0x80 | 0x50, 0x0f]).unwrap();
    machine.wait_for("malicious user 2 in firmware/echo: ChunkTooLarge { len: 2001, max: 1024 }");

    // Both go on with a flood of 2 MB of what is no chunk, while the honest user is served.
    let mut unit = vec![0x80 | 3, 0xe9, 0];
    unit.resize(2 + 1001, 0xff);
    let floods = [overlong, too_long].map(|mut stream| {
        let unit = unit.clone();
        std::thread::spawn(move || (0..1000).for_each(|_| stream.write_all(&unit).unwrap()))
    });
    exercise(&mut honest, channel, 1, 300, board.chunk());
    for flood in floods {
        flood.join().unwrap();
    }
    machine.wait_for("user 1 out of firmware/echo");
    exercise(&mut honest, channel, 2, 100, board.chunk());
    let log = machine.log();
    assert_eq!(log.matches("malicious user").count(), 2, "each is reported once:\n{log}");
    assert!(!log.contains("STDERR panicked"), "{log}");
}

#[test]
fn a_flood_whose_echo_is_not_read_blocks_until_its_author_is_gone() {
    let board = Board::Lm3s6965evb;
    let relay = RelayThread::start();
    let mut machine = Machine::start(board, &Network::User, &["server", &relay.argument()]);
    machine.wait_for("channel firmware/echo is open");
    let (mut honest, channel) = Peer::user(relay.address(), "firmware/echo", board.chunk());

    // Chunks of 1000 bytes (coded as 999, 7 * 128 + 0x67), whose echoes nobody reads.
    let flood = enter(relay.address());
    let mut unit = vec![0x80 | 3, 0xeb, 0, 0x80 | 0x67, 0x07];
    unit.resize(unit.len() + 1000, 7);
    let mut stream = flood.try_clone().unwrap();
    let author = std::thread::spawn(move || while stream.write_all(&unit).is_ok() {});
    machine.wait_for("would block: 1000 bytes from user 1");
    flood.shutdown(Shutdown::Both).unwrap();
    author.join().unwrap();
    drop(flood);
    machine.wait_for("user 1 out of firmware/echo: ConnectionLost");
    exercise(&mut honest, channel, 0, 100, board.chunk());
}
