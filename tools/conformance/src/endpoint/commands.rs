//! Sections 1, 3.2 and 4.2: commands and their answers.

use super::tested::{ENTERED, OWN, Party, WANTED};
use super::{Tested, strict, tolerant};
use crate::case::{Case, Outcome};
use crate::wire::Unit;

pub(super) const CASES: &[Case] = &[
    tolerant("1.1-no-greeting", "the first bytes are a command", no_greeting),
    tolerant("1.2-numbers-apart", "an own and an entered channel have the same number", numbers_apart),
    tolerant("3.2-tags", "the commands that wait have tags of their own, none is 0", tags),
    tolerant("3.2-leave", "leave: tag 0 and one byte", leave),
    tolerant("3.2-delete", "delete: tag 0 and one byte", delete),
    strict("4.2-tag-assigns", "answers in another order", other_order),
    tolerant("4.2-enter-codes", "code 1 for enter leaves the own channels", refused),
    tolerant("9-masked", "frames of an endpoint over WebSocket are binary and masked", masked),
];

fn no_greeting(tested: &mut Tested) -> Outcome {
    match tested.unit()? {
        Unit::Command(0 | 1, 1.., _) => Ok(()),
        came => Err(format!("create or enter was expected, what came is {came:?}")),
    }
}

fn numbers_apart(tested: &mut Tested) -> Outcome {
    tested.open_with(&[9])?;
    tested.echoes(Party::User(9), b"own")?;
    tested.echoes(Party::Server, b"entered")?;
    // the one ends, the other goes on
    tested.send(&[0, 4, 0, 2, ENTERED, 0]);
    tested.echoes(Party::User(9), b"still there")
}

fn tags(tested: &mut Tested) -> Outcome {
    let mut tags: Vec<u8> = tested.wanted()?.iter().map(|(_, tag)| *tag).collect();
    tags.sort_unstable();
    let count = tags.len();
    tags.dedup();
    if tags.len() == count && !tags.contains(&0) { Ok(()) } else { Err(format!("the tags are {tags:?}")) }
}

fn leave(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    tested.quiet(Party::Server)?;
    tested.say(Party::Server, b"L");
    command(tested, 2, ENTERED)?;
    tested.quiet(Party::User(0))
}

fn delete(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    tested.quiet(Party::User(0))?;
    tested.say(Party::User(0), b"D");
    command(tested, 3, OWN)?;
    tested.quiet(Party::Server)
}

fn command(tested: &mut Tested, command: u8, number: u8) -> Outcome {
    match tested.unit()? {
        Unit::Command(came, 0, payload) if came == command && payload == [number] => Ok(()),
        came => Err(format!("0, {command}, 0, 1, {number} was expected, what came is {came:?}")),
    }
}

fn other_order(tested: &mut Tested) -> Outcome {
    for (at, tag) in tested.wanted()?.into_iter().rev() {
        tested.send(&[0, 3, tag, 0, WANTED[at].2]);
    }
    tested.enter(OWN, 0);
    tested.echoes(Party::Server, b"entered")?;
    tested.echoes(Party::User(0), b"own")
}

fn refused(tested: &mut Tested) -> Outcome {
    for (at, tag) in tested.wanted()? {
        let (command, _, number) = WANTED[at];
        tested.send(&if command == 1 { [0, 3, tag, 1, 1] } else { [0, 3, tag, 0, number] });
    }
    tested.enter(OWN, 0);
    tested.echoes(Party::User(0), b"own")
}

fn masked(tested: &mut Tested) -> Outcome {
    if !tested.conn.is_websocket() {
        tested.skipped = Some("the endpoint speaks TCP");
    }
    tested.open()?;
    tested.quiet(Party::Server)?;
    tested.conn.complaint.map_or(Ok(()), |complaint| Err(complaint.into()))
}
