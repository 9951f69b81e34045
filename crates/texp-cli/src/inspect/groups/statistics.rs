//! How the running statistics of batch normalisations scale.

use nn_onnx::Imported;
use scale_invariance::{Degree, tensor_degrees};

/// The end of a running mean's name after that of its module.
const MEAN: &str = ".running_mean";

/// How running statistics scale.
pub(super) struct Statistics {
    /// The degree of what each module normalises.
    pub(super) degrees: Vec<(String, Degree)>,
    /// Modules whose input is a sum of terms of different degrees, or of a degree that cannot be told: no power of
    /// the scale corrects its mean.
    pub(super) mixed: Vec<String>,
}

impl Statistics {
    /// Of the batch normalisations whose running mean is named as PyTorch names it.
    pub(super) fn of(imported: &Imported, exponents: &[Degree]) -> Self {
        let found = tensor_degrees(&imported.network, exponents);
        let (mut degrees, mut mixed) = (Vec::new(), Vec::new());
        for (input, mean) in &imported.running_means {
            let Some(module) = mean.strip_suffix(MEAN) else {
                continue;
            };
            match found.tensors[input.index()].as_slice() {
                [degree] => degrees.push((module.to_owned(), *degree)),
                _ => mixed.push(module.to_owned()),
            }
        }
        Self { degrees, mixed }
    }
}
