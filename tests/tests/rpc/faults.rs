//! Calls that are not right: nothing is called, the fault says who and why, and what comes behind
//! is not disturbed.

use peote_net::link::{Event, Flow, SendError, Source};
use peote_net::rpc::{Context, Error, Fault, Message, Remote, Violation, remote};
use peote_net::value::{DecodeError, List};
use proptest::prelude::*;

use crate::calls::{Log, Recorded, SpeakerCaller};
use crate::peer::{Peer as _, poll, server};

/// Sends chunks to a server with object 0, and says what was called and what was wrong.
fn send(chunks: &[&[u8]]) -> (Vec<String>, Vec<Violation>) {
    let (mut link, mut relay) = server();
    let (mut log, mut violations) = (Log::default(), Vec::new());
    for chunk in chunks {
        relay.chunk_of_user(chunk);
    }
    poll(&mut link, &mut relay, |event, out| {
        let Event::Rpc { from, bytes } = event else { return Ok(Flow::Continue) };
        let Message::Call(call) = Message::read(from, bytes) else { return Ok(Flow::Continue) };
        let answer = match call.object() {
            0 => Recorded::dispatch(&mut log, &call, out),
            _ => Err(call.unknown_object()),
        };
        if let Err(Error::Violation(violation)) = answer {
            assert_eq!(violation.from, from);
            violations.push(violation);
        }
        answer.or_else(Error::pass_over)
    });
    (log.0, violations)
}

// §8.2-violations
#[test]
fn every_fault_is_found_and_the_next_call_is_made() {
    let end = |needed, left| Fault::Arguments(DecodeError::End { needed, left });
    let flooded = |bytes| Fault::Arguments(DecodeError::LeftOver { bytes });
    for (chunk, cause) in [
        (&[1, 0][..], Fault::UnknownObject),
        (&[255, 255, 1, 2, 3], Fault::UnknownObject),
        (&[0, 7], Fault::UnknownProcedure),
        (&[0, 255, 0], Fault::UnknownProcedure),
        // hello()
        (&[0, 0, 0], flooded(1)),
        // message(string, i32)
        (&[0, 1], Fault::Arguments(DecodeError::End { needed: 1, left: 0 })),
        (&[0, 1, 5, b'a'], end(5, 1)),
        (&[0, 1, 1, b'a', 1, 2, 3], end(4, 3)),
        (&[0, 1, 1, b'a', 1, 2, 3, 4, 5], flooded(1)),
        (&[0, 1, 1, 0xff, 1, 2, 3, 4], Fault::Arguments(DecodeError::Utf8)),
        (&[0, 1, 0x81, 0, b'a', 1, 2, 3, 4], Fault::Arguments(DecodeError::OverlongLength)),
        (&[0, 1, 0xff, 0xff, 0xff, 0xff, b'a'], end(536_870_911, 1)),
        // scalars(): one byte short
        (&[0, 2, 1, 200, 255, 255, 0, 128, 0, 0, 0, 128, 0, 0, 192, 63, 0, 0, 0, 0, 0, 0, 0], end(8, 7)),
        // blobs()
        (&[0, 3, 0], end(1, 0)),
        // lists(): the second length of the nested list is a lie
        (&[0, 4, 0, 0, 0, 2, 0, 0xff, 0xff, 0xff, 0x7f], end(1_073_741_820, 0)),
        (&[0, 4, 0xff, 0xff, 0xff, 0xff], end(2_147_483_644, 0)),
        // maps(): a key without a value
        (&[0, 5, 1, 1, b'k'], end(5, 2)),
    ] {
        let (called, violations) = send(&[chunk, &[0, 0]]);
        assert_eq!(called, ["hello"], "{chunk:?}");
        assert_eq!(violations.len(), 1, "{chunk:?}");
        let Violation { from, object, procedure, cause: found } = violations[0];
        assert_eq!((object, procedure), (chunk[0], chunk[1]), "{chunk:?}");
        assert!(matches!(from, Source::User { .. }));
        match (found, cause) {
            // how many bytes are needed depends on the order of reading
            (Fault::Arguments(DecodeError::End { .. }), Fault::Arguments(DecodeError::End { .. })) => {}
            _ => assert_eq!(found, cause, "{chunk:?}"),
        }
    }
}

