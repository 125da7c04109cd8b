//! Load for any relay, verified byte for byte; `stress --help` says what it can do.
//!
//! What a server and a client do about events is in `demo/src/traffic/servers.rs` and `clients.rs`,
//! and how each end knows what has to come is in `demo/src/traffic/mod.rs`. Here is the loop around
//! them: any number of links, one thread, asleep when there is nothing to do.

mod options;

use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant as Moment};

use peote_net::time::{self, Instant};
use peote_net_examples::report::{Pace, count, print, second, second_header, table};
use peote_net_examples::traffic::{Clients, Noise, Servers, Tally};
use peote_net_examples::{ANSWER_TIMEOUT, Failure};
use peote_net_std::{Clock, Waiter, Watch};

use options::{Options, Role};

/// How long nothing may happen before that counts as an error.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    peote_net_examples::failure::main("stress", run)
}

fn run(options: &Options) -> Result<(), Failure> {
    options.check()?;
    stress(options).map_err(|failure| failure.with_relay(&options.relay.relay))
}

fn stress(options: &Options) -> Result<(), Failure> {
    let mut stress = Stress::connect(options)?;
    print(stress.layout(options))?;

    // The clients' time begins when all of them are there.
    while !stress.clients.iter().all(Clients::all_welcome) {
        stress.turn()?;
    }
    print(second_header())?;
    stress.begin();
    while !stress.is_time_up(options) {
        stress.turn()?;
        stress.each_second()?;
    }
    // What is on its way still has to arrive, then everybody compares totals and leaves.
    stress.clients.iter_mut().for_each(Clients::finish);
    while !stress.is_over(options) {
        stress.turn()?;
        stress.each_second()?;
    }
    stress.end()
}

/// Everything that runs in this process.
struct Stress {
    servers: Vec<Servers>,
    clients: Vec<Clients>,
    clock: Clock,
    waiter: Waiter,
    tally: Tally,
    pace: Pace,
    start: Moment,
    /// The second that is shown next.
    second: u32,
    /// What had happened so far, and when that was different the last time.
    happened: (u64, Moment),
    patience: Duration,
}

impl Stress {
    /// Connects to the relay, and asks for channels.
    fn connect(options: &Options) -> Result<Self, Failure> {
        let tls = options.relay.tls()?;
        let connect = || options.relay.connect(tls.as_ref(), Duration::from_secs(10)).wait();
        let clock = Clock::new();
        let noise = Rc::new(Noise::new(options.max_bytes as usize));
        let (mut servers, mut clients) = (Vec::new(), Vec::new());
        if options.role != Role::Clients {
            for serving in options.serving() {
                servers.push(Servers::new(connect()?, serving, Rc::clone(&noise))?);
            }
        }
        let mut stress = Self {
            servers,
            clients: Vec::new(),
            clock,
            waiter: Waiter::new(clock)?,
            tally: Tally::new(options.max_bytes as usize),
            pace: Pace::default(),
            start: Moment::now(),
            second: 1,
            happened: (0, Moment::now()),
            patience: PATIENCE + Duration::from_millis(options.delay.into()),
        };
        let answer_due = clock.now() + ANSWER_TIMEOUT;
        while !stress.servers.iter().all(Servers::all_open) {
            stress.turn()?;
            if clock.now() >= answer_due && !stress.servers.iter().all(Servers::all_open) {
                return Err(Failure::no_answer());
            }
        }
        if options.role != Role::Servers {
            for members in options.clients() {
                let (noise, now) = (Rc::clone(&noise), clock.now());
                clients.push(Clients::new(connect()?, members, options.sending(), noise, now)?);
            }
        }
        stress.clients = clients;
        Ok(stress)
    }

    /// What runs here.
    fn layout(&self, options: &Options) -> String {
        let Options { relay, name, pattern, min_bytes, max_bytes, .. } = options;
        let relay = &relay.relay;
        let mut parts = vec![format!("relay {relay}, channels {name}/1 to {name}/{}", options.servers)];
        let connections = |number| format!("{number} connection{}", if number == 1 { "" } else { "s" });
        if !self.servers.is_empty() {
            parts.push(format!("{} servers on {}", options.servers, connections(self.servers.len())));
        }
        if !self.clients.is_empty() {
            let on = connections(self.clients.len());
            let pattern = format!("{pattern:?}").to_lowercase();
            parts.push(format!("{} clients on {on}, pattern {pattern}", options.clients));
        }
        parts.push(format!(
            "chunks of {} to {} bytes",
            count((*min_bytes).into()),
            count((*max_bytes).into())
        ));
        parts.join("; ")
    }

