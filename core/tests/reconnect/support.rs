//! A link with a list of channels, on a scripted connection and a clock that only the test moves.

use peote_net::link::{Channel, Error, Event, Flow, Link, LinkBuffers, Mode, SendError};
use peote_net::protocol::to_endpoint;
use peote_net::protocol::to_relay::Command;
use peote_net::reconnect::{Backoff, ChannelState, Notice, Reconnect};
use peote_net::time::{Duration, Instant};
pub(crate) use peote_net_testkit::script::Script;

pub(crate) const MODE: Mode = Mode::chunks(256);

/// A command as the relay gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) command: Command,
    pub(crate) tag: u8,
    pub(crate) payload: Vec<u8>,
}

/// 256-byte chunks, 4 parties, 4 own channels, and a ring that holds one long command and hardly
/// more.
pub(crate) type Small = LinkBuffers<256, 4, 4, 300, 64>;

#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) link: Link<Small>,
    pub(crate) wire: Option<Script>,
    pub(crate) reconnect: Reconnect<String, 6>,
    pub(crate) now: Instant,
    /// With `next_event` in channel of `poll`.
    pub(crate) next_event: bool,
    /// The next so many events are kept, after their notice has been taken.
    pub(crate) keep: usize,
    /// The last event that came was kept.
    pub(crate) kept: bool,
}

impl Rig {
    /// Delays of 100 ms, doubling up to 1 s, without jitter.
    pub(crate) fn rules() -> Backoff {
        let ms = Duration::from_millis;
        Backoff::new().with_delays(ms(100), ms(1000)).with_jitter_percent(0)
    }

    pub(crate) fn new() -> Self {
        Self::with(Reconnect::new(Self::rules()))
    }

    pub(crate) fn with(reconnect: Reconnect<String, 6>) -> Self {
        let mut link = Link::new();
        link.set_silence_limit(None);
        let now = Instant::from_millis(5000);
        Self { link, wire: None, reconnect, now, next_event: false, keep: 0, kept: false }
    }

    pub(crate) fn own(&mut self, name: &str) -> Channel {
        self.reconnect.create(&mut self.link.out(), name.into(), MODE).unwrap().into()
    }

    pub(crate) fn enter(&mut self, name: &str) -> Channel {
        self.reconnect.enter(&mut self.link.out(), name.into(), MODE).unwrap().into()
    }

    pub(crate) fn remove(&mut self, channel: Channel) -> Result<Option<String>, SendError> {
        self.reconnect.remove(&mut self.link.out(), channel)
    }

    /// Whether something could be sent in a channel, for all that the list says.
    pub(crate) fn is_open(&self, channel: Channel) -> bool {
        self.reconnect.state(channel) == Some(ChannelState::Open)
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
    }

    /// Milliseconds until the list has something to do.
    pub(crate) fn deadline(&self) -> Option<u64> {
        Some(self.reconnect.next_deadline()?.saturating_since(self.now).as_millis())
    }

    pub(crate) fn wire(&mut self) -> &mut Script {
        self.wire.as_mut().unwrap()
    }

    /// An attempt is due and successful.
    pub(crate) fn connect(&mut self) {
        assert!(self.reconnect.start_attempt(self.now), "no attempt is due");
        self.wire = Some(Script::default());
        self.reconnect.connected();
    }

    /// One turn of the loop of a program, as the documentation has it.
    pub(crate) fn turn(&mut self) -> Vec<Notice> {
        let Self { link, wire, reconnect, now, next_event, keep, kept } = self;
        let now = *now;
        let Some(transport) = wire else { return Vec::new() };
        let mut notices = Vec::new();
        while let Some(notice) = reconnect.restore(&mut link.out(), now) {
            notices.push(notice);
        }
        let mut see = |event: Event<'_>| {
            let notice = reconnect.observe(&event, now);
            *kept = *keep > 0;
            if *kept {
                *keep -= 1;
                let same = reconnect.observe(&event, now);
                assert_eq!(notice, same, "an event that comes again");
                return Flow::Again;
            }
            notices.extend(notice);
            Flow::Continue
        };
        let mut lost = false;
        if *next_event {
            loop {
                match link.next_event(transport, now) {
                    Ok(Some((event, mut out))) => {
                        if see(event) == Flow::Again {
                            out.again();
                        }
                    }
                    Ok(None) => break,
                    Err(_) => lost = true,
                }
            }
        } else {
            match link.poll(transport, now, |event, _| see(event)) {
                Err(Error::Handler(error)) => panic!("{error}"),
                polled => lost = polled.is_err(),
            }
        }
        if lost {
            *wire = None;
            reconnect.failed(now);
        }
        notices
    }

    /// Turns until all that the relay has said has been heard.
    pub(crate) fn turns(&mut self) -> Vec<Notice> {
        let mut notices = self.turn();
        while self.wire.as_ref().is_some_and(|wire| !wire.incoming.is_empty()) {
            notices.extend(self.turn());
        }
        notices
    }

    /// The commands that have arrived at the relay since the last call.
    pub(crate) fn asked(&mut self) -> Vec<Asked> {
        let mut asked = Vec::new();
        let outgoing = &mut self.wire().outgoing;
        while let [0, code, tag, len, rest @ ..] = &outgoing[..]
            && rest.len() >= usize::from(*len)
        {
            let len = usize::from(*len);
            let command = Command::from_code(*code).unwrap();
            asked.push(Asked { command, tag: *tag, payload: rest[..len].to_vec() });
            outgoing.drain(..4 + len);
        }
        asked
    }

    /// One turn, after which the relay has been asked for this and nothing else; the tags.
    pub(crate) fn asks(&mut self, expected: &[(Command, &str)]) -> Vec<u8> {
        let notices = self.turns();
        assert_eq!(notices, []);
        let asked = self.asked();
        let seen: Vec<_> =
            asked.iter().map(|asked| (asked.command, std::str::from_utf8(&asked.payload).unwrap())).collect();
        assert_eq!(seen, expected);
        asked.iter().map(|asked| asked.tag).collect()
    }

    /// The relay says this, and the link hears it.
    pub(crate) fn hears(&mut self, bytes: impl AsRef<[u8]>) -> Vec<Notice> {
        self.wire().incoming.extend(bytes.as_ref());
        self.turns()
    }

    pub(crate) fn accepts(&mut self, tag: u8, number: usize) -> Vec<Notice> {
        self.hears(to_endpoint::success(tag, u8::try_from(number).unwrap()))
    }

    pub(crate) fn refuses(&mut self, tag: u8, code: u8) -> Vec<Notice> {
        self.hears(to_endpoint::refused(tag, code))
    }

    /// The relay closes the connection.
    pub(crate) fn lose(&mut self) -> Vec<Notice> {
        self.wire().closed = true;
        let mut notices = self.turn();
        while self.wire.is_some() {
            notices.extend(self.turn());
        }
        notices
    }
}
