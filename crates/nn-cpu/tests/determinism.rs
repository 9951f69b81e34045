//! The same bits on any number of threads, from any replica, in calls of any length.

mod common;

use engine_laws::determinism::{self, Way};
use engine_laws::separation;

#[test]
fn bits_do_not_depend_on_threads_replicas_or_calls() {
    let way = |threads, replicas, steps_a_call| Way {
        threads,
        replicas,
        steps_a_call,
    };
    let ways = [way(2, 1, 7), way(3, 1, 7), way(8, 1, 7), way(2, 3, 13)];
    for subject in common::every_level() {
        determinism::bits_do_not_depend_on_how_a_run_is_made(&subject, 50, &ways);
    }
}

#[test]
fn a_long_call_is_many_short_ones() {
    for subject in common::every_level() {
        determinism::a_long_call_is_many_short_ones(&subject, 300);
    }
}

#[test]
fn bits_do_not_depend_on_room_for_larger_batches() {
    for subject in common::every_level() {
        determinism::bits_do_not_depend_on_room_for_larger_batches(&subject);
    }
}

#[test]
fn evaluation_does_not_depend_on_its_chunks() {
    for subject in common::every_level() {
        determinism::evaluation_does_not_depend_on_its_chunks(&subject);
    }
}

#[test]
fn a_state_carries_the_whole_run() {
    for subject in common::every_level() {
        determinism::a_state_carries_the_whole_run(&subject);
    }
}

#[test]
fn replicas_train_as_they_do_alone() {
    for subject in common::every_level() {
        separation::replicas_train_as_they_do_alone(&subject);
    }
}
