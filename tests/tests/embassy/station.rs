//! Connecting again and again over embassy-net, with a channel that comes back.

use std::cell::{Cell, RefCell};

use embassy_net::{IpEndpoint, Ipv4Address};
use peote_net::Reason;
use peote_net::link::{Event, Hello, Mode, Out, SendError};
use peote_net::reconnect::{Backoff, ChannelState, Exhausted, Reconnect, Retry};
use peote_net::time::Duration;
use peote_net_embassy::time::now;
use peote_net_embassy::{Station, StationError};

use crate::executor::Task;
use crate::hub::Faults;
use crate::machine::PORT;
use crate::net::{Network, SmallLink};

const RELAY: (Ipv4Address, u16) = (Ipv4Address::new(10, 0, 0, 2), PORT);

/// A station that says a number each second in `echo`; answers why it ended.
async fn talk(
    stack: embassy_net::Stack<'static>,
    rules: Backoff,
    heard: &Cell<u32>,
    fail_at: Option<u32>,
) -> StationError {
    let mut link = SmallLink::new();
    let mut station = Station::new(&mut link, Reconnect::<_, 1>::new(rules).with_retry(Retry::Always));
    let echo = station.enter("echo", Mode::chunks(256)).unwrap();
    let (mut receive, mut transmit) = ([0; 512], [0; 512]);
    let mut next = now();
    let work = |channels: &mut Reconnect<_, 1>, out: &mut Out<'_>| {
        if now() >= next {
            if channels.state(echo) == Some(ChannelState::Open) {
                out.send(echo, b"reading").unwrap();
            }
            next = now() + Duration::from_secs(1);
        }
        Some(next)
    };
    let handler = |event: Event<'_>, _: &mut Out<'_>| {
        if let Event::Chunk { bytes, .. } = event {
            assert_eq!(bytes, b"reading");
            heard.set(heard.get() + 1);
            if Some(heard.get()) == fail_at {
                return Err(SendError::Empty);
            }
        }
        Ok(())
    };
    let relay = IpEndpoint::from(RELAY);
    let Err(error) = station.run(stack, relay, &mut receive, &mut transmit, handler, work).await;
    error
}

#[test]
fn readings_go_on_after_the_relay_was_away() {
    let mut network = Network::new(Faults::NONE, 11);
    network.server_comes_back = true;
    let heard = Cell::new(0);
    let stack = network.world.stack;
    let mut task = Task::new(async { panic!("{}", talk(stack, Backoff::new(), &heard, None).await) });
    network.until(&mut task, "5 readings", |_| heard.get() == 5);
    network.relay.set_down(true);
    for _ in 0..10_000 {
        network.step(&mut [&mut task]);
    }
    let before = heard.get();
    network.relay.set_down(false);
    network.until(&mut task, "5 more", |_| heard.get() == before + 5);
    let polls = task.polls;
    for _ in 0..10_000 {
        network.step(&mut [&mut task]);
    }
    let polls = task.polls - polls;
    assert!((10..=70).contains(&polls), "{polls} polls for 10 readings and 2 keepalives");
}

/// The relay says that it is there, and does not answer. It is given up, and tried again.
#[test]
fn a_relay_that_does_not_answer_is_given_up() {
    let mut network = Network::new(Faults::NONE, 12);
    network.server_comes_back = true;
    let heard = Cell::new(0);
    let stack = network.world.stack;
    let address = stack.config_v4().map(|config| config.address.address());
    network.relay.set_deaf_to(Some(address.expect("it has one").into()));
    let mut task = Task::new(async { panic!("{}", talk(stack, Backoff::new(), &heard, None).await) });
    let start = now();
    network.until(&mut task, "12 s", |_| now() >= start + Duration::from_secs(12));
    assert_eq!(network.relay.connections(), 2);
    network.relay.set_deaf_to(None);
    network.until(&mut task, "a reading", |_| heard.get() == 1);
    assert!(now() < start + Duration::from_secs(20));
}

/// What the list gives up by itself is told as what the relay refuses.
#[test]
fn a_channel_that_is_not_answered_for_and_given_up_is_refused() {
    let mut network = Network::new(Faults::NONE, 13);
    let stack = network.world.stack;
    let address = stack.config_v4().map(|config| config.address.address());
    network.relay.set_deaf_to(Some(address.expect("it has one").into()));
    let ended = RefCell::new(None);
    let mut task = Task::new(async {
        let mut link = SmallLink::new();
        let mut station = Station::new(&mut link, Reconnect::<_, 1>::new(Backoff::new()));
        station.enter("echo", Mode::chunks(256)).unwrap();
        let (mut receive, mut transmit) = ([0; 512], [0; 512]);
        let relay = IpEndpoint::from(RELAY);
        let handler = |event: Event<'_>, _: &mut Out<'_>| event.ok();
        let Err(error) = station.run(stack, relay, &mut receive, &mut transmit, handler, |_, _| None).await;
        *ended.borrow_mut() = Some(error);
    });
    network.until(&mut task, "it ends", |_| ended.borrow().is_some());
    let ended = ended.borrow();
    assert!(
        matches!(*ended, Some(StationError::Handler(SendError::Refused { reason: Reason::NoAnswer, .. }))),
        "{ended:?}"
    );
}

