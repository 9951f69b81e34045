//! Summation that does not drift with length.

/// A running sum with Neumaier's compensation.
///
/// `ln A_t` is a sum of millions of nearly equal small increments, the worst case of a plain sum:
/// every addition rounds to the same side. The compensated sum has an error of about one rounding
/// of the result, whatever the number of terms.
///
/// Neumaier, *Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen*, ZAMM 54
/// (1974).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CompensatedSum {
    sum: f64,
    compensation: f64,
}

impl CompensatedSum {
    /// The sum with one more term.
    #[must_use]
    pub(crate) fn plus(self, term: f64) -> Self {
        let sum = self.sum + term;
        // The smaller operand is the one that lost its low digits.
        let lost = if self.sum.abs() >= term.abs() {
            (self.sum - sum) + term
        } else {
            (term - sum) + self.sum
        };
        Self {
            sum,
            compensation: self.compensation + lost,
        }
    }

    /// The value of the sum, rounded once.
    pub(crate) fn value(self) -> f64 {
        self.sum + self.compensation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_equal_terms_do_not_drift() {
        let term = 0.1;
        let plain: f64 = (0..1_000_000).map(|_| term).sum();
        let compensated = (0..1_000_000).fold(CompensatedSum::default(), |sum, _| sum.plus(term));
        assert!(
            (plain - 1e5).abs() > 1e-7,
            "the plain sum is expected to drift: {plain}"
        );
        assert!((compensated.value() - 1e5).abs() < 1e-10);
    }

    #[test]
    fn a_small_term_survives_between_large_ones() {
        let sum = [1.0, 1e100, 1.0, -1e100]
            .into_iter()
            .fold(CompensatedSum::default(), CompensatedSum::plus);
        assert_eq!(sum.value(), 2.0);
    }
}
