//! A program: a link, its connection, and what it does at random.

mod act;

use peote_net::Reason;
use peote_net::link::{Channel, Destination, Event, Flow, Link, Out, Source as From, User as LinkUser};
use peote_net::time::{Duration, Instant};
use peote_net_simulation::{Network, Random, Sleep, Transport};
use peote_net_testkit::heap::Heap;

use crate::memory::{self, CHUNK};
use crate::message::MessageId;
use crate::model::{Fate, Model, SessionId, Source, Told, User};
use crate::weather;

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: usize,
    link: Link<Heap>,
    parties: usize,
    pub(crate) transport: Option<Transport>,
    session: SessionId,
    /// Connections that are lost, of which not everybody has been told.
    losing: Vec<SessionId>,
    /// How often it has been told so.
    told_of_loss: usize,
    /// Until then every event is to be delivered again.
    hold: Option<Instant>,
    act_at: Instant,
    connect_at: Instant,
    parts: Option<Parts>,
    /// How often in a thousand an event is to be delivered again.
    hesitation: usize,
    /// It takes part in flow control where the relay does.
    takes_part: bool,
}

/// A chunk that is written in parts.
#[derive(Debug)]
struct Parts {
    message: MessageId,
    left: Vec<u8>,
}

impl Node {
    pub(crate) fn new(id: usize, random: &mut Random, silence: bool) -> Self {
        let memory = memory::random(random);
        let parties = memory.parties.len();
        let mut link = Link::with_buffers(memory);
        if silence {
            link.set_silence_limit(None);
        }
        Self {
            id,
            link,
            parties,
            transport: None,
            session: 0,
            losing: Vec::new(),
            told_of_loss: 0,
            hold: None,
            act_at: Instant::ZERO,
            connect_at: Instant::ZERO,
            parts: None,
            hesitation: *random.choose(&[0, 30, 200]),
            takes_part: random.chance(600),
        }
    }

    /// What it waits for; it does something of its own accord only if `acts`.
    pub(crate) fn sleep(&self, acts: bool) -> Sleep {
        let Some(transport) = &self.transport else { return Sleep::until(self.connect_at) };
        let mut sleep = transport.sleep(&self.link);
        if let Some(hold) = self.hold {
            sleep = sleep.or_until(hold);
        }
        if acts { sleep.or_until(self.act_at) } else { sleep }
    }

    /// It is awake.
    pub(crate) fn wake(&mut self, network: &mut Network, model: &mut Model, random: &mut Random, acts: bool) {
        let now = network.now();
        if self.transport.is_none() {
            if now < self.connect_at {
                return;
            }
            let line = weather::line(random, self.id);
            let transport = network.connect(if self.takes_part { line } else { line.existing() });
            self.session = model.connected(self.id, transport.line(), self.takes_part);
            self.transport = Some(transport);
        }
        if acts && self.act_at <= now {
            self.act_at = now + Duration::from_millis(1 + random.below(120) as u64);
            if self.losing.is_empty() {
                self.act(network, model, random);
            }
        }
        self.poll(network, model, random, acts);
        // in the middle of a chunk in parts it does other things as well
        if !acts || random.chance(200) {
            self.write_parts(model, if acts { 1 } else { usize::MAX });
        }
    }

    fn poll(&mut self, network: &mut Network, model: &mut Model, random: &mut Random, acts: bool) {
        let now = network.now();
        let Some(transport) = &mut self.transport else { return };
        let (id, hesitation) = (self.id, if acts { self.hesitation } else { 0 });
        let hold = &mut self.hold;
        let told_of_loss = &mut self.told_of_loss;
        let polled = self.link.poll(transport, now, |event, out| {
            if hold.is_none() && random.chance(hesitation) {
                *hold = Some(now + Duration::from_millis(1 + random.below(1500) as u64));
            }
            *hold = hold.filter(|until| now < *until);
            if hold.is_some() {
                return Flow::Again;
            }
            match event {
                // the bytes are in what is read
                Event::Data { from, bytes } | Event::Chunk { from, bytes } => {
                    network.note(format_args!("node {id} hears {} bytes of {from:?}", bytes.len()));
                }
                _ => network.note(format_args!("node {id} is told {event:?}")),
            }
            *told_of_loss += usize::from(matches!(event, Event::LinkLost { .. }));
            assert!(
                *told_of_loss > 0 || !tells_of_loss(&event),
                "a channel is lost before the connection is"
            );
            tell(model, id, &event);
            if acts {
                answer(model, random, id, &event, out);
            }
            Flow::Continue
        });
        // it can be that there was nothing left to be delivered again
        self.hold = self.hold.filter(|until| now < *until);
        if let Err(error) = polled {
            network.note(format_args!("node {id} has lost its connection: {error:?}"));
            model.sessions[self.session].lost = true;
            self.losing.push(self.session);
            self.transport = None;
            self.parts = None;
            self.connect_at = now + Duration::from_millis(random.below(3000) as u64);
        }
        // what is held goes on with the next connection, and can be about one that has been lost as
        // well by then
        if self.hold.is_none() {
            let right = if self.losing.is_empty() { 0..=0 } else { 1..=self.losing.len() };
            assert!(
                right.contains(&self.told_of_loss),
                "told of {} losses, not of {right:?}",
                self.told_of_loss
            );
            self.told_of_loss = 0;
            self.losing.drain(..).for_each(|session| model.check_lost(session));
        }
    }

