//! A sensor on an ESP32-C3: it joins a Wi-Fi network, enters the channel `readings` and sends the
//! number of seconds each minute. Address by DHCP; the relay's address is [`RELAY`].
//!
//! ```sh
//! SSID=name PASSWORD=secret cargo run --release
//! ```

#![no_std]
#![no_main]

mod sensor;

use embassy_executor::Spawner;
use embassy_net::{Ipv4Address, StackResources};
use embassy_time::{Duration, Timer};
use esp_hal::clock::CpuClock;
use esp_hal::interrupt::software::SoftwareInterruptControl;
use esp_hal::rng::Rng;
use esp_hal::timer::timg::TimerGroup;
use esp_println as _;
use esp_radio::wifi::sta::StationConfig;
use esp_radio::wifi::{Config, ControllerConfig, Interface, WifiController};
use static_cell::StaticCell;

/// The relay: address and port.
const RELAY: (Ipv4Address, u16) = (Ipv4Address::new(192, 168, 1, 2), 7680);
/// The Wi-Fi network: environment variables when the image is built.
const SSID: Option<&str> = option_env!("SSID");
const PASSWORD: Option<&str> = option_env!("PASSWORD");

esp_bootloader_esp_idf::esp_app_desc!();

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    defmt::error!("{}", defmt::Display2Format(info));
    esp_hal::system::software_reset()
}

#[embassy_executor::task]
async fn network(mut runner: embassy_net::Runner<'static, Interface<'static>>) -> ! {
    runner.run().await
}

/// Joins the network again and again.
#[embassy_executor::task]
async fn radio(mut controller: WifiController<'static>) -> ! {
    loop {
        match controller.connect_async().await {
            Ok(_) => {
                defmt::info!("joined the network");
                let _left = controller.wait_for_disconnect_async().await;
                defmt::warn!("the network is lost");
            }
            Err(error) => defmt::warn!("joining failed: {}", defmt::Debug2Format(&error)),
        }
        Timer::after(Duration::from_secs(5)).await;
    }
}

#[esp_rtos::main]
async fn main(spawner: Spawner) {
    let p = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    // the radio's driver wants a heap
    esp_alloc::heap_allocator!(size: 72 * 1024);
    let timers = TimerGroup::new(p.TIMG0);
    let interrupts = SoftwareInterruptControl::new(p.SW_INTERRUPT);
    esp_rtos::start(timers.timer0, interrupts.software_interrupt0);

    let station = StationConfig::default()
        .with_ssid(SSID.unwrap_or("network"))
        .with_password(PASSWORD.unwrap_or_default().into());
    let config = ControllerConfig::default().with_initial_config(Config::Station(station));
    let (controller, interfaces) =
        defmt::unwrap!(esp_radio::wifi::new(p.WIFI, config).map_err(|_| "no radio"));
    spawner.spawn(defmt::unwrap!(radio(controller)));

    let rng = Rng::new();
    let seed = u64::from(rng.random()) << 32 | u64::from(rng.random());
    static RESOURCES: StaticCell<StackResources<3>> = StaticCell::new();
    let config = embassy_net::Config::dhcpv4(Default::default());
    let (stack, runner) =
        embassy_net::new(interfaces.station, config, RESOURCES.init(StackResources::new()), seed);
    spawner.spawn(defmt::unwrap!(network(runner)));

    sensor::run(stack, RELAY.into(), seed).await
}
