//! Networks of random topology against the float64 reference.

mod common;

use engine_laws::{cases, random_networks};

#[test]
fn any_network_trains_as_the_reference_does() {
    if let Some(cuda) = common::subject() {
        random_networks::any_network_trains_as_on_the_reference(&[cuda], &[1], cases(128));
    }
}

#[test]
fn a_strided_convolution_of_single_positions_trains_as_the_reference_does() {
    if let Some(cuda) = common::subject() {
        random_networks::a_strided_convolution_of_single_positions_trains_as_on_the_reference(&[
            cuda,
        ]);
    }
}
