//! The law in training: a small PreResNet in float64 with ε = 0, 200 steps across a decay boundary.
//!
//! On CIFAR-10 where `$CIFAR10_DIR` or `data/` in the workspace holds it, on the synthetic set
//! otherwise. Run with `--nocapture` to see which, and the numbers.

use std::path::PathBuf;
use std::sync::Arc;

use datasets::{Augmentation, Dataset, LocateOptions, Network, Preference, Sampler, locate};
use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, Precision, Split, State,
    Symmetry,
};
use nn_graph::nets::{Architecture, NetConfig, Normaliser};
use nn_graph::{Affine, Bias, Graph};
use nn_reference::ReferenceEngine;
use recipe_file::{Optimizer, RecipeTables};
use scale_invariance::analyse;
use schedule_core::{ExactLaw, Hyperparameters, Recipe, Schedule};
use trainer::experiment::Transform;
use trainer::lockstep::{
    Deviation, Gap, Scales, free_running, map_state, one_ulp_away, resynchronised,
};
use trainer::plan::{NoTwin, RunSchedule, TwinLaw, TwinStep};

const STEPS: u64 = 200;
const BOUNDARY: u64 = 100;
const BATCH: usize = 4;
/// Deviations seen are below 1e-14.
const ONE_STEP: f64 = 1e-12;
/// Of the twin's gap to the control's. Seen over 8 starts: 0.2 to 4.3.
const FREE: f64 = 10.0;
/// The first steps are not judged, see [`Gap::largest_ratio`].
const JUDGED_FROM: usize = 20;
/// One part in a thousand.
const PERTURBATION: f64 = 1.001;

struct Setup {
    graph: Graph,
    symmetry: Symmetry,
    recipe: RecipeTables,
    batches: Vec<BatchSpec>,
    images: Dataset,
    seed: u64,
}

impl Setup {
    fn new() -> Self {
        Self::of(&NetConfig::new(Architecture::PreResNet, 8))
    }

    /// A network of width 4 and without ε.
    fn of(config: &NetConfig) -> Self {
        let mut config = config.clone();
        (config.width, config.epsilon) = (4, 0.0);
        let graph = config.build().unwrap();
        let analysis = analyse(&graph);
        assert!(analysis.is_convertible());
        let images = images();
        let augmentation = Augmentation::CropAndFlip { padding: 4 };
        let sampler = Sampler::new(images.train.len(), BATCH, 7, augmentation).unwrap();
        let batches = (0..STEPS).map(|step| sampler.batch(step)).collect();
        Self {
            graph,
            symmetry: analysis.symmetry,
            recipe: recipe(),
            batches,
            images,
            seed: 3,
        }
    }

    fn engine(&self, replicas: usize) -> ReferenceEngine {
        let mut options = EngineOptions::new(&self.graph, BATCH);
        options.replicas = replicas;
        options.symmetry = self.symmetry.clone();
        let mut engine = ReferenceEngine::new(&self.graph, options).unwrap();
        engine
            .load_images(Split::Train, Arc::new(self.images.train.clone()))
            .unwrap();
        engine
            .load_images(Split::Test, Arc::new(self.images.test.clone()))
            .unwrap();
        let start = State::initial(&self.graph, self.seed);
        for replica in 0..replicas {
            engine.load_state(replica, &start).unwrap();
        }
        engine
    }

    fn resynchronised(
        &self,
        convert: impl FnMut(GroupHyper) -> Result<TwinStep, NoTwin>,
        steps: usize,
    ) -> Vec<Deviation> {
        let mut engine = self.engine(2);
        resynchronised(
            &mut engine,
            &self.symmetry,
            &self.recipe,
            &self.batches[..steps],
            convert,
        )
        .unwrap()
    }

    fn free_running(
        &self,
        convert: impl FnMut(GroupHyper) -> Result<TwinStep, NoTwin>,
        steps: usize,
    ) -> Vec<Gap> {
        let mut engine = self.engine(3);
        let batches = &self.batches[..steps];
        free_running(
            &mut engine,
            &self.symmetry,
            &self.recipe,
            batches,
            11,
            convert,
        )
        .unwrap()
    }
}

/// The paper's rates and decay, its first decay boundary after 100 steps.
fn recipe() -> RecipeTables {
    Recipe::new(
        Schedule::step_decay(0.1, 0.1, &[BOUNDARY]).unwrap(),
        Schedule::constant(5e-4).unwrap(),
        Schedule::constant(0.9).unwrap(),
    )
    .unwrap()
    .into()
}

fn images() -> Dataset {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data");
    let environment = std::env::var_os("CIFAR10_DIR").map(PathBuf::from);
    let mut options = LocateOptions {
        environment: environment.filter(|dir| dir.is_dir()),
        default_dir: workspace,
        network: Network::Forbidden,
        preference: Preference::Cifar10,
        ..LocateOptions::default()
    };
    (options.synthetic.train, options.synthetic.test) = (1_024, 64);
    let images = locate(&options, &mut |_| {}).unwrap().truncated(1_024, 64);
    println!("the images are {}", images.source);
    images
}

