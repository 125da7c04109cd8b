//! Section 11: extensions.

use super::tested::{OWN, Party};
use super::{Tested, strict};
use crate::case::Extension::{Announcement, Block, Remove};
use crate::case::{Case, Outcome};
use crate::wire::Unit;

pub(super) const CASES: &[Case] = &[
    strict("11.1-not-before", "without an announcement no user is removed or blocked", not_before)
        .needs(Announcement),
    strict("11.2-remove", "command 4", |tested| removes(tested, b"r", 4)).needs(Remove),
    strict("11.3-block", "command 5", |tested| removes(tested, b"b", 5)).needs(Block),
    strict("11.1-lasts", "ordinary keepalives take nothing back", lasts).needs(Announcement),
];

fn not_before(tested: &mut Tested) -> Outcome {
    tested.open_with(&[6])?;
    tested.send(&[0, 4, 0, 255, 0, 0]);
    for order in [b"r", b"b"] {
        tested.say(Party::User(6), order);
        tested.hear(Party::User(6), b"!")?;
    }
    Ok(())
}

fn removes(tested: &mut Tested, order: &[u8], command: u8) -> Outcome {
    tested.send(&[0, 4, 0, 255, 0x50, 3]);
    tested.open_with(&[0, 6])?;
    commanded(tested, order, command)?;
    tested.send(&[0, 5, 0, 1, OWN, 6, 2]);
    tested.knows(0, &[0])
}

fn commanded(tested: &mut Tested, order: &[u8], command: u8) -> Outcome {
    tested.say(Party::User(6), order);
    match tested.unit()? {
        Unit::Command(came, 0, payload) if came == command && payload == [OWN, 6] => Ok(()),
        came => Err(format!("0, {command}, 0, 2, {OWN}, 6 was expected, what came is {came:?}")),
    }
}

fn lasts(tested: &mut Tested) -> Outcome {
    tested.send(&[0, 4, 0, 255, 0x50, 3]);
    tested.open_with(&[6])?;
    tested.send(&[0, 4, 0, 255, 0, 0]);
    commanded(tested, b"r", 4)
}
