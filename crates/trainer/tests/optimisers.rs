//! SGDW and AdamW in training, where weight decay is decoupled: a step of the twin is the step of the original, in float64
//! and in float32, whatever is rescaled on the way.

mod common;

use std::fs;
use std::sync::Arc;

use datasets::{Dataset, synthetic};
use nn_cpu::CpuEngine;
use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, Precision, Split, State,
    Symmetry,
};
use nn_graph::Graph;
use nn_reference::ReferenceEngine;
use recipe_file::{Optimizer, RecipeTables};
use run_records::Record;
use scale_invariance::analyse;
use schedule_core::renormalisation::{FloatFormat, Renormaliser};
use trainer::experiment::{Arithmetic, Experiment, Transform};
use trainer::lockstep::{Deviation, Gap, free_running, resynchronised};
use trainer::plan::{NoTwin, RunSchedule, TwinLaw, TwinStep, magnitudes, optimiser};
use trainer::run::{Event, Place, run_experiment};

const BATCH: usize = 4;
const STEPS: usize = 80;
/// Of the twin's gap to the control's, as for SGD.
const FREE: f64 = 10.0;
/// The first steps are not judged, see [`Gap::largest_ratio`].
const JUDGED_FROM: usize = 20;

/// A network of which some parameters keep their decay, at a scale that is a hundredth after all steps.
const EXPERIMENT: &str = r#"
name = "optimisers"
title = "Decoupled decay"
[network]
architecture = "preresnet"
depth = 8
width = 2
affine = "scale-and-shift"
head = "trained"
epsilon = 0.0
[data]
train_images = 64
test_images = 8
[training]
batch_size = 4
epochs = 5
norms_every = 5
law_every = 1
[recipe]
optimizer = { OPTIMIZER }
schedule = { kind = "step", lr = LR, factor = 0.5, epochs = [2.5] }
[[run]]
name = "original"
label = "with decay"
transform = "original"
[[run]]
name = "twin"
label = "without"
transform = "wd-free"
"#;

/// `optimizer` and the rate: an `ε` so large that it shows where it is not scaled.
const SGDW: (&str, &str) = (
    "kind = \"sgdw\", momentum = 0.9, weight_decay = 1.6",
    "0.05",
);
const ADAMW: (&str, &str) = (
    "kind = \"adamw\", beta1 = 0.9, beta2 = 0.97, eps = 1e-3, weight_decay = 8",
    "0.01",
);

fn experiment((optimizer, rate): (&str, &str)) -> Experiment {
    let text = EXPERIMENT
        .replace("OPTIMIZER", optimizer)
        .replace("LR", rate);
    Experiment::parse(&text, "optimisers.toml", None).unwrap()
}

fn images() -> Dataset {
    let spec = synthetic::Spec {
        seed: 0,
        train: 64,
        test: 8,
    };
    spec.generate().unwrap()
}

struct Setup {
    graph: Graph,
    symmetry: Symmetry,
    recipe: RecipeTables,
    batches: Vec<BatchSpec>,
}

impl Setup {
    fn new(experiment: &Experiment) -> Self {
        let graph = experiment.network.graph().unwrap();
        let sampler = experiment.sampler().unwrap();
        Self {
            symmetry: analyse(&graph).symmetry,
            graph,
            recipe: experiment.recipe(None).unwrap(),
            batches: (0..STEPS as u64).map(|step| sampler.batch(step)).collect(),
        }
    }

    fn engine(&self, precision: Precision, replicas: usize) -> Box<dyn Engine> {
        let optimiser = optimiser(&self.recipe);
        let options = EngineOptions {
            replicas,
            symmetry: self.symmetry.clone(),
            optimiser,
            ..EngineOptions::new(&self.graph, BATCH)
        };
        let mut engine: Box<dyn Engine> = match precision {
            Precision::Float64 => Box::new(ReferenceEngine::new(&self.graph, options).unwrap()),
            Precision::Float32 => Box::new(CpuEngine::new(&self.graph, options).unwrap()),
        };
        let images = Arc::new(images().train);
        engine.load_images(Split::Train, images).unwrap();
        let start = State::initial(&self.graph, 3).with_optimiser(&self.graph, optimiser);
        for replica in 0..replicas {
            engine.load_state(replica, &start).unwrap();
        }
        engine
    }

