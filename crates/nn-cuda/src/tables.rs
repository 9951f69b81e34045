//! What changes from step to step, as rows of tables on the GPU.

use nn_engine::{BatchSpec, Batches, EngineError, HyperTable, Update};

use crate::arguments::{GroupRates, Sample};
use crate::blueprint::{Blueprint, WINDOW};
use crate::gpu::Gpu;
use crate::memory::Memory;

/// Puts some steps' batches and hyperparameters into the tables, and sets the counter to the first row. At most
/// [`WINDOW`] steps.
///
/// # Errors
/// [`EngineError::Device`].
pub(crate) fn write_steps(
    gpu: &Gpu,
    blueprint: &Blueprint,
    memory: &mut Memory,
    batches: Batches<'_>,
    (hyper, first): (&HyperTable, usize),
) -> Result<(), EngineError> {
    let (steps, optimiser) = (batches.steps(), blueprint.options.optimiser);
    debug_assert!(steps <= WINDOW);
    let mut samples = vec![Sample::default(); steps * blueprint.options.batch_size];
    for replica in 0..blueprint.options.replicas {
        // What all share is found once.
        if replica == 0 || batches.replicas().is_some() {
            let rows = samples.chunks_exact_mut(blueprint.options.batch_size);
            for (step, row) in rows.enumerate() {
                fill(row, batches.get(step, replica));
            }
        }
        memory.samples.write(gpu, replica, 0, &samples)?;
        let mut rates = Vec::with_capacity(steps * blueprint.options.symmetry.groups());
        let mut factors = Vec::with_capacity(steps * blueprint.factor_row());
        for step in first..first + steps {
            let groups = hyper.get(step, replica);
            let updates = groups.iter().map(|group| group.update(optimiser));
            rates.extend(updates.map(rounded));
            let ratios = groups.iter().map(|group| group.scale_ratio);
            factors.extend(factor_row(blueprint, ratios));
        }
        memory.rates.write(gpu, replica, 0, &rates)?;
        memory.factors.write(gpu, replica, 0, &factors)?;
    }
    memory.step.write(gpu, 0, 0, &[0])
}

/// Writes a batch to the row of a step, which may be longer.
fn fill(row: &mut [Sample], batch: &BatchSpec) {
    for (index, sample) in row.iter_mut().take(batch.len()).enumerate() {
        let crop = batch.crops[index];
        *sample = Sample {
            image: batch.indices[index],
            dy: crop.dy,
            dx: crop.dx,
            flip: u8::from(batch.flips[index]),
            unused: 0,
        };
    }
}

/// Puts chunks of images, as they are, into the tables, with one row of factors for a replica.
///
/// # Errors
/// [`EngineError::Device`].
pub(crate) fn write_images(
    gpu: &Gpu,
    blueprint: &Blueprint,
    memory: &mut Memory,
    images: std::ops::Range<usize>,
    (replica, scale_ratios): (usize, &[f64]),
) -> Result<(), EngineError> {
    let plain = |image: usize| Sample {
        image: image as u32,
        ..Sample::default()
    };
    let samples: Vec<Sample> = images.map(plain).collect();
    memory.samples.write(gpu, replica, 0, &samples)?;
    let ratios = scale_ratios.iter().copied();
    let factors: Vec<f64> = factor_row(blueprint, ratios).collect();
    memory.factors.write(gpu, replica, 0, &factors)?;
    memory.step.write(gpu, 0, 0, &[0])
}

fn rounded(update: Update) -> GroupRates {
    GroupRates {
        rate: update.rate as f32,
        decay: update.decay as f32,
        coupled_decay: update.coupled_decay as f32,
        momentum: update.momentum as f32,
        first_weight: update.first_weight as f32,
        second_keep: update.second_keep as f32,
        second_weight: update.second_weight as f32,
        epsilon: update.epsilon as f32,
    }
}

/// Mean's and variance's factor of each normalisation.
fn factor_row(
    blueprint: &Blueprint,
    ratios: impl Iterator<Item = f64> + Clone,
) -> impl Iterator<Item = f64> {
    (0..blueprint.norms.len()).flat_map(move |norm| {
        let (mean, variance) = blueprint
            .options
            .symmetry
            .statistics_factors(norm, ratios.clone());
        [mean, variance]
    })
}
