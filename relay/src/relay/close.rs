//! How and why connections end.

use std::{fmt, io};

use peote_net::relay::CloseReason;
use tracing::{info, warn};

use super::Relay;
use crate::causes::{Cause as _, Closed, TurnedAway};
use crate::connection::Ending;
use crate::deadlines::Late;
use crate::listen;
use crate::pages::Response;
use crate::proxy::Arrival;
use crate::tls;
use crate::transport::{End, Transport};
use crate::websocket::Failure;

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum Why {
    /// The endpoint has closed it.
    Ended,
    /// The network has.
    Broken(io::Error),
    /// The forwarding core wants it.
    Cause(CloseReason),
    /// Something has not come in time.
    Late(Late),
    /// Its HTTP request was answered with this response, for this cause.
    Http(Response, Closed),
    /// Its endpoint speaks TLS where that is not spoken.
    TlsHere,
    /// Its endpoint does not speak TLS, or not as it should.
    TlsFailed(tls::Failure),
    /// The hello of its TLS is a copy.
    TlsCopied,
    /// Its endpoint has closed the WebSocket.
    WebSocketClosed,
    /// Its endpoint does not keep to the rules of WebSocket.
    WebSocketFailed(Failure),
    /// The memory was used up, and most was kept for it.
    Memory,
    /// A key that it was here by is gone.
    Revoked,
    /// The operator wants it, for this reason.
    Operator(Closed, String),
    /// It owns channels, and the relay's lease in its cluster is over.
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "there is no cluster"))]
    Lapsed,
    /// The relay is drained, and its turn has come.
    Drained,
    /// It comes from a proxy that has to tell whom it is from, and has not.
    NoProxyHeader,
    /// A proxy has told whom it is from, and that may not connect, or has too many connections.
    TurnedAway(TurnedAway),
    /// Too many tokens in its hellos did not count.
    Tokens,
    /// The relay stops.
    Stopping,
}

impl From<Ending> for Why {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Ended => Self::Ended,
            Ending::WebSocket(End::Closed) => Self::WebSocketClosed,
            Ending::WebSocket(End::Failed(failure)) => Self::WebSocketFailed(failure),
            Ending::TlsHere => Self::TlsHere,
            Ending::TlsFailed(failure) => Self::TlsFailed(failure),
            Ending::TlsCopied => Self::TlsCopied,
            Ending::Broken(error) => Self::Broken(error),
        }
    }
}

impl Why {
    /// Whether it makes sense to write what is still queued, as far as the socket takes it at once.
    pub(super) fn may_write(&self) -> bool {
        matches!(
            self,
            Self::Ended
                | Self::Cause(_)
                | Self::Revoked
                | Self::Tokens
                | Self::Operator(..)
                | Self::Drained
                | Self::Lapsed
                | Self::WebSocketClosed
        )
    }

    /// What a WebSocket is told beside the code.
    fn reason(&self) -> &str {
        match self {
            Self::Operator(_, reason) => reason,
            Self::Drained => "draining",
            _ => "",
        }
    }

    /// The status code that a WebSocket is closed with, if its endpoint can be told at all (RFC
    /// 6455, section 7.4.1).
    fn code(&self) -> Option<u16> {
        match self {
            Self::Stopping => Some(1001),
            Self::Drained | Self::Lapsed => Some(1012),
            Self::Cause(_)
            | Self::Late(_)
            | Self::Memory
            | Self::Revoked
            | Self::Tokens
            | Self::Operator(..) => Some(1008),
            Self::WebSocketFailed(failure) => Some(failure.code()),
            _ => None,
        }
    }

    /// Whether an operator should know.
    pub(super) fn is_suspicious(&self) -> bool {
        matches!(
            self,
            Self::Cause(_)
                | Self::Memory
                | Self::Late(Late::Taking | Late::Room)
                | Self::Http(_, Closed::Origin | Closed::WatchFrom | Closed::Token)
                | Self::Tokens
                | Self::NoProxyHeader
                | Self::TurnedAway(_)
                | Self::TlsHere
                | Self::TlsFailed(_)
                | Self::TlsCopied
        )
    }

