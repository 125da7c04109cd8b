//! Streams taken apart, with what one sends to another in one row put together: where it was cut
//! means nothing.

use peote_net::protocol::to_endpoint::{self, Unit as FromRelay};
use peote_net::protocol::to_relay::{self, Unit as FromEndpoint};

use crate::recording;

/// What an endpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Command { command: u8, tag: u8, payload: Vec<u8> },
    ToServer { channel: u8, bytes: Vec<u8> },
    ToUser { channel: u8, user: u8, bytes: Vec<u8> },
    ToAll { channel: u8, bytes: Vec<u8> },
    ToAllBut { channel: u8, user: u8, bytes: Vec<u8> },
}

/// What a relay says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Control(FromRelay<'static>),
    FromServer { channel: u8, bytes: Vec<u8> },
    FromUser { channel: u8, user: u8, bytes: Vec<u8> },
}

/// What an endpoint says in these pieces of its stream.
pub(crate) fn said(pieces: &[&[u8]]) -> Vec<Said> {
    let mut decoder = to_relay::Decoder::new();
    let mut said: Vec<Said> = Vec::new();
    for &piece in pieces {
        let mut rest = piece;
        while let Some((used, unit)) = decoder.decode(rest) {
            rest = &rest[used..];
            match unit {
                FromEndpoint::Command { command, tag, payload } if payload.is_first() => {
                    said.push(Said::Command { command, tag, payload: payload.bytes().to_vec() });
                }
                FromEndpoint::Command { payload: more, .. } => {
                    let Some(Said::Command { payload, .. }) = said.last_mut() else { panic!("{unit:?}") };
                    payload.extend(more.bytes());
                }
                FromEndpoint::ToServer { channel, payload } => match said.last_mut() {
                    Some(Said::ToServer { channel: c, bytes }) if *c == channel => {
                        bytes.extend(payload.bytes());
                    }
                    _ => said.push(Said::ToServer { channel, bytes: payload.bytes().to_vec() }),
                },
                FromEndpoint::ToUser { channel, user, payload } => match said.last_mut() {
                    Some(Said::ToUser { channel: c, user: u, bytes }) if (*c, *u) == (channel, user) => {
                        bytes.extend(payload.bytes());
                    }
                    _ => said.push(Said::ToUser { channel, user, bytes: payload.bytes().to_vec() }),
                },
                FromEndpoint::ToAll { channel, payload } => match said.last_mut() {
                    Some(Said::ToAll { channel: c, bytes }) if *c == channel => bytes.extend(payload.bytes()),
                    _ => said.push(Said::ToAll { channel, bytes: payload.bytes().to_vec() }),
                },
                FromEndpoint::ToAllBut { channel, excluded: user, payload } => match said.last_mut() {
                    Some(Said::ToAllBut { channel: c, user: u, bytes }) if (*c, *u) == (channel, user) => {
                        bytes.extend(payload.bytes());
                    }
                    _ => said.push(Said::ToAllBut { channel, user, bytes: payload.bytes().to_vec() }),
                },
                other => panic!("no endpoint says {other:?}"),
            }
        }
    }
    assert!(decoder.is_between_units());
    said
}

/// What a relay says in these pieces of its stream.
pub(crate) fn heard(pieces: &[&[u8]]) -> Vec<Heard> {
    let mut decoder = to_endpoint::Decoder::new();
    let mut heard: Vec<Heard> = Vec::new();
    for &piece in pieces {
        let mut rest = piece;
        while let Some((used, unit)) = decoder.decode(rest) {
            rest = &rest[used..];
            match unit {
                FromRelay::FromServer { channel, payload } => match heard.last_mut() {
                    Some(Heard::FromServer { channel: c, bytes }) if *c == channel => {
                        bytes.extend(payload.bytes());
                    }
                    _ => heard.push(Heard::FromServer { channel, bytes: payload.bytes().to_vec() }),
                },
                FromRelay::FromUser { channel, user, payload } => match heard.last_mut() {
                    Some(Heard::FromUser { channel: c, user: u, bytes }) if (*c, *u) == (channel, user) => {
                        bytes.extend(payload.bytes());
                    }
                    _ => heard.push(Heard::FromUser { channel, user, bytes: payload.bytes().to_vec() }),
                },
                FromRelay::Success { tag, channel } => {
                    heard.push(Heard::Control(FromRelay::Success { tag, channel }));
                }
                FromRelay::UserEntered { channel, user } => {
                    heard.push(Heard::Control(FromRelay::UserEntered { channel, user }));
                }
                FromRelay::UserGone { channel, user, reason } => {
                    heard.push(Heard::Control(FromRelay::UserGone { channel, user, reason }));
                }
                FromRelay::ChannelGone { channel, reason } => {
                    heard.push(Heard::Control(FromRelay::ChannelGone { channel, reason }));
                }
                FromRelay::Keepalive { last } => heard.push(Heard::Control(FromRelay::Keepalive { last })),
                _ => panic!("not in any recording: {unit:?}"),
            }
        }
    }
    assert!(decoder.is_between_units());
    heard
}

/// Everything recorded can be taken apart, and comes to the same at every cut.
#[test]
fn the_same_at_every_cut() {
    let mut cuts = 0;
    for recording in recording::all() {
        for connection in 0..recording.connections() {
            let stream = recording.stream(connection, true);
            let whole = said(&[&stream]);
            assert!(matches!(whole[0], Said::Command { command: 0 | 1, tag: 1, .. }), "{}", recording.name);
            for at in 0..=stream.len() {
                assert_eq!(said(&[&stream[..at], &stream[at..]]), whole, "{} cut at {at}", recording.name);
            }
            assert_eq!(said(&stream.chunks(1).collect::<Vec<_>>()), whole);
            cuts += stream.len();

            let stream = recording.stream(connection, false);
            let whole = heard(&[&stream]);
            assert!(
                whole.contains(&Heard::Control(FromRelay::Success { tag: 1, channel: 0 })),
                "{}",
                recording.name
            );
            for at in 0..=stream.len() {
                assert_eq!(heard(&[&stream[..at], &stream[at..]]), whole, "{} cut at {at}", recording.name);
            }
            assert_eq!(heard(&stream.chunks(1).collect::<Vec<_>>()), whole);
            cuts += stream.len();
        }
    }
    assert!(cuts > 5000, "{cuts}");
}
