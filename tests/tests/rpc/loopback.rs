//! Both directions over a real relay, on loopback.

use std::time::{Duration, Instant};

use peote_net::link::{Channel, Event, Flow, Mode, SendError};
use peote_net::rpc::{Context, Error, Message, Remote, offer, remote};
use peote_net::value::List;
use peote_net_std::DesktopLink;
use peote_relay::{Config, Relay};

/// What the server does.
#[remote]
trait Adder {
    fn add(
        &mut self,
        context: &mut Context<'_>,
        numbers: List<'_, i32>,
        label: &str,
    ) -> Result<(), SendError>;
}

/// What users do.
#[remote]
trait Result_ {
    fn sum(&mut self, sum: i32, label: &str);
}

struct Server;

impl Adder for Server {
    fn add(
        &mut self,
        context: &mut Context<'_>,
        numbers: List<'_, i32>,
        label: &str,
    ) -> Result<(), SendError> {
        let caller = Result_Caller::new(Remote::assume(context.from(), 7));
        caller.sum(context.out(), numbers.iter().fold(0, i32::wrapping_add), label)
    }
}

#[derive(Default)]
struct User {
    sums: Vec<(i32, String)>,
}

impl Result_ for User {
    fn sum(&mut self, sum: i32, label: &str) {
        self.sums.push((sum, label.to_owned()));
    }
}

fn connect(relay: &Relay) -> DesktopLink {
    DesktopLink::connect(&relay.local_addrs()[0].to_string()).unwrap()
}

#[test]
fn a_server_and_two_users_call_each_other() {
    const CALLS: i32 = 200;
    let config = Config { listen: vec!["127.0.0.1:0".parse().unwrap()], ..Config::default() };
    let mut relay = Relay::bind(config).unwrap();
    let mut server = connect(&relay);
    let mut links = [connect(&relay), connect(&relay)];
    let mut users = [User::default(), User::default()];
    let mut objects = [None, None];
    let mut called = [0, 0];
    server.create("adder", Mode::RPC).unwrap();
    let mut created = false;
    let end = Instant::now() + Duration::from_secs(60);
    while users.iter().any(|user| user.sums.len() < CALLS as usize) {
        assert!(Instant::now() < end, "{:?}", users.map(|user| user.sums.len()));
        relay.turn(Some(Duration::from_millis(1))).unwrap();
        server
            .poll(|event, out| match event {
                Event::Opened { channel: Channel::Own(_) } => {
                    created = true;
                    Ok(Flow::Continue)
                }
                Event::UserEntered { channel, user } => {
                    offer(out, (channel, user), 2).map(|()| Flow::Continue)
                }
                Event::Rpc { from, bytes } => match Message::read(from, bytes) {
                    Message::Call(call) => Server.dispatch(&call, out).or_else(Error::pass_over),
                    Message::Offer(object) => {
                        assert_eq!(object.object(), 7);
                        Ok(Flow::Continue)
                    }
                },
                _ => Ok(Flow::Continue),
            })
            .unwrap();
        if std::mem::take(&mut created) {
            for link in &mut links {
                link.enter("adder", Mode::RPC).unwrap();
            }
        }
        for ((link, user), (object, called)) in
            links.iter_mut().zip(&mut users).zip(objects.iter_mut().zip(&mut called))
        {
            link.poll(|event, out| match event {
                Event::Opened { channel: Channel::Entered(channel) } => {
                    offer(out, channel, 7).map(|()| Flow::Continue)
                }
                Event::Rpc { from, bytes } => match Message::read(from, bytes) {
                    Message::Offer(remote) => {
                        *object = Some(AdderCaller::new(remote));
                        Ok(Flow::Continue)
                    }
                    Message::Call(call) => user.dispatch(&call, out).or_else(Error::pass_over),
                },
                _ => Ok(Flow::Continue),
            })
            .unwrap();
            let Some(adder) = object else { continue };
            while *called < CALLS {
                // longer and longer lists, up to 8 KB
                let numbers: Vec<i32> = (0..*called * 10).collect();
                match adder.add(&mut link.out(), numbers.as_slice().into(), &format!("call {called}")) {
                    Ok(()) => *called += 1,
                    Err(SendError::WouldBlock) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    for user in users {
        for (call, (sum, label)) in (0..).zip(user.sums) {
            let count = call * 10;
            assert_eq!((sum, label), (count * (count - 1) / 2, format!("call {call}")));
        }
    }
}
