//! The asking end of traffic.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant as Moment;

use peote_net::Reason;
use peote_net::link::{Channel, EnteredChannel, Event, Link, Out, SendError, Source};
use peote_net::time::{Duration, Instant};
use peote_net_std::{HeapBuffers, Interest, TcpTransport, Watch};

use super::{Control, Flow, Kind, Noise, Script, Tally, excluded, mode};
use crate::Failure;

/// One client: a user of one channel. A connection can be in a channel only once, so the clients of
/// a connection are in different channels.
#[derive(Clone, Debug)]
pub struct Client {
    /// The name of the channel.
    pub channel: String,
    /// What it sends.
    pub script: Script,
}

/// What the clients of one connection are to do.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// Whether they send chunks at all.
    pub data: bool,
    /// Whether they want their chunks back.
    pub echo: bool,
    /// Whether they want broadcasts.
    pub broadcasts: bool,
    /// How many chunks of a client may be on their way there and back at the same time.
    pub window: usize,
    /// The time between two chunks of a client; zero: as fast as possible.
    pub delay: Duration,
    /// How many chunks a client has to have sent before it may finish; if it sends none, how many
    /// broadcasts it has to have got.
    pub at_least: u64,
    /// The longest chunk, in bytes, that servers may broadcast.
    pub max: u32,
    /// How long to go on asking for channels that do not exist yet.
    pub patience: Duration,
}

/// The clients that share one connection.
#[derive(Debug)]
pub struct Clients {
    link: Link<HeapBuffers>,
    transport: TcpTransport,
    crowd: Crowd,
}

/// What there is to do about events. Apart from the link, so that a handler can change it while the
/// link is being polled.
#[derive(Debug)]
struct Crowd {
    sending: Sending,
    noise: Rc<Noise>,
    members: Vec<Member>,
    /// Which member has which channel, by the index of the channel's handle.
    places: Vec<usize>,
    give_up: Instant,
    finishing: bool,
    /// The member whose turn it is to send first.
    first: usize,
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Member {
    client: Client,
    stage: Stage,
    /// Chunks sent.
    sent: Flow,
    /// Echoes that have come back.
    echoes: u64,
    /// When the chunks that have not come back were sent, the oldest first.
    in_flight: VecDeque<Moment>,
    /// When the next chunk may be sent.
    due: Instant,
    /// Broadcasts that have come.
    broadcasts: u64,
    /// What broadcasts have to be.
    welcome: Option<Welcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The channel did not exist; ask again at that time.
    Absent(Instant),
    Entering,
    /// Hello has been said.
    Greeting(EnteredChannel),
    Running(EnteredChannel),
    /// Everything has been sent, but not everything has come back.
    Finishing(EnteredChannel),
    /// Bye has been said.
    Leaving(EnteredChannel),
    Done,
}

#[derive(Debug)]
struct Welcome {
    /// The number of this user in the channel.
    user: u8,
    script: Script,
    /// The number of the next broadcast.
    next: u64,
}

impl Clients {
    /// Clients at the other end of `transport`; the first turn asks for their channels.
    ///
    /// # Errors
    /// There is no memory for so many of them.
    pub fn new(
        transport: TcpTransport,
        clients: Vec<Client>,
        sending: Sending,
        noise: Rc<Noise>,
        now: Instant,
    ) -> Result<Self, Failure> {
        let link = super::link(0, clients.len().max(1), sending.max)?;
        let places = vec![0; clients.len().max(1)];
        let member = |client| Member {
            client,
            stage: Stage::Absent(now),
            sent: Flow::default(),
            echoes: 0,
            in_flight: VecDeque::with_capacity(sending.window),
            due: now,
            broadcasts: 0,
            welcome: None,
        };
        let members = clients.into_iter().map(member).collect();
        let give_up = now + sending.patience;
        let crowd =
            Crowd { sending, noise, members, places, give_up, finishing: false, first: 0, failure: None };
        Ok(Self { link, transport, crowd })
    }

    /// Does what there is to do now. Does not block.
    ///
    /// # Errors
    /// The relay is lost, a channel is not to be had, or its server is gone.
    pub fn turn(&mut self, now: Instant, tally: &mut Tally) -> Result<(), Failure> {
        let Self { link, transport, crowd } = self;
        link.poll(transport, now, |event, out| crowd.handle(event, out, now, tally))?;
        crowd.enter(&mut link.out(), now)?;
        if let Some(failure) = crowd.failure.take() {
            return Err(failure);
        }
        crowd.send(&mut link.out(), now, tally);
        Ok(())
    }

    /// For a [`Waiter`](peote_net_std::Waiter): ready when there is something to do.
    pub fn watch(&mut self) -> Watch<'_> {
        let interest = Interest { read: self.link.wants_read(), write: self.link.wants_write() };
        Watch::transport(&mut self.transport, interest)
    }

