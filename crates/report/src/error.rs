//! What can go wrong between a run folder and its report.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use run_records::RecordsError;

/// Why no report could be made. Each reads as a sentence, and names the file and the line at fault.
///
/// # Examples
///
/// ```
/// let error = report::write(std::path::Path::new("/no/such/folder")).unwrap_err();
/// assert!(matches!(error, report::ReportError::Records(_)));
/// assert!(error.to_string().starts_with("cannot read /no/such/folder/"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The run folder cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A file of the report cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A figure could not be drawn.
    #[error("cannot draw figure {figure}: {source}")]
    Drawing {
        /// Name of the figure, as in `figures/NAME.svg`.
        figure: String,
        /// What the plotting library said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A table could not be made.
    #[error("cannot make the table {table}: {source}")]
    Table {
        /// Name of its file.
        table: &'static str,
        /// What the CSV writer said.
        source: csv::Error,
    },
}

impl ReportError {
    /// Whether the fault lies in the run folder that was given and not in making or writing the report.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Records(_) => true,
            Self::Write { .. } | Self::Drawing { .. } | Self::Table { .. } => false,
        }
    }
}
