//! Who may enter, against a relay that asks.

use core::num::NonZero;

use peote_net::Reason;
use peote_net::link::{
    Admission, Channel, Event, Flow, Link, LinkBuffers, Mode, Out, OwnChannel, SendError, Source, User,
};
use peote_net::protocol::items;
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::protocol::to_relay::{self, Command};

use crate::numbers::awake;
use crate::support::{Rig, Seen, chunk, from_user, tag_of};

pub(crate) const CHUNKS: Mode = Mode::chunks(64);
pub(crate) const ASKS: Capabilities = Capabilities::HELLO.with(Capabilities::REMOVE_USER);
pub(crate) const HELLO: [u8; 13] = [0, 6, 0, 9, 1, 1, 1, 6, 4, 0, 1, 0, 0];

/// A slot keeps 256 bytes.
pub(crate) type Memory = LinkBuffers<64, 4, 2, 1024, 512, 256>;

pub(crate) fn new() -> Rig<Memory> {
    Rig::new(Link::new())
}

pub(crate) fn hello_of_relay() -> Vec<u8> {
    let items = items::capabilities(items::TAKES_PART);
    [&to_endpoint::hello(items.len()).unwrap()[..], &items].concat()
}

/// A link to a relay that knows hello, which has been said and answered.
pub(crate) fn greeted() -> Rig<Memory> {
    let mut rig = new();
    rig.hears(to_endpoint::announcement(ASKS));
    assert_eq!(rig.sent(), HELLO);
    rig.hears(hello_of_relay());
    rig
}

pub(crate) fn knock(channel: u8, user: u8, ticket: u8, words: &str) -> Vec<u8> {
    let head = to_endpoint::knock(channel, user, ticket, true, 100, words.len()).unwrap();
    [&head[..], words.as_bytes()].concat()
}

pub(crate) fn refuse(channel: u8, user: u8, ticket: u8, code: u8, words: &str) -> Vec<u8> {
    let head = to_relay::refuse(channel, user, ticket, code, words.len()).unwrap();
    [&head[..], words.as_bytes()].concat()
}

/// An own channel of number 3 that asks.
pub(crate) fn asking(rig: &mut Rig<Memory>) -> OwnChannel {
    let channel = rig.own(3, CHUNKS);
    rig.out().set_admission(channel, Admission::Ask).unwrap();
    channel
}

pub(crate) fn entered(channel: OwnChannel, user: u8) -> Seen {
    Seen::Notice(Event::UserEntered { channel, user: User::new(user) })
}

pub(crate) fn knocks(channel: OwnChannel, user: u8, words: &str) -> Seen {
    Seen::Knock(channel, User::new(user), words.as_bytes().to_vec())
}

#[test]
fn a_user_is_in_when_it_is_let_in() {
    let mut rig = greeted();
    let channel = asking(&mut rig);
    let user = User::new(7);
    rig.says(knock(3, 7, 99, "swordfish"));
    let mut seen = Vec::new();
    rig.poll_once(|event, out| {
        if let Event::Knock { channel, user, words } = event {
            assert_eq!(words, b"swordfish");
            assert_eq!(out.send((channel, user), b"too early"), Err(SendError::NotOpen));
            assert_eq!(out.users(channel).count(), 0);
            out.admit(channel, user)?;
            assert_eq!(out.admit(channel, user), Err(SendError::NotOpen), "it is in");
            out.send((channel, user), b"hi")?;
        }
        seen.push(Seen::from(event));
        Ok::<_, SendError>(())
    })
    .unwrap();
    assert_eq!(seen, [knocks(channel, 7, "swordfish"), entered(channel, 7)]);
    let data = [to_relay::data_from_server(3, 7, 3).as_bytes(), &[1, b'h', b'i']].concat();
    assert_eq!(rig.sent(), [&to_relay::admit(3, 7, 99)[..], &data].concat());
    assert_eq!(rig.out().window((channel, user)), Some(97), "what the knock says, less the chunk");
    let seen = rig.hears(from_user(3, 7, &chunk(b"thanks")));
    assert_eq!(seen, [Seen::Chunk((channel, user).into_source(), b"thanks".to_vec())]);
    let seen = rig.hears(to_endpoint::user_gone(3, 7, 0));
    assert_eq!(seen, [Seen::Notice(Event::UserGone { channel, user, reason: Reason::OnPurpose })]);
}

