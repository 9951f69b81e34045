//! The corpus on every instruction set this CPU has, against the float64 reference.

use std::io::Write;

use nn_cpu::{CpuEngine, Level};
use nn_engine::conformance::{Algorithm, Case, Tier, run_case};
use nn_engine::{Engine, EngineError, EngineOptions, GroupHyper, HyperTable};
use nn_graph::Graph;
use nn_graph::nets::{Architecture, NetConfig};
use nn_reference::ReferenceEngine;

#[test]
fn every_level_conforms_to_the_reference() {
    let names = |levels: &[Level]| {
        levels
            .iter()
            .map(Level::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let available = Level::available();
    let mut missing = vec![Level::Portable, Level::Avx2, Level::Avx512];
    missing.retain(|level| !available.contains(level));
    let cases = Case::all(Tier::Cpu);
    // Past what `cargo test` captures: a log must say what was tested on its CPU, and what was not.
    let _ = writeln!(
        std::io::stderr(),
        "nn-cpu: {} cases at the levels {}; this CPU has not: {}",
        cases.len(),
        names(&available),
        if missing.is_empty() {
            "none".into()
        } else {
            names(&missing)
        },
    );
    let mut failed = Vec::new();
    for level in available {
        for case in &cases {
            let engine = |graph: &Graph, options| CpuEngine::at_level(graph, options, level);
            let report = run_case(case, Algorithm::Winograd, ReferenceEngine::new, engine).unwrap();
            println!("{level}: {report}");
            if !report.deviations.is_empty() {
                failed.push(format!("{level}: {report}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn calls_that_cannot_be_served_are_refused_in_a_sentence() {
    let graph = NetConfig::new(Architecture::PreResNet, 8).build().unwrap();
    let mut engine = CpuEngine::new(&graph, EngineOptions::new(&graph, 4)).unwrap();
    let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.1, 0.0, 0.9)).unwrap();
    let batch = nn_engine::BatchSpec::plain(vec![0, 1]);
    let refused = engine.run(&[batch], &hyper).unwrap_err();
    assert_eq!(refused, EngineError::NoImages(nn_engine::Split::Train));
    assert_eq!(
        refused.to_string(),
        "no training images are loaded; call load_images first"
    );
    assert!(matches!(
        engine.state(1),
        Err(EngineError::Replica {
            replica: 1,
            replicas: 1
        })
    ));
    let none = EngineOptions {
        replicas: 0,
        ..EngineOptions::new(&graph, 4)
    };
    let refused = CpuEngine::new(&graph, none).err().unwrap().to_string();
    assert_eq!(
        refused,
        "the number of replicas is 0; it must be between 1 and 65536"
    );
}

#[test]
fn a_weight_that_is_no_number_shows_in_the_loss() {
    let graph = NetConfig::new(Architecture::PreResNet, 8).build().unwrap();
    let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.1, 0.0, 0.9)).unwrap();
    let pixels = (0..4 * 3072).map(|i| (i * 37 % 251) as u8).collect();
    let images =
        nn_engine::ImageSet::new([3, 32, 32], pixels, vec![1; 4], vec![0.5; 3], vec![0.25; 3]);
    let images = std::sync::Arc::new(images.unwrap());
    for level in Level::available() {
        let mut engine = CpuEngine::at_level(&graph, EngineOptions::new(&graph, 4), level).unwrap();
        engine
            .load_images(nn_engine::Split::Train, images.clone())
            .unwrap();
        let mut state = nn_engine::State::initial(&graph, 0);
        state.tensors[0].values[0] = f64::NAN;
        engine.load_state(0, &state).unwrap();
        let batch = nn_engine::BatchSpec::plain(vec![0, 1, 2, 3]);
        let stats = engine.run(&[batch], &hyper).unwrap();
        assert!(stats.get(0, 0).loss.is_nan(), "{level}");
    }
}
