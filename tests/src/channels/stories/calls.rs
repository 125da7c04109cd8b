//! Remote procedures.

use peote_net::link::{Event, Flow, Mode, Out, SendError};
use peote_net::rpc::{self, Context, Message, Remote, remote};

use crate::channels::{Heard, Stage, Story};

#[remote]
trait Calculator {
    fn add(&mut self, context: &mut Context<'_>, a: i32, b: i32) -> Result<(), SendError>;
    fn name(&mut self, name: &str);
}

#[remote]
trait Display {
    fn show(&mut self, number: i32);
}

#[derive(Default)]
struct Desk {
    named: Vec<String>,
    shown: Vec<i32>,
}

impl Calculator for Desk {
    fn add(&mut self, context: &mut Context<'_>, a: i32, b: i32) -> Result<(), SendError> {
        DisplayCaller::new(Remote::assume(context.from(), 9)).show(context.out(), a + b)
    }
    fn name(&mut self, name: &str) {
        self.named.push(name.to_owned());
    }
}

impl Display for Desk {
    fn show(&mut self, number: i32) {
        self.shown.push(number);
    }
}

/// Objects are offered, called, and call back.
pub fn remote_procedures<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("desk", Mode::RPC, 2);
    for (_, user) in &users {
        rpc::offer(&mut story.out(0), (server.channel, *user), 4).unwrap();
    }
    let mut desk = Desk::default();
    let mut offers = 0;
    let mut serve = |event: Event<'_>, out: &mut Out<'_>| {
        let Event::Rpc { from, bytes } = event else { return Ok(Flow::Continue) };
        match Message::read(from, bytes) {
            Message::Offer(remote) => {
                assert_eq!(remote.object(), 4);
                offers += 1;
                let caller = CalculatorCaller::new(remote);
                caller.name(out, "a name")?;
                caller.add(out, 40, offers)?;
            }
            Message::Call(call) => {
                let called = match call.object() {
                    4 => Calculator::dispatch(&mut desk, &call, out),
                    9 => Display::dispatch(&mut desk, &call, out),
                    _ => Err(call.unknown_object()),
                };
                return called.or_else(rpc::Error::pass_over);
            }
        }
        Ok(Flow::Continue)
    };
    for (client, _) in &users {
        // the offer, and the answer
        for _ in 0..2 {
            assert!(matches!(story.next_of_with(*client, &mut serve), Heard::Rpc(None, _)));
        }
    }
    desk.shown.sort_unstable();
    assert_eq!(desk.shown, [41, 42]);
    assert_eq!(desk.named, ["a name", "a name"]);
}
