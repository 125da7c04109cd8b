//! A user that calls an object of the server, in one program, without a network.

use peote_net::link::{Event, Flow, Link, Mode, link_buffers};
use peote_net::offline::Offline;
use peote_net::rpc::{self, Message, remote};
use peote_net::time::Instant;

type Memory = link_buffers!(chunk: 64, parties: 2, own_channels: 1, transmit: 512, local_users: 1, line: 256);

#[remote]
trait Lamp {
    fn switch(&mut self, is_on: bool, percent: u8);
}

impl Lamp for Option<u8> {
    fn switch(&mut self, is_on: bool, percent: u8) {
        *self = is_on.then_some(percent);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut link, mut transport, mut lamp) = (Link::<Memory>::with_local_users(), Offline::new(), None);
    link.out().create("lamp", Mode::rpc(64))?;
    link.out().enter("lamp", Mode::rpc(64))?;
    while lamp.is_none() {
        link.poll(&mut transport, Instant::ZERO, |event, out| match event {
            Event::UserEntered { channel, user } => rpc::offer(out, (channel, user), 0).map(Flow::from),
            Event::Rpc { from, bytes } => match Message::read(from, bytes) {
                Message::Offer(offered) => LampCaller::new(offered).switch(out, true, 80).map(Flow::from),
                Message::Call(call) => lamp.dispatch(&call, out).or_else(rpc::Error::pass_over),
            },
            other => other.ok().map(Flow::from),
        })?;
    }
    println!("the lamp is on at {} %", lamp.unwrap_or(0));
    Ok(())
}