    /// The deviations of some steps from equal states, one after another.
    fn one_step(
        &self,
        precision: Precision,
        steps: usize,
        convert: impl FnMut(GroupHyper) -> Result<TwinStep, NoTwin>,
    ) -> Vec<Deviation> {
        let mut engine = self.engine(precision, 2);
        let (symmetry, batches) = (&self.symmetry, &self.batches[..steps]);
        let found = resynchronised(engine.as_mut(), symmetry, &self.recipe, batches, convert);
        found.unwrap()
    }

    /// How much further the twin leaves the original than a control does, on their own.
    fn free(&self, convert: impl FnMut(GroupHyper) -> Result<TwinStep, NoTwin>) -> f64 {
        let mut engine = self.engine(Precision::Float64, 3);
        let (symmetry, batches) = (&self.symmetry, &self.batches[..60]);
        let gaps = free_running(
            engine.as_mut(),
            symmetry,
            &self.recipe,
            batches,
            11,
            convert,
        );
        Gap::largest_ratio(&gaps.unwrap(), JUDGED_FROM)
    }
}

#[test]
fn a_step_from_equal_states_agrees() {
    for kind in [SGDW, ADAMW] {
        let setup = Setup::new(&experiment(kind));
        for (precision, tolerance) in [(Precision::Float64, 1e-12), (Precision::Float32, 1e-5)] {
            let mut law = TwinLaw::new(setup.recipe.optimizer);
            let found = setup.one_step(precision, STEPS, |hyper| law.step(hyper));
            let mut largest: Vec<f64> = found.iter().map(Deviation::largest).collect();
            largest.sort_by(f64::total_cmp);
            println!(
                "{}, {precision}: up to {:.1e}",
                setup.recipe.optimizer,
                largest[STEPS - 1]
            );
            // In float32 a ReLU at its kink may go either way, now and then.
            let judged = match precision {
                Precision::Float64 => STEPS - 1,
                Precision::Float32 => STEPS - 1 - STEPS / 20,
            };
            assert!(largest[0] > 0.0 && largest[judged] < tolerance);
            assert!(largest[STEPS - 1] < 1e-2);
        }
    }
}

#[test]
fn free_running_the_twin_stays_as_close_as_a_control() {
    for kind in [SGDW, ADAMW] {
        let setup = Setup::new(&experiment(kind));
        let mut law = TwinLaw::new(setup.recipe.optimizer);
        let ratio = setup.free(|hyper| law.step(hyper));
        println!("{}: ratio {ratio:.2}", setup.recipe.optimizer);
        assert!(ratio < FREE, "{kind:?}: {ratio}");
    }
}

#[test]
fn a_law_that_is_off_by_a_thousandth_shows() {
    const OFF: f64 = 1.001;
    let mistakes: [fn(&mut TwinStep); 3] = [
        // The scale after the step, and so the rate.
        |twin| {
            let TwinStep::Decoupled(step) = twin else {
                panic!()
            };
            step.ln_scale_after += OFF.ln();
        },
        // What is kept of memories.
        |twin| {
            let TwinStep::Decoupled(step) = twin else {
                panic!()
            };
            step.shrink_before *= OFF;
        },
        // The scale before it, which memories and `ε` have.
        |twin| {
            let TwinStep::Decoupled(step) = twin else {
                panic!()
            };
            step.ln_scale += OFF.ln();
        },
    ];
    for kind in [SGDW, ADAMW] {
        let setup = Setup::new(&experiment(kind));
        for (index, mistake) in mistakes.into_iter().enumerate() {
            let wrong = || {
                let mut law = TwinLaw::new(setup.recipe.optimizer);
                move |hyper| {
                    let mut twin = law.step(hyper)?;
                    mistake(&mut twin);
                    Ok(twin)
                }
            };
            // Before the first step there are no memories.
            for found in &setup.one_step(Precision::Float64, 5, wrong())[1..] {
                assert!(found.largest() > 1e-6, "{kind:?}, mistake {index}: {found}");
            }
            let ratio = setup.free(wrong());
            assert!(ratio > FREE, "{kind:?}, mistake {index}: {ratio}");
        }
    }
}

#[test]
fn a_step_of_adamw_without_moments_is_refused() {
    let mut law = TwinLaw::new(Optimizer::AdamW);
    let error = law.step(GroupHyper::new(0.5, 0.5, 0.5)).unwrap_err();
    assert_eq!(error, NoTwin::NoMoments);
    assert!(error.to_string().contains("GroupHyper::adamw"), "{error}");
    // The degree is the law's, whatever a step is told.
    let adamw = |step| GroupHyper::adamw(0.5, 0.5, [0.5, 0.5], 1e-8, step);
    law.step(adamw(0)).unwrap();
    let twin = law.step(adamw(1)).unwrap();
    let hyper = twin.hyper(GroupHyper::new(0.5, 0.5, 0.5), 0.75, 0);
    assert!((hyper.learning_rate - 0.5 / 0.75f64.powi(2)).abs() < 1e-15);
}

