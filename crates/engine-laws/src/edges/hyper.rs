//! Hyperparameters that round to something else.

use nn_engine::{BatchSpec, Batches, EngineError, GroupHyper, HyperTable, Precision};
use nn_graph::Affine;

use super::networks::{normaliser, on_constant_images, one_step};
use crate::Subject;

/// A rate or weight decay that is infinite in float32, or a momentum that is 1: refused with step, replica and group, before
/// a step is made. One in a step that is not run is not, nor is the largest rate there is.
///
/// # Panics
/// If an answer is another.
pub fn hyperparameters_beyond_float32_are_refused_before_anything_changes(subject: &Subject) {
    let graph = normaliser(Affine::None, 1e-5);
    let good = GroupHyper::new(0.1, 5e-4, 0.9);
    let largest = f64::from(f32::MAX);
    for entry in [
        GroupHyper::new(1e39, 5e-4, 0.9),
        GroupHyper::new(0.1, 1e39, 0.9),
        GroupHyper::new(0.1, -1e39, 0.9),
        GroupHyper::new(0.1, 5e-4, 1.0 - 1e-9),
    ] {
        let hyper = |last| HyperTable::from_fn(2, 1, 1, |step, _, _| [good, last][step]).unwrap();
        let batches = vec![BatchSpec::plain(vec![0, 1, 2]); 2];
        let mut engine = on_constant_images(subject, &graph, 100);
        let before = engine.state(0).unwrap();
        let refused = engine
            .run(Batches::shared(&batches), &hyper(entry))
            .unwrap_err();
        let named = EngineError::HyperPrecision {
            step: 1,
            replica: 0,
            group: 0,
            entry,
            precision: Precision::Float32,
        };
        assert_eq!(refused, named, "{subject}");
        assert_eq!(engine.state(0).unwrap(), before, "{subject}");
        engine
            .run(Batches::shared(&batches[..1]), &hyper(entry))
            .unwrap();
        let most = GroupHyper::new(largest, 0.0, 0.9);
        engine.run(Batches::shared(&batches), &hyper(most)).unwrap();
    }
    let mut engine = on_constant_images(subject, &graph, 100);
    let refused = one_step(engine.as_mut(), GroupHyper::new(1e39, 5e-4, 0.9)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "step 0 of replica 0, group 0: learning rate 1e39, weight decay 0.0005 or momentum 0.9 leaves its range \
         when rounded to float32; use smaller values, or an engine of higher precision",
        "{subject}"
    );
}
