//! Networks of random topology against the float64 reference, on every instruction set, on one thread and on two.

mod common;

use engine_laws::random_networks;
use nn_engine::strategies::seeded;

#[test]
fn any_network_trains_as_the_reference_does() {
    let subjects = common::every_level();
    random_networks::any_network_trains_as_on_the_reference(&subjects, &[1, 2], seeded());
}

#[test]
fn a_strided_convolution_of_single_positions_trains_as_the_reference_does() {
    let subjects = common::every_level();
    random_networks::a_strided_convolution_of_single_positions_trains_as_on_the_reference(
        &subjects,
    );
}