#[test]
fn a_fault_says_what_it_is() {
    let (_, violations) = send(&[&[0, 0, 9, 9]]);
    assert_eq!(
        violations[0].to_string(),
        "user 0 of own channel 0 called procedure 0 of object 0: the arguments are wrong: 2 bytes are left behind the last value"
    );
}

/// Answers what it is asked, and counts.
#[remote]
trait Answering {
    fn answer(&mut self, context: &mut Context<'_>, text: &str) -> Result<(), SendError>;
    fn stop(&self) -> Flow;
    fn fail(&mut self) -> Result<Flow, SendError>;
    fn sum(&mut self, context: &mut Context<'_>, numbers: List<'_, i32>);
}

#[derive(Default)]
struct Counter {
    tried: u32,
    answered: u32,
}

impl Answering for Counter {
    fn answer(&mut self, context: &mut Context<'_>, text: &str) -> Result<(), SendError> {
        self.tried += 1;
        assert_eq!(context.object(), 5);
        SpeakerCaller::new(Remote::assume(context.from(), 3)).say(context.out(), text)?;
        self.answered += 1;
        Ok(())
    }
    fn stop(&self) -> Flow {
        Flow::Again
    }
    fn fail(&mut self) -> Result<Flow, SendError> {
        Err(SendError::NotOpen)
    }
    fn sum(&mut self, _: &mut Context<'_>, numbers: List<'_, i32>) {
        self.answered += u32::try_from(numbers.iter().sum::<i32>()).unwrap();
    }
}

#[test]
fn a_call_whose_answer_does_not_fit_is_made_again_and_nothing_is_lost() {
    let (mut link, mut relay) = server();
    let mut counter = Counter::default();
    let text = "x".repeat(10_000);
    let mut call = vec![5, 0, 0x90, 0x4e];
    call.extend(text.bytes());
    // more than the ring and a slot keep
    for _ in 0..12 {
        relay.chunk_of_user(&call);
    }
    let mut answer = |event: Event<'_>, out: &mut peote_net::link::Out<'_>| match event {
        Event::Rpc { from, bytes } => match Message::read(from, bytes) {
            Message::Call(call) => counter.dispatch(&call, out).or_else(Error::pass_over),
            Message::Offer(_) => panic!("nothing was offered"),
        },
        _ => Ok(Flow::Continue),
    };
    relay.room = 0;
    for _ in 0..200 {
        link.poll(&mut relay, peote_net::time::Instant::ZERO, &mut answer).unwrap();
    }
    assert!(!link.wants_read(), "the fourth answer does not fit, so the link reads no further");
    relay.room = usize::MAX;
    poll(&mut link, &mut relay, &mut answer);
    link.poll(&mut relay, peote_net::time::Instant::ZERO, &mut answer).unwrap();
    let said = relay.chunks_sent();
    assert_eq!(said.len(), 12);
    assert!(said.iter().all(|chunk| chunk.len() == 10_004 && chunk[..2] == [3, 0]));
    assert_eq!(counter.answered, 12);
    assert!(counter.tried > 12, "some were called more than once");
}

#[test]
fn what_a_procedure_returns_reaches_the_handler() {
    let (mut link, mut relay) = server();
    let mut counter = Counter::default();
    relay.chunk_of_user(&[5, 1]);
    relay.chunk_of_user(&[5, 2]);
    relay.chunk_of_user(&[5, 3, 2, 1, 0, 0, 0, 2, 0, 0, 0]);
    let mut answers = Vec::new();
    poll(&mut link, &mut relay, |event, out| {
        if let Event::Rpc { from, bytes } = event
            && let Message::Call(call) = Message::read(from, bytes)
        {
            answers.push(counter.dispatch(&call, out));
        }
    });
    assert_eq!(answers, [Ok(Flow::Again), Err(Error::Send(SendError::NotOpen)), Ok(Flow::Continue)]);
    assert_eq!(counter.answered, 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever chunks come, each is an offer, a call, or a violation.
    #[test]
    fn any_bytes_are_called_or_refused(
        chunks in proptest::collection::vec(proptest::collection::vec(prop_oneof![0u8..8, any::<u8>()], 1..60), 1..40)
    ) {
        let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let (called, violations) = send(&slices);
        let calls = chunks.iter().filter(|chunk| chunk.len() > 1).count();
        prop_assert_eq!(called.len() + violations.len(), calls);
    }

    #[test]
    fn the_target_for_fuzzing_takes_anything(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        peote_net_models::rpc::check(&bytes);
    }
}
