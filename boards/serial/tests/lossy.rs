//! Lines that lose, flip and add bytes, boards that start anew, cables that are pulled: on virtual
//! time, from thousands of seeds.

mod common;

use common::{Noise, World, any_byte, read, write};
use peote_net_serial::SerialError;
use peote_net_testkit::random::Random;

/// The bytes of one direction of one connection: no two connections say the same.
fn stream(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random::new(seed ^ 0xabcd_ef01);
    // many zeros, which are what the framing has to hide
    (0..len).map(|_| if random.below(3) == 0 { 0 } else { any_byte(&mut random) }).collect()
}

fn noise(random: &mut Random) -> Noise {
    match random.below(4) {
        0 => Noise::default(),
        1 => Noise { lost: 100, ..Noise::default() },
        2 => Noise { lost: 50, flipped: 50, added: 5 },
        _ => Noise { lost: random.below(100), flipped: random.below(100), added: random.below(20) },
    }
}

fn world(seed: u64) -> World {
    let mut random = Random::new(seed);
    let noise = noise(&mut random);
    World::new(seed, noise, random.below(40) as u64, [1, 11, 100][random.below(3)])
}

#[test]
fn everything_arrives_in_order_both_ways_and_then_the_end() {
    for seed in 0..1_000 {
        let mut world = world(seed);
        world.open();
        let (up, down) = (stream(seed, 700), stream(seed + 1_000_000, 500));
        let (mut got_up, mut got_down) = (Vec::new(), Vec::new());
        let (mut sent_up, mut sent_down) = (0, 0);
        let mut end = None;
        world.until("the end of the caller's stream", 400_000, |world| {
            sent_up += write(&mut world.caller, &up[sent_up..]);
            sent_down += write(&mut world.answerer, &down[sent_down..]);
            // a reader that is slow at times
            let (fast, pause) = (world.random.below(64), world.random.chance(200));
            if !pause {
                end = end.or(read(&mut world.answerer, &mut got_up, fast));
                assert!(read(&mut world.caller, &mut got_down, fast).is_none_or(|end| end.is_ok()), "{seed}");
            }
            assert!(up.starts_with(&got_up) && down.starts_with(&got_down), "seed {seed}");
            if sent_up == up.len() && got_down.len() == down.len() && world.caller.is_delivered() {
                world.caller.close();
            }
            // the end is told by one frame, which the noise may take; the next data asks for it
            // again
            end.is_some() || world.caller.is_over()
        });
        end = end.or(read(&mut world.answerer, &mut got_up, 1_000));
        assert!(got_up == up && got_down == down, "seed {seed}: {} {} {end:?}", got_up.len(), got_down.len());
        assert!(matches!(end, Some(Ok(())) | None), "seed {seed}: {end:?}");
    }
}

/// A board starts anew at any moment, with the number of the last start or with another one.
#[test]
fn no_connection_hears_the_bytes_of_another() {
    for seed in 0..500_u64 {
        let mut world = world(seed);
        world.caller.call();
        world.answerer.listen();
        let (mut life, mut heard_life) = (0, 0);
        let mut streams = Vec::<Vec<u8>>::new();
        let (mut sent, mut got) = (0, Vec::new());
        streams.push(stream(seed * 100, 4_000));
        for _ in 0..3_000 {
            world.step();
            sent += write(&mut world.caller, &streams[life][sent..]);
            let _ = read(&mut world.answerer, &mut got, 1_000);
            // of one life, and of none before the one that was heard last
            let heard = (heard_life..=life).find(|&life| streams[life].starts_with(&got));
            heard_life = heard.unwrap_or_else(|| panic!("seed {seed}: not of life {heard_life} to {life}"));
            if world.answerer.is_over() {
                got.clear();
                world.answerer.listen();
            }
            if world.caller.is_over() || world.random.chance(2) {
                life += 1;
                if !world.caller.is_over() {
                    world.caller = common::end(seed + 7 * life as u64);
                }
                world.caller.call();
                sent = 0;
                streams.push(stream(seed * 100 + life as u64, 4_000));
            }
        }
    }
}

/// What the caller has been told of as delivered has been delivered.
#[test]
fn a_close_that_succeeds_has_delivered_everything() {
    let mut succeeded = 0;
    for seed in 0..1_000 {
        let mut world = world(seed);
        world.open();
        let up = stream(seed, 200);
        let mut got = Vec::new();
        assert_eq!(write(&mut world.caller, &up), 200);
        let cut = world.now + world.random.below(300) as u64;
        let mut end = None;
        world.until(&format!("the end of {seed}"), 60_000, |world| {
            if world.now == cut && seed % 2 == 0 {
                (world.up.is_cut, world.down.is_cut) = (true, true);
            }
            let _ = read(&mut world.answerer, &mut got, 1_000);
            if world.caller.is_delivered() {
                world.caller.close();
            }
            end = read(&mut world.caller, &mut Vec::new(), 1);
            end.is_some()
        });
        // what is on the wire already
        for _ in 0..100 {
            world.step();
            let _ = read(&mut world.answerer, &mut got, 1_000);
        }
        assert!(up.starts_with(&got), "seed {seed}");
        match end.unwrap() {
            Ok(()) => {
                assert_eq!(got, up, "seed {seed}");
                succeeded += 1;
            }
            Err(error) => assert_eq!(error, SerialError::Silent, "seed {seed}"),
        }
    }
    assert!((500..1_000).contains(&succeeded), "{succeeded}");
}

#[test]
fn a_cable_that_is_pulled_is_noticed_and_one_that_is_back_works() {
    for seed in 0..500 {
        let mut world = world(seed);
        world.open();
        (world.up.is_cut, world.down.is_cut) = (true, true);
        write(&mut world.caller, b"lost");
        write(&mut world.answerer, b"lost");
        let since = world.now;
        world.until("silence", 10_000, |world| world.caller.is_over() && world.answerer.is_over());
        assert!(world.now - since > 5_000, "seed {seed}: given up after {} ms", world.now - since);
        for end in [&mut world.caller, &mut world.answerer] {
            assert_eq!(read(end, &mut Vec::new(), 1), Some(Err(SerialError::Silent)), "seed {seed}");
        }
        (world.up.is_cut, world.down.is_cut) = (false, false);
        world.open();
    }
}
