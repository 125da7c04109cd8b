//! What has to come of what the programs do: who has to be told what, and who has to receive what.
//!
//! The relay's own account ([`RelayEvent`]) says in which order it has carried out the commands;
//! all else follows from what the programs have done.

mod delivery;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use peote_net::Reason;
use peote_net::link::{EnteredChannel, Mode, OwnChannel};
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net_simulation::{LineId, RelayConfig, RelayEvent};

use crate::message::{Message, MessageId, To};
pub(crate) use delivery::Source;

/// One connection of a program, from connecting until it is lost.
pub(crate) type SessionId = usize;
/// One channel, from the call that asks for it.
pub(crate) type ChannelId = usize;
/// One user of a channel, from the call that asks for entering.
pub(crate) type UserId = usize;

/// What has become of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The relay has not dealt with it.
    Asked,
    Refused(Reason),
    /// It was carried out, and still is.
    Open,
    /// It is over.
    Over(Reason),
}

/// What a program has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Nothing,
    Open,
    /// There was no room to tell more.
    Exhausted,
    End,
}

#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) name: usize,
    pub(crate) server: SessionId,
    pub(crate) handle: OwnChannel,
    pub(crate) fate: Fate,
    pub(crate) told: Told,
    /// Its server has deleted it.
    pub(crate) given_up: bool,
    /// What the server has sent.
    pub(crate) messages: Vec<MessageId>,
    /// Who is in it, as the relay sees it.
    in_relay: BTreeMap<u8, UserId>,
    /// Who is in it, as its server sees it.
    pub(crate) users: BTreeMap<u16, UserId>,
    /// What its server has to be told, in order. An event that is kept holds up nobody else, so the
    /// order is that of each number.
    news: VecDeque<News>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Entered(UserId),
    Gone(UserId, Reason),
}

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: usize,
    pub(crate) session: SessionId,
    pub(crate) handle: EnteredChannel,
    pub(crate) fate: Fate,
    pub(crate) told: Told,
    /// It has left.
    pub(crate) given_up: bool,
    /// Once the relay has let it in.
    pub(crate) channel: Option<ChannelId>,
    number: u8,
    pub(crate) told_server: Told,
    delivery: delivery::Delivery,
}

impl User {
    /// Its number in the channel.
    pub(crate) const fn number(&self) -> u8 {
        self.number
    }
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) node: usize,
    pub(crate) line: LineId,
    pub(crate) lost: bool,
    /// What it has asked the relay for, in order.
    asked: VecDeque<Asked>,
    /// Those that knock.
    knocking: Vec<UserId>,
    /// Its endpoint takes part in flow control.
    pub(crate) takes_part: bool,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Create(ChannelId),
    Enter(UserId),
}

#[derive(Debug)]
pub(crate) struct Model {
    /// The relay takes part in flow control.
    pub(crate) has_hello: bool,
    /// Bytes that it lets an endpoint send to one that does not take part.
    pub(crate) window_of_relay: usize,
    /// Name and mode of each channel there can be.
    pub(crate) names: Vec<(Vec<u8>, Mode)>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) users: Vec<User>,
    pub(crate) messages: Vec<Message>,
    /// Broadcasts that were written in parts.
    pub(crate) in_parts: HashSet<MessageId>,
    /// The handles of each node.
    own: HashMap<(usize, OwnChannel), ChannelId>,
    entered: HashMap<(usize, EnteredChannel), UserId>,
    /// Who was not admitted, by the relay's last event.
    not_admitted: Option<UserId>,
    /// The channels that exist, by their names.
    open: BTreeMap<usize, ChannelId>,
    pub(crate) received: u64,
    /// How many users could not be checked, because a broadcast in parts was under way when they
    /// came.
    pub(crate) unchecked: u64,
}

/// Whether an end is told so: as a lost connection to those who do not take part.
fn is_told_as(why: Reason, told: Reason) -> bool {
    why == told || (why == Reason::TooSlow && told == Reason::ConnectionLost)
}

/// Takes what comes next of a channel's users with this number.
fn take_news(channel: &mut Channel, users: &[User], number: u16) -> Option<News> {
    let at = channel.news.iter().position(|news| {
        let (News::Entered(user) | News::Gone(user, _)) = *news;
        u16::from(users[user].number) == number
    })?;
    channel.news.remove(at)
}

