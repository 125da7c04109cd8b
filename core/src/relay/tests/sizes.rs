//! Sizes that the documentation promises.

use super::super::memory::{ChannelSlot, ConnectionSlot, FlowSlot, MembershipSlot, Page};
use super::super::{Relay, StaticStorage};

#[test]
fn slots_have_the_documented_sizes() {
    assert_eq!(size_of::<ConnectionSlot>(), 152);
    assert_eq!(size_of::<ChannelSlot>(), 120);
    assert_eq!(size_of::<MembershipSlot>(), 32);
    assert_eq!(size_of::<Page>(), 64);
    assert_eq!(size_of::<FlowSlot>(), 48);
}

#[test]
fn static_storage_has_the_documented_size() {
    fn formula(connections: usize, channels: usize, memberships: usize, pages: usize) -> usize {
        (152 * connections + 124 * channels + 32 * memberships + 64 * pages).next_multiple_of(8)
    }
    assert_eq!(size_of::<StaticStorage<2, 1, 1, 4>>(), formula(2, 1, 1, 4));
    assert_eq!(size_of::<StaticStorage<8, 8, 32, 20>>(), formula(8, 8, 32, 20));
    assert_eq!(size_of::<StaticStorage<15, 7, 33, 64>>(), formula(15, 7, 33, 64));
    let relay = size_of::<Relay<StaticStorage<8, 8, 32, 20>>>();
    assert!(relay <= formula(8, 8, 32, 20) + 80, "a relay adds at most 80 bytes, not {relay}");
}

static RELAY: std::sync::Mutex<Relay<StaticStorage<16, 16, 64, 64>>> =
    std::sync::Mutex::new(Relay::new(StaticStorage::new()));

#[test]
fn a_relay_can_be_static() {
    let mut relay = RELAY.lock().unwrap();
    let connection = relay.connect().unwrap();
    relay.disconnect(connection, &mut super::Queues::default());
    assert_eq!(relay.connections(), 0);
}
