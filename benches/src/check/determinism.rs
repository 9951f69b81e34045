//! The same calls, the same bits.

use std::sync::Arc;

use nn_engine::{Batches, GroupHyper, HyperTable, Split, State};
use sha2::{Digest, Sha256};

use super::Failure;
use crate::training::{batch, images};
use crate::{Choice, Setting};

/// Steps of a call: the runs are cut into calls of several lengths.
const CALLS: [usize; 4] = [50, 50, 7, 50];

/// Trains the network of `setting` several times for `steps` steps from one state, the third time in calls of 7 steps
/// and the last time beside replicas of other rates, and compares the digests of everything that a run leaves behind.
///
/// # Errors
/// What the engine says, or that two digests differ.
///
/// ```
/// use benches::check::determinism;
/// use benches::{Choice, Setting};
/// use nn_graph::nets::Normaliser;
/// let (normaliser, format) = (Normaliser::Batch, benches::Format::Full);
/// let setting = Setting { depth: 8, width: 4, normaliser, batch: 6, replicas: 3, threads: 1, format };
/// assert!(determinism(Choice::Cpu, setting, 9)?.contains("all 4 runs agree"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn determinism(engine: Choice, setting: Setting, steps: usize) -> Result<String, Failure> {
    let mut digests = Vec::new();
    for (run, call) in CALLS.into_iter().enumerate() {
        let alone = Setting {
            replicas: 1,
            ..setting
        };
        let setting = if run + 1 == CALLS.len() {
            setting
        } else {
            alone
        };
        let digest = trained(engine, setting, steps, call)?;
        println!(
            "run {run}, {} replicas, calls of {call} steps: {digest}",
            setting.replicas
        );
        digests.push(digest);
    }
    let runs = digests.len();
    let different = digests.iter().filter(|&digest| *digest != digests[0]);
    match different.count() {
        0 => Ok(format!(
            "all {runs} runs agree after {steps} steps, digest {}",
            &digests[0][..12]
        )),
        different => Err(format!("{different} of {runs} runs end with other bits").into()),
    }
}

/// The digest of the first replica's losses and state.
fn trained(choice: Choice, setting: Setting, steps: usize, call: usize) -> Result<String, Failure> {
    let graph = setting.graph()?;
    let mut engine = choice.engine(&graph, setting.options(&graph))?;
    engine.load_images(Split::Train, Arc::new(images(setting.batch)?))?;
    for replica in 0..setting.replicas {
        engine.load_state(replica, &State::initial(&graph, 5))?;
    }
    let mut digest = Sha256::new();
    let all: Vec<_> = (0..steps).map(|step| batch(setting.batch, step)).collect();
    for batches in all.chunks(call) {
        let hyper = HyperTable::from_fn(batches.len(), setting.replicas, 1, |_, replica, _| {
            GroupHyper {
                scale_ratio: 0.999,
                ..GroupHyper::new(0.05 / (1 + replica) as f64, 1e-3, 0.9)
            }
        })?;
        let stats = engine.run(Batches::shared(batches), &hyper)?;
        for step in 0..batches.len() {
            let stats = stats.get(step, 0);
            digest.update(stats.loss.to_bits().to_le_bytes());
            digest.update(stats.correct.to_le_bytes());
        }
    }
    add(&mut digest, &engine.state(0)?);
    let bytes = digest.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn add(digest: &mut Sha256, state: &State) {
    for value in state.tensors.iter().flat_map(|tensor| &tensor.values) {
        digest.update(value.to_bits().to_le_bytes());
    }
}
