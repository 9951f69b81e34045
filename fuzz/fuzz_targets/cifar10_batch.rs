//! See [`texp_fuzz::cifar10_batch`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| texp_fuzz::cifar10_batch(bytes));
