//! Which images a step sees, and how they are augmented.

/// Displacement of a crop: the image is read `dy` rows lower and `dx` columns further right, black
/// where that falls outside (a random crop after zero padding).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Crop {
    /// Rows, positive downwards.
    pub dy: i8,
    /// Columns, positive to the right.
    pub dx: i8,
}

/// One batch of the training set: the same on every engine.
///
/// The three lists have one entry for each image of the batch.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BatchSpec {
    /// Index of each image in the training set.
    pub indices: Vec<u32>,
    /// Crop of each image.
    pub crops: Vec<Crop>,
    /// Whether each image is mirrored left to right, after cropping.
    pub flips: Vec<bool>,
}

impl BatchSpec {
    /// These images as they are.
    pub fn plain(indices: Vec<u32>) -> Self {
        let count = indices.len();
        Self {
            indices,
            crops: vec![Crop::default(); count],
            flips: vec![false; count],
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is no image in it.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}
