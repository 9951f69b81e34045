//! From a compressed archive into a directory, the expected files only.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;

use crate::cifar10::{FOLDER, TEST_FILE, TRAIN_FILES};

/// Copied if it is there.
const OPTIONAL: &str = "batches.meta.txt";

/// Five times what CIFAR-10 has, against archives made to fill disks.
const LIMIT: u64 = 1 << 30;

/// Who is to blame.
#[derive(Debug)]
pub(super) enum Fault {
    Archive(io::Error),
    Disk(PathBuf, io::Error),
}

/// Writes the files of CIFAR-10 into `into`, under names of our own: no entry decides where it goes.
///
/// Links, directories and all other entries are passed over.
pub(super) fn unpack(archive: impl Read, into: &Path) -> Result<(), Fault> {
    let bytes = GzDecoder::new(BufReader::new(archive)).take(LIMIT);
    let mut archive = tar::Archive::new(bytes);
    let mut missing: Vec<&str> = TRAIN_FILES.into_iter().chain([TEST_FILE]).collect();
    for entry in archive.entries().map_err(Fault::Archive)? {
        let mut entry = entry.map_err(Fault::Archive)?;
        let path = entry.path().map_err(Fault::Archive)?;
        let wanted = missing.iter().copied().chain([OPTIONAL]);
        let found = wanted.into_iter().find(|name| is_entry(&path, name));
        if let Some(name) = found.filter(|_| entry.header().entry_type().is_file()) {
            write(&mut entry, &into.join(name))?;
            missing.retain(|other| *other != name);
        }
    }
    match missing.first() {
        None => Ok(()),
        Some(name) => Err(Fault::Archive(io::Error::other(format!(
            "there is no file `{FOLDER}/{name}` in it"
        )))),
    }
}

/// Whether `path` is `cifar-10-batches-bin/name`.
fn is_entry(path: &Path, name: &str) -> bool {
    let parts = path
        .components()
        .filter(|part| !matches!(part, Component::CurDir));
    parts.eq(Path::new(FOLDER).join(name).components())
}

fn write(entry: &mut impl Read, path: &Path) -> Result<(), Fault> {
    let disk = |reason| Fault::Disk(path.to_owned(), reason);
    let mut file = File::create(path).map_err(disk)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match entry.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => file.write_all(&buffer[..count]).map_err(disk)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(reason) => return Err(Fault::Archive(reason)),
        }
    }
}
