//! See [`texp_fuzz::onnx`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| texp_fuzz::onnx(bytes));
