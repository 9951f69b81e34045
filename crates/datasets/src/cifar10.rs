//! CIFAR-10 (Krizhevsky 2009) in its binary version.
//!
//! Five training files `data_batch_1.bin` … `data_batch_5.bin` and `test_batch.bin`, of 10,000 records each.
//! A record is one label byte, then 1024 red, 1024 green and 1024 blue bytes, each plane row by row.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use nn_engine::ImageSet;

use crate::{DataError, Dataset, Source};

/// `[C, H, W]` of an image.
pub const SHAPE: [usize; 3] = [3, 32, 32];

/// Bytes of a record: the label, then the pixels.
pub const RECORD_BYTES: usize = 1 + 3 * 32 * 32;

/// Records in each file of the official set.
pub const RECORDS_PER_FILE: usize = 10_000;

/// Directory in which the official archive holds the files.
pub const FOLDER: &str = "cifar-10-batches-bin";

/// The training files, in order.
pub const TRAIN_FILES: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];

/// The test file.
pub const TEST_FILE: &str = "test_batch.bin";

/// Names of the classes, in the order of the labels (`batches.meta.txt` of the official set).
pub const CLASS_NAMES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// Mean of each channel over the 50,000 training images, in units of full brightness: red, green, blue.
pub const MEAN: [f64; 3] = [0.4914, 0.4822, 0.4465];

/// Standard deviation of each channel over all pixels of the training images, in units of full brightness.
pub const DEVIATION: [f64; 3] = [0.2470, 0.2435, 0.2616];

/// The records of one file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Batch {
    /// Class of each image, below 10.
    pub labels: Vec<u8>,
    /// `[image, C, H, W]`.
    pub pixels: Vec<u8>,
}

/// Splits the bytes of a batch file, of any number of records, into labels and pixels. `file_name` is for messages.
///
/// # Errors
/// [`DataError::Empty`], [`DataError::Truncated`] or [`DataError::Label`] with the position of the first fault.
///
/// ```
/// use datasets::cifar10::{RECORD_BYTES, parse_batch};
///
/// let mut bytes = vec![128; 2 * RECORD_BYTES];
/// (bytes[0], bytes[RECORD_BYTES]) = (3, 9);
/// assert_eq!(parse_batch(&bytes, "mine.bin")?.labels, [3, 9]);
///
/// bytes[RECORD_BYTES] = 10;
/// let error = parse_batch(&bytes, "mine.bin").unwrap_err().to_string();
/// assert!(error.starts_with("record 1 of `mine.bin` (byte 3073) has label 10"));
/// # Ok::<(), datasets::DataError>(())
/// ```
pub fn parse_batch(bytes: &[u8], file_name: &str) -> Result<Batch, DataError> {
    let file = || file_name.to_owned();
    if bytes.is_empty() {
        return Err(DataError::Empty { file: file() });
    }
    let records = bytes.len() / RECORD_BYTES;
    let mut batch = Batch {
        labels: Vec::with_capacity(records),
        pixels: Vec::with_capacity(records * (RECORD_BYTES - 1)),
    };
    for (record, chunk) in bytes.chunks(RECORD_BYTES).enumerate() {
        let start = record * RECORD_BYTES;
        let Some((&label, pixels)) = chunk.split_first().filter(|_| chunk.len() == RECORD_BYTES)
        else {
            return Err(DataError::Truncated {
                file: file(),
                record,
                start,
                length: bytes.len(),
            });
        };
        if usize::from(label) >= CLASS_NAMES.len() {
            return Err(DataError::Label {
                file: file(),
                record,
                byte: start,
                label,
            });
        }
        batch.labels.push(label);
        batch.pixels.extend_from_slice(pixels);
    }
    Ok(batch)
}

/// The directory that holds the batch files: `dir/cifar-10-batches-bin` if it exists, or `dir` itself if one of the
/// files is in it. `None` if neither is so.
///
/// Whether the files are complete and sound is for [`read`] to say.
pub fn find(dir: &Path) -> Option<PathBuf> {
    let inner = dir.join(FOLDER);
    // A broken link counts as being there: it is a fault to report, not an absence.
    if inner.symlink_metadata().is_ok() {
        return Some(inner);
    }
    let mut files = TRAIN_FILES.iter().chain([&TEST_FILE]);
    files
        .any(|name| dir.join(name).symlink_metadata().is_ok())
        .then(|| dir.to_owned())
}

