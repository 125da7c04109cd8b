//! Endpoints with the library's link: chunks that come back, broadcasts, and calls.

use std::time::Instant;

use peote_net::Reason;
use peote_net::link::{Channel, Destination, Event, Flow, Mode, SendError, Source};
use peote_net::rpc::{self, Calls, Heard, remote};
use peote_net::time::Duration;
use peote_net_std::DesktopLink;

use super::streams::end;
use super::{Arena, Progress};
use crate::common::{PATIENCE, pattern};

/// A server that sends every chunk back, and tells the news to all.
pub fn room(arena: &Arena, place: u8) {
    let (mut random, mut link) = (arena.random(place), arena.link());
    let room = link.create("room", Mode::default()).unwrap();
    let news = link.create("news", Mode::chunks(2000)).unwrap();
    let (mut number, mut open) = (0u32, 0);
    while !arena.is_empty() {
        let polled = link.poll(|event, out| match event {
            Event::Opened { .. } => {
                open += 1;
                arena.channel_opened();
                Ok(Flow::Continue)
            }
            // it comes again, and nothing of it is lost
            Event::Chunk { .. } if random.chance(30) => Ok(Flow::Again),
            Event::Chunk { from: Source::User { channel, user }, bytes } if channel == room => {
                match out.send(Source::User { channel, user }, bytes) {
                    Err(SendError::WouldBlock) => Ok(Flow::Again),
                    // a window that no chunk of this size ever fits
                    _ => Ok(Flow::Continue),
                }
            }
            Event::Malicious { from: Source::User { channel, user }, .. } => {
                out.remove_user(channel, user).map(Flow::from)
            }
            other => other.ok().map(Flow::from),
        });
        polled.unwrap();
        if open == 2 {
            let bytes = [&number.to_le_bytes()[..], &pattern(random.below(1000), number)].concat();
            match link.send(Destination::All(news), &bytes) {
                Ok(()) => number += 1,
                Err(SendError::WouldBlock) => {}
                Err(error) => panic!("the news: {error}"),
            }
        }
        rest(&mut link);
    }
}

/// Sleeps until something comes, or for a moment.
fn rest(link: &mut DesktopLink) {
    let deadline = link.now() + Duration::from_millis(20);
    link.wait_for(&mut [], Some(deadline)).unwrap();
}

/// A user whose chunks come back, one at a time, and who hears all news from when it has entered.
pub fn visitor(arena: &Arena, place: u8) {
    let mut random = arena.random(place);
    let _visit = arena.visit();
    while arena.wait_for_channels(2) {
        let mut link = arena.link();
        let (room, news) = (link.enter("room", Mode::default()), link.enter("news", Mode::chunks(2000)));
        let (room, news) = (room.unwrap(), news.unwrap());
        let (mut is_open, mut is_refused) = (false, false);
        let (mut sent, mut heard): (Option<Vec<u8>>, Option<u32>) = (None, None);
        let (mut last, end) = (Instant::now(), end(&mut random));
        while !is_refused && (sent.is_some() || (Instant::now() < end && !arena.is_over())) {
            let polled = link.poll(|event, _| match event {
                Event::Opened { channel } => {
                    is_open |= channel == Channel::Entered(room);
                    Ok(())
                }
                // its server was held up by a user that did not read
                Event::Refused { reason: Reason::NoAnswer, .. } => {
                    is_refused = true;
                    Ok(())
                }
                Event::Chunk { from: Source::Server { channel }, bytes } if channel == room => {
                    assert!(sent.take().is_some_and(|sent| sent == bytes), "not the chunk that was sent");
                    last = Instant::now();
                    arena.count(Progress::Room);
                    Ok(())
                }
                Event::Chunk { from: Source::Server { channel }, bytes } if channel == news => {
                    let (number, rest) = bytes.split_first_chunk().unwrap();
                    let number = u32::from_le_bytes(*number);
                    assert!(heard.is_none_or(|before| number == before + 1), "{number} after {heard:?}");
                    assert!(rest == pattern(rest.len(), number), "not what was broadcast");
                    heard = Some(number);
                    arena.count(Progress::News);
                    Ok(())
                }
                other => other.ok(),
            });
            polled.unwrap();
            if is_open && sent.is_none() && !random.chance(500) {
                let bytes = pattern(1 + random.below(20_000), 9);
                match link.send(room, &bytes) {
                    Ok(()) => sent = Some(bytes),
                    Err(SendError::WouldBlock) => {}
                    Err(error) => panic!("to the room: {error}"),
                }
            }
            assert!(last.elapsed() < PATIENCE, "what was sent does not come back");
            rest(&mut link);
        }
        if random.chance(500) {
            link.close(PATIENCE).unwrap();
        }
    }
}

#[remote]
trait Adder {
    fn add(&mut self, number: u32) -> u32;
}

struct One;

impl Adder for One {
    fn add(&mut self, number: u32) -> u32 {
        number.wrapping_add(1)
    }
}

/// A server that answers calls.
pub fn adder(arena: &Arena, _: u8) {
    let mut link = arena.link();
    link.create("adder", Mode::RPC).unwrap();
    let mut calls = Calls::<1, 8>::new(&[(0, AdderCaller::INTERFACE)], &[]);
    while !arena.is_empty() {
        let polled = link.poll(|event, out| match calls.handle(event, out)? {
            Heard::Call(call) => One.dispatch(&call, out).or_else(rpc::Error::pass_over),
            Heard::Other(Event::Opened { .. }) => {
                arena.channel_opened();
                Ok(Flow::Continue)
            }
            Heard::Other(event) => event.ok().map(Flow::from),
            _ => Ok(Flow::Continue),
        });
        polled.unwrap();
        rest(&mut link);
    }
}

/// A user that calls.
pub fn caller(arena: &Arena, place: u8) {
    let mut random = arena.random(place);
    let _visit = arena.visit();
    // those of the room, and this one
    while arena.wait_for_channels(3) {
        let mut link = arena.link();
        link.enter("adder", Mode::RPC).unwrap();
        let mut calls = Calls::<16>::new(&[], &[(0, AdderCaller::INTERFACE)]);
        let (mut adder, mut open) = (None, Vec::new());
        let (mut last, end) = (Instant::now(), end(&mut random));
        while !open.is_empty() || (Instant::now() < end && !arena.is_over()) {
            let polled = link.poll(|event, out| match calls.handle(event, out)? {
                Heard::Offer(remote) => {
                    adder = Some(AdderCaller::new(remote));
                    Ok(())
                }
                Heard::Answer(answer) => {
                    let place = open.iter().position(|(call, _)| answer.is(*call)).expect("no such call");
                    assert_eq!(answer.to(open[place].0), Some(Ok(open[place].1)));
                    open.swap_remove(place);
                    last = Instant::now();
                    arena.count(Progress::Calls);
                    Ok(())
                }
                Heard::Other(event) => event.ok(),
                Heard::Nothing => Ok(()),
                other => panic!("{other:?}"),
            });
            polled.unwrap();
            for number in 0..random.below(4) as u32 {
                let Some(adder) = &adder else { break };
                match adder.add(&mut link.out(), &mut calls, number) {
                    Ok(call) => open.push((call, number + 1)),
                    Err(SendError::WouldBlock | SendError::TooManyCalls) => break,
                    Err(error) => panic!("a call: {error}"),
                }
            }
            assert!(last.elapsed() < PATIENCE, "{} calls have no answer", open.len());
            rest(&mut link);
        }
    }
}
