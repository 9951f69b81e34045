//! One line that identifies a data set.

use nn_engine::ImageSet;
use sha2::{Digest, Sha256};

use crate::Dataset;

/// SHA-256 in hexadecimal over the training set, then the test set: of each, the number of images and the three
/// dimensions (64 bits each, little-endian), then all pixels, then all labels.
///
/// Equal fingerprints mean equal images in equal order. Where the set comes from and how bytes are normalised does
/// not enter.
///
/// ```
/// let spec = datasets::synthetic::Spec { seed: 0, train: 20, test: 10 };
/// let set = spec.generate()?;
/// let fingerprint = datasets::fingerprint(&set);
/// assert_eq!(fingerprint.len(), 64);
/// assert_ne!(fingerprint, datasets::fingerprint(&set.truncated(19, 10)));
/// # Ok::<(), datasets::DataError>(())
/// ```
pub fn fingerprint(dataset: &Dataset) -> String {
    let mut hash = Sha256::new();
    for set in [&dataset.train, &dataset.test] {
        add(&mut hash, set);
    }
    hex(&hash.finalize())
}

fn add(hash: &mut Sha256, set: &ImageSet) {
    let [channels, height, width] = set.shape();
    for size in [set.len(), channels, height, width] {
        hash.update((size as u64).to_le_bytes());
    }
    hash.update(set.pixels());
    hash.update(set.labels());
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
