//! The serving end of traffic.

use std::rc::Rc;

use peote_net::Reason;
use peote_net::link::{Channel, Destination, Event, Link, Out, OwnChannel, SendError, Source, User};
use peote_net::time::{Duration, Instant};
use peote_net_std::{HeapBuffers, Interest, TcpTransport, Watch};

use super::{Control, Flow, Kind, Noise, Script, Tally, excluded, mix, mode};
use crate::Failure;

/// What the servers of one connection are to do.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The names of their channels, at most 128.
    pub names: Vec<String>,
    /// How many users there can be at the same time, in all these channels together.
    pub users: usize,
    /// The longest chunk that clients may send, in bytes.
    pub max: u32,
    /// What is broadcast; the stream becomes another one in each channel.
    pub broadcast: Script,
    /// Broadcasting in a channel begins when so many of its users want broadcasts, and ends when
    /// the last of them has had enough.
    pub broadcast_from: usize,
    /// The time between two broadcasts in a channel; zero: as fast as possible.
    pub broadcast_delay: Duration,
}

/// The servers that share one connection.
#[derive(Debug)]
pub struct Servers {
    link: Link<HeapBuffers>,
    transport: TcpTransport,
    service: Service,
}

/// What there is to do about events. Apart from the link, so that a handler can change it while the
/// link is being polled.
#[derive(Debug)]
struct Service {
    serving: Serving,
    noise: Rc<Noise>,
    /// Each at the index of its handle.
    channels: Vec<Option<Served>>,
    /// Channels that the relay has created.
    open: usize,
    /// Clients that have said hello and are still there.
    clients: usize,
    /// Clients that have come, whether they are still there or not.
    clients_ever: usize,
    /// The channel whose turn it is to broadcast first.
    first: usize,
    /// Why this cannot go on.
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Served {
    handle: OwnChannel,
    name: String,
    /// What is broadcast here.
    script: Script,
    /// The number of the next broadcast.
    next: u64,
    /// When it is due.
    due: Instant,
    /// The clients among the users, each at the index of its user number.
    clients: Vec<Option<Visitor>>,
    /// How many of them want broadcasts.
    wanting: usize,
    /// Enough clients have wanted broadcasts, and at least one still does.
    broadcasting: bool,
}

/// What a server knows about one of its clients.
#[derive(Debug)]
struct Visitor {
    script: Script,
    echo: bool,
    broadcasts: bool,
    /// The number of the next chunk.
    next: u64,
    verified: Flow,
    said_bye: bool,
}

impl Servers {
    /// Asks the relay at the other end of `transport` for the channels.
    ///
    /// # Errors
    /// A name is too long, or there are too many channels for one connection.
    pub fn new(transport: TcpTransport, serving: Serving, noise: Rc<Noise>) -> Result<Self, Failure> {
        let mut link = super::link(serving.names.len(), serving.users.max(1), serving.max)?;
        let mut channels: Vec<Option<Served>> = serving.names.iter().map(|_| None).collect();
        for (place, name) in serving.names.iter().enumerate() {
            let handle = link.out().create(name, mode(serving.max)).map_err(|error| match error {
                SendError::NameTooLong { .. } => Failure::Usage(format!("--name: {error}")),
                other => Failure::Failed(format!("cannot create channel {name}: {other}")),
            })?;
            let stream = mix(serving.broadcast.stream ^ mix(place as u64));
            // Somewhere else among the lengths in each channel.
            let script = Script { stream, begin: stream, ..serving.broadcast };
            channels[handle.index()] = Some(Served {
                handle,
                name: name.clone(),
                script,
                next: 0,
                due: Instant::ZERO,
                clients: Vec::new(),
                wanting: 0,
                broadcasting: false,
            });
        }
        let service = Service {
            serving,
            noise,
            channels,
            open: 0,
            clients: 0,
            clients_ever: 0,
            first: 0,
            failure: None,
        };
        Ok(Self { link, transport, service })
    }

