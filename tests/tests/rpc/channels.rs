//! Calls have channels of their own.

use peote_net::chunk::ChunkLimit;
use peote_net::link::{Channel, Destination, Event, Mode, SendError, User};
use peote_net::protocol::to_endpoint;
use peote_net::rpc::{Calls, Heard, Message, Remote, offer};
use peote_net::time::Instant;

use crate::peer::{Peer as _, TestLink, poll, server};

/// Whatever is sent plainly: the other end would take it for a call.
#[test]
fn nothing_else_is_sent_in_a_channel_of_calls() {
    let (mut link, mut relay) = server();
    let mut channel = None;
    relay.incoming.extend(to_endpoint::user_entered(0, 1));
    poll(&mut link, &mut relay, |event, _| channel = event.channel());
    let Some(Channel::Own(channel)) = channel else { panic!("a user has entered") };
    let (user, refused) = ((channel, User::new(0)), Err(SendError::OnlyRpc));
    let mut out = link.out();
    assert_eq!(out.send(user, b"hello"), refused);
    assert_eq!(out.send(Destination::All(channel), b"hello"), refused);
    assert_eq!(out.send_parts(user, &[b"hel", b"lo"]), refused);
    assert_eq!(out.send_with(user, 5, |_| panic!("nothing is written")), refused);
    assert_eq!(out.send_value(user, &7u32), refused);
    assert_eq!(out.begin_chunk(user, 5), refused);
    assert_eq!(out.send_to_ready(channel, b"hello").map(drop), refused);
    assert!(out.can_send(user, 5), "a call of so many bytes can be sent");
    offer(&mut out, user, 3).unwrap();
    Remote::assume(user, 3).call(&mut out, 1, &(7u8,)).unwrap();
    link.poll(&mut relay, Instant::ZERO, |_, _| ()).unwrap();
    assert_eq!(relay.chunks_sent(), [vec![3], vec![3, 1, 7]]);
    Remote::assume(Destination::All(channel), 3).call(&mut link.out(), 1, &(7u8,)).unwrap();
    link.poll(&mut relay, Instant::ZERO, |_, _| ()).unwrap();
    assert!(relay.outgoing.ends_with(&[2, 3, 1, 7]), "{:?}", relay.outgoing);
    assert!(SendError::OnlyRpc.to_string().contains("use another channel"));
}

#[test]
fn nothing_is_called_in_a_channel_of_another_mode() {
    for mode in [Mode::default(), Mode::Data] {
        let mut link = Box::new(TestLink::new());
        let mut relay = crate::peer::Relay::default();
        let channel = link.out().create("chat", mode).unwrap();
        relay.incoming.extend(to_endpoint::success(1, 0));
        relay.incoming.extend(to_endpoint::user_entered(0, 0));
        // what would be an offer, and what would be a call
        relay.chunk_of_user(&[0]);
        relay.chunk_of_user(&[0, 1, 2, 3]);
        let mut calls = Calls::<2>::new(&[], &[]);
        let mut plain = 0;
        poll(&mut link, &mut relay, |event, out| {
            // it offers nothing where nobody could take it for an offer
            match calls.handle(event, out)? {
                Heard::Other(Event::Chunk { .. } | Event::Data { .. }) => plain += 1,
                Heard::Other(Event::Opened { .. } | Event::UserEntered { .. }) => {}
                other => panic!("{other:?}"),
            }
            Ok::<(), SendError>(())
        });
        assert!(plain >= 2, "{plain}");
        let user = (channel, User::new(0));
        let mut out = link.out();
        assert_eq!(offer(&mut out, user, 0), Err(SendError::NotRpc));
        assert_eq!(Remote::assume(user, 0).call(&mut out, 1, &(7u8,)), Err(SendError::NotRpc));
        let long = [0u8; 100];
        assert_eq!(Remote::assume(user, 0).call(&mut out, 1, &(&long[..],)), Err(SendError::NotRpc));
        assert_eq!(relay.chunks_sent(), [[0; 0]; 0]);
        out.send(user, b"hello").unwrap();
    }
    assert!(SendError::NotRpc.to_string().contains("Mode::rpc"));
}

/// The limit of a channel of calls is that of chunks.
#[test]
fn messages_have_the_length_bytes_that_the_mode_says() {
    for (mode, length_bytes) in [
        (Mode::RPC, 2),
        (Mode::rpc(256), 1),
        (Mode::Rpc(ChunkLimit::new(256).among(32_768)), 2),
        (Mode::rpc(257), 2),
    ] {
        let mut link = Box::new(TestLink::new());
        let mut relay = crate::peer::Relay::default();
        let channel = link.out().enter("calls", mode).unwrap();
        relay.incoming.extend(to_endpoint::success(1, 0));
        poll(&mut link, &mut relay, |event, _| event.ok());
        relay.outgoing.clear();
        let text = [7u8; 200];
        Remote::assume(channel, 1).call(&mut link.out(), 2, &(&text[..],)).unwrap();
        link.poll(&mut relay, Instant::ZERO, |_, _| ()).unwrap();
        // head (2 bytes of size, channel), length, object, procedure, 2 bytes of length, the bytes
        assert_eq!(relay.outgoing.len(), 2 + 1 + length_bytes + 2 + 2 + 200, "{mode:?}");
    }
    let error = TestLink::new().out().enter("calls", Mode::rpc(0)).unwrap_err();
    assert_eq!(error, SendError::ChunkLimit { max: 0, chunk_size: 32_768 });
}

/// Every message is an event of its own kind, and never a chunk.
#[test]
fn what_comes_is_an_offer_or_a_call() {
    let (mut link, mut relay) = server();
    for bytes in [&[9][..], &[9, 8], &[9, 8, 7]] {
        relay.chunk_of_user(bytes);
    }
    let mut seen = Vec::new();
    poll(&mut link, &mut relay, |event, _| {
        let Event::Rpc { from, bytes } = event else { panic!("{event:?}") };
        assert_eq!(event.channel(), Some(from.channel()));
        seen.push(match Message::read(from, bytes) {
            Message::Offer(remote) => (remote.object(), None, 0),
            Message::Call(call) => {
                (call.object(), Some(call.procedure()), call.arguments().remaining().len())
            }
        });
    });
    assert_eq!(seen, [(9, None, 0), (9, Some(8), 0), (9, Some(8), 1)]);
}
