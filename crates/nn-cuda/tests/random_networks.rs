//! Networks of random topology against the float64 reference.

mod common;

use engine_laws::{cases, random_networks};
use nn_engine::Products;

#[test]
fn any_network_trains_as_the_reference_does() {
    if let Some(cuda) = common::subject() {
        random_networks::any_network_trains_as_on_the_reference(&[cuda], &[1], cases(128));
    }
    // Its bounds are those of float32 too, so that it is held to as much.
    if let Some(cuda) = common::subject() {
        let split = cuda.with_products(Products::Tf32x3);
        random_networks::any_network_trains_as_on_the_reference(&[split], &[1], cases(64));
    }
}

#[test]
fn a_strided_convolution_of_single_positions_trains_as_the_reference_does() {
    for cuda in common::subjects() {
        random_networks::a_strided_convolution_of_single_positions_trains_as_on_the_reference(&[
            cuda,
        ]);
    }
}
