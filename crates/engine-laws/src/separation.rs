//! Replicas beside others, and alone.

use std::sync::Arc;

use nn_engine::conformance::{Case, Tier};
use nn_engine::{
    BatchSpec, Batches, EngineOptions, HyperTable, Precision, Split, State, StepStats,
};
use nn_graph::Graph;

use crate::Subject;

/// Each replica of the corpus's small cases trains as it does in an engine of its own, bit for bit: on the batches that all
/// share and on its own, and also beside one whose loss stops being a number.
///
/// # Panics
/// If a bit differs.
pub fn replicas_train_as_they_do_alone(subject: &Subject) {
    let cases = Case::all(Tier::Sim).into_iter();
    let cases: Vec<_> = cases.filter(|case| case.replicas.len() > 1).collect();
    assert!(cases.iter().any(|case| case.own_batches));
    assert!(cases.iter().any(|case| !case.own_batches));
    for mut case in cases {
        check(subject, &case);
        let graph = case.graph().unwrap();
        let engine = subject.make(&graph, case.options(&graph));
        let too_fast = match engine.device().precision {
            Precision::Float32 => 1e38,
            Precision::Float64 => 1e300,
        };
        (case.replicas[0].learning_rate, case.steps) = (too_fast, 4);
        for (replica, last_loss) in check(subject, &case).into_iter().enumerate() {
            assert_eq!(
                last_loss.is_finite(),
                replica > 0,
                "{subject}, {}, replica {replica}: {last_loss}",
                case.name
            );
        }
    }
}

/// Compares all replicas side by side with each alone; the last loss of each.
fn check(subject: &Subject, case: &Case) -> Vec<f64> {
    let graph = case.graph().unwrap();
    let all: Vec<usize> = (0..case.replicas.len()).collect();
    let together = train(subject, case, &graph, &all);
    let compared = together.iter().enumerate().map(|(replica, beside)| {
        let at = format!("{subject}, {}, replica {replica}", case.name);
        let alone = &train(subject, case, &graph, &[replica])[0];
        for (step, (alone, beside)) in alone.stats.iter().zip(&beside.stats).enumerate() {
            let bits = |stats: &StepStats| (stats.loss.to_bits(), stats.correct);
            assert_eq!(
                bits(alone),
                bits(beside),
                "{at}, step {step}: {alone:?}, and {beside:?} beside others"
            );
        }
        for (alone, beside) in alone.state.tensors.iter().zip(&beside.state.tensors) {
            let bits = |values: &[f64]| {
                values
                    .iter()
                    .map(|value| value.to_bits())
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                bits(&alone.values),
                bits(&beside.values),
                "{at}: `{}`",
                alone.name
            );
        }
        beside.stats.last().map_or(0.0, |stats| stats.loss)
    });
    compared.collect()
}

struct Trained {
    stats: Vec<StepStats>,
    state: State,
}

/// Trains some of a case's replicas side by side.
fn train(subject: &Subject, case: &Case, graph: &Graph, replicas: &[usize]) -> Vec<Trained> {
    let options = EngineOptions {
        replicas: replicas.len(),
        ..case.options(graph)
    };
    let mut engine = subject.make(graph, options);
    let images = case.images(graph, Split::Train).unwrap();
    engine.load_images(Split::Train, Arc::new(images)).unwrap();
    for (index, &replica) in replicas.iter().enumerate() {
        let state = case.state(graph, replica);
        engine.load_state(index, &state).unwrap();
    }
    let hyper = case.hyper().unwrap();
    let (steps, groups) = (hyper.steps(), hyper.groups());
    let hyper = HyperTable::from_fn(steps, replicas.len(), groups, |step, index, group| {
        hyper.get(step, replicas[index])[group]
    });
    let specs = case.batches();
    let batches = case.arranged(&specs).unwrap();
    let chosen: Vec<BatchSpec> = (0..steps)
        .flat_map(|step| replicas.iter().map(move |&replica| (step, replica)))
        .map(|(step, replica)| batches.get(step, replica).clone())
        .collect();
    let batches = match batches.replicas() {
        None => batches,
        Some(_) => Batches::own(&chosen, replicas.len()).unwrap(),
    };
    let stats = engine.run(batches, &hyper.unwrap()).unwrap();
    let of_replica = |index| Trained {
        stats: (0..steps).map(|step| stats.get(step, index)).collect(),
        state: engine.state(index).unwrap(),
    };
    (0..replicas.len()).map(of_replica).collect()
}
