//! What the forwarding core asks of the relay, and tells it.

use std::hash::BuildHasher;

use peote_net::Reason;
use peote_net::protocol::MAX_CHANNELS;
use peote_net::protocol::items::{Item, KEEPALIVE_RANGE, MAX_PROGRAM};
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::relay::{ConnectionId, Decision, Greeting, Hello, Host, Note, Request};
use peote_net::time::Instant;
use tracing::{debug, info, warn};

use super::{CUT, Connections, PROGRAM};
use crate::access::{self, Denied};
use crate::causes::{Cause, Refused};
use crate::config::Access;
use crate::listen;
use crate::log::Name;
use crate::places::index;

/// What a refusal on the wire means, where no limit of the relay's was the reason.
fn cause_of(request: &Request<'_>, reason: Reason) -> Refused {
    let is_at_limit = match *request {
        Request::Create { own, .. } => own >= MAX_CHANNELS,
        Request::Enter { entered, .. } => entered >= MAX_CHANNELS,
        _ => true,
    };
    match reason {
        // there is room for more of them in the protocol, so it is the tables that have none
        Reason::TooManyChannels if !is_at_limit => Refused::Memory,
        Reason::NameInUse => Refused::NameInUse,
        Reason::NoSuchChannel => Refused::NoSuchChannel,
        Reason::OwnChannel => Refused::OwnChannel,
        Reason::AlreadyEntered => Refused::AlreadyEntered,
        Reason::ChannelFull => Refused::ChannelFull,
        Reason::TooManyChannels => Refused::ConnectionChannels,
        Reason::Blocked => Refused::Blocked,
        Reason::RefusedByServer => Refused::RefusedByServer,
        Reason::NoAnswer => Refused::NoAnswer,
        _ => Refused::Other,
    }
}

impl Connections {
    /// Logs that a command was refused: a warning, but for what endpoints wait out, of which the
    /// first of each connection is worth a line.
    fn log_refusal(
        &mut self,
        id: ConnectionId,
        request: &Request<'_>,
        cause: Refused,
        denied: Option<Denied>,
    ) {
        let (what, name) = match *request {
            Request::Create { name, .. } => ("create", name),
            Request::Enter { name, .. } => ("enter", name),
            _ => ("command", &[][..]),
        };
        let (name, why) = (Name(name), cause.text());
        let address = self.get(index(id)).map(|connection| tracing::field::display(connection.address));
        let bit = 1 << cause.index();
        let was_said = self.get(index(id)).is_some_and(|connection| {
            let said = connection.refusals_said & bit != 0;
            connection.refusals_said |= bit;
            said
        });
        if cause.is_waited_out() && was_said {
            debug!(connection = %id, %name, %cause, "{what} refused: {why}");
        } else if cause == Refused::NoSuchChannel {
            if self.may_tell("refusals", id) {
                info!(connection = %id, address, %name, %cause, "{what} refused: {why}");
            }
        } else if self.may_warn(cause.name(), id) {
            let denied = denied.map(tracing::field::display);
            warn!(connection = %id, address, %name, %cause, denied, "{what} refused: {why}");
        }
    }

    /// Answers a hello.
    fn greet(&mut self, index: u32, hello: &Hello<'_>) -> Greeting {
        let (least, most) = (self.times.keepalive, self.times.max_keepalive);
        let mut every = None;
        let Some(connection) = self.get(index) else {
            return Greeting { keepalive: seconds(least), name: PROGRAM };
        };
        connection.flags.takes_part = hello.takes_part;
        let had_name = connection.program.is_some();
        for item in hello.items {
            match item {
                Item::Keepalive(wanted) => {
                    let (from, to) = KEEPALIVE_RANGE.into_inner();
                    every = Some((u64::from(wanted.clamp(from, to)) * 1000).min(most));
                }
                Item::Name(name) => {
                    connection.program = Some(name.get(..MAX_PROGRAM).unwrap_or(name).into());
                }
                _ => {}
            }
        }
        connection.keepalive_every = every.or(connection.keepalive_every);
        let every = connection.keepalive_every.unwrap_or(least);
        connection.keepalive_told = every;
        let (id, program) = (connection.id, connection.program.clone());
        let is_news = !had_name && program.is_some();
        let now = self.now;
        if let Some(Some(connection)) = self.slots.get_mut(index as usize) {
            connection.keepalive_at = now + every;
            let asked = connection.keepalive_every;
            listen::set_probes(connection.socket(), &self.config, asked);
        }
        if hello.takes_part {
            // what was owed for it before, its hello has settled
            self.owes(index, false);
        } else {
            self.schedule(index);
        }
        if is_news && self.may_tell("programs", id) {
            let name = program.unwrap_or_default();
            info!(connection = %id, program = %Name(&name), part = hello.takes_part, "hello");
        }
        Greeting { keepalive: seconds(every), name: PROGRAM }
    }
}

