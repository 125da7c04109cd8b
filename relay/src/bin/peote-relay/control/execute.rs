//! Doing what is asked for.

use std::time::Duration;

use peote_relay::access::{Limits, unix_now};
use peote_relay::{Ban, Banned, ChannelInfo, ConnectionInfo, IpNet, Relay};
use serde_json::{Value, json};

use super::bans::BanFile;
use super::request::{Request, Who};

/// What there is beside the relay.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) bans: BanFile,
    /// How long draining takes where nothing is said.
    pub(super) drain_time: Duration,
    /// The relay is to end when all have gone.
    pub(super) stops_when_drained: bool,
}

/// Does it. Returns the answer.
pub(super) fn execute(request: Request, relay: &mut Relay, beside: &mut Beside) -> Value {
    done(request, relay, beside).unwrap_or_else(|error| json!({"ok": false, "error": error}))
}

fn done(request: Request, relay: &mut Relay, beside: &mut Beside) -> Result<Value, String> {
    Ok(match request {
        Request::Status => status(relay),
        #[cfg(feature = "cluster")]
        Request::Cluster => cluster(relay)?,
        Request::List { address, subject, most } => list(relay, address, subject.as_deref(), most),
        Request::Channels { most } => channels(relay, most),
        Request::Show { id } => {
            let (info, own, entered) = relay.connection(&id).ok_or_else(|| no_connection(&id))?;
            let list = |all: Vec<ChannelInfo>| all.iter().map(channel).collect::<Vec<_>>();
            let mut shown = connection(&info);
            shown["own_channels"] = list(own).into();
            shown["entered_channels"] = list(entered).into();
            json!({"ok": true, "connection": shown})
        }
        Request::Kick { id, reason } => {
            if !relay.kick(&id, &reason) {
                return Err(no_connection(&id));
            }
            json!({"ok": true})
        }
        Request::Ban { who, seconds, reason } => {
            let until = seconds.map(|seconds| unix_now().saturating_add(seconds));
            let ban = Ban { who: banned(who)?, until, reason };
            let closed = relay.ban(ban).map_err(|error| error.to_string())?;
            kept(relay, beside)?;
            json!({"ok": true, "closed": closed, "until": until, "survives_restart": beside.bans.is_there()})
        }
        Request::Unban { who } => {
            if !relay.lift_ban(&banned(who)?) {
                return Err("there is no such ban; `bans` lists them".into());
            }
            kept(relay, beside)?;
            json!({"ok": true})
        }
        Request::Bans => {
            let all: Vec<_> = relay.bans().map(ban).collect();
            json!({"ok": true, "bans": all, "survive_restart": beside.bans.is_there()})
        }
        Request::Close { name, reason: _ } => {
            if !relay.close_channel(name.as_bytes()) {
                return Err(format!("there is no channel {name:?}"));
            }
            json!({"ok": true})
        }
        Request::Limit { id, max_channels, commands_per_second, messages_per_second, bytes_per_second } => {
            let mut limits = Limits::default();
            limits.channels = max_channels;
            limits.commands = commands_per_second;
            limits.messages = messages_per_second;
            limits.bytes = bytes_per_second;
            if !relay.limit(&id, limits) {
                return Err(no_connection(&id));
            }
            json!({"ok": true})
        }
        Request::Drain { seconds, stop, reason: _ } => {
            let over = seconds.map_or(beside.drain_time, Duration::from_secs);
            beside.stops_when_drained |= stop;
            relay.drain(over);
            json!({"ok": true, "connections": relay.stats().connections, "seconds": over.as_secs_f64()})
        }
    })
}