    /// Does what there is to do now. Does not block.
    ///
    /// # Errors
    /// The relay is lost, or has refused a channel.
    pub fn turn(&mut self, now: Instant, tally: &mut Tally) -> Result<(), Failure> {
        let Self { link, transport, service } = self;
        link.poll(transport, now, |event, out| service.handle(event, out, now, tally))?;
        if let Some(failure) = service.failure.take() {
            return Err(failure);
        }
        service.broadcast(&mut link.out(), now, tally);
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
        let channels = if self.link.wants_write() { &[][..] } else { &self.service.channels };
        let due = channels.iter().flatten().filter(|channel| channel.broadcasting).map(|channel| channel.due);
        due.chain(self.link.next_deadline()).min()
    }

    /// Whether the relay has created all channels.
    #[must_use]
    pub fn all_open(&self) -> bool {
        self.service.open == self.service.serving.names.len()
    }

    /// Clients that are there.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.service.clients
    }

    /// Clients that have come, whether they are still there or not.
    #[must_use]
    pub fn clients_ever(&self) -> usize {
        self.service.clients_ever
    }
}

impl Service {
    /// Deals with an event. `WouldBlock` has the same event come again when there is more room, so
    /// nothing is changed before what is to be sent has been sent.
    fn handle(
        &mut self,
        event: Event<'_>,
        out: &mut Out<'_>,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<(), SendError> {
        match event {
            Event::Opened { channel: Channel::Own(_) } => self.open += 1,
            Event::Refused { channel: Channel::Own(channel), reason, .. } => self.refused(channel, reason),
            Event::UserEntered { channel, user } => {
                if let Some(channel) = self.channel(channel) {
                    let place = usize::from(user.number());
                    channel.clients.resize_with(channel.clients.len().max(place + 1), || None);
                }
            }
            Event::UserGone { channel, user, reason } => self.gone(channel, user, reason, tally),
            Event::UserIgnored { .. } => {
                let users = self.serving.users;
                self.fail(format!(
                    "more than {users} clients have come; start the servers with a larger --clients"
                ));
            }
            Event::Chunk { from: Source::User { channel, user }, bytes } => match Kind::of(bytes) {
                Some(Kind::Data) => self.data(channel, user, bytes, out, tally)?,
                _ => self.control(channel, user, bytes, out, now, tally)?,
            },
            Event::Malicious { from, violation } => {
                tally.error(format_args!("{from:?} broke the rules: {violation:?}"));
            }
            // A lost connection is reported by the poll as well.
            _ => {}
        }
        Ok(())
    }

    fn channel(&mut self, handle: OwnChannel) -> Option<&mut Served> {
        self.channels.get_mut(handle.index())?.as_mut()
    }

    fn refused(&mut self, channel: OwnChannel, reason: Reason) {
        let name = self.channel(channel).map_or_else(String::new, |channel| channel.name.clone());
        let hint = match reason {
            Reason::NameInUse => "; is another run going on? choose another --name",
            _ => "",
        };
        self.fail(format!("cannot create channel {name}: {reason}{hint}"));
    }

    fn fail(&mut self, what: String) {
        self.failure.get_or_insert(Failure::Failed(what));
    }

    /// Verifies a chunk of a client, and sends it back if the client wants that.
    fn data(
        &mut self,
        handle: OwnChannel,
        user: User,
        bytes: &[u8],
        out: &mut Out<'_>,
        tally: &mut Tally,
    ) -> Result<(), SendError> {
        let Some(channel) = self.channels.get_mut(handle.index()).and_then(Option::as_mut) else {
            return Ok(());
        };
        let Some(Some(client)) = channel.clients.get_mut(usize::from(user.number())) else {
            tally.error(format_args!("{}: {user} sends data before its hello", channel.name));
            return Ok(());
        };
        if client.echo {
            out.send((handle, user), bytes)?;
            tally.returned.add(bytes.len());
        }
        match client.script.chunk(Kind::Data, client.next, &self.noise).verify(bytes) {
            Ok(()) => {
                client.verified.add(bytes.len());
                tally.verified(bytes.len());
            }
            Err(mismatch) => {
                tally.error(format_args!("{}: chunk {} of {user}: {mismatch}", channel.name, client.next));
            }
        }
        client.next += 1;
        Ok(())
    }

