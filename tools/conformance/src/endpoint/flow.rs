//! Sections 11.4 to 11.7: hello, windows, admission.

use super::tested::{ENTERED, OWN, Party, SMALL, WANTED};
use super::{Tested, strict};
use crate::case::Extension::Hello;
use crate::case::{Case, Outcome};
use crate::wire::{Unit, item, items, number};

pub(super) const CASES: &[Case] = &[
    strict(
        "11.4-partners-only",
        "nothing of it is said to a relay that has not announced bit 2",
        not_to_others,
    )
    .needs(Hello),
    strict("11.4-first", "hello comes with the announcement, in front of data, and has a window", first)
        .needs(Hello),
    strict("11.4-items", "items that are unknown, too short, too long or cut are passed over", odd_items)
        .needs(Hello),
    strict("11.5-raised", "what began before the hello has the windows that the relay says", raised)
        .needs(Hello),
    strict("11.6-whole", "a chunk waits until the window has room for all of it, to the byte", whole)
        .needs(Hello),
    strict("11.6-any-size", "a chunk above the window goes where nothing is outstanding", any_size)
        .needs(Hello),
    strict("11.6-broadcast", "a broadcast waits for the window of each user", broadcast).needs(Hello),
    strict("11.6-half", "grants come at half of the window", half).needs(Hello),
    strict("11.6-asked", "a question is answered with all that has been taken", asked).needs(Hello),
    strict("11.6-nobody", "grants for numbers that are not in use", for_nobody).needs(Hello),
    strict("11.7-admit", "a user who knocks is admitted with its ticket", admit).needs(Hello),
];

/// What the party that stands for the first user may be sent.
const PLENTY: u32 = 100_000;

impl Tested {
    /// The announcement, and all up to the relay's hello with these items. Returns false if the
    /// endpoint knows nothing of it. Without a user in the end.
    fn meet_with(&mut self, relay: &[u8]) -> Result<bool, String> {
        self.send(&[0, 4, 0, 255, 0x50, 7]);
        let wanted = self.wanted()?;
        let tag_of = |place| wanted.iter().find(|(at, _)| *at == place).map_or(0, |(_, tag)| *tag);
        for place in [0, 1] {
            self.send(&[0, 3, tag_of(place), 0, WANTED[place].2]);
        }
        // who knows nothing of hello answers this first
        self.enter(OWN, 9);
        self.say(Party::User(9), b"=?");
        self.hear(Party::User(9), b"=?")?;
        if self.hello.is_none() {
            self.skipped = Some("the endpoint says no hello");
            return Ok(false);
        }
        let [length, ..] = (relay.len() + 2).to_le_bytes();
        self.send(&[&[0, length, 0, 3], relay].concat());
        let window = self.window()?;
        self.raise(128 + OWN, 9, PLENTY, window - 3);
        self.gone(OWN, 9, 0);
        self.send(&[0, 3, tag_of(2), 0, ENTERED]);
        self.raise(ENTERED, 5, PLENTY, window);
        Ok(true)
    }

    fn meet(&mut self) -> Result<bool, String> {
        self.meet_with(&[item(1, &[1]), item(2, &5_u32.to_le_bytes())].concat())
    }

    /// The window of the endpoint's hello.
    fn window(&self) -> Result<u32, String> {
        let hello = self.hello.as_deref().unwrap_or_default();
        let window =
            items(hello).iter().find(|(kind, bytes)| *kind == 6 && bytes.len() >= 4).map(|item| item.1);
        match window.map(|bytes| number(&bytes[..4])) {
            Some(window @ 16..) => Ok(window),
            other => Err(format!("the window of the hello is {other:?}")),
        }
    }

    fn raise(&mut self, channel: u8, user: u8, send: u32, receive: u32) {
        let (send, receive) = (send.to_le_bytes(), receive.to_le_bytes());
        self.send(&[&[0, 12, 0, 6, channel, user], &send[..], &receive].concat());
    }

    /// A user knocks, who may be sent so much, and is admitted.
    fn admits(&mut self, own: u8, user: u8, ticket: u8, window: u32) -> Outcome {
        self.send(&[&[0, 10, 0, 4, own, user, ticket, 1], &window.to_le_bytes()[..]].concat());
        match self.unit()? {
            Unit::Command(9, 0, payload) if payload == [own, user, ticket] => Ok(()),
            came => Err(format!("0, 9, 0, 3, {own}, {user}, {ticket} was expected, what came is {came:?}")),
        }
    }

    /// What the endpoint granted to this party, questions left out.
    fn granted_to(&self, party: Party) -> u32 {
        self.grants.iter().filter(|(who, _)| *who == party.head()).map(|(_, bytes)| bytes).sum()
    }

    fn grant(&mut self, user: u8, bytes: u32) {
        self.send(&[&[0, 8, 0, 5, 128 + OWN, user], &bytes.to_le_bytes()[..]].concat());
    }

    /// Asks for a chunk of `len` bytes.
    fn order(&mut self, party: Party, len: u32) {
        self.say(party, &[b"n", &len.to_le_bytes()[..]].concat());
    }
}

