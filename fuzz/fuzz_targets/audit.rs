//! See [`texp_fuzz::audit`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| texp_fuzz::audit(bytes));
