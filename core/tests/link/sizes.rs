//! How much memory a link takes, and where it can be made.

use std::sync::Mutex;

use peote_net::link::memory::{OwnSlot, PartySlot};
use peote_net::link::{Buffers, Channel, Event, Link, LinkBuffers, Mode, link_buffers};
use peote_net::protocol::to_endpoint;

use crate::support::{Rig, Script, tag_of};

#[test]
fn the_sizes_of_places() {
    assert_eq!(size_of::<OwnSlot>(), OWN);
    assert_eq!(size_of::<PartySlot>(), PARTY);
}

/// The documented formula, with the buffers as the compiler lays them out, and with those of a
/// link.
fn check<
    const CHUNK: usize,
    const PARTIES: usize,
    const CHANNELS: usize,
    const TRANSMIT: usize,
    const RECEIVE: usize,
>() {
    let bytes = PARTIES * (CHUNK + PARTY) + CHANNELS * OWN + TRANSMIT + RECEIVE;
    let size = bytes.next_multiple_of(4);
    assert_eq!(LinkBuffers::<CHUNK, PARTIES, CHANNELS, TRANSMIT, RECEIVE>::SIZE, size);
    assert_eq!(size_of::<LinkBuffers<CHUNK, PARTIES, CHANNELS, TRANSMIT, RECEIVE>>(), size);
    #[cfg(target_pointer_width = "64")]
    assert_eq!(
        size_of::<Link<LinkBuffers<CHUNK, PARTIES, CHANNELS, TRANSMIT, RECEIVE>>>(),
        (size + ADDED).next_multiple_of(8)
    );
}

/// What an own channel takes.
const OWN: usize = if cfg!(feature = "admission") { 20 } else { 16 };

/// What a party takes beside its chunk.
const PARTY: usize = {
    let flow = if cfg!(feature = "flow") { 16 } else { 0 };
    flow + if cfg!(feature = "speed") { 36 } else { 32 }
};

/// What a link adds to its buffers.
#[cfg(target_pointer_width = "64")]
const ADDED: usize = added(
    cfg!(feature = "local"),
    cfg!(feature = "large-chunks"),
    cfg!(feature = "speed"),
    cfg!(feature = "flow"),
    cfg!(feature = "admission"),
);

/// The same for any features, with `server`.
#[cfg(target_pointer_width = "64")]
const fn added(local: bool, large_chunks: bool, speed: bool, flow: bool, admission: bool) -> usize {
    let without_flow = match (local, large_chunks, speed) {
        (true, true, _) => 240,
        (false, true, true) => 208,
        (true, false, _) | (false, true, false) => 200,
        (false, false, true) => 168,
        (false, false, false) => 160,
    };
    without_flow + if flow { 72 } else { 0 } + if admission { 32 } else { 0 }
}

/// The crate's page says what a link adds.
#[cfg(target_pointer_width = "64")]
#[test]
fn the_documented_sizes_of_a_link() {
    const README: &str = include_str!("../../README.md");
    for (features, size) in [
        ("all, as by default", added(true, true, true, true, true)),
        ("all but `admission`", added(true, true, true, true, false)),
        ("all but `admission` and `flow`", added(true, true, true, false, false)),
        ("all but `admission`, `flow` and `speed`", added(true, true, false, false, false)),
        ("`flow` alone", added(false, false, false, true, false)),
        ("`local` without `large-chunks`, `speed` and `flow`", added(true, false, false, false, false)),
        ("`large-chunks` alone", added(false, true, false, false, false)),
        ("none", added(false, false, false, false, false)),
    ] {
        let row = format!("| {features} | {size} | ");
        assert!(README.contains(&row), "{row:?} is not in core/README.md");
    }
}

#[test]
fn the_size_of_a_link_follows_from_its_parameters() {
    check::<32_768, 2, 2, 36_864, 4_096>(); // the defaults
    assert_eq!(size_of::<LinkBuffers>(), LinkBuffers::<32_768, 2, 2, 36_864, 4_096>::SIZE);
    check::<1, 1, 0, 259, 16>();
    check::<1, 1, 1, 260, 17>();
    check::<256, 8, 1, 1024, 512>();
    check::<1000, 33, 128, 4001, 333>();
}

/// A `static` link of the default size, made while compiling.
static LINK: Mutex<Link> = Mutex::new(Link::new());

/// Runs in a thread with a stack of 256 KiB; the test is that it ends.
fn on_a_small_stack(job: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 * 1024).spawn(job).unwrap().join().unwrap();
}

#[test]
fn a_static_link_of_the_default_size_works_on_a_small_stack() {
    on_a_small_stack(|| {
        let mut link = LINK.lock().unwrap();
        let mut script = Script::default();
        link.out().create("big", Mode::default()).unwrap();
        script.incoming.extend(to_endpoint::success(tag_of(32_768, 1), 0));
        let mut created = 0;
        link.poll(&mut script, peote_net::time::Instant::ZERO, |event, out| {
            let Event::Opened { channel: Channel::Own(channel) } = event else { panic!("{event:?}") };
            created += 1;
            assert!(out.can_send(peote_net::link::Destination::All(channel), 32_768));
        })
        .unwrap();
        assert_eq!(created, 1);
    });
}

/// The type of the memory need not be known where the link is used.
#[test]
fn the_type_of_buffers_can_be_erased() {
    let mut buffers = LinkBuffers::<16, 4, 1, 512, 64>::new();
    let erased: &mut dyn Buffers = &mut buffers;
    let mut rig: Rig<&mut dyn Buffers> = Rig::new(Link::with_buffers(erased));
    let channel = rig.own(0, Mode::chunks(16));
    rig.user(channel, 0, 1);
}

/// Sizes have names and defaults.
#[test]
fn sizes_by_name() {
    fn same<T>(_: Link<T>, _: Link<T>)
    where
        T: Buffers,
    {
    }
    same(
        Link::<link_buffers!(receive: 64, chunk: 16, parties: 4, own_channels: 1, transmit: 512)>::new(),
        Link::<LinkBuffers<16, 4, 1, 512, 64>>::new(),
    );
    same(Link::<link_buffers!(parties: 3)>::new(), Link::<LinkBuffers<32_768, 3>>::new());
    same(Link::<link_buffers!()>::new(), Link::<LinkBuffers>::new());
}

/// Memory that is handed in from elsewhere, by reference, is used as it is.
#[test]
fn buffers_can_be_borrowed() {
    static BUFFERS: Mutex<LinkBuffers> = Mutex::new(LinkBuffers::new());
    on_a_small_stack(|| {
        let mut buffers = BUFFERS.lock().unwrap();
        let mut rig = Rig::new(Link::with_buffers(&mut *buffers));
        let channel = rig.own(0, Mode::default());
        rig.user(channel, 0, 1);
    });
}
