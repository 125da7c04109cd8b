//! The first program of the guide for microcontrollers, for a board that is a test: it fits
//! together with its own sleep, and says hello.

mod desk;

// From here on as in peote_net::guide::firmware, to the letter.
use peote_net::link::{Event, Link, Mode, SendError, link_buffers};
use peote_net::reconnect::{Backoff, Reconnect};
use peote_net::time::Instant;
use peote_net_smoltcp::{Addressing, Config, ConfigError, RelayAddress, Stack, StackMemory, Station};
use smoltcp::phy::Device;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};
use static_cell::ConstStaticCell;

/// Chunks up to 256 bytes, one channel that is entered, 512 bytes to send and to receive at once.
type Memory = link_buffers!(chunk: 256, parties: 1, own_channels: 0, transmit: 512, receive: 512);
/// A TCP socket with 1,460 bytes in each direction.
type Sockets = StackMemory<'static, 1460, 1460>;

static LINK: ConstStaticCell<Link<Memory>> = ConstStaticCell::new(Link::new());
static STACK: ConstStaticCell<Sockets> = ConstStaticCell::new(Sockets::new());

/// What the board support has to offer.
trait Board {
    fn now(&self) -> Instant;
    fn seed(&self) -> u64;
    fn disable_interrupts(&mut self);
    fn enable_interrupts(&mut self);
    /// `wfi`: sleeps until there is an interrupt, also while interrupts are disabled.
    fn wait_for_interrupt(&mut self);
}

/// What the network device has to say besides.
trait Frames {
    /// Whether a frame has come.
    fn has_frame(&mut self) -> bool;
}

/// Sleeps until a frame comes or the deadline is there: see "Sleeping".
fn sleep_until(deadline: Option<Instant>, board: &mut impl Board, device: &mut impl Frames) {
    while deadline.is_none_or(|deadline| board.now() < deadline) {
        board.disable_interrupts();
        let has_frame = device.has_frame();
        if !has_frame {
            board.wait_for_interrupt(); // of the clock or the device; it is served below
        }
        board.enable_interrupts();
        if has_frame {
            return;
        }
    }
}

fn run(board: &mut impl Board, device: &mut (impl Device + Frames)) -> Result<(), ConfigError> {
    let address = IpCidr::new(IpAddress::v4(192, 168, 1, 50), 24);
    let config = Config::new(
        EthernetAddress([0x02, 0, 0, 0, 0, 1]).into(),
        Addressing::Static { address, gateway: None },
        RelayAddress::Endpoint((IpAddress::v4(192, 168, 1, 2), 7680).into()),
        board.seed(),
    );
    let stack = Stack::new(STACK.take(), config, device, board.now())?;
    let channels = Reconnect::<_, 1>::new(Backoff::new().with_seed(board.seed()));
    let mut station = Station::new(stack, LINK.take(), channels);
    let _greetings = station.enter("greetings", Mode::chunks(256)); // there is a place for one
    loop {
        while let Some((event, mut out)) = station.next(device, board.now()) {
            let said = match event {
                Event::Opened { channel } => out.send(channel, b"hello"),
                Event::Chunk { from, bytes } => out.send(from, bytes),
                _ => Ok(()), // losses and refusals: the station tries again
            };
            if said == Err(SendError::WouldBlock) {
                out.again(); // the event comes again when there is room
            }
        }
        sleep_until(station.next_deadline(board.now()), board, device);
    }
}
