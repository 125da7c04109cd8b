//! What decoders yield, with the pieces of each unit put together.

use peote_net::protocol::to_endpoint::{self, Unit as FromRelay};
use peote_net::protocol::to_relay::{self, Malformed, Unit as FromEndpoint};
use peote_net::protocol::{Fragment, MAX_UNIT};

/// A unit without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Relay to endpoint, without payload.
    Control(FromRelay<'static>),
    /// The same with words or items behind it.
    RefusedWith(u8, u8),
    Hello,
    /// Channel, user, ticket, whether the user takes part, window.
    Knock(u8, u8, u8, bool, u32),
    FromServer(u8),
    FromUser(u8, u8),
    Command(u8, u8),
    ToServer(u8),
    ToUser(u8, u8),
    ToAll(u8),
    ToAllBut(u8, u8),
    ToReady(u8),
    ToReadyBut(u8, u8),
    Malformed(Malformed),
}

/// A unit with as much of its payload as has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
    pub(crate) total: usize,
}

impl Said {
    pub(crate) fn bare(kind: Kind) -> Self {
        Self { kind, bytes: Vec::new(), total: 0 }
    }
}

/// Puts fragments together, and checks that they are consistent.
#[derive(Default)]
struct Collector {
    said: Vec<Said>,
}

impl Collector {
    fn fragment(&mut self, kind: Kind, fragment: Fragment<'_>) {
        let (offset, total, bytes) = (fragment.offset(), fragment.total(), fragment.bytes());
        assert!(total <= MAX_UNIT);
        assert!(offset + bytes.len() <= total);
        assert_eq!(bytes.is_empty(), total == 0, "an empty piece of a payload that is not empty");
        assert_eq!(fragment.is_first(), offset == 0);
        assert_eq!(fragment.is_last(), offset + bytes.len() == total);
        assert_eq!(fragment.is_whole(), bytes.len() == total);
        if fragment.is_first() {
            self.check_finished();
            self.said.push(Said { kind, bytes: bytes.to_vec(), total });
        } else {
            let unfinished = self.said.last_mut().expect("a unit that goes on has begun");
            assert_eq!((kind, total, offset), (unfinished.kind, unfinished.total, unfinished.bytes.len()));
            unfinished.bytes.extend_from_slice(bytes);
        }
    }

    fn bare(&mut self, kind: Kind) {
        self.check_finished();
        self.said.push(Said::bare(kind));
    }

    fn check_finished(&self) {
        assert!(self.said.last().is_none_or(|last| last.bytes.len() == last.total), "a unit lacks its end");
    }
}

fn feed<'a, U>(
    input: &'a [u8],
    mut decode: impl FnMut(&'a [u8]) -> Option<(usize, U)>,
    mut seen: impl FnMut(U) -> bool,
) {
    let mut rest = input;
    while let Some((used, unit)) = decode(rest) {
        assert!(used <= rest.len());
        rest = &rest[used..];
        if !seen(unit) {
            break;
        }
    }
}

