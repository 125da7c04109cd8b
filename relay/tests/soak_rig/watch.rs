//! The relay's process, and what it says about itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Arena;
use crate::common::PATIENCE;
use crate::common::tls::Files;
use crate::program::{self, Running};

/// `memory-bytes`, which changes between these two.
const MEMORY: [u64; 2] = [24 << 20, 32 << 20];
/// Bytes that each connection may always have, whatever others take.
const RESERVED: u64 = 20 << 10;
/// Memory of the process that is not counted, for all and for each connection, generously.
const SLACK: u64 = 32 << 20;
const PER_CONNECTION: u64 = 8 << 10;
/// By how much the quiet process may grow, from the first rounds to any later one: what the
/// allocator keeps differs from round to round.
const GROWTH: u64 = 8 << 20;
/// Rounds after which the quiet process has grown to its size.
const FIRST_ROUNDS: usize = 5;

/// The figures of `/metrics`, each with its labels.
type Figures = BTreeMap<String, f64>;

/// What the system says about the process.
#[derive(Clone, Copy, Debug, Default)]
struct Process {
    /// Resident bytes.
    memory: u64,
    descriptors: usize,
    threads: usize,
}

pub struct Watch {
    relay: Running,
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    pub files: Arc<Files>,
    config: PathBuf,
    reloads: usize,
    next_reload: Instant,
    /// Which of [`MEMORY`] was asked for last, and when.
    asked: Option<(u64, Instant)>,
    log_lines: Arc<AtomicU64>,
    /// Lines of the log that should not be there.
    alarms: Arc<Mutex<Vec<String>>>,
    before: Process,
    most: Process,
    /// Resident bytes after each round.
    quiet: Vec<u64>,
    last: Figures,
    most_connections: u64,
    /// Bytes in queues and tables.
    most_held: u64,
    /// Connections that the system has made, and what got on, of all rounds that are over.
    connects: u64,
    progress: Vec<u64>,
}

impl Watch {
    pub fn start() -> Self {
        let files = Arc::new(Files::new());
        let config = program::file(&format!("soak-{}.toml", std::process::id()), &settings(MEMORY[1]));
        let mut relay = Running::spawn(
            program::program(&["--config", config.to_str().unwrap()])
                .args(["--listen-tls", "127.0.0.1:0", "--tls-certificate"])
                .arg(&files.certificate)
                .arg("--tls-key")
                .arg(&files.key)
                .stderr(Stdio::piped()),
        );
        let (plain, tls) = (relay.address(), relay.address());
        let (log_lines, alarms) = (Arc::default(), Arc::default());
        listen(&mut relay, Arc::clone(&log_lines), Arc::clone(&alarms));
        let mut watch = Self {
            relay,
            plain,
            tls,
            files,
            config,
            reloads: 0,
            next_reload: Instant::now(),
            asked: None,
            log_lines,
            alarms,
            before: Process::default(),
            most: Process::default(),
            quiet: Vec::new(),
            last: Figures::new(),
            most_connections: 0,
            most_held: 0,
            connects: 0,
            progress: Vec::new(),
        };
        // once, so that everything that the first request needs is there
        watch.figures();
        watch.until("nobody is there", |figures, _| figures["connections"] == 1.0);
        watch.before = watch.process();
        watch
    }

    /// Looks at the relay while it is under load, and has it read its settings again now and then.
    pub fn look(&mut self, arena: &Arena) {
        arena.sleep(100);
        if Instant::now() >= self.next_reload {
            self.reload();
        }
        let figures = self.figures();
        let connections = figures["connections"] as u64;
        self.most_connections = self.most_connections.max(connections);
        let held = (figures["queued_bytes"] + figures["table_bytes"]) as u64;
        self.most_held = self.most_held.max(held);
        let bound = MEMORY[1] + connections * RESERVED;
        assert!(held <= bound, "{held} bytes are held, more than {bound}: {figures:?}");
        let process = self.process();
        let bound = self.before.memory + MEMORY[1] + SLACK + connections * PER_CONNECTION;
        assert!(process.memory <= bound, "{} bytes in memory, more than {bound}", process.memory);
        assert_eq!(process.threads, self.before.threads, "threads");
        if let Some((memory, when)) = self.asked {
            if figures["memory_limit_bytes"] as u64 == memory {
                self.asked = None;
            }
            assert!(when.elapsed() < PATIENCE, "the settings were not read again");
        }
    }

