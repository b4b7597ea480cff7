//! `stratum_session::run` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::stratum_session::run(bytes));
