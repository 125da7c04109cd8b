//! The same with lines that break, and channels that come back: what was under way is lost, and
//! nothing else; windows begin anew at both ends.

use peote_net::link::{Channel, Destination, Event, Link, Mode, Out, SendError, Source, User};
use peote_net::reconnect::{Backoff, Reconnect, Retry};
use peote_net::time::{Duration, Instant};
use peote_net_simulation::{LineConfig, Network, Random, Sleep, Step, Transport};
use peote_net_std::HeapBuffers;

use crate::{PATIENCE, WINDOWS, conditions, lengths, link, network_without_lines};

/// Milliseconds between a loss and the next one.
const LOSSES: [u64; 3] = [150, 400, 900];
/// Room for the stream's byte and the message's number.
const HEAD: usize = 5;

/// A stream of numbered chunks.
struct Stream {
    by: u8,
    lengths: Vec<usize>,
    sent: usize,
    /// How many losses there had been when each was sent.
    epochs: Vec<usize>,
    /// The number behind the last one that has come.
    came: usize,
    since: u64,
}

impl Stream {
    fn new(random: &mut Random, window: usize, chunk: usize, by: u8) -> Self {
        let lengths = lengths(random, window, chunk).into_iter().map(|len| len.max(HEAD)).collect();
        Self { by, lengths, sent: 0, epochs: Vec::new(), came: 0, since: 0 }
    }

    fn message(&self, number: usize) -> Vec<u8> {
        let mut bytes = vec![self.by; self.lengths[number]];
        bytes[1..HEAD].copy_from_slice(&u32::try_from(number).unwrap().to_le_bytes());
        bytes
    }