    /// Signals that there are other settings; every third time they are wrong, and change nothing.
    fn reload(&mut self) {
        self.next_reload = Instant::now() + Duration::from_millis(700);
        if self.asked.is_some() {
            return;
        }
        self.reloads += 1;
        if self.reloads.is_multiple_of(3) {
            fs::write(&self.config, "max-connections = \"many\"\n").unwrap();
        } else {
            let memory = MEMORY[self.reloads % 3 - 1];
            fs::write(&self.config, settings(memory)).unwrap();
            self.asked = Some((memory, Instant::now()));
        }
        self.relay.signal(Signal::HUP);
    }

    /// Waits until nobody is there any more. Then everything is as at the start, and what was
    /// counted adds up.
    pub fn is_as_before(&mut self, arena: &Arena) {
        self.connects += arena.connects();
        self.progress.resize(arena.progress().len(), 0);
        self.progress.iter_mut().zip(arena.progress()).for_each(|(sum, count)| *sum += count);
        let figures = self.until("all have gone", |figures, _| {
            figures["connections"] == 1.0
                && ["channels", "users", "paused", "websockets", "tls"].iter().all(|name| figures[*name] == 0.0)
                // listened on twice, and the one that asks
                && figures["open_sockets"] == 3.0
        });
        assert!(figures["queued_bytes"] < 65_536.0, "{figures:?}");
        let end = Instant::now() + PATIENCE;
        while self.process().descriptors > self.before.descriptors {
            let (now, before) = (self.process(), self.before);
            assert!(Instant::now() < end, "{now:?} after a round, before the first {before:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.adds_up();
        let memory = self.process().memory;
        self.quiet.push(memory);
        let first = self.quiet.iter().take(FIRST_ROUNDS).max().unwrap();
        assert!(memory <= first + GROWTH, "the process grows: {:?}", self.quiet);
        self.is_alive();
    }

    /// Who was accepted has gone or is there, and all have come that the system let connect.
    fn adds_up(&mut self) {
        let figures = self.until("all who have connected are counted", |figures, connects| {
            figures["accepted_total"] + sum(figures, "turned_away_total") >= connects as f64
        });
        let (accepted, turned_away) = (figures["accepted_total"], sum(&figures, "turned_away_total"));
        assert_eq!(accepted + turned_away, self.connects as f64, "{figures:?}");
        assert_eq!(accepted, sum(&figures, "closed_total") + 1.0, "{figures:?}");
        assert_eq!(sum(&figures, "connections_by_transport"), 1.0, "{figures:?}");
        for cause in ["closed_total{cause=\"other\"}", "refused_total{cause=\"other\"}"] {
            assert_eq!(figures[cause], 0.0, "a cause without a name: {figures:?}");
        }
        assert_eq!(figures["turned_away_total{cause=\"system\"}"], 0.0, "{figures:?}");
    }

    fn is_alive(&mut self) {
        assert_eq!(self.relay.child.try_wait().unwrap(), None, "the relay has ended");
        let alarms = self.alarms.lock().unwrap();
        assert!(alarms.is_empty(), "in the log: {alarms:#?}");
    }

    /// What was measured so far, in one line.
    pub fn summary(&self) -> String {
        let (of, mib) = (|name: &str| sum(&self.last, name), |bytes: u64| bytes >> 20);
        let (Some(first), Some(last)) = (self.quiet.first(), self.quiet.last()) else { return String::new() };
        let highest = self.quiet.iter().max().unwrap_or(last);
        format!(
            "{} connections, at most {} at a time, {} turned away, {} commands refused, {} stalled; \
             {:.1} million units received, {:.1} million queued, {:.1} GB sent; {} reloads, {} log lines; \
             {} MiB in queues and tables at most; memory at most {} MiB under load, {} KiB at the start, {} KiB quiet after the first round, \
             {} KiB at most, {} KiB after the last; {} descriptors at most, {} thread; got on {:?}",
            self.connects,
            self.most_connections,
            of("turned_away_total"),
            of("refused_total"),
            of("closed_total{cause=\"stall-timeout\"}"),
            of("received_units_total") / 1e6,
            of("queued_units_total") / 1e6,
            of("sent_bytes_total") / 1e9,
            self.reloads,
            self.log_lines.load(Ordering::Relaxed),
            mib(self.most_held),
            mib(self.most.memory),
            self.before.memory >> 10,
            first >> 10,
            highest >> 10,
            last >> 10,
            self.most.descriptors,
            self.most.threads,
            self.progress,
        )
    }

    /// The relay stops in order when it is asked to. Returns the last summary.
    pub fn end(mut self) -> String {
        let summary = self.summary();
        self.is_alive();
        self.relay.signal(Signal::TERM);
        assert_eq!(self.relay.end().0, Some(0));
        let _ = fs::remove_file(&self.config);
        summary
    }

    #[track_caller]
    fn until(&mut self, what: &str, holds: impl Fn(&Figures, u64) -> bool) -> Figures {
        let end = Instant::now() + PATIENCE;
        loop {
            let figures = self.figures();
            if holds(&figures, self.connects) {
                return figures;
            }
            assert!(Instant::now() < end, "it does not come about that {what}: {figures:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What `/metrics` has now. Totals never become less.
    fn figures(&mut self) -> Figures {
        let mut socket = TcpStream::connect(self.plain).unwrap();
        self.connects += 1;
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut page = String::new();
        socket.read_to_string(&mut page).unwrap();
        let lines = page.lines().filter_map(|line| line.strip_prefix("peote_relay_")?.rsplit_once(' '));
        let figures: Figures =
            lines.map(|(name, value)| (name.to_string(), value.parse().unwrap())).collect();
        assert!(figures.contains_key("connections"), "{page}");
        for (name, before) in self.last.iter().filter(|(name, _)| name.contains("_total")) {
            assert!(figures[name] >= *before, "{name} has become less: {} after {before}", figures[name]);
        }
        self.last.clone_from(&figures);
        figures
    }

    fn process(&mut self) -> Process {
        let process = format!("/proc/{}", self.relay.child.id());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        let now = Process {
            memory: of("VmRSS") << 10,
            descriptors: fs::read_dir(format!("{process}/fd")).unwrap().count(),
            threads: of("Threads") as usize,
        };
        self.most = Process {
            memory: self.most.memory.max(now.memory),
            descriptors: self.most.descriptors.max(now.descriptors),
            threads: self.most.threads.max(now.threads),
        };
        now
    }
}

fn settings(memory: u64) -> String {
    format!("listen = [\"127.0.0.1:0\"]\nmetrics = true\nmemory-bytes = {memory}\nlog-level = \"info\"\n")
}

/// All figures of that name, whatever their labels.
fn sum(figures: &Figures, name: &str) -> f64 {
    figures.iter().filter(|(figure, _)| figure.starts_with(name)).map(|(_, value)| value).sum()
}

/// Reads the log, and keeps what should not be there.
fn listen(relay: &mut Running, lines: Arc<AtomicU64>, alarms: Arc<Mutex<Vec<String>>>) {
    let log = BufReader::new(relay.child.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            lines.fetch_add(1, Ordering::Relaxed);
            // that of the settings that are wrong is meant to be there
            let is_expected = line.contains("max-connections") || line.contains("settings stay");
            if (line.contains("ERROR") && !is_expected) || line.contains("panicked") {
                alarms.lock().unwrap().push(line);
            }
        }
    });
}
