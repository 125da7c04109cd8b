//! Any bytes as either direction of the wire.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| peote_net_models::protocol::check(bytes));
