//! Bad ones that speak bytes of their own.

use std::collections::VecDeque;

use embedded_io::{Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net::protocol::items::{capabilities, number};
use peote_net::protocol::to_endpoint::{Decoder, Unit};
use peote_net::protocol::to_relay::{self, Command};
use peote_net::time::Instant;
use peote_net_simulation::{Conditions, LineConfig, Network, Random, Sleep, Transport};

use crate::program::name;
use crate::world::later;

/// Item 6 of a hello: the window.
const WINDOW: u8 = 6;

pub(crate) struct Liar {
    random: Random,
    own: String,
    channels: Vec<usize>,
    transport: Option<Transport>,
    /// It reads what comes.
    reads: bool,
    decoder: Decoder,
    unread: Vec<u8>,
    unsent: VecDeque<u8>,
    /// Whoever has knocked: channel, number, ticket.
    tickets: Vec<(u8, u8, u8)>,
    wake_at: Instant,
}

impl Liar {
    pub(crate) fn new(seed: u64, own: String, channels: Vec<usize>, begins_at: u64) -> Self {
        let mut random = Random::new(seed);
        Self {
            reads: random.chance(500),
            random,
            own,
            channels,
            transport: None,
            decoder: Decoder::new(),
            unread: Vec::new(),
            unsent: VecDeque::new(),
            tickets: Vec::new(),
            wake_at: Instant::from_millis(begins_at),
        }
    }

    pub(crate) fn sleep(&self) -> Sleep {
        let sleep = Sleep::until(self.wake_at);
        let Some(transport) = &self.transport else { return sleep };
        Sleep { line: Some(transport.line()), read: self.reads, write: !self.unsent.is_empty(), ..sleep }
    }

    pub(crate) fn wake(&mut self, network: &mut Network) {
        let now = network.now();
        if self.wake_at <= now {
            self.wake_at = later(now, 1 + self.random.below(60));
            if self.transport.is_none() {
                self.connect(network);
            } else if self.random.chance(5) {
                self.transport = None;
                return;
            }
            for _ in 0..1 + self.random.below(3) {
                self.act();
            }
        }
        if self.exchange().is_none() {
            self.transport = None;
            self.wake_at = later(now, 1 + self.random.below(500));
        }
    }

    fn connect(&mut self, network: &mut Network) {
        let capacity = *self.random.choose(&[300, 2_000, 65_536]);
        let to_link = Conditions { capacity, ..Conditions::default() };
        self.transport = Some(network.connect(LineConfig { to_link, ..LineConfig::default() }.named("liar")));
        (self.decoder, self.unread, self.unsent) = (Decoder::new(), Vec::new(), VecDeque::new());
        self.tickets.clear();
        let window = *self.random.choose(&[1, 64, 1000, 1 << 20, u32::MAX]);
        let items = [&capabilities(1)[..], &number(WINDOW, window)].concat();
        // with the right first byte it hears that the relay knows hello; it does not wait for that
        self.say(&to_relay::command_head(Command::Hello, items.len()).unwrap());
        self.say(&items);
        self.named(Command::Create, &self.own.clone());
        for server in self.channels.clone() {
            self.named(Command::Enter, &name(server));
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.unsent.extend(bytes);
    }

    fn named(&mut self, command: Command, name: &str) {
        let tag = 1 + u8::try_from(self.random.below(255)).unwrap();
        self.say(&to_relay::name_command(command, tag, name.as_bytes()).unwrap());
        self.say(name.as_bytes());
    }

    fn act(&mut self) {
        let random = &mut self.random;
        let nonsense = *random.choose(&[0, 1, 700, 1 << 20, u32::MAX]);
        let channel = u8::try_from(random.below(3)).unwrap();
        let user = u8::try_from(random.below(6)).unwrap();
        let len = *random.choose(&[1, 50, 200, 2_000, 8_000]);
        if self.unsent.len() > 20_000 {
            return;
        }
        let fill = vec![*random.choose(&[b'L', 0, 90, 0xff]); len];
        match random.below(16) {
            // beyond its windows
            0..=3 => {
                self.say(to_relay::data_from_user(channel, len).as_bytes());
                self.say(&fill);
            }
            4 => {
                self.say(to_relay::data_from_server(0, user, len).as_bytes());
                self.say(&fill);
            }
            5 => {
                self.say(to_relay::broadcast(0, None, len).as_bytes());
                self.say(&fill);
            }
            // what it has not taken
            6 | 7 => self.say(&to_relay::grant_server(channel, nonsense)),
            8 => self.say(&to_relay::grant_user(channel, user, nonsense)),
            // twice, and with words of its own
            9 if !self.channels.is_empty() => {
                let name = name(*self.random.choose(&self.channels));
                if self.random.chance(500) {
                    self.say(&to_relay::command_head(Command::Words, 50).unwrap());
                    self.say(&[b'w'; 50]);
                }
                self.named(Command::Enter, &name);
            }
            // stale tickets, and those of others
            10 => self.say(&to_relay::admit(channel, user, user)),
            11 => {
                let code = *self.random.choose(&[4, 7, 0, 255]);
                self.say(&to_relay::refuse(channel, user, 1, code, 0).unwrap());
            }
            12 | 13 => {
                if !self.tickets.is_empty() {
                    let (channel, user, ticket) = *self.random.choose(&self.tickets);
                    let ticket = ticket.wrapping_add(u8::from(self.random.chance(300)));
                    self.say(&to_relay::admit(channel, user, ticket));
                }
            }
            14 => {
                self.say(&to_relay::leave_out(channel, 3).unwrap());
                self.say(&[0, user, 99]);
            }
            _ => self.say(&to_relay::number_command(Command::Leave, channel)),
        }
    }

    /// Reads, if it does, and writes. `None`: the connection is over.
    fn exchange(&mut self) -> Option<()> {
        let transport = self.transport.as_mut()?;
        let mut bytes = [0; 4096];
        while self.reads && transport.read_ready().ok()? {
            let count = transport.read(&mut bytes).ok().filter(|count| *count > 0)?;
            self.unread.extend(&bytes[..count]);
        }
        while !self.unsent.is_empty() && transport.write_ready().ok()? {
            let count = transport.write(self.unsent.as_slices().0).ok()?;
            self.unsent.drain(..count);
        }
        let mut rest = &self.unread[..];
        while let Some((used, unit)) = self.decoder.decode(rest) {
            if let Unit::Knock { channel, user, ticket, .. } = unit {
                self.tickets.push((channel, user, ticket));
            }
            rest = &rest[used..];
        }
        self.unread = rest.to_vec();
        Some(())
    }
}
