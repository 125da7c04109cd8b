//! The image for lm3s6965evb. The command line says what it is to be; see the workspace's README.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use firmware_roles::{Options, Role};
use firmware_support::{Ethernet, host};
use lm3s6965evb::{Board, StellarisMac};
use peote_net::link::{Link, LinkBuffers};
use peote_net_smoltcp::StackMemory;
use static_cell::{ConstStaticCell, StaticCell};

/// The greatest chunk, in bytes.
const CHUNK: u32 = 1024;
/// 8 users of the own channels, and the channel that is entered.
const PARTIES: usize = 8 + 1;

type Memory = StackMemory<'static, 2048, 2048>;
type Buffers = LinkBuffers<{ CHUNK as usize }, PARTIES, 2, 2048, 1024>;

/// The budget: a part of the 64 KB that everything of the firmware's own must fit. The rest is the
/// stack's; memory.x sees to that.
const _: () = assert!(
    size_of::<Link<Buffers>>() + size_of::<Memory>() + size_of::<Ethernet<StellarisMac>>() <= 24 * 1024,
    "the buffers are above their budget of 24 KB"
);

static LINK: ConstStaticCell<Link<Buffers>> = ConstStaticCell::new(Link::new());
static STACK: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static ETHERNET: StaticCell<Ethernet<StellarisMac>> = StaticCell::new();

#[entry]
fn main() -> ! {
    let command_line = host::CommandLine::read();
    let options = Options::of_board(CHUNK).parse(command_line.arguments());
    let options = options.unwrap_or_else(|error| host::refuse(format_args!("{error}")));
    if options.role == Role::Relay {
        host::refuse(format_args!("command line: this board has no room for a relay; mps2-an385 has"));
    }
    let Some(board) = Board::take() else { unreachable!("main is called once") };
    let ethernet = ETHERNET.init(Ethernet::new(board.mac));
    match firmware_roles::run(&options, ethernet, board.clock, host::seed(), STACK.take(), LINK.take()) {
        Ok(code) => host::exit(code),
        Err(error) => host::refuse(format_args!("command line: {error}")),
    }
}
