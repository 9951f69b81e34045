use std::io;
use std::path::PathBuf;

use nn_engine::EngineError;

/// Images that cannot be had, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or directory that is not there.
    #[error("`{}` does not exist; {}", path.display(), GET_IT)]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// A directory where a file should be, or the reverse, or a device.
    #[error("`{}` is not a {expected}; {}", path.display(), GET_IT)]
    Kind {
        /// The path.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// The operating system does not let us read.
    #[error("`{}` cannot be read: {reason}; check its permissions and the disk", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Its own words.
        reason: io::Error,
    },
    /// A file that ends in the middle of a record.
    #[error(
        "`{file}` is truncated: it ends at byte {length}, inside record {record}, which starts at byte {start} and has {} bytes; {GET_IT}",
        crate::cifar10::RECORD_BYTES
    )]
    Truncated {
        /// The file.
        file: String,
        /// The incomplete record, counted from 0.
        record: usize,
        /// Its first byte.
        start: usize,
        /// Bytes in the file.
        length: usize,
    },
    /// A file without any record.
    #[error("`{file}` is empty; {GET_IT}")]
    Empty {
        /// The file.
        file: String,
    },
    /// A file of the wrong length.
    #[error("`{}` has {found} bytes where {expected} ({} records) are expected; {GET_IT}", path.display(), expected / crate::cifar10::RECORD_BYTES as u64)]
    WrongSize {
        /// The file.
        path: PathBuf,
        /// Bytes in the file.
        found: u64,
        /// Bytes it should have.
        expected: u64,
    },
    /// A class that CIFAR-10 does not have.
    #[error(
        "record {record} of `{file}` (byte {byte}) has label {label}, and CIFAR-10's labels end at 9; {GET_IT}"
    )]
    Label {
        /// The file.
        file: String,
        /// The record, counted from 0.
        record: usize,
        /// Position of the label in the file.
        byte: usize,
        /// The label.
        label: u8,
    },
    /// The directory named by `$CIFAR10_DIR` cannot be used.
    #[error("$CIFAR10_DIR: {reason}")]
    Environment {
        /// What is wrong with it.
        reason: Box<DataError>,
    },
    /// A synthetic set that cannot be made.
    #[error(
        "a synthetic set of {train} training and {test} test images is out of range: each needs between 1 and {}",
        crate::synthetic::LARGEST
    )]
    SyntheticSize {
        /// Training images.
        train: usize,
        /// Test images.
        test: usize,
    },
    /// The download failed for a reason that a network cannot explain.
    #[cfg(feature = "download")]
    #[error(transparent)]
    Download(#[from] crate::download::DownloadError),
    /// Images that contradict themselves.
    #[error(transparent)]
    Images(#[from] EngineError),
}

impl DataError {
    /// Whether the fault lies in what was given (a folder, its files, the sizes asked for) and not in the network, the
    /// machine or this crate.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Missing { .. }
            | Self::Kind { .. }
            | Self::Unreadable { .. }
            | Self::Truncated { .. }
            | Self::Empty { .. }
            | Self::WrongSize { .. }
            | Self::Label { .. }
            | Self::SyntheticSize { .. } => true,
            Self::Environment { reason } => reason.is_bad_input(),
            #[cfg(feature = "download")]
            Self::Download(_) => false,
            Self::Images(_) => false,
        }
    }
}

/// The remedy of every damaged or missing file.
const GET_IT: &str = "fetch the binary version of CIFAR-10 from \
    https://www.cs.toronto.edu/~kriz/cifar.html and unpack it afresh, or ask for the synthetic images";
