//! Calls with answers: the bytes at both ends, answers that come late or never, and what ends a
//! call.

use peote_net::link::{Flow, Mode, OwnChannel, SendError, Source, User};
use peote_net::protocol::to_endpoint;
use peote_net::rpc::{
    ANSWERS, CallId, Calls, Cancelled, End, Ended, Heard, INTERFACES, Remote, Ticket, Violation, remote,
};
use peote_net::time::Instant;
use peote_net::value::List;

use crate::peer::{Peer as _, Relay, TestLink, poll, server};

#[remote]
trait Desk {
    fn note(&mut self, text: &str);
    fn degrees(&self, sensor: u8) -> f32;
    fn divide(&mut self, a: i32, b: i32) -> Result<i32, heapless::String<16>>;
    fn name(&self) -> &str;
    fn slow(&mut self, ticket: Ticket<u16>, what: u8);
    fn held(&mut self, full: bool) -> Result<u8, SendError>;
    fn long(&self, len: u16) -> List<'_, u8>;
    fn done(&mut self, ticket: Ticket<()>) -> Result<(), SendError>;
}

#[derive(Default)]
struct Clerk {
    called: Vec<String>,
    tickets: Vec<Ticket<u16>>,
    zeros: Vec<u8>,
}

impl Desk for Clerk {
    fn note(&mut self, text: &str) {
        self.called.push(format!("note {text}"));
    }
    fn degrees(&self, sensor: u8) -> f32 {
        f32::from(sensor) + 0.5
    }
    fn divide(&mut self, a: i32, b: i32) -> Result<i32, heapless::String<16>> {
        self.called.push(format!("divide {a} {b}"));
        a.checked_div(b).ok_or_else(|| "by zero".try_into().unwrap())
    }
    fn name(&self) -> &'static str {
        "clerk"
    }
    fn slow(&mut self, ticket: Ticket<u16>, what: u8) {
        self.called.push(format!("slow {what}"));
        self.tickets.push(ticket);
    }
    fn held(&mut self, full: bool) -> Result<u8, SendError> {
        self.called.push(format!("held {full}"));
        if full { Err(SendError::WouldBlock) } else { Ok(7) }
    }
    fn long(&self, len: u16) -> List<'_, u8> {
        List::from(&self.zeros[..usize::from(len)])
    }
    fn done(&mut self, ticket: Ticket<()>) -> Result<(), SendError> {
        self.called.push("done".into());
        let _ = ticket;
        Ok(())
    }
}

/// What a handler that answers says to a message of user 0, and what it made of it.
fn ask(clerk: &mut Clerk, message: &[u8]) -> (Vec<Vec<u8>>, Result<Flow, peote_net::rpc::Error>) {
    let (mut link, mut relay) = server();
    relay.chunk_of_user(message);
    let result = serve(&mut link, &mut relay, clerk);
    (relay.chunks_sent(), result.expect("the message came"))
}

type Dispatched = Option<Result<Flow, peote_net::rpc::Error>>;

fn serve(link: &mut TestLink, relay: &mut Relay, clerk: &mut Clerk) -> Dispatched {
    let (mut calls, mut result) = (Calls::<1>::new(&[], &[]), None);
    poll(link, relay, |event, out| match calls.handle(event, out).unwrap() {
        Heard::Call(call) => {
            result = Some(clerk.dispatch(&call, out));
            result.unwrap().or_else(peote_net::rpc::Error::pass_over)
        }
        other => panic!("{other:?}"),
    });
    result
}

