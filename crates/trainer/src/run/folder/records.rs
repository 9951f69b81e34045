//! `records.jsonl`: lines that are added, and that a checkpoint can come back to.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use run_records::Record;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::failed;
use crate::TrainerError;

/// A place in the records: everything before it is known by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::run) struct Mark {
    /// Length of what is before it.
    pub(in crate::run) bytes: u64,
    /// SHA-256 of what is before it, in hexadecimal.
    pub(in crate::run) sha256: String,
}

/// The records of a run that is being trained. Nobody else may add to them: the file is locked.
#[derive(Debug)]
pub(in crate::run) struct Records {
    path: PathBuf,
    file: BufWriter<File>,
    written: Written,
}

/// What has been handed to the file.
#[derive(Clone, Debug, Default)]
struct Written {
    bytes: u64,
    hash: Sha256,
}

impl Written {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
    }

    fn mark(&self) -> Mark {
        Mark {
            bytes: self.bytes,
            sha256: hexadecimal(&self.hash.clone().finalize()),
        }
    }
}

impl Records {
    /// A new file.
    pub(in crate::run) fn create(path: &Path) -> Result<Self, TrainerError> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        Self::locked(path, file)
    }

    /// A file that is there, to be [cut](Self::cut) at a mark.
    pub(in crate::run) fn open(path: &Path) -> Result<Self, TrainerError> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Self::locked(path, file)
    }

    fn locked(path: &Path, file: io::Result<File>) -> Result<Self, TrainerError> {
        let file = file.map_err(|error| failed("open", path, error))?;
        // Where a file system has no locks, there is none.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(TrainerError::InUse {
                folder: path.parent().unwrap_or(path).to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            written: Written::default(),
        })
    }

    /// Whether the file begins with what is before a mark.
    pub(in crate::run) fn begin_with(&mut self, mark: &Mark) -> Result<bool, TrainerError> {
        Ok(self.read(mark.bytes)?.mark() == *mark)
    }

    /// Throws away what comes after so many bytes.
    pub(in crate::run) fn cut(&mut self, bytes: u64) -> Result<(), TrainerError> {
        self.written = self.read(bytes)?;
        let file = self.file.get_mut();
        let cut = file
            .set_len(bytes)
            .and_then(|()| file.seek(SeekFrom::Start(bytes)));
        cut.map_err(|error| failed("shorten", &self.path, error))?;
        Ok(())
    }

    /// The first so many bytes, or all that are there.
    fn read(&mut self, bytes: u64) -> Result<Written, TrainerError> {
        let mut written = Written::default();
        let file = self.file.get_mut();
        let mut read = || {
            file.seek(SeekFrom::Start(0))?;
            let mut rest = file.take(bytes);
            let mut buffer = [0; 1 << 16];
            loop {
                match rest.read(&mut buffer)? {
                    0 => return Ok(()),
                    count => written.add(&buffer[..count]),
                }
            }
        };
        read().map_err(|error| failed("read", &self.path, error))?;
        Ok(written)
    }

    /// Adds a line.
    pub(in crate::run) fn add(&mut self, record: &Record) -> Result<(), TrainerError> {
        let line = serde_json::to_vec(record).map_err(io::Error::from);
        let added = line.and_then(|mut line| {
            line.push(b'\n');
            self.file.write_all(&line)?;
            self.written.add(&line);
            Ok(())
        });
        added.map_err(|error| failed("write", &self.path, error))
    }

    /// Hands all lines to the operating system.
    pub(in crate::run) fn flush(&mut self) -> Result<(), TrainerError> {
        let flushed = self.file.flush();
        flushed.map_err(|error| failed("write", &self.path, error))
    }

    /// Brings all lines down to the disk, and marks the place after them.
    pub(in crate::run) fn mark(&mut self) -> Result<Mark, TrainerError> {
        self.flush()?;
        let synced = self.file.get_ref().sync_all();
        synced.map_err(|error| failed("write", &self.path, error))?;
        Ok(self.written.mark())
    }
}

/// Two digits a byte.
pub(in crate::run) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
