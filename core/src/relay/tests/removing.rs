//! Remove, block, and what a relay says it can do (`docs/PROTOCOL.md`, section 11).

use std::vec::Vec;

use super::*;
use crate::protocol::MAX_USERS;

const BOTH: Capabilities = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER);
const ANNOUNCEMENT: [u8; 6] = [0, 4, 0, 255, 0x50, 3];

impl World {
    /// Like [`World::with_channel`], on a relay that can remove and block.
    fn removing(connections: usize) -> Self {
        let mut world = Self::with_channel(connections);
        world.host.capabilities = BOTH;
        world
    }

    /// Another connection, which has said something that means nothing, and has been told what the
    /// relay can do.
    fn join(&mut self) -> usize {
        self.ids.push(self.relay.connect().unwrap());
        let index = self.ids[self.ids.len() - 1].index();
        self.host.queues.resize(self.host.queues.len().max(index + 1), Vec::new());
        self.send(self.ids.len() - 1, &[0x80, 0]);
        self.host.queues[index].clear();
        self.ids.len() - 1
    }

    /// Enters "a", and gives the code it is refused with, or the number it has at its server (0 in
    /// `.0`).
    fn enter(&mut self, user: usize) -> (u8, u8) {
        self.take(0);
        self.take(user);
        self.send(user, b"\0\x01\x01\x01a");
        match self.take(user)[..] {
            [0, 3, 1, 1, code] => (code, 0),
            _ => (0, self.take(0)[5]),
        }
    }
}

#[test]
fn a_relay_announces_once_when_the_first_byte_has_come() {
    let mut world = World::new(2);
    world.host.capabilities = BOTH;
    world.send(0, b"");
    assert_eq!(world.take(0), []);
    assert_eq!(world.receive(0, &[0]).used, 0);
    assert_eq!(world.take(0), ANNOUNCEMENT);
    world.send(0, b"\0\0\x01\x01a");
    assert_eq!(world.take(0), [0, 3, 1, 0, 0]);
    assert_eq!(world.take(1), []);
    // the next connection in the same place is told too
    world.disconnect(0);
    world.ids[0] = world.relay.connect().unwrap();
    world.send(0, &[0x80, 0]);
    assert_eq!(world.take(0), ANNOUNCEMENT);
}

#[test]
fn the_announcement_waits_for_room() {
    let mut world = World::new(1);
    world.host.capabilities = BOTH;
    world.host.bound = 8;
    world.host.queues[0] = std::vec![7; 3];
    let own_queue = Received { used: 0, outcome: Outcome::WaitFor(world.ids[0]) };
    assert_eq!(world.receive(0, b"\0\0\x01\x01a"), own_queue);
    assert_eq!(world.take(0), [7; 3]);
    assert_eq!(world.receive(0, b"\0\0\x01\x01a"), own_queue); // now the answer has no room
    assert_eq!(world.take(0), ANNOUNCEMENT);
    world.send(0, b"\0\0\x01\x01a");
    assert_eq!(world.take(0), [0, 3, 1, 0, 0]);
}

#[test]
fn what_a_host_does_not_announce_is_unknown() {
    for (capabilities, unknown) in
        [(Capabilities::NONE, &[4, 5, 6][..]), (Capabilities::REMOVE_USER, &[5, 6]), (BOTH, &[6])]
    {
        for code in unknown {
            let mut world = World::with_channel(2);
            world.host.capabilities = capabilities;
            assert_eq!(world.send_fatal(0, &[0, *code]), CloseReason::UnknownCommand(*code));
        }
    }
    let mut world = World::new(1);
    world.host.capabilities = Capabilities::REMOVE_USER;
    world.send(0, &[0x80, 0]);
    assert_eq!(world.take(0), [0, 4, 0, 255, 0x50, 1]);
}

#[test]
fn a_removed_user_and_its_server_are_told_and_it_may_come_again() {
    let mut world = World::removing(3);
    world.send(0, &[0, 4, 0, 2, 0, 0]);
    assert_eq!(world.take(1), [0, 4, 0, 2, 0, 2]);
    assert_eq!(world.take(0), [0, 5, 0, 1, 0, 0, 2]);
    assert_eq!(world.take(2), []);
    assert_eq!((world.relay.memberships(), world.host.blocked.len()), (1, 0));
    // what was under way from it and to it is stale
    world.send(1, &[2, 0, b'x']);
    world.send(0, &[3, 128, 0, b'x', 1, 1, 2, 128, b'y']);
    assert_eq!((world.take(0), world.take(1)), (std::vec![], std::vec![]));
    assert_eq!(world.take(2), [2, 0, b'y']);
    assert_eq!(world.enter(1), (0, 2));
}

