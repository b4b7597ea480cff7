//! `network::node_ad` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::network::node_ad(bytes));
