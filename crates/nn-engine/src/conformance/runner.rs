//! Trains a case on two engines and compares.

use std::sync::Arc;

use nn_graph::Graph;

use super::bounds::{distance, norm};
use super::sizes::Sizes;
use super::{Algorithm, Bounds, Case, ConformanceError, Deviation, Report, Stage, rescaling};
use crate::{
    Device, Engine, EngineError, EngineOptions, HyperTable, NamedTensor, ParameterComparison,
    Products, Split, State, Stats, statistics_names,
};

/// Builds both engines and [`run`]s the case; `algorithm` is the candidate's.
///
/// # Errors
/// [`ConformanceError`] if the case or an engine fails; a wrong number is no error but in the report.
pub fn run_case<R: Engine, C: Engine>(
    case: &Case,
    algorithm: Algorithm,
    reference: impl FnOnce(&Graph, EngineOptions) -> Result<R, EngineError>,
    candidate: impl FnOnce(&Graph, EngineOptions) -> Result<C, EngineError>,
) -> Result<Report, ConformanceError> {
    let graph = case.graph().map_err(|source| ConformanceError::Graph {
        case: case.name.clone(),
        source,
    })?;
    let mut reference = reference(&graph, case.options(&graph))
        .map_err(|source| failure(case, "reference", source))?;
    let mut candidate = candidate(&graph, case.options(&graph))
        .map_err(|source| failure(case, "candidate", source))?;
    run(case, algorithm, &mut reference, &mut candidate)
}

/// Trains the case on both engines and compares: after a first step without weight decay the loss,
/// gradients (momentum buffers), parameters and running statistics; the same after all steps; then
/// evaluation, with and without rescaled statistics. Then, where the case says how, the candidate is compared with
/// itself at other scales, bit for bit. `algorithm` is the candidate's. Both engines are made with [`Case::options`]
/// for [`Case::graph`].
///
/// # Errors
/// [`ConformanceError`] if the case or an engine fails; a wrong number is no error but in the report.
pub fn run(
    case: &Case,
    algorithm: Algorithm,
    reference: &mut dyn Engine,
    candidate: &mut dyn Engine,
) -> Result<Report, ConformanceError> {
    let graph = reference.graph().clone();
    let Device {
        precision,
        products,
        ..
    } = candidate.device();
    let bounds = |products| Bounds::new(case, &graph, (precision, products), algorithm);
    let mut comparison = Comparison {
        case,
        bounds: bounds(products),
        without_products: bounds(Products::Full),
        start: (0..case.replicas.len())
            .map(|replica| case.state(&graph, replica))
            .collect(),
        report: Report::new(&case.name),
        graph,
    };
    comparison.prepare("reference", reference)?;
    comparison.prepare("candidate", candidate)?;
    // In two calls, so that the second finds the state that the first left.
    let (first, rest) = (0..1, 1..case.steps);
    comparison.train(Stage::FirstStep, first, reference, candidate)?;
    if !rest.is_empty() {
        comparison.train(Stage::LastStep, rest, reference, candidate)?;
    }
    comparison.evaluate(reference, candidate)?;
    comparison.check_consistency(candidate)?;
    if let Some(rescale) = &case.rescale {
        let Comparison { start, report, .. } = &mut comparison;
        rescaling::check(case, rescale, start, candidate, report)
            .map_err(|source| failure(case, "candidate", source))?;
    }
    Ok(comparison.report)
}

struct Comparison<'a> {
    case: &'a Case,
    graph: Graph,
    bounds: Bounds,
    /// For what no convolution has part in.
    without_products: Bounds,
    start: Vec<State>,
    report: Report,
}

