//! mps2-an385 as a client with TLS, by embedded-tls. The command line:
//!
//! - `relay=10.0.2.2:7681`: the relay's address, where it listens with TLS;
//! - `server=localhost`: the name that its certificate has to have;
//! - `root=PATH`: the authority's certificate (DER), a file of the host;
//! - `exercise=N`: sends N chunks to the channel `echo`, checks that each comes back, and ends with
//!   code 0.
//!
//! Code 3: the relay's certificate is refused. Random numbers and the time of day are the host's,
//! by semihosting; a board has a generator and a clock of its own.
#![no_std]
#![no_main]

use core::cell::RefCell;
use core::net::SocketAddrV4;

use cortex_m_rt::entry;
use defmt::info;
use embedded_io::ReadReady;
use embedded_tls::pki::CertVerifier;
use embedded_tls::{
    Aes128GcmSha256, Certificate, CryptoProvider, CryptoRngCore, TlsClock, TlsConfig, TlsError, TlsVerifier,
};
use firmware_support::{Clock, Ethernet, clock, host};
use mps2_an385::{Board, Lan9118};
use p256::ecdsa::DerSignature;
use peote_net::link::{Channel, EnteredChannel, Event, Link, Mode, SendError, link_buffers};
use peote_net::time::Duration;
use peote_net_embedded_tls::{Network as _, RECORD, TlsTransport};
use peote_net_smoltcp::{
    Addressing, Config, Progress, RelayAddress, Stack, StackMemory, TcpTransport, TransportError,
};
use rand_core::{CryptoRng, RngCore};
use smoltcp::wire::{IpAddress, IpCidr};
use static_cell::{ConstStaticCell, StaticCell};

/// What is sealed at once; chunks are shorter here.
const SENT: usize = 1024;
/// The longest certificate that can be read, in bytes.
const CERTIFICATE: usize = 1024;
/// The longest chunk, in bytes.
const CHUNK: usize = 256;

type Memory = link_buffers!(chunk: 256, parties: 1, own_channels: 0, transmit: 512, receive: 512);

static LINK: ConstStaticCell<Link<Memory>> = ConstStaticCell::new(Link::new());
static STACK: ConstStaticCell<StackMemory<'static, 4096, 2048>> = ConstStaticCell::new(StackMemory::new());
static ETHERNET: StaticCell<Ethernet<Lan9118>> = StaticCell::new();
static READ: ConstStaticCell<[u8; RECORD]> = ConstStaticCell::new([0; RECORD]);
static WRITE: ConstStaticCell<[u8; SENT]> = ConstStaticCell::new([0; SENT]);
static ROOT: ConstStaticCell<[u8; CERTIFICATE]> = ConstStaticCell::new([0; CERTIFICATE]);

/// The network, and the clock that it needs.
struct Network {
    stack: Stack<'static>,
    ethernet: &'static mut Ethernet<Lan9118>,
    clock: Clock,
}

impl Network {
    /// Moves frames. Says whether there is a connection.
    fn turn(&mut self) -> bool {
        self.stack.poll(self.ethernet, self.clock.now()) == Progress::Connected
    }
}

impl peote_net_embedded_tls::Network for Network {
    type Error = TransportError;
    type Transport<'a> = TcpTransport<'a, 'static>;

    fn transport(&mut self) -> TcpTransport<'_, 'static> {
        self.stack.transport()
    }

    fn poll(&mut self) -> Result<(), TransportError> {
        if self.turn() { Ok(()) } else { Err(TransportError::NotReady) }
    }

    /// Sleeps until a frame comes, for as long as smoltcp's timers allow.
    fn sleep(&mut self) {
        self.clock.sleep(Some(self.clock.now() + Duration::from_millis(10)), self.ethernet);
    }
}

/// The host's generator of random numbers.
struct HostRandom;

impl RngCore for HostRandom {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        host::random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        host::random(bytes);
        Ok(())
    }
}

impl CryptoRng for HostRandom {}

/// The time of day, which says whether a certificate is valid.
struct TimeOfDay;

impl TlsClock for TimeOfDay {
    fn now() -> Option<u64> {
        Some(host::seed())
    }
}

struct Provider<'a> {
    random: HostRandom,
    verifier: CertVerifier<'a, Aes128GcmSha256, TimeOfDay, CERTIFICATE>,
}

impl CryptoProvider for Provider<'_> {
    type CipherSuite = Aes128GcmSha256;
    type Signature = DerSignature;

    fn rng(&mut self) -> impl CryptoRngCore {
        &mut self.random
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, TlsError> {
        Ok(&mut self.verifier)
    }
}

