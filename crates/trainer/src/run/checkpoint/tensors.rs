//! The states of all runs as one file of tensors.

use std::collections::HashSet;

use nn_engine::{NamedTensor, Precision, State};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{Checkpoint, CheckpointError, Sums};
use crate::TrainerError;

/// Of a run, beside its state: the sum of losses in the epoch so far, and the last loss.
const LOSSES: &str = "epoch.losses";

/// A tensor's name in the file.
fn name_of(run: &str, tensor: &str) -> String {
    format!("{run}/{tensor}")
}

/// The file. Values of a float32 engine are float32 there, which loses nothing.
pub(super) fn write(
    checkpoint: &Checkpoint,
    names: &[String],
    precision: Precision,
) -> Result<Vec<u8>, TrainerError> {
    let mut tensors = Vec::new();
    for (name, run) in names.iter().zip(&checkpoint.runs) {
        for tensor in &run.state.tensors {
            let (dtype, bytes) = match precision {
                Precision::Float32 => (
                    Dtype::F32,
                    bytes(&tensor.values, |v| (v as f32).to_le_bytes()),
                ),
                Precision::Float64 => (Dtype::F64, bytes(&tensor.values, f64::to_le_bytes)),
            };
            tensors.push((
                name_of(name, &tensor.name),
                dtype,
                tensor.shape.clone(),
                bytes,
            ));
        }
        let losses = bytes(&[run.epoch.loss, run.epoch.last_loss], f64::to_le_bytes);
        tensors.push((name_of(name, LOSSES), Dtype::F64, vec![2], losses));
    }
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name, view))
    });
    let file = views
        .collect::<Result<Vec<_>, _>>()
        .and_then(|views| safetensors::serialize(views, None));
    file.map_err(|error| TrainerError::Format {
        what: "state.safetensors",
        reason: error.to_string(),
    })
}

fn bytes<const N: usize>(values: &[f64], encode: impl Fn(f64) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| encode(value)).collect()
}

/// The tensors of runs called `names`, each with those of `like`; of the sums only the losses.
pub(super) fn read(
    file: &[u8],
    names: &[String],
    like: &State,
    precision: Precision,
) -> Result<Vec<(Vec<NamedTensor>, Sums)>, CheckpointError> {
    let wrong = |why: String| CheckpointError::Tensors(why);
    let file = SafeTensors::deserialize(file).map_err(|error| wrong(error.to_string()))?;
    let mut left: HashSet<&str> = file.names().into_iter().collect();
    let mut take = |name: &str, dtype: Dtype, shape: &[usize]| {
        let tensor = file
            .tensor(name)
            .map_err(|error| wrong(error.to_string()))?;
        if tensor.dtype() != dtype || tensor.shape() != shape {
            return Err(wrong(format!(
                "`{name}` is {:?} {:?}",
                tensor.dtype(),
                tensor.shape()
            )));
        }
        left.remove(name);
        Ok(match dtype {
            Dtype::F32 => values(tensor.data(), |bytes| f32::from_le_bytes(bytes).into()),
            _ => values(tensor.data(), f64::from_le_bytes),
        })
    };
    let dtype = match precision {
        Precision::Float32 => Dtype::F32,
        Precision::Float64 => Dtype::F64,
    };
    let mut runs = Vec::new();
    for run in names {
        let mut tensors = Vec::new();
        for NamedTensor { name, shape, .. } in &like.tensors {
            tensors.push(NamedTensor {
                name: name.clone(),
                shape: shape.clone(),
                values: take(&name_of(run, name), dtype, shape)?,
            });
        }
        let losses = take(&name_of(run, LOSSES), Dtype::F64, &[2])?;
        let sums = Sums {
            loss: losses[0],
            last_loss: losses[1],
            ..Sums::default()
        };
        runs.push((tensors, sums));
    }
    match left.into_iter().min() {
        None => Ok(runs),
        Some(extra) => Err(wrong(format!("`{extra}` is none of theirs"))),
    }
}

fn values<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (values, _) = bytes.as_chunks::<N>();
    values.iter().map(|&value| decode(value)).collect()
}
