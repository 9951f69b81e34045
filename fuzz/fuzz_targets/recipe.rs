//! See [`texp_fuzz::recipe`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| texp_fuzz::recipe(bytes));
