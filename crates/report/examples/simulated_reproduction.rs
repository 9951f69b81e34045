//! Writes the page of a whole reproduction of simulated runs, to see what it looks like.
//!
//! `cargo run -p report --example simulated_reproduction -- FOLDER [FIGURES [SEEDS [EPOCHS [STEPS_PER_EPOCH]]]]`

use std::path::PathBuf;

#[path = "../tests/simulated/mod.rs"]
mod simulated;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let mut number = |otherwise: u64| arguments.next().map_or(Ok(otherwise), |text| text.parse());
    let (figures, seeds, epochs, steps_per_epoch) =
        (number(3)?, number(3)?, number(30)?, number(40)?);
    let simulation = simulated::Simulation {
        epochs,
        steps_per_epoch,
        drops: vec![epochs * 2 / 5, epochs * 3 / 5],
        ..simulated::Simulation::default()
    };
    let reproduction = simulated::reproduction::reproduction(&simulation, figures as usize, seeds);
    let written = report::reproduction(&folder, &reproduction)?;
    println!("{}", written.page.display());
    Ok(())
}
