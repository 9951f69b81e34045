//! Making reports of simulated runs, and looking at their pages.

// Each test uses a part.
#![allow(dead_code)]

use std::fs;
use std::path::Path;

use run_records::{Manifest, Record};
use tempfile::TempDir;

use crate::simulated::{Simulation, write_folder};

/// Writes the folder, makes its report, and gives back the page.
pub(crate) fn page_of(manifest: &Manifest, records: &[Record]) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_folder(folder.path(), manifest, &small().sitting(), records).expect("a run folder");
    let page = report_in(folder.path());
    (folder, page)
}

pub(crate) fn report_in(folder: &Path) -> String {
    let written = report::write(folder).expect("a report");
    fs::read_to_string(written.page).expect("the page")
}

/// The text of `<desc>` of a figure.
pub(crate) fn description<'p>(page: &'p str, id: &str) -> &'p str {
    let start = format!("<desc id=\"{id}-desc\">");
    let (_, rest) = page
        .split_once(&start)
        .unwrap_or_else(|| panic!("no figure {id}"));
    rest.split_once("</desc>").expect("its end").0
}

/// What no page may hold: numbers that are none, in what is drawn.
pub(crate) fn assert_drawable(page: &str) {
    for bad in ["points=\"\"", "NaN,", ",NaN", "inf,", ",inf"] {
        assert!(!page.contains(bad), "{bad}");
    }
}

/// Every SVG of a report is XML.
pub(crate) fn assert_well_formed(folder: &Path) {
    let entries = fs::read_dir(folder.join("figures")).expect("figures");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    for path in paths.filter(|path| path.extension().is_some_and(|kind| kind == "svg")) {
        let text = fs::read_to_string(path).expect("a figure");
        roxmltree::Document::parse(&text).expect("well-formed XML");
    }
}

/// Three runs, two drops, 120 steps.
pub(crate) fn small() -> Simulation {
    Simulation {
        epochs: 6,
        steps_per_epoch: 20,
        norms_every: 5,
        drops: vec![3, 4],
        rate: 0.1,
        ..Simulation::default()
    }
}
