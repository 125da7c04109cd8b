//! The image for mps2-an385. The command line says what it is to be; see the workspace's README.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use firmware_roles::{Core, Options, RelayMemory, Role};
use firmware_support::{Ethernet, host};
use mps2_an385::{Board, Lan9118};
use peote_net::link::{Link, LinkBuffers};
use peote_net::relay::StaticStorage;
use peote_net_smoltcp::StackMemory;
use static_cell::{ConstStaticCell, StaticCell};

/// The greatest chunk, in bytes: what existing peers have by default.
const CHUNK: u32 = 32_768;
/// 8 users of the own channels, and the channel that is entered.
const PARTIES: usize = 8 + 1;

type Memory = StackMemory<'static, 8192, 8192>;
type Buffers = LinkBuffers<{ CHUNK as usize }, PARTIES, 2, 36_864, 4096>;

static LINK: ConstStaticCell<Link<Buffers>> = ConstStaticCell::new(Link::new());
static STACK: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static RELAY: ConstStaticCell<Core> = ConstStaticCell::new(Core::new(StaticStorage::new()));
static RELAY_MEMORY: ConstStaticCell<RelayMemory> = ConstStaticCell::new(RelayMemory::new());
static ETHERNET: StaticCell<Ethernet<Lan9118>> = StaticCell::new();

#[entry]
fn main() -> ! {
    let command_line = host::CommandLine::read();
    let options = Options::of_board(CHUNK).parse(command_line.arguments());
    let options = options.unwrap_or_else(|error| host::refuse(format_args!("{error}")));
    let Some(board) = Board::take() else { unreachable!("main is called once") };
    let ethernet = ETHERNET.init(Ethernet::new(board.mac));
    if options.role == Role::Relay {
        let (core, memory) = (RELAY.take(), RELAY_MEMORY.take());
        match firmware_roles::run_relay(&options, ethernet, board.clock, host::seed(), memory, core) {
            Ok(never) => match never {},
            Err(error) => host::refuse(format_args!("command line: {error}")),
        }
    }
    match firmware_roles::run(&options, ethernet, board.clock, host::seed(), STACK.take(), LINK.take()) {
        Ok(code) => host::exit(code),
        Err(error) => host::refuse(format_args!("command line: {error}")),
    }
}
