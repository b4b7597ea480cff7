//! `amounts::payout_split` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::amounts::payout_split(bytes));