fn pattern(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

fn not_to_others(tested: &mut Tested) -> Outcome {
    tested.send(&[0, 4, 0, 255, 0x50, 3]);
    tested.open_with(&[6])?;
    for _ in 0..4 {
        tested.say(Party::User(6), &[b'.'; 30_000]);
        tested.quiet(Party::User(6))?;
    }
    if tested.hello.is_none() && tested.grants.is_empty() {
        return Ok(());
    }
    Err("hello or grants came to a relay that announced neither".into())
}

fn first(tested: &mut Tested) -> Outcome {
    if !tested.meet()? {
        return Ok(());
    }
    let hello = tested.hello.clone().unwrap_or_default();
    for (kind, bytes) in items(&hello) {
        let fits = match kind {
            1 => bytes.first().is_some_and(|bits| bits & 1 == 1),
            2 => bytes.len() >= 4 && (5..=86_400).contains(&number(&bytes[..4])),
            3 => bytes.len() <= 64 && std::str::from_utf8(bytes).is_ok(),
            _ => true,
        };
        if !fits {
            return Err(format!("item {kind} is {bytes:?}"));
        }
    }
    if hello.len() > 253 || !items(&hello).iter().any(|(kind, _)| *kind == 1) {
        return Err(format!("a hello of {} bytes, which says that the endpoint takes part", hello.len()));
    }
    tested.quiet(Party::Server)
}

fn odd_items(tested: &mut Tested) -> Outcome {
    let odd = [
        item(99, &[1, 2, 3]),
        item(2, &[5]),
        item(1, &[1, 0, 7]),
        item(3, &[255; 70]),
        item(2, &[5, 0, 0, 0, 9]),
        vec![7, 4, 1, 0],
    ];
    if !tested.meet_with(&odd.concat())? {
        return Ok(());
    }
    tested.admits(OWN, 6, 1, PLENTY)?;
    tested.quiet(Party::User(6))
}

fn raised(tested: &mut Tested) -> Outcome {
    if !tested.meet()? {
        return Ok(());
    }
    tested.admits(OWN, 6, 1, PLENTY)?;
    // what comes counts from what the relay has said: all but the question of a user that is gone
    tested.quiet(Party::Server)?;
    tested.send(&[0, 7, 0, 5, ENTERED, 0, 0, 0, 0]);
    tested.quiet(Party::User(6))?;
    tested.quiet(Party::User(6))?;
    match tested.granted_to(Party::Server) {
        3 => Ok(()),
        granted => Err(format!("3 bytes were taken, {granted} granted")),
    }
}

fn whole(tested: &mut Tested) -> Outcome {
    if !tested.meet()? {
        return Ok(());
    }
    let user = Party::User(6);
    tested.admits(OWN, 6, 1, 100)?;
    tested.order(user, 60);
    tested.hear(user, &pattern(60))?;
    tested.order(user, 60);
    tested.quiet(Party::Server)?;
    // one byte too few
    tested.grant(6, 21);
    tested.quiet(Party::Server)?;
    tested.grant(6, 1);
    tested.hear(user, &pattern(60))
}

fn any_size(tested: &mut Tested) -> Outcome {
    if !tested.meet()? {
        return Ok(());
    }
    let user = Party::User(6);
    tested.admits(OWN, 6, 1, 10)?;
    tested.order(user, 200);
    tested.hear(user, &pattern(200))?;
    tested.order(user, 200);
    // its length field has two bytes
    tested.grant(6, 201);
    tested.quiet(Party::Server)?;
    tested.grant(6, 1);
    tested.hear(user, &pattern(200))
}

fn broadcast(tested: &mut Tested) -> Outcome {
    if !tested.meet()? {
        return Ok(());
    }
    tested.admits(OWN, 6, 1, 100)?;
    tested.admits(OWN, 7, 2, PLENTY)?;
    tested.order(Party::User(6), 60);
    tested.hear(Party::User(6), &pattern(60))?;
    let chunk = [b'*'; 50];
    tested.say(Party::User(7), &chunk);
    tested.quiet(Party::Server)?;
    tested.grant(6, 61);
    tested.hear(Party::All, &chunk)
}

fn half(tested: &mut Tested) -> Outcome {
    if !tested.meet()? {
        return Ok(());
    }
    let (user, window) = (Party::User(6), tested.window()?);
    tested.admits(OWN, 6, 1, PLENTY)?;
    let (mut sent, chunk) = (0, [b'.'; 1000]);
    while 2 * sent < window {
        tested.say(user, &chunk);
        sent += 1002;
    }
    tested.quiet(Party::Server)?;
    tested.quiet(Party::Server)?;
    match tested.granted_to(user) {
        granted if 2 * granted >= window && granted <= sent => Ok(()),
        granted => Err(format!("{sent} bytes were taken at a window of {window}, and {granted} granted")),
    }
}

fn asked(tested: &mut Tested) -> Outcome {
    if !tested.meet()? {
        return Ok(());
    }
    let user = Party::User(6);
    tested.admits(OWN, 6, 1, PLENTY)?;
    tested.say(user, b"....");
    tested.grant(6, 0);
    tested.quiet(Party::Server)?;
    tested.quiet(Party::Server)?;
    match tested.granted_to(user) {
        5 => Ok(()),
        granted => Err(format!("5 bytes were taken, {granted} granted")),
    }
}

fn for_nobody(tested: &mut Tested) -> Outcome {
    if !tested.meet()? {
        return Ok(());
    }
    tested.admits(OWN, 6, 1, PLENTY)?;
    for who in [&[128 + OWN, 7][..], &[128 + SMALL, 6], &[255, 0], &[ENTERED + 1]] {
        let [length, ..] = (who.len() + 6).to_le_bytes();
        tested.send(&[&[0, length, 0, 5], who, &[9, 0, 0, 0]].concat());
    }
    tested.raise(128 + OWN, 7, 9, 9);
    tested.raise(ENTERED + 1, 7, 9, 9);
    tested.quiet(Party::Server)?;
    tested.quiet(Party::User(6))
}

fn admit(tested: &mut Tested) -> Outcome {
    if !tested.meet()? {
        return Ok(());
    }
    tested.admits(OWN, 6, 200, PLENTY)?;
    tested.admits(OWN, 255, 0, PLENTY)?;
    tested.knows(6, &[6, 255])?;
    tested.admits(SMALL, 6, 77, PLENTY)?;
    tested.quiet(Party::SmallUser(6))
}