/// Whole seconds of so many milliseconds, one at least.
fn seconds(millis: u64) -> u32 {
    u32::try_from(millis.div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

impl Host for Connections {
    #[inline]
    fn free(&self, id: ConnectionId) -> usize {
        match self.slots.get(id.index()) {
            Some(Some(connection)) if !connection.flags.mute => {
                self.config.queue_bytes.min(self.pool.share()).saturating_sub(connection.queue.len())
            }
            _ => usize::MAX,
        }
    }

    #[inline]
    fn push(&mut self, id: ConnectionId, header: &[u8], payload: &[u8]) {
        self.queue(index(id), header, payload);
    }

    #[inline]
    fn push_within(&mut self, id: ConnectionId, room: usize, header: &[u8], payload: &[u8]) -> bool {
        let index = index(id);
        self.queue_short(index, room, header, payload) || self.queue_within(index, room, header, payload)
    }

    fn cut(&self) -> usize {
        CUT
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER).with(Capabilities::HELLO)
    }

    fn window(&self) -> u32 {
        self.window
    }

    fn hello(&mut self, id: ConnectionId, hello: &Hello<'_>) -> Greeting {
        self.hear_token(index(id), hello.items);
        self.greet(index(id), hello)
    }

    fn resume(&mut self, id: ConnectionId) {
        if self.stop_waiting_for_window(index(id)) {
            self.list(index(id));
        }
    }

    fn is_drained(&self, id: ConnectionId) -> bool {
        let most = self.config.queue_bytes.min(self.pool.share()) / 2;
        self.slots
            .get(id.index())
            .and_then(Option::as_ref)
            .is_none_or(|connection| connection.flags.mute || connection.queue.len() <= most)
    }

    fn waits(&mut self, id: ConnectionId, waits: bool) {
        let Some(connection) = self.get(index(id)) else { return };
        connection.flags.awaited = waits;
        if !connection.flags.takes_part {
            self.owes(index(id), waits);
        }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn work(&self, _: ConnectionId) -> usize {
        self.work
    }

    fn count(&mut self, _: ConnectionId, units: usize, broadcasts: usize, work: usize) {
        self.work = self.work.saturating_sub(work);
        self.units += units as u64;
        self.broadcasts += broadcasts as u64;
    }

    fn channel_name<'a>(&self, id: ConnectionId, name: &'a [u8]) -> &'a [u8] {
        match access::split(name) {
            Some((name, ..)) if self.config.access != Access::Open && !self.is_stand_in(id) => name,
            _ => name,
        }
    }

    fn allow(&mut self, id: ConnectionId, request: &Request<'_>) -> Decision {
        self.decide(id, request)
    }

    fn notify(&mut self, note: &Note<'_>) {
        match *note {
            Note::Created { server, channel, name } => {
                self.join(server);
                self.count_own(server, true);
                #[cfg(feature = "cluster")]
                if let Some(cluster) = self.cluster.as_mut() {
                    cluster.created(name, server);
                }
                if self.may_tell("channels", server) {
                    info!(connection = %server, number = channel, name = %Name(name), "channel created");
                }
            }
            Note::Deleted { server, channel, name, reason } => {
                self.part(server);
                self.count_own(server, false);
                #[cfg(feature = "cluster")]
                if let Some(cluster) = self.cluster.as_mut() {
                    cluster.deleted(name);
                }
                if self.may_tell("channels", server) {
                    info!(connection = %server, number = channel, name = %Name(name), %reason, "channel deleted");
                }
            }
            Note::Entered { user, number, server, name } => {
                self.join(user);
                debug!(connection = %user, %server, user = number, name = %Name(name), "channel entered");
            }
            Note::Left { user, number, server, name, reason } => {
                self.part(user);
                self.removed += u64::from(reason == Reason::Kicked);
                debug!(connection = %user, %server, user = number, name = %Name(name), %reason, "channel left");
            }
            Note::Blocked { user, number, server, name, is_kept: true } => {
                self.blocked += 1;
                if self.may_tell("blocks", server) {
                    info!(connection = %user, %server, user = number, name = %Name(name), "user blocked");
                }
            }
            Note::Blocked { user, number, server, name, is_kept: false }
                if self.may_warn("not-blocked", server) =>
            {
                warn!(
                    connection = %user, %server, user = number, name = %Name(name),
                    "user removed but not blocked: the channel has blocked as many as it can"
                );
            }
            Note::Refused { connection, request, reason } => {
                // the core asks also where it has a reason of its own
                let of_host = self.refusal.take().filter(|(_, of_host)| *of_host == reason);
                let cause = of_host.map_or_else(|| cause_of(&request, reason), |(cause, _)| cause);
                let denied = self.why_denied.take().filter(|denied| denied.refused() == cause);
                self.refusals.add(cause);
                self.log_refusal(connection, &request, cause, denied);
            }
            // a connection that has to be closed, which is logged when it is
            _ => {}
        }
    }

    fn hash(&self, name: &[u8]) -> u64 {
        self.hasher.hash_one(name)
    }
}
