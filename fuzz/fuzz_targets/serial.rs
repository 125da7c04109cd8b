//! Any bytes on a serial line, and frames that are whole and say what they like.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| peote_net_models::serial::check(bytes));