/// The law with its increment `d_t = λ_t + γ_t κ_{t−1}` wrong by one part in a thousand, and all
/// that follows from it.
fn perturbed_recurrence() -> impl FnMut(GroupHyper) -> Result<TwinStep, NoTwin> {
    let mut buffer_coefficient = 0.0;
    let (mut step, mut ln_scale) = (0, 0.0);
    move |hyper| {
        let true_decay = hyper.weight_decay + hyper.momentum * buffer_coefficient;
        // One step of the law gives d_t if all of it comes from the decay.
        let mut equivalent = ExactLaw::new().step(Hyperparameters {
            learning_rate: hyper.learning_rate,
            weight_decay: PERTURBATION * true_decay,
            momentum: hyper.momentum,
        })?;
        equivalent.step = step;
        equivalent.buffer_coefficient = buffer_coefficient;
        equivalent.ln_learning_rate -= 2.0 * ln_scale;
        equivalent.ln_scale += ln_scale;
        equivalent.ln_scale_after += ln_scale;
        buffer_coefficient = equivalent.buffer_coefficient_after;
        (step, ln_scale) = (step + 1, equivalent.ln_scale_after);
        Ok(TwinStep::Coupled(equivalent))
    }
}

#[test]
fn resynchronised_every_step_agrees() {
    let mut law = TwinLaw::new(Optimizer::Sgd);
    let deviations = Setup::new().resynchronised(|hyper| law.step(hyper), STEPS as usize);
    let largest = deviations
        .iter()
        .copied()
        .fold(Deviation::default(), Deviation::max);
    println!("largest deviation of {STEPS} steps: {largest}");
    for (step, deviation) in deviations.iter().enumerate() {
        assert!(deviation.largest() < ONE_STEP, "step {step}: {deviation}");
    }
}

#[test]
fn resynchronised_plain_networks_agree() {
    use Architecture::{FullyConnected, PlainCnn};
    // A bias before batch normalisation is cancelled, and its gradient nothing but rounding.
    let affine = (Normaliser::Batch, Affine::ScaleAndShift, Bias::None);
    let bias = (Normaliser::Layer, Affine::None, Bias::Trained);
    for (architecture, depth, choices) in [
        (PlainCnn, 8, affine),
        (PlainCnn, 8, bias),
        (FullyConnected, 4, affine),
        (FullyConnected, 4, bias),
    ] {
        let mut config = NetConfig::new(architecture, depth);
        (config.normaliser, config.affine, config.bias) = choices;
        let setup = Setup::of(&config);
        // The law is that of all trained parameters.
        assert_eq!(setup.symmetry.groups(), 1);
        let mut law = TwinLaw::new(Optimizer::Sgd);
        let deviations = setup.resynchronised(|hyper| law.step(hyper), 20);
        for deviation in deviations {
            assert!(deviation.largest() < ONE_STEP, "{config:?}: {deviation}");
        }
    }
}

#[test]
fn free_running_the_twin_stays_as_close_as_a_control() {
    let mut law = TwinLaw::new(Optimizer::Sgd);
    let gaps = Setup::new().free_running(|hyper| law.step(hyper), STEPS as usize);
    let ratio = Gap::largest_ratio(&gaps, JUDGED_FROM);
    for step in [0, 9, 49, 99, 100, 149, 199] {
        println!(
            "after step {step}: twin {:.2e}, control {:.2e}",
            gaps[step].twin, gaps[step].control
        );
    }
    println!("largest ratio of running maxima: {ratio:.2}");
    assert!(ratio < FREE, "{ratio}");
    // The control is one: it did move, and neither has left the other's neighbourhood.
    let last = gaps.last().unwrap();
    assert!(last.control > 0.0 && last.control < 1e-6, "{last:?}");
}

#[test]
fn both_checks_fail_when_the_recurrence_is_off_by_a_thousandth() {
    let setup = Setup::new();
    let steps = 10;
    let deviations = setup.resynchronised(perturbed_recurrence(), steps);
    let smallest = deviations
        .iter()
        .map(Deviation::largest)
        .fold(f64::INFINITY, f64::min);
    println!("perturbed, resynchronised: every step is off by at least {smallest:.1e}");
    assert!(smallest > ONE_STEP, "{smallest}");

    let ratio = Gap::largest_ratio(
        &setup.free_running(perturbed_recurrence(), JUDGED_FROM + 5),
        JUDGED_FROM,
    );
    println!("perturbed, free-running: ratio {ratio:.1e}");
    assert!(ratio > FREE, "{ratio}");

    // The perturbation is the only difference: without it the same code agrees.
    let mut law = TwinLaw::new(Optimizer::Sgd);
    let honest = setup.resynchronised(|hyper| law.step(hyper), steps);
    assert!(
        honest
            .iter()
            .all(|deviation| deviation.largest() < ONE_STEP)
    );
}

