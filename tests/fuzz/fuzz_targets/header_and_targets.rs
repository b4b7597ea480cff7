//! `consensus::header_and_targets` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::consensus::header_and_targets(bytes));
