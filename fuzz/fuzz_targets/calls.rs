//! Calls with answers between two ends.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| peote_net_models::calls::check(bytes));
