//! `parent::rpc_answer` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::parent::rpc_answer(bytes));
