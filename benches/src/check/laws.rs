//! What every engine must do, one law after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use engine_laws::determinism::{self, Way};
use engine_laws::{
    Subject, calls, cases, conformance, edges, products, random_networks, renormalisation,
    separation,
};
use nn_cpu::CpuEngine;
use nn_cuda::CudaEngine;
use nn_engine::Products;

use super::Failure;
use crate::{Choice, Format};

/// A law, and its name.
type Law = (&'static str, fn(&Subject, usize));

/// In the order in which they are tried: the quick ones first. `effort` is a number of steps or cases.
const LAWS: [Law; 23] = [
    ("calls that cannot be served are refused", |subject, _| {
        calls::calls_that_cannot_be_served_are_refused_in_a_sentence(subject);
    }),
    ("a weight that is no number shows", |subject, _| {
        calls::a_weight_that_is_no_number_shows_in_the_loss(subject);
    }),
    ("a logit that is no number is not right", |subject, _| {
        edges::a_logit_that_is_no_number_has_no_right_answer(subject);
    }),
    ("rates beyond float32 are refused", |subject, _| {
        edges::hyperparameters_beyond_float32_are_refused_before_anything_changes(subject);
    }),
    ("a diverged run leaves nothing behind", |subject, _| {
        edges::a_run_after_a_diverged_one_finds_nothing_of_it(subject);
    }),
    ("replicas train as they do alone", |subject, _| {
        separation::replicas_train_as_they_do_alone(subject);
    }),
    ("a constant channel becomes zero", |subject, effort| {
        edges::a_constant_channel_becomes_zero(subject, (0..=255).step_by(256 / effort.min(256)));
        edges::a_constant_channel_between_convolutions_becomes_zero(subject);
    }),
    ("a constant group becomes zero", |subject, effort| {
        edges::a_constant_group_becomes_zero(subject, (0..=255).step_by(256 / effort.min(256)));
    }),
    ("room for larger batches changes nothing", |subject, _| {
        determinism::bits_do_not_depend_on_room_for_larger_batches(subject);
    }),
    ("evaluation does not depend on its chunks", |subject, _| {
        determinism::evaluation_does_not_depend_on_its_chunks(subject);
    }),
    ("a state carries the whole run", |subject, _| {
        determinism::a_state_carries_the_whole_run(subject);
    }),
    (
        "bits do not depend on replicas or calls",
        |subject, effort| {
            let way = |replicas, steps_a_call| Way {
                threads: 1,
                replicas,
                steps_a_call,
            };
            let ways = [way(1, 7), way(3, 13), way(5, 2)];
            determinism::bits_do_not_depend_on_how_a_run_is_made(subject, effort.min(50), &ways);
        },
    ),
    ("a long call is many short ones", |subject, effort| {
        determinism::a_long_call_is_many_short_ones(subject, (5 * effort).min(300));
    }),
    ("strided convolutions of single positions", |subject, _| {
        random_networks::a_strided_convolution_of_single_positions_trains_as_on_the_reference(
            std::slice::from_ref(subject),
        );
    }),
    ("convolutions train as the reference", |subject, _| {
        conformance::convolutions_train_as_on_the_reference(subject);
    }),
    (
        "short numbers are multiplied as in full",
        |subject, effort| {
            let full = subject.clone().with_products(Products::Full);
            let rounded = std::slice::from_ref(subject);
            products::short_numbers_are_multiplied_as_in_full(&full, rounded, cases(effort as u32));
        },
    ),
    (
        "an evaluation multiplies the weights of now",
        |subject, _| {
            products::evaluation_multiplies_the_weights_of_now(subject);
        },
    ),
    ("factors are rounded to the nearest", |subject, _| {
        products::factors_are_rounded_to_the_nearest(subject);
    }),
    ("long sums are as exact as in full", |subject, _| {
        products::long_sums_are_as_exact_as_in_full_unless_factors_are_rounded(subject);
    }),
    ("a rescaled run is resumed", |subject, _| {
        renormalisation::a_rescaled_run_is_resumed_from_its_state(subject);
        renormalisation::replicas_are_rescaled_one_by_one(subject);
    }),
    ("a renormalised run is the plain run", |subject, effort| {
        renormalisation::a_renormalised_run_is_the_plain_run_bit_for_bit(
            std::slice::from_ref(subject),
            cases(effort as u32),
        );
    }),
    (
        "Adam goes on where its second moments vanish",
        |subject, _| {
            renormalisation::adam_goes_on_where_its_second_moments_vanish(subject, 0.6);
        },
    ),
    (
        "random networks train as the reference",
        |subject, effort| {
            random_networks::any_network_trains_as_on_the_reference(
                std::slice::from_ref(subject),
                &[1],
                cases(effort as u32),
            );
        },
    ),
];

/// Tries every law, whatever becomes of those before, with about this many cases or steps where a law has any; prints
/// each.
///
/// # Errors
/// How many do not hold; what was found instead is on standard error.
///
/// ```
/// use benches::{Choice, Format};
/// use benches::check::laws;
/// assert!(laws(Choice::Cpu, Format::Full, 2)?.starts_with("all 23 laws hold"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn laws(engine: Choice, format: Format, effort: usize) -> Result<String, Failure> {
    let algorithm = engine.algorithm();
    let subject = match engine {
        Choice::Cuda => Subject::new("nn-cuda", algorithm, CudaEngine::new),
        Choice::Cpu => Subject::new("nn-cpu", algorithm, CpuEngine::new),
    };
    let subject = subject.with_products(format.products());
    let effort = effort.max(1);
    let mut broken = Vec::new();
    for (name, law) in LAWS {
        let start = Instant::now();
        let holds = catch_unwind(AssertUnwindSafe(|| law(&subject, effort))).is_ok();
        let verdict = if holds { "holds" } else { "DOES NOT HOLD" };
        println!("{name}: {verdict}, {:.1} s", start.elapsed().as_secs_f64());
        if !holds {
            broken.push(name);
        }
    }
    match broken.len() {
        0 => Ok(format!(
            "all {} laws hold, {effort} cases or steps",
            LAWS.len()
        )),
        count => Err(format!(
            "{count} of {} laws do not hold: {}",
            LAWS.len(),
            broken.join("; ")
        )
        .into()),
    }
}
