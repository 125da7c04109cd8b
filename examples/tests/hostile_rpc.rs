//! A whiteboard that somebody draws on who calls what no user of it would call.

use std::time::Duration;

use peote_net::link::{Event, Mode};
use peote_net::rpc::Message;
use peote_net::value::List;
use peote_net_examples::rpc::{BoardCaller, CHANNEL, Server, User};
use peote_net_std::{DesktopLink, TcpTransport};
use peote_relay::{Config, Relay};

fn connect(address: &str) -> TcpTransport {
    TcpTransport::connect_blocking(address, Duration::from_secs(10)).unwrap()
}

#[test]
fn a_hostile_user_disturbs_nobody() {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let mut relay = Relay::bind(Config { listen, ..Config::default() }).unwrap();
    let address = relay.local_addrs()[0].to_string();
    let mut server = Server::new(connect(&address), CHANNEL, 1).unwrap();
    let mut hostile = DesktopLink::builder().transport(connect(&address)).unwrap();
    let mut turn = |server: &mut Server| {
        relay.turn(Some(Duration::from_millis(1))).unwrap();
        server.poll().unwrap();
    };
    while !server.is_open() {
        turn(&mut server);
    }
    hostile.enter(CHANNEL, Mode::RPC).unwrap();
    let mut board = None;
    while board.is_none() {
        turn(&mut server);
        let mut see = |event: Event<'_>| {
            if let Event::Rpc { from, bytes } = event
                && let Message::Offer(remote) = Message::read(from, bytes)
            {
                board = Some(BoardCaller::new(remote));
            }
        };
        hostile.poll(|event, _| see(event)).unwrap();
    }
    let board = board.unwrap();

    // all before it has joined, then names that fill a message, many times
    let out = &mut hostile.out();
    board.finish(out).unwrap();
    board.draw(out, List::from(&[1, 1][..]), 7).unwrap();
    let name = "\u{1f600}".repeat(8_000);
    for _ in 0..5 {
        board.join(out, &name).unwrap();
    }
    board.draw(out, List::from(&[9_999, 1, 1, 9_999, 3][..]), 7).unwrap();
    while hostile.link().wants_write() {
        hostile.poll(|_, _| ()).unwrap();
        turn(&mut server);
    }
    let mut user = User::new(connect(&address), CHANNEL, "anna", 1, 5).unwrap();
    while user.verified().is_none() {
        turn(&mut server);
        user.poll().unwrap();
        hostile.poll(|_, _| ()).unwrap();
    }
    assert_eq!((user.verified(), user.picture()), (Some(true), Some(server.picture())));
    assert_eq!((user.strokes_seen(), server.violations()), (5, 0));
}
