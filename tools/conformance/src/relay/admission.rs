//! Sections 11.7 and 11.8: admission, and leaving users out of broadcasts.

use super::{Pair, Peer, Target, strict};
use crate::case::Extension::Hello;
use crate::case::{Case, Outcome};
use crate::wire::{command, data};

pub(super) const CASES: &[Case] = &[
    strict("11.7-asked", "a server that takes part is asked", asked).needs(Hello),
    strict("11.7-not-asked", "an existing one is not, and hears no words", not_asked).needs(Hello),
    strict("11.7-words", "words reach the server with the user, however they are cut", words).needs(Hello),
    strict("11.7-words-passed-over", "words that are too long, or not in front of enter", words_passed_over)
        .needs(Hello),
    strict("11.7-admit", "an admitted user is in the channel, and no event 0 follows", admit).needs(Hello),
    strict("11.7-success", "it is told its number and the window of its server", success).needs(Hello),
    strict("11.7-refuse", "codes 4 and 7 with words, and any other is taken for 7", refuse).needs(Hello),
    strict("11.7-existing", "an existing user is refused with code 4, without words", existing).needs(Hello),
    strict("11.7-ticket", "answers for another ticket, user or channel are passed over", ticket).needs(Hello),
    strict("11.7-no-data", "data for and of a user who knocks is dropped", no_data).needs(Hello),
    strict("11.7-gone", "a user who goes while it knocks is gone for the server", gone).needs(Hello),
    strict("11.7-channel-ends", "a channel that ends while a user knocks", channel_ends).needs(Hello),
    strict("11.7-no-answer", "code 8 after 10 s without an answer; takes 10 s", no_answer).needs(Hello),
    strict("11.8-left-out", "each time that command 11 names a user it changes", left_out).needs(Hello),
    strict("11.8-ready", "modes 2 and 3 pass over users that are left out", ready).needs(Hello),
    strict("11.8-existing", "from an existing server they mean all", ready_of_existing).needs(Hello),
];

/// A server that takes part with channel "room".
fn door(target: &Target) -> Result<(Peer, u8), String> {
    let mut server = target.partner(3000)?;
    let own = server.create(&target.name("room"))?;
    Ok((server, own))
}

fn with_words(target: &Target, words: &[u8], tag: u8) -> Vec<u8> {
    [command(7, 0, words), command(1, tag, &target.name("room"))].concat()
}

fn asked(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let (mut user, mut existing) = (target.partner(1000)?, target.connect()?);
    user.begin(1, &target.name("room"));
    let knock = server.knock(own)?;
    existing.begin(1, &target.name("room"));
    let other = server.knock(own)?;
    match ((knock.takes_part, knock.window), (other.takes_part, other.window)) {
        ((true, 1000), (false, 1..)) if knock.words.is_empty() && knock.user != other.user => Ok(()),
        _ => Err(format!("a window of 1000, and one of an existing endpoint, are not {knock:?}, {other:?}")),
    }
}

fn not_asked(target: &Target) -> Outcome {
    let (mut server, mut user) = (target.connect()?, target.partner(1000)?);
    let own = server.create(&target.name("room"))?;
    user.send(&with_words(target, b"hi", 9));
    let number = server.user_entered(own)?;
    let (entered, _) = user.has_entered(9)?;
    let mut pair = Pair { server, user, own, entered, number };
    pair.talk()
}

fn words(target: &Target) -> Outcome {
    for words in [&b"hi"[..], &[7; 200], b""] {
        let ((mut server, own), mut users) = (door(target)?, Vec::new());
        for every in [usize::MAX, 1] {
            let mut user = target.partner(1000)?;
            let bytes = with_words(target, words, 9);
            bytes.chunks(every.min(bytes.len())).for_each(|piece| user.send(piece));
            let knock = server.knock(own)?;
            if knock.words != words {
                return Err(format!("the words are {words:?}, what came is {knock:?}"));
            }
            server.send(&knock.admit());
            user.has_entered(9)?;
            users.push(user);
        }
        server.delete(own);
        server.quiet()?;
    }
    Ok(())
}

