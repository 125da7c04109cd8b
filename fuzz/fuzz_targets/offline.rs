//! Servers and users on one link, offline.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| peote_net_models::offline::check(bytes));