    /// Answers a hello or a bye.
    fn control(
        &mut self,
        handle: OwnChannel,
        user: User,
        bytes: &[u8],
        out: &mut Out<'_>,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<(), SendError> {
        let max = self.serving.max;
        let Some(channel) = self.channels.get_mut(handle.index()).and_then(Option::as_mut) else {
            return Ok(());
        };
        let Some(place) = channel.clients.get_mut(usize::from(user.number())) else { return Ok(()) };
        match (Control::decode(bytes), place.as_mut()) {
            (Some(Control::Hello { script, .. }), _) if script.max > max => {
                out.send((handle, user), &Control::TooLarge { max }.encode())?;
            }
            (Some(Control::Hello { script, echo, broadcasts }), None) => {
                let number = u8::try_from(user.number()).unwrap_or(u8::MAX);
                let welcome = Control::Welcome { user: number, script: channel.script, next: channel.next };
                out.send((handle, user), &welcome.encode())?;
                let verified = Flow::default();
                *place = Some(Visitor { script, echo, broadcasts, next: 0, verified, said_bye: false });
                channel.wanting += usize::from(broadcasts);
                channel.broadcasting |= channel.wanting >= self.serving.broadcast_from;
                channel.due = channel.due.max(now);
                self.clients += 1;
                self.clients_ever += 1;
            }
            (Some(Control::Bye), Some(client)) if !client.said_bye => {
                let Flow { chunks, bytes } = client.verified;
                out.send((handle, user), &Control::Total { chunks, bytes, next: channel.next }.encode())?;
                client.said_bye = true;
                channel.wanting -= usize::from(client.broadcasts);
                channel.broadcasting &= channel.wanting > 0;
            }
            _ => tally.error(format_args!("{}: {user} says what makes no sense here", channel.name)),
        }
        Ok(())
    }

    fn gone(&mut self, handle: OwnChannel, user: User, reason: Reason, tally: &mut Tally) {
        let Some(channel) = self.channel(handle) else { return };
        let place = channel.clients.get_mut(usize::from(user.number()));
        let Some(client) = place.and_then(Option::take) else { return };
        if !client.said_bye {
            tally.error(format_args!("{}: {user} is gone before it was done: {reason}", channel.name));
            channel.wanting -= usize::from(client.broadcasts);
            channel.broadcasting &= channel.wanting > 0;
        }
        self.clients -= 1;
    }

    /// Sends the broadcasts that are due, as long as there is room for them.
    fn broadcast(&mut self, out: &mut Out<'_>, now: Instant, tally: &mut Tally) {
        /// How often each channel gets its turn before the link is polled again.
        const ROUNDS: usize = 64;
        for _ in 0..ROUNDS {
            let mut sent = false;
            for turn in 0..self.channels.len() {
                let place = (self.first + turn) % self.channels.len();
                let due = |channel: &&mut Served| channel.broadcasting && channel.due <= now;
                let Some(channel) = self.channels[place].as_mut().filter(due) else { continue };
                if channel.broadcast(&self.noise, out, tally).is_err() {
                    self.first = place;
                    return;
                }
                channel.due = now + self.serving.broadcast_delay;
                sent = true;
            }
            if !sent {
                return;
            }
        }
    }
}

impl Served {
    /// Sends the next broadcast.
    fn broadcast(&mut self, noise: &Noise, out: &mut Out<'_>, tally: &mut Tally) -> Result<(), SendError> {
        let chunk = self.script.chunk(Kind::Broadcast, self.next, noise);
        if let Some(user) = excluded(self.next) {
            out.send_parts(Destination::AllBut(self.handle, User::new(user)), &chunk.parts())?;
            tally.to_all_but_one.add(chunk.length());
        } else {
            out.send_parts(Destination::All(self.handle), &chunk.parts())?;
            tally.to_all.add(chunk.length());
        }
        self.next += 1;
        Ok(())
    }
}