/// The next user knocks without words.
fn knocks_without_words(server: &mut Peer, own: u8) -> Outcome {
    let knock = server.knock(own)?;
    server.send(&knock.refuse(7, b""));
    if knock.words.is_empty() {
        Ok(())
    } else {
        Err(format!("these words do not belong to enter: {knock:?}"))
    }
}

fn words_passed_over(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let (mut user, mut existing) = (target.partner(1000)?, target.connect()?);
    existing.send(&with_words(target, b"hi", 9));
    knocks_without_words(&mut server, own)?;
    let (enter, none) = (command(1, 9, &target.name("room")), command(1, 8, &target.name("none")));
    for between in [&[0x80, 0][..], &none, &command(7, 0, &[7; 201])] {
        user.send(&[&command(7, 0, b"hi"), between, &enter].concat());
        if *between == none {
            user.control(&[8, 1, 1])?;
        }
        knocks_without_words(&mut server, own)?;
        user.control(&[9, 1, 7])?;
    }
    Ok(())
}

fn admit(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let mut user = target.partner(1000)?;
    let tag = user.begin(1, &target.name("room"));
    let knock = server.knock(own)?;
    user.quiet()?;
    server.send(&knock.admit());
    let (entered, _) = user.has_entered(tag)?;
    server.quiet()?;
    let mut pair = Pair { server, user, own, entered, number: knock.user };
    pair.talk()?;
    pair.user.refused(1, &target.name("room"), 3)
}

fn success(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let mut user = target.partner(1000)?;
    let tag = user.begin(1, &target.name("room"));
    let knock = server.knock(own)?;
    server.send(&knock.admit());
    match user.has_entered(tag)?.1 {
        Some((number, 3000)) if number == knock.user => Ok(()),
        told => Err(format!("number {} and window 3000 were expected, what came is {told:?}", knock.user)),
    }
}

fn refuse(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let mut user = target.partner(1000)?;
    for (code, answered) in [(7, 7), (4, 4), (0, 7), (1, 7), (8, 7), (255, 7)] {
        for words in [&b""[..], b"no", &[7; 200]] {
            let tag = user.begin(1, &target.name("room"));
            let knock = server.knock(own)?;
            server.send(&knock.refuse(code, words));
            user.control(&[&[tag, 1, answered], words].concat())?;
            server.quiet()?;
        }
    }
    Ok(())
}

fn existing(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let mut user = target.connect()?;
    for code in [7, 4] {
        let tag = user.begin(1, &target.name("room"));
        let knock = server.knock(own)?;
        server.send(&knock.refuse(code, b"no"));
        user.control(&[tag, 1, 4])?;
    }
    Ok(())
}

fn ticket(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let mut user = target.partner(1000)?;
    let tag = user.begin(1, &target.name("room"));
    let knock = server.knock(own)?;
    let (number, ticket) = (knock.user, knock.ticket);
    for wrong in [
        [own, number, ticket.wrapping_add(1)],
        [own, number.wrapping_add(1), ticket],
        [own + 1, number, ticket],
    ] {
        server.send(&command(9, 0, &wrong));
        server.send(&command(10, 0, &[&wrong[..], &[7]].concat()));
    }
    for short in [&[][..], &[own], &[own, number]] {
        server.send(&command(9, 0, short));
        server.send(&command(10, 0, short));
    }
    server.quiet()?;
    user.quiet()?;
    server.send(&knock.admit());
    user.has_entered(tag)?;
    // once more, for one who is in already
    server.send(&knock.refuse(7, b""));
    server.quiet()?;
    user.quiet()
}

fn no_data(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let mut user = target.partner(1000)?;
    let tag = user.begin(1, &target.name("room"));
    let knock = server.knock(own)?;
    server.say_to(own, knock.user, b"early");
    server.say_to_all(own, b"early");
    // a user that does not know its number yet, but guesses it
    user.say(0, b"early");
    server.quiet()?;
    user.quiet()?;
    server.send(&knock.admit());
    let (entered, _) = user.has_entered(tag)?;
    Pair { server, user, own, entered, number: knock.user }.talk()
}

fn gone(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let mut user = target.partner(1000)?;
    user.begin(1, &target.name("room"));
    let knock = server.knock(own)?;
    drop(user);
    server.user_gone(own, knock.user, 1)?;
    server.send(&knock.admit());
    server.quiet()
}