fn list(relay: &mut Relay, address: Option<IpNet>, subject: Option<&str>, most: usize) -> Value {
    let is_meant = |info: &ConnectionInfo| {
        address.is_none_or(|range| range.contains(&info.address.ip().to_canonical()))
            && subject.is_none_or(|subject| info.subject.as_deref() == Some(subject))
    };
    let (mut all, mut is_cut) = (Vec::new(), false);
    relay.each_connection(|info| {
        if is_meant(&info) {
            is_cut = all.len() >= most;
            if !is_cut {
                all.push(connection(&info));
            }
        }
        !is_cut
    });
    json!({"ok": true, "connections": all, "more": is_cut})
}

fn channels(relay: &mut Relay, most: usize) -> Value {
    let (mut all, mut is_cut) = (Vec::new(), false);
    relay.each_channel(|info| {
        is_cut = all.len() >= most;
        if !is_cut {
            all.push(channel(&info));
        }
        !is_cut
    });
    json!({"ok": true, "channels": all, "more": is_cut})
}

/// Writes the bans to their file.
fn kept(relay: &Relay, beside: &Beside) -> Result<(), String> {
    let written = beside.bans.write(relay);
    written.map_err(|error| {
        format!("it holds now, but not after a restart: ban-file cannot be written: {error}")
    })
}

fn no_connection(id: &str) -> String {
    format!("there is no connection {id:?}; it may have gone; `list` shows the ids, such as 7.2")
}

fn banned(who: Who) -> Result<Banned, String> {
    match who {
        Who { address: Some(range), subject: None } => Ok(Banned::Address(range)),
        Who { address: None, subject: Some(subject) } if !subject.is_empty() => Ok(Banned::Subject(subject)),
        _ => Err("either an address or a subject".into()),
    }
}

fn status(relay: &Relay) -> Value {
    let stats = relay.stats();
    json!({
        "ok": true,
        "version": env!("CARGO_PKG_VERSION"),
        "connections": stats.connections,
        "channels": stats.channels,
        "users": stats.users,
        "paused": stats.paused,
        "queued_bytes": stats.queued_bytes,
        "draining": relay.is_draining(),
        "bans": relay.bans().count(),
    })
}

#[cfg(feature = "cluster")]
fn cluster(relay: &Relay) -> Result<Value, String> {
    let info = relay.cluster().ok_or("this relay is not one of a cluster: it runs without --cluster")?;
    let relays = info.relays.iter().map(|other| {
        json!({
            "relay": other.relay,
            "channels": other.names,
            "users_there": other.users_there,
            "users_here": other.users_here,
            "backlog_bytes": other.backlog_bytes,
        })
    });
    Ok(json!({
        "ok": true,
        "cluster": info.name,
        "relay": info.relay,
        "connected": info.is_connected,
        "ready": info.is_ready,
        "lease_seconds": info.lease.as_secs_f64(),
        "channels": info.names,
        "relays": relays.collect::<Vec<_>>(),
        "received_messages": info.received_messages,
        "sent_messages": info.sent_messages,
        "received_bytes": info.received_bytes,
        "sent_bytes": info.sent_bytes,
        "broken_lines": info.broken_lines,
        "lapses": info.lapses,
    }))
}

fn connection(info: &ConnectionInfo) -> Value {
    json!({
        "id": info.id,
        "address": info.address.to_string(),
        "subject": info.subject,
        "transport": info.transport,
        "age_seconds": info.age.as_secs_f64(),
        "received_bytes": info.received_bytes,
        "sent_bytes": info.sent_bytes,
        "queued_bytes": info.queued_bytes,
        "paused": info.is_paused,
        "own": info.own,
        "entered": info.entered,
    })
}

fn channel(info: &ChannelInfo) -> Value {
    json!({
        "name": String::from_utf8_lossy(&info.name),
        "number": info.number,
        "server": info.server,
        "users": info.users,
    })
}

fn ban(ban: &Ban) -> Value {
    let (address, subject) = match &ban.who {
        Banned::Address(range) => (Some(range.to_string()), None),
        Banned::Subject(subject) => (None, Some(subject)),
    };
    json!({"address": address, "subject": subject, "until": ban.until, "reason": ban.reason})
}