/// A run that is dropped takes its connection with it. The next one begins anew: the channel is
/// closed, and opened again.
#[test]
fn a_run_that_was_dropped_is_followed_by_another() {
    let mut network = Network::new(Faults::NONE, 14);
    let (opened, closed, heard) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let stack = network.world.stack;
    let mut task = Task::new(async {
        let mut link = SmallLink::new();
        let channels = Reconnect::<_, 1>::new(Backoff::new()).with_retry(Retry::Always);
        let mut station = Station::new(&mut link, channels);
        station.enter("echo", Mode::chunks(256)).unwrap();
        let (mut receive, mut transmit) = ([0; 512], [0; 512]);
        loop {
            let handler = |event: Event<'_>, out: &mut Out<'_>| match event {
                Event::Opened { channel } => {
                    opened.set(opened.get() + 1);
                    out.send(channel, &[7; 200])
                }
                Event::Away { .. } => {
                    closed.set(closed.get() + 1);
                    Ok(())
                }
                Event::Chunk { bytes, .. } => {
                    assert_eq!(bytes, [7; 200]);
                    heard.set(heard.get() + 1);
                    Ok(())
                }
                _ => Ok(()),
            };
            let relay = IpEndpoint::from(RELAY);
            let running = station.run(stack, relay, &mut receive, &mut transmit, handler, |_, _| None);
            let second = embassy_time::Timer::after(embassy_time::Duration::from_millis(2_003));
            embassy_futures::select::select(running, second).await;
        }
    });
    let passed = network.until(&mut task, "heard four times", |_| heard.get() == 4);
    // four runs of 2 s; the silence of a connection that is not there would take 20 s
    assert!(passed < 9_000, "{passed} ms");
    assert_eq!((opened.get(), closed.get()), (4, 3));
}

#[test]
fn the_rules_say_when_it_ends() {
    let mut network = Network::new(Faults::NONE, 12);
    network.relay.set_down(true);
    let (heard, error) = (Cell::new(0), RefCell::new(None));
    let stack = network.world.stack;
    let rules = Backoff::new().with_most_attempts(2);
    let mut task = Task::new(async { *error.borrow_mut() = Some(talk(stack, rules, &heard, None).await) });
    network.until(&mut task, "the end", |task| task.is_done);
    assert_eq!(*error.borrow(), Some(StationError::GivenUp(Exhausted::Attempts)));
}

#[test]
fn an_error_of_the_handler_ends_the_connection_in_order() {
    let mut network = Network::new(Faults::NONE, 13);
    let (heard, error) = (Cell::new(0), RefCell::new(None));
    let stack = network.world.stack;
    let mut task =
        Task::new(async { *error.borrow_mut() = Some(talk(stack, Backoff::new(), &heard, Some(3)).await) });
    network.until(&mut task, "the error", |task| task.is_done);
    assert_eq!(*error.borrow(), Some(StationError::Handler(SendError::Empty)));
    assert_eq!(heard.get(), 3);
    for _ in 0..200 {
        network.step(&mut []);
    }
    assert_eq!(network.relay.connections(), 1, "the server's");
}

/// With a keepalive each 10 minutes the processor wakes up less than once a minute, for both tasks
/// together: the station's and that of embassy-net.
#[test]
fn an_idle_station_wakes_up_as_seldom_as_it_asked_for() {
    let mut network = Network::new(Faults::NONE, 15);
    network.relay.know_hello();
    network.world.hub.filter(0, [2, 0, 0, 0, 0, 1]);
    let is_open = Cell::new(false);
    let stack = network.world.stack;
    let mut task = Task::new(async {
        let mut link = SmallLink::new();
        let mut station = Station::new(&mut link, Reconnect::<_, 1>::new(Backoff::new()));
        station.enter("echo", Mode::chunks(256)).unwrap();
        station.set_hello(Hello { keepalive: Some(Duration::from_secs(600)), ..Hello::default() });
        let (mut receive, mut transmit) = ([0; 512], [0; 512]);
        let handler = |event: Event<'_>, _: &mut Out<'_>| {
            assert!(matches!(event, Event::Opened { .. }), "{event:?}");
            is_open.set(true);
        };
        let relay = IpEndpoint::from(RELAY);
        let Err(error) = station.run(stack, relay, &mut receive, &mut transmit, handler, |_, _| None).await;
        panic!("{error:?}");
    });
    network.until(&mut task, "open", |_| is_open.get());
    for _ in 0..60_000 {
        network.step(&mut [&mut task]);
    }
    network.world.wakes = 0;
    network.world.hub.take_captured();
    let (polls, end) = (task.polls, now() + Duration::from_secs(3 * 3600));
    while now() < end {
        network.step_by(&mut [&mut task], 20);
    }
    let (frames, wakes) = (network.world.hub.take_captured().len(), network.world.wakes);
    println!("3 hours: {wakes} wake-ups, {frames} frames, {} polls of the task", task.polls - polls);
    assert!((17..=90).contains(&wakes), "{wakes} wake-ups in 3 hours");
}
