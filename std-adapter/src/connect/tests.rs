//! Look-ups that take their time; the rest is tested from outside.

use std::net::TcpListener;
use std::sync::mpsc::channel;

use super::*;
use crate::{Clock, Waiter, Watch};

const LONG: Duration = Duration::from_secs(60);

fn looking_up(
    timeout: Duration,
    look_up: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
) -> Connecting {
    Connecting::new("host:1".into(), timeout, Stage::look_up(look_up))
}

#[test]
fn a_slow_look_up_does_not_block_and_ends_a_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (go, wait) = channel();
    let mut connecting = looking_up(LONG, move || {
        wait.recv().unwrap();
        Ok(vec![address])
    });
    for _ in 0..1000 {
        assert!(connecting.poll().is_pending());
    }
    go.send(()).unwrap();
    let mut waiter = Waiter::new(Clock::new()).unwrap();
    let transport = loop {
        assert!(waiter.wait(&mut [Watch::connecting(&connecting)], None).unwrap().ready == 1);
        if let Poll::Ready(result) = connecting.poll() {
            break result.unwrap();
        }
    };
    assert_eq!(transport.peer_addr().unwrap(), address);
}

#[test]
fn a_look_up_without_end_is_given_up() {
    let (_keep, wait) = channel::<()>();
    let connecting = looking_up(Duration::from_millis(30), move || {
        let _ = wait.recv();
        Ok(Vec::new())
    });
    let error = connecting.wait().unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::ResolveTimedOut(_)), "{error}");
    assert_eq!(crate::describe(&error), "cannot connect to host:1: the name was not found within 30ms");
}

#[test]
fn a_name_without_address_and_a_look_up_that_panics_are_errors() {
    let error = looking_up(LONG, || Ok(Vec::new())).wait().unwrap_err();
    assert_eq!(crate::describe(&error), "cannot connect to host:1: the host has no address");

    let error = looking_up(LONG, || panic!("part of the test")).wait().unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::Resolve(_)), "{error}");
}
