//! Training and test images with their origin.

use crate::synthetic;
use std::fmt;
use std::path::PathBuf;

use nn_engine::ImageSet;

/// Images to train and to test on.
#[derive(Clone, PartialEq)]
pub struct Dataset {
    /// Images to train on.
    pub train: ImageSet,
    /// Images held out.
    pub test: ImageSet,
    /// Where they come from.
    pub source: Source,
    /// Name of each class, in the order of the labels.
    pub class_names: Vec<String>,
}

impl fmt::Debug for Dataset {
    /// Without the pixels, which would fill a screen a thousand times.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("train", &format_args!("{} images", self.train.len()))
            .field("test", &format_args!("{} images", self.test.len()))
            .field("source", &self.source)
            .field("class_names", &self.class_names)
            .finish()
    }
}

impl Dataset {
    /// The first `train` and `test` images, or all if there are fewer.
    ///
    /// ```
    /// let set = datasets::synthetic::Spec { seed: 0, train: 20, test: 20 }.generate()?;
    /// let small = set.truncated(10, usize::MAX);
    /// assert_eq!((small.train.len(), small.test.len()), (10, 20));
    /// # Ok::<(), datasets::DataError>(())
    /// ```
    pub fn truncated(self, train: usize, test: usize) -> Self {
        Self {
            train: self.train.truncated(train),
            test: self.test.truncated(test),
            ..self
        }
    }
}

/// Where a data set comes from. Its `Display` is the end of the sentence "The images are …".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Read from files that were there.
    Cifar10 {
        /// The directory of the batch files.
        dir: PathBuf,
        /// First line of a `SOURCE.txt` beside them, in which a copy can say what it is: without control
        /// characters, at most 200 characters.
        note: Option<String>,
    },
    /// Downloaded just now, then read.
    Downloaded {
        /// The directory of the batch files.
        dir: PathBuf,
        /// Where they came from.
        url: String,
    },
    /// Generated.
    Synthetic {
        /// Seed of the generator.
        seed: u64,
        /// Why not CIFAR-10; `None` if the synthetic set was asked for.
        reason: Option<NoCifar10>,
    },
}

/// Why the synthetic set stands in for CIFAR-10.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoCifar10 {
    /// The caller allowed no download.
    DownloadForbidden,
    /// The crate was built without the feature `download`.
    DownloadNotBuilt,
    /// The network did not give it.
    DownloadFailed {
        /// The error, as a sentence.
        error: String,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Cifar10 { dir, note: None } => write!(f, "CIFAR-10 from {}", dir.display()),
            Source::Cifar10 {
                dir,
                note: Some(note),
            } => write!(f, "CIFAR-10 from {} ({note})", dir.display()),
            Source::Downloaded { dir, url } => {
                write!(f, "CIFAR-10 from {}, downloaded from {url}", dir.display())
            }
            Source::Synthetic { seed, reason: None } => {
                write!(f, "{} (seed {seed}), as asked for", synthetic::NAME)
            }
            Source::Synthetic {
                seed,
                reason: Some(reason),
            } => write!(
                f,
                "{} (seed {seed}), because CIFAR-10 was not found and {reason}",
                synthetic::NAME
            ),
        }
    }
}

impl fmt::Display for NoCifar10 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoCifar10::DownloadForbidden => f.write_str("downloading is switched off"),
            NoCifar10::DownloadNotBuilt => f.write_str("this build cannot download"),
            NoCifar10::DownloadFailed { error } => write!(f, "the download failed: {error}"),
        }
    }
}
