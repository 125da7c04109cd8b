//! Each kind of driver, with small and with larger buffers, against what every transport has to do.

use embedded_io::{Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net_buffered::{Blocking, Buffered, Driver, Halves, Io06, NalSocket, Polled, Serial};
use peote_net_testkit::conformance::{FarRead, Testbed};
use peote_net_testkit::memory::MemoryTransport;

use crate::devices::{AsyncPort, BlockingPort, Hasty, NalStack, OldPort, SerialPort};

/// A transport over a driver over one end of a connection in memory.
struct Bed<D: Driver, const RECEIVE: usize, const TRANSMIT: usize, const ENDS: bool> {
    near: Buffered<D, RECEIVE, TRANSMIT>,
    end: fn(&mut D) -> &mut MemoryTransport,
    is_closing: bool,
    far: MemoryTransport,
}

impl<D: Driver, const RECEIVE: usize, const TRANSMIT: usize, const ENDS: bool>
    Bed<D, RECEIVE, TRANSMIT, ENDS>
{
    fn new(driver: D, far: MemoryTransport, end: fn(&mut D) -> &mut MemoryTransport) -> Self {
        Self { near: Buffered::new(driver), end, is_closing: false, far }
    }
}

impl<D: Driver, const RECEIVE: usize, const TRANSMIT: usize, const ENDS: bool> Testbed
    for Bed<D, RECEIVE, TRANSMIT, ENDS>
{
    type Transport<'a>
        = &'a mut Buffered<D, RECEIVE, TRANSMIT>
    where
        Self: 'a;

    const ENDS: bool = ENDS;
    const BULK: usize = 100_000;

    fn transport(&mut self) -> &mut Buffered<D, RECEIVE, TRANSMIT> {
        &mut self.near
    }

    fn close(&mut self) {
        self.is_closing = true;
        self.step();
    }

    fn far_write(&mut self, bytes: &[u8]) -> usize {
        if self.far.write_ready().unwrap() { self.far.write(bytes).unwrap() } else { 0 }
    }

    fn far_read(&mut self, buffer: &mut [u8]) -> FarRead {
        if buffer.is_empty() || !self.far.read_ready().unwrap() {
            return FarRead::Nothing;
        }
        match self.far.read(buffer).unwrap() {
            0 => FarRead::Closed,
            count => FarRead::Bytes(count),
        }
    }

    fn far_close(&mut self) {
        self.far.close();
    }

    fn far_reset(&mut self) {
        self.far.reset();
    }

    /// What a loop does: each turn polls, and so moves on what waits.
    fn step(&mut self) {
        self.near.flush().unwrap();
        if self.is_closing && !self.near.has_unsent() {
            (self.end)(self.near.driver()).close();
        }
    }
}

macro_rules! beds {
    ($($name:ident, $capacity:literal, $receive:literal, $transmit:literal, $ends:literal: $make:expr, $end:expr;)*) => {
        $(mod $name {
            use super::*;

            fn bed() -> Bed<impl Driver, $receive, $transmit, $ends> {
                let (near, far) = peote_net_testkit::memory::pair($capacity);
                Bed::new($make(near), far, $end)
            }

            peote_net_testkit::conformance!(bed());
        })*
    };
}

beds! {
    serial, 300, 64, 64, false: |end| Serial(SerialPort::new(end)), |_| unreachable!("it has no end");
    serial_of_two_halves, 300, 16, 1, false:
        |end| {
            let (receiver, transmitter) = SerialPort::new(end).split();
            Serial(Halves::new(receiver, transmitter))
        },
        |_| unreachable!("it has no end");
    embedded_io_06, 300, 64, 64, true: |end| Io06(OldPort(end)), |driver| &mut driver.0.0;
    embedded_io_06_and_little_room, 300, 1, 1, true: |end| Io06(OldPort(end)), |driver| &mut driver.0.0;
    blocking, 300, 64, 64, true: |end| Blocking(BlockingPort(end)), |driver| &mut driver.0.0;
    polled, 300, 100, 20, true: |end| Polled::new(AsyncPort(end)), |driver| &mut driver.device().0;
    nal, 300, 256, 256, true:
        |end| {
            // tests may leak
            let socket = Box::leak(Box::new(end));
            NalSocket::new(Box::leak(Box::new(NalStack)), socket)
        },
        |driver| driver.parts().1;
    of_ones_own, 300, 64, 64, true: Hasty::new, Hasty::end;
}
