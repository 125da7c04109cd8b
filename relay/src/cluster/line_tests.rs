//! Two sides of a line, with thousands of seeds: messages are late, lost, or come twice as late as
//! others.
//!
//! What has to hold: what one side takes is what the other has put, in order and without a gap,
//! from the line's beginning on; who had something on a line that ends is told so; when nothing is
//! lost any more the line works.

use super::line::{HEAD, Head, Heard, Line};

const LEASE: u64 = 4000;

struct Side {
    line: Line,
    id: u64,
    /// What the next record says, and the last that was taken: the line's number and the record's.
    next: (u32, u32),
    got: Option<(u32, u32)>,
    broken: usize,
}

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

impl Side {
    fn put(&mut self) {
        let (line, number) = self.next;
        let message = self.line.message();
        message.extend_from_slice(&line.to_le_bytes());
        message.extend_from_slice(&number.to_le_bytes());
        self.next.1 += 1;
    }

    fn note(&mut self, heard: Heard) {
        if heard == Heard::Broken {
            self.broken += 1;
            self.next = (self.next.0 + 1, 0);
            self.got = None;
        }
    }

    fn hear(&mut self, message: &[u8], now: u64) {
        let (head, rest) = Head::take(message).unwrap();
        let heard = self.line.hear(&head, message.len(), now);
        self.note(heard);
        if heard != Heard::Records {
            return;
        }
        for record in rest.chunks(8) {
            let number = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap());
            let (line, number) = (number(0), number(4));
            match self.got {
                Some((before, last)) => assert_eq!((line, number), (before, last + 1), "a gap"),
                None => assert_eq!(number, 0, "the line does not begin at its beginning"),
            }
            self.got = Some((line, number));
        }
    }
}

fn run(seed: u64) -> (usize, usize) {
    let mut state = seed * 77 + 5;
    let new = |id: u64| Side {
        line: Line::new(u32::try_from(id * 1000).unwrap(), 1),
        id,
        next: (0, 0),
        got: None,
        broken: 0,
    };
    let mut sides = [new(1), new(2)];
    // (arrives, to whom, message); in order for each direction but for a few
    let mut under_way: Vec<(u64, usize, Vec<u8>)> = Vec::new();
    let mut last = [0_u64; 2];
    let loss = [0, 5, 40][usize::try_from(seed % 3).unwrap()];
    for now in 1..30_000_u64 {
        let is_calm = now > 18_000;
        for (side, to) in [(0, 1), (1, 0)] {
            if random(&mut state).is_multiple_of(50) {
                sides[side].put();
            }
            let heard = sides[side].line.tick(now, LEASE);
            sides[side].note(heard);
            let id = sides[side].id;
            while let Some(message) = sides[side].line.say(id, now, LEASE) {
                if !is_calm && random(&mut state) % 1000 < loss {
                    continue;
                }
                let at = (now + 1 + random(&mut state) % 30).max(last[to]);
                last[to] = at;
                under_way.push((at, to, message));
            }
        }
        let (arrived, rest): (Vec<_>, _) = under_way.into_iter().partition(|(at, ..)| *at <= now);
        under_way = rest;
        for (_, to, message) in arrived {
            sides[to].hear(&message, now);
        }
    }
    for side in &sides {
        assert!(side.got.is_some_and(|(_, number)| number > 100), "the line does not work (seed {seed})");
    }
    (sides[0].broken, sides[1].broken)
}

#[test]
fn a_line_has_no_gaps_and_both_sides_are_told_of_its_end() {
    for seed in 0..200 {
        let (left, right) = run(seed);
        if seed % 3 == 0 {
            assert_eq!((left, right), (0, 0), "nothing was lost (seed {seed})");
        } else {
            assert!(
                left > 0 && right > 0,
                "something was lost, and only {left} and {right} ends were told (seed {seed})"
            );
        }
    }
}

/// A side stands still while the other one begins anew, and hears of that often. From then on only
/// the one that stood still has something to say.
#[test]
fn a_line_that_began_anew_while_one_side_stood_still_works() {
    const LONG: u64 = 600_000;
    let (mut here, mut there) = (Line::new(1, 1), Line::new(1000, 1));
    let say = |line: &mut Line, id, now| std::iter::from_fn(|| line.say(id, now, LONG)).collect::<Vec<_>>();
    let hear = |line: &mut Line, messages: Vec<Vec<u8>>, now| {
        let heads = messages.iter().map(|message| (Head::take(message).unwrap().0, message.len()));
        heads.map(|(head, len)| line.hear(&head, len, now)).collect::<Vec<_>>()
    };
    let mut heard = Vec::new();
    for now in 1..10 {
        here.message().push(1);
        let messages = say(&mut here, 1, now);
        heard.extend(hear(&mut there, messages, now));
        let messages = say(&mut there, 2, now);
        hear(&mut here, messages, now);
    }
    assert!(heard.contains(&Heard::Records), "{heard:?}");
    assert_eq!(here.fail(10), Heard::Broken);
    let beginnings: Vec<_> = (10..5000).step_by(10).flat_map(|now| say(&mut here, 1, now)).collect();
    assert!(beginnings.len() > 10);
    assert!(hear(&mut there, beginnings, 5000).contains(&Heard::Broken));
    there.message().push(2);
    let mut heard = Vec::new();
    for now in 5000..7000 {
        let messages = say(&mut there, 2, now);
        heard.extend(hear(&mut here, messages, now));
        let messages = say(&mut here, 1, now);
        hear(&mut there, messages, now);
    }
    assert_eq!(heard.iter().filter(|heard| **heard == Heard::Records).count(), 1, "{heard:?}");
    assert!(heard.len() < 20, "{} messages for one record", heard.len());
}

#[test]
fn what_is_no_message_of_this_version_is_said_to_be_so() {
    use super::line::Wrong;
    assert_eq!(Head::take(&[]).unwrap_err(), Wrong::Malformed);
    assert_eq!(Head::take(&[9; HEAD]).unwrap_err(), Wrong::Version(9));
    assert_eq!(Head::take(&[1; HEAD - 1]).unwrap_err(), Wrong::Malformed);
    let mut kind = [1; HEAD];
    kind[1] = 77;
    assert_eq!(Head::take(&kind).unwrap_err(), Wrong::Malformed);
}
