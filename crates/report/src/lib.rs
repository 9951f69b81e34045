#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod chart;
mod comparison;
mod error;
mod figures;
mod numbers;
mod page;
mod paths;
mod reproduction;
mod series;
mod summary;
mod table;
mod tensorboard;

pub use chart::{BandPoint, Chart, Curve, Scale, Stroke, to_svg};
pub use comparison::{ComparedRun, comparison};
pub use error::ReportError;
pub use paths::ReportPaths;
pub use reproduction::{PaperFigure, PaperPanel, Quantity, Reproduction, SeededRun, reproduction};
pub use series::Point;

use std::path::Path;

use run_records::RunFolder;

/// Reads a run folder and writes `report.html`, `epochs.csv`, the figures as SVG and PNG, and event files for TensorBoard
/// into it.
///
/// The folder holds `experiment.toml`, `manifest.json`, `sittings.json` and `records.jsonl`. A run that was stopped,
/// or whose last line was cut in the middle, still gives a report, which says so. Files of an earlier
/// report in the same folder are replaced; nothing else is touched, and nothing is written unless all
/// four files could be read.
///
/// # Errors
///
/// [`ReportError`] names the file, and the line where one is at fault: a file is missing or is not what
/// it should be, a record names a run that the manifest does not have or goes back in time, or the
/// folder cannot be written.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # std::fs::write(folder.path().join("experiment.toml"), "")?;
/// # std::fs::write(folder.path().join("records.jsonl"), "")?;
/// # std::fs::write(folder.path().join("sittings.json"), "[]")?;
/// # std::fs::write(folder.path().join("manifest.json"), r#"{
/// #   "experiment": "none", "title": "Nothing yet", "preset": null,
/// #   "experiment_sha256": "",
/// #   "initial_seed": 0, "batch_seed": 0, "batch_size": 1, "steps_per_epoch": 1, "steps": 0,
/// #   "data": { "source": "none", "train_images": 0, "test_images": 0, "sha256": "" },
/// #   "network": { "name": "none", "trained_parameters": 0, "multiply_adds": 0, "layers": [] },
/// #   "milestones": [], "runs": []
/// # }"#)?;
/// # let run_folder = folder.path();
/// let written = report::write(run_folder)?;
/// println!("open {}", written.page.display());
/// # assert!(written.page.is_file());
/// # Ok(())
/// # }
/// ```
pub fn write(run_folder: &Path) -> Result<ReportPaths, ReportError> {
    let folder = RunFolder::read(run_folder)?;
    let drawn = figures::draw_all(&folder)?;
    let tables = [("epochs.csv", summary::csv(&folder)?)];
    let page = page::render(&folder, &drawn);
    let panels = drawn.iter().flat_map(|figure| &figure.panels);
    let events = tensorboard::files(&folder);
    paths::write_files(run_folder, &page, &tables, panels, &events)
}