fn channel_ends(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let mut user = target.partner(1000)?;
    let tag = user.begin(1, &target.name("room"));
    server.knock(own)?;
    server.delete(own);
    user.control(&[tag, 1, 1])?;
    server.quiet()
}

fn no_answer(target: &Target) -> Outcome {
    let (mut server, own) = door(target)?;
    let (mut user, mut existing) = (target.partner(1000)?, target.connect()?);
    user.conn.patience += std::time::Duration::from_secs(10);
    server.conn.patience += std::time::Duration::from_secs(10);
    existing.conn.patience += std::time::Duration::from_secs(10);
    let tag = user.begin(1, &target.name("room"));
    let first = server.knock(own)?;
    let other = existing.begin(1, &target.name("room"));
    let second = server.knock(own)?;
    user.control(&[tag, 1, 8])?;
    existing.control(&[other, 1, 4])?;
    server.user_gone(own, first.user, 1)?;
    server.user_gone(own, second.user, 1)
}

/// A broadcast of mode 2, or of mode 3 for all but one.
fn to_ready(own: u8, but: Option<u8>, payload: &[u8]) -> Vec<u8> {
    let head: Vec<u8> = [128 + own].into_iter().chain(but).collect();
    [&[1, if but.is_some() { 3 } else { 2 }], &data(&head, payload)[..]].concat()
}

/// A user, the channel's number there, and the user's number.
type User = (Peer, u8, u8);

/// A server with three users: the last one is an existing endpoint.
fn three(target: &Target) -> Result<(Peer, u8, Vec<User>), String> {
    let (mut server, own) = door(target)?;
    let mut users = Vec::new();
    for mut user in [target.partner(1000)?, target.partner(1000)?, target.connect()?] {
        let joined = server.joined_by(own, &mut user, &target.name("room"))?;
        users.push((user, joined.entered, joined.number));
    }
    Ok((server, own, users))
}

/// These hear it, and the others do not.
fn heard_by(users: &mut [User], payload: &[u8], hears: [bool; 3]) -> Outcome {
    for ((user, entered, _), hears) in users.iter_mut().zip(hears) {
        if hears { user.hear(*entered, payload)? } else { user.quiet()? }
    }
    Ok(())
}

fn left_out(target: &Target) -> Outcome {
    let (mut server, own, mut users) = three(target)?;
    let numbers: Vec<u8> = users.iter().map(|user| user.2).collect();
    let leave_out = |users: &[u8]| command(11, 0, &[&[128 + own], users].concat());
    server.send(&leave_out(&[numbers[0], numbers[2]]));
    server.send(&to_ready(own, None, b"one"));
    heard_by(&mut users, b"one", [false, true, false])?;
    // named twice, and nobody
    server.send(&leave_out(&[numbers[2], 200, numbers[1], numbers[1]]));
    server.send(&leave_out(&[]));
    server.send(&to_ready(own, None, b"two"));
    heard_by(&mut users, b"two", [false, true, true])?;
    server.say_to_all(own, b"all");
    heard_by(&mut users, b"all", [true; 3])?;
    server.say_to(own, numbers[0], b"one alone");
    heard_by(&mut users, b"one alone", [true, false, false])
}

fn ready(target: &Target) -> Outcome {
    let (mut server, own, mut users) = three(target)?;
    let numbers: Vec<u8> = users.iter().map(|user| user.2).collect();
    server.send(&to_ready(own, None, b"all"));
    heard_by(&mut users, b"all", [true; 3])?;
    server.send(&to_ready(own, Some(numbers[1]), b"but one"));
    heard_by(&mut users, b"but one", [true, false, true])?;
    server.send(&command(11, 0, &[128 + own, numbers[2]]));
    server.send(&to_ready(own, Some(numbers[1]), b"but two"));
    heard_by(&mut users, b"but two", [true, false, false])
}

fn ready_of_existing(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    for mode in [2, 3] {
        pair.server.send(&[&[1, mode], &data(&[128 + pair.own], b"all")[..]].concat());
        pair.user.hear(pair.entered, b"all")?;
    }
    Ok(())
}
