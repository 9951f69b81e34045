//! Who is told how training goes. The trainer itself draws nothing.

use std::path::Path;

use super::{Finished, Unusable};
use run_records::{Manifest, Record};

/// What happens, in this order: a start, then steps and, after each epoch's last, an epoch; one
/// end.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Training starts, in a new folder or in one that is there.
    Started {
        /// The run folder.
        folder: &'a Path,
        /// What is known.
        manifest: &'a Manifest,
        /// Engine, precision, hardware, threads.
        device: &'a str,
        /// Steps that were done before.
        from_step: u64,
        /// Checkpoints of later steps that are of no use.
        unusable: &'a [Unusable],
    },
    /// Some steps are done: about twice a second.
    Stepped {
        /// Steps done since the start.
        steps: u64,
        /// Loss of the last step, of each run.
        losses: &'a [f64],
    },
    /// A run's loss has stopped being a number. The other runs go on as they would have.
    Diverged {
        /// The run.
        run: usize,
        /// Its first step without a finite loss.
        step: u64,
    },
    /// An epoch is done and evaluated.
    Epoch {
        /// Epochs done.
        epoch: u64,
        /// [`Record::Epoch`] of each run.
        records: &'a [Record],
    },
    /// Everything is written.
    Finished(&'a Finished),
}

/// Told of every [`Event`]. Any `FnMut(&Event)` is one.
pub trait Observer {
    /// Takes note; training waits for it.
    fn event(&mut self, event: &Event<'_>);

    /// Whether training is to stop, asked about twice a second: then the run is saved, and stopped by
    /// [`TrainerError::Interrupted`](crate::TrainerError::Interrupted).
    fn wants_to_stop(&self) -> bool {
        false
    }
}

impl<F: FnMut(&Event<'_>)> Observer for F {
    fn event(&mut self, event: &Event<'_>) {
        self(event);
    }
}