#[test]
fn a_blocked_connection_is_kept_out_of_that_channel_until_it_is_deleted() {
    let mut world = World::removing(3);
    world.send(0, b"\0\0\x01\x01b");
    world.take(0);
    world.send(0, &[0, 5, 0, 2, 0, 0]);
    assert_eq!(world.take(1), [0, 4, 0, 2, 0, 2]);
    assert_eq!(world.take(0), [0, 5, 0, 1, 0, 0, 2]);
    assert_eq!(world.host.blocked, [(world.ids[1], 0, true)]);
    assert_eq!(world.enter(1), (6, 0));
    assert_eq!(world.take(0), [], "the server must not hear of refusals");
    // others, and other channels, are not concerned
    world.send(1, b"\0\x01\x01\x01b");
    assert_eq!((world.take(1), world.take(0)), (std::vec![0, 3, 1, 0, 1], std::vec![0, 4, 0, 0, 1, 0]));
    let stranger = world.join();
    assert_eq!(world.enter(stranger), (0, 2));
    // a channel of the same name is another channel
    world.send(0, &[0, 3, 0, 1, 0]);
    world.send(0, b"\0\0\x01\x01a");
    assert_eq!(world.enter(1), (0, 0));
}

#[test]
fn a_block_ends_with_the_connection() {
    let mut world = World::removing(2);
    world.send(0, &[0, 5, 0, 2, 0, 0]);
    let place = world.ids[1].index();
    world.disconnect(1);
    let again = world.join();
    assert_eq!(world.ids[again].index(), place, "it has the same place in the table");
    assert_eq!(world.enter(again), (0, 1));
}

#[test]
fn numbers_that_mean_nobody_and_wrong_lengths_are_passed_over() {
    let mut world = World::removing(3);
    for command in [4, 5] {
        for numbers in
            [&[0, 2][..], &[0, 255], &[1, 0], &[127, 0], &[128, 0], &[255, 255], &[], &[0], &[0, 0, 0]]
        {
            let unit = [&[0, command, 0, u8::try_from(numbers.len()).unwrap()][..], numbers].concat();
            world.send(0, &unit);
            world.send(1, &unit); // whose own channel it is not
        }
        world.send(0, &[&[0, command, 9, 255][..], &[0; 255]].concat());
    }
    assert_eq!((world.take(0), world.take(1), world.take(2)), (std::vec![], std::vec![], std::vec![]));
    assert_eq!((world.relay.memberships(), world.host.blocked.len()), (2, 0));
    world.send(1, &[2, 0, b'x']);
    assert_eq!(world.take(0), [3, 128, 0, b'x']);
}

#[test]
fn blocking_somebody_who_has_just_left_blocks_nobody() {
    let mut world = World::removing(3);
    world.send(1, &[0, 2, 0, 1, 0]);
    world.send(0, &[0, 5, 0, 2, 0, 0]);
    assert_eq!(world.host.blocked, []);
    assert_eq!(world.enter(1), (0, 2));
    assert_eq!(world.relay.memberships(), 2);
}

#[test]
fn the_rest_of_a_unit_of_a_removed_user_goes_nowhere() {
    let mut world = World::removing(2);
    world.send(1, &[5, 0, b'a']);
    world.take(0);
    world.send(0, &[0, 4, 0, 2, 0, 0]);
    world.take(0);
    world.send(1, b"bcd");
    assert_eq!(world.take(0), []);
    assert_eq!(world.enter(1), (0, 1));
}

#[test]
fn the_host_is_asked_and_can_pass_over_delay_or_close() {
    let mut world = World::removing(2);
    world.host.decision = |request| match request {
        Request::Remove => Decision::Later,
        Request::Block => Decision::No(Reason::ChannelFull),
        _ => Decision::Yes,
    };
    assert_eq!(world.receive(0, &[0, 4, 0, 2, 0, 0]), Received { used: 0, outcome: Outcome::Later });
    world.send(0, &[0, 5, 0, 2, 0, 0]);
    assert_eq!(world.relay.memberships(), 1);
    world.host.decision = |_| Decision::Close;
    assert_eq!(world.send_fatal(0, &[0, 4, 0, 2, 0, 0]), CloseReason::NotAllowed);
}

#[test]
fn removing_adds_one_notice_for_a_membership_to_a_full_queue() {
    let mut world = World::removing(2);
    world.host.bound = 10;
    for connection in 0..2 {
        world.host.queues[connection] = std::vec![0; 10];
    }
    for _ in 0..20 {
        let _ = world.receive(0, &[0, 4, 0, 2, 0, 0]);
        let _ = world.receive(1, b"\0\x01\x01\x01a");
    }
    assert_eq!((world.host.queues[0].len(), world.host.queues[1].len()), (10 + 7, 10 + 6));
}

/// A relay with a server and its channel "a".
fn crowd(storage: Growing) -> World {
    let mut world = World::new(0);
    world.relay = Relay::new(storage);
    world.host.capabilities = BOTH;
    let server = world.join();
    world.send(server, b"\0\0\x01\x01a");
    world
}

