//! A link against a scripted transport.

use std::collections::VecDeque;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::link::{Error, Event, Link, LinkBuffers, Mode, Source};
use peote_net::time::Instant;

/// What the relay says comes from `incoming`, what the link says lands in `outgoing`.
#[derive(Default)]
struct Script {
    incoming: VecDeque<u8>,
    outgoing: Vec<u8>,
    closed: bool,
}

impl ErrorType for Script {
    type Error = ErrorKind;
}
impl ReadReady for Script {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.closed || !self.incoming.is_empty())
    }
}
impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        Ok(std::io::Read::read(&mut self.incoming, buf).unwrap())
    }
}
impl WriteReady for Script {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(true)
    }
}
impl Write for Script {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.outgoing.extend_from_slice(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

#[test]
fn serves_a_channel_and_echoes_chunks() {
    let mut link = Link::<LinkBuffers<1024, 4, 1, 2048, 64>>::new();
    let mut script = Script::default();
    let channel = link.out().create("chunks", Mode::default()).err();
    assert!(channel.is_some(), "32 KiB chunks do not fit a link of 1 KiB chunks");
    let channel = link.out().create("chunks", Mode::chunks(1024)).unwrap();
    script.incoming.extend([0, 3, 1, 0, 0, 0, 4, 0, 0, 0, 7, 0x03, 0x80, 7, 4, 7, 0x80, 7, 5, 12, 19, 26, 33]);
    let mut seen = 0;
    link.poll(&mut script, Instant::ZERO, |event, out| {
        seen += 1;
        match event {
            Event::Created { channel: created } => {
                assert_eq!(created, channel);
                Ok(())
            }
            Event::Chunk { from, bytes } => {
                assert!(matches!(from, Source::User { channel: c, .. } if c == channel));
                out.send(from, bytes)
            }
            Event::UserEntered { .. } => Ok(()),
            other => panic!("{other:?}"),
        }
    })
    .unwrap();
    assert_eq!(seen, 3);
    assert_eq!(script.outgoing, [&b"\0\0\x01\x06chunks"[..], &[8, 0x80, 7, 4, 5, 12, 19, 26, 33]].concat());
    script.closed = true;
    let mut lost = None;
    let error = link.poll(&mut script, Instant::ZERO, |event, _| lost = matches!(event, Event::OwnChannelLost { channel: c } if c == channel).then_some(()));
    assert_eq!((error, lost), (Err(Error::Closed), Some(())));
}
