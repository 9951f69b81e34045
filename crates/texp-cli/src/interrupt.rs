//! Ctrl-C while training: the step is finished and the run saved.

use std::sync::atomic::{AtomicBool, Ordering};

static WANTED: AtomicBool = AtomicBool::new(false);

/// From now on, the first Ctrl-C (or SIGTERM) only asks for a stop, and the second stops at once.
pub(crate) fn listen() {
    let asked = || {
        if WANTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("\nStopping after this step; once more to stop at once.");
    };
    // Where there is one already, as in a second training of a process, it is this one.
    let _ = ctrlc::set_handler(asked);
}

/// Whether a stop was asked for.
pub(crate) fn is_wanted() -> bool {
    WANTED.load(Ordering::Relaxed)
}