    /// What it is counted as.
    fn closed(&self) -> Closed {
        match self {
            Self::Ended | Self::WebSocketClosed => Closed::Endpoint,
            Self::Broken(_) => Closed::Broken,
            Self::Cause(CloseReason::Malformed(_)) => Closed::Malformed,
            Self::Cause(CloseReason::UnknownCommand(_)) => Closed::UnknownCommand,
            Self::Cause(_) => Closed::Other,
            Self::Late(late) => late.closed(),
            Self::Http(_, cause) | Self::Operator(cause, _) => *cause,
            Self::TlsHere | Self::TlsFailed(_) | Self::TlsCopied => Closed::TlsFailed,
            Self::WebSocketFailed(_) => Closed::WebSocketFailed,
            Self::Memory => Closed::Memory,
            Self::Revoked => Closed::Revoked,
            Self::Tokens => Closed::Token,
            Self::Drained => Closed::Drained,
            Self::Lapsed => Closed::Lapsed,
            Self::NoProxyHeader => Closed::ProxyHeader,
            Self::TurnedAway(_) => Closed::TurnedAway,
            Self::Stopping => Closed::Stopping,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("closed by the endpoint"),
            Self::Broken(error) => write!(f, "lost: {error}"),
            Self::Cause(cause) => cause.fmt(f),
            Self::Late(late) => late.fmt(f),
            Self::Http(Response { status, what: "", .. }, _) => {
                write!(f, "its HTTP request was answered with HTTP/1.1 {status}")
            }
            Self::Http(Response { status, what, .. }, _) => {
                write!(f, "its HTTP request was answered with HTTP/1.1 {status}: {what}")
            }
            Self::TlsHere => f.write_str("it began with TLS, which this address does not speak"),
            Self::TlsFailed(failure) => write!(f, "its TLS failed: {failure}"),
            Self::TlsCopied => f.write_str("its TLS failed: the hello is a copy of an earlier one"),
            Self::WebSocketClosed => f.write_str("its WebSocket was closed by the endpoint"),
            Self::WebSocketFailed(failure) => {
                write!(f, "its WebSocket failed with code {}: {failure}", failure.code())
            }
            Self::Memory => {
                f.write_str("most was kept for it when there was no memory left for queues (memory-bytes)")
            }
            Self::Revoked => f.write_str("what it was allowed by is allowed no more (access-revoked)"),
            Self::Tokens => {
                f.write_str("three tokens in its hellos did not count, one after the other (access-keys)")
            }
            Self::Operator(_, reason) if reason.is_empty() => f.write_str("the operator has closed it"),
            Self::Operator(_, reason) => write!(f, "the operator has closed it: {reason}"),
            Self::Drained => f.write_str("the relay is being drained"),
            Self::Lapsed => f.write_str("its channels may be another relay's by now (cluster-lease)"),
            Self::NoProxyHeader => f.write_str(
                "it comes from a proxy (proxy-protocol-from) without a good header of the PROXY protocol",
            ),
            Self::TurnedAway(why) => write!(f, "turned away: {}", why.text()),
            Self::Stopping => f.write_str("the relay is stopping"),
        }
    }
}

impl Relay {
    /// Ends a connection and all that it is in. Does nothing if it is gone.
    pub(super) fn close(&mut self, index: u32, why: &Why) {
        let Some(connection) = self.connections.get(index) else { return };
        let (id, address, home) = (connection.id, connection.address, connection.home);
        if why.may_write() {
            self.connections.write(index);
        }
        // with the sending direction closed first, so that what was said last is not lost
        let mut is_told =
            self.say_goodbye(index, why) || matches!(why, Why::Drained | Why::Lapsed | Why::Operator(..));
        if !matches!(why, Why::Broken(_))
            && let Some(connection) = self.connections.get(index)
        {
            is_told |= connection.close_tls();
        }
        self.connections.stop_waiting(index);
        self.connections.stop_waiting_for_window(index);
        self.connections.wake(index);
        self.connections.take_rest(index);
        self.connections.take_off(index);
        self.connections.forget_granted(index);
        let Some(mut connection) = self.connections.slots[index as usize].take() else { return };
        #[cfg(feature = "cluster")]
        if let Some(cluster) = self.connections.cluster.as_mut() {
            cluster.connection_gone(id);
        }
        self.connections.addresses.disown(address.ip(), connection.own.into());
        self.forget(id, home);
        self.connections.timers.clear(index);
        let now = self.connections.now_micros;
        if connection.arrival == Arrival::Settled {
            self.connections.addresses.remove(address.ip(), now, &self.connections.config);
        }
        if let Why::TurnedAway(why) = why {
            self.turned_away.add(*why);
        }
        self.closings.add(why.closed());
        self.connections.pool.unreserve(connection.reserve());
        connection.queue.clear(&mut self.connections.pool);
        let (is_web_socket, is_tls) =
            (matches!(connection.transport, Transport::WebSocket(_)), connection.is_tls());
        self.websockets -= usize::from(is_web_socket);
        self.tls -= usize::from(is_tls);
        self.secure_websockets -= usize::from(is_web_socket && is_tls);
        connection.strip(&mut self.connections.pool);
        // fails only for a socket that is gone already
        let is_unhurried = connection.flags.unhurried;
        let _ = self.registry_of(is_unhurried).deregister(connection.socket());
        if is_unhurried {
            self.count_off_unhurried();
        }
        if is_told {
            self.linger(connection.into_socket());
        }
        self.accept_at = self.accept_at.min(self.connections.now);
        let (now, cause) = (self.connections.now, why.closed());
        if why.is_suspicious() {
            if self.connections.lines.may_warn(now, cause.name(), home) {
                warn!(connection = %id, %address, %cause, %why, "connection closed");
            }
        } else if self.connections.lines.may_tell(now, "connections", home) {
            info!(connection = %id, %address, %cause, %why, "connection closed");
        }
    }

    /// Tells the endpoint the end, where it speaks a protocol that has words for that and takes
    /// them at once. Says whether it was told.
    fn say_goodbye(&mut self, index: u32, why: &Why) -> bool {
        let Some(connection) = self.connections.get(index) else { return false };
        let response = match (why, &connection.transport) {
            (Why::Http(response, _), _) => response.bytes.clone(),
            (Why::Late(Late::Request), Transport::Http(request)) => request.too_slow().bytes,
            (Why::TurnedAway(why), Transport::Http(request)) => request.full(*why).bytes,
            _ => {
                if let Some(code) = why.code() {
                    connection.transport.close(code, why.reason());
                }
                if !connection.transport.is_closing() {
                    return false;
                }
                self.connections.write(index);
                return self
                    .connections
                    .get(index)
                    .is_some_and(|connection| !connection.flags.broken && !connection.has_output());
            }
        };
        self.http_requests += 1;
        listen::make_room(connection.socket(), response.len());
        connection.say(&response)
    }
}
