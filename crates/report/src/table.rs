//! Tables in CSV.

use serde::Serialize;

use crate::error::ReportError;

/// A table with a header of the rows' field names; numbers so that they read back as they are, `NaN` where there is none.
pub(crate) fn csv<R: Serialize>(
    name: &'static str,
    rows: impl Iterator<Item = R>,
) -> Result<Vec<u8>, ReportError> {
    let failed = |source| ReportError::Table {
        table: name,
        source,
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(failed)?;
    }
    writer
        .into_inner()
        .map_err(|error| failed(csv::Error::from(error.into_error())))
}
