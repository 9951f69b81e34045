//! See [`texp_fuzz::laws`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| texp_fuzz::laws(bytes));
