//! A link over a driver that is often busy: what waits leaves without further calls, and the end is
//! heard of.

use crate::devices::{Hasty, SerialPort};
use embedded_io::{ErrorKind, Read as _, ReadReady as _, Write as _};
use peote_net::link::{Channel, Error, Event, Link, Mode, link_buffers};
use peote_net::time::Instant;
use peote_net_buffered::{Buffered, BufferedError, Serial, SerialError};
use peote_net_testkit::memory;

type Memory = link_buffers!(chunk: 64, parties: 1, own_channels: 0, transmit: 320, receive: 64);

/// The answer to the command to enter a channel: it is entered as number 0. Then 7 bytes from its
/// server: the channel, and the chunk "hello", whose length is coded as 4 (PROTOCOL.md).
const fn answer(tag: u8) -> [u8; 13] {
    [0, 3, tag, 0, 0, 7, 0, 4, b'h', b'e', b'l', b'l', b'o']
}

#[test]
fn what_waits_leaves_with_the_polls() {
    let (near, mut far) = memory::pair(300);
    let mut line = Buffered::<_, 16, 16>::new(Hasty::new(near));
    let mut link = Link::<Memory>::new();
    link.out().enter("a", Mode::chunks(64)).unwrap();
    let mut sent = Vec::new();
    let mut heard = false;
    let mut is_answered = false;
    for _ in 0..1000 {
        link.poll(&mut line, Instant::ZERO, |event, out| match event {
            Event::Opened { channel: Channel::Entered(channel) } => out.send(channel, &[0xAA; 60]),
            Event::Chunk { from, bytes } => {
                heard = true;
                out.send(from, bytes)
            }
            other => other.ok(),
        })
        .unwrap();
        while far.read_ready().unwrap() {
            let mut buffer = [0; 64];
            let count = far.read(&mut buffer).unwrap();
            sent.extend_from_slice(&buffer[..count]);
        }
        if let [0, 1, tag, ..] = *sent
            && !core::mem::replace(&mut is_answered, true)
        {
            far.write(&answer(tag)).unwrap();
        }
    }
    assert!(heard);
    assert!(!line.has_unsent(), "{} bytes wait at the far end", sent.len());
    assert!(sent.ends_with(b"hello"), "{sent:?}");
    assert_eq!(sent.iter().filter(|byte| **byte == 0xAA).count(), 60);

    far.close();
    let lost = (0..10).find_map(|_| link.poll(&mut line, Instant::ZERO, |_, _| ()).err());
    assert_eq!(lost, Some(Error::Closed));
}

#[test]
fn unsent_bytes_are_said() {
    let (near, mut far) = memory::pair(10);
    let mut line = Buffered::<_, 16, 16>::new(Serial(SerialPort::new(near)));
    assert!(!line.has_unsent());
    assert_eq!(line.write(&[1; 20]), Ok(16));
    assert!(line.has_unsent());
    assert_eq!(line.write(&[1; 20]), Ok(10), "what the driver has taken made room");
    assert_eq!(line.write(&[1; 20]), Err(BufferedError::NotReady));
    assert_eq!(far.read(&mut [0; 10]), Ok(10));
    line.flush().unwrap();
    assert!(line.has_unsent());
    assert_eq!(far.read(&mut [0; 10]), Ok(10));
    line.flush().unwrap();
    assert!(!line.has_unsent());
    assert_eq!(line.read(&mut [0; 4]), Err(BufferedError::NotReady));
}

#[test]
fn damage_on_a_serial_line_is_an_error_behind_what_came_before() {
    let (near, mut far) = memory::pair(100);
    let mut line = Buffered::<_, 16, 16>::new(Serial(SerialPort::new(near)));
    far.write(b"abc").unwrap();
    assert_eq!(line.read_ready(), Ok(true));
    far.reset();
    let mut buffer = [0; 16];
    assert_eq!(line.read(&mut buffer), Ok(3));
    assert_eq!(line.read_ready(), Ok(true));
    assert_eq!(line.read(&mut buffer), Err(BufferedError::Driver(SerialError::Damaged)));
    let kind = embedded_io::Error::kind(&BufferedError::Driver(SerialError::Damaged));
    assert_eq!(kind, ErrorKind::InvalidData);
}
