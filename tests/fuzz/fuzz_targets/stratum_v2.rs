//! `stratum_v2::run` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::stratum_v2::run(bytes));
