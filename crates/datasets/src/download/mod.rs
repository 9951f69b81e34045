//! Fetching the official CIFAR-10 archive: resumable, verified, unpacked all or nothing.
//!
//! `download`, behind the feature of the same name, does it; [`Archive`] and [`Progress`] describe it and are always
//! there.

#[cfg(feature = "download")]
mod error;
#[cfg(feature = "download")]
mod fetch;
#[cfg(feature = "download")]
mod run;
#[cfg(feature = "download")]
mod unpack;

#[cfg(feature = "download")]
pub use error::DownloadError;
#[cfg(feature = "download")]
pub use run::download;

/// A gzip-compressed tar archive of CIFAR-10 in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// `https://…` or `http://…`.
    pub url: String,
    /// MD5 of the archive in hexadecimal, as its authors publish it. It tells damage, not malice; that is
    /// what HTTPS is for.
    pub md5: String,
}

impl Archive {
    /// The official binary version, 170 MB (<https://www.cs.toronto.edu/~kriz/cifar.html>).
    ///
    /// ```
    /// let archive = datasets::download::Archive::cifar10();
    /// assert_eq!(archive.md5, "c32a1d4ab5d03f1284b67883e8d87530");
    /// ```
    pub fn cifar10() -> Self {
        Self {
            url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz".into(),
            md5: "c32a1d4ab5d03f1284b67883e8d87530".into(),
        }
    }
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on disk, with those of an earlier attempt that this one continues.
    pub received: u64,
    /// Bytes of the whole archive, if the server says so.
    pub total: Option<u64>,
}
