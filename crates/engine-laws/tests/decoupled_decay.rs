//! The laws of decoupled weight decay in training: AdamW against Adam and SGDW against SGD, on a PreResNet in float64,
//! the run without weight decay brought to the other's state before every step.

use std::collections::BTreeMap;
use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Moments,
    Optimiser, Split, State, Symmetry, statistics_names,
};
use nn_graph::nets::{Architecture, NetConfig, Stem};
use nn_graph::{Affine, Graph};
use nn_reference::ReferenceEngine;
use scale_invariance::{SCALED_GROUP, analyse};
use schedule_core::law::decoupled::{AdamWLaw, DecoupledLaw, DecoupledStep};
use schedule_core::optimiser::{AdamWCoefficients, AdamWHyperparameters, MovingAverage};

const STEPS: usize = 120;
const BATCH: usize = 4;
const IMAGES: usize = 24;
const INPUT: [usize; 3] = [3, 8, 8];
/// Of every tensor and of the loss, relative to its largest value.
const ONE_STEP: f64 = 1e-12;
/// What a wrong law deviates by, at least.
const WRONG: f64 = 1e-6;

/// What is wrong with a twin's step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    /// `η̃ = η/A_t` of AdamW, `η/A_t²` of SGDW: the scale before the step where that after it belongs.
    RateOfTheStepBefore,
    /// `η̃ = η/(A_{t+1}A_t)` of AdamW, `η/A_{t+1}` of SGDW.
    DegreeOfTheOther,
    /// The memory's own coefficient.
    MemoryUnscaled,
    /// `β₂ a_{t−1}`.
    SecondMomentAsTheFirst,
    /// `1 − β₁a_{t−1}`, as a stock optimiser has it.
    WeightOfTheNewBeta,
    EpsilonUnscaled,
}

/// A run with decoupled decay, and the law that takes it off.
enum Law {
    Sgdw(DecoupledLaw),
    AdamW(AdamWLaw),
}

/// Of one step: both runs' hyperparameters of the scaled group, and the scales between them.
struct Converted {
    original: GroupHyper,
    twin: GroupHyper,
    scales: DecoupledStep,
}

/// Rates that change, decay enough for a scale of a hundred after all steps.
fn rate(step: usize) -> f64 {
    let drop = if step < STEPS / 2 { 1.0 } else { 0.5 };
    drop * (1.0 + 0.3 * (step as f64).sin())
}

fn of_coefficients(with: &AdamWCoefficients) -> GroupHyper {
    let moments = Moments {
        first_weight: with.first_moment.weight,
        second_keep: with.second_moment.keep,
        second_weight: with.second_moment.weight,
        bias_corrections: [with.first_bias_correction, with.second_bias_correction],
        epsilon: with.epsilon,
    };
    let kept = with.first_moment.keep;
    GroupHyper {
        moments: Some(moments),
        ..GroupHyper::new(with.learning_rate, with.weight_decay, kept)
    }
}

impl Law {
    fn new(optimiser: Optimiser) -> Self {
        match optimiser {
            Optimiser::AdamW => Self::AdamW(AdamWLaw::new()),
            _ => Self::Sgdw(DecoupledLaw::sgdw()),
        }
    }

    fn step(&mut self, step: usize) -> Converted {
        match self {
            Self::Sgdw(law) => {
                let (rate, decay) = (0.05 * rate(step), 1.0);
                let scales = law.step(rate, decay).unwrap();
                let kept = scales.memory(MovingAverage::of_momentum(0.9)).keep;
                Converted {
                    original: GroupHyper::new(rate, decay, 0.9),
                    twin: GroupHyper::new(scales.learning_rate(), 0.0, kept),
                    scales,
                }
            }
            Self::AdamW(law) => {
                let hyper = AdamWHyperparameters {
                    learning_rate: 0.01 * rate(step),
                    weight_decay: 5.0,
                    beta1: 0.9,
                    beta2: 0.97,
                    // So large that it shows where it is not scaled.
                    epsilon: 1e-3,
                };
                let converted = law.step(hyper).unwrap();
                Converted {
                    original: of_coefficients(&hyper.coefficients(step as u64)),
                    twin: of_coefficients(&converted.coefficients()),
                    scales: converted.decoupled,
                }
            }
        }
    }
}

