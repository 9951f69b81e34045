//! Convolutions whose factors are rounded, or split.

mod common;

use engine_laws::{cases, products};

#[test]
fn short_numbers_are_multiplied_as_in_full() {
    if let Some(full) = common::subject() {
        products::short_numbers_are_multiplied_as_in_full(
            &full,
            &common::on_tensor_cores(),
            cases(64),
        );
    }
}

#[test]
fn evaluation_multiplies_the_weights_of_now() {
    for cuda in common::subjects() {
        products::evaluation_multiplies_the_weights_of_now(&cuda);
    }
}

#[test]
fn factors_are_rounded_to_the_nearest() {
    for cuda in common::subjects() {
        products::factors_are_rounded_to_the_nearest(&cuda);
    }
}

#[test]
fn long_sums_are_as_exact_as_in_full_unless_factors_are_rounded() {
    for cuda in common::subjects() {
        products::long_sums_are_as_exact_as_in_full_unless_factors_are_rounded(&cuda);
    }
}
