//! What became of each claim.

use claims::{Outcome, Verdict};

use super::Reproduction;
use crate::error::ReportError;

/// How many claims came to each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) reproduced: usize,
    pub(crate) not_reproduced: usize,
    pub(crate) not_decided: usize,
}

impl Count {
    pub(crate) fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let mut count = Self::default();
        for outcome in outcomes {
            *match outcome.verdict {
                Verdict::Reproduced => &mut count.reproduced,
                Verdict::NotReproduced => &mut count.not_reproduced,
                Verdict::NotDecided => &mut count.not_decided,
            } += 1;
        }
        count
    }

    pub(crate) fn all(self) -> usize {
        self.reproduced + self.not_reproduced + self.not_decided
    }
}

/// `summary.csv`: one line for each claim.
pub(super) fn csv(reproduction: &Reproduction) -> Result<Vec<u8>, ReportError> {
    let failed = |source| ReportError::Table { source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(["figure", "claim", "says", "source", "verdict", "evidence"])
        .map_err(failed)?;
    for figure in &reproduction.figures {
        for outcome in &figure.outcomes {
            let verdict = outcome.verdict.to_string();
            let fields = [
                &figure.id,
                &outcome.id,
                &outcome.says,
                &outcome.source,
                &verdict,
                &outcome.evidence,
            ];
            writer.write_record(fields).map_err(failed)?;
        }
    }
    writer
        .into_inner()
        .map_err(|error| failed(csv::Error::from(error.into_error())))
}