#[test]
fn both_checks_fail_when_the_scale_is_off_by_a_thousandth() {
    let setup = Setup::new();
    let wrong_scale = || {
        let mut law = TwinLaw::new(Optimizer::Sgd);
        move |hyper| {
            let mut twin = law.step(hyper)?;
            if let TwinStep::Coupled(equivalent) = &mut twin {
                equivalent.ln_scale_after += PERTURBATION.ln();
            }
            Ok(twin)
        }
    };
    let deviations = setup.resynchronised(wrong_scale(), 5);
    assert!(
        deviations
            .iter()
            .all(|deviation| deviation.parameters > ONE_STEP)
    );
    let ratio = Gap::largest_ratio(
        &setup.free_running(wrong_scale(), JUDGED_FROM + 1),
        JUDGED_FROM,
    );
    assert!(ratio > FREE, "{ratio}");
}

#[test]
fn evaluation_needs_the_corrected_running_statistics() {
    let setup = Setup::new();
    // A decay at the law's limit, where scales differ most.
    let recipe: RecipeTables = Recipe::new(
        Schedule::constant(0.1).unwrap(),
        Schedule::constant(0.02).unwrap(),
        Schedule::constant(0.9).unwrap(),
    )
    .unwrap()
    .into();
    let steps = 30;
    let mut engine = setup.engine(3);
    let mut runs = [Transform::Original, Transform::WdFree, Transform::WdFree]
        .map(|transform| RunSchedule::new(&recipe, transform).unwrap());
    for batch in &setup.batches[..steps] {
        let planned: Vec<_> = runs
            .iter_mut()
            .map(|run| run.next_step().unwrap())
            .collect();
        let table = HyperTable::from_fn(1, 3, setup.symmetry.groups(), |_, run, group| {
            let mut hyper = planned[run].hyper(group);
            if run == 2 {
                hyper.scale_ratio = 1.0; // the uncorrected run
            }
            hyper
        });
        engine
            .run(
                Batches::shared(std::slice::from_ref(batch)),
                &table.unwrap(),
            )
            .unwrap();
    }
    let due = runs[1].due_scale_ratios(setup.symmetry.groups());
    let mut loss = |run, ratios: &[f64]| engine.evaluate(run, Split::Test, ratios).unwrap().loss;
    let original = loss(0, &[1.0]);
    let corrected = (loss(1, &due) / original - 1.0).abs();
    let last_missing = (loss(1, &[1.0]) / original - 1.0).abs();
    let uncorrected = (loss(2, &[1.0]) / original - 1.0).abs();
    println!(
        "test loss {original}: corrected {corrected:.1e}, without the last {last_missing:.1e}, uncorrected {uncorrected:.1e}"
    );
    assert!(corrected < 1e-10, "{corrected}");
    assert!(last_missing > 1e-6, "{last_missing}");
    assert!(uncorrected > 1e-3, "{uncorrected}");
}

#[test]
fn a_mapped_state_has_the_same_function() {
    let setup = Setup::new();
    let mut engine = setup.engine(2);
    let original = engine.state(0).unwrap();
    let scales = Scales {
        ln_scale: -3.0,
        ln_buffer_scale: -3.0,
        buffer_coefficient: 0.1,
        ln_statistics_scale: -3.0,
    };
    let mapped = map_state(&setup.graph, &setup.symmetry, &original, scales);
    engine.load_state(1, &mapped).unwrap();
    let [a, b] = [0, 1].map(|run| engine.evaluate(run, Split::Test, &[1.0]).unwrap().loss);
    assert!((a / b - 1.0).abs() < 1e-12, "{a} and {b}");
    // The fixed head is not scaled, everything trained is.
    assert_eq!(mapped.get("head.weight"), original.get("head.weight"));
    assert_ne!(
        mapped.get("stem.conv1.weight"),
        original.get("stem.conv1.weight")
    );
    let moved = one_ulp_away(
        &setup.graph,
        &setup.symmetry,
        &original,
        Precision::Float64,
        1,
    );
    assert_eq!(moved.get("head.weight"), original.get("head.weight"));
    let weights = |state: &State| state.get("stem.conv1.weight").unwrap().values.clone();
    let (before, after) = (weights(&original), weights(&moved));
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(a, b)| a != b && (a.next_up() == *b || a.next_down() == *b))
    );
    let up = before.iter().zip(&after).filter(|(a, b)| b > a).count();
    assert!(
        (up as f64 / before.len() as f64 - 0.5).abs() < 0.2,
        "{up} of {}",
        before.len()
    );
}

/// Not a test of the code but of the factor 10: how the ratio varies with the start. Takes minutes.
#[test]
#[ignore = "a measurement"]
fn spread_of_the_ratio_over_starts() {
    let mut setup = Setup::new();
    for seed in 0..8 {
        setup.seed = seed;
        let mut law = TwinLaw::new(Optimizer::Sgd);
        let gaps = setup.free_running(|hyper| law.step(hyper), 60);
        let ratios = [0, 5, JUDGED_FROM, 40].map(|from| Gap::largest_ratio(&gaps, from));
        println!("seed {seed}: ratio from steps 0, 5, {JUDGED_FROM}, 40: {ratios:.2?}");
    }
}
