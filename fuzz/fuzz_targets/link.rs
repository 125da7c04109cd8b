//! An arbitrary relay, and an arbitrary program, on a link.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| peote_net_models::link::check(bytes));
