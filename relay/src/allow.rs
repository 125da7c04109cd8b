//! Whether a command may be carried out: rates, rights, limits.

use peote_net::Reason;
#[cfg(feature = "cluster")]
use peote_net::protocol::MAX_CHANNELS;
use peote_net::relay::{ConnectionId, Decision, Request};

use crate::access::{Action, Denied, unix_now};
use crate::allowance::Allowance;
use crate::causes::Refused;
#[cfg(feature = "cluster")]
use crate::cluster::Verdict;
use crate::config::{Access, Config, limit};
use crate::connections::{Connections, Later};
use crate::places::index;

impl Connections {
    /// What the core is told about a command.
    pub(crate) fn decide(&mut self, id: ConnectionId, request: &Request<'_>) -> Decision {
        let decision = self.decide_now(id, request);
        #[cfg(feature = "cluster")]
        if decision != Decision::Later
            && let Some(cluster) = self.cluster.as_mut()
        {
            // what was found out was for this command alone
            cluster.forget((index(id), id.generation()));
        }
        decision
    }

    fn decide_now(&mut self, id: ConnectionId, request: &Request<'_>) -> Decision {
        self.refusal = None;
        let now = self.now_micros;
        #[cfg(feature = "cluster")]
        if self.is_stand_in(id) {
            return self.decide_for_stand_in(request);
        }
        let is_first = self.is_asked_first(id);
        let Some(connection) = self.get(index(id)) else { return Decision::Close };
        if connection.has_token() || self.work == 0 {
            self.later = Later::Turn;
            return Decision::Later;
        }
        let Some(connection) = self.get(index(id)) else { return Decision::Close };
        if is_first && let Err(micros) = connection.commands.take(now, connection.allowance.commands) {
            self.later = Later::Commands(micros);
            return Decision::Later;
        }
        if self.config.access != Access::Open
            && let Err(why) = self.may(id, request)
        {
            let (cause, reason) = (why.refused(), hidden(request));
            self.refusal = Some((cause, reason));
            self.why_denied = Some(why);
            return Decision::Hide;
        }
        match self.limits(id, request) {
            Ok(()) => self.ask_cluster(id, request),
            Err((cause, reason)) => {
                self.refusal = Some((cause, reason));
                Decision::No(reason)
            }
        }
    }

    /// Whether a command is new, and not one that has waited for the directory.
    #[cfg(feature = "cluster")]
    fn is_asked_first(&self, id: ConnectionId) -> bool {
        self.cluster.as_ref().is_none_or(|cluster| !cluster.has_settled(id))
    }

    #[cfg(not(feature = "cluster"))]
    #[expect(clippy::unused_self, reason = "with a cluster it says something")]
    fn is_asked_first(&self, _: ConnectionId) -> bool {
        true
    }

    /// What the other relays of the cluster have to say about a command that this one would carry
    /// out.
    #[cfg(feature = "cluster")]
    fn ask_cluster(&mut self, id: ConnectionId, request: &Request<'_>) -> Decision {
        let Some(cluster) = self.cluster.as_mut() else { return Decision::Yes };
        let verdict = match *request {
            // more than the protocol has numbers for is refused by the core
            Request::Create { own, .. } if own >= MAX_CHANNELS => Verdict::Core,
            Request::Create { name, .. } => cluster.create(id, name),
            Request::Enter { entered, .. } if entered >= MAX_CHANNELS => Verdict::Core,
            Request::Enter { name, .. } => cluster.enter(id, name),
            _ => Verdict::Core,
        };
        let (cause, reason) = match verdict {
            Verdict::Core => return Decision::Yes,
            Verdict::Wait => {
                self.later = Later::Directory;
                return Decision::Later;
            }
            Verdict::InUse => (Refused::NameInUse, Reason::NameInUse),
            // of what the protocol has, "too many" is nearest to "not now"
            Verdict::NoAnswer => (Refused::Directory, Reason::TooManyChannels),
        };
        self.refusal = Some((cause, reason));
        Decision::No(reason)
    }

    #[cfg(not(feature = "cluster"))]
    #[expect(clippy::unused_self, reason = "with a cluster it has something to say")]
    fn ask_cluster(&mut self, _: ConnectionId, _: &Request<'_>) -> Decision {
        Decision::Yes
    }

    /// Whether a connection stands for an endpoint of another relay. That one has looked at rights
    /// and signatures, so the names that it says are those of channels.
    #[cfg(feature = "cluster")]
    pub(crate) fn is_stand_in(&self, id: ConnectionId) -> bool {
        self.cluster.as_ref().is_some_and(|cluster| cluster.afar.is_stand_in(id))
    }

    /// Whether this relay is one of a cluster.
    #[cfg(feature = "cluster")]
    pub(crate) fn is_of_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    #[cfg(not(feature = "cluster"))]
    #[expect(clippy::unused_self, reason = "with a cluster it says something")]
    pub(crate) const fn is_of_cluster(&self) -> bool {
        false
    }

    #[cfg(not(feature = "cluster"))]
    #[expect(clippy::unused_self, reason = "as above")]
    pub(crate) const fn is_stand_in(&self, _: ConnectionId) -> bool {
        false
    }

