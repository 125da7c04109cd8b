//! Connecting: what comes of each kind of address, in both forms.

mod common;

use std::error::Error as _;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::task::Poll;
use std::time::Duration;

use common::{LONG, listener, refusing};
use peote_net_std::{
    Attempt, Clock, ConnectError, ConnectErrorKind, Connecting, TcpTransport, Waiter, Watch, describe,
};

/// Polls as a loop does that sleeps in between.
fn drive(mut connecting: Connecting) -> Result<TcpTransport, ConnectError> {
    let mut waiter = Waiter::new(Clock::new()).unwrap();
    let mut wakes = 0;
    loop {
        if let Poll::Ready(result) = connecting.poll() {
            assert!(wakes < 100, "{wakes} wake-ups for one connection");
            return result;
        }
        assert_eq!(waiter.wait(&mut [Watch::connecting(&connecting)], None).unwrap().ready, 1);
        wakes += 1;
    }
}

#[test]
fn literal_addresses() {
    let (listener, address) = listener();
    let transport = drive(TcpTransport::connect(&address.to_string(), LONG)).unwrap();
    assert_eq!(transport.peer_addr().unwrap(), address);
    assert_eq!(transport.local_addr().unwrap(), listener.accept().unwrap().1);

    let transport = TcpTransport::connect_blocking(&address.to_string(), LONG).unwrap();
    assert_eq!(transport.local_addr().unwrap(), listener.accept().unwrap().1);
}

#[test]
fn ipv6() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        eprintln!("skipped: this machine has no IPv6");
        return;
    };
    let address = listener.local_addr().unwrap();
    let transport = drive(TcpTransport::connect(&address.to_string(), LONG)).unwrap();
    assert_eq!(transport.peer_addr().unwrap(), address);
}

#[test]
fn polled_without_a_waiter() {
    let (_listener, address) = listener();
    let mut connecting = TcpTransport::connect(&address.to_string(), LONG);
    assert_eq!(connecting.address(), address.to_string());
    let transport = loop {
        if let Poll::Ready(result) = connecting.poll() {
            break result.unwrap();
        }
    };
    drop(transport);
    let Poll::Ready(Err(error)) = connecting.poll() else { panic!("still going on") };
    assert!(matches!(error.kind(), ConnectErrorKind::Finished));
}

#[test]
fn names_are_looked_up() {
    let (_listener, address) = listener();
    let transport = drive(TcpTransport::connect(&format!("localhost:{}", address.port()), LONG)).unwrap();
    assert_eq!(transport.peer_addr().unwrap(), address);
}

#[test]
fn an_unknown_name() {
    let error = drive(TcpTransport::connect("name.invalid:7680", LONG)).unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::Resolve(_)), "{error:?}");
    assert!(
        describe(&error).starts_with("cannot connect to name.invalid:7680: the name was not found"),
        "{error}"
    );
    assert!(error.source().is_some());
    assert!(error.attempts().is_empty());
}

#[test]
fn a_malformed_address() {
    let error = TcpTransport::connect_blocking("ws://localhost", LONG).unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::Address(_)), "{error:?}");
    assert_eq!(error.address(), "ws://localhost");
}

#[test]
fn refused() {
    let address = refusing();
    let error = drive(TcpTransport::connect(&address.to_string(), LONG)).unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::Failed(_)), "{error:?}");
    assert_eq!(error.attempts().len(), 1);
    assert_eq!(error.attempts()[0].address(), address);
    assert_eq!(error.attempts()[0].error().kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(error.to_string(), format!("cannot connect to {address}"));
    let told = describe(&error);
    assert!(told.starts_with(&format!("{error}: {address}: Connection refused")), "{told}");
    assert!(told.ends_with("; no program listens there: start the relay, or mind the port"), "{told}");
    assert_eq!(format!("{error:?}"), told, "what `main` prints");
}

#[test]
fn all_of_several_refused() {
    let addresses = [refusing(), refusing(), refusing()];
    let error = drive(TcpTransport::connect_to_any(&addresses, LONG)).unwrap_err();
    let tried: Vec<SocketAddr> = error.attempts().iter().map(Attempt::address).collect();
    assert_eq!(tried, addresses);
}

#[test]
fn no_address_at_all() {
    let error = drive(TcpTransport::connect_to_any(&[], LONG)).unwrap_err();
    assert!(describe(&error).ends_with("the host has no address"), "{error}");
}

#[test]
fn the_first_refuses_and_the_second_answers() {
    let (_listener, address) = listener();
    let transport = drive(TcpTransport::connect_to_any(&[refusing(), address], LONG)).unwrap();
    assert_eq!(transport.peer_addr().unwrap(), address);
}

// Only there does a full queue mean no answer.
#[cfg(target_os = "linux")]
mod unanswered {
    use super::*;
    use common::unanswering;

    #[test]
    fn times_out() {
        let dead = unanswering();
        let timeout = Duration::from_millis(50);
        let error = drive(TcpTransport::connect(&dead.address.to_string(), timeout)).unwrap_err();
        assert!(
            matches!(error.kind(), ConnectErrorKind::TimedOut(given, _) if *given == timeout),
            "{error:?}"
        );
        assert_eq!(error.attempts().len(), 1);
        assert_eq!(error.attempts()[0].error().kind(), io::ErrorKind::TimedOut);
        let address = dead.address;
        assert_eq!(
            describe(&error),
            format!("cannot connect to {address}: not connected within 50ms: {address}: no answer")
        );
    }

    #[test]
    fn blocking_times_out() {
        let dead = unanswering();
        let error =
            TcpTransport::connect_blocking(&dead.address.to_string(), Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error.kind(), ConnectErrorKind::TimedOut(..)), "{error:?}");
    }

    #[test]
    fn the_second_answers() {
        let dead = unanswering();
        let (_listener, address) = listener();
        let transport = drive(TcpTransport::connect_to_any(&[dead.address, address], LONG)).unwrap();
        assert_eq!(transport.peer_addr().unwrap(), address);
    }

    #[test]
    fn one_unanswered_one_refused() {
        let dead = unanswering();
        let refusing = refusing();
        let timeout = Duration::from_millis(600);
        let error = drive(TcpTransport::connect_to_any(&[dead.address, refusing], timeout)).unwrap_err();
        assert!(matches!(error.kind(), ConnectErrorKind::TimedOut(..)), "{error:?}");
        let tried: Vec<SocketAddr> = error.attempts().iter().map(Attempt::address).collect();
        assert_eq!(tried, [refusing, dead.address]);
    }
}
