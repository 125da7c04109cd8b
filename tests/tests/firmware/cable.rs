//! An Ethernet switch between boards that loses, delays and so reorders frames.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peote_net_testkit::random::Random;

use crate::machine::{Folder, Network};

/// What happens to frames, in percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    pub(crate) lost: usize,
    pub(crate) delayed: usize,
    /// The longest delay.
    pub(crate) delay: Duration,
    pub(crate) seed: u64,
}

/// What has happened to them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) frames: usize,
    pub(crate) lost: usize,
    pub(crate) reordered: usize,
}

/// Frames on their way and the ports they come from, by the time at which they arrive, and a
/// number.
type Frames = BTreeMap<(Instant, usize), (usize, Vec<u8>)>;

#[derive(Default)]
struct Shared {
    on_their_way: Mutex<(Frames, Tally)>,
    changed: Condvar,
    stop: AtomicBool,
}

/// A switch. Every frame goes to all boards but the sender; their controllers know which ones are
/// theirs.
pub(crate) struct Switch {
    folder: Folder,
    ports: usize,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Switch {
    pub(crate) fn new(ports: usize, faults: Faults) -> Self {
        let folder = Folder::new();
        let shared = Arc::<Shared>::default();
        let mut threads = Vec::new();
        for port in 0..ports {
            let socket = UnixDatagram::bind(folder.0.join(format!("switch{port}"))).unwrap();
            // so that the thread sees that it is to stop
            socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            let shared = Arc::clone(&shared);
            threads.push(std::thread::spawn(move || receive(&socket, port, &shared, faults)));
        }
        let boards: Vec<_> = (0..ports).map(|port| folder.0.join(format!("board{port}"))).collect();
        let sender = Arc::clone(&shared);
        threads.push(std::thread::spawn(move || send(&boards, &sender)));
        Self { folder, ports, shared, threads }
    }

    /// What a board at a port needs.
    pub(crate) fn port(&self, port: usize) -> Network {
        assert!(port < self.ports);
        let path = |name: &str| self.folder.0.join(format!("{name}{port}")).display().to_string();
        Network::Cable {
            netdev: format!(
                "dgram,id=network,local.type=unix,local.path={},remote.type=unix,remote.path={}",
                path("board"),
                path("switch")
            ),
            hardware_address: format!("52:54:00:00:00:{port:02x}"),
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        self.shared.on_their_way.lock().unwrap().1
    }
}

fn receive(socket: &UnixDatagram, port: usize, shared: &Shared, faults: Faults) {
    let mut random = Random::new(faults.seed + port as u64);
    let mut frame = [0; 2048];
    while !shared.stop.load(Ordering::Relaxed) {
        let Ok(count) = socket.recv(&mut frame) else { continue };
        let mut on_their_way = shared.on_their_way.lock().unwrap();
        let (frames, tally) = &mut *on_their_way;
        tally.frames += 1;
        if random.below(100) < faults.lost {
            tally.lost += 1;
            continue;
        }
        let mut at = Instant::now();
        if random.below(100) < faults.delayed {
            at += faults.delay.mul_f64(random.below(101) as f64 / 100.0);
        }
        // overtakes those of the same sender that arrive later
        tally.reordered +=
            usize::from(frames.iter().any(|((when, _), (from, _))| *from == port && *when > at));
        frames.insert((at, tally.frames), (port, frame[..count].to_vec()));
        shared.changed.notify_all();
    }
}

fn send(boards: &[PathBuf], shared: &Shared) {
    let socket = UnixDatagram::unbound().unwrap();
    let mut on_their_way = shared.on_their_way.lock().unwrap();
    while !shared.stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        let next = on_their_way.0.first_key_value().map(|((at, _), _)| *at);
        match next {
            Some(at) if at <= now => {
                let Some((_, (from, frame))) = on_their_way.0.pop_first() else { continue };
                for board in
                    boards.iter().enumerate().filter(|(port, _)| *port != from).map(|(_, board)| board)
                {
                    // a board that is not there yet, or any more, hears nothing
                    let _ = socket.send_to(&frame, board);
                }
            }
            _ => {
                let wait = next.map_or(Duration::from_millis(100), |at| at - now);
                on_their_way = shared.changed.wait_timeout(on_their_way, wait).unwrap().0;
            }
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
