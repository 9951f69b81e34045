//! Renormalised by powers of two, a run is the plain run bit for bit as long as that one is finite, and then goes on:
//! on every instruction set.

mod common;

use engine_laws::{cases, renormalisation};

#[test]
fn a_renormalised_run_is_the_plain_run_bit_for_bit() {
    let subjects = common::every_level();
    renormalisation::a_renormalised_run_is_the_plain_run_bit_for_bit(&subjects, cases(64));
}

#[test]
fn it_goes_on_where_the_plain_run_ends() {
    for subject in common::every_level() {
        renormalisation::it_goes_on_where_the_plain_run_ends(&subject, 0.06);
    }
}

#[test]
fn adam_goes_on_where_its_second_moments_vanish() {
    for subject in common::every_level() {
        renormalisation::adam_goes_on_where_its_second_moments_vanish(&subject, 0.2);
    }
}

#[test]
fn a_rescaled_run_is_resumed_from_its_state() {
    for subject in common::every_level() {
        renormalisation::a_rescaled_run_is_resumed_from_its_state(&subject);
    }
}

#[test]
fn replicas_are_rescaled_one_by_one() {
    for subject in common::every_level() {
        renormalisation::replicas_are_rescaled_one_by_one(&subject);
    }
}
