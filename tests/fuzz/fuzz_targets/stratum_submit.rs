//! `stratum_text::submit` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::stratum_text::submit(bytes));