trait IntoSource {
    fn into_source(self) -> Source;
}

impl IntoSource for (OwnChannel, User) {
    fn into_source(self) -> Source {
        Source::User { channel: self.0, user: self.1 }
    }
}

#[test]
fn answers_may_come_later_and_in_any_order() {
    let mut rig = greeted();
    let channel = asking(&mut rig);
    let seen = rig.hears([knock(3, 1, 11, "a"), knock(3, 2, 22, ""), knock(3, 4, 44, "c")].concat());
    assert_eq!(seen, [knocks(channel, 1, "a"), knocks(channel, 2, ""), knocks(channel, 4, "c")]);
    assert!(rig.sent().is_empty());
    assert!(!rig.link.has_kept() && rig.link.wants_read(), "an open question holds nothing up");

    rig.out().refuse(channel, User::new(2), "not today").unwrap();
    rig.out().admit(channel, User::new(4)).unwrap();
    assert!(rig.link.has_more(), "that it has entered is told next");
    assert_eq!(rig.poll(), [entered(channel, 4)]);
    assert!(!rig.link.has_more());
    assert_eq!(rig.sent(), [refuse(3, 2, 22, 7, "not today"), to_relay::admit(3, 4, 44).to_vec()].concat());
    assert_eq!(rig.out().refuse(channel, User::new(2), ""), Err(SendError::NotOpen));

    // the first one has had enough
    let seen = rig.hears(to_endpoint::user_gone(3, 1, 0));
    assert_eq!(seen, [Seen::Notice(Event::KnockEnded { channel, user: User::new(1) })]);
    assert_eq!(rig.out().admit(channel, User::new(1)), Err(SendError::NotOpen));
    assert!(rig.sent().is_empty());
}

#[test]
fn words_that_come_in_pieces_are_put_together() {
    let words = "w".repeat(200);
    let mut stream = [knock(3, 1, 11, &words), knock(3, 2, 22, "x")].concat();
    stream.extend(from_user(3, 9, &chunk(b"nobody")));
    for limit in [1, 2, 3, 7, 100, 209, 210, 211, 512] {
        let mut rig = greeted();
        let channel = asking(&mut rig);
        rig.script.read_limit = limit;
        assert_eq!(rig.hears(&stream), [knocks(channel, 1, &words), knocks(channel, 2, "x")], "{limit}");
    }
}

#[test]
fn words_are_cut_to_what_a_slot_has() {
    let mut rig: Rig<LinkBuffers<16, 2, 1, 1024, 512>> = Rig::new(Link::new());
    rig.hears([&to_endpoint::announcement(ASKS)[..], &hello_of_relay()].concat());
    let channel = rig.own(3, Mode::chunks(16));
    rig.out().set_admission(channel, Admission::Ask).unwrap();
    let seen = rig.hears([knock(3, 1, 1, "0123456789abcdefgh"), knock(3, 2, 2, "next")].concat());
    assert_eq!(seen, [knocks(channel, 1, "0123456789abcdef"), knocks(channel, 2, "next")]);
}

#[test]
fn a_knock_that_is_kept_comes_again_with_its_words_and_holds_up_nobody() {
    let mut rig = greeted();
    let channel = asking(&mut rig);
    rig.says(knock(3, 1, 11, "again"));
    rig.says(knock(3, 2, 22, "other"));
    let mut seen = Vec::new();
    for _ in 0..3 {
        rig.poll_once(|event, out| {
            seen.push(Seen::from(event));
            match event {
                Event::Knock { words: b"other", channel, user } => out.admit(channel, user).unwrap(),
                Event::Knock { .. } => return Flow::Again,
                _ => {}
            }
            Flow::Continue
        })
        .unwrap();
    }
    let again = knocks(channel, 1, "again");
    let expected = [again.clone(), knocks(channel, 2, "other"), entered(channel, 2), again.clone(), again];
    assert_eq!(seen, expected);
    // and what is told when it goes meanwhile: there is nothing to be dealt with any more
    assert_eq!(rig.script.outgoing[rig.script.outgoing.len() - 7..], to_relay::admit(3, 2, 22));
    rig.says(to_endpoint::user_gone(3, 1, 1));
    let mut seen = Vec::new();
    rig.poll_once(|event, _| {
        seen.push(Seen::from(event));
        Flow::Again
    })
    .unwrap();
    assert_eq!(seen, [knocks(channel, 1, "again")]);
    assert!(rig.poll().is_empty());
    assert!(!rig.link.has_kept());
}

