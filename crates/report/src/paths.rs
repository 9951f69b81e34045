//! Where a report goes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::ReportError;
use crate::figures::Panel;

/// The files that a report consists of.
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
    /// `summary.csv`: one line for each run and epoch, or of a reproduction for each claim.
    pub summary: PathBuf,
    /// The figures alone, `figures/*.svg`, in the order of the page. Beside each lies a PNG of the same name, 85 mm wide at
    /// 300 pixels an inch.
    pub figures: Vec<PathBuf>,
}

/// Writes everything, the page last: who finds a page finds the rest as well.
pub(crate) fn write_files<'a>(
    folder: &Path,
    page: &str,
    summary: &[u8],
    panels: impl IntoIterator<Item = &'a Panel>,
) -> Result<ReportPaths, ReportError> {
    let drawings = folder.join("figures");
    fs::create_dir_all(&drawings).map_err(|source| ReportError::Write {
        path: drawings.clone(),
        source,
    })?;
    let mut figures = Vec::new();
    for panel in panels {
        let path = drawings.join(format!("{}.svg", panel.chart.id));
        put(&path, panel.pictures.svg.as_bytes())?;
        put(&path.with_extension("png"), &panel.pictures.png)?;
        figures.push(path);
    }
    let paths = ReportPaths {
        page: folder.join("report.html"),
        summary: folder.join("summary.csv"),
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
