//! Events that can be kept, and a link with a scripted transport at hand.

use embedded_io::ErrorKind;
use peote_net::Reason;
use peote_net::link::{
    Buffers, Channel, EnteredChannel, Error, Event, IntoFlow, Link, LinkBuffers, Mode, Out, OwnChannel,
    SendError, Source, User,
};

use peote_net::protocol::to_endpoint;
use peote_net::protocol::to_relay;
use peote_net::time::Instant;
pub(crate) use peote_net_testkit::script::Script;

pub(crate) use heap::{Heap, Sizes};

/// That of the testkit, with the features that this package is tested with.
#[allow(unreachable_pub, reason = "it is public there")]
#[path = "../../../boards/testkit/src/heap.rs"]
mod heap;

/// An event with bytes of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Notice(Event<'static>),
    Data(Source, Vec<u8>),
    Chunk(Source, Vec<u8>),
    #[cfg(feature = "admission")]
    Knock(OwnChannel, User, Vec<u8>),
    /// A refusal with words.
    Refused(Channel, Reason, Vec<u8>),
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        Self::Notice(match event {
            Event::Data { from, bytes } => return Self::Data(from, bytes.to_vec()),
            Event::Chunk { from, bytes } => return Self::Chunk(from, bytes.to_vec()),
            #[cfg(feature = "admission")]
            Event::Knock { channel, user, words } => return Self::Knock(channel, user, words.to_vec()),
            #[cfg(feature = "admission")]
            Event::KnockEnded { channel, user } => Event::KnockEnded { channel, user },
            #[cfg(feature = "flow")]
            Event::ComeBack { after } => Event::ComeBack { after },
            Event::Refused { channel, reason, words } if !words.is_empty() => {
                return Self::Refused(channel, reason, words.to_vec());
            }
            Event::Opened { channel: Channel::Own(channel) } => {
                Event::Opened { channel: Channel::Own(channel) }
            }
            Event::Refused { channel: Channel::Own(channel), reason, .. } => {
                Event::Refused { channel: Channel::Own(channel), reason, words: &[] }
            }
            Event::UserEntered { channel, user } => Event::UserEntered { channel, user },
            Event::UserGone { channel, user, reason } => Event::UserGone { channel, user, reason },
            Event::UserIgnored { channel, user } => Event::UserIgnored { channel, user },
            Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost } => {
                Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost }
            }
            Event::Opened { channel: Channel::Entered(channel) } => {
                Event::Opened { channel: Channel::Entered(channel) }
            }
            Event::Refused { channel: Channel::Entered(channel), reason, .. } => {
                Event::Refused { channel: Channel::Entered(channel), reason, words: &[] }
            }
            Event::Closed { channel: Channel::Entered(channel), reason } => {
                Event::Closed { channel: Channel::Entered(channel), reason }
            }
            Event::Malicious { from, violation } => Event::Malicious { from, violation },
            Event::LinkLost { unsent } => Event::LinkLost { unsent },
            other => panic!("an event the tests do not know: {other:?}"),
        })
    }
}

/// Puts events in the order of those they are about. With feature `flow` an event that is kept
/// holds up its own party only, so the order between parties means nothing then.
pub(crate) fn by_party(mut seen: Vec<Seen>) -> Vec<Seen> {
    if cfg!(feature = "flow") {
        seen.sort_by_key(|event| match event {
            Seen::Data(from, _) | Seen::Chunk(from, _) | Seen::Notice(Event::Malicious { from, .. }) => {
                format!("{:?} {:?}", from.channel(), from.user())
            }
            Seen::Notice(
                event @ (Event::UserEntered { user, .. }
                | Event::UserGone { user, .. }
                | Event::UserIgnored { user, .. }),
            ) => format!("{:?} {:?}", event.channel().unwrap(), Some(*user)),
            Seen::Notice(event) => format!("{:?} {:?}", event.channel(), None::<User>),
            #[cfg(feature = "admission")]
            Seen::Knock(channel, user, _) => format!("{:?} {:?}", Some(channel), Some(user)),
            Seen::Refused(channel, ..) => format!("{:?} {:?}", Some(channel), None::<User>),
        });
    }
    seen
}

/// Leaves out grants: more or less may have been taken when each of them is due.
pub(crate) fn without_grants(written: &[u8]) -> Vec<u8> {
    let (mut rest, mut kept, mut decoder) = (written, Vec::new(), to_relay::Decoder::new());
    while let Some((used, unit)) = decoder.decode(rest) {
        if !matches!(unit, to_relay::Unit::Command { command: 8, .. }) {
            kept.extend(&rest[..used]);
        }
        rest = &rest[used..];
    }
    kept
}

/// Takes the one event that tells of the loss out of `seen`, and says how many bytes it says were
/// never written. It comes before all other events that tell of the loss.
pub(crate) fn without_loss(seen: &mut Vec<Seen>) -> usize {
    let is_loss = |event: &Seen| matches!(event, Seen::Notice(Event::LinkLost { .. }));
    assert_eq!(seen.iter().filter(|event| is_loss(event)).count(), 1, "the loss is told once: {seen:?}");
    let at = seen.iter().position(is_loss).unwrap();
    for event in &seen[..at] {
        let of_loss = match event {
            Seen::Notice(Event::Closed { channel: Channel::Own(_), .. }) => true,
            Seen::Notice(
                Event::Refused { channel: Channel::Own(_), reason, .. }
                | Event::Refused { channel: Channel::Entered(_), reason, .. }
                | Event::Closed { channel: Channel::Entered(_), reason, .. },
            ) => *reason == Reason::LinkLost,
            _ => false,
        };
        assert!(!of_loss, "told before the loss itself: {event:?}");
    }
    let Seen::Notice(Event::LinkLost { unsent }) = seen.remove(at) else { unreachable!() };
    unsent
}