    fn send(&mut self, out: &mut Out<'_>, to: impl Into<Destination>, losses: usize, now: Instant) {
        let to = to.into();
        while self.sent < self.lengths.len() {
            match out.send(to, &self.message(self.sent)) {
                Ok(()) => {
                    self.epochs.push(losses);
                    (self.sent, self.since) = (self.sent + 1, now.as_millis());
                }
                Err(SendError::WouldBlock) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let waits = now.as_millis() - self.since;
        assert!(self.is_sent() || waits < PATIENCE, "{} waits for ever: {to:?}", self.by);
    }

    fn came(&mut self, bytes: &[u8], losses: usize) {
        let number = u32::from_le_bytes(bytes[1..HEAD].try_into().unwrap()) as usize;
        assert!(number >= self.came, "doubled, or out of order");
        assert_eq!(bytes, self.message(number), "torn");
        self.has_lost(self.came..number, losses);
        self.came = number + 1;
    }

    /// These have not come, so there was a loss behind them.
    fn has_lost(&self, mut numbers: core::ops::Range<usize>, losses: usize) {
        assert!(numbers.all(|number| self.epochs[number] < losses), "lost, and no line was");
    }

    fn is_sent(&self) -> bool {
        self.sent == self.lengths.len()
    }
}

/// A program with a line and a list of one channel.
struct End {
    link: Link<HeapBuffers>,
    list: Reconnect<&'static str, 1>,
    line: Option<Transport>,
    channel: Channel,
    is_open: bool,
}

impl End {
    fn new(window: usize, chunk: usize, serves: bool) -> Self {
        let mut link = link(window, chunk, false);
        let rules = Backoff::new().with_delays(Duration::from_millis(5), Duration::from_millis(40));
        let mut list = Reconnect::new(rules).with_channel_rules(rules).with_retry(Retry::Always);
        let mode = Mode::chunks(u32::try_from(chunk).unwrap());
        let channel = if serves {
            list.create(&mut link.out(), "c", mode).unwrap().into()
        } else {
            list.enter(&mut link.out(), "c", mode).unwrap().into()
        };
        Self { link, list, line: None, channel, is_open: false }
    }

    /// Polls, and connects again where there is no line. Says whether something was lost.
    fn turn(&mut self, network: &mut Network, mut hear: impl FnMut(Event<'_>)) -> bool {
        let now = network.now();
        if self.list.start_attempt(now) {
            self.line = Some(network.connect(LineConfig::both(conditions())));
            self.list.connected();
        }
        let Self { link, list, line, is_open, .. } = self;
        let Some(transport) = line else { return false };
        while list.restore(&mut link.out(), now).is_some() {}
        let mut is_lost = false;
        let polled = link.poll(transport, now, |event, _| match list.follow(event, now) {
            Some(Event::Opened { .. }) => *is_open = true,
            Some(Event::Away { .. }) => (*is_open, is_lost) = (false, true),
            Some(Event::LinkLost { .. }) => is_lost = true,
            Some(event) => hear(event),
            None => {}
        });
        if polled.is_err() {
            (*line, *is_open, is_lost) = (None, false, true);
            list.failed(now);
        }
        is_lost
    }
}

/// Between a server and its user, in both directions, and to all.
struct World {
    network: Network,
    server: End,
    user: End,
    member: Option<User>,
    /// To the one user, to the server, and to all.
    streams: [Stream; 3],
    losses: usize,
}

impl World {
    fn new(random: &mut Random, server: usize, user: usize) -> Self {
        let chunk = server.min(user);
        let streams =
            [(0, user), (1, server), (2, user)].map(|(by, window)| Stream::new(random, window, chunk, by));
        Self {
            network: network_without_lines(random.next()),
            server: End::new(server, chunk, true),
            user: End::new(user, chunk, false),
            member: None,
            streams,
            losses: 0,
        }
    }

    fn turn(&mut self) {
        let Self { network, server, user, member, streams, losses } = self;
        let mut came = Vec::new();
        let (mut entered, mut gone) = (None, false);
        let server_lost = server.turn(network, |event| match event {
            Event::UserEntered { user, .. } => entered = Some(user),
            Event::UserGone { .. } => gone = true,
            Event::Chunk { from: Source::User { .. }, bytes } => came.push(bytes.to_vec()),
            other => panic!("{other:?}"),
        });
        let user_lost = user.turn(network, |event| match event {
            Event::Chunk { from: Source::Server { .. }, bytes } => came.push(bytes.to_vec()),
            other => panic!("{other:?}"),
        });
        *losses += usize::from(server_lost) + usize::from(user_lost) + usize::from(gone);
        for bytes in came {
            streams[usize::from(bytes[0])].came(&bytes, *losses);
        }
        if gone || !server.is_open {
            *member = None;
        }
        *member = entered.or(*member);
        self.send();
    }

    fn send(&mut self) {
        let (now, losses) = (self.network.now(), self.losses);
        let [down, up, all] = &mut self.streams;
        let (Some(member), true) = (self.member, self.user.is_open) else {
            [down, up, all].into_iter().for_each(|stream| stream.since = now.as_millis());
            return;
        };
        let (Channel::Own(channel), Channel::Entered(entered)) = (self.server.channel, self.user.channel)
        else {
            unreachable!()
        };
        down.send(&mut self.server.link.out(), (channel, member), losses, now);
        up.send(&mut self.user.link.out(), entered, losses, now);
        // behind what is for the one, which it would keep from ever having room
        if down.is_sent() {
            all.send(&mut self.server.link.out(), Destination::All(channel), losses, now);
        } else {
            all.since = now.as_millis();
        }
    }

    /// So many milliseconds pass.
    fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.turn();
            let next = self.network.now() + Duration::from_millis(1);
            let _: Step = self.network.step(&[Sleep::until(next)], next).unwrap();
        }
    }

    /// All is quiet: what was sent since the last loss has come, and windows are open but for half.
    fn check(&mut self, server: usize, user: usize) {
        for stream in &self.streams {
            assert!(stream.is_sent());
            stream.has_lost(stream.came..stream.sent, self.losses);
        }
        let (Channel::Own(channel), Channel::Entered(entered)) = (self.server.channel, self.user.channel)
        else {
            unreachable!()
        };
        let member = self.member.expect("it is there");
        let down = self.server.link.out().window((channel, member));
        let up = self.user.link.out().window(entered);
        for (window, own) in [(down, user), (up, server)] {
            let window = window.expect("it is known");
            assert!(window * 2 >= own && window <= own, "{window} of {own}");
        }
    }
}

#[test]
fn chunks_of_nearly_a_window_go_on_when_lines_have_broken() {
    for server in WINDOWS {
        for user in WINDOWS {
            let mut random = Random::new((server * 3 + user) as u64);
            let mut world = World::new(&mut random, server, user);
            for after in LOSSES {
                world.pass(after);
                let end = if random.chance(500) { &world.server } else { &world.user };
                if let Some(line) = &end.line {
                    world.network.reset(line.line());
                }
            }
            while !world.streams.iter().all(Stream::is_sent) {
                world.pass(100);
            }
            world.pass(200);
            world.check(server, user);
            assert!(world.losses >= 3, "{} losses", world.losses);
        }
    }
}
