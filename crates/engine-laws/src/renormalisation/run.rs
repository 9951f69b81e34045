//! A run without weight decay, whose rate grows, and the same at other scales.

use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split, State,
};
use scale_invariance::SCALED_GROUP;

use super::networks::{INPUT, Net};
use crate::Subject;

pub(super) const BATCH: usize = 5;
const IMAGES: usize = 16;

/// The size that a run without weight decay has reached at a step: `ln η̃` grows by `growth` each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) growth: f64,
}

impl Schedule {
    /// Of one group, the scaled one rescaled by `2^total`.
    pub(super) fn hyper(self, step: usize, group: usize, total: i64) -> GroupHyper {
        if group != SCALED_GROUP {
            return GroupHyper::new(0.05, 1e-3, 0.9);
        }
        let plain = 0.1 * (step as f64 * self.growth).exp();
        GroupHyper {
            learning_rate: plain * 4f64.powi(total as i32),
            scale_ratio: (-0.5 * self.growth).exp(),
            ..GroupHyper::new(0.1, 0.0, 0.8)
        }
    }
}

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
            ..net.options(1)
        };
        let mut engine = subject.make(&net.graph, options);
        for split in [Split::Train, Split::Test] {
            engine.load_images(split, images()).unwrap();
        }
        let start = State::initial(&net.graph, 11);
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