impl Model {
    pub(crate) fn new(names: Vec<(Vec<u8>, Mode)>, relay: &RelayConfig) -> Self {
        Self {
            has_hello: relay.capabilities.contains(Capabilities::HELLO),
            window_of_relay: (relay.queue_bytes / 2).min(64 * 1024),
            names,
            sessions: Vec::new(),
            channels: Vec::new(),
            users: Vec::new(),
            messages: Vec::new(),
            in_parts: HashSet::new(),
            own: HashMap::new(),
            entered: HashMap::new(),
            not_admitted: None,
            open: BTreeMap::new(),
            received: 0,
            unchecked: 0,
        }
    }

    // ---- what programs do

    pub(crate) fn connected(&mut self, node: usize, line: LineId, takes_part: bool) -> SessionId {
        let (asked, knocking) = (VecDeque::new(), Vec::new());
        self.sessions.push(Session { node, line, lost: false, asked, knocking, takes_part });
        self.sessions.len() - 1
    }

    pub(crate) fn asked_to_create(&mut self, session: SessionId, name: usize, handle: OwnChannel) {
        let id = self.channels.len();
        self.channels.push(Channel {
            name,
            server: session,
            handle,
            fate: Fate::Asked,
            told: Told::Nothing,
            given_up: false,
            messages: Vec::new(),
            in_relay: BTreeMap::new(),
            users: BTreeMap::new(),
            news: VecDeque::new(),
        });
        self.sessions[session].asked.push_back(Asked::Create(id));
        let before = self.own.insert((self.sessions[session].node, handle), id);
        assert_eq!(before, None, "a handle was given out twice");
    }

    pub(crate) fn asked_to_enter(&mut self, session: SessionId, name: usize, handle: EnteredChannel) {
        let id = self.users.len();
        self.users.push(User {
            name,
            session,
            handle,
            fate: Fate::Asked,
            told: Told::Nothing,
            given_up: false,
            channel: None,
            number: 0,
            told_server: Told::Nothing,
            delivery: delivery::Delivery::default(),
        });
        self.sessions[session].asked.push_back(Asked::Enter(id));
        let before = self.entered.insert((self.sessions[session].node, handle), id);
        assert_eq!(before, None, "a handle was given out twice");
    }

    // ---- what the relay does

    fn session_of(&self, line: LineId) -> SessionId {
        self.sessions.iter().position(|session| session.line == line).expect("a line without a session")
    }

    fn name_of(&self, name: &[u8]) -> usize {
        self.names.iter().position(|(known, _)| known == name).expect("a name that nobody uses")
    }

    fn next_asked(&mut self, line: LineId) -> Asked {
        let session = self.session_of(line);
        self.sessions[session].asked.pop_front().expect("the relay carries out what nobody has asked for")
    }

    pub(crate) fn relay_did(&mut self, event: &RelayEvent) {
        let not_admitted = self.not_admitted.take();
        match event {
            // says more about what was said last
            RelayEvent::EnterRefused { line, reason, .. }
                if not_admitted.is_some_and(|id| self.is_refusal_of(id, *line, *reason)) =>
            {
                let Some(id) = not_admitted else { return };
                self.users[id].fate = Fate::Refused(*reason);
            }
            RelayEvent::Created { server, name, .. } => {
                let Asked::Create(id) = self.next_asked(*server) else { panic!("{event:?} out of turn") };
                let name = self.name_of(name);
                assert_eq!(self.channels[id].name, name, "a channel of another name was created");
                self.channels[id].fate = Fate::Open;
                assert_eq!(self.open.insert(name, id), None, "two channels of one name");
            }
            RelayEvent::CreateRefused { line, name, reason } => {
                let Asked::Create(id) = self.next_asked(*line) else { panic!("{event:?} out of turn") };
                self.channels[id].fate = Fate::Refused(*reason);
                assert_eq!(*reason, Reason::NameInUse);
                assert!(self.open.contains_key(&self.name_of(name)), "the name is free");
            }
            RelayEvent::Entered { user, number, server, name } => self.entered(*user, *number, *server, name),
            RelayEvent::Knocked { user, number, server, name } => self.knocked(*user, *number, *server, name),
            RelayEvent::NotAdmitted { user, number, server, name, reason } => {
                self.not_admitted(*user, *number, *server, name, *reason);
            }
            RelayEvent::EnterRefused { line, name, reason } => {
                let Asked::Enter(id) = self.next_asked(*line) else { panic!("{event:?} out of turn") };
                self.users[id].fate = Fate::Refused(*reason);
                let open = self.open.get(&self.name_of(name)).map(|&channel| &self.channels[channel]);
                let session = self.users[id].session;
                let right = match (open, reason) {
                    (None, Reason::NoSuchChannel) => true,
                    (Some(channel), Reason::OwnChannel) => channel.server == session,
                    // its queue may have had no room for the knock
                    (Some(channel), Reason::NoAnswer) => self.sessions[channel.server].takes_part,
                    (Some(channel), Reason::AlreadyEntered) => {
                        channel.in_relay.values().any(|&user| self.users[user].session == session)
                    }
                    _ => false,
                };
                assert!(right, "refused for no reason: {event:?}");
            }
            RelayEvent::Left { number, server, name, reason, .. } => {
                let id = self.channel_of(*server, name);
                let user = self.channels[id].in_relay.remove(number).expect("a user who is not there leaves");
                self.users[user].fate = Fate::Over(*reason);
                self.channels[id].news.push_back(News::Gone(user, *reason));
            }
            RelayEvent::Deleted { server, name, reason, .. } => {
                let id = self.channel_of(*server, name);
                self.open.remove(&self.channels[id].name);
                self.channels[id].fate = Fate::Over(*reason);
            }
            RelayEvent::Stopped => {
                for id in core::mem::take(&mut self.open).into_values() {
                    self.channels[id].fate = Fate::Over(Reason::ConnectionLost);
                    for &user in self.channels[id].in_relay.values() {
                        self.users[user].fate = Fate::Over(Reason::ConnectionLost);
                    }
                }
            }
            other => panic!("the relay does not understand: {other:?}"),
        }
    }