/// PROTOCOL.md, section 8.4: `255, 0, call, value as a byte string`.
// §8.4-procedures
#[test]
fn a_value_that_is_returned_is_the_answer() {
    let mut clerk = Clerk::default();
    // degrees(3) = 3.5
    let (sent, result) = ask(&mut clerk, &[0, 1, 9, 8, 7, 6, 3]);
    assert_eq!((sent, result), (vec![vec![255, 0, 9, 8, 7, 6, 4, 0, 0, 0x60, 0x40]], Ok(Flow::Continue)));
    // divide(7, 2) = Ok(3); divide(7, 0) = Err("by zero")
    let (sent, _) = ask(&mut clerk, &[0, 2, 1, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(sent, [[255, 0, 1, 0, 0, 0, 5, 1, 3, 0, 0, 0]]);
    let (sent, _) = ask(&mut clerk, &[0, 2, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(sent, [b"\xff\x00\x02\x00\x00\x00\x09\x00\x07by zero"]);
    // name() = "clerk"; held(false) = 7
    let (sent, _) = ask(&mut clerk, &[0, 3, 0, 0, 0, 0]);
    assert_eq!(sent, [b"\xff\x00\x00\x00\x00\x00\x06\x05clerk"]);
    let (sent, _) = ask(&mut clerk, &[0, 5, 3, 0, 0, 0, 0]);
    assert_eq!(sent, [[255, 0, 3, 0, 0, 0, 1, 7]]);
}

/// Nothing is called, and the caller need not wait for its deadline.
#[test]
fn wrong_arguments_are_told_to_both() {
    for message in [&[0, 1, 9, 0, 0, 0][..], &[0, 1, 9, 0, 0, 0, 3, 3], &[0, 4, 9, 0, 0, 0]] {
        let (sent, result) = ask(&mut Clerk::default(), message);
        assert_eq!(sent, [[255, 1, 9, 0, 0, 0, 2]], "{message:?}");
        assert!(matches!(result, Err(peote_net::rpc::Error::Violation(_))), "{result:?}");
    }
    // without a whole number there is nobody to tell
    let (sent, result) = ask(&mut Clerk::default(), &[0, 1, 9, 0, 0]);
    assert!(sent.is_empty());
    assert!(matches!(result, Err(peote_net::rpc::Error::Violation(_))), "{result:?}");
}

#[test]
fn a_procedure_that_wants_to_be_called_again_has_not_answered() {
    let (mut link, mut relay) = server();
    relay.chunk_of_user(&[0, 5, 3, 0, 0, 0, 1]);
    let mut clerk = Clerk::default();
    let mut calls = Calls::<1>::new(&[], &[]);
    for _ in 0..2 {
        link.poll(&mut relay, Instant::ZERO, |event, out| match calls.handle(event, out)? {
            Heard::Call(call) => clerk.dispatch(&call, out).or_else(peote_net::rpc::Error::pass_over),
            other => panic!("{other:?}"),
        })
        .unwrap();
    }
    assert_eq!(clerk.called, ["held true", "held true"]);
    assert!(relay.chunks_sent().is_empty());
}

/// The transmit ring has room for less than the answer: the procedure has to wait, or it would be
/// called twice.
#[test]
fn a_procedure_is_called_once_when_there_is_room_for_its_answer() {
    let (mut link, mut relay) = server();
    let mut clerk = Clerk { zeros: vec![0; 20_000], ..Clerk::default() };
    relay.room = 0;
    let filler = vec![1u8; 32_760];
    let user = Remote::assume((own_channel(), User::new(0)), 1);
    while link.out().free() > 30 {
        let len = (link.out().free() - 16).min(filler.len());
        user.call(&mut link.out(), 1, &(&filler[..len],)).unwrap();
    }
    relay.chunk_of_user(&[0, 2, 1, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0]);
    let mut serve = |link: &mut TestLink, relay: &mut Relay| {
        let mut calls = Calls::<1>::new(&[], &[]);
        link.poll(relay, Instant::ZERO, |event, out| match calls.handle(event, out)? {
            Heard::Call(call) => clerk.dispatch(&call, out).or_else(peote_net::rpc::Error::pass_over),
            other => panic!("{other:?}"),
        })
        .unwrap();
        clerk.called.len()
    };
    assert_eq!((serve(&mut link, &mut relay), serve(&mut link, &mut relay)), (0, 0));
    relay.room = usize::MAX;
    for _ in 0..4 {
        serve(&mut link, &mut relay);
    }
    assert_eq!(clerk.called, ["divide 7 2"]);
    assert_eq!(relay.chunks_sent().last().unwrap()[..], [255, 0, 1, 0, 0, 0, 5, 1, 3, 0, 0, 0]);
}

/// The user's window (section 11 of PROTOCOL.md) has room for one answer, and not for the most that
/// a second one could take: it is called when there is a grant, once.
#[test]
fn a_procedure_is_called_once_when_the_window_of_its_caller_has_room() {
    let (mut link, mut relay) = (Box::new(TestLink::new()), Relay::default());
    link.out().create("rpc", Mode::RPC).unwrap();
    relay.incoming.extend([0, 4, 0, 255, 0x50, 4]); // announcement: knows hello
    relay.incoming.extend(to_endpoint::success(1, 0));
    relay.incoming.extend(to_endpoint::user_entered(0, 0));
    relay.incoming.extend([0, 5, 0, 3, 1, 1, 1]); // hello: takes part
    relay.incoming.extend(to_endpoint::raised(true, 0, 0, 40, 1000));
    poll(&mut link, &mut relay, |_, _| ());
    relay.outgoing.clear();
    for call in 1..=2 {
        relay.chunk_of_user(&[0, 2, call, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0]);
    }
    let mut clerk = Clerk::default();
    let mut serve = |link: &mut TestLink, relay: &mut Relay| {
        let mut calls = Calls::<1>::new(&[], &[]);
        for _ in 0..4 {
            link.poll(relay, Instant::ZERO, |event, out| match calls.handle(event, out)? {
                Heard::Call(call) => clerk.dispatch(&call, out).or_else(peote_net::rpc::Error::pass_over),
                other => panic!("{other:?}"),
            })
            .unwrap();
        }
        (clerk.called.len(), relay.chunks_sent())
    };
    let answer = |call| vec![255, 0, call, 0, 0, 0, 5, 1, 3, 0, 0, 0];
    assert_eq!(serve(&mut link, &mut relay), (1, vec![answer(1)]));
    relay.incoming.extend(to_endpoint::grant_from_user(0, 0, 13));
    assert_eq!(serve(&mut link, &mut relay), (2, vec![answer(2)]));
}

/// An answer beyond the channel's chunks cannot be sent however long one waits.
#[test]
fn an_answer_that_is_too_long_is_told() {
    let mut clerk = Clerk { zeros: vec![0; 40_000], ..Clerk::default() };
    let (sent, result) = ask(&mut clerk, &[0, 6, 5, 0, 0, 0, 0x40, 0x9c]);
    assert_eq!((sent, result), (vec![vec![255, 1, 5, 0, 0, 0, 1]], Ok(Flow::Continue)));
    let (sent, _) = ask(&mut clerk, &[0, 6, 5, 0, 0, 0, 2, 0]);
    assert_eq!(sent, [[255, 0, 5, 0, 0, 0, 3, 2, 0, 0]]);
}

#[test]
fn a_ticket_answers_later_or_refuses_and_can_be_cancelled() {
    let (mut link, mut relay) = server();
    let (mut clerk, mut calls, mut cancelled) = (Clerk::default(), Calls::<1>::new(&[], &[]), None);
    relay.chunk_of_user(&[0, 4, 1, 0, 0, 0, 50]);
    relay.chunk_of_user(&[0, 4, 2, 0, 0, 0, 51]);
    relay.chunk_of_user(&[0, 4, 3, 0, 0, 0, 52]);
    relay.chunk_of_user(&[255, 2, 2, 0, 0, 0]);
    poll(&mut link, &mut relay, |event, out| match calls.handle(event, out)? {
        Heard::Call(call) => clerk.dispatch(&call, out).or_else(peote_net::rpc::Error::pass_over),
        Heard::Cancelled(call) => {
            cancelled = Some(call);
            Ok(Flow::Continue)
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(clerk.called, ["slow 50", "slow 51", "slow 52"]);
    let [first, second, third] = clerk.tickets[..] else { panic!("{:?}", clerk.tickets) };
    let cancelled: Cancelled = cancelled.unwrap();
    assert_eq!([first, second, third].map(|ticket| cancelled.is(ticket)), [false, true, false]);
    third.refuse(&mut link.out()).unwrap();
    first.answer(&mut link.out(), &0x1234u16).unwrap();
    poll(&mut link, &mut relay, |_, _| ());
    assert_eq!(relay.chunks_sent(), [&[255, 1, 3, 0, 0, 0, 0][..], &[255, 0, 1, 0, 0, 0, 2, 0x34, 0x12]]);
}

// ---- the end that calls

type Caller = Calls<4, 2, 4>;

/// The first own channel of a link, which has the same handle on each new link.
fn own_channel() -> OwnChannel {
    TestLink::new().out().create("rpc", Mode::RPC).unwrap()
}

/// A server whose user 0 answers, and the object that it has offered.
fn asking() -> (Box<TestLink>, Relay, Caller, DeskCaller) {
    let (mut link, mut relay) = (Box::new(TestLink::new()), Relay::default());
    let mut calls = Caller::new(&[], &[]);
    link.out().create("rpc", Mode::RPC).unwrap();
    relay.incoming.extend(to_endpoint::success(1, 0));
    relay.incoming.extend(to_endpoint::user_entered(0, 0));
    relay.chunk_of_user(&[ANSWERS]);
    relay.chunk_of_user(&[0]);
    let mut offered = None;
    poll(&mut link, &mut relay, |event, out| {
        if let Heard::Offer(remote) = calls.handle(event, out)? {
            offered = Some(remote);
        }
        Ok(())
    });
    assert_eq!(relay.chunks_sent(), [[INTERFACES], [ANSWERS]]);
    (link, relay, calls, DeskCaller::new(offered.unwrap()))
}

/// What comes of a message of user 0.
fn heard<T>(
    link: &mut TestLink,
    relay: &mut Relay,
    calls: &mut Caller,
    message: &[u8],
    read: impl Fn(Heard<'_>) -> T,
) -> T {
    relay.chunk_of_user(message);
    let mut heard = None;
    poll(link, relay, |event, out| {
        heard = Some(read(calls.handle(event, out)?));
        Ok(())
    });
    heard.unwrap()
}

// §8.4-any-order
#[test]
fn answers_come_with_the_call_that_they_are_to() {
    let (mut link, mut relay, mut calls, desk) = asking();
    let degrees = desk.degrees(&mut link.out(), &mut calls, 3).unwrap();
    let name: CallId<&'static str> = desk.name(&mut link.out(), &mut calls).unwrap();
    let divide = desk.divide(&mut link.out(), &mut calls, 7, 0).unwrap();
    assert_eq!(calls.open_calls(), 3);
    poll(&mut link, &mut relay, |_, _| ());
    assert_eq!(
        relay.chunks_sent(),
        [&[0, 1, 0, 0, 0, 0, 3][..], &[0, 3, 1, 0, 0, 0], &[0, 2, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0],]
    );
    // not in order
    let answer = b"\xff\x00\x01\x00\x00\x00\x06\x05clerk";
    heard(&mut link, &mut relay, &mut calls, answer, |heard| {
        let Heard::Answer(answer) = heard else { panic!("{heard:?}") };
        assert!(answer.is(name) && !answer.is(degrees));
        assert_eq!(answer.value(), Ok("clerk"));
    });
    let answer = [255, 0, 0, 0, 0, 0, 4, 0, 0, 0x60, 0x40];
    let twice = heard(&mut link, &mut relay, &mut calls, &answer, |heard| {
        let Heard::Answer(answer) = heard else { panic!("{heard:?}") };
        assert!(answer.to(divide).is_none());
        answer.to(degrees)
    });
    assert_eq!(twice, Some(Ok(3.5)));
    // §8.4-any-order: nobody waits for it any more
    heard(&mut link, &mut relay, &mut calls, &answer, |heard| assert_eq!(heard, Heard::Nothing));
    assert_eq!(calls.open_calls(), 1);
    let answer = b"\xff\x00\x02\x00\x00\x00\x09\x00\x07by zero";
    let error = heard(&mut link, &mut relay, &mut calls, answer, |heard| match heard {
        Heard::Answer(answer) => answer.to(divide),
        other => panic!("{other:?}"),
    });
    assert_eq!(error, Some(Ok(Err("by zero".try_into().unwrap()))));
    assert_eq!(calls.open_calls(), 0);
}

// §8.4-not-before
#[test]
fn a_peer_that_cannot_answer_is_not_asked() {
    let (mut link, mut relay) = server();
    let mut calls = Caller::new(&[], &[]);
    let mut offered = None;
    relay.chunk_of_user(&[0]);
    poll(&mut link, &mut relay, |event, out| {
        if let Heard::Offer(remote) = calls.handle(event, out)? {
            offered = Some(remote);
        }
        Ok(())
    });
    let remote = offered.unwrap();
    assert!(!remote.answers());
    for remote in [remote, Remote::assume(remote.destination(), 0)] {
        let call = DeskCaller::new(remote).degrees(&mut link.out(), &mut calls, 3);
        assert_eq!(call, Err(SendError::NoAnswers));
    }
    // procedures without an answer are called as ever
    DeskCaller::new(remote).note(&mut link.out(), "x").unwrap();
    poll(&mut link, &mut relay, |_, _| ());
    assert_eq!(relay.chunks_sent(), [[0, 0, 1, b'x']]);
    assert_eq!(calls.open_calls(), 0);
}

#[test]
fn as_many_calls_are_open_as_there_is_room_for() {
    let (mut link, mut relay, mut calls, desk) = asking();
    let open: Vec<_> =
        (0..4).map(|n| desk.degrees(&mut link.out(), &mut calls, n).unwrap().number()).collect();
    assert_eq!(open, [0, 1, 2, 3]);
    assert_eq!(desk.degrees(&mut link.out(), &mut calls, 0), Err(SendError::TooManyCalls));
    // the third one is answered: its slot is the next one's, with a number of its own
    let answer = [255, 0, 2, 0, 0, 0, 4, 0, 0, 0, 0];
    heard(&mut link, &mut relay, &mut calls, &answer, |heard| assert!(matches!(heard, Heard::Answer(_))));
    assert_eq!(desk.degrees(&mut link.out(), &mut calls, 0).unwrap().number(), 6);
}

/// What cannot be sent is not open.
#[test]
fn a_call_that_is_not_sent_takes_no_room() {
    let (mut link, mut relay, mut calls, desk) = asking();
    relay.room = 0;
    let mut sent = 0;
    loop {
        match desk.name(&mut link.out(), &mut calls) {
            Ok(call) => {
                sent += 1;
                calls.cancel(call, &mut link.out()).unwrap_or(());
            }
            Err(error) => {
                assert_eq!(error, SendError::WouldBlock);
                break;
            }
        }
        assert_eq!(calls.open_calls(), 0);
    }
    assert!(sent > 100);
}

#[test]
fn deadlines_end_calls_and_say_when() {
    let (mut link, _, mut calls, desk) = asking();
    assert_eq!(calls.next_deadline(), None);
    let [a, b, c] = [30, 10, 20].map(|at| {
        let call = desk.degrees(&mut link.out(), &mut calls, 0).unwrap();
        calls.set_deadline(call, Instant::from_millis(at));
        call
    });
    let never = desk.degrees(&mut link.out(), &mut calls, 0).unwrap();
    assert_eq!(calls.next_deadline(), Some(Instant::from_millis(10)));
    assert_eq!(calls.next_ended(Instant::from_millis(9)), None);
    let ended: Vec<Ended> = std::iter::from_fn(|| calls.next_ended(Instant::from_millis(20))).collect();
    assert!(ended.iter().all(|ended| ended.why == End::Deadline));
    assert!(
        ended.len() == 2 && ended.iter().any(|ended| ended.is(b)) && ended.iter().any(|ended| ended.is(c))
    );
    assert_eq!(calls.next_deadline(), Some(Instant::from_millis(30)));
    assert!(calls.next_ended(Instant::from_millis(1000)).is_some_and(|ended| ended.is(a)));
    assert_eq!((calls.next_ended(Instant::from_millis(1000)), calls.next_deadline()), (None, None));
    assert_eq!(calls.open_calls(), 1);
    calls.cancel(never, &mut link.out()).unwrap();
    assert_eq!(calls.open_calls(), 0);
}

#[test]
fn a_cancelled_call_is_told_and_its_answer_passed_over() {
    let (mut link, mut relay, mut calls, desk) = asking();
    let call = desk.degrees(&mut link.out(), &mut calls, 3).unwrap();
    calls.cancel(call, &mut link.out()).unwrap();
    calls.cancel(call, &mut link.out()).unwrap();
    poll(&mut link, &mut relay, |_, _| ());
    assert_eq!(relay.chunks_sent(), [&[0, 1, 0, 0, 0, 0, 3][..], &[255, 2, 0, 0, 0, 0]]);
    let answer = [255, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    heard(&mut link, &mut relay, &mut calls, &answer, |heard| assert_eq!(heard, Heard::Nothing));
}

#[test]
fn refusals_come_at_once() {
    let (mut link, mut relay, mut calls, desk) = asking();
    for (code, why) in [(0, End::Refused), (1, End::TooLong), (2, End::WrongArguments), (99, End::Refused)] {
        let call = desk.degrees(&mut link.out(), &mut calls, 3).unwrap();
        let [a, b, c, d] = call.number().to_le_bytes();
        heard(&mut link, &mut relay, &mut calls, &[255, 1, a, b, c, d, code], |heard| {
            let Heard::Ended(ended) = heard else { panic!("{heard:?}") };
            assert!(ended.is(call) && ended.why == why);
        });
    }
    assert_eq!(calls.open_calls(), 0);
}

#[test]
fn nonsense_for_the_object_for_answers_is_a_violation() {
    let (mut link, mut relay, mut calls, desk) = asking();
    desk.degrees(&mut link.out(), &mut calls, 3).unwrap();
    let messages = [
        &[255, 0][..],
        &[255, 0, 0, 0, 0, 0],
        &[255, 0, 0, 0, 0, 0, 1],
        &[255, 0, 0, 0, 0, 0, 0, 0],
        &[255, 1, 0, 0, 0, 0],
        &[255, 2, 0],
        &[255, 3],
        &[254, 0],
        &[254, 1],
    ];
    for message in messages {
        heard(&mut link, &mut relay, &mut calls, message, |heard| {
            assert!(matches!(heard, Heard::Violation(Violation { .. })), "{message:?}: {heard:?}");
        });
    }
    assert_eq!(calls.open_calls(), 1, "nothing of it has ended the call");
}

#[test]
fn the_loss_of_a_user_or_of_the_link_ends_its_calls() {
    let (mut link, mut relay, mut calls, desk) = asking();
    let call = desk.degrees(&mut link.out(), &mut calls, 3).unwrap();
    relay.incoming.extend(to_endpoint::user_gone(0, 0, 1));
    poll(&mut link, &mut relay, |event, out| calls.handle(event, out).map(drop));
    assert_eq!(calls.next_deadline(), Some(Instant::ZERO));
    let ended = calls.next_ended(Instant::ZERO).unwrap();
    assert!(ended.is(call) && ended.why == End::Lost);
    assert_eq!((calls.next_ended(Instant::ZERO), calls.open_calls()), (None, 0));
    // its offers are over as well
    let user = Source::User { channel: own_channel(), user: User::new(0) };
    assert!(calls.offers().remote(user, 0).is_err());

    let (mut link, mut relay, mut calls, desk) = asking();
    let open = [0; 3].map(|_| desk.degrees(&mut link.out(), &mut calls, 3).unwrap());
    relay.closed = true;
    link.poll(&mut relay, Instant::ZERO, |event, out| calls.handle(event, out).map(drop)).unwrap_err();
    let ended: Vec<Ended> = std::iter::from_fn(|| calls.next_ended(Instant::ZERO)).collect();
    assert_eq!(ended.len(), 3);
    assert!(open.iter().all(|call| ended.iter().any(|ended| ended.is(*call) && ended.why == End::Lost)));
}

/// Nothing tells of a channel that the program has left or deleted itself.
#[test]
fn calls_end_with_a_channel_that_the_program_deletes() {
    let (mut link, mut relay, mut calls, desk) = asking();
    let degrees = desk.degrees(&mut link.out(), &mut calls, 3).unwrap();
    poll(&mut link, &mut relay, |_, _| ());
    let answered = desk.degrees(&mut link.out(), &mut calls, 4).unwrap();
    heard(&mut link, &mut relay, &mut calls, &[255, 0, 1, 0, 0, 0, 4, 0, 0, 0x60, 0x40], |heard| {
        let Heard::Answer(answer) = heard else { panic!("{heard:?}") };
        assert!(answer.is(answered));
    });
    link.out().delete(own_channel()).unwrap();
    calls.left(own_channel());
    assert_eq!(calls.offers().all(0).count(), 0);
    let ended = calls.next_ended(Instant::ZERO).unwrap();
    assert!(ended.is(degrees));
    assert_eq!((calls.next_ended(Instant::ZERO), calls.open_calls()), (None, 0));
}

/// The handler that hears of an answer sends something, for which there is no room.
#[test]
fn an_answer_whose_event_is_kept_is_told_again() {
    let (mut link, mut relay, mut calls, desk) = asking();
    let degrees = desk.degrees(&mut link.out(), &mut calls, 3).unwrap();
    relay.chunk_of_user(&[255, 0, 0, 0, 0, 0, 4, 0, 0, 0x60, 0x40]);
    let mut told = Vec::new();
    for _ in 0..3 {
        poll(&mut link, &mut relay, |event, out| {
            if let Heard::Answer(answer) = calls.handle(event, out)? {
                told.push(answer.to(degrees));
            }
            if told.len() < 3 { Err(SendError::WouldBlock) } else { Ok(()) }
        });
    }
    assert_eq!(told, [Some(Ok(3.5)); 3]);
    assert_eq!((calls.open_calls(), calls.next_ended(Instant::ZERO)), (0, None));
}

/// The first one is kept, and the others come behind it: they are no answers to an open call.
#[test]
fn an_answer_that_is_said_twice_counts_once_also_while_its_event_is_kept() {
    let (mut link, mut relay, mut calls, desk) = asking();
    let degrees = desk.degrees(&mut link.out(), &mut calls, 3).unwrap();
    let answer = [255, 0, 0, 0, 0, 0, 4, 0, 0, 0x60, 0x40];
    for _ in 0..3 {
        relay.chunk_of_user(&answer);
    }
    let mut told = Vec::new();
    for round in 0..5 {
        poll(&mut link, &mut relay, |event, out| {
            told.push(match calls.handle(event, out)? {
                Heard::Answer(answer) => answer.to(degrees),
                heard => {
                    assert_eq!(heard, Heard::Nothing);
                    None
                }
            });
            if round < 2 { Err(SendError::WouldBlock) } else { Ok(()) }
        });
    }
    assert_eq!(told, [Some(Ok(3.5)), Some(Ok(3.5)), Some(Ok(3.5)), None, None]);
}

/// Another user's answer is not the answer.
#[test]
fn only_the_peer_that_was_asked_can_answer() {
    let (mut link, mut relay, mut calls, desk) = asking();
    desk.degrees(&mut link.out(), &mut calls, 3).unwrap();
    relay.incoming.extend(to_endpoint::user_entered(0, 1));
    let answer = [255, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    relay.incoming.extend(to_endpoint::data_for_server(0, 1, answer.len() + 1).as_bytes());
    relay.incoming.push_back(10); // the length field: 11 bytes
    relay.incoming.extend(answer);
    let mut passed_over = 0;
    poll(&mut link, &mut relay, |event, out| {
        passed_over += usize::from(calls.handle(event, out)? == Heard::Nothing);
        Ok(())
    });
    assert_eq!((passed_over, calls.open_calls()), (1, 1));
}

/// Numbers go on behind the last one.
#[test]
fn numbers_begin_anew() {
    let (mut link, mut relay, mut calls, desk) = asking();
    for n in 0..10_000u32 {
        let call = desk.degrees(&mut link.out(), &mut calls, 3).unwrap();
        assert_eq!(call.number(), n);
        let [a, b, c, d] = n.to_le_bytes();
        let answer = [255, 0, a, b, c, d, 4, 0, 0, 0, 0];
        heard(&mut link, &mut relay, &mut calls, &answer, |heard| assert!(matches!(heard, Heard::Answer(_))));
    }
}
