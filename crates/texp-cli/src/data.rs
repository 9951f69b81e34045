//! Finding the images, with a progress bar where they have to be downloaded.

use std::path::{Path, PathBuf};

use datasets::download::Progress;
use datasets::{DataError, Dataset, LocateOptions, Preference, locate, synthetic};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::MachineArgs;

/// `$CIFAR10_DIR`; an empty one counts as none.
pub(crate) fn environment() -> Option<PathBuf> {
    std::env::var_os("CIFAR10_DIR")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
}

/// So many images, or more, for training and for testing; says which they are on standard error.
pub(crate) fn find(
    [train, test]: [usize; 2],
    args: &MachineArgs,
    environment: Option<PathBuf>,
    default_dir: &Path,
) -> Result<Dataset, DataError> {
    let options = LocateOptions {
        preference: if args.synthetic {
            Preference::Synthetic
        } else {
            Preference::Cifar10
        },
        dir: args.data.clone(),
        default_dir: default_dir.to_owned(),
        environment,
        synthetic: synthetic::Spec {
            train,
            test,
            ..synthetic::Spec::default()
        },
        ..LocateOptions::default()
    };
    let mut bar: Option<ProgressBar> = None;
    let dataset = locate(&options, &mut |progress| show(&mut bar, progress))?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    eprintln!("Data: {}.", dataset.source);
    Ok(dataset)
}

fn show(
    bar: &mut Option<ProgressBar>,
    Progress {
        received, total, ..
    }: Progress,
) {
    let bar = bar.get_or_insert_with(|| {
        eprintln!("CIFAR-10 is not here yet: downloading the official archive.");
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(4));
        let template = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar
    });
    if let Some(total) = total {
        bar.set_length(total);
    }
    bar.set_position(received);
}