/// Reads the data set from `dir` or `dir/cifar-10-batches-bin`.
///
/// Every file must hold exactly `records_per_file` records: [`RECORDS_PER_FILE`] for the official set, other
/// numbers for subsets in the same layout. Bytes are normalised by [`MEAN`] and [`DEVIATION`].
///
/// # Errors
/// [`DataError`] with file, position and remedy for anything missing, unreadable, of the wrong size, or no CIFAR-10.
///
/// ```no_run
/// use std::path::Path;
/// let set = datasets::cifar10::read(Path::new("data"), datasets::cifar10::RECORDS_PER_FILE)?;
/// println!("The images are {}.", set.source);
/// assert_eq!(set.train.len(), 50_000);
/// # Ok::<(), datasets::DataError>(())
/// ```
pub fn read(dir: &Path, records_per_file: usize) -> Result<Dataset, DataError> {
    if !dir
        .metadata()
        .map_err(|reason| unreadable(dir, reason))?
        .is_dir()
    {
        return Err(DataError::Kind {
            path: dir.to_owned(),
            expected: "directory",
        });
    }
    // Without any trace of it, complain about the place where it belongs.
    let folder = find(dir).unwrap_or_else(|| dir.join(FOLDER));
    let mut train = Batch::default();
    for name in TRAIN_FILES {
        let mut batch = read_file(&folder.join(name), records_per_file)?;
        train.labels.append(&mut batch.labels);
        train.pixels.append(&mut batch.pixels);
    }
    let test = read_file(&folder.join(TEST_FILE), records_per_file)?;
    let note = note(&folder).or_else(|| note(dir));
    Ok(Dataset {
        train: images(train)?,
        test: images(test)?,
        source: Source::Cifar10 { dir: folder, note },
        class_names: CLASS_NAMES.map(String::from).to_vec(),
    })
}

fn images(batch: Batch) -> Result<ImageSet, DataError> {
    let Batch { labels, pixels } = batch;
    let set = ImageSet::new(SHAPE, pixels, labels, MEAN.to_vec(), DEVIATION.to_vec())?;
    Ok(set)
}

fn read_file(path: &Path, records: usize) -> Result<Batch, DataError> {
    let refused = |reason| unreadable(path, reason);
    let metadata = path.metadata().map_err(refused)?;
    if !metadata.is_file() {
        // Opening a pipe would wait for ever.
        return Err(DataError::Kind {
            path: path.to_owned(),
            expected: "file",
        });
    }
    let expected = (records as u64).saturating_mul(RECORD_BYTES as u64);
    let found = metadata.len();
    let mut bytes = Vec::new();
    if found <= expected {
        // Not more than the file claims, should it grow meanwhile.
        let mut file = File::open(path).map_err(refused)?.take(found);
        file.read_to_end(&mut bytes).map_err(refused)?;
        let batch = parse_batch(&bytes, &path.display().to_string())?;
        if batch.labels.len() == records {
            return Ok(batch);
        }
    }
    Err(DataError::WrongSize {
        path: path.to_owned(),
        found,
        expected,
    })
}

fn unreadable(path: &Path, reason: std::io::Error) -> DataError {
    let path = path.to_owned();
    match reason.kind() {
        ErrorKind::NotFound => DataError::Missing { path },
        _ => DataError::Unreadable { path, reason },
    }
}

/// First line of `SOURCE.txt`: a remark, so what cannot be read is no error.
fn note(dir: &Path) -> Option<String> {
    let path = dir.join("SOURCE.txt");
    if !fs::metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(4096)
        .read_to_end(&mut bytes)
        .ok()?;
    let text = String::from_utf8_lossy(&bytes);
    // It is printed to terminals and into pages: no escape sequences, no change of writing direction.
    let harmless = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let line: String = text
        .lines()
        .next()?
        .chars()
        .filter(harmless)
        .take(200)
        .collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
