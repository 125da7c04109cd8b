//! Events, as mio has them on Linux.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::registered::{Interest, Registered, Token, Waiting};
use crate::world::{self, World};

/// What a socket is ready for.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    token: Token,
    is_readable: bool,
    is_writable: bool,
    is_read_closed: bool,
    is_write_closed: bool,
    is_error: bool,
}

macro_rules! questions {
    ($($name:ident),*) => {
        $(
            /// As mio's.
            #[must_use]
            pub fn $name(&self) -> bool {
                self.$name
            }
        )*
    };
}

impl Event {
    /// As mio's.
    #[must_use]
    pub fn token(&self) -> Token {
        self.token
    }

    questions!(is_readable, is_writable, is_read_closed, is_write_closed, is_error);
}

/// Events that came together.
#[derive(Debug)]
pub struct Events {
    all: Vec<Event>,
    most: usize,
}

impl Events {
    /// Room for so many.
    #[must_use]
    pub fn with_capacity(most: usize) -> Self {
        Self { all: Vec::with_capacity(most), most }
    }

    /// The events.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.all.iter()
    }
}

/// Where sockets are registered.
#[derive(Debug)]
pub struct Registry {
    poll: u64,
}

/// What can be registered.
pub trait Source {
    /// Its number in the world.
    fn number(&self) -> u64;
}

impl Registry {
    /// As mio's.
    ///
    /// # Errors
    /// It is registered already, or there is no such socket any more.
    pub fn register(&self, source: &mut impl Source, token: Token, interest: Interest) -> io::Result<()> {
        world::call();
        let number = source.number();
        world::with(|world| {
            let place = world.registered(number)?;
            if place.is_some() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let registered = Registered { poll: self.poll, token, interest };
            *place = Some(registered);
            // what is ready already is told, too
            world.note(Some(registered), number);
            Ok(())
        })
    }

    /// As mio's.
    ///
    /// # Errors
    /// It is not registered here.
    pub fn deregister(&self, source: &mut impl Source) -> io::Result<()> {
        world::call();
        let number = source.number();
        world::with(|world| {
            let place = world.registered(number)?;
            if place.take_if(|registered| registered.poll == self.poll).is_none() {
                return Err(io::ErrorKind::NotFound.into());
            }
            if let Some(poll) = world.polls.get_mut(&self.poll) {
                poll.order.retain(|other| *other != number);
            }
            Ok(())
        })
    }
}

/// Waits for events.
#[derive(Debug)]
pub struct Poll {
    registry: Registry,
}

impl Poll {
    /// As mio's.
    ///
    /// # Errors
    /// None here.
    pub fn new() -> io::Result<Self> {
        let poll = world::with(|world| {
            let number = world.number();
            world.polls.insert(number, Waiting::default());
            number
        });
        Ok(Self { registry: Registry { poll } })
    }

    /// As mio's.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Waits for events. Time passes meanwhile, and the outside runs.
    ///
    /// # Errors
    /// [`io::ErrorKind::Interrupted`], now and then.
    ///
    /// # Panics
    /// If there is nothing any more that could end the wait.
    pub fn poll(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.all.clear();
        world::call();
        let begun = world::now_micros();
        // in whole milliseconds, rounded up
        let millis = |timeout: Duration| {
            u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX / 4000).div_ceil(1000) * 1000
        };
        let deadline = timeout.map(|timeout| begun + millis(timeout));
        let is_interrupted = world::with(|world| {
            world.counts.polls += 1;
            world.random.chance(2)
        });
        loop {
            world::with(|world| world.take_events(self.registry.poll, events));
            if !events.all.is_empty() || deadline.is_some_and(|at| at <= world::now_micros()) {
                return Ok(());
            }
            let next = world::next();
            if is_interrupted && next.is_some() && world::now_micros() > begun {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let at = next.into_iter().chain(deadline).min();
            let Some(at) = at else { panic!("the relay waits for ever") };
            world::run(at);
        }
    }
}

/// Ends a wait from elsewhere.
#[derive(Debug)]
pub struct Waker {
    is_awake: Arc<AtomicBool>,
}

impl Waker {
    /// As mio's.
    ///
    /// # Errors
    /// None here.
    pub fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let is_awake = Arc::new(AtomicBool::new(false));
        let waker = (token, Arc::clone(&is_awake));
        world::with(|world| {
            if let Some(poll) = world.polls.get_mut(&registry.poll) {
                poll.waker = Some(waker);
            }
        });
        Ok(Self { is_awake })
    }

    /// As mio's.
    ///
    /// # Errors
    /// None here.
    pub fn wake(&self) -> io::Result<()> {
        self.is_awake.store(true, Ordering::Release);
        Ok(())
    }
}

impl World {
    fn registered(&mut self, number: u64) -> io::Result<&mut Option<Registered>> {
        match self.listeners.get_mut(&number) {
            Some(listener) => Ok(&mut listener.registered),
            None => match self.streams.get_mut(&number) {
                Some(stream) => Ok(&mut stream.registered),
                None => Err(io::ErrorKind::NotConnected.into()),
            },
        }
    }

    /// Moves what is to be told into `events`.
    fn take_events(&mut self, number: u64, events: &mut Events) {
        let Some(waiting) = self.polls.get_mut(&number) else { return };
        let mut order = std::mem::take(&mut waiting.order);
        let waker = waiting.waker.clone();
        if let Some((token, is_awake)) = waker
            && is_awake.swap(false, Ordering::AcqRel)
        {
            events.all.push(Event {
                token,
                is_readable: true,
                is_writable: false,
                is_read_closed: false,
                is_write_closed: false,
                is_error: false,
            });
        }
        while events.all.len() < events.most {
            let Some(source) = order.pop_front() else { break };
            events.all.extend(self.event(source));
        }
        if let Some(waiting) = self.polls.get_mut(&number) {
            waiting.order = order;
        }
    }

    /// What a socket is ready for, if it is for anything that is to be told.
    fn event(&mut self, number: u64) -> Option<Event> {
        if let Some(listener) = self.listeners.get(&number) {
            let is_readable = listener.backlog.front().is_some_and(|(at, _)| *at <= self.now);
            return listener.registered.filter(|_| is_readable).map(|registered| Event {
                token: registered.token,
                is_readable,
                is_writable: false,
                is_read_closed: false,
                is_write_closed: false,
                is_error: false,
            });
        }
        let stream = self.streams.get_mut(&number)?;
        let Registered { token, interest, .. } = stream.registered?;
        let (reads, writes) = (interest.0 & 1 != 0, interest.0 & 2 != 0);
        let is_writable = stream.is_writable();
        stream.no_space |= !is_writable;
        let is_broken = stream.is_broken();
        let hangs_up = is_broken || stream.is_read_closed() && stream.to_endpoint.is_ending();
        let event = Event {
            token,
            is_readable: reads && stream.is_readable(),
            is_writable: writes && is_writable,
            is_read_closed: hangs_up || reads && stream.is_read_closed(),
            is_write_closed: hangs_up,
            is_error: is_broken && !stream.told,
        };
        let is_any = event.is_readable || event.is_writable || event.is_read_closed || event.is_error;
        is_any.then_some(event)
    }
}