#[test]
fn a_handler_that_answers_and_wants_the_knock_again_goes_on() {
    for admits in [true, false] {
        let mut rig = greeted();
        let channel = asking(&mut rig);
        rig.says(knock(3, 1, 11, "a"));
        let mut seen = Vec::new();
        rig.poll_once(|event, out| {
            let is_knock = matches!(event, Event::Knock { .. });
            if is_knock && admits {
                out.admit(channel, User::new(1)).unwrap();
            } else if is_knock {
                out.refuse(channel, User::new(1), "no").unwrap();
            }
            seen.push(Seen::from(event));
            if is_knock { Flow::Again } else { Flow::Continue }
        })
        .unwrap();
        rig.poll_once(|event, _| seen.push(event.into())).unwrap();
        let expected = [knocks(channel, 1, "a"), entered(channel, 1)];
        assert_eq!(seen, expected[..if admits { 2 } else { 1 }]);
        assert!(!rig.link.has_kept());
    }
}

#[test]
fn with_next_event_the_same() {
    let mut rig = greeted();
    let channel = asking(&mut rig);
    rig.says([knock(3, 1, 11, "one"), knock(3, 2, 22, "two")].concat());
    let mut seen = Vec::new();
    let (mut polls, mut kept) = (0, 0);
    while polls < 3 {
        match rig.link.next_event(&mut rig.script, rig.now).unwrap() {
            None => polls += 1,
            Some((event, mut out)) => {
                seen.push(Seen::from(event));
                match event {
                    Event::Knock { channel, user, words: b"one" } => out.admit(channel, user).unwrap(),
                    Event::Knock { .. } if kept < 1 => {
                        kept += 1;
                        out.again();
                    }
                    _ => {}
                }
            }
        }
    }
    let two = knocks(channel, 2, "two");
    assert_eq!(seen, [knocks(channel, 1, "one"), entered(channel, 1), two.clone(), two]);
}

#[test]
fn an_event_limit_of_one_tells_each_in_its_turn() {
    let mut rig = greeted();
    let channel = asking(&mut rig);
    rig.link.set_event_limit(core::num::NonZeroU16::new(1));
    rig.says([knock(3, 1, 11, "one"), knock(3, 2, 22, "two")].concat());
    let mut seen = Vec::new();
    loop {
        rig.poll_once(|event, out| {
            seen.push(Seen::from(event));
            match event {
                Event::Knock { channel, user, .. } => out.admit(channel, user),
                _ => Ok(()),
            }
        })
        .unwrap();
        if !rig.link.has_more() {
            break;
        }
    }
    seen.sort_by_key(|seen| format!("{seen:?}").contains("User(2)"));
    let expected =
        [knocks(channel, 1, "one"), entered(channel, 1), knocks(channel, 2, "two"), entered(channel, 2)];
    assert_eq!(seen, expected);
}

