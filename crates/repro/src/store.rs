//! Runs that are there already: in folders, where they were left.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use trainer::TrainerError;
use trainer::run::SavedRun;

use crate::family::{same_base, same_run};
use crate::{Family, Job, ReproError};

/// The run folders in a folder.
#[derive(Debug)]
pub struct Store {
    runs: Vec<SavedRun>,
    /// Run folders that cannot be used, and why.
    pub passed_over: Vec<PassedOver>,
}

/// A run folder that cannot be used.
#[derive(Debug)]
pub struct PassedOver {
    /// The folder.
    pub path: PathBuf,
    /// The reason.
    pub why: TrainerError,
}

/// Where a run of a family is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its run folder.
    pub folder: PathBuf,
    /// Its name there.
    pub name: String,
}

/// What of a family is there, and what must be trained.
#[derive(Debug)]
pub struct Need {
    /// Of each run, where it is; none if it is not.
    pub found: Vec<Option<Found>>,
    /// Runs that are not there, and what they are compared with.
    pub missing: Option<Family>,
    /// An unfinished training of exactly those.
    pub unfinished: Option<SavedRun>,
}

impl Need {
    /// The training that it takes to have all of it, if any.
    pub fn into_job(self) -> Option<Job> {
        let unfinished = self.unfinished;
        self.missing.map(|family| Job { family, unfinished })
    }
}

impl Store {
    /// Reads what is in a folder; one that is not there is empty.
    ///
    /// # Errors
    /// [`ReproError::Folder`] if the folder cannot be read.
    pub fn read(folder: &Path) -> Result<Self, ReproError> {
        let failed = |source| ReproError::Folder {
            path: folder.to_owned(),
            source,
        };
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Self {
                    runs: Vec::new(),
                    passed_over: Vec::new(),
                });
            }
            entries => entries.map_err(failed)?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry.map_err(failed)?.path());
        }
        // In an order that does not depend on the file system.
        paths.sort();
        let mut store = Self {
            runs: Vec::new(),
            passed_over: Vec::new(),
        };
        for path in paths {
            // What has no manifest is no run folder, or not yet.
            if !path.join("manifest.json").exists() {
                continue;
            }
            match SavedRun::open(&path) {
                Ok(run) => store.runs.push(run),
                Err(why) => store.passed_over.push(PassedOver { path, why }),
            }
        }
        Ok(store)
    }

    /// What is there of a family on images of this SHA-256.
    ///
    /// A run that is compared with another counts only where that one was trained beside it, since the comparison is part of
    /// its records.
    pub fn look_for(&self, family: &Family, data_sha256: &str) -> Need {
        let wanted = &family.experiment;
        let usable = |saved: &&SavedRun| {
            same_base(saved.experiment(), wanted) && saved.manifest().data.sha256 == data_sha256
        };
        let found: Vec<_> = (0..wanted.run.len())
            .map(|run| {
                let mut complete = self
                    .runs
                    .iter()
                    .filter(usable)
                    .filter(|saved| saved.is_complete());
                complete.find_map(|saved| find(family, run, saved))
            })
            .collect();
        let runs = 0..wanted.run.len();
        let missing: Vec<usize> = runs.filter(|&run| found[run].is_none()).collect();
        let missing = (!missing.is_empty()).then(|| family.only(&missing));
        let unfinished = missing.as_ref().and_then(|missing| {
            let mut saved = self.runs.iter().filter(usable);
            saved.find(|saved| !saved.is_complete() && *saved.experiment() == missing.experiment)
        });
        Need {
            found,
            unfinished: unfinished.cloned(),
            missing,
        }
    }
}

/// A run in a folder that has it, and what it is compared with.
fn find(family: &Family, run: usize, saved: &SavedRun) -> Option<Found> {
    let (wanted, there) = (&family.experiment, saved.experiment());
    let position = |run: usize| {
        let run = &wanted.run[run];
        let mut runs = there.run.iter();
        runs.position(|other| same_run((there, other), (wanted, run)))
    };
    let at = position(run)?;
    if let Some(twin) = family.twin(run)
        && there.twin(at) != Some(position(twin)?)
    {
        return None;
    }
    Some(Found {
        folder: saved.path().to_owned(),
        name: there.run[at].name.clone(),
    })
}