impl Mistake {
    fn made(self, converted: &Converted) -> GroupHyper {
        let (mut twin, scales) = (converted.twin, &converted.scales);
        let before = scales.ln_scale.exp();
        let mut moments = twin.moments;
        let sgdw = moments.is_none();
        match (self, &mut moments) {
            (Self::None, _) => {}
            (Self::RateOfTheStepBefore, _) => twin.learning_rate *= scales.shrink,
            (Self::DegreeOfTheOther, _) if sgdw => twin.learning_rate *= before,
            (Self::DegreeOfTheOther, _) => twin.learning_rate /= before,
            (Self::MemoryUnscaled, _) => twin.momentum = converted.original.momentum,
            (Self::SecondMomentAsTheFirst, Some(m)) => m.second_keep /= scales.shrink_before,
            (Self::WeightOfTheNewBeta, Some(m)) => m.first_weight = 1.0 - twin.momentum,
            (Self::EpsilonUnscaled, Some(m)) => m.epsilon /= before,
            (_, None) => panic!("SGDW has no moments"),
        }
        GroupHyper { moments, ..twin }
    }
}

/// The twin's state: `θ/A`, first memories times `A'`, second moments times `A'²`, and running statistics of a
/// normaliser's input of degree `x` divided by `A'^x` and `A'^{2x}`; with `A` the parameters' scale and `A'` the one before.
fn map_state(
    graph: &Graph,
    symmetry: &Symmetry,
    state: &State,
    [ln_scale, ln_before]: [f64; 2],
) -> State {
    // By what the logarithm of each tensor grows.
    let mut growth: BTreeMap<String, f64> = BTreeMap::new();
    for (index, parameter) in graph.parameters().iter().enumerate() {
        if symmetry.group[index] == SCALED_GROUP && symmetry.exponent[index] != 0 {
            let name = &parameter.name;
            growth.insert(name.clone(), -ln_scale);
            growth.insert(format!("{name}.momentum_buffer"), ln_before);
            growth.insert(format!("{name}.first_moment"), ln_before);
            growth.insert(format!("{name}.second_moment"), 2.0 * ln_before);
        }
    }
    for (id, degrees) in graph.normalisers().into_iter().zip(&symmetry.degree) {
        let ln_mean = -f64::from(degrees[SCALED_GROUP]) * ln_before;
        let [mean, variance] = statistics_names(&graph.node(id).name);
        growth.extend([(mean, ln_mean), (variance, 2.0 * ln_mean)]);
    }
    let mut twin = state.clone();
    for tensor in &mut twin.tensors {
        let factor = growth.get(&tensor.name).copied().unwrap_or(0.0).exp();
        tensor.values.iter_mut().for_each(|value| *value *= factor);
    }
    twin
}

/// Largest deviation of a tensor, relative to its largest value.
fn deviation(found: &State, wanted: &State) -> f64 {
    let pairs = found.tensors.iter().zip(&wanted.tensors);
    let of_each = pairs.map(|(found, wanted)| {
        let largest = wanted.values.iter().fold(0.0, |a: f64, w| a.max(w.abs()));
        let pairs = found.values.iter().zip(&wanted.values);
        let error = pairs.fold(0.0, |a: f64, (f, w)| a.max((f - w).abs()));
        if error == 0.0 { 0.0 } else { error / largest }
    });
    of_each.fold(0.0, f64::max)
}

fn images() -> Arc<ImageSet> {
    let bytes = IMAGES * INPUT.iter().product::<usize>();
    let pixels = (0..bytes).map(|i| (i * i * 31 % 251) as u8).collect();
    let labels = (0..IMAGES).map(|i| (i * 7 % 5) as u8).collect();
    Arc::new(ImageSet::new(INPUT, pixels, labels, vec![0.5; 3], vec![0.25; 3]).unwrap())
}

