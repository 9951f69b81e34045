//! A run without weight decay, whose rate grows, and the same at other scales.

use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Optimiser, Split,
    State,
};
use scale_invariance::SCALED_GROUP;

use super::networks::{INPUT, Net};
use crate::Subject;

pub(super) const BATCH: usize = 5;
const IMAGES: usize = 16;

/// How a run without weight decay grows: its parameters by the root of `exp(growth)` each step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) optimiser: Optimiser,
    pub(super) growth: f64,
}

impl Schedule {
    pub(super) fn sgd(growth: f64) -> Self {
        let optimiser = Optimiser::Sgd;
        Self { optimiser, growth }
    }

    /// `a`.
    fn shrink(self) -> f64 {
        (-0.5 * self.growth).exp()
    }

    /// Of one group, the scaled one rescaled by `2^total`.
    pub(super) fn hyper(self, step: usize, group: usize, total: i64) -> GroupHyper {
        let (optimiser, scale) = (self.optimiser, step as f64 * self.growth);
        let (kept, of_adam) = ([0.8, 0.95], step as u64);
        let plain = match (optimiser, group == SCALED_GROUP) {
            (Optimiser::AdamW, false) => GroupHyper::adamw(0.01, 1.0, kept, EPSILON, of_adam),
            (_, false) => return GroupHyper::new(0.05, 1e-3, 0.9),
            (Optimiser::AdamW, true) => {
                let rate = 0.01 * (0.5 * scale).exp();
                let epsilon = EPSILON * (-0.5 * scale).exp();
                let mut hyper = GroupHyper::adamw(rate, 0.0, kept, epsilon, of_adam);
                hyper.momentum *= self.shrink();
                let moments = hyper.moments.iter_mut();
                moments.for_each(|moments| moments.second_keep *= self.shrink().powi(2));
                hyper
            }
            (_, true) => GroupHyper::new(0.1 * scale.exp(), 0.0, 0.8),
        };
        match group {
            SCALED_GROUP => GroupHyper {
                scale_ratio: self.shrink(),
                ..plain.rescaled(optimiser, total)
            },
            _ => plain,
        }
    }
}

/// Of Adam, as large as gradients.
const EPSILON: f64 = 1e-3;

pub(super) fn images() -> Arc<ImageSet> {
    let [c, h, w] = INPUT;
    let pixels = (0..IMAGES * c * h * w).map(|i| (i * i * 31 % 251) as u8);
    let labels = (0..IMAGES).map(|i| (i * 3 % 4) as u8).collect();
    let images = ImageSet::new(INPUT, pixels.collect(), labels, vec![0.5; c], vec![0.25; c]);
    Arc::new(images.unwrap())
}

/// The batch of a step.
pub(super) fn batch(step: usize) -> BatchSpec {
    let indices = (0..BATCH).map(|i| ((i * 5 + step * 3) % IMAGES) as u32);
    BatchSpec::plain(indices.collect())
}

/// One engine with one replica, and by how much it has been rescaled.
pub(super) struct Run {
    pub(super) engine: Box<dyn Engine>,
    schedule: Schedule,
    pub(super) step: usize,
    pub(super) total: i64,
}

impl Run {
    pub(super) fn new(subject: &Subject, net: &Net, schedule: Schedule) -> Self {
        let options = EngineOptions {
            threads: 2,
            ..net.options(schedule.optimiser, 1)
        };
        let mut engine = subject.make(&net.graph, options);
        for split in [Split::Train, Split::Test] {
            engine.load_images(split, images()).unwrap();
        }
        let start = State::initial(&net.graph, 11);
        let start = start.with_optimiser(&net.graph, schedule.optimiser);
        engine.load_state(0, &start).unwrap();
        Self {
            engine,
            schedule,
            step: 0,
            total: 0,
        }
    }

    fn groups(&self) -> usize {
        self.engine.symmetry().groups()
    }

    pub(super) fn rescale(&mut self, k: i64) {
        let mut exponents = vec![0; self.groups()];
        exponents[SCALED_GROUP] = k;
        self.engine.rescale(0, &exponents).unwrap();
        self.total += k;
    }

    /// The loss, unless the engine cannot hold the rate.
    pub(super) fn step(&mut self) -> Option<f64> {
        let groups = self.groups();
        let hyper = |_, _, group| self.schedule.hyper(self.step, group, self.total);
        let table = HyperTable::from_fn(1, 1, groups, hyper).unwrap();
        let stats = self
            .engine
            .run(Batches::shared(&[batch(self.step)]), &table);
        self.step += 1;
        Some(stats.ok()?.get(0, 0).loss)
    }

    /// The state at the scale of the start.
    pub(super) fn plain_state(&self) -> State {
        let (engine, state) = (&self.engine, self.engine.state(0).unwrap());
        let mut exponents = vec![0; self.groups()];
        exponents[SCALED_GROUP] = -self.total;
        let precision = engine.device().precision;
        let back = state.rescaled(engine.graph(), engine.symmetry(), &exponents, precision);
        back.unwrap()
    }

    pub(super) fn test_loss(&mut self) -> f64 {
        let groups = self.groups();
        let ratio = |group| self.schedule.hyper(self.step, group, 0).scale_ratio;
        let ratios: Vec<f64> = (0..groups).map(ratio).collect();
        self.engine.evaluate(0, Split::Test, &ratios).unwrap().loss
    }
}
