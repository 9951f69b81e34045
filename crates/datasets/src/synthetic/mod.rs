//! A built-in set of 32×32 colour images in ten classes, for machines without CIFAR-10.
//!
//! The class of an image is the pattern it shows:
//!
//! | label | name | pattern |
//! | --- | --- | --- |
//! | 0 | `horizontal` | horizontal stripes, within 15° |
//! | 1 | `vertical` | vertical stripes, within 15° |
//! | 2 | `rising` | stripes at 45°, within 15° |
//! | 3 | `falling` | stripes at −45°, within 15° |
//! | 4 | `checks` | a chessboard, turned at random |
//! | 5 | `rings` | concentric rings |
//! | 6 | `disc` | one disc |
//! | 7 | `square` | one square, turned at random |
//! | 8 | `triangle` | one equilateral triangle, turned at random |
//! | 9 | `cross` | one cross, turned at random |
//!
//! Everything else varies from image to image: position, size or period, phase, the two colours and which of
//! them is the ground, contrast, a gradient of light, a mostly fainter pattern of a random
//! class laid over it, and noise at every pixel. So no pixel by itself tells much, and a linear classifier stays far
//! below a convolutional network. The two colours
//! lean towards a hue of the class, which a network finds first.
//!
//! Image `i` of a split depends on the seed and `i` alone; labels are drawn at random, so classes are equally frequent
//! on average. Only correctly rounded arithmetic is used: a seed gives the same bytes on every machine.

mod paint;
mod pattern;

use nn_engine::ImageSet;

use crate::rng::{Purpose, Stream};
use crate::{DataError, Dataset, Source, cifar10};

/// Most images of a split.
pub const LARGEST: usize = 1_000_000;

/// What the set is called, at the beginning of what its [`Source`] says.
pub const NAME: &str = "the built-in synthetic set";

/// Names of the classes, in the order of the labels.
pub const CLASS_NAMES: [&str; 10] = [
    "horizontal",
    "vertical",
    "rising",
    "falling",
    "checks",
    "rings",
    "disc",
    "square",
    "triangle",
    "cross",
];

/// Mean of each channel, in units of full brightness.
pub const MEAN: [f64; 3] = [0.5; 3];

/// About the standard deviation of each channel, in units of full brightness.
pub const DEVIATION: [f64; 3] = [0.22; 3];

/// Which synthetic set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Seed of everything random in it.
    pub seed: u64,
    /// Training images, from 1 to [`LARGEST`].
    pub train: usize,
    /// Test images, from 1 to [`LARGEST`].
    pub test: usize,
}

impl Default for Spec {
    /// Seed 0, 20,000 training and 4,000 test images.
    fn default() -> Self {
        Self {
            seed: 0,
            train: 20_000,
            test: 4_000,
        }
    }
}

impl Spec {
    /// Generates the images, of shape `[3, 32, 32]`.
    ///
    /// A smaller set with the same seed is the beginning of a larger one.
    ///
    /// # Errors
    /// [`DataError::SyntheticSize`].
    ///
    /// ```
    /// use datasets::synthetic::Spec;
    /// let set = Spec { seed: 7, train: 50, test: 10 }.generate()?;
    /// assert_eq!(set.train.shape(), [3, 32, 32]);
    /// assert_eq!(set.class_names.len(), 10);
    /// # Ok::<(), datasets::DataError>(())
    /// ```
    pub fn generate(&self) -> Result<Dataset, DataError> {
        let &Self { seed, train, test } = self;
        if [train, test]
            .iter()
            .any(|count| !(1..=LARGEST).contains(count))
        {
            return Err(DataError::SyntheticSize { train, test });
        }
        Ok(Dataset {
            train: split(seed, Purpose::SyntheticTrain, train)?,
            test: split(seed, Purpose::SyntheticTest, test)?,
            source: Source::Synthetic { seed, reason: None },
            class_names: CLASS_NAMES.map(String::from).to_vec(),
        })
    }
}

fn split(seed: u64, purpose: Purpose, count: usize) -> Result<ImageSet, DataError> {
    let mut labels = Vec::with_capacity(count);
    let mut pixels = Vec::with_capacity(count * (cifar10::RECORD_BYTES - 1));
    for image in 0..count {
        let mut stream = Stream::new(seed, purpose, image as u64);
        let class = stream.below(pattern::COUNT);
        labels.push(class as u8);
        paint::paint(class, &mut stream, &mut pixels);
    }
    let (mean, deviation) = (MEAN.to_vec(), DEVIATION.to_vec());
    Ok(ImageSet::new(
        cifar10::SHAPE,
        pixels,
        labels,
        mean,
        deviation,
    )?)
}
