//! Somebody on the way who changes what a relay says: nothing comes through but what it said, and
//! no end but its own.

use std::io::Write as _;
use std::net::Shutdown;

use embedded_io::{Read as _, ReadReady as _, WriteReady as _};
use peote_net_std::{TcpTransport, TlsOptions};
use proptest::prelude::*;
use rustls::version::{TLS12, TLS13};

use super::far::{Authority, Far, Identity};
use super::mutation::{Change, Mutation, changes};
use super::{PATIENCE, beginning, until};

/// What came out in the end.
#[derive(Debug)]
struct Outcome {
    got: Vec<u8>,
    /// The end was one in order.
    is_whole: bool,
}

/// The far end reads what has come. Whether it goes on.
fn hear(far: &mut Far) -> bool {
    match far.tls.read_tls(&mut far.socket) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => true,
        Err(_) | Ok(0) => false,
        Ok(_) => far.tls.process_new_packets().is_ok(),
    }
}

/// Reads until there is nothing more at the moment; answers whether the end was one in order, if it
/// was one.
fn drain(near: &mut TcpTransport, got: &mut Vec<u8>) -> Option<bool> {
    let mut buffer = [0; 700];
    while near.read_ready().unwrap() {
        match near.read(&mut buffer) {
            Ok(0) => return Some(true),
            Ok(count) => got.extend_from_slice(&buffer[..count]),
            Err(_) => return Some(false),
        }
    }
    None
}

fn play(
    near: &mut TcpTransport,
    far: &mut Far,
    said: &[Vec<u8>],
    closes: bool,
    mutation: &mut Mutation,
    piece: usize,
) -> Outcome {
    let start = std::time::Instant::now();
    let mut got = Vec::new();
    let mut has_said = false;
    loop {
        assert!(start.elapsed() < PATIENCE, "neither an end nor an error");
        let goes_on = hear(far);
        if !has_said && !far.tls.is_handshaking() {
            has_said = true;
            for record in said {
                far.tls.writer().write_all(record).unwrap();
            }
            if closes {
                far.tls.send_close_notify();
            }
        }
        let bytes = mutation.apply(&far.take_output().unwrap());
        for piece in bytes.chunks(piece) {
            // fails when the near end has had enough
            let _ = far.socket.write_all(piece);
            near.write_ready().unwrap();
            if let Some(is_whole) = drain(near, &mut got) {
                return Outcome { got, is_whole };
            }
        }
        // what is changed may make the near end wait for more than there is
        let is_stuck = mutation.is_changed && start.elapsed().as_millis() > 20;
        if has_said || !goes_on || is_stuck {
            let _ = far.socket.shutdown(Shutdown::Write);
        }
        near.write_ready().unwrap();
        if let Some(is_whole) = drain(near, &mut got) {
            return Outcome { got, is_whole };
        }
    }
}

fn check(
    identity: &Identity,
    options: &TlsOptions,
    is_new: bool,
    said: &[Vec<u8>],
    closes: bool,
    changes: Vec<Change>,
    piece: usize,
) {
    let config = identity.config_with(&[if is_new { &TLS13 } else { &TLS12 }]);
    let (mut near, mut far) = beginning(&config, options);
    let mut mutation = Mutation::new(changes);
    let Outcome { got, is_whole } = play(&mut near, &mut far, said, closes, &mut mutation, piece);
    let said = said.concat();
    assert!(said.starts_with(&got), "something that was never said");
    if is_whole || !mutation.is_changed {
        assert!(got == said, "{} of {} bytes came", got.len(), said.len());
        assert_eq!(is_whole, closes);
    }
    // it stays as it is
    until("the end", || near.read_ready().unwrap());
    assert_eq!(near.read(&mut [0; 8]).is_ok(), is_whole);
}

#[test]
fn nothing_comes_through_but_what_was_said() {
    let authority = Authority::new();
    let (identity, options) = (authority.certify(&["relay.example"]), authority.options());
    let said = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..3000), 0..5);
    let strategy = (any::<bool>(), said, any::<bool>(), changes(3, 6000), 1_usize..2000);
    proptest!(ProptestConfig::with_cases(200), |((is_new, said, closes, changes, piece) in strategy)| {
        check(&identity, &options, is_new, &said, closes, changes, piece);
    });
}

#[test]
fn anything_instead_of_a_handshake_is_an_error() {
    let options = Authority::new().options();
    let header = (20_u8..25, 0_u8..5, any::<u16>());
    let record =
        (header, proptest::collection::vec(any::<u8>(), 0..600)).prop_map(|((kind, version, len), body)| {
            // every second one of the right length
            let len = if len % 2 == 0 { u16::try_from(body.len()).unwrap() } else { len };
            [&[kind, 3, version][..], &len.to_be_bytes(), &body].concat()
        });
    let bytes = prop_oneof![
        proptest::collection::vec(record, 0..8).prop_map(|records| records.concat()),
        proptest::collection::vec(any::<u8>(), 0..3000),
    ];
    proptest!(ProptestConfig::with_cases(200), |(bytes in bytes)| {
        let (near, mut far) = super::common::pair();
        let mut near = near.with_tls("relay.example", &options).unwrap();
        let _ = far.write_all(&bytes);
        let _ = far.shutdown(Shutdown::Write);
        until("an error", || near.read_ready().unwrap());
        prop_assert!(near.read(&mut [0; 8]).is_err());
        prop_assert!(near.write_ready().unwrap());
    });
}
