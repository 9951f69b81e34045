//! The folder that a simulation leaves behind.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use claims::Outcome;
use serde::Serialize;
use toy::experiment::Experiment;
use toy::study::Findings;

use crate::CommandError;

/// Writes `experiment.toml`, `manifest.json`, `series.csv`, `claims.json` and `figures/*.svg`.
pub(super) fn write(
    folder: &Path,
    experiment: &Experiment,
    manifest: &impl Serialize,
    findings: &Findings,
    outcomes: &[Outcome],
    figures: &[(String, String)],
) -> Result<(), CommandError> {
    let put = |name: &str, text: io::Result<String>| {
        let path = folder.join(name);
        let written = text.and_then(|text| fs::write(&path, text));
        written.map_err(|source| CommandError::Output { path, source })
    };
    put(
        "experiment.toml",
        experiment.to_toml().map_err(io::Error::other),
    )?;
    put("manifest.json", json(manifest))?;
    put("series.csv", Ok(series(findings)))?;
    put("claims.json", json(&outcomes))?;
    let path = folder.join("figures");
    fs::create_dir(&path).map_err(|source| CommandError::Output { path, source })?;
    figures
        .iter()
        .try_for_each(|(name, svg)| put(&format!("figures/{name}.svg"), Ok(svg.clone())))
}

fn json(value: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    Ok(text + "\n")
}

/// Every point of every series of every seed. Names hold no comma and no quote.
fn series(findings: &Findings) -> String {
    let mut text = "seed,series,x,y\n".to_owned();
    for seed in &findings.seeds {
        for (name, series) in &seed.series {
            for (x, y) in &series.points {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{},{name},{x},{y}", seed.seed);
            }
        }
    }
    text
}
