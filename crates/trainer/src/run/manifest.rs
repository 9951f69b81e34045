//! Everything that is known before the first step.

use std::collections::BTreeSet;

use datasets::{Dataset, fingerprint};
use nn_graph::Graph;

use super::folder::sha256;
use crate::experiment::{Experiment, Prepared, RunSpec};
use crate::plan::jumps;
use run_records::{DataRecord, Manifest, NetworkRecord, RunRecord};

pub(super) fn describe(
    experiment: &Experiment,
    text: &str,
    prepared: &Prepared,
    dataset: &Dataset,
    preset: Option<&str>,
) -> Manifest {
    let timeline = experiment.timeline();
    let training = &experiment.training;
    let recipes = prepared.recipes.iter();
    let milestones: BTreeSet<u64> = recipes
        .flat_map(|recipe| jumps(recipe.recipe.learning_rate()))
        .collect();
    Manifest {
        experiment: experiment.name.clone(),
        title: experiment.title.clone(),
        preset: preset.map(str::to_owned),
        experiment_sha256: sha256(text.as_bytes()),
        initial_seed: training.initial_seed,
        batch_seed: training.batch_seed,
        data: DataRecord {
            source: dataset.source.to_string(),
            train_images: dataset.train.len(),
            test_images: dataset.test.len(),
            sha256: fingerprint(dataset),
        },
        network: network(experiment, &prepared.graph),
        batch_size: training.batch_size,
        steps_per_epoch: timeline.steps_per_epoch,
        steps: timeline.steps,
        milestones: milestones
            .into_iter()
            .filter(|&step| step < timeline.steps)
            .collect(),
        runs: runs(experiment, prepared),
    }
}

pub(super) fn network(experiment: &Experiment, graph: &Graph) -> NetworkRecord {
    let trained = || {
        graph
            .parameters()
            .iter()
            .filter(|parameter| parameter.trainable)
    };
    NetworkRecord {
        name: experiment.network.display_name(),
        trained_parameters: trained().map(|parameter| parameter.elements()).sum(),
        multiply_adds: graph.multiply_adds(),
        layers: trained().map(|parameter| parameter.name.clone()).collect(),
    }
}

pub(super) fn runs(experiment: &Experiment, prepared: &Prepared) -> Vec<RunRecord> {
    let record = |(index, run): (usize, &RunSpec)| RunRecord {
        name: run.name.clone(),
        label: run.label.clone(),
        transform: run.transform.name().to_owned(),
        optimiser: prepared.recipes[index].optimizer.to_string(),
        twin: experiment.twin(index),
    };
    experiment.run.iter().enumerate().map(record).collect()
}
