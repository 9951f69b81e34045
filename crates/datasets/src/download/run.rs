//! Fetch, verify, unpack, put in place.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::fetch::Transfer;
use super::unpack::{Fault, unpack};
use super::{Archive, DownloadError, Progress};
use crate::cifar10::FOLDER;
use crate::fingerprint::hex;

/// What has arrived so far.
const PART: &str = "cifar-10-binary.tar.gz.part";

/// Downloads `archive` and unpacks it to `into/cifar-10-batches-bin`, whose path it returns.
///
/// What arrives is collected in `into/cifar-10-binary.tar.gz.part`; after a failure of the network the
/// next call continues there, if the server can. The checksum is verified before anything is unpacked; only the files of
/// CIFAR-10 are, and the directory appears complete or not at all. The archive is deleted in the end. Without
/// a network the call fails within some seconds. Proxies are taken from the usual environment variables.
///
/// `progress` is called before the first byte and after every piece of at most 64 KiB.
///
/// # Errors
/// [`DownloadError`]; nothing is left behind but the part file, and that only if continuing makes sense.
///
/// ```no_run
/// use datasets::download::{Archive, download};
/// let folder = download(&Archive::cifar10(), "data".as_ref(), &mut |progress| {
///     println!("{} bytes of {:?}", progress.received, progress.total);
/// })?;
/// # Ok::<(), datasets::download::DownloadError>(())
/// ```
pub fn download(
    archive: &Archive,
    into: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, DownloadError> {
    let target = into.join(FOLDER);
    if target.symlink_metadata().is_ok() {
        return Err(DownloadError::Exists { path: target });
    }
    let found = into.symlink_metadata().is_ok();
    fs::create_dir_all(into).map_err(|reason| disk(into, reason))?;
    let path = into.join(PART);
    let mut part = open(&path)?;
    let transferred = Transfer {
        url: &archive.url,
        part: &mut part,
        path: &path,
        progress,
    }
    .run();
    if let Err(error) = transferred {
        // An attempt that brought nothing leaves nothing.
        if part.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            delete(&path)?;
            if !found {
                // Empty, or somebody else's.
                let _ = fs::remove_dir(into);
            }
        }
        return Err(error);
    }
    if let Err(error) = verify(archive, &mut part, &path) {
        if matches!(error, DownloadError::Checksum { .. }) {
            delete(&path)?;
        }
        return Err(error);
    }
    let placed = place(&mut part, into, &target);
    match placed {
        Err(Fault::Disk(path, reason)) => return Err(DownloadError::Disk { path, reason }),
        Ok(()) | Err(Fault::Archive(_)) => delete(&path)?,
    }
    placed.map(|()| target).map_err(|fault| match fault {
        Fault::Archive(reason) => DownloadError::Unpack {
            url: archive.url.clone(),
            reason,
        },
        Fault::Disk(path, reason) => DownloadError::Disk { path, reason },
    })
}

/// The part file, held against other processes until it is dropped.
fn open(path: &Path) -> Result<File, DownloadError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let part = options.open(path).map_err(|reason| disk(path, reason))?;
    match part.try_lock() {
        Err(TryLockError::WouldBlock) => Err(DownloadError::Busy {
            path: path.to_owned(),
        }),
        // Some network file systems have no locks; the checksum still tells when two processes met.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(part),
    }
}

fn verify(archive: &Archive, part: &mut File, path: &Path) -> Result<(), DownloadError> {
    let mut hash = Md5::new();
    let mut buffer = vec![0; 1 << 16];
    part.rewind().map_err(|reason| disk(path, reason))?;
    loop {
        match part.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(reason) => return Err(disk(path, reason)),
        }
    }
    let found = hex(&hash.finalize());
    if found.eq_ignore_ascii_case(&archive.md5) {
        return Ok(());
    }
    Err(DownloadError::Checksum {
        url: archive.url.clone(),
        expected: archive.md5.clone(),
        found,
    })
}

/// Unpacks beside the target, then renames: readers see all files or none.
fn place(part: &mut File, into: &Path, target: &Path) -> Result<(), Fault> {
    let staging = into.join(format!("{FOLDER}.part"));
    let on_disk = |path: &Path, reason| Fault::Disk(path.to_owned(), reason);
    if staging.symlink_metadata().is_ok() {
        // Left behind by a process that was killed: we hold the lock.
        fs::remove_dir_all(&staging).map_err(|reason| on_disk(&staging, reason))?;
    }
    fs::create_dir(&staging).map_err(|reason| on_disk(&staging, reason))?;
    let result = part
        .rewind()
        .map_err(Fault::Archive)
        .and_then(|()| unpack(part, &staging))
        .and_then(|()| fs::rename(&staging, target).map_err(|reason| on_disk(target, reason)));
    if result.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_dir_all(&staging);
    }
    result
}

fn delete(path: &Path) -> Result<(), DownloadError> {
    fs::remove_file(path).map_err(|reason| disk(path, reason))
}

fn disk(path: &Path, reason: io::Error) -> DownloadError {
    DownloadError::Disk {
        path: path.to_owned(),
        reason,
    }
}
