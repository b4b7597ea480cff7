//! `stratum_text::opening` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::stratum_text::opening(bytes));
