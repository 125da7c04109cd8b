//! The host at the other end of semihosting: command line, exit code, last words.
//!
//! With QEMU it is QEMU; on a real board a debugger. Without one, semihosting stops the processor.

use core::panic::PanicInfo;

use semihosting::experimental::env;
use semihosting::experimental::time::SystemTime;
use semihosting::{eprintln, process};

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