    fn channel_of(&self, server: LineId, name: &[u8]) -> ChannelId {
        let id = *self.open.get(&self.name_of(name)).expect("a channel that does not exist");
        assert_eq!(self.channels[id].server, self.session_of(server), "a channel of somebody else");
        id
    }

    fn entered(&mut self, user: LineId, number: u8, server: LineId, name: &[u8]) {
        let id = match self.take_knocking(user, name) {
            Some(id) => id,
            None => self.comes(user, number, server, name),
        };
        self.users[id].fate = Fate::Open;
        self.begin_delivery(id);
    }

    /// Somebody is let in, or knocks. Returns who.
    fn comes(&mut self, user: LineId, number: u8, server: LineId, name: &[u8]) -> UserId {
        let Asked::Enter(id) = self.next_asked(user) else { panic!("entered out of turn") };
        let channel = self.channel_of(server, name);
        let (entered, opened) = (&mut self.users[id], &mut self.channels[channel]);
        assert_eq!(entered.name, opened.name, "it has entered a channel of another name");
        assert_ne!(entered.session, opened.server, "it has entered its own channel");
        entered.channel = Some(channel);
        entered.number = number;
        assert_eq!(opened.in_relay.insert(number, id), None, "two users with one number");
        opened.news.push_back(News::Entered(id));
        id
    }

    fn knocked(&mut self, user: LineId, number: u8, server: LineId, name: &[u8]) {
        let id = self.comes(user, number, server, name);
        let server = self.session_of(server);
        assert!(self.sessions[server].takes_part, "somebody is asked who does not take part");
        let session = self.session_of(user);
        self.sessions[session].knocking.push(id);
    }

    /// Who knocks at a channel of this name.
    fn take_knocking(&mut self, line: LineId, name: &[u8]) -> Option<UserId> {
        let (session, name) = (self.session_of(line), self.name_of(name));
        let knocking = &self.sessions[session].knocking;
        let place = knocking.iter().position(|user| self.users[*user].name == name)?;
        Some(self.sessions[session].knocking.remove(place))
    }

    fn not_admitted(&mut self, user: LineId, number: u8, server: LineId, name: &[u8], reason: Reason) {
        let id = self.take_knocking(user, name).expect("it has knocked");
        let channel = self.channel_of(server, name);
        let channel = &mut self.channels[channel];
        assert_eq!(channel.in_relay.remove(&number), Some(id), "another one has knocked");
        self.not_admitted = Some(id);
        self.users[id].fate = Fate::Refused(match reason {
            // its server has refused it, and so hears nothing of it
            Reason::Kicked => {
                channel.news.retain(|news| *news != News::Entered(id));
                Reason::ChannelFull
            }
            Reason::ConnectionLost => {
                channel.news.push_back(News::Gone(id, reason));
                Reason::NoAnswer
            }
            _ => Reason::NoSuchChannel,
        });
    }