impl Comparison<'_> {
    fn prepare(&self, name: &'static str, engine: &mut dyn Engine) -> Result<(), ConformanceError> {
        let mut load = || {
            for split in [Split::Train, Split::Test] {
                let images = self.case.images(&self.graph, split)?;
                engine.load_images(split, Arc::new(images))?;
            }
            for (replica, state) in self.start.iter().enumerate() {
                engine.load_state(replica, state)?;
            }
            Ok(())
        };
        load().map_err(|source| failure(self.case, name, source))
    }

    fn train(
        &mut self,
        stage: Stage,
        steps: std::ops::Range<usize>,
        reference: &mut dyn Engine,
        candidate: &mut dyn Engine,
    ) -> Result<(), ConformanceError> {
        let case = self.case;
        let hyper = self.hyper(steps.clone())?;
        let by = |name| move |source| failure(case, name, source);
        let all = case.batches();
        let arranged = case.arranged(&all).map_err(by("the case itself"))?;
        let batches = arranged.part(steps.clone());
        let wanted = reference.run(batches, &hyper).map_err(by("reference"))?;
        let found = candidate.run(batches, &hyper).map_err(by("candidate"))?;
        for replica in 0..self.start.len() {
            self.compare_stats(stage, replica, steps.clone(), (&wanted, &found));
            let wanted = reference.state(replica).map_err(by("reference"))?;
            let found = candidate.state(replica).map_err(by("candidate"))?;
            found
                .check(&self.graph, self.case.optimiser)
                .map_err(by("candidate"))?;
            self.compare_states(stage, replica, steps.end, &wanted, &found);
        }
        Ok(())
    }

    /// Hyperparameters of some steps.
    fn hyper(&self, steps: std::ops::Range<usize>) -> Result<HyperTable, ConformanceError> {
        let by_case = |source| failure(self.case, "the case itself", source);
        let all = self.case.hyper().map_err(by_case)?;
        let hyper = HyperTable::from_fn(steps.len(), all.replicas(), all.groups(), |s, r, g| {
            all.get(steps.start + s, r)[g]
        });
        hyper.map_err(by_case)
    }

    fn compare_stats(
        &mut self,
        stage: Stage,
        replica: usize,
        steps: std::ops::Range<usize>,
        (wanted, found): (&Stats, &Stats),
    ) {
        for (row, step) in steps.enumerate() {
            let (wanted, found) = (wanted.get(row, replica), found.get(row, replica));
            let bound = self.bounds.at_step(step);
            let what = format!("the loss at step {step}");
            self.number(stage, replica, what, wanted.loss, found.loss, bound);
            let what = format!("the number of right answers at step {step}");
            let (wanted, found) = (f64::from(wanted.correct), f64::from(found.correct));
            let images = self.case.batch as f64;
            let allowed = self.bounds.answers(bound, images);
            self.within(stage, replica, what, wanted, found, allowed);
        }
    }

    /// A scalar whose error may be `bound` of its size, or of 1 if it is smaller.
    fn number(
        &mut self,
        stage: Stage,
        replica: usize,
        what: String,
        wanted: f64,
        found: f64,
        bound: f64,
    ) {
        let allowed = bound * wanted.abs().max(1.0);
        self.within(stage, replica, what, wanted, found, allowed);
    }

    /// A scalar that may be another by `allowed`.
    fn within(
        &mut self,
        stage: Stage,
        replica: usize,
        what: String,
        wanted: f64,
        found: f64,
        allowed: f64,
    ) {
        self.report.enter(Deviation {
            stage,
            replica,
            what,
            error: (found - wanted).abs(),
            allowed,
            reference: wanted.abs(),
        });
    }

    fn compare_states(
        &mut self,
        stage: Stage,
        replica: usize,
        steps: usize,
        wanted: &State,
        found: &State,
    ) {
        let sizes = Sizes::new(self.case, &self.graph, replica, steps, wanted);
        // What the step in question adds: gradients of the first step have the bound of gradients.
        let bound = match steps {
            1 => self.bounds.gradient,
            _ => self.bounds.at_step(steps - 1),
        };
        let parameters = self.graph.parameters().to_vec();
        for (index, parameter) in parameters.iter().enumerate() {
            let Some((buffers, moved)) = sizes.allowed(parameter, wanted, bound) else {
                continue;
            };
            for (name, allowed) in buffers {
                if let (Some(wanted), Some(found)) = (wanted.get(&name), found.get(&name)) {
                    self.tensor(stage, replica, wanted, found, allowed);
                }
            }
            // The update is as wrong as the buffers before it, and rounded once every step.
            let (wanted, found) = (&wanted.tensors[index], &found.tensors[index]);
            let start = &self.start[replica].tensors[index];
            let moved = moved.max(bound * distance(wanted, start));
            let rounded = steps as f64 * self.bounds.roundoff * (norm(wanted) + norm(start));
            self.tensor(stage, replica, wanted, found, moved + rounded);
        }
        let bound = self.bounds.at_step(steps - 1);
        for id in self.graph.batch_norms() {
            let [mean, variance] = statistics_names(&self.graph.node(id).name);
            let (Some(mean), Some(variance)) = (wanted.get(&mean), wanted.get(&variance)) else {
                continue;
            };
            // A mean near 0 is a sum of values as large as the deviation.
            let deviation: f64 = variance.values.iter().map(|v| v.abs()).sum::<f64>().sqrt();
            for (wanted, scale) in [
                (mean, norm(mean).max(deviation)),
                (variance, norm(variance)),
            ] {
                if let Some(found) = found.get(&wanted.name) {
                    self.tensor(stage, replica, wanted, found, bound * scale);
                }
            }
        }
    }

    fn tensor(
        &mut self,
        stage: Stage,
        replica: usize,
        wanted: &NamedTensor,
        found: &NamedTensor,
        allowed: f64,
    ) {
        self.report.enter(Deviation {
            stage,
            replica,
            what: format!("`{}`", wanted.name),
            error: distance(wanted, found),
            allowed,
            reference: norm(wanted),
        });
    }

    fn evaluate(
        &mut self,
        reference: &mut dyn Engine,
        candidate: &mut dyn Engine,
    ) -> Result<(), ConformanceError> {
        let case = self.case;
        let by = |name| move |source| failure(case, name, source);
        let bound = self.bounds.gradient.max(self.bounds.at_step(case.steps));
        let plain = vec![1.0; case.groups.max(1)];
        for replica in 0..self.start.len() {
            for (split, ratios) in [
                (Split::Test, &plain),
                (Split::Test, &case.scale_ratios()),
                (Split::Train, &plain),
            ] {
                let evaluated = reference.evaluate(replica, split, ratios);
                let wanted = evaluated.map_err(by("reference"))?;
                let evaluated = candidate.evaluate(replica, split, ratios);
                let found = evaluated.map_err(by("candidate"))?;
                let on = format!("{split} images with scale ratios {ratios:?}");
                let stage = Stage::Evaluation;
                let what = format!("loss of {on}");
                self.number(stage, replica, what, wanted.loss, found.loss, bound);
                let answers = self.bounds.answers(bound, wanted.images as f64);
                for (what, wanted, found, allowed) in [
                    ("right answers", wanted.correct, found.correct, answers),
                    ("number", wanted.images, found.images, 0.0),
                ] {
                    let what = format!("{what} of {on}");
                    let (wanted, found) = (wanted as f64, found as f64);
                    self.within(stage, replica, what, wanted, found, allowed);
                }
            }
        }
        Ok(())
    }

    /// What needs no reference: fixed parameters, norms as the engine computes them, and that a state
    /// read and loaded is the same state.
    fn check_consistency(&mut self, candidate: &mut dyn Engine) -> Result<(), ConformanceError> {
        let case = self.case;
        let by_candidate = |source| failure(case, "candidate", source);
        let stage = Stage::Consistency;
        for replica in 0..self.start.len() {
            let state = candidate.state(replica).map_err(by_candidate)?;
            state
                .check(&self.graph, self.case.optimiser)
                .map_err(by_candidate)?;
            let start = self.start[replica].clone();
            for (index, parameter) in self.graph.parameters().to_vec().iter().enumerate() {
                if !parameter.trainable {
                    let (wanted, found) = (&start.tensors[index], &state.tensors[index]);
                    self.tensor(stage, replica, wanted, found, 0.0);
                }
            }
            let compared = candidate.compare(replica, 0).map_err(by_candidate)?;
            let first = candidate.state(0).map_err(by_candidate)?;
            let bound = 2.0 * self.without_products.smooth;
            for ((a, b), found) in state.tensors.iter().zip(&first.tensors).zip(compared) {
                let pairs = a.values.iter().copied().zip(b.values.iter().copied());
                let wanted = ParameterComparison::of(pairs);
                for (what, wanted, found) in [
                    ("norm", wanted.norm_a, found.norm_a),
                    ("norm in replica 0", wanted.norm_b, found.norm_b),
                    ("distance from replica 0", wanted.distance, found.distance),
                ] {
                    let what = format!("{what} of `{}`", a.name);
                    self.number(stage, replica, what, wanted, found, bound);
                }
            }
            candidate
                .load_state(replica, &state)
                .map_err(by_candidate)?;
            let again = candidate.state(replica).map_err(by_candidate)?;
            for (wanted, found) in state.tensors.iter().zip(&again.tensors) {
                self.tensor(stage, replica, wanted, found, 0.0);
            }
        }
        Ok(())
    }
}

fn failure(case: &Case, engine: &'static str, source: EngineError) -> ConformanceError {
    ConformanceError::Engine {
        case: case.name.clone(),
        engine,
        source,
    }
}
