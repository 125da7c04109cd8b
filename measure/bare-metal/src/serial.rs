//! A board's end of a serial line, and the same program with the bare UART as its transport
//! (without the feature `serial`): the difference is what the transport takes. See `main.rs`.

#![no_std]
#![no_main]

use core::hint::black_box;

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::time::Instant;
#[cfg(feature = "serial")]
use peote_net_serial::SerialLine;
#[cfg(feature = "serial")]
use static_cell::ConstStaticCell;

#[cfg(feature = "serial")]
static LINE: ConstStaticCell<SerialLine<256, 256>> = ConstStaticCell::new(SerialLine::new());

// The documented size.
#[cfg(feature = "serial")]
const _: () = assert!(size_of::<SerialLine<256, 256>>() <= 512 + 216);

/// A UART that the compiler knows nothing about.
struct Uart;

#[derive(Debug)]
struct UartError;

impl core::fmt::Display for UartError {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        Ok(())
    }
}

impl core::error::Error for UartError {}

impl embedded_io::Error for UartError {
    fn kind(&self) -> embedded_io::ErrorKind {
        embedded_io::ErrorKind::Other
    }
}

impl ErrorType for Uart {
    type Error = UartError;
}
impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, UartError> {
        Ok(black_box(true))
    }
}
impl WriteReady for Uart {
    fn write_ready(&mut self) -> Result<bool, UartError> {
        Ok(black_box(true))
    }
}
impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, UartError> {
        black_box(buffer);
        Ok(black_box(1))
    }
}
impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, UartError> {
        black_box(bytes);
        Ok(1)
    }
    fn flush(&mut self) -> Result<(), UartError> {
        Ok(())
    }
}

/// What a link does with its transport.
fn use_transport<T: Read + ReadReady + Write + WriteReady>(transport: &mut T, buffer: &mut [u8]) -> bool {
    let mut is_lost = false;
    if black_box(matches!(transport.read_ready(), Ok(true))) {
        is_lost = black_box(transport.read(buffer)).is_err();
        black_box(&buffer);
    }
    if black_box(matches!(transport.write_ready(), Ok(true))) {
        is_lost |= black_box(transport.write(black_box(buffer))).is_err();
    }
    is_lost
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut buffer = [0; 64];
    let uart = &mut Uart;
    #[cfg(not(feature = "serial"))]
    loop {
        let now = Instant::from_millis(black_box(0));
        black_box(use_transport(uart, &mut buffer));
        black_box(Some(now));
    }
    #[cfg(feature = "serial")]
    {
        let Some(line) = LINE.try_take() else { loop {} };
        line.call();
        loop {
            let now = Instant::from_millis(black_box(0));
            black_box(line.poll(uart, now).is_ok());
            if use_transport(line, &mut buffer) {
                line.call();
            }
            black_box(line.next_deadline(now));
        }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