    /// Channels of other relays that have a proxy here. They are none of this relay's.
    #[cfg(feature = "cluster")]
    pub(crate) fn proxies(&self) -> usize {
        self.cluster.as_ref().map_or(0, |cluster| cluster.afar.proxies_here())
    }

    #[cfg(not(feature = "cluster"))]
    #[expect(clippy::unused_self, reason = "as above")]
    pub(crate) const fn proxies(&self) -> usize {
        0
    }

    /// What endpoints of other relays may do: their own relay has asked for their rights, and
    /// channels have limits.
    #[cfg(feature = "cluster")]
    fn decide_for_stand_in(&mut self, request: &Request<'_>) -> Decision {
        match of_channel(&self.config, request) {
            Some((cause, reason)) => {
                self.refusal = Some((cause, reason));
                Decision::No(reason)
            }
            None => Decision::Yes,
        }
    }

    /// Whether a connection has the right to this, by what it has shown.
    fn may(&mut self, id: ConnectionId, request: &Request<'_>) -> Result<(), Denied> {
        let (action, given) = match *request {
            Request::Create { given, .. } => (Action::Create, given),
            Request::Enter { given, .. } => (Action::Enter, given),
            _ => return Ok(()),
        };
        self.work = self.work.saturating_sub(self.rights.work(given));
        let Some(Some(connection)) = self.slots.get_mut(id.index()) else { return Err(Denied::Nothing) };
        let had_shown = connection.granted.as_ref().is_some_and(|granted| granted.has_shown());
        let before = connection.granted_memory();
        let result = self.rights.may(&mut connection.granted, action, given, unix_now(), &self.config);
        let after = connection.granted_memory();
        self.pool.add(after);
        self.pool.remove(before);
        if connection.granted.as_ref().is_some_and(|granted| granted.has_shown()) && !had_shown {
            connection.allowance = Allowance::new(&self.config, connection.granted.as_deref());
        }
        result
    }

    /// The limit that a command is above, if any, and what its endpoint is told.
    fn limits(&mut self, id: ConnectionId, request: &Request<'_>) -> Result<(), (Refused, Reason)> {
        let proxies = self.proxies();
        let Some(connection) = self.get(index(id)) else { return Ok(()) };
        let address = connection.address.ip();
        let of_connection = connection.allowance.channels;
        let config = &self.config;
        // of what the protocol has, "too many" is nearest to "none at all", and "in use" to "not
        // for you"
        let refusal = match *request {
            Request::Create { .. } if self.is_draining => (Refused::Draining, Reason::TooManyChannels),
            Request::Create { .. } if !config.allows_creating_from(address) => {
                (Refused::AddressNotAllowed, Reason::TooManyChannels)
            }
            Request::Create { name, .. } if !config.allows_name_len(name.len()) => {
                (Refused::NameTooLong, Reason::NameInUse)
            }
            Request::Create { name, .. } if !config.allows_name(name) => {
                (Refused::NameNotAllowed, Reason::NameInUse)
            }
            Request::Create { own, .. } if own >= of_connection => {
                (Refused::ConnectionChannels, Reason::TooManyChannels)
            }
            Request::Create { channels, .. }
                if channels >= limit(config.max_channels).saturating_add(proxies) =>
            {
                (Refused::RelayChannels, Reason::TooManyChannels)
            }
            Request::Create { .. } => match self.addresses.may_own(address, config) {
                Ok(()) => return Ok(()),
                Err(refused) => (refused, Reason::TooManyChannels),
            },
            Request::Enter { entered, .. } if entered >= of_connection => {
                (Refused::ConnectionChannels, Reason::TooManyChannels)
            }
            _ => return of_channel(config, request).map_or(Ok(()), Err),
        };
        Err(refusal)
    }
}

/// The limit of a channel that a command to enter is above, if any.
fn of_channel(config: &Config, request: &Request<'_>) -> Option<(Refused, Reason)> {
    let Request::Enter { users, of_address, of_network, .. } = *request else { return None };
    let cause = if users >= limit(config.max_users_per_channel) {
        Refused::ChannelFull
    } else if of_address >= limit(config.max_users_per_channel_per_address) {
        Refused::AddressUsers
    } else if of_network >= limit(config.max_users_per_channel_per_network) {
        Refused::NetworkUsers
    } else {
        return None;
    };
    Some((cause, Reason::ChannelFull))
}

impl Denied {
    /// What a command is counted as that was refused for it.
    pub(crate) fn refused(self) -> Refused {
        match self {
            Self::Nothing | Self::Pattern | Self::Banned | Self::Connections => Refused::NotPermitted,
            Self::Expired | Self::NotYet => Refused::Expired,
            Self::NoToken | Self::Forged | Self::Algorithm | Self::Claim | Self::NoKey => Refused::Forged,
        }
    }
}

/// What a refusal that hides whether there is a channel looks like to the endpoint.
fn hidden(request: &Request<'_>) -> Reason {
    if matches!(request, Request::Create { .. }) { Reason::NameInUse } else { Reason::NoSuchChannel }
}
