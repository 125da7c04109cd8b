//! Any bytes as the data of a channel.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| peote_net_models::chunk::check(bytes));
