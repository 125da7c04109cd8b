//! What an image tells the host when its job is done, through semihosting.

use core::sync::atomic::{AtomicUsize, Ordering};

use cortex_m::interrupt;
use cortex_m::register::msp;
use cortex_m_rt::STACK_PAINT_VALUE;
use semihosting::sys::arm_compat::{ExitReason, sys_exit, sys_write0, sys_writec};

unsafe extern "C" {
    // of cortex-m-rt's linker script
    static _stack_start: u32;
    static _stack_end: u32;
}

/// As much of the stack as was used before the work began.
static START: AtomicUsize = AtomicUsize::new(0);

/// From now on it is work, whose use of the stack is measured by itself: setting up smoltcp moves
/// much about, which would hide it.
///
/// Interrupts have to wait for [`sleep`](crate::network::sleep): whether one comes at the deepest
/// moment would be chance.
#[inline(never)]
pub fn start_work() {
    interrupt::disable();
    START.store(stack_used(), Ordering::Relaxed);
    // This function's own frame is above the pointer; some room for what is called here.
    let end = (&raw const _stack_end).cast_mut();
    let words = (msp::read() as usize).saturating_sub(end.addr() + 64) / size_of::<u32>();
    for word in 0..words {
        // SAFETY: between the end of the variables and the stack's pointer is only what is no
        // longer of use to anybody, and no interrupt comes.
        unsafe { end.wrapping_add(word).write_volatile(STACK_PAINT_VALUE) };
    }
}

/// Reports how much of the stack was used, and `bytes` of documented buffers. Ends the program.
pub fn end(bytes: usize) -> ! {
    number(c"stack ", stack_used());
    number(c"start ", START.load(Ordering::Relaxed));
    number(c"buffers ", bytes);
    sys_exit(ExitReason::ADP_Stopped_ApplicationExit);
    unreachable()
}

/// Reports one figure.
pub fn number(name: &core::ffi::CStr, value: usize) {
    sys_write0(name);
    let mut place = 1_000_000_000;
    let mut leading = true;
    while place > 0 {
        let digit = (value / place % 10) as u8;
        leading &= digit == 0 && place > 1;
        if !leading {
            sys_writec(b'0' + digit);
        }
        place /= 10;
    }
    sys_writec(b'\n');
}

/// Ends the program because something went wrong.
pub fn failed(what: &core::ffi::CStr) -> ! {
    sys_write0(what);
    sys_writec(b'\n');
    sys_exit(ExitReason::ADP_Stopped_RunTimeErrorUnknown);
    unreachable()
}

/// The host has ended the program.
fn unreachable() -> ! {
    loop {
        cortex_m::asm::wfi();
    }
}

/// Bytes of the stack that were ever written to.
fn stack_used() -> usize {
    let top = &raw const _stack_start;
    let mut lowest = &raw const _stack_end;
    // SAFETY: everything between the two symbols is memory that was painted, a word at a time;
    // nobody writes to it meanwhile.
    while lowest < top && unsafe { lowest.read_volatile() } == STACK_PAINT_VALUE {
        lowest = lowest.wrapping_add(1);
    }
    top.addr() - lowest.addr()
}
