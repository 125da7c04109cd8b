//! Sections 3.6 and 12.1: what a relay cannot accept, and what has killed relays.

use super::{Target, strict};
use crate::case::{Case, Outcome};

pub(super) const CASES: &[Case] = &[
    strict("3.6-prefix-entered", "a broadcast prefix in front of data for an entered channel", |target| {
        closes(target, |_, entered| vec![1, 1, 3, entered, 1, 2])
    }),
    strict("3.6-prefix-entered/cut", "the same, and the data is cut", |target| {
        closes(target, |_, entered| vec![1, 1, 3, entered, 1])
    }),
    strict("3.6-prefix-command", "a broadcast prefix in front of a command", |target| {
        closes(target, |_, entered| vec![1, 1, 0, 2, 0, 1, entered])
    }),
    strict("3.6-ends-before-user", "data for an own channel without the user byte", |target| {
        closes(target, |own, _| vec![0x80, 1, 128 + own])
    }),
    strict("3.6-ends-before-user/but-one", "the same behind a prefix of mode 0", |target| {
        closes(target, |own, _| vec![1, 0, 1, 128 + own])
    }),
    strict("3.6-others-unharmed", "random bytes do no harm to others", random),
];

/// A connection that sends this is closed, its channels end, and others go on.
fn closes(target: &Target, bytes: fn(own: u8, entered: u8) -> Vec<u8>) -> Outcome {
    let mut bystanders = target.pair("bystanders")?;
    let mut wrong = target.connect()?;
    let own = wrong.create(&target.name("wrong"))?;
    let entered = wrong.enter(&target.name("bystanders"))?;
    let number = bystanders.server.user_entered(bystanders.own)?;
    wrong.send(&bytes(own, entered));
    wrong.closed()?;
    // what came before is not looked at: a relay may have passed on a piece
    let end = bystanders.server.conn.end();
    loop {
        match bystanders.server.unit_by(end)? {
            crate::wire::Unit::Control(event) if event == [0, 1, bystanders.own, number, 1] => break,
            crate::wire::Unit::Data(data) if data.user == Some(number) => {}
            came => return Err(format!("the end of the connection was expected, what came is {came:?}")),
        }
    }
    bystanders.talk()?;
    target.connect()?.create(&target.name("wrong")).map(drop)
}

fn random(target: &Target) -> Outcome {
    let mut bystanders = target.pair("bystanders")?;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..32 {
        let mut bytes = Vec::new();
        for _ in 0..200 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.push((state >> 32) as u8);
        }
        // no HTTP, no TLS, and no command that could create what others have
        bytes[0] = 2 + bytes[0] % 5;
        let mut wrong = target.connect()?;
        wrong.send(&bytes);
        wrong.conn.finish();
        bystanders.talk()?;
    }
    Ok(())
}
