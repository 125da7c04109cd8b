//! A board that is a test: its clock ticks while it sleeps.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use peote_net::time::Instant;
use smoltcp::phy::{Device, DeviceCapabilities, Loopback, Medium};

use super::{Board, Frames, run, sleep_until};

/// Its time is over.
struct Over;

#[derive(Default)]
struct Desk {
    now: u64,
    ends: u64,
    interrupts_are_disabled: bool,
    sleeps: u32,
}

impl Board for Desk {
    fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn seed(&self) -> u64 {
        7
    }

    fn disable_interrupts(&mut self) {
        self.interrupts_are_disabled = true;
    }

    fn enable_interrupts(&mut self) {
        self.interrupts_are_disabled = false;
    }

    fn wait_for_interrupt(&mut self) {
        assert!(self.interrupts_are_disabled, "one that came just before is slept through");
        if self.now == self.ends {
            resume_unwind(Box::new(Over));
        }
        self.now += 1;
        self.sleeps += 1;
    }
}

/// A cable whose other end is its own: what is sent comes back.
struct Cable {
    loopback: Loopback,
    under_way: u32,
    frames: u32,
}

impl Cable {
    fn new() -> Self {
        Self { loopback: Loopback::new(Medium::Ethernet), under_way: 0, frames: 0 }
    }
}

impl Frames for Cable {
    fn has_frame(&mut self) -> bool {
        self.under_way > 0
    }
}

impl Device for Cable {
    type RxToken<'a> = <Loopback as Device>::RxToken<'a>;
    type TxToken<'a> = <Loopback as Device>::TxToken<'a>;

    fn receive(&mut self, now: smoltcp::time::Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        let received = self.loopback.receive(now);
        self.under_way = self.under_way.saturating_sub(u32::from(received.is_some()));
        received
    }

    fn transmit(&mut self, now: smoltcp::time::Instant) -> Option<Self::TxToken<'_>> {
        (self.under_way, self.frames) = (self.under_way + 1, self.frames + 1);
        self.loopback.transmit(now)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.loopback.capabilities()
    }
}

/// Runs until so many milliseconds are over.
fn until(ends: u64, desk: &mut Desk, task: impl FnOnce(&mut Desk)) {
    desk.ends = ends;
    let ended = catch_unwind(AssertUnwindSafe(|| task(desk)));
    let over = ended.expect_err("it goes on for ever");
    assert!(over.is::<Over>(), "it failed before its time was over");
}

#[test]
fn it_sleeps_until_the_deadline_or_a_frame() {
    let (mut desk, mut cable) = (Desk { ends: 1_000, ..Desk::default() }, Cable::new());
    sleep_until(Some(Instant::from_millis(5)), &mut desk, &mut cable);
    assert_eq!((desk.now, desk.interrupts_are_disabled), (5, false));
    sleep_until(Some(Instant::ZERO), &mut desk, &mut cable);
    assert_eq!(desk.sleeps, 5);
    cable.under_way = 1;
    sleep_until(None, &mut desk, &mut cable);
    assert_eq!((desk.sleeps, desk.interrupts_are_disabled), (5, false));
    cable.under_way = 0;
    until(1_000, &mut desk, |desk| sleep_until(None, desk, &mut cable));
}

#[test]
fn it_calls_the_relay_and_sleeps_meanwhile() {
    let (mut desk, mut cable) = (Desk::default(), Cable::new());
    until(60_000, &mut desk, |desk| run(desk, &mut cable).expect("the configuration is right"));
    // it asks where the relay is, again and again, as nobody answers
    assert!((10..200).contains(&cable.frames), "{}", cable.frames);
    assert!(desk.sleeps > 59_000, "{}", desk.sleeps);
}

/// What is tested here is what the guide shows.
#[test]
fn the_guide_has_the_same_program() {
    let (_, program) = include_str!("main.rs").split_once("to the letter.\n").unwrap();
    let guide = include_str!("../../../../core/src/guide/firmware.md");
    assert!(
        guide.contains(&format!("```rust\n{program}```\n")),
        "core/src/guide/firmware.md has another first program"
    );
}
