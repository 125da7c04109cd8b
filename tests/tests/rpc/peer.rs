//! A link against a relay that says what the test has it say.

use peote_net::chunk::{Assembler, ChunkLimit, Step};
use peote_net::link::{Event, IntoFlow, Link, LinkBuffers, Mode, Out, SendError};
use peote_net::protocol::{to_endpoint, to_relay};
use peote_net::time::Instant;
use peote_net_testkit::script::Script;

pub(crate) type TestLink = Link<LinkBuffers<32_768, 4, 2, 36_864, 1024, 65_536>>;

/// A relay as the test plays it.
pub(crate) type Relay = Script;

/// What a relay of these tests says and hears.
pub(crate) trait Peer {
    /// A chunk from user 0 of own channel 0.
    fn chunk_of_user(&mut self, bytes: &[u8]);

    /// The chunks that the link has sent since the last time.
    fn chunks_sent(&mut self) -> Vec<Vec<u8>>;
}

impl Peer for Relay {
    fn chunk_of_user(&mut self, bytes: &[u8]) {
        let length = ChunkLimit::DEFAULT.encode_length(bytes.len()).unwrap();
        let header = to_endpoint::data_for_server(0, 0, bytes.len() + length.as_bytes().len());
        self.incoming.extend(header.as_bytes());
        self.incoming.extend(length.as_bytes());
        self.incoming.extend(bytes);
    }

    fn chunks_sent(&mut self) -> Vec<Vec<u8>> {
        chunks_to_relay(&std::mem::take(&mut self.outgoing))
    }
}

/// Polls until nothing comes any more.
pub(crate) fn poll<R: IntoFlow<Error = SendError>>(
    link: &mut TestLink,
    relay: &mut Relay,
    mut handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
) {
    loop {
        link.poll(relay, Instant::ZERO, &mut handler).unwrap();
        if relay.incoming.is_empty() {
            return;
        }
    }
}

/// A link that owns a channel with user 0.
pub(crate) fn server() -> (Box<TestLink>, Relay) {
    let (mut link, mut relay) = (Box::new(TestLink::new()), Relay::default());
    link.out().create("rpc", Mode::RPC).unwrap();
    relay.incoming.extend(to_endpoint::success(1, 0));
    relay.incoming.extend(to_endpoint::user_entered(0, 0));
    let mut entered = false;
    poll(&mut link, &mut relay, |event, _| entered |= matches!(event, Event::UserEntered { .. }));
    assert!(entered);
    relay.outgoing.clear();
    (link, relay)
}

/// The chunks of one sender in a stream of data.
#[derive(Default)]
struct Chunks {
    assembler: Assembler,
    chunks: Vec<Vec<u8>>,
    slot: Vec<u8>,
}

impl Chunks {
    fn feed(&mut self, mut bytes: &[u8]) {
        self.slot.resize(32_768, 0);
        while !bytes.is_empty() {
            let (used, step) = self.assembler.feed(ChunkLimit::DEFAULT, bytes, &mut self.slot);
            match step {
                Step::Whole { start, end } => self.chunks.push(bytes[start..end].to_vec()),
                Step::Completed { len } => self.chunks.push(self.slot[..len].to_vec()),
                Step::More => {}
                other => panic!("{other:?}"),
            }
            bytes = &bytes[used..];
        }
    }
}

/// The chunks in what an endpoint with one peer has sent.
pub(crate) fn chunks_to_relay(stream: &[u8]) -> Vec<Vec<u8>> {
    let (mut decoder, mut rest, mut chunks) = (to_relay::Decoder::new(), stream, Chunks::default());
    while let Some((used, unit)) = decoder.decode(rest) {
        match unit {
            to_relay::Unit::ToServer { payload, .. } | to_relay::Unit::ToUser { payload, .. } => {
                chunks.feed(payload.bytes());
            }
            _ => {}
        }
        rest = &rest[used..];
    }
    chunks.chunks
}
