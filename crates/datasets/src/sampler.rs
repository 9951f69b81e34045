//! Which images each step sees: a pure function of a seed and the step.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use nn_engine::{BatchSpec, Crop};

use crate::rng::{Purpose, Stream};

/// How training images are varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Augmentation {
    /// Images as they are.
    #[default]
    None,
    /// A random crop after zero padding, then a mirror image with probability ½.
    CropAndFlip {
        /// Zeros on each side in pixels, at most 127: displacements are uniform in
        /// `−padding ..= padding`, in each direction.
        padding: usize,
    },
}

/// A sampler that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplerError {
    /// A batch of nothing.
    #[error("the batch size is 0; it must be at least 1")]
    EmptyBatch,
    /// A batch that no epoch can fill.
    #[error(
        "a batch of {batch_size} images does not fit into a set of {images}; make the batch smaller or use more images"
    )]
    BatchTooLarge {
        /// Images in a batch.
        batch_size: usize,
        /// Images in the set.
        images: usize,
    },
    /// More images than an index can name.
    #[error(
        "a set of {images} images is too large; at most {} can be told apart",
        u32::MAX
    )]
    TooManyImages {
        /// Images in the set.
        images: usize,
    },
    /// Crops that a batch cannot describe.
    #[error("images are padded by {padding} pixels for cropping; at most 127 are possible")]
    Padding {
        /// Pixels on each side.
        padding: usize,
    },
}

/// Order of the images in one epoch.
type EpochOrder = (u64, Arc<[u32]>);

/// Draws batches without replacement: every epoch is a new random order of the whole set.
///
/// [`batch`](Self::batch) is a pure function of the arguments of [`new`](Self::new) and the step. There
/// is no state to save: to resume a run, ask for the next step. The order of an epoch is a Fisher–Yates shuffle
/// drawn from (seed, epoch), crops and flips come from a stream of (seed, step) of their own, so that the
/// same images are seen with and without augmentation. Every image is seen once in an epoch: where the set is not a
/// multiple of the batch size, the last batch of each epoch is smaller.
///
/// ```
/// use datasets::{Augmentation, Sampler};
///
/// let sampler = Sampler::new(50_000, 128, 0, Augmentation::CropAndFlip { padding: 4 })?;
/// assert_eq!(sampler.steps_per_epoch(), 391); // the last with 80 images
/// let batch = sampler.batch(1_000_000); // any step, at once
/// assert_eq!(batch.len(), 128);
/// assert_eq!(sampler.batch(390).len(), 80);
/// assert!(batch.crops.iter().all(|crop| crop.dx.abs() <= 4 && crop.dy.abs() <= 4));
/// # Ok::<(), datasets::SamplerError>(())
/// ```
#[derive(Clone)]
pub struct Sampler {
    images: u32,
    batch_size: usize,
    seed: u64,
    augmentation: Augmentation,
    /// The epoch asked for last: shuffling anew at every step would take longer than a GPU's step.
    /// It changes no result.
    order: Arc<Mutex<Option<EpochOrder>>>,
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler")
            .field("images", &self.images)
            .field("batch_size", &self.batch_size)
            .field("seed", &self.seed)
            .field("augmentation", &self.augmentation)
            .finish_non_exhaustive()
    }
}

impl Sampler {
    /// Batches of `batch_size` out of a set of `images` images.
    ///
    /// # Errors
    /// [`SamplerError`] if not one batch fits into the set, or a size is out of range.
    pub fn new(
        images: usize,
        batch_size: usize,
        seed: u64,
        augmentation: Augmentation,
    ) -> Result<Self, SamplerError> {
        if batch_size == 0 {
            return Err(SamplerError::EmptyBatch);
        }
        if batch_size > images {
            return Err(SamplerError::BatchTooLarge { batch_size, images });
        }
        match augmentation {
            Augmentation::CropAndFlip { padding } if padding > i8::MAX as usize => {
                return Err(SamplerError::Padding { padding });
            }
            _ => {}
        }
        Ok(Self {
            images: u32::try_from(images).map_err(|_| SamplerError::TooManyImages { images })?,
            batch_size,
            seed,
            augmentation,
            order: Arc::default(),
        })
    }

    /// Batches in an epoch: `⌈images / batch_size⌉`, at least 1.
    pub fn steps_per_epoch(&self) -> u64 {
        (self.images as usize).div_ceil(self.batch_size) as u64
    }

    /// The batch of `step`, counted from 0 at the start of training.
    pub fn batch(&self, step: u64) -> BatchSpec {
        let steps = self.steps_per_epoch();
        let order = self.order(step / steps);
        // Below the number of images, so it fits.
        let start = (step % steps) as usize * self.batch_size;
        let end = (start + self.batch_size).min(order.len());
        let indices = order[start..end].to_vec();
        match self.augmentation {
            Augmentation::None => BatchSpec::plain(indices),
            Augmentation::CropAndFlip { padding } => self.augmented(step, indices, padding),
        }
    }

    fn augmented(&self, step: u64, indices: Vec<u32>, padding: usize) -> BatchSpec {
        let mut stream = Stream::new(self.seed, Purpose::Augmentation, step);
        let mut batch = BatchSpec::plain(indices);
        // At most 127, see `new`: both fit an i8.
        let mut displacement =
            || (stream.below(2 * padding as u32 + 1) as i32 - padding as i32) as i8;
        for crop in &mut batch.crops {
            *crop = Crop {
                dy: displacement(),
                dx: displacement(),
            };
        }
        for flip in &mut batch.flips {
            *flip = stream.coin();
        }
        batch
    }

    /// A random order of all images.
    fn order(&self, epoch: u64) -> Arc<[u32]> {
        // A thread that panicked while it held the lock left a complete order or none.
        let mut cached = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, order)) = cached.as_ref().filter(|(known, _)| *known == epoch) {
            return Arc::clone(order);
        }
        let mut stream = Stream::new(self.seed, Purpose::EpochOrder, epoch);
        let mut order: Vec<u32> = (0..self.images).collect();
        for last in (1..self.images).rev() {
            order.swap(last as usize, stream.below(last + 1) as usize);
        }
        let order: Arc<[u32]> = order.into();
        *cached = Some((epoch, Arc::clone(&order)));
        order
    }
}