fn network(affine: bool) -> Graph {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    (config.width, config.input, config.classes) = (3, INPUT, 5);
    config.epsilon = 0.0;
    if affine {
        (config.affine, config.stem) = (Affine::ScaleAndShift, Stem::ConvNormReluConv);
    }
    config.build().unwrap()
}

/// Largest deviation of a step over all, up to the first one that is wrong.
fn resynchronised(graph: &Graph, optimiser: Optimiser, mistake: Mistake) -> f64 {
    let analysis = analyse(graph);
    assert!(analysis.is_convertible());
    let symmetry = analysis.symmetry;
    let options = EngineOptions {
        replicas: 2,
        symmetry: symmetry.clone(),
        optimiser,
        ..EngineOptions::new(graph, BATCH)
    };
    let mut engine = ReferenceEngine::new(graph, options).unwrap();
    engine.load_images(Split::Train, images()).unwrap();
    let start = State::initial(graph, 5).with_optimiser(graph, optimiser);
    engine.load_state(0, &start).unwrap();
    let (mut law, mut worst) = (Law::new(optimiser), 0.0_f64);
    for step in 0..STEPS {
        let converted = law.step(step);
        let scales = &converted.scales;
        let map = |state: &State, scales| map_state(graph, &symmetry, state, scales);
        let before = engine.state(0).unwrap();
        let before = map(&before, [scales.ln_scale, scales.ln_memory_scale]);
        engine.load_state(1, &before).unwrap();
        let twin = GroupHyper {
            scale_ratio: scales.shrink_before,
            ..mistake.made(&converted)
        };
        let table = HyperTable::from_fn(1, 2, symmetry.groups(), |_, replica, group| {
            match (replica, group) {
                (1, SCALED_GROUP) => twin,
                _ => converted.original,
            }
        });
        let indices = (0..BATCH).map(|i| ((i * 5 + step * 3) % IMAGES) as u32);
        let batch = [BatchSpec::plain(indices.collect())];
        let stats = engine
            .run(Batches::shared(&batch), &table.unwrap())
            .unwrap();
        let (loss, of_twin) = (stats.get(0, 0).loss, stats.get(0, 1).loss);
        worst = worst.max((of_twin - loss).abs() / loss);
        let after = engine.state(0).unwrap();
        let wanted = map(&after, [scales.ln_scale_after, scales.ln_scale]);
        worst = worst.max(deviation(&engine.state(1).unwrap(), &wanted));
        if worst > WRONG {
            break;
        }
    }
    println!(
        "{optimiser}, {mistake:?}: {worst:.1e}, ln A = {:.2}",
        match &law {
            Law::Sgdw(law) => law.ln_scale(),
            Law::AdamW(law) => law.ln_scale(),
        }
    );
    worst
}

#[test]
fn every_step_of_the_twin_is_the_step_of_the_run_with_decay() {
    for affine in [false, true] {
        for optimiser in [Optimiser::Sgdw, Optimiser::AdamW] {
            let worst = resynchronised(&network(affine), optimiser, Mistake::None);
            assert!(worst < ONE_STEP, "{optimiser}, affine {affine}: {worst:e}");
        }
    }
}

#[test]
fn a_wrong_law_shows() {
    use Mistake::*;
    let of_both = [RateOfTheStepBefore, DegreeOfTheOther, MemoryUnscaled];
    let of_adamw = [SecondMomentAsTheFirst, WeightOfTheNewBeta, EpsilonUnscaled];
    let mistakes = of_both.map(|mistake| (Optimiser::Sgdw, mistake));
    let mistakes = mistakes.into_iter().chain(
        of_both
            .into_iter()
            .chain(of_adamw)
            .map(|mistake| (Optimiser::AdamW, mistake)),
    );
    for (optimiser, mistake) in mistakes {
        let worst = resynchronised(&network(false), optimiser, mistake);
        assert!(worst > WRONG, "{optimiser}, {mistake:?}: {worst:e}");
    }
}
