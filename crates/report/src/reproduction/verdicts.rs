//! How many claims came to what.

use claims::{Outcome, Verdict};

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
