//! A link with local users, and a loop that sleeps whenever the link lets it.

use peote_net::link::{
    Buffers, Channel, EnteredChannel, Event, Flow, IntoFlow, Link, LinkBuffers, LocalBuffers, Mode, Out,
    OwnChannel, SendError, Source, User,
};
use peote_net::protocol::to_endpoint;
use peote_net::time::Duration;

pub(super) use crate::support::{Heap, Sizes};
use crate::support::{Rig, Seen};

pub(super) const CHUNKS: Mode = Mode::chunks(1024);

/// Bytes of a line.
pub(super) const LINE: usize = 512;

/// Bytes that a record takes besides its payload.
pub(super) const RECORD: usize = 12;

/// Four own channels and five local users at once, with places for four other parties besides
/// theirs.
pub(super) type Memory = LocalBuffers<LinkBuffers<1024, 14, 4, 2048, 512>, 4, 5, LINE>;

pub(super) type LocalRig = Rig<Memory>;

pub(super) fn rig() -> LocalRig {
    let mut rig = Rig::new(Link::with_local_users());
    rig.link.set_silence_limit(None);
    rig
}

/// How a link is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Poll,
    NextEvent,
}

pub(super) const FACES: [Face; 2] = [Face::Poll, Face::NextEvent];

/// One poll, or its equal.
pub(super) fn drive<B: Buffers, R: IntoFlow<Error = SendError>>(
    rig: &mut Rig<B>,
    face: Face,
    mut handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
) {
    if face == Face::Poll {
        return rig.poll_once(handler).unwrap();
    }
    while let Some((event, mut out)) = rig.link.next_event(&mut rig.script, rig.now).unwrap() {
        if handler(event, &mut out).into_flow().unwrap() == Flow::Again {
            out.again();
        }
    }
}

/// Drives the link as a loop does that sleeps: only when the link wants to read and something is
/// there, wants to write and there is room, or its deadline has come. Time passes when nothing else
/// does. Ends when the loop would sleep for ever; panics when it never sleeps.
pub(super) fn sleep_and_wake<B: Buffers, R: IntoFlow<Error = SendError>>(
    rig: &mut Rig<B>,
    face: Face,
    handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
) {
    sleep_less_than(rig, Duration::from_secs(1_000_000), face, handler);
}

/// The same, but ends also when the loop would sleep for so long.
pub(super) fn sleep_less_than<B: Buffers, R: IntoFlow<Error = SendError>>(
    rig: &mut Rig<B>,
    longest: Duration,
    face: Face,
    mut handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
) {
    let mut in_vain = 0;
    loop {
        let readable = rig.link.wants_read() && (rig.script.closed || !rig.script.incoming.is_empty());
        let writable = rig.link.wants_write() && rig.script.room > 0;
        if !readable && !writable {
            match rig.link.next_deadline() {
                None => return,
                Some(deadline) if deadline >= rig.now + longest => return,
                Some(deadline) => rig.now = rig.now.max(deadline),
            }
        }
        let before = (rig.script.reads, rig.script.outgoing.len());
        let mut done = 0;
        drive(rig, face, |event, out| {
            let flow = handler(event, out).into_flow();
            done += usize::from(flow != Ok(Flow::Again));
            flow
        });
        let nothing = done == 0 && before == (rig.script.reads, rig.script.outgoing.len());
        in_vain = if nothing { in_vain + 1 } else { 0 };
        assert!(in_vain < 6, "woken again and again, and nothing to do");
    }
}

/// The same, with a handler that only looks.
pub(super) fn settle<B: Buffers>(rig: &mut Rig<B>) -> Vec<Seen> {
    let mut seen = Vec::new();
    sleep_and_wake(rig, Face::Poll, |event, _| seen.push(Seen::from(event)));
    seen
}

/// An own channel of this name, open.
pub(super) fn open<B: Buffers>(rig: &mut Rig<B>, name: &[u8], number: u8, mode: Mode) -> OwnChannel {
    let channel = rig.out().create(name, mode).unwrap();
    assert_eq!(settle(rig), []);
    let outgoing = std::mem::take(&mut rig.script.outgoing);
    let [.., 0, 0, tag, len] = outgoing[..outgoing.len() - name.len()] else { panic!("{outgoing:?}") };
    assert_eq!((usize::from(len), outgoing.ends_with(name)), (name.len(), true));
    rig.says(to_endpoint::success(tag, number));
    assert_eq!(settle(rig), [Seen::Notice(Event::Opened { channel: Channel::Own(channel) })]);
    channel
}

/// A local user of that channel, of which both sides have heard.
pub(super) fn join<B: Buffers>(
    rig: &mut Rig<B>,
    name: &[u8],
    channel: OwnChannel,
    mode: Mode,
) -> (EnteredChannel, User) {
    let entered = rig.out().enter(name, mode).unwrap();
    let seen = settle(rig);
    let user = seen.iter().find_map(|event| match *event {
        Seen::Notice(Event::UserEntered { channel: own, user }) if own == channel => Some(user),
        _ => None,
    });
    let user = user.unwrap_or_else(|| panic!("nobody has entered: {seen:?}"));
    assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Entered(entered) })), "{seen:?}");
    assert_eq!(seen.len(), 2);
    (entered, user)
}

/// What is sent and what is entered must not be seen on the wire.
pub(super) fn nothing_on_the_wire<B: Buffers>(rig: &mut Rig<B>) {
    assert_eq!(rig.script.outgoing, [], "local users are nothing to the relay");
    assert!(!rig.link.wants_write());
}

pub(super) fn from_user_of(channel: OwnChannel, user: User) -> Source {
    Source::User { channel, user }
}

pub(super) fn from_server_of(channel: EnteredChannel) -> Source {
    Source::Server { channel }
}

/// As little memory as works, for one local user.
pub(super) const LEAST: Sizes = Sizes {
    chunk_size: 64,
    own_channels: 1,
    parties: 4,
    transmit: 300,
    receive: 64,
    local_users: 1,
    local_line: 64,
};
