//! A user that switches a lamp of the server, in one program.

use peote_net::link::{Event, Flow, Mode};
use peote_net::rpc::{self, Message, remote};
use peote_net_std::DesktopLink;

#[remote]
trait Lamp {
    fn switch(&mut self, is_on: bool, percent: u8);
}

#[derive(Default)]
struct Desk {
    is_lit: bool,
}

impl Lamp for Desk {
    fn switch(&mut self, is_on: bool, percent: u8) {
        println!("the lamp is {} at {percent} %", if is_on { "on" } else { "off" });
        self.is_lit = is_on;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut link = DesktopLink::offline()?;
    link.create("lamp", Mode::rpc(256))?;
    link.enter("lamp", Mode::rpc(256))?;
    let mut desk = Desk::default();
    while !desk.is_lit {
        link.wait()?;
        link.poll(|event, out| match event {
            Event::UserEntered { channel, user } => rpc::offer(out, (channel, user), 0).map(Flow::from),
            Event::Rpc { from, bytes } => match Message::read(from, bytes) {
                Message::Offer(lamp) => LampCaller::new(lamp).switch(out, true, 80).map(Flow::from),
                Message::Call(call) => desk.dispatch(&call, out).or_else(rpc::Error::pass_over),
            },
            other => other.ok().map(Flow::from),
        })?;
    }
    Ok(())
}
