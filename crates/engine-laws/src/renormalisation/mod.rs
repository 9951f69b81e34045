//! Renormalised by powers of two, a run is the plain run bit for bit as long as that one is finite, and then goes on.

mod networks;
mod run;

use nn_engine::{Batches, HyperTable, Optimiser, Split, State};
use nn_graph::Affine;
use nn_graph::nets::Normaliser;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::networks::{Net, chain, networks};
use self::run::{Run, Schedule, batch, images};
use crate::Subject;

/// Random networks, rescaled by random powers of two every few steps: losses, the state and the evaluation are the plain
/// run's.
///
/// # Panics
/// If a bit differs; with the smallest such run.
pub fn a_renormalised_run_is_the_plain_run_bit_for_bit(subjects: &[Subject], config: Config) {
    let totals = proptest::collection::vec(-12_i64..13, 12);
    let optimisers = vec![Optimiser::Sgd, Optimiser::Sgdw, Optimiser::AdamW];
    let schedules = (proptest::sample::select(optimisers), 0.0..0.6);
    let schedules = schedules.prop_map(|(optimiser, growth)| Schedule { optimiser, growth });
    let runs = (networks(), 1_usize..6, totals, schedules);
    let outcome = TestRunner::new(config).run(&runs, |(net, every, totals, schedule)| {
        for subject in subjects {
            let (mut plain, mut rescaled) = both(subject, &net, schedule);
            for (step, total) in totals.iter().enumerate() {
                if step % every == 0 {
                    rescaled.rescale(total - rescaled.total);
                }
                let (wanted, found) = (plain.step(), rescaled.step());
                prop_assert!(wanted.is_some_and(f64::is_finite));
                prop_assert_eq!(found, wanted, "{}, loss of step {}", subject, step);
            }
            let at = subject.to_string();
            prop_assert_eq!(rescaled.test_loss(), plain.test_loss(), "{}", at);
            let wanted = plain.engine.state(0).unwrap();
            prop_assert!(is_alike(&rescaled.plain_state(), &wanted), "{}", at);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// The plain run, and the one to be rescaled.
fn both(subject: &Subject, net: &Net, schedule: Schedule) -> (Run, Run) {
    let new = || Run::new(subject, net, schedule);
    (new(), new())
}

/// A float32 engine, on a rate that grows past the end of float32: as long as the plain run is finite, the other is the
/// same; then it goes on. `ln η̃` grows by `growth` a step; the larger, the fewer steps.
///
/// # Panics
/// If a number differs, the plain run ends at another place than it must, or the other ends.
pub fn it_goes_on_where_the_plain_run_ends(subject: &Subject, growth: f64) {
    // Running statistics tell when a variance has overflowed. At inputs of degree 1 it grows like η̃, of degree 2 like η̃².
    for (affine, about) in [(Affine::None, 84.0), (Affine::ScaleAndShift, 45.0)] {
        let net = chain(Normaliser::Batch, affine, 1e-5).unwrap();
        let (mut plain, mut rescaled) = both(subject, &net, Schedule::sgd(growth));
        let mut end: Option<usize> = None;
        for step in 0..(120.0 / growth) as usize {
            let at = format!("{subject}, {affine:?}, step {step}");
            if step % 8 == 7 {
                // Parameters grow like √η̃.
                let total = -(step as f64 * growth / 4f64.ln()).round() as i64;
                rescaled.rescale(total - rescaled.total);
            }
            let loss = rescaled.step().unwrap();
            let state = rescaled.engine.state(0).unwrap();
            assert!(loss.is_finite() && is_finite(&state), "{at}: {loss}");
            if end.is_some() {
                continue;
            }
            let wanted = plain.step();
            let state = plain.engine.state(0).unwrap();
            if wanted.is_none() || !is_finite(&state) {
                end = Some(step);
                continue;
            }
            assert_eq!(wanted, Some(loss), "{at}");
            assert!(is_alike(&rescaled.plain_state(), &state), "{at}");
        }
        let end = end.expect("the plain run overflows");
        println!("{subject}, {affine:?}: the plain run ends at step {end}");
        assert!(
            (end as f64 * growth - about).abs() < 6.0,
            "{subject}: {end}"
        );
    }
}

fn is_finite(state: &State) -> bool {
    let mut values = state.tensors.iter().flat_map(|tensor| &tensor.values);
    values.all(|value| value.is_finite())
}

/// Whether all numbers are equal, but for those that float32 no longer held with all their digits in the plain run, as
/// the buffer of a weight without gradient.
fn is_alike(rescaled: &State, plain: &State) -> bool {
    let mut pairs = plain.tensors.iter().zip(&rescaled.tensors);
    pairs.all(|(plain, other)| {
        // Squares leave float32 where gradients do not, here or at the other scale.
        let least = match plain.name.ends_with(".second_moment") {
            true => VANISHING,
            false => f64::from(f32::MIN_POSITIVE),
        };
        let mut values = plain.values.iter().zip(&other.values);
        values.all(|(plain, other)| plain == other || plain.abs() < least)
    })
}

/// Below it a second moment may be rounded as no normal number is, at one of the scales that are compared.
const VANISHING: f64 = 1e-28;

/// The same for AdamW without its weight decay, whose rate grows slower and whose second moments vanish before anything
/// overflows. As long as they do not, the other is the same; then it goes on.
///
/// # Panics
/// If a number differs, the plain run's moments do not vanish, or the other ends.
pub fn adam_goes_on_where_its_second_moments_vanish(subject: &Subject, growth: f64) {
    let optimiser = Optimiser::AdamW;
    let net = chain(Normaliser::Batch, Affine::None, 1e-5).unwrap();
    let (mut plain, mut rescaled) = both(subject, &net, Schedule { optimiser, growth });
    let steps = (120.0 / growth) as usize;
    let mut compared = 0;
    for step in 0..steps {
        let at = format!("{subject}, step {step}");
        let scale = 0.5 * step as f64 * growth;
        if step % 8 == 7 {
            let total = -(scale / 2f64.ln()).round() as i64;
            rescaled.rescale(total - rescaled.total);
        }
        let loss = rescaled.step().unwrap();
        let state = rescaled.engine.state(0).unwrap();
        assert!(loss.is_finite() && is_finite(&state), "{at}: {loss}");
        let wanted = plain.step();
        // Then the roots of what vanishes are less than the last digit of ε.
        if scale < 18.0 {
            let plain = plain.engine.state(0).unwrap();
            assert_eq!(wanted, Some(loss), "{at}");
            assert!(is_alike(&rescaled.plain_state(), &plain), "{at}");
            compared = step + 1;
        }
    }
    let end = plain.engine.state(0).unwrap();
    let moments = |state: &State| {
        let tensors = state.tensors.iter();
        let moments = tensors.filter(|tensor| tensor.name.ends_with(".second_moment"));
        let largest = moments.flat_map(|tensor| tensor.values.clone());
        largest.fold(0.0, f64::max)
    };
    let held = moments(&rescaled.engine.state(0).unwrap());
    println!("{subject}: the same for {compared} of {steps} steps, then moments of {held:e}");
    assert!(compared > 20, "{subject}");
    assert!(!is_finite(&end) || moments(&end) == 0.0, "{subject}");
    assert!(held > VANISHING, "{subject}");
}

/// The state tells the scale, and with it `ε`, which is large here.
///
/// # Panics
/// If a bit differs, or none without the scale.
pub fn a_rescaled_run_is_resumed_from_its_state(subject: &Subject) {
    let normaliser = Normaliser::Group { groups: 2 };
    let net = chain(normaliser, Affine::ScaleAndShift, 0.3).unwrap();
    for optimiser in [Optimiser::Sgd, Optimiser::AdamW] {
        let growth = 0.1;
        check_resumed(subject, &net, Schedule { optimiser, growth });
    }
}

fn check_resumed(subject: &Subject, net: &Net, schedule: Schedule) {
    let (mut whole, mut resumed) = both(subject, net, schedule);
    whole.step();
    whole.rescale(-5);
    whole.step();
    let middle = whole.engine.state(0).unwrap();
    assert_eq!(middle.exponents, [-5], "{subject}");
    resumed.engine.load_state(0, &middle).unwrap();
    (resumed.step, resumed.total) = (whole.step, whole.total);
    assert_eq!(whole.step(), resumed.step(), "{subject}");
    let end = whole.engine.state(0).unwrap();
    assert!(end == resumed.engine.state(0).unwrap(), "{subject}");
    // Without its scale it would be another run's.
    let forgotten = State {
        exponents: Vec::new(),
        ..middle
    };
    resumed.engine.load_state(0, &forgotten).unwrap();
    resumed.step -= 1;
    resumed.step();
    let other = resumed.engine.state(0).unwrap();
    assert!(end.tensors != other.tensors, "{subject}");
}

/// A change of scale is one replica's: the others stay as they are, and all go on as one.
///
/// # Panics
/// If it reaches another, or a scale that does not fit does anything.
pub fn replicas_are_rescaled_one_by_one(subject: &Subject) {
    let net = chain(Normaliser::Batch, Affine::None, 0.3).unwrap();
    let mut engine = subject.make(&net.graph, net.options(Optimiser::Sgd, 3));
    engine.load_images(Split::Train, images()).unwrap();
    let start = engine.state(0).unwrap();
    let scales = [0, -7, 3];
    engine.rescale(1, &[scales[1]]).unwrap();
    engine.rescale(2, &[scales[2]]).unwrap();
    assert!(engine.state(0).unwrap() == start, "{subject}");
    assert_eq!(engine.state(1).unwrap().exponents, [-7], "{subject}");
    let compared = engine.compare(0, 1).unwrap();
    let (a, b) = (compared[0].norm_a, compared[0].norm_b);
    assert_eq!(a, 128.0 * b, "{subject}");
    let refused = engine.rescale(1, &[200]).unwrap_err().to_string();
    let end = "leaves float32; rescale by less";
    assert!(refused.ends_with(end), "{subject}: {refused}");
    assert_eq!(engine.state(1).unwrap().exponents, [-7], "{subject}");

    let schedule = Schedule::sgd(0.1);
    let rate = |step, replica: usize, group| schedule.hyper(step, group, scales[replica]);
    let hyper = HyperTable::from_fn(3, 3, 1, rate).unwrap();
    engine
        .run(Batches::shared(&[0, 1, 2].map(batch)), &hyper)
        .unwrap();
    let plain = engine.state(0).unwrap();
    let precision = engine.device().precision;
    for (replica, &scale) in scales.iter().enumerate() {
        let wanted = plain.rescaled(&net.graph, &net.symmetry, &[scale], precision);
        let tensors = engine.state(replica).unwrap().tensors;
        assert!(
            tensors == wanted.unwrap().tensors,
            "{subject}, replica {replica}"
        );
    }
}
