//! Any bytes as typed values, as messages of remote procedure calls, and dispatched to an object.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| peote_net_models::rpc::check(bytes));
