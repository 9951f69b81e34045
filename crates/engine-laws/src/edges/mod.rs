//! Inputs at the edge of what float32 holds: a definite result, or a refusal in a sentence.

mod constant;
mod hyper;
mod networks;

pub use self::constant::{
    a_constant_channel_becomes_zero, a_constant_channel_between_convolutions_becomes_zero,
    a_constant_group_becomes_zero, adam_leaves_a_weight_without_gradient,
};
pub use self::hyper::hyperparameters_beyond_float32_are_refused_before_anything_changes;
use self::networks::{normaliser, on_constant_images, one_step};

use nn_engine::{Engine, GroupHyper, Split, State};
use nn_graph::Affine;
use nn_graph::nets::{Architecture, NetConfig, Normaliser};

use crate::Subject;

/// Logits of which one is not a number, or that are infinite, give no loss and no right answer; equal ones the first.
///
/// # Panics
/// If an answer is another.
pub fn a_logit_that_is_no_number_has_no_right_answer(subject: &Subject) {
    let graph = normaliser(Affine::None, 0.0);
    let mut engine = on_constant_images(subject, &graph, 100);
    let infinite = f64::INFINITY;
    let weights = [
        [f64::NAN, 3.0],
        [3.0, f64::NAN],
        [infinite, 0.0],
        [0.0, 0.0],
    ];
    for (weights, right) in weights.into_iter().zip([0, 0, 0, 1]) {
        let at = format!("{subject}, weights {weights:?}");
        let mut state = State::initial(&graph, 0);
        state.get_mut("head.weight").unwrap().values = weights.to_vec();
        // The normalised value is 1 in evaluation, and 0 in training.
        let mean = state.get_mut("norm.running_mean").unwrap();
        mean.values[0] = f64::from(100.0_f32 / 255.0) - 1.0;
        engine.load_state(0, &state).unwrap();
        let found = engine.evaluate(0, Split::Train, &[1.0]).unwrap();
        let wanted = (right == 0, right);
        assert_eq!((found.loss.is_nan(), found.correct), wanted, "{at}");
        let stats = one_step(engine.as_mut(), GroupHyper::new(0.1, 0.0, 0.0)).unwrap();
        assert_eq!(stats.get(0, 0).correct as usize, right, "{at}");
    }
}

/// What a diverged run leaves in an engine's memory reaches no later run.
///
/// # Panics
/// If a bit differs from that of a fresh engine.
pub fn a_run_after_a_diverged_one_finds_nothing_of_it(subject: &Subject) {
    let mut config = NetConfig::new(Architecture::ResNet, 8);
    (config.width, config.input) = (5, [3, 8, 8]);
    config.affine = Affine::ScaleAndShift;
    let hyper = GroupHyper::new(0.1, 0.0, 0.9);
    for normaliser in [Normaliser::Batch, Normaliser::Instance] {
        config.normaliser = normaliser;
        let graph = config.build().unwrap();
        let mut engine = on_constant_images(subject, &graph, 100);
        let mut diverged = State::initial(&graph, 0);
        for tensor in &mut diverged.tensors {
            tensor.values.fill(f64::NAN);
        }
        engine.load_state(0, &diverged).unwrap();
        let stats = one_step(engine.as_mut(), hyper).unwrap();
        assert!(stats.get(0, 0).loss.is_nan(), "{subject}");
        let mut fresh = on_constant_images(subject, &graph, 100);
        let after = [&mut engine, &mut fresh].map(|engine: &mut Box<dyn Engine>| {
            engine.load_state(0, &State::initial(&graph, 0)).unwrap();
            one_step(engine.as_mut(), hyper).unwrap();
            engine.state(0).unwrap()
        });
        assert_eq!(after[0], after[1], "{subject}, {normaliser:?}");
    }
}
