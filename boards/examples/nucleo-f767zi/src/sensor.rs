//! What the board does: the same on every board.

use embassy_net::{IpEndpoint, Stack};
use peote_net::link::{Event, Hello, Link, Mode, Out, link_buffers};
use peote_net::reconnect::{Backoff, Reconnect};
use peote_net::time::Duration;
use peote_net_embassy::Station;
use peote_net_embassy::time::now;
use static_cell::ConstStaticCell;

/// Chunks up to 64 bytes, one channel that is entered.
type Memory = link_buffers!(chunk: 64, parties: 1, own_channels: 0, transmit: 320, receive: 128);

static LINK: ConstStaticCell<Link<Memory>> = ConstStaticCell::new(Link::new());

/// How long it sleeps between two readings.
const READ_EVERY: Duration = Duration::from_secs(60);
/// The relay says that it is there after so much silence.
const KEEPALIVE: Duration = Duration::from_secs(600);

/// Sends the number of seconds since the start to the channel `readings`, each minute. Comes back
/// after every loss. In between it sleeps: there is no tick, embassy's clock sets an alarm.
pub(crate) async fn run(stack: Stack<'_>, relay: IpEndpoint, seed: u64) -> ! {
    let channels = Reconnect::<_, 1>::new(Backoff::new().with_seed(seed));
    let mut station = Station::new(LINK.take(), channels);
    let readings = defmt::unwrap!(station.enter("readings", Mode::chunks(64)));
    station.set_hello(Hello { keepalive: Some(KEEPALIVE), name: Some("sensor"), ..Hello::default() });
    let (mut receive, mut transmit) = ([0; 256], [0; 256]);
    let mut next = now();
    loop {
        let orders = |event: Event<'_>, _: &mut Out<'_>| {
            if let Event::Chunk { bytes, .. } = event {
                defmt::info!("an order of {} bytes", bytes.len());
            }
        };
        let work = |_: &mut Reconnect<_, 1>, out: &mut Out<'_>| {
            if now() >= next {
                // left out when it is not open, or there is no room
                let _ = out.send(readings, &(now().as_millis() / 1000).to_le_bytes());
                next = now() + READ_EVERY;
            }
            Some(next)
        };
        let Err(error) = station.run(stack, relay, &mut receive, &mut transmit, orders, work).await;
        defmt::warn!("{}", error);
    }
}
