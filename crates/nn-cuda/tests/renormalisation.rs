//! Renormalised by powers of two, a run is the plain run bit for bit as long as that one is finite, and then goes on.

mod common;

use engine_laws::{cases, renormalisation};

#[test]
fn a_renormalised_run_is_the_plain_run_bit_for_bit() {
    if let Some(cuda) = common::subject() {
        renormalisation::a_renormalised_run_is_the_plain_run_bit_for_bit(&[cuda], cases(24));
    }
    // A simulated product of matrices is slow.
    for cuda in common::on_tensor_cores() {
        renormalisation::a_renormalised_run_is_the_plain_run_bit_for_bit(&[cuda], cases(4));
    }
}

#[test]
fn it_goes_on_where_the_plain_run_ends() {
    if let Some(cuda) = common::subject() {
        renormalisation::it_goes_on_where_the_plain_run_ends(&cuda, 0.3);
    }
}

#[test]
fn adam_goes_on_where_its_second_moments_vanish() {
    if let Some(cuda) = common::subject() {
        renormalisation::adam_goes_on_where_its_second_moments_vanish(&cuda, 0.6);
    }
}

#[test]
fn a_rescaled_run_is_resumed_from_its_state() {
    for cuda in common::subjects() {
        renormalisation::a_rescaled_run_is_resumed_from_its_state(&cuda);
    }
}

#[test]
fn replicas_are_rescaled_one_by_one() {
    if let Some(cuda) = common::subject() {
        renormalisation::replicas_are_rescaled_one_by_one(&cuda);
    }
}
