//! The corpus on every instruction set this CPU has, against the float64 reference.

use nn_cpu::{CpuEngine, Level};
use nn_engine::conformance::{Case, Tier, run_case};
use nn_engine::{Engine, EngineError, EngineOptions, GroupHyper, HyperTable};
use nn_graph::nets::{Architecture, NetConfig};
use nn_reference::ReferenceEngine;

#[test]
fn every_level_conforms_to_the_reference() {
    for level in Level::available() {
        for case in Case::all(Tier::Cpu) {
            let report = run_case(&case, ReferenceEngine::new, |graph, options| {
                CpuEngine::at_level(graph, options, level)
            })
            .unwrap();
            println!("{level}: {report}");
            assert!(report.deviations.is_empty(), "{level}: {report}");
        }
    }
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