#[test]
fn a_closed_and_a_full_channel_refuse_by_themselves() {
    let mut rig = greeted();
    let channel = rig.own(3, CHUNKS);
    rig.out().set_most_users(channel, 2).unwrap();
    assert_eq!(rig.hears(knock(3, 1, 11, "words")), [entered(channel, 1)], "an open channel hears none");
    rig.out().set_admission(channel, Admission::Ask).unwrap();
    assert_eq!(rig.hears(knock(3, 2, 22, "two")), [knocks(channel, 2, "two")]);
    assert_eq!(rig.sent(), to_relay::admit(3, 1, 11));
    // who knocks counts
    assert!(rig.hears(knock(3, 4, 44, "three")).is_empty());
    assert_eq!(rig.sent(), refuse(3, 4, 44, 4, ""));
    rig.out().refuse(channel, User::new(2), "").unwrap();
    assert_eq!(rig.sent(), refuse(3, 2, 22, 7, ""));
    rig.out().set_admission(channel, Admission::Closed).unwrap();
    assert!(rig.hears(knock(3, 5, 55, "four")).is_empty());
    assert_eq!(rig.sent(), refuse(3, 5, 55, 7, ""));
    rig.out().set_admission(channel, Admission::Open).unwrap();
    assert_eq!(rig.hears(knock(3, 6, 66, "")), [entered(channel, 6)]);
    rig.out().set_most_users(channel, u16::MAX).unwrap();
    assert_eq!(rig.hears(knock(3, 7, 77, "")), [entered(channel, 7)]);
    assert_eq!(rig.sent(), [to_relay::admit(3, 6, 66), to_relay::admit(3, 7, 77)].concat());
}

#[test]
fn nobody_has_slipped_in_when_a_channel_that_asks_opens() {
    let mut rig = new();
    let channel = rig.out().create("door", CHUNKS).unwrap();
    rig.out().set_admission(channel, Admission::Ask).unwrap();
    assert_eq!(rig.sent(), [0, 0, tag_of(256, 1), 4, b'd', b'o', b'o', b'r']);
    rig.says(to_endpoint::announcement(ASKS));
    rig.says(to_endpoint::success(tag_of(256, 1), 3));
    rig.says(to_endpoint::user_entered(3, 8));
    rig.says(from_user(3, 8, &chunk(b"hello?")));
    assert!(rig.poll().is_empty(), "the relay may have let more in");
    assert_eq!(rig.sent(), [&HELLO[..], &to_relay::user_command(Command::RemoveUser, 3, 8)].concat());
    assert_eq!(rig.out().send(Channel::Own(channel), b"secret"), Err(SendError::NotOpen));
    rig.says(hello_of_relay());
    rig.says(to_endpoint::raised(true, 3, 8, 100, 100));
    let opened = Seen::Notice(Event::Opened { channel: Channel::Own(channel) });
    assert_eq!(rig.poll(), [opened]);
    rig.says(to_endpoint::user_gone(3, 8, 2));
    rig.says(knock(3, 9, 1, "me"));
    assert_eq!(rig.poll(), [knocks(channel, 9, "me")]);
    assert!(rig.sent().is_empty());
    rig.out().delete(channel).unwrap();
    assert_eq!(rig.sent(), to_relay::number_command(Command::Delete, 3));
    assert!(rig.hears(to_endpoint::user_gone(3, 9, 0)).is_empty());
}

#[test]
fn a_channel_that_asks_can_be_deleted_before_it_opens_and_is_lost_with_the_connection() {
    let mut rig = new();
    let channels = ["a", "b"].map(|name| {
        let channel = rig.out().create(name, CHUNKS).unwrap();
        rig.out().set_most_users(channel, 5).unwrap();
        channel
    });
    rig.sent();
    rig.says(to_endpoint::announcement(ASKS));
    rig.says([to_endpoint::success(tag_of(256, 1), 3), to_endpoint::success(tag_of(256, 2), 4)].concat());
    assert_eq!(rig.sent(), HELLO);
    rig.out().delete(channels[0]).unwrap();
    assert_eq!(rig.out().delete(channels[0]), Err(SendError::NotOpen));
    assert_eq!(rig.sent(), to_relay::number_command(Command::Delete, 3));
    rig.script.closed = true;
    let reason = Reason::LinkLost;
    let refused = Event::Refused { channel: Channel::Own(channels[1]), reason, words: &[] };
    assert_eq!(rig.lose().0, [Seen::Notice(refused)]);
}

