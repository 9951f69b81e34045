use std::io;
use std::path::PathBuf;

/// Why an archive could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// No answer, or one that is no HTTP.
    #[error("{url} cannot be reached ({reason})")]
    Network {
        /// The address.
        url: String,
        /// What happened, in the words of the network layer.
        reason: io::Error,
    },
    /// The transfer ended early.
    #[error("the transfer of {url} ended after {received} bytes{}; start again to continue there", total.map_or(String::new(), |total| format!(" of {total}")))]
    Cut {
        /// The address.
        url: String,
        /// Bytes on disk.
        received: u64,
        /// Bytes of the archive, if known.
        total: Option<u64>,
    },
    /// The server refuses.
    #[error("the server answers {url} with HTTP status {status}")]
    Status {
        /// The address.
        url: String,
        /// HTTP status code.
        status: u16,
    },
    /// More bytes than the archive can have.
    #[error(
        "{url} gives more than {limit} bytes, which cannot be CIFAR-10; what had arrived was deleted"
    )]
    TooLarge {
        /// The address.
        url: String,
        /// Most bytes accepted.
        limit: u64,
    },
    /// The bytes are not the expected ones.
    #[error(
        "the archive from {url} is damaged: its MD5 is {found} instead of {expected}; it was deleted, so start again to fetch it afresh"
    )]
    Checksum {
        /// The address.
        url: String,
        /// MD5 expected.
        expected: String,
        /// MD5 found.
        found: String,
    },
    /// The archive cannot be unpacked, although its checksum is right.
    #[error("the archive from {url} cannot be unpacked: {reason}; it was deleted")]
    Unpack {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: io::Error,
    },
    /// A file cannot be written.
    #[error("`{}` cannot be written: {reason}; check the free space and permissions, or name another directory", path.display())]
    Disk {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's words.
        reason: io::Error,
    },
    /// Someone else writes the same file.
    #[error("`{}` is being written by another process; wait until its download has ended", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The place of the result is taken.
    #[error("`{}` exists already; move it away to download it afresh", path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
}

impl DownloadError {
    /// Whether the network or the server is at fault: nothing on this machine is wrong, and what has arrived is kept.
    pub fn is_network(&self) -> bool {
        matches!(
            self,
            Self::Network { .. } | Self::Cut { .. } | Self::Status { .. }
        )
    }
}