    /// The program ends its connection.
    pub(crate) fn disconnect(&mut self) {
        self.transport = None;
    }

    /// All that it knows is right.
    pub(crate) fn check_settled(&mut self, model: &Model) {
        for channel in model.channels.iter().filter(|channel| channel.is_open_at(self.id, model)) {
            let mut users: Vec<u16> =
                self.link.out().users(channel.handle).map(peote_net::link::User::number).collect();
            users.sort_unstable();
            assert_eq!(users, channel.users.keys().copied().collect::<Vec<_>>(), "the link's users");
        }
        assert_eq!(self.link.out().unfinished(), 0, "a chunk in parts is not finished");
        // to somebody without a place nobody grants anything
        let has_windows = |user: &&User| user.fate == Fate::Open && user.told_server == Told::Open;
        for user in model.users.iter().filter(has_windows).filter(|user| !model.is_unknown(user)) {
            self.check_windows(model, user);
        }
    }

    /// Nothing is under way: what was sent has been granted but for less than half a window.
    fn check_windows(&mut self, model: &Model, user: &User) {
        let Some(channel) = user.channel.map(|channel| &model.channels[channel]) else { return };
        let (sessions, number) = (&model.sessions, u16::from(user.number()));
        let mine = |session: SessionId| sessions[session].node == self.id && !sessions[session].lost;
        // the other end, and who it is
        let (to, other) = if mine(user.session) {
            (Destination::Server(user.handle), channel.server)
        } else if mine(channel.server) && channel.users.contains_key(&number) {
            (Destination::User(channel.handle, LinkUser::new(user.number())), user.session)
        } else {
            return;
        };
        let Some(window) = self.link.out().window(to) else {
            assert!(!self.takes_part || !model.has_hello, "no window for {to:?}");
            return;
        };
        let own = if sessions[other].takes_part { CHUNK } else { model.window_of_relay };
        let most = own.max(model.window_of_relay);
        assert!(window <= most, "{window} may be sent to {to:?}, which has {own}");
        assert!(window * 2 > own, "only {window} may be sent to {to:?}, which has {own}");
    }
}

const fn tells_of_loss(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::Closed { channel: Channel::Own(_), .. }
            | Event::Refused { channel: Channel::Own(_), reason: Reason::LinkLost, .. }
            | Event::Refused { channel: Channel::Entered(_), reason: Reason::LinkLost, .. }
            | Event::Closed { channel: Channel::Entered(_), reason: Reason::LinkLost, .. }
    )
}

fn source(model: &Model, node: usize, from: From) -> Source {
    match from {
        From::User { channel, user } => Source::User(model.channel(node, channel), user.number()),
        From::Server { channel } => Source::Server(model.user(node, channel)),
    }
}

fn tell(model: &mut Model, node: usize, event: &Event<'_>) {
    match *event {
        // the channels are told behind it
        Event::LinkLost { .. } => {}
        Event::Opened { channel: Channel::Own(channel) } => model.created(node, channel),
        Event::Refused { channel: Channel::Own(channel), reason, .. } => {
            model.create_refused(node, channel, reason);
        }
        Event::UserEntered { channel, user } => model.entered_own(node, channel, user.number(), false),
        Event::UserIgnored { channel, user } => model.entered_own(node, channel, user.number(), true),
        Event::UserGone { channel, user, reason } => {
            model.gone_from_own(node, channel, user.number(), reason);
        }
        Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost } => {
            model.own_channel_lost(node, channel);
        }
        Event::Opened { channel: Channel::Entered(channel) } => model.entered_other(node, channel),
        Event::Refused { channel: Channel::Entered(channel), reason, .. } => {
            model.enter_refused(node, channel, reason);
        }
        Event::Closed { channel: Channel::Entered(channel), reason } => {
            model.channel_gone(node, channel, reason);
        }
        Event::Data { from, bytes } => model.data(source(model, node, from), bytes),
        Event::Chunk { from, bytes } => model.chunk(source(model, node, from), bytes),
        Event::Malicious { from, violation } => {
            assert!(model.is_broken(source(model, node, from)), "taken for malicious: {violation:?}");
        }
        _ => panic!("an event that nobody knows: {event:?}"),
    }
}

/// Sends something to who has just spoken, now and then.
fn answer(model: &mut Model, random: &mut Random, node: usize, event: &Event<'_>, out: &mut Out<'_>) {
    if let Event::Data { from, .. } | Event::Chunk { from, .. } = *event
        && random.chance(100)
    {
        act::answer(model, random, source(model, node, from), out);
    }
}
