//! Arbitrary connections to a relay.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| peote_net_models::relay::check(bytes));
