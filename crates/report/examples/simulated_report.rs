//! Writes a run folder of simulated records and its report, to see what a report looks like.
//!
//! `cargo run -p report --example simulated_report -- FOLDER [EPOCHS [STEPS_PER_EPOCH]]`

use std::path::PathBuf;

#[path = "../tests/simulated/mod.rs"]
mod simulated;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let mut simulation = simulated::Simulation::default();
    if let Some(epochs) = arguments.next() {
        simulation.epochs = epochs.parse()?;
        simulation.drops = vec![simulation.epochs * 2 / 5, simulation.epochs * 3 / 5];
    }
    if let Some(steps) = arguments.next() {
        simulation.steps_per_epoch = steps.parse()?;
    }
    std::fs::create_dir_all(&folder)?;
    simulation.write(&folder)?;
    let written = report::write(&folder)?;
    println!("{}", written.page.display());
    Ok(())
}
