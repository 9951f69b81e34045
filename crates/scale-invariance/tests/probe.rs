//! The calculus and the numbers agree, on networks that the reference engine runs; and a wrong claim is seen.

mod common;

use std::sync::Arc;

use common::config;
use nn_engine::{BatchSpec, Engine, EngineError, EngineOptions, ImageSet, Split, State};
use nn_graph::Graph;
use nn_graph::nets::NetConfig;
use nn_graph::network::Network;
use nn_reference::{ReferenceEngine, Statistics};
use proptest::prelude::*;
use scale_invariance::{Check, Claim, Degree, Inspection, Invariance, inspect, probe};

/// Random numbers in (−½, ½), the same for the same seed.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }
}

/// Parameters in general position: a bias of 0 would hide that it must be scaled.
fn values(graph: &Graph, seed: u64) -> Vec<Vec<f64>> {
    let mut next = noise(seed);
    let parameters = graph.parameters().iter();
    parameters
        .map(|parameter| (0..parameter.elements()).map(|_| next()).collect())
        .collect()
}

/// Probes what is claimed of the trained parameters of a graph.
fn probed(graph: &Graph, claimed: &Inspection, seed: u64) -> Vec<Check> {
    const IMAGES: usize = 8;
    let mut engine = ReferenceEngine::new(graph, EngineOptions::new(graph, IMAGES)).unwrap();
    let [channels, height, width] = graph.input_shape().dims()[..] else {
        panic!("images")
    };
    let count = IMAGES * graph.input_shape().elements();
    let mut next = noise(!seed);
    let bytes = (0..count).map(|_| ((next() + 0.5) * 256.0) as u8);
    let (mean, deviation) = (vec![0.5; channels], vec![0.25; channels]);
    let images = ImageSet::new(
        [channels, height, width],
        bytes.collect(),
        vec![0; IMAGES],
        mean,
        deviation,
    );
    engine
        .load_images(Split::Train, Arc::new(images.unwrap()))
        .unwrap();
    let batch = BatchSpec::plain((0..IMAGES as u32).collect());
    let all = [0, 1, 2].map(|point: u64| values(graph, seed ^ (point << 32)));
    let trained = graph.parameters().iter().enumerate();
    let trained: Vec<usize> = trained
        .filter(|(_, parameter)| parameter.trainable)
        .map(|(place, _)| place)
        .collect();
    let of_trained = |all: &Vec<Vec<f64>>| trained.iter().map(|&at| all[at].clone()).collect();
    let points: Vec<Vec<Vec<f64>>> = all.iter().map(of_trained).collect();
    let mut state = State::initial(graph, 0);
    for (tensor, values) in state.tensors.iter_mut().zip(&all[0]) {
        tensor.values.clone_from(values);
    }
    let function = |values: &[Vec<f64>]| -> Result<Vec<f64>, EngineError> {
        for (&place, values) in trained.iter().zip(values) {
            state.tensors[place].values.clone_from(values);
        }
        engine.load_state(0, &state)?;
        Ok(engine.logits(0, &batch, Statistics::Batch)?.values)
    };
    probe(claimed, &points, function).unwrap()
}

fn all_hold(config: &NetConfig, seed: u64) -> Result<Vec<Check>, TestCaseError> {
    let graph = config.build().unwrap();
    let checks = probed(&graph, &inspect(&Network::from(&graph)), seed);
    for check in &checks {
        prop_assert!(check.holds(), "{:?} of {:?}", check, config);
    }
    Ok(checks)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calculus_and_probe_agree(choice in any::<[bool; 6]>(), width in 2usize..4, size in 6usize..9, seed in any::<u64>()) {
        all_hold(&config(choice, width, size), seed)?;
    }
}

/// Every choice once, and nothing is left out.
#[test]
fn every_kind_of_claim_is_checked() {
    let (mut pieces, mut alone, mut complete) = (0, 0, 0);
    for choice in 0..64u8 {
        let bits = [0, 1, 2, 3, 4, 5].map(|place: u8| choice >> place & 1 == 1);
        let checks = all_hold(&config(bits, 3, 7), 7).unwrap();
        let count = |kind: fn(&Claim) -> bool| checks.iter().filter(|c| kind(&c.claim)).count();
        pieces += count(|claim| matches!(claim, Claim::Pieces { .. }));
        alone += count(|claim| matches!(claim, Claim::NotAlone { .. }));
        complete += count(|claim| matches!(claim, Claim::Complete { .. }));
        assert_eq!(count(|claim| matches!(claim, Claim::Together { .. })), 1);
    }
    assert!(
        pieces > 200 && alone > 500 && complete == 56,
        "{pieces} {alone} {complete}"
    );
}

/// What a wrong inspection would claim of a network with every kind of parameter.
#[test]
fn a_wrong_claim_is_seen() {
    let graph = config([true, true, false, true, true, false], 3, 7)
        .build()
        .unwrap();
    let right = inspect(&Network::from(&graph));
    let broken = |change: &dyn Fn(&mut Inspection)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        let checks = probed(&graph, &wrong, 3);
        let broken = checks.into_iter().filter(|check| !check.holds());
        broken.map(|check| check.claim).collect::<Vec<Claim>>()
    };
    assert_eq!(broken(&|_| {}), []);
    let invariant = right.scale_invariant;
    assert_eq!(
        broken(&|wrong| wrong.scale_invariant = !invariant),
        [Claim::Together {
            invariant: !invariant
        }]
    );
    let place = |invariance| {
        let mut parameters = right.parameters.iter();
        parameters
            .position(|found| found.invariance == invariance)
            .unwrap()
    };
    let (alone, not) = (place(Invariance::Alone), place(Invariance::None));
    assert_eq!(
        broken(&|wrong| wrong.parameters[alone].invariance = Invariance::None),
        [Claim::NotAlone { parameter: alone }]
    );
    let exponents = vec![(not, Degree::from(1))];
    assert_eq!(
        broken(&|wrong| wrong.groups[0].basis.push(exponents.clone())),
        [Claim::Scaling {
            group: 0,
            exponents: exponents.clone()
        }]
    );
    let dimension = right.dimension - 1;
    assert_eq!(
        broken(&|wrong| wrong.dimension = dimension),
        [Claim::Complete { dimension }]
    );
    // The input channels of a convolution are no pieces of it.
    assert_eq!(
        broken(&|wrong| wrong.parameters[alone].axis = Some(1)),
        [Claim::Pieces { parameter: alone }]
    );
}
