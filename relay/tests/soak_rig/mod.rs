//! What the stories of the soak share, and the relay that they use.
#![allow(missing_docs, unreachable_pub, reason = "a part of one test")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "random numbers, and figures that are small"
)]

pub mod faults;
pub mod links;
pub mod streams;
pub mod watch;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use peote_net_std::DesktopLink;
use peote_net_testkit::random::Random;

use crate::common::tls::Files;
use crate::common::{Endpoint, PATIENCE};
use watch::Watch;

/// What gets on when all is well.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    Streams,
    Tls,
    WebSocket,
    /// Chunks that came back to a link.
    Room,
    /// Broadcasts that a link has heard.
    News,
    /// Chunks that came back to an endpoint without the library and without hello.
    Existing,
    /// Calls that were answered.
    Calls,
}

const KINDS: usize = 7;

/// One round: the relay's addresses, what was counted, and whether it is over.
pub struct Arena {
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    pub files: Arc<Files>,
    seed: u64,
    is_over: AtomicBool,
    /// Channels that the stories with several endpoints need and that are open.
    open: AtomicUsize,
    /// Endpoints that are in these channels, or on their way.
    visits: AtomicUsize,
    connects: AtomicU64,
    progress: [AtomicU64; KINDS],
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("open", &self.open).field("progress", &self.progress).finish()
    }
}

impl Arena {
    pub fn new(watch: &Watch, seed: u64) -> Self {
        Self {
            plain: watch.plain,
            tls: watch.tls,
            files: Arc::clone(&watch.files),
            seed,
            is_over: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            visits: AtomicUsize::new(0),
            connects: AtomicU64::new(0),
            progress: Default::default(),
        }
    }

    /// The numbers of one story.
    pub fn random(&self, place: u8) -> Random {
        Random::new(self.seed ^ u64::from(place) << 8)
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Ends the round when it is dropped.
    pub fn stop_at_the_end(&self) -> impl Drop + use<'_> {
        AtEnd(|| self.is_over.store(true, Ordering::Relaxed))
    }

    /// Servers stay until what is returned is dropped.
    pub fn visit(&self) -> impl Drop + use<'_> {
        self.visits.fetch_add(1, Ordering::Relaxed);
        AtEnd(|| {
            self.visits.fetch_sub(1, Ordering::Relaxed);
        })
    }

    /// The round is over, and so are the visits.
    pub fn is_empty(&self) -> bool {
        self.is_over() && self.visits.load(Ordering::Relaxed) == 0
    }

    pub fn channel_opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for the channels of the servers. False if the round is over before.
    pub fn wait_for_channels(&self, count: usize) -> bool {
        while self.open.load(Ordering::Relaxed) < count && !self.is_over() {
            self.sleep(5);
        }
        !self.is_over()
    }

    /// Sleeps so many milliseconds, or until the round is over.
    pub fn sleep(&self, millis: usize) {
        for _ in 0..millis.div_ceil(10) {
            if !self.is_over() {
                std::thread::sleep(Duration::from_millis(millis.min(10) as u64));
            }
        }
    }

    pub fn count(&self, what: Progress) {
        self.progress[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub fn all_got_on(&self) -> bool {
        self.progress.iter().all(|count| count.load(Ordering::Relaxed) > 0)
    }

    pub fn progress(&self) -> [u64; KINDS] {
        self.progress.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Connections that the system has made.
    pub fn connects(&self) -> u64 {
        self.connects.load(Ordering::Relaxed)
    }

    pub fn connected(&self) {
        self.connects.fetch_add(1, Ordering::Relaxed);
    }

    pub fn link(&self) -> DesktopLink {
        let link = DesktopLink::connect(&self.plain.to_string()).unwrap();
        self.connected();
        link
    }

    pub fn socket(&self, address: SocketAddr) -> TcpStream {
        let socket = TcpStream::connect(address).unwrap();
        self.connected();
        socket
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.socket(self.plain))
    }

    /// A socket of a fault, from an address and a network of its own, with little memory if it is
    /// not going to be read. `None` if the system has no port for it.
    pub fn fault(&self, place: u8, address: SocketAddr, is_small: bool) -> Option<TcpStream> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        if is_small {
            socket.set_recv_buffer_size(4096).unwrap();
        }
        let source = SocketAddrV4::new(Ipv4Addr::new(127, 1, place, 1), 0);
        socket.bind(&SocketAddr::from(source).into()).ok()?;
        socket.connect(&address.into()).ok()?;
        self.connected();
        socket.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Some(socket.into())
    }
}

struct AtEnd<F: Fn()>(F);

impl<F: Fn()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