#[test]
fn a_relay_that_cannot_ask_gets_no_channel_that_asks() {
    let existing = [Some(Capabilities::HELLO), Some(Capabilities::REMOVE_USER), None];
    for announced in existing {
        let mut rig = new();
        let channel = rig.out().create("door", CHUNKS).unwrap();
        rig.out().set_admission(channel, Admission::Closed).unwrap();
        rig.sent();
        if let Some(capabilities) = announced {
            rig.hears(to_endpoint::announcement(capabilities));
            rig.sent();
        }
        let reason = Reason::Unsupported;
        let refused = Event::Refused { channel: Channel::Own(channel), reason, words: &[] };
        assert_eq!(rig.hears(to_endpoint::success(tag_of(256, 1), 3)), [Seen::Notice(refused)]);
        assert_eq!(rig.sent(), to_relay::number_command(Command::Delete, 3));
        // nor one that begins to
        let open = rig.out().create("open", CHUNKS).unwrap();
        rig.sent();
        rig.hears(to_endpoint::success(tag_of(256, 2), 4));
        assert_eq!(rig.out().set_admission(open, Admission::Ask), Err(SendError::Unsupported));
        assert_eq!(rig.out().set_admission(open, Admission::Open), Ok(()));
        assert_eq!(rig.out().set_most_users(open, 9), Err(SendError::Unsupported));
    }
}

#[test]
fn that_a_channel_cannot_ask_comes_again_as_it_was() {
    let mut rig = new();
    let channel = rig.out().create("door", CHUNKS).unwrap();
    rig.out().set_admission(channel, Admission::Ask).unwrap();
    rig.says(to_endpoint::success(tag_of(256, 1), 3));
    let mut seen = Vec::new();
    for flow in [Flow::Again, Flow::Again, Flow::Continue] {
        rig.poll_once(|event, _| {
            seen.push(Seen::from(event));
            flow
        })
        .unwrap();
    }
    let refused = Event::Refused { channel: Channel::Own(channel), reason: Reason::Unsupported, words: &[] };
    assert_eq!(seen, [const { 0 }; 3].map(|_| Seen::Notice(refused)));
}

#[test]
fn who_knocks_while_all_slots_are_taken_is_refused() {
    let mut rig = greeted();
    let channel = asking(&mut rig);
    let all: Vec<u8> = (1..=5).flat_map(|user| knock(3, user, user, "x")).collect();
    assert_eq!(rig.hears(all).len(), 4);
    assert_eq!(rig.sent(), refuse(3, 5, 5, 4, ""));
    assert_eq!(rig.out().enter("e", CHUNKS), Err(SendError::TooManyParties));
    rig.out().refuse(channel, User::new(1), "").unwrap();
    rig.out().enter("e", CHUNKS).unwrap();
}

#[test]
fn knocks_end_with_the_connection_without_a_word() {
    let mut rig = greeted();
    let channel = asking(&mut rig);
    rig.hears(knock(3, 1, 11, "x"));
    rig.says(knock(3, 2, 22, "y"));
    rig.poll_once(|_, _| Flow::Again).unwrap();
    rig.script.closed = true;
    let mut seen = Vec::new();
    while rig
        .poll_once(|event, _| {
            let is_knock = matches!(event, Event::Knock { .. });
            seen.push(Seen::from(event));
            if is_knock { Flow::Again } else { Flow::Continue }
        })
        .is_ok()
    {}
    let closed = Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost };
    let [knocks @ .., Seen::Notice(Event::LinkLost { .. }), Seen::Notice(last)] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(*last, closed);
    assert!(knocks.iter().all(|seen| matches!(seen, Seen::Knock(..))), "{seen:?}");
    rig.script.closed = false;
    assert!(rig.poll().is_empty());
    assert_eq!(rig.out().admit(channel, User::new(1)), Err(SendError::NotOpen));
}

#[test]
fn a_ring_without_room_keeps_the_question_open() {
    let mut rig: Rig<LinkBuffers<64, 4, 1, 259, 512, 256>> = Rig::new(Link::new());
    rig.hears([&to_endpoint::announcement(ASKS)[..], &hello_of_relay()].concat());
    let channel = rig.own(3, CHUNKS);
    rig.out().set_admission(channel, Admission::Ask).unwrap();
    rig.hears(knock(3, 1, 11, "x"));
    rig.script.room = 0;
    let words = "n".repeat(200);
    let long = "n".repeat(201);
    let user = User::new(1);
    assert_eq!(rig.out().refuse(channel, user, &long), Err(SendError::WordsTooLong { len: 201 }));
    rig.out().send(Channel::Own(channel), &[0; 60]).unwrap();
    assert_eq!(rig.out().refuse(channel, user, &words), Err(SendError::WouldBlock));
    rig.script.room = usize::MAX;
    rig.sent();
    rig.out().refuse(channel, user, &words).unwrap();
    assert_eq!(rig.sent(), refuse(3, 1, 11, 7, &words));
}