/// The command line.
struct Options<'a> {
    relay: SocketAddrV4,
    server: &'a str,
    root: &'a str,
    exercise: u8,
}

impl<'a> Options<'a> {
    fn parse(command_line: &'a host::CommandLine) -> Self {
        let (mut relay, mut server, mut root, mut exercise) = (None, None, None, None);
        for argument in command_line.arguments() {
            match argument.split_once('=') {
                Some(("relay", value)) => relay = value.parse().ok(),
                Some(("server", value)) => server = Some(value),
                Some(("root", value)) => root = Some(value),
                Some(("exercise", value)) => exercise = value.parse().ok(),
                _ => host::refuse(format_args!("command line: {argument} is not known")),
            }
        }
        match (relay, server, root, exercise) {
            (Some(relay), Some(server), Some(root), Some(exercise)) => Self { relay, server, root, exercise },
            _ => host::refuse(format_args!("command line: relay=, server=, root= and exercise= are needed")),
        }
    }
}

#[entry]
fn main() -> ! {
    let command_line = host::CommandLine::read();
    let options = Options::parse(&command_line);
    let root = ROOT.take();
    let length = host::read_file(options.root, root);
    let root = &root[..length];

    let Some(board) = Board::take() else { unreachable!("main is called once") };
    let ethernet = ETHERNET.init(Ethernet::new(board.mac));
    let relay = (IpAddress::from(*options.relay.ip()), options.relay.port()).into();
    let address = IpCidr::new(IpAddress::v4(10, 0, 2, 15), 24);
    let config = Config::new(
        ethernet.address().into(),
        Addressing::Static { address, gateway: None },
        RelayAddress::Endpoint(relay),
        host::seed(),
    );
    let Ok(stack) = Stack::new(STACK.take(), config, ethernet, board.clock.now()) else {
        unreachable!("one address, no route")
    };
    let network = RefCell::new(Network { stack, ethernet, clock: board.clock });
    while !network.borrow_mut().turn() {
        network.borrow_mut().sleep();
    }

    let provider = Provider { random: HostRandom, verifier: CertVerifier::new(Certificate::X509(root)) };
    let config = TlsConfig::new().with_server_name(options.server);
    let start = clock::now();
    let Ok(tls) = TlsTransport::connect(&network, READ.take(), WRITE.take(), &config, provider) else {
        info!("the relay's certificate is refused");
        host::exit(3);
    };
    let took = clock::now().as_millis() - start.as_millis();
    info!("handshake: {=u64} ms; the connection takes {=usize} bytes", took, size_of_val(&tls));
    talk(tls, &network, options.exercise)
}

/// Sends chunks of many lengths, one after the other, and checks that each comes back.
fn talk(mut tls: TlsTransport<'_, Network, Aes128GcmSha256>, network: &RefCell<Network>, total: u8) -> ! {
    let link = LINK.take();
    let mut channel: Option<EnteredChannel> = None;
    let (mut right, mut is_sent) = (0, false);
    let mut buffer = [0; CHUNK];
    if link.out().enter("echo", Mode::chunks(256)).is_err() {
        unreachable!("a new link has room");
    }
    loop {
        let polled = link.poll(&mut tls, clock::now(), |event, _| {
            match event {
                Event::Opened { channel: Channel::Entered(opened) } => channel = Some(opened),
                Event::Chunk { bytes, .. } if bytes == chunk(right, &mut buffer) => {
                    (right, is_sent) = (right + 1, false);
                }
                Event::Chunk { .. } => host::refuse(format_args!("chunk {right} came back wrong")),
                other => other.ok()?,
            }
            Ok::<(), SendError>(())
        });
        if let Err(error) = polled {
            host::refuse(format_args!("the connection: {error:?}"));
        }
        match channel {
            Some(_) if right == total => {
                info!("{=u8} chunks came back right", total);
                host::exit(0)
            }
            Some(channel) if !is_sent => {
                is_sent = link.out().send(channel, chunk(right, &mut [0; CHUNK])).is_ok();
            }
            _ => {
                network.borrow_mut().turn();
                if !matches!(tls.read_ready(), Ok(true)) {
                    network.borrow_mut().sleep();
                }
            }
        }
    }
}

/// Chunk `n`, of 1 to 256 bytes.
fn chunk(n: u8, buffer: &mut [u8; CHUNK]) -> &[u8] {
    for (place, k) in buffer.iter_mut().zip(0_u8..=255) {
        *place = n.wrapping_mul(31).wrapping_add(k.wrapping_mul(7));
    }
    &buffer[..=usize::from(n.wrapping_mul(67))]
}
