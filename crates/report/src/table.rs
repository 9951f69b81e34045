//! Tables in CSV.

use serde::Serialize;

use crate::error::ReportError;

/// A table with a header of the rows' field names, also where there is no row; numbers so that they read back as they are,
/// `NaN` where there is none.
pub(crate) fn csv<R: Serialize + Default>(
    name: &'static str,
    rows: impl Iterator<Item = R>,
) -> Result<Vec<u8>, ReportError> {
    let failed = |source| ReportError::Table {
        table: name,
        source,
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut rows = rows.peekable();
    let is_empty = rows.peek().is_none();
    // The header comes with the first row.
    let none = is_empty.then(R::default);
    for row in rows.chain(none) {
        writer.serialize(row).map_err(failed)?;
    }
    let mut table = writer
        .into_inner()
        .map_err(|error| failed(csv::Error::from(error.into_error())))?;
    if is_empty {
        let header = table.iter().position(|&byte| byte == b'\n');
        table.truncate(header.map_or(0, |end| end + 1));
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Serialize)]
    struct Row {
        run: &'static str,
        loss: f64,
    }

    #[test]
    fn a_table_without_rows_has_a_header() {
        let table = |rows: Vec<Row>| {
            let table = csv("t.csv", rows.into_iter()).expect("a table");
            String::from_utf8(table).expect("text")
        };
        assert_eq!(table(vec![]), "run,loss\n");
        let row = Row {
            run: "a",
            loss: f64::NAN,
        };
        assert_eq!(table(vec![row]), "run,loss\na,NaN\n");
    }
}
