//! Sections 4.3 to 4.9: events, keepalives, and what an endpoint passes over.

use super::tested::{ENTERED, OWN, Party};
use super::{Tested, strict, tolerant};
use crate::case::{Case, Outcome};
use crate::wire::Unit;

pub(super) const CASES: &[Case] = &[
    tolerant("4.3-entered", "users that enter are known", entered),
    tolerant("4.3-gone", "users that are gone are not", gone),
    tolerant("4.3-channel-gone", "an entered channel that is gone; the rest goes on", channel_gone),
    strict("4.3-longer", "events with more bytes than are known", longer),
    tolerant("4.4-no-answer", "keepalives are not answered", keepalives),
    strict("4.4-no-answer/any", "the last two bytes of a keepalive can be anything", odd_keepalives),
    strict("4.8-stale/left", "data and events for a channel that was just left", stale_left),
    strict("4.8-stale/deleted", "data and events for a channel that was just deleted", stale_deleted),
    strict(
        "4.8-stale/user",
        "data of a user that is gone; the next one with its number starts anew",
        stale_user,
    ),
    strict("4.9-nonsense/events", "an empty event, and unknown ones", nonsense_events),
    strict("4.9-nonsense/answers", "an answer to no command, and short answers", nonsense_answers),
    strict("4.9-nonsense/data", "data and events for numbers that are not in use", nonsense_data),
];

fn entered(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0, 5, 255])?;
    tested.knows(5, &[0, 5, 255])
}

fn gone(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0, 1, 2, 3])?;
    tested.gone(OWN, 1, 0);
    tested.gone(OWN, 2, 1);
    tested.knows(0, &[0, 3])?;
    tested.enter(OWN, 1);
    tested.knows(1, &[0, 1, 3])
}

fn channel_gone(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    tested.quiet(Party::Server)?;
    tested.send(&[0, 4, 0, 2, ENTERED, 1]);
    tested.quiet(Party::User(0))
}

fn longer(tested: &mut Tested) -> Outcome {
    tested.open()?;
    tested.send(&[0, 6, 0, 0, OWN, 4, 99, 99]);
    tested.send(&[0, 5, 0, 0, OWN, 8, 1]);
    tested.send(&[0, 7, 0, 1, OWN, 4, 0, 0, 1]);
    tested.send(&[0, 6, 0, 255, 0, 0, 0, 1]);
    tested.knows(8, &[8])
}

fn keepalives(tested: &mut Tested) -> Outcome {
    tested.open()?;
    tested.send(&[0, 4, 0, 255, 0, 0].repeat(3));
    tested.quiet(Party::Server)
}

fn odd_keepalives(tested: &mut Tested) -> Outcome {
    tested.open()?;
    tested.send(&[0, 4, 0, 255, 1, 2, 0, 4, 0, 255, 255, 255, 0, 4, 0, 255, 0, 1]);
    tested.quiet(Party::Server)
}

/// Has the endpoint give up a channel; the command is looked at elsewhere.
fn gives_up(tested: &mut Tested, party: Party, order: &[u8]) -> Outcome {
    tested.say(party, order);
    match tested.unit()? {
        Unit::Command(2 | 3, ..) => Ok(()),
        came => Err(format!("leave or delete was expected, what came is {came:?}")),
    }
}

fn stale_left(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    tested.quiet(Party::Server)?;
    gives_up(tested, Party::Server, b"L")?;
    tested.say(Party::Server, b"=late");
    // half a chunk, and the end of the channel
    tested.say_raw(Party::Server, &[9, b'=']);
    tested.send(&[0, 4, 0, 2, ENTERED, 0]);
    tested.quiet(Party::User(0))
}

fn stale_deleted(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    tested.quiet(Party::User(0))?;
    gives_up(tested, Party::User(0), b"D")?;
    tested.say(Party::User(0), b"=late");
    tested.enter(OWN, 1);
    tested.say(Party::User(1), b"=late");
    tested.gone(OWN, 0, 0);
    tested.quiet(Party::Server)
}

fn stale_user(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0, 1])?;
    // half a chunk
    tested.say_raw(Party::User(1), &[9, b'=']);
    tested.gone(OWN, 1, 1);
    tested.say(Party::User(1), b"=late");
    tested.gone(OWN, 1, 1);
    tested.quiet(Party::User(0))?;
    tested.enter(OWN, 1);
    tested.echoes(Party::User(1), b"new")
}

fn nonsense_events(tested: &mut Tested) -> Outcome {
    tested.open()?;
    tested.send(&[0, 0, 0, 1, 0, 0, 2, 0, 77, 0, 4, 0, 99, 1, 2, 0, 2, 0, 0, 0, 3, 0, 1, OWN]);
    tested.quiet(Party::Server)
}

fn nonsense_answers(tested: &mut Tested) -> Outcome {
    tested.open()?;
    tested.send(&[0, 3, 201, 0, 9, 0, 3, 202, 1, 1, 0, 1, 203, 0, 2, 204, 0, 0, 4, 205, 0, 1, 1]);
    tested.quiet(Party::Server)
}

fn nonsense_data(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    tested.send(&[2, 99, 1, 3, 128 + 99, 0, 1, 3, 128 + OWN, 77, 1]);
    tested.send(&[0, 4, 0, 2, 99, 0, 0, 5, 0, 1, 99, 0, 0, 0, 5, 0, 1, OWN, 77, 0, 0, 4, 0, 0, 99, 0]);
    tested.quiet(Party::User(0))?;
    tested.quiet(Party::Server)
}