    fn is_refusal_of(&self, user: UserId, line: LineId, reason: Reason) -> bool {
        let by_server = matches!(reason, Reason::ChannelFull | Reason::RefusedByServer);
        let User { session, fate, .. } = self.users[user];
        let is_right = match fate {
            Fate::Refused(Reason::ChannelFull) => by_server,
            fate => fate == Fate::Refused(reason) && reason == Reason::NoAnswer,
        };
        session == self.session_of(line) && is_right
    }

    // ---- what programs are told

    pub(crate) fn channel(&self, node: usize, handle: OwnChannel) -> ChannelId {
        *self.own.get(&(node, handle)).expect("an event for a channel that was never asked for")
    }

    pub(crate) fn user(&self, node: usize, handle: EnteredChannel) -> UserId {
        *self.entered.get(&(node, handle)).expect("an event for a channel that was never asked for")
    }

    /// An own channel there can be events about.
    fn open_channel(&mut self, node: usize, handle: OwnChannel) -> (ChannelId, &mut Channel) {
        let id = self.channel(node, handle);
        let channel = &mut self.channels[id];
        assert!(channel.told == Told::Open && !channel.given_up, "an event for a channel that is not open");
        (id, channel)
    }

    pub(crate) fn created(&mut self, node: usize, handle: OwnChannel) {
        let id = self.channel(node, handle);
        let channel = &mut self.channels[id];
        assert!(matches!(channel.fate, Fate::Open | Fate::Over(_)), "created, but {:?}", channel.fate);
        assert!(channel.told == Told::Nothing && !channel.given_up, "created, and told {:?}", channel.told);
        channel.told = Told::Open;
    }

    pub(crate) fn create_refused(&mut self, node: usize, handle: OwnChannel, reason: Reason) {
        let id = self.channel(node, handle);
        let channel = &mut self.channels[id];
        assert!(channel.told == Told::Nothing && !channel.given_up, "refused, and told {:?}", channel.told);
        assert!(reason == Reason::LinkLost || channel.fate == Fate::Refused(reason), "refused: {reason:?}");
        channel.told = Told::End;
    }

    pub(crate) fn own_channel_lost(&mut self, node: usize, handle: OwnChannel) {
        let (_, channel) = self.open_channel(node, handle);
        channel.told = Told::End;
        channel.users.clear();
    }

    pub(crate) fn entered_own(&mut self, node: usize, handle: OwnChannel, number: u16, exhausted: bool) {
        let (id, _) = self.open_channel(node, handle);
        self.skip_exhausted(id);
        let channel = &mut self.channels[id];
        let user = match take_news(channel, &self.users, number) {
            Some(News::Entered(user)) => user,
            other => panic!("a user has entered, but {other:?} is what comes next"),
        };
        if !exhausted {
            assert_eq!(channel.users.insert(number, user), None, "two users with one number");
        }
        let user = &mut self.users[user];
        assert_eq!(u16::from(user.number), number, "a user has entered under another number");
        user.told_server = if exhausted { Told::Exhausted } else { Told::Open };
        user.delivery.must_from = Some(self.channels[id].messages.len());
    }

    pub(crate) fn gone_from_own(&mut self, node: usize, handle: OwnChannel, number: u16, reason: Reason) {
        let (id, _) = self.open_channel(node, handle);
        self.skip_exhausted(id);
        let channel = &mut self.channels[id];
        let user = match take_news(channel, &self.users, number) {
            Some(News::Gone(user, why)) if is_told_as(why, reason) => user,
            other => panic!("a user is gone ({reason:?}), but {other:?} is what comes next"),
        };
        assert_eq!(channel.users.remove(&number), Some(user), "another user is gone");
        self.users[user].told_server = Told::End;
        if reason == Reason::OnPurpose {
            self.check_all_reached_server(user);
        }
    }

    /// Users there was no place for go without an event.
    fn skip_exhausted(&mut self, channel: ChannelId) {
        let users = &self.users;
        let news = &mut self.channels[channel].news;
        news.retain(
            |news| !matches!(news, News::Gone(user, _) if users[*user].told_server == Told::Exhausted),
        );
    }

    pub(crate) fn entered_other(&mut self, node: usize, handle: EnteredChannel) {
        let id = self.user(node, handle);
        let user = &mut self.users[id];
        assert!(matches!(user.fate, Fate::Open | Fate::Over(_)), "entered, but {:?}", user.fate);
        assert!(user.told == Told::Nothing && !user.given_up, "entered, and told {:?}", user.told);
        user.told = Told::Open;
    }

