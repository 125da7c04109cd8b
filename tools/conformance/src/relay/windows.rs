//! Section 11.6: windows.

use std::time::Duration;

use super::partner::Joined;
use super::{Pair, Peer, Target, strict};
use crate::case::Extension::Hello;
use crate::case::{Case, Outcome};
use crate::wire::{Data, Unit, data};

pub(super) const CASES: &[Case] = &[
    strict("11.6-grant", "grants of both ends, and questions for them, reach the other", forwards)
        .needs(Hello),
    strict("11.6-saturate", "grants of great numbers", saturates).needs(Hello),
    strict("11.6-nobody", "grants for numbers that are not in use, and with a wrong length", for_nobody)
        .needs(Hello),
    strict("11.6-never-paused", "as much as users granted that do not read; others go on", never_paused)
        .needs(Hello),
    strict("11.6-overdrawn", "more than a user granted that does not read; others go on", overdrawn)
        .needs(Hello),
    strict("11.6-to-existing", "the relay grants what an existing user has taken", to_existing).needs(Hello),
    strict("11.6-from-existing", "an existing user is heard as far as its server granted", from_existing)
        .needs(Hello),
    strict("11.6-from-existing/server", "an existing server, too", from_existing_server).needs(Hello),
    strict("11.6-broadcast", "its broadcast waits for each user that takes part", broadcast).needs(Hello),
    strict("11.6-paused-too-long", "one that waits for seconds is gone, with reasons 3 and 1", too_long)
        .needs(Hello),
];

fn partners(target: &Target, server: u32, user: u32) -> Result<Pair, String> {
    Pair::new(target.partner(server)?, target.partner(user)?, &target.name("room"))
}

fn is(what: &str, came: u32, wanted: u32) -> Outcome {
    if came == wanted { Ok(()) } else { Err(format!("{what} is {came}, {wanted} was expected")) }
}

fn forwards(target: &Target) -> Outcome {
    let mut pair = partners(target, 3000, 1000)?;
    for bytes in [700, 0, 1] {
        pair.user.grant(pair.entered, bytes);
        is("the user's grant", pair.server.hears_grant_of(pair.own, pair.number)?, bytes)?;
        pair.server.grant_user(pair.own, pair.number, bytes);
        is("the server's grant", pair.user.hears_grant(pair.entered)?, bytes)?;
    }
    pair.talk()
}

fn saturates(target: &Target) -> Outcome {
    let mut pair = partners(target, 3000, 1000)?;
    for bytes in [u32::MAX, u32::MAX, 1 << 31, (1 << 31) - 1] {
        pair.user.grant(pair.entered, bytes);
        let came = pair.server.hears_grant_of(pair.own, pair.number)?;
        if came == 0 || came >= 1 << 31 {
            return Err(format!("{bytes} were granted, the server is told {came}"));
        }
    }
    pair.talk()
}

fn for_nobody(target: &Target) -> Outcome {
    let mut pair = partners(target, 3000, 1000)?;
    pair.user.grant(pair.entered + 1, 5);
    pair.server.grant_user(pair.own, pair.number.wrapping_add(1), 5);
    pair.server.grant_user(pair.own + 1, pair.number, 5);
    // the server of a channel grants to users, and users to it
    pair.server.grant(pair.own + 1, 5);
    for short in [&[][..], &[pair.entered], &[pair.entered, 1, 0, 0]] {
        pair.user.send(&crate::wire::command(8, 0, short));
    }
    pair.user.quiet()?;
    pair.server.quiet()?;
    pair.talk()
}

/// A server with four users that do not read, and a channel of others beside it.
struct Silent {
    server: Peer,
    own: u8,
    users: Vec<(Peer, Joined)>,
    others: Pair,
}

impl Silent {
    fn new(target: &Target, window: u32) -> Result<Self, String> {
        let mut server = target.partner(3000)?;
        let own = server.create(&target.name("room"))?;
        let mut users = Vec::new();
        for _ in 0..4 {
            let mut user = target.partner(window)?;
            let joined = server.joined_by(own, &mut user, &target.name("room"))?;
            users.push((user, joined));
        }
        Ok(Self { server, own, users, others: target.pair("others")? })
    }
}

fn never_paused(target: &Target) -> Outcome {
    let Silent { mut server, own, users, mut others } = Silent::new(target, 2 << 20)?;
    let mut listening = target.partner(1000)?;
    let last = server.joined_by(own, &mut listening, &target.name("room"))?;
    for (_, joined) in &users {
        for _ in 0..64 {
            server.say_to(own, joined.number, &vec![7; 32_000]);
        }
    }
    server.say_to(own, last.number, b"you as well");
    listening.hear(last.entered, b"you as well")?;
    others.talk()?;
    // nothing is lost
    for (mut user, joined) in users {
        user.hear(joined.entered, &vec![7; 64 * 32_000])?;
    }
    Ok(())
}

