//! See [`texp_fuzz::experiment`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| texp_fuzz::experiment(bytes));