    pub(crate) fn enter_refused(&mut self, node: usize, handle: EnteredChannel, reason: Reason) {
        let id = self.user(node, handle);
        let user = &mut self.users[id];
        assert!(user.told == Told::Nothing && !user.given_up, "refused, and told {:?}", user.told);
        // one that was an existing endpoint when it asked is told that the channel is full
        let is_general = reason == Reason::ChannelFull && user.fate == Fate::Refused(Reason::NoAnswer);
        let is_right = user.fate == Fate::Refused(reason) || is_general;
        assert!(reason == Reason::LinkLost || is_right, "refused: {reason:?}, but {:?}", user.fate);
        user.told = Told::End;
    }

    pub(crate) fn channel_gone(&mut self, node: usize, handle: EnteredChannel, reason: Reason) {
        let id = self.user(node, handle);
        let user = &mut self.users[id];
        assert!(user.told == Told::Open && !user.given_up, "gone, and told {:?}", user.told);
        user.told = Told::End;
        if reason != Reason::LinkLost {
            let Fate::Over(why) = user.fate else { panic!("gone ({reason:?}), but {:?}", user.fate) };
            assert!(is_told_as(why, reason), "gone ({reason:?}), but {why:?}");
            let channel = &self.channels[user.channel.expect("it was told that it has entered")];
            let is_gone = channel.fate == Fate::Over(reason);
            // a user for whom its server has no place is removed
            let is_alone = matches!(why, Reason::TooSlow | Reason::Kicked);
            assert!(is_gone || is_alone, "a channel that exists is gone");
            if reason == Reason::OnPurpose {
                self.check_all_reached_user(id);
            }
        }
    }

    // ---- the end

    /// A connection is lost: everybody must have been told.
    pub(crate) fn check_lost(&mut self, session: SessionId) {
        self.sessions[session].lost = true;
        let owned = self.channels.iter().filter(|channel| channel.server == session);
        let entered = self.users.iter().filter(|user| user.session == session);
        let told = owned
            .map(|channel| (channel.given_up, channel.told))
            .chain(entered.map(|user| (user.given_up, user.told)));
        for (given_up, told) in told {
            assert!(given_up || told == Told::End, "nobody was told that a channel is lost ({told:?})");
        }
    }

    /// Nothing is under way any more: everybody who is connected must know how things are, and have
    /// received everything.
    pub(crate) fn check_settled(&mut self) {
        (0..self.channels.len()).for_each(|channel| self.skip_exhausted(channel));
        let users = &self.users;
        let is_refused = |user: &UserId| matches!(users[*user].fate, Fate::Refused(_));
        for channel in &mut self.channels {
            // who has gone while the server's refusal was under way: only its link knows
            channel.news.retain(|(News::Entered(user) | News::Gone(user, _))| !is_refused(user));
        }
        for channel in self.channels.iter().filter(|channel| !self.sessions[channel.server].lost) {
            let right = match channel.fate {
                Fate::Asked => false,
                _ if channel.given_up => !matches!(channel.fate, Fate::Open),
                Fate::Open => channel.told == Told::Open && channel.news.is_empty(),
                Fate::Refused(_) => channel.told == Told::End,
                Fate::Over(_) => false,
            };
            assert!(right, "not settled: {channel:?}");
        }
        for (id, user) in self.users.iter().enumerate() {
            if self.sessions[user.session].lost {
                continue;
            }
            let right = match user.fate {
                Fate::Asked => false,
                _ if user.given_up => !matches!(user.fate, Fate::Open),
                Fate::Open => user.told == Told::Open,
                Fate::Refused(_) | Fate::Over(_) => user.told == Told::End,
            };
            assert!(right, "not settled: {user:?}");
            if user.fate == Fate::Open {
                self.check_all_reached_user(id);
                self.check_all_reached_server(id);
            }
        }
    }

    /// Whom the server of a channel can send to.
    pub(crate) fn targets(&self, channel: ChannelId) -> Vec<To> {
        let channel = &self.channels[channel];
        let users = channel.users.iter().flat_map(|(&number, &user)| [To::User(user), To::AllBut(number)]);
        users.chain([To::All]).collect()
    }

    pub(crate) fn number(&self, user: UserId) -> u8 {
        self.users[user].number
    }
}
