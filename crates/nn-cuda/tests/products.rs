//! Convolutions whose factors are rounded.

mod common;

use engine_laws::{cases, products};
use nn_engine::Products;

#[test]
fn short_numbers_are_multiplied_as_in_full() {
    if let Some(cuda) = common::subject() {
        let formats = [Products::Tf32, Products::Bf16];
        products::short_numbers_are_multiplied_as_in_full(&cuda, &formats, cases(64));
    }
}
