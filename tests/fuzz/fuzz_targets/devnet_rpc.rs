//! `parent::devnet_rpc` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::parent::devnet_rpc(bytes));
