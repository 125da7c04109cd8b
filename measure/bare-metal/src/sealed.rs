//! A user of a sealed channel, and nothing else: what is in this image is what sealing takes, with
//! the cipher. See `main.rs`.

#![no_std]
#![no_main]

use core::hint::black_box;

use peote_net_sealed::{ChannelKey, SealedUser};

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let key = ChannelKey::new(black_box([0; 32]));
    let mut user = SealedUser::new(&key, black_box([0; 12]));
    let mut buffer = [0; 80];
    loop {
        black_box(user.hello());
        black_box(user.open(black_box(&[0; 80]), &mut buffer).is_ok());
        let sent = user.seal(black_box(&[0; 64]), &mut buffer, |sealed| {
            black_box(sealed);
            Ok::<(), ()>(())
        });
        black_box(sent.is_ok());
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