/// What is sent to a user before it is let in would be lost.
#[test]
fn nothing_overtakes_the_answer_to_a_knock() {
    for free in 0..12 {
        let mut rig = greeted();
        let channel = rig.own(3, CHUNKS);
        let other = User::new(8);
        assert_eq!(rig.hears(knock(3, 8, 1, "")), [entered(channel, 8)]);
        rig.sent();
        rig.hears(to_endpoint::grant_from_user(3, 8, 4000));
        rig.script.room = 0;
        // units of 5 to 68 bytes
        while rig.out().free() > free {
            let len = match rig.out().free() - free {
                74.. => 64,
                left @ 69.. => left / 2 - 4,
                left => left - 4,
            };
            rig.out().send((channel, other), &vec![1; len]).unwrap();
        }
        assert_eq!(rig.out().free(), free);
        let user = User::new(7);
        rig.says(knock(3, 7, 99, ""));
        rig.says(from_user(3, 7, &chunk(b"a")));
        let mut sends = |event: Event<'_>, out: &mut Out<'_>| match event {
            Event::UserEntered { channel, user } => out.send((channel, user), b"h"),
            _ => Ok(()),
        };
        rig.poll_once(&mut sends).unwrap();
        rig.script.room = usize::MAX;
        for _ in 0..3 {
            rig.poll_once(&mut sends).unwrap();
        }
        assert!(!rig.link.has_kept());
        let admit = to_relay::admit(3, 7, 99);
        let said = [&admit[..], to_relay::data_from_server(3, 7, 2).as_bytes(), &chunk(b"h")].concat();
        assert!(rig.script.outgoing.ends_with(&said), "{free}");
        assert_eq!(rig.out().window((channel, user)), Some(98));
    }
}

/// A user that knocks is not let in before the end of the earlier one has been told.
#[test]
fn a_knock_with_the_number_of_an_earlier_user_waits() {
    for (admission, words) in
        [(None, ""), (None, "x"), (Some(Admission::Open), "x"), (Some(Admission::Ask), "x")]
    {
        let mut rig = crate::windows::rig();
        rig.hears(to_endpoint::announcement(Capabilities::HELLO.with(Capabilities::REMOVE_USER)));
        let channel = rig.own(3, CHUNKS);
        let user = rig.user(channel, 3, 7);
        if let Some(admission) = admission {
            rig.out().set_admission(channel, admission).unwrap();
        }
        rig.says(from_user(3, 7, &chunk(b"a")));
        rig.says(to_endpoint::user_gone(3, 7, 0));
        rig.says(to_endpoint::knock(3, 7, 99, true, 200, words.len()).unwrap());
        rig.says(words);
        let says = |bytes: &[u8]| Seen::Chunk(Source::User { channel, user }, bytes.to_vec());
        for _ in 0..3 {
            rig.poll_once(|event, _| {
                assert_eq!(Seen::from(event), says(b"a"));
                Flow::Again
            })
            .unwrap();
            assert!(!rig.link.has_more(), "the loop does not sleep");
        }
        assert!(rig.script.outgoing.is_empty(), "let in");
        let mut seen = Vec::new();
        rig.link.set_event_limit(NonZero::new(1));
        rig.poll_once(|event, _| seen.push(event.into())).unwrap();
        awake(&mut rig, |event, _| seen.push(event));
        let gone = Seen::Notice(Event::UserGone { channel, user, reason: Reason::OnPurpose });
        if admission == Some(Admission::Ask) {
            assert_eq!(seen, [says(b"a"), gone, Seen::Knock(channel, user, words.into())]);
            continue;
        }
        assert_eq!(seen, [says(b"a"), gone, Seen::Notice(Event::UserEntered { channel, user })]);
        assert_eq!(rig.out().window((channel, user)), Some(200));
        assert_eq!(rig.sent(), to_relay::admit(3, 7, 99));
    }
}