/// Sizes that most tests use.
pub(crate) type Small = LinkBuffers<1024, 8, 4, 2048, 512>;

/// The tag of a command of a link with [`Small`] memory, from 1 on.
pub(crate) const fn tag(nth: u8) -> u8 {
    tag_of(1024, nth)
}

/// The same of a link whose slots have `window` bytes. The first one says how many they are.
pub(crate) const fn tag_of(window: usize, nth: u8) -> u8 {
    #[cfg(feature = "flow")]
    if let Some(first) = peote_net::protocol::items::first_tag(window) {
        let (tag, wraps) = first.overflowing_add(nth - 1);
        return tag + wraps as u8;
    }
    let _ = window;
    nth
}

/// A link with a transport and a clock.
pub(crate) struct Rig<B: Buffers = Small> {
    pub(crate) link: Link<B>,
    pub(crate) script: Script,
    pub(crate) now: Instant,
}

impl Default for Rig {
    fn default() -> Self {
        Self::new(Link::new())
    }
}

impl<B: Buffers> Rig<B> {
    pub(crate) fn new(link: Link<B>) -> Self {
        Self { link, script: Script::default(), now: Instant::ZERO }
    }

    pub(crate) fn out(&mut self) -> Out<'_> {
        self.link.out()
    }

    /// The relay says this; the link hears of it in the next poll.
    pub(crate) fn says(&mut self, bytes: impl AsRef<[u8]>) {
        self.script.incoming.extend(bytes.as_ref());
    }

    /// One poll.
    pub(crate) fn poll_once<R: IntoFlow<Error = SendError>>(
        &mut self,
        handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
    ) -> Result<(), Error<ErrorKind>> {
        self.link.poll(&mut self.script, self.now, handler)
    }

    /// Polls until all that the relay has said has been heard, on a connection that goes on.
    pub(crate) fn poll(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        loop {
            self.poll_once(|event, _| seen.push(event.into())).unwrap();
            if self.script.incoming.is_empty() {
                return seen;
            }
        }
    }

    /// Polls a connection that is about to be lost. Of the events, the one that says so is left
    /// out.
    pub(crate) fn lose(&mut self) -> (Vec<Seen>, Error<ErrorKind>) {
        let mut seen = Vec::new();
        loop {
            if let Err(error) = self.poll_once(|event, _| seen.push(event.into())) {
                assert!(!self.link.is_connected());
                without_loss(&mut seen);
                return (seen, error);
            }
        }
    }

    /// The relay says this, and the link hears it.
    pub(crate) fn hears(&mut self, bytes: impl AsRef<[u8]>) -> Vec<Seen> {
        self.says(bytes);
        self.poll()
    }

    /// What the link has said since the last call, what is still in its ring included.
    pub(crate) fn sent(&mut self) -> Vec<u8> {
        assert!(self.poll().is_empty(), "nothing was to happen");
        std::mem::take(&mut self.script.outgoing)
    }

    /// An own channel, open, with this number on the wire.
    pub(crate) fn own(&mut self, number: u8, mode: Mode) -> OwnChannel {
        self.sent();
        let channel = self.out().create([b'o', number], mode).unwrap();
        let sent = self.sent();
        assert_eq!((sent.len(), &sent[..2], &sent[3..]), (6, &[0, 0][..], &[2, b'o', number][..]));
        let seen = self.hears(to_endpoint::success(sent[2], number));
        assert_eq!(seen, [Seen::Notice(Event::Opened { channel: Channel::Own(channel) })]);
        channel
    }

    /// An entered channel with this number on the wire.
    pub(crate) fn entered(&mut self, number: u8, mode: Mode) -> EnteredChannel {
        self.sent();
        let channel = self.out().enter([b'e', number], mode).unwrap();
        let sent = self.sent();
        assert_eq!((sent.len(), &sent[..2], &sent[3..]), (6, &[0, 1][..], &[2, b'e', number][..]));
        let seen = self.hears(to_endpoint::success(sent[2], number));
        assert_eq!(seen, [Seen::Notice(Event::Opened { channel: Channel::Entered(channel) })]);
        channel
    }

    /// User `user` enters the own channel that has this number on the wire.
    pub(crate) fn user(&mut self, channel: OwnChannel, number: u8, user: u8) -> User {
        let seen = self.hears(to_endpoint::user_entered(number, user));
        let user = User::new(user);
        assert_eq!(seen, [Seen::Notice(Event::UserEntered { channel, user })]);
        user
    }
}

/// `bytes` from the server of entered channel `number`, in one unit.
pub(crate) fn from_server(number: u8, bytes: &[u8]) -> Vec<u8> {
    [to_endpoint::data_for_user(number, bytes.len()).as_bytes(), bytes].concat()
}

/// `bytes` from a user of own channel `number`, in one unit.
pub(crate) fn from_user(number: u8, user: u8, bytes: &[u8]) -> Vec<u8> {
    [to_endpoint::data_for_server(number, user, bytes.len()).as_bytes(), bytes].concat()
}

/// A chunk of fewer than 128 bytes, with its length.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len() - 1).unwrap()], bytes].concat()
}
