//! The same bits in every run, from any replica, in calls of any length, in whatever order threads and blocks run.

mod common;

use engine_laws::determinism::{self, Way};
use engine_laws::{Subject, separation};
use nn_engine::Products;

/// The engine in every format, on the simulated device but for tf32x3: its threads meet where those of tf32 do, it differs in what
/// each does alone, and takes twice as long.
fn subjects() -> Vec<Subject> {
    let mut subjects = common::subjects();
    subjects.retain(|cuda| common::is_real() || cuda.products() != Products::Tf32x3);
    subjects
}

#[test]
fn bits_do_not_depend_on_replicas_or_calls() {
    let way = |replicas, steps_a_call| Way {
        threads: 1,
        replicas,
        steps_a_call,
    };
    if let Some(cuda) = common::subject() {
        let ways = [way(1, 7), way(3, 3)];
        determinism::bits_do_not_depend_on_how_a_run_is_made(&cuda, 7, &ways);
    }
    // A simulated product of matrices is slow.
    for cuda in subjects().iter().skip(1) {
        determinism::bits_do_not_depend_on_how_a_run_is_made(cuda, 2, &[way(2, 1)]);
    }
}

/// More steps than the tables on the GPU hold.
#[test]
fn a_long_call_is_many_short_ones() {
    if let Some(cuda) = common::subject() {
        determinism::a_long_call_is_many_short_ones(&cuda, 300);
    }
}

#[test]
fn bits_do_not_depend_on_room_for_larger_batches() {
    for cuda in subjects() {
        determinism::bits_do_not_depend_on_room_for_larger_batches(&cuda);
    }
}

#[test]
fn evaluation_does_not_depend_on_its_chunks() {
    if let Some(cuda) = common::subject() {
        determinism::evaluation_does_not_depend_on_its_chunks(&cuda);
    }
}

#[test]
fn a_state_carries_the_whole_run() {
    if let Some(cuda) = common::subject() {
        determinism::a_state_carries_the_whole_run(&cuda);
    }
}

#[test]
fn replicas_train_as_they_do_alone() {
    for cuda in subjects() {
        separation::replicas_train_as_they_do_alone(&cuda);
    }
}

#[test]
#[ignore = "started by the other test"]
fn says_its_bits() {
    let steps = |cuda: &Subject| match cuda.products() {
        Products::Full => 3,
        _ => 1,
    };
    let bits = subjects().into_iter();
    let bits = bits.map(|cuda| format!("{:016x}", determinism::fingerprint(&cuda, steps(&cuda))));
    println!("told: {}", bits.collect::<Vec<_>>().join(" "));
}

/// The simulated device's threads and blocks run in an order that follows from a seed, blocks on so many processors; launches begin early
/// without a seed only.
#[test]
fn bits_do_not_depend_on_the_order_of_threads_and_blocks() {
    if !common::device() {
        return;
    }
    let told = |seed: &str, workers: &str| {
        let environment = [
            ("CUDA_SIM_SEED", seed.as_ref()),
            ("CUDA_SIM_WORKERS", workers.as_ref()),
        ];
        common::told_by("says_its_bits", &environment)
    };
    let wanted = told("0", "1");
    for (seed, workers) in [("0", "3"), ("1", "1"), ("2", "2")] {
        let found = told(seed, workers);
        assert_eq!(found, wanted, "seed {seed}, {workers} workers");
    }
}
