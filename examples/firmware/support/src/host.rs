//! The host at the other end of semihosting: command line, exit code, last words.
//!
//! With QEMU it is QEMU; on a real board a debugger. Without one, semihosting stops the processor.

#[cfg(feature = "files")]
use core::ffi::CStr;
use core::panic::PanicInfo;

use semihosting::experimental::env;
use semihosting::experimental::time::SystemTime;
use semihosting::{eprintln, process};
#[cfg(feature = "files")]
use semihosting::{fs::File, io::Read as _};

/// The longest command line, in bytes.
pub const MAX_COMMAND_LINE: usize = 256;

/// The command line, as QEMU's `-semihosting-config arg=…` has it.
#[derive(Debug)]
pub struct CommandLine(env::Args<MAX_COMMAND_LINE>);

impl CommandLine {
    /// Asks the host for it. Exits with code 2 if it is longer than [`MAX_COMMAND_LINE`].
    #[must_use]
    pub fn read() -> Self {
        match env::args() {
            Ok(arguments) => Self(arguments),
            Err(_) => refuse(format_args!("the command line is longer than {MAX_COMMAND_LINE} bytes")),
        }
    }

    /// The arguments, without the program's name. Exits with code 2 if one is not UTF-8.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        (&self.0).into_iter().skip(1).map(|argument| {
            argument.unwrap_or_else(|_| refuse(format_args!("an argument of the command line is not UTF-8")))
        })
    }
}

/// A number that differs from start to start: the host's time. A board without a host takes it from
/// a noisy converter.
#[must_use]
pub fn seed() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Fills the bytes from the host's random numbers, which are fit for keys. A board without a host
/// has a generator of its own.
#[cfg(feature = "files")]
pub fn random(bytes: &mut [u8]) {
    if let Err(error) = semihosting::experimental::random::fill_bytes(bytes) {
        refuse(format_args!("the host has no random numbers: {error}"));
    }
}

/// Reads a file of the host, and returns its length. Exits with code 2 if it cannot be read, or
/// fills the buffer.
#[cfg(feature = "files")]
pub fn read_file(path: &str, buffer: &mut [u8]) -> usize {
    let mut name = [0; MAX_COMMAND_LINE + 1];
    name[..path.len()].copy_from_slice(path.as_bytes());
    let opened = CStr::from_bytes_until_nul(&name).map(File::open);
    let Ok(Ok(mut file)) = opened else { refuse(format_args!("{path} cannot be opened")) };
    let mut length = 0;
    while let Ok(count @ 1..) = file.read(&mut buffer[length..]) {
        length += count;
    }
    if length == buffer.len() {
        refuse(format_args!("{path} has {length} bytes or more"));
    }
    length
}

/// Ends the program with an exit code.
pub fn exit(code: u8) -> ! {
    process::exit(i32::from(code))
}

/// Says what is wrong with the command line and exits with code 2.
pub fn refuse(what: core::fmt::Arguments<'_>) -> ! {
    eprintln!("{what}");
    exit(2)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    eprintln!("{info}");
    exit(101)
}