    /// From now on it counts.
    fn begin(&mut self) {
        self.start = Moment::now();
        self.pace.since_last(Duration::ZERO, &mut self.tally);
    }

    /// Sleeps until there is something to do, and does it.
    fn turn(&mut self) -> Result<(), Failure> {
        let deadlines = self.servers.iter().filter_map(Servers::next_deadline);
        let deadlines = deadlines.chain(self.clients.iter().filter_map(Clients::next_deadline));
        let deadline = deadlines.chain([self.next_look()]).min();
        let mut watches: Vec<Watch<'_>> = self.servers.iter_mut().map(Servers::watch).collect();
        watches.extend(self.clients.iter_mut().map(Clients::watch));
        self.waiter.wait(&mut watches, deadline)?;

        // With thousands of links, only those that have something to do get their turn.
        let ready: Vec<bool> = watches.iter().map(Watch::is_ready).collect();
        let (servers_ready, clients_ready) = ready.split_at(self.servers.len());
        let now = self.clock.now();
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        for (servers, ready) in self.servers.iter_mut().zip(servers_ready) {
            if *ready || is_due(servers.next_deadline()) {
                servers.turn(now, &mut self.tally)?;
            }
        }
        for (clients, ready) in self.clients.iter_mut().zip(clients_ready) {
            if *ready || is_due(clients.next_deadline()) {
                clients.turn(now, &mut self.tally)?;
            }
        }
        self.check_patience()
    }

    /// When to look at the time again: often enough for a line each second and an end in time.
    fn next_look(&self) -> Instant {
        self.clock.now() + time::Duration::from_millis(50)
    }

    /// Without clients here, it is for others to notice that nothing happens.
    fn check_patience(&mut self) -> Result<(), Failure> {
        let happened = self.tally.arrived().chunks + self.tally.sent.chunks;
        if happened != self.happened.0 || self.clients.is_empty() {
            self.happened = (happened, Moment::now());
        } else if self.happened.1.elapsed() > self.patience {
            return Err(Failure::Failed(format!("nothing has arrived for {} s", self.patience.as_secs())));
        }
        Ok(())
    }

    fn is_time_up(&self, options: &Options) -> bool {
        if options.duration.is_zero() {
            let mut servers = self.servers.iter();
            return self.have_clients_come() && servers.all(|servers| servers.clients() == 0);
        }
        self.start.elapsed() >= options.duration
    }

    fn have_clients_come(&self) -> bool {
        self.servers.iter().any(|servers| servers.clients_ever() > 0)
    }

    fn is_over(&self, options: &Options) -> bool {
        let have_left = || self.servers.iter().all(|servers| servers.clients() == 0);
        self.clients.iter().all(Clients::all_done) && (options.role == Role::Servers || have_left())
    }

    /// Shows what happened in the last second, if it is over.
    fn each_second(&mut self) -> Result<(), Failure> {
        let at = self.start.elapsed();
        if at < Duration::from_secs(self.second.into()) {
            return Ok(());
        }
        let rates = self.pace.since_last(at, &mut self.tally);
        self.second = u32::try_from(at.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        print(second(at, &rates, self.tally.errors))
    }

    /// The table and the verdict.
    fn end(mut self) -> Result<(), Failure> {
        let still_there: usize = self.servers.iter().map(Servers::clients).sum();
        if still_there > 0 {
            let hint = "give the servers a longer --duration, or 0";
            self.tally
                .error(format_args!("{still_there} clients were not finished when the servers were; {hint}"));
        }
        print(format_args!("\n{}", table(&self.tally, self.start.elapsed())))?;
        if self.tally.errors > 0 {
            return Err(Failure::Failed(format!(
                "{} errors; the first are in the table",
                count(self.tally.errors)
            )));
        }
        print("Every byte was verified.")
    }
}
