#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nae_fuzz::check("wav", bytes));