    /// When there is something to do, even if nothing comes.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        // While something is queued, there is a turn when the transport takes it, and nothing to be
        // done before.
        let members = if self.link.wants_write() { &[][..] } else { &self.crowd.members };
        members.iter().filter_map(|member| self.crowd.due(member)).chain(self.link.next_deadline()).min()
    }

    /// No more chunks (once each client has sent the least it has to): wait for what is still to
    /// come, compare totals, and leave.
    pub fn finish(&mut self) {
        self.crowd.finishing = true;
    }

    /// Whether every server has welcomed its client.
    #[must_use]
    pub fn all_welcome(&self) -> bool {
        self.crowd.members.iter().all(|member| member.welcome.is_some())
    }

    /// Whether all totals have been compared and all channels left.
    #[must_use]
    pub fn all_done(&self) -> bool {
        self.crowd.members.iter().all(|member| member.stage == Stage::Done) && !self.link.wants_write()
    }
}

impl Crowd {
    /// Asks for the channels that have not been asked for, or did not exist.
    fn enter(&mut self, out: &mut Out<'_>, now: Instant) -> Result<(), Failure> {
        for (place, member) in self.members.iter_mut().enumerate() {
            if !matches!(member.stage, Stage::Absent(again) if again <= now) {
                continue;
            }
            match out.enter(&member.client.channel, mode(self.sending.max)) {
                Ok(channel) => {
                    self.places[channel.index()] = place;
                    member.stage = Stage::Entering;
                }
                Err(SendError::WouldBlock) => break,
                Err(error @ SendError::NameTooLong { .. }) => {
                    return Err(Failure::Usage(format!("--name: {error}")));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Deals with an event. `WouldBlock` has the same event come again when there is more room.
    fn handle(
        &mut self,
        event: Event<'_>,
        out: &mut Out<'_>,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<(), SendError> {
        match event {
            Event::Opened { channel: Channel::Entered(channel) } => {
                let Sending { echo, broadcasts, .. } = self.sending;
                let member = self.member(channel);
                let hello = Control::Hello { script: member.client.script, echo, broadcasts };
                out.send(channel, &hello.encode())?;
                member.stage = Stage::Greeting(channel);
            }
            Event::Refused { channel: Channel::Entered(channel), reason, .. } => {
                self.refused(channel, reason, now);
            }
            Event::Closed { channel: Channel::Entered(channel), reason } => {
                let name = self.member(channel).client.channel.clone();
                self.fail(format!("the server of channel {name} is gone: {reason}"));
            }
            Event::Chunk { from: Source::Server { channel }, bytes } => {
                match Kind::of(bytes) {
                    Some(Kind::Data) => self.echo(channel, bytes, tally),
                    Some(Kind::Broadcast) => self.broadcast(channel, bytes, tally),
                    _ => self.control(channel, bytes, out, tally)?,
                }
                // When there is no room now, there will be after the poll.
                let place = self.places[channel.index()];
                let _ = self.advance(place, out, now, tally);
            }
            Event::Malicious { from, violation } => {
                tally.error(format_args!("{from:?} broke the rules: {violation:?}"));
            }
            // A lost connection is reported by the poll as well.
            _ => {}
        }
        Ok(())
    }

    fn member(&mut self, channel: EnteredChannel) -> &mut Member {
        &mut self.members[self.places[channel.index()]]
    }

    fn refused(&mut self, channel: EnteredChannel, reason: Reason, now: Instant) {
        const AGAIN: Duration = Duration::from_millis(100);
        let patient = now < self.give_up;
        let member = self.member(channel);
        if reason == Reason::NoSuchChannel && patient {
            member.stage = Stage::Absent(now + AGAIN);
            return;
        }
        let name = &member.client.channel;
        let hint = match reason {
            Reason::NoSuchChannel => "; start the servers first, with the same --name",
            _ => "",
        };
        let what = format!("cannot enter channel {name}: {reason}{hint}");
        self.fail(what);
    }

    fn fail(&mut self, what: String) {
        self.failure.get_or_insert(Failure::Failed(what));
    }

    /// Verifies a chunk that has come back.
    fn echo(&mut self, channel: EnteredChannel, bytes: &[u8], tally: &mut Tally) {
        let member = &mut self.members[self.places[channel.index()]];
        let name = &member.client.channel;
        let Some(sent) = member.in_flight.pop_front() else {
            return tally.error(format_args!("{name}: an echo of nothing, {} bytes", bytes.len()));
        };
        match member.client.script.chunk(Kind::Data, member.echoes, &self.noise).verify(bytes) {
            Ok(()) => tally.echoed(bytes.len(), sent.elapsed()),
            Err(mismatch) => tally.error(format_args!("{name}: echo {}: {mismatch}", member.echoes)),
        }
        member.echoes += 1;
    }

    /// Verifies a broadcast, and that it is for this user.
    fn broadcast(&mut self, channel: EnteredChannel, bytes: &[u8], tally: &mut Tally) {
        let member = &mut self.members[self.places[channel.index()]];
        // Those before the welcome do not count.
        let Some(welcome) = &mut member.welcome else { return };
        welcome.skip_excluded(u64::MAX, tally);
        match welcome.script.chunk(Kind::Broadcast, welcome.next, &self.noise).verify(bytes) {
            Ok(()) => tally.broadcasts.add(bytes.len()),
            Err(mismatch) => {
                let name = &member.client.channel;
                tally.error(format_args!(
                    "{name}: broadcast {} to user {}: {mismatch}",
                    welcome.next, welcome.user
                ));
            }
        }
        // a server says which one is next, and may say anything
        welcome.next = welcome.next.saturating_add(1);
        member.broadcasts += 1;
    }

    /// Begins when the server says welcome, and ends with its total.
    fn control(
        &mut self,
        channel: EnteredChannel,
        bytes: &[u8],
        out: &mut Out<'_>,
        tally: &mut Tally,
    ) -> Result<(), SendError> {
        let max = self.sending.max;
        let member = &mut self.members[self.places[channel.index()]];
        let name = &member.client.channel;
        match (Control::decode(bytes), member.stage) {
            (Some(Control::Welcome { user, script, next }), Stage::Greeting(_)) if script.max <= max => {
                member.welcome = Some(Welcome { user, script, next });
                member.stage = Stage::Running(channel);
            }
            (
                Some(Control::Welcome { script: Script { max, .. }, .. } | Control::TooLarge { max }),
                Stage::Greeting(_),
            ) => {
                let what = format!(
                    "the server of channel {name} was started with --max-bytes {max}; it has to be the same here"
                );
                self.fail(what);
            }
            (Some(Control::Total { chunks, bytes, next }), Stage::Leaving(_)) => {
                out.leave(channel)?;
                let total = Flow { chunks, bytes };
                tally.confirmed.add_all(chunks, bytes);
                if total != member.sent {
                    tally.error(format_args!(
                        "{name}: sent {:?}, verified by the server: {total:?}",
                        member.sent
                    ));
                }
                if let Some(welcome) = &mut member.welcome {
                    welcome.skip_excluded(next, tally);
                    if welcome.next != next {
                        tally.error(format_args!(
                            "{name}: broadcast {} was to come, but {next} is next",
                            welcome.next
                        ));
                    }
                }
                member.stage = Stage::Done;
            }
            _ => tally.error(format_args!("{name}: the server says what makes no sense here")),
        }
        Ok(())
    }

    /// Has every client send what it may, as long as there is room, in turn.
    fn send(&mut self, out: &mut Out<'_>, now: Instant, tally: &mut Tally) {
        /// How often each client gets its turn before the link is polled again.
        const ROUNDS: usize = 64;
        for _ in 0..ROUNDS {
            let mut sent = false;
            for turn in 0..self.members.len() {
                let place = (self.first + turn) % self.members.len();
                match self.advance(place, out, now, tally) {
                    Ok(some) => sent |= some,
                    Err(_) => {
                        self.first = place;
                        return;
                    }
                }
            }
            if !sent {
                return;
            }
        }
    }

    /// Whether a client that is asked to finish has done the least it has to.
    fn may_finish(&self, member: &Member) -> bool {
        let so_far = if self.sending.data { member.sent.chunks } else { member.broadcasts };
        self.finishing && so_far >= self.sending.at_least
    }

    /// When a client has something to send; `None` while it waits for what is to come.
    fn due(&self, member: &Member) -> Option<Instant> {
        let Sending { data, window, .. } = self.sending;
        match member.stage {
            Stage::Absent(again) => Some(again),
            Stage::Running(_) if self.may_finish(member) => Some(Instant::ZERO),
            Stage::Running(_) if data && member.in_flight.len() < window => Some(member.due),
            Stage::Finishing(_) if member.in_flight.is_empty() => Some(Instant::ZERO),
            _ => None,
        }
    }

    /// Sends the next chunk of a client, or its bye, if it is time. Whether there may be more.
    fn advance(
        &mut self,
        place: usize,
        out: &mut Out<'_>,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<bool, SendError> {
        let may_finish = self.may_finish(&self.members[place]);
        if self.due(&self.members[place]).is_none_or(|due| due > now) {
            return Ok(false);
        }
        let member = &mut self.members[place];
        match member.stage {
            Stage::Running(channel) if may_finish => member.stage = Stage::Finishing(channel),
            Stage::Running(channel) => {
                let chunk = member.client.script.chunk(Kind::Data, member.sent.chunks, &self.noise);
                out.send_parts(channel, &chunk.parts())?;
                member.sent.add(chunk.length());
                tally.sent.add(chunk.length());
                if self.sending.echo {
                    member.in_flight.push_back(Moment::now());
                }
                member.due = now + self.sending.delay;
            }
            Stage::Finishing(channel) => {
                out.send(channel, &Control::Bye.encode())?;
                member.stage = Stage::Leaving(channel);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Welcome {
    /// Goes past the broadcasts, up to `end`, that this user must not get.
    fn skip_excluded(&mut self, end: u64, tally: &mut Tally) {
        while self.next < end && excluded(self.next) == Some(self.user) {
            self.next += 1;
            tally.spared += 1;
        }
    }
}