/// A run that shrinks by half in every step is rescaled while the plain one is still in float32, and is that one.
#[test]
fn rescaling_changes_no_bit() {
    let halving = [
        ("kind = \"sgdw\", momentum = 0.9, weight_decay = 10", "0.05"),
        (
            "kind = \"adamw\", beta1 = 0.9, beta2 = 0.99, eps = 1e-8, weight_decay = 50",
            "0.01",
        ),
    ];
    for kind in halving {
        let setup = Setup::new(&experiment(kind));
        let groups = setup.symmetry.groups();
        let mut engine = setup.engine(Precision::Float32, 2);
        let limits = magnitudes(&setup.graph, &setup.symmetry, &setup.recipe).unwrap();
        let plain = RunSchedule::new(&setup.recipe, Transform::WdFree).unwrap();
        let renormaliser = Renormaliser::new(FloatFormat::F32, limits);
        let mut runs = [plain.clone(), plain.renormalised(renormaliser)];
        let mut total = 0;
        for (step, batch) in setup.batches[..27].iter().enumerate() {
            let planned = runs.each_mut().map(|run| run.next_step().unwrap());
            if let Some(exponents) = planned[1].engine_rescaling(groups) {
                engine.rescale(1, &exponents).unwrap();
            }
            total = planned[1].total_rescaling;
            let table =
                HyperTable::from_fn(1, 2, groups, |_, run, group| planned[run].hyper(group));
            let batch = Batches::shared(std::slice::from_ref(batch));
            let stats = engine.run(batch, &table.unwrap()).unwrap();
            assert_eq!(
                stats.get(0, 0).loss.to_bits(),
                stats.get(0, 1).loss.to_bits(),
                "{kind:?}, step {step}"
            );
        }
        assert!(total > 10, "{kind:?}: {total}");
        // Brought to the same scale, every tensor is the same.
        let mut back = vec![0; groups];
        back[0] = total;
        engine.rescale(1, &back).unwrap();
        let [plain, kept] = [0, 1].map(|run| engine.state(run).unwrap());
        for (plain, kept) in plain.tensors.iter().zip(&kept.tensors) {
            assert_eq!(plain.values, kept.values, "{kind:?}: {}", plain.name);
        }
    }
}

#[test]
fn an_experiment_checks_the_law_and_records_what_no_scale_changes() {
    for kind in [SGDW, ADAMW] {
        let runs = tempfile::tempdir().unwrap();
        let options = common::options(2);
        let place = Place {
            runs: runs.path().to_owned(),
            preset: None,
        };
        let observer = &mut |_: &Event<'_>| {};
        let mut experiment = experiment(kind);
        experiment.training.precision = Arithmetic::Float64;
        let finished = run_experiment(&experiment, images(), &place, &options, observer);
        let records = fs::read_to_string(finished.unwrap().folder.join("records.jsonl")).unwrap();
        let (mut laws, mut rates) = (0, [vec![], vec![]]);
        for line in records.lines() {
            match serde_json::from_str(line).unwrap() {
                Record::Law {
                    parameters,
                    buffers,
                    statistics,
                    loss,
                    ..
                } => {
                    let largest = parameters.max(buffers).max(statistics).max(loss);
                    assert!((1e-17..1e-12).contains(&largest), "{kind:?}: {line}");
                    laws += 1;
                }
                Record::Norms {
                    run,
                    step: 0..=20,
                    effective_rates,
                    ..
                } => rates[run].extend(effective_rates),
                _ => {}
            }
        }
        // After each epoch but the last.
        assert_eq!(laws, 4);
        // The same but for a = 0.92, since the twin's rate is of a step's both ends; what may not be scaled, the same.
        // A shift that is still 0 has none.
        let pairs = rates[0].iter().zip(&rates[1]);
        for (original, twin) in pairs.filter(|(original, _)| original.is_finite()) {
            let ratio = twin / original;
            let off = (ratio - 1.0).abs().min((0.92 * ratio - 1.0).abs());
            assert!(off < 1e-6, "{kind:?}: {twin}, not {original}");
        }
        assert!(
            rates[0]
                .iter()
                .zip(&rates[1])
                .any(|(original, twin)| twin / original > 1.05)
        );
    }
}
