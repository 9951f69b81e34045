//! Where images come from when nobody says.

use std::path::{Path, PathBuf};

use crate::download::{Archive, Progress};
use crate::{DataError, Dataset, NoCifar10, Source, cifar10, synthetic};

/// Which images are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Preference {
    /// CIFAR-10, with the synthetic set only where it cannot be had.
    #[default]
    Cifar10,
    /// The synthetic set, whatever else there is.
    Synthetic,
}

/// Whether missing files may be downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Network {
    /// Yes.
    #[default]
    Allowed,
    /// No.
    Forbidden,
}

/// What [`locate`] may do. The environment and the command line are read by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocateOptions {
    /// Which images are wanted.
    pub preference: Preference,
    /// A directory that the user named, relative to the working directory.
    pub dir: Option<PathBuf>,
    /// Value of `$CIFAR10_DIR`; an empty one counts as none.
    pub environment: Option<PathBuf>,
    /// Where to look otherwise, and where to put a download.
    pub default_dir: PathBuf,
    /// Whether to download.
    pub network: Network,
    /// What to download.
    pub archive: Archive,
    /// Records in each file, see [`cifar10::read`].
    pub records_per_file: usize,
    /// The synthetic set to use or to fall back on.
    pub synthetic: synthetic::Spec,
}

impl Default for LocateOptions {
    /// CIFAR-10 in `./data`, downloaded if need be; else the synthetic set.
    fn default() -> Self {
        Self {
            preference: Preference::default(),
            dir: None,
            environment: None,
            default_dir: "data".into(),
            network: Network::default(),
            archive: Archive::cifar10(),
            records_per_file: cifar10::RECORDS_PER_FILE,
            synthetic: synthetic::Spec::default(),
        }
    }
}

/// Finds images: the directory named, else that of the environment, else the default one, else a
/// download into the default one, else the synthetic set. [`Dataset::source`] says which it was and why.
///
/// A directory that was named and does not hold CIFAR-10 is an error, and so are damaged files in the default
/// one: the synthetic set takes their place only if there is nothing and the network does not
/// give it. `progress` is called while a download runs.
///
/// # Errors
/// [`DataError`], a sentence with file, position and remedy.
///
/// ```
/// use datasets::{LocateOptions, Preference, locate};
///
/// let mut options = LocateOptions::default();
/// options.preference = Preference::Synthetic;
/// options.synthetic.train = 100;
/// let set = locate(&options, &mut |_| {})?;
/// assert_eq!(set.source.to_string(), "the built-in synthetic set (seed 0), as asked for");
/// # Ok::<(), datasets::DataError>(())
/// ```
pub fn locate(
    options: &LocateOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Dataset, DataError> {
    if options.preference == Preference::Synthetic {
        return options.synthetic.generate();
    }
    let read = |dir: &Path| cifar10::read(dir, options.records_per_file);
    if let Some(dir) = &options.dir {
        return read(dir);
    }
    let environment = options.environment.as_deref();
    if let Some(dir) = environment.filter(|dir| !dir.as_os_str().is_empty()) {
        return read(dir).map_err(|reason| DataError::Environment {
            reason: Box::new(reason),
        });
    }
    let dir = &options.default_dir;
    // What is no directory gets `read`'s refusal.
    let absent = dir.symlink_metadata().is_err() || (dir.is_dir() && cifar10::find(dir).is_none());
    if !absent {
        return read(dir);
    }
    let reason = match options.network {
        Network::Forbidden => NoCifar10::DownloadForbidden,
        Network::Allowed => match fetch(options, progress)? {
            Fetched::Into(folder) => {
                let mut dataset = read(dir)?;
                dataset.source = Source::Downloaded {
                    dir: folder,
                    url: options.archive.url.clone(),
                };
                return Ok(dataset);
            }
            Fetched::Not(reason) => reason,
        },
    };
    let mut dataset = options.synthetic.generate()?;
    dataset.source = Source::Synthetic {
        seed: options.synthetic.seed,
        reason: Some(reason),
    };
    Ok(dataset)
}

/// Outcome of a download that is no fault of ours.
#[cfg_attr(not(feature = "download"), allow(dead_code))]
enum Fetched {
    Into(PathBuf),
    Not(NoCifar10),
}

#[cfg(feature = "download")]
fn fetch(
    options: &LocateOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched, DataError> {
    match crate::download::download(&options.archive, &options.default_dir, progress) {
        Ok(folder) => Ok(Fetched::Into(folder)),
        Err(error) if error.is_network() => Ok(Fetched::Not(NoCifar10::DownloadFailed {
            error: error.to_string(),
        })),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(feature = "download"))]
fn fetch(_: &LocateOptions, _: &mut dyn FnMut(Progress)) -> Result<Fetched, DataError> {
    Ok(Fetched::Not(NoCifar10::DownloadNotBuilt))
}
