//! Where a report goes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::ReportError;
use crate::figures::Drawn;

/// The files that [`write`](crate::write) left in the run folder.
///
/// # Examples
///
/// ```no_run
/// let written = report::write(std::path::Path::new("runs/figure-2"))?;
/// println!("{} figures, {}", written.figures.len(), written.page.display());
/// # Ok::<(), report::ReportError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportPaths {
    /// The page, `report.html`: it needs no other file and no network.
    pub page: PathBuf,
    /// One line for each run and epoch, `summary.csv`.
    pub summary: PathBuf,
    /// The figures alone, `figures/*.svg`, in the order of the page.
    pub figures: Vec<PathBuf>,
}

/// Writes everything, the page last: who finds a page finds the rest as well.
pub(crate) fn write_files(
    run_folder: &Path,
    page: &str,
    summary: &[u8],
    drawn: &[Drawn],
) -> Result<ReportPaths, ReportError> {
    let folder = run_folder.join("figures");
    fs::create_dir_all(&folder).map_err(|source| ReportError::Write {
        path: folder.clone(),
        source,
    })?;
    let mut figures = Vec::new();
    for panel in drawn.iter().flat_map(|figure| &figure.panels) {
        let path = folder.join(format!("{}.svg", panel.id));
        put(&path, panel.svg.standalone.as_bytes())?;
        figures.push(path);
    }
    let paths = ReportPaths {
        page: run_folder.join("report.html"),
        summary: run_folder.join("summary.csv"),
        figures,
    };
    put(&paths.summary, summary)?;
    put(&paths.page, page.as_bytes())?;
    Ok(paths)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    fs::write(path, bytes).map_err(|source| ReportError::Write {
        path: path.to_owned(),
        source,
    })
}
