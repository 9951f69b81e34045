//! The arguments of every command that trains.

use std::path::PathBuf;

/// What every command that trains accepts.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RunArgs {
    /// Preset of the experiment to apply.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Folder that holds CIFAR-10 in its binary layout [default: $CIFAR10_DIR, then ./data, then a download].
    #[arg(long, value_name = "DIR", conflicts_with = "synthetic")]
    pub data: Option<PathBuf>,
    /// Use the built-in set of generated images.
    #[arg(long)]
    pub synthetic: bool,
    /// Where run folders are made; one that exists is never overwritten [default: runs].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Threads to compute with, 0 for all; results do not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
}