// §11.3-full
#[test]
fn a_list_holds_as_many_as_it_says_and_those_that_are_gone_make_room() {
    let mut relay = Relay::new(StaticStorage::<200, 2, 4, 600>::new());
    let mut host = Queues { queues: std::vec![Vec::new(); 200], capabilities: BOTH, ..Queues::default() };
    let server = relay.connect().unwrap();
    let _ = relay.receive(server, b"\0\0\x01\x01a", &mut host);
    let block = |relay: &mut Relay<_>, host: &mut Queues| {
        let user = relay.connect().unwrap();
        let _ = relay.receive(user, b"\0\x01\x01\x01a", host);
        let number = *host.queues[0].last().unwrap();
        let _ = relay.receive(server, &[0, 5, 0, 2, 0, number], host);
        assert_eq!(relay.memberships(), 0, "removed in any case");
        (user, host.blocked.pop().unwrap().2)
    };
    let users: Vec<_> = (0..MAX_BLOCKED).map(|_| block(&mut relay, &mut host)).collect();
    assert!(users.iter().all(|(_, is_kept)| *is_kept));
    let (late, is_kept) = block(&mut relay, &mut host);
    assert!(!is_kept);
    relay.disconnect(users[50].0, &mut host);
    let (_, is_kept) = block(&mut relay, &mut host);
    assert!(is_kept);
    for (user, is_kept) in users.into_iter().chain([(late, false)]).filter(|(user, _)| user.index() != 51) {
        host.queues[user.index()].clear();
        let _ = relay.receive(user, b"\0\x01\x01\x01a", &mut host);
        assert_eq!(host.queues[user.index()].ends_with(&[0, 3, 1, 1, 6]), is_kept);
    }
    // the list goes with the channel
    let before = relay.pages();
    let _ = relay.receive(server, &[0, 3, 0, 1, 0], &mut host);
    assert!(relay.pages() <= before - MAX_BLOCKED / 7, "{} of {before} pages are taken", relay.pages());
}

#[test]
fn coming_and_being_blocked_again_and_again_takes_no_more_memory() {
    let mut world = crowd(Growing::default());
    for round in 0..2000u16 {
        let user = world.join();
        let number = u8::try_from(usize::from(round) % MAX_USERS).unwrap();
        assert_eq!(world.enter(user), (0, number));
        world.send(0, &[0, 5, 0, 2, 0, number]);
        assert!(world.host.blocked.pop().unwrap().2);
        world.disconnect(user);
        world.ids.pop();
        world.pass(1);
    }
    // one page of the list, one of the name, the server's table and the channel's 16 for users
    assert_eq!(world.relay.pages(), 1 + 1 + 1 + 16);
    world.send(0, &[0, 3, 0, 1, 0]);
    assert_eq!(world.relay.pages(), 1);
}

#[test]
fn blocks_leave_half_of_the_pages_to_others() {
    let mut relay = Relay::new(StaticStorage::<12, 1, 4, 12>::new());
    let mut host = Queues { capabilities: BOTH, ..Queues::default() };
    let server = relay.connect().unwrap();
    let _ = relay.receive(server, b"\0\0\x01\x01a", &mut host);
    let mut kept = 0;
    for _ in 1..12 {
        let user = relay.connect().unwrap();
        let _ = relay.receive(user, b"\0\x01\x01\x01a", &mut host);
        let number = *host.queues[0].last().unwrap();
        let _ = relay.receive(server, &[0, 5, 0, 2, 0, number], &mut host);
        kept += usize::from(host.blocked.pop().is_some_and(|(_, _, is_kept)| is_kept));
    }
    // name, users, two tables of channels; then one page of the list, and with what comes later
    // half of all are taken
    assert_eq!(kept, 7);
}

/// Where more pages are left than a list has, others still get some.
#[test]
fn blocks_stop_at_half_of_the_pages() {
    let mut relay = Relay::new(StaticStorage::<40, 1, 4, 60>::new());
    let mut host = Queues { queues: std::vec![Vec::new(); 40], capabilities: BOTH, ..Queues::default() };
    let server = relay.connect().unwrap();
    let _ = relay.receive(server, b"\0\0\x01\x01a", &mut host);
    let mut is_kept = true;
    while is_kept {
        let user = relay.connect().unwrap();
        let _ = relay.receive(user, b"\0\x01\x01\x01a", &mut host);
        let number = *host.queues[0].last().unwrap();
        let _ = relay.receive(server, &[0, 5, 0, 2, 0, number], &mut host);
        is_kept = host.blocked.pop().unwrap().2;
    }
    // users take pages between two of the list
    assert!((30..40).contains(&relay.pages()), "{} of 60 pages are taken", relay.pages());
}
