//! Compiled kernels on disk.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use sha2::{Digest, Sha256};

/// Where the cache is, instead of the user's folder for caches.
pub(super) const CACHE_VARIABLE: &str = "NN_CUDA_CACHE";

/// A folder of compiled kernels, each under the hash of all that it depends on, with a hash of its content: an entry that
/// was cut off or changed is none.
///
/// ```
/// use nn_cuda::kernels::Cache;
///
/// let folder = tempfile::tempdir()?;
/// let cache = Cache::at(folder.path());
/// let key = Cache::key(&["source", "options", "sm_90"]);
/// cache.put(&key, b"code")?;
/// assert_eq!(cache.get(&key), Some(b"code".to_vec()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// Length of a hash in bytes.
const HASH: usize = 32;

impl Cache {
    /// In this folder, which is made when the first entry is.
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// In the folder that the environment variable `NN_CUDA_CACHE` names, else in the user's folder for caches; none if
    /// there is no such folder.
    pub(super) fn of_user() -> Option<Self> {
        if let Some(folder) = std::env::var_os(CACHE_VARIABLE) {
            return Some(Self::at(Path::new(&folder)));
        }
        let strategy = etcetera::choose_base_strategy().ok()?;
        Some(Self::at(&strategy.cache_dir().join("nn-cuda")))
    }

    /// The name of an entry that depends on these texts.
    pub fn key(of: &[&str]) -> String {
        let mut hash = Sha256::new();
        for part in of {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hex(&hash.finalize())
    }

    /// The content of an entry; none if there is no such entry, or it is damaged.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let file = fs::read(self.file(key)).ok()?;
        let (hash, content) = file.split_at_checked(HASH)?;
        (Sha256::digest(content)[..] == *hash).then(|| content.to_vec())
    }

    /// Writes an entry, whole or not at all.
    ///
    /// # Errors
    /// [`io::Error`] from the file system.
    pub fn put(&self, key: &str, content: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&Sha256::digest(content))?;
        file.write_all(content)?;
        file.persist(self.file(key))?;
        Ok(())
    }

    /// Takes an entry out, as far as the file system lets it.
    pub(super) fn remove(&self, key: &str) {
        let _ = fs::remove_file(self.file(key));
    }

    fn file(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.cubin"))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
