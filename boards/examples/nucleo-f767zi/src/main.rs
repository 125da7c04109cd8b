//! A sensor on a Nucleo-F767ZI: it enters the channel `readings` and sends the number of seconds
//! each minute. Address by DHCP; the relay's address is [`RELAY`].

#![no_std]
#![no_main]

mod sensor;

use defmt_rtt as _;
use embassy_executor::Spawner;
use embassy_net::{Ipv4Address, StackResources};
use embassy_stm32::eth::{Ethernet, GenericPhy, PacketQueue, Sma};
use embassy_stm32::peripherals::{ETH, ETH_SMA, RNG};
use embassy_stm32::rng::Rng;
use embassy_stm32::time::Hertz;
use embassy_stm32::{bind_interrupts, eth, rng};
use panic_probe as _;
use static_cell::StaticCell;

/// The relay: address and port.
const RELAY: (Ipv4Address, u16) = (Ipv4Address::new(192, 168, 1, 2), 7680);

bind_interrupts!(struct Irqs {
    ETH => eth::InterruptHandler;
    RNG => rng::InterruptHandler<RNG>;
});

type Device = Ethernet<'static, ETH, GenericPhy<Sma<'static, ETH_SMA>>>;

#[embassy_executor::task]
async fn network(mut runner: embassy_net::Runner<'static, Device>) -> ! {
    runner.run().await
}

/// 216 MHz from the 8 MHz of the board's probe.
fn clocks() -> embassy_stm32::Config {
    use embassy_stm32::rcc::{
        AHBPrescaler, APBPrescaler, Hse, HseMode, Pll, PllMul, PllPDiv, PllPreDiv, PllQDiv, PllSource, Sysclk,
    };
    let mut config = embassy_stm32::Config::default();
    config.rcc.hse = Some(Hse { freq: Hertz(8_000_000), mode: HseMode::Bypass });
    config.rcc.pll_src = PllSource::HSE;
    config.rcc.pll = Some(Pll {
        prediv: PllPreDiv::DIV4,
        mul: PllMul::MUL216,
        divp: Some(PllPDiv::DIV2), // 8 MHz / 4 × 216 / 2
        divq: Some(PllQDiv::DIV9), // 48 MHz for the random numbers
        divr: None,
    });
    config.rcc.ahb_pre = AHBPrescaler::DIV1;
    config.rcc.apb1_pre = APBPrescaler::DIV4;
    config.rcc.apb2_pre = APBPrescaler::DIV2;
    config.rcc.sys = Sysclk::PLL1_P;
    config
}

/// An address from the processor's serial number.
fn hardware_address() -> [u8; 6] {
    let number = embassy_stm32::uid::uid();
    [0x02, number[0], number[2], number[4], number[8], number[11]]
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let p = embassy_stm32::init(clocks());
    let mut seed = [0; 8];
    defmt::unwrap!(Rng::new(p.RNG, Irqs).async_fill_bytes(&mut seed).await.ok());
    let seed = u64::from_le_bytes(seed);

    static PACKETS: StaticCell<PacketQueue<4, 4>> = StaticCell::new();
    let device = Ethernet::new(
        PACKETS.init(PacketQueue::new()),
        p.ETH,
        Irqs,
        p.PA1, // reference clock
        p.PA7, // carrier sense
        p.PC4, // receive 0, 1
        p.PC5,
        p.PG13, // transmit 0, 1
        p.PB13,
        p.PG11, // transmit enable
        hardware_address(),
        p.ETH_SMA,
        p.PA2, // management data, clock
        p.PC1,
    );

    static RESOURCES: StaticCell<StackResources<3>> = StaticCell::new();
    let config = embassy_net::Config::dhcpv4(Default::default());
    let (stack, runner) = embassy_net::new(device, config, RESOURCES.init(StackResources::new()), seed);
    spawner.spawn(defmt::unwrap!(network(runner)));

    sensor::run(stack, RELAY.into(), seed).await
}
