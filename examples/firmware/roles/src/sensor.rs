//! A sensor: sends a reading every now and then, and obeys orders.

use defmt::{info, warn};
use peote_net::link::{EnteredChannel, Out, SendError};
use peote_net::time::{Duration, Instant};

/// A sensor.
///
/// A reading is 6 bytes: its number, from 0 (u32), and the temperature in hundredths of a degree
/// (i16), both little end first. Orders are text: `interval 250` (milliseconds between readings),
/// `stop`.
#[derive(Debug)]
pub(crate) struct Sensor {
    interval: Duration,
    next: Instant,
    number: u32,
    finished: Option<u8>,
}

impl Sensor {
    pub(crate) const fn new(interval: Duration) -> Self {
        Self { interval, next: Instant::ZERO, number: 0, finished: None }
    }

    pub(crate) const fn start(&mut self, now: Instant) {
        self.next = now;
    }

    pub(crate) const fn next_reading(&self) -> Instant {
        self.next
    }

    pub(crate) const fn finished(&self) -> Option<u8> {
        self.finished
    }

    /// Sends a reading if it is time.
    pub(crate) fn turn(&mut self, channel: EnteredChannel, out: &mut Out<'_>, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        self.next = now + self.interval;
        let sent =
            out.send_parts(channel, &[&self.number.to_le_bytes(), &temperature(self.number).to_le_bytes()]);
        match sent {
            Ok(()) => self.number = self.number.wrapping_add(1),
            // An old reading is worth less than the next one.
            Err(SendError::WouldBlock) => info!("would block: reading {=u32} is left out", self.number),
            Err(error) => warn!("a reading cannot be sent: {}", error),
        }
        sent.is_ok()
    }

    /// Does what the channel's server wants.
    pub(crate) fn obey(&mut self, order: &[u8], now: Instant) {
        let order = core::str::from_utf8(order).unwrap_or_default();
        let interval = order.strip_prefix("interval ").and_then(|millis| millis.parse().ok());
        match (order, interval) {
            ("stop", _) => {
                info!("stopped");
                self.finished = Some(0);
            }
            (_, Some(millis)) => {
                info!("a reading every {=u64} ms", millis);
                self.interval = Duration::from_millis(millis);
                self.next = now + self.interval;
            }
            _ => warn!("not an order"),
        }
    }
}

/// What the sensor measures: this board has none, so a temperature that swings between 18 and 22
/// degrees.
fn temperature(number: u32) -> i16 {
    let phase = (number % 80) as i16 * 10;
    1800 + if phase < 400 { phase } else { 800 - phase }
}