/// What an endpoint understands of `pieces`. [`FromRelay::Unknown`], which means nothing, is left
/// out.
pub(crate) fn by_endpoint(pieces: &[&[u8]]) -> Vec<Said> {
    let mut collector = Collector::default();
    let mut decoder = to_endpoint::Decoder::new();
    for &piece in pieces {
        feed(
            piece,
            |input| decoder.decode(input),
            |unit| {
                match unit {
                    FromRelay::FromServer { channel, payload } => {
                        collector.fragment(Kind::FromServer(channel), payload);
                    }
                    FromRelay::FromUser { channel, user, payload } => {
                        collector.fragment(Kind::FromUser(channel, user), payload);
                    }
                    FromRelay::Unknown => collector.check_finished(),
                    FromRelay::Refused { tag, code, words } => {
                        collector.fragment(Kind::RefusedWith(tag, code), words);
                    }
                    FromRelay::Hello { items } => collector.fragment(Kind::Hello, items),
                    FromRelay::Knock { channel, user, ticket, takes_part, window, words } => {
                        collector.fragment(Kind::Knock(channel, user, ticket, takes_part, window), words);
                    }
                    FromRelay::Success { tag, channel } => {
                        collector.bare(Kind::Control(FromRelay::Success { tag, channel }));
                    }
                    FromRelay::Entered { tag, channel, user, window } => {
                        collector.bare(Kind::Control(FromRelay::Entered { tag, channel, user, window }));
                    }
                    FromRelay::UserEntered { channel, user } => {
                        collector.bare(Kind::Control(FromRelay::UserEntered { channel, user }));
                    }
                    FromRelay::UserGone { channel, user, reason } => {
                        collector.bare(Kind::Control(FromRelay::UserGone { channel, user, reason }));
                    }
                    FromRelay::ChannelGone { channel, reason } => {
                        collector.bare(Kind::Control(FromRelay::ChannelGone { channel, reason }));
                    }
                    FromRelay::Keepalive { last } => {
                        collector.bare(Kind::Control(FromRelay::Keepalive { last }));
                    }
                    FromRelay::GrantFromServer { channel, bytes } => {
                        collector.bare(Kind::Control(FromRelay::GrantFromServer { channel, bytes }));
                    }
                    FromRelay::GrantFromUser { channel, user, bytes } => {
                        collector.bare(Kind::Control(FromRelay::GrantFromUser { channel, user, bytes }));
                    }
                    FromRelay::Raised { own, channel, user, send, receive } => {
                        let raised = FromRelay::Raised { own, channel, user, send, receive };
                        collector.bare(Kind::Control(raised));
                    }
                }
                true
            },
        );
    }
    collector.said
}

/// What a relay understands of `pieces`, up to the first thing that is malformed.
pub(crate) fn by_relay(pieces: &[&[u8]]) -> Vec<Said> {
    by_relay_of(false, pieces)
}

/// The same for an endpoint that takes part, or does not.
pub(crate) fn by_relay_of(takes_part: bool, pieces: &[&[u8]]) -> Vec<Said> {
    let mut collector = Collector::default();
    let mut decoder = to_relay::Decoder::of(takes_part);
    for &piece in pieces {
        feed(
            piece,
            |input| decoder.decode(input),
            |unit| {
                match unit {
                    FromEndpoint::Command { command, tag, payload } => {
                        collector.fragment(Kind::Command(command, tag), payload);
                    }
                    FromEndpoint::ToServer { channel, payload } => {
                        collector.fragment(Kind::ToServer(channel), payload);
                    }
                    FromEndpoint::ToUser { channel, user, payload } => {
                        collector.fragment(Kind::ToUser(channel, user), payload);
                    }
                    FromEndpoint::ToAll { channel, payload } => {
                        collector.fragment(Kind::ToAll(channel), payload);
                    }
                    FromEndpoint::ToAllBut { channel, excluded, payload } => {
                        collector.fragment(Kind::ToAllBut(channel, excluded), payload);
                    }
                    FromEndpoint::ToReady { channel, payload } => {
                        collector.fragment(Kind::ToReady(channel), payload);
                    }
                    FromEndpoint::ToReadyBut { channel, excluded, payload } => {
                        collector.fragment(Kind::ToReadyBut(channel, excluded), payload);
                    }
                    FromEndpoint::Malformed(malformed) => {
                        collector.bare(Kind::Malformed(malformed));
                        return false;
                    }
                }
                true
            },
        );
        if matches!(collector.said.last(), Some(Said { kind: Kind::Malformed(_), .. })) {
            break;
        }
    }
    collector.said
}

/// `bytes` in pieces of the given lengths, again and again; a length of 0 is an empty piece (and at
/// least one length is not 0).
pub(crate) fn cut<'a>(bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    assert!(lengths.iter().any(|&len| len > 0));
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for &len in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at(len.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}