fn overdrawn(target: &Target) -> Outcome {
    let Silent { mut server, own, users, mut others } = Silent::new(target, 1000)?;
    server.conn.set_write_patience(Duration::from_secs(2));
    std::thread::scope(|scope| {
        let sending =
            scope.spawn(|| (0..500).for_each(|_| server.say_to(own, users[0].1.number, &vec![0; 32_000])));
        let mut result = Ok(());
        while result.is_ok() && !sending.is_finished() {
            result = others.talk();
        }
        result
    })?;
    match server.unit()? {
        Unit::Control(came) if came == [0, 1, own, users[0].1.number, 3] => {}
        came => return Err(server.unexpected("a user that is gone with reason 3", &came)),
    }
    others.talk()
}

fn to_existing(target: &Target) -> Outcome {
    let (mut server, mut user) = (target.partner(3000)?, target.connect()?);
    let own = server.create(&target.name("room"))?;
    let joined = server.joined_by(own, &mut user, &target.name("room"))?;
    let window = joined.to_user.ok_or("no window")? as usize;
    // what is outstanding never exceeds the window, and is granted again in the end
    let (mut left, mut outstanding) = (4 * window, 0);
    while left > 0 {
        while outstanding < window && left > 0 {
            let len = left.min(window - outstanding).min(8000);
            server.say_to(own, joined.number, &vec![7; len]);
            user.hear(joined.entered, &vec![7; len])?;
            (left, outstanding) = (left - len, outstanding + len);
        }
        server.grant_user(own, joined.number, 0);
        while outstanding > window / 2 {
            let granted = server.hears_grant_of(own, joined.number)? as usize;
            outstanding = outstanding.checked_sub(granted).ok_or("more is granted than was sent")?;
        }
    }
    user.quiet()
}

fn from_existing(target: &Target) -> Outcome {
    let mut pair = Pair::new(target.partner(1000)?, target.connect()?, &target.name("room"))?;
    pair.user.say(pair.entered, &[7; 1500]);
    pair.server.hear_user(pair.own, pair.number, &[7; 1000])?;
    pair.server.quiet()?;
    pair.server.grant_user(pair.own, pair.number, 300);
    pair.server.hear_user(pair.own, pair.number, &[7; 300])?;
    pair.server.quiet()?;
    pair.server.grant_user(pair.own, pair.number, 200);
    pair.server.hear_user(pair.own, pair.number, &[7; 200])
}

fn from_existing_server(target: &Target) -> Outcome {
    let mut pair = Pair::new(target.connect()?, target.partner(1000)?, &target.name("room"))?;
    pair.server.say_to(pair.own, pair.number, &[7; 1500]);
    pair.user.hear(pair.entered, &[7; 1000])?;
    pair.user.quiet()?;
    pair.user.grant(pair.entered, 500);
    pair.user.hear(pair.entered, &[7; 500])
}

fn broadcast(target: &Target) -> Outcome {
    let mut pair = Pair::new(target.connect()?, target.partner(1000)?, &target.name("room"))?;
    let mut existing = target.connect()?;
    let joined = pair.server.joined_by(pair.own, &mut existing, &target.name("room"))?;
    pair.server.say_to_all(pair.own, &[7; 1500]);
    pair.user.hear(pair.entered, &[7; 1000])?;
    pair.user.quiet()?;
    pair.user.grant(pair.entered, 500);
    pair.user.hear(pair.entered, &[7; 500])?;
    existing.hear(joined.entered, &[7; 1500])
}

fn too_long(target: &Target) -> Outcome {
    let mut pair = Pair::new(target.partner(1000)?, target.connect()?, &target.name("room"))?;
    let mut others = target.pair("others")?;
    pair.user.send(&data(&[pair.entered], &[7; 1001]));
    pair.server.hear_user(pair.own, pair.number, &[7; 1000])?;
    match pair.server.unit()? {
        // the last byte cannot come: it was not granted
        Unit::Data(Data { .. }) => return Err("more than was granted has come".into()),
        Unit::Control(came) if came == [0, 1, pair.own, pair.number, 3] => {}
        came => return Err(pair.server.unexpected("a user that is gone with reason 3", &came)),
    }
    pair.user.channel_gone(pair.entered, 1)?;
    others.talk()
}
