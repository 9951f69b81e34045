//! Which scales keep a run in its formats.

use std::f64::consts::LN_2;

use super::{Bounds, Formats, Growth, Magnitudes, Monitored, RenormalisationError};

/// Up to here every `K` is a float64, and the difference of two of them an i64.
const LARGEST_TOTAL: f64 = (1_u64 << 53) as f64;

/// The `K` with which all numbers of a step are in their formats, the run being rescaled by `2^{−K}`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scales {
    lowest: i64,
    highest: i64,
    /// What would overflow, or underflow, at a lower `K`.
    above: Monitored,
    /// What would at a higher one.
    below: Monitored,
}

impl Scales {
    /// Those that keep everything in, and also what [may underflow](Monitored::may_underflow), if any do.
    pub(super) fn of(
        step: &Growth,
        formats: Formats,
        magnitudes: &Magnitudes,
    ) -> Result<Self, RenormalisationError> {
        let mut all = Self {
            lowest: -(LARGEST_TOTAL as i64),
            highest: LARGEST_TOTAL as i64,
            above: Monitored::SquaredParameterNorm,
            below: Monitored::SquaredParameterNorm,
        };
        for what in Monitored::ALL {
            let Some(values) = magnitudes.ln_of_twin(what, step) else {
                continue;
            };
            let smallest = match what.may_underflow() {
                true => f64::INFINITY,
                false => values.smallest,
            };
            let weight = magnitudes.weight(what, step);
            let own = Self::of_one(what, Bounds { smallest, ..values }, formats, weight)
                .ok_or_else(|| does_not_fit(step, what, values, formats))?;
            all = all.intersection(own);
            if all.is_empty() {
                return Err(RenormalisationError::NoCommonScale {
                    step: step.step,
                    above: all.above,
                    lowest: all.lowest,
                    below: all.below,
                    highest: all.highest,
                    format: formats.state,
                });
            }
        }
        let may_underflow = Monitored::ALL
            .into_iter()
            .filter(|what| what.may_underflow());
        Ok(may_underflow.fold(all, |all, what| {
            let whole = magnitudes
                .ln_of_twin(what, step)
                .and_then(|values| {
                    Self::of_one(what, values, formats, magnitudes.weight(what, step))
                })
                .map(|of_one| all.intersection(of_one));
            whole.filter(|scales| !scales.is_empty()).unwrap_or(all)
        }))
    }

    /// For one number of some [weight](Magnitudes::weight).
    fn of_one(what: Monitored, values: Bounds, formats: Formats, weight: f64) -> Option<Self> {
        let format = formats.of(what);
        let room_above = format.largest().ln() - values.largest;
        let room_below = values.smallest - format.smallest_normal().ln();
        // With c = 2^{−K} a number of positive weight falls as K grows.
        let (down, up) = if weight > 0.0 {
            (room_above, room_below)
        } else {
            (room_below, room_above)
        };
        let (lowest, highest) = if weight != 0.0 {
            let unit = weight.abs() * LN_2;
            ((-down / unit).ceil(), (up / unit).floor())
        } else if down >= 0.0 && up >= 0.0 {
            (-LARGEST_TOTAL, LARGEST_TOTAL)
        } else {
            return None;
        };
        let (lowest, highest) = (lowest.max(-LARGEST_TOTAL), highest.min(LARGEST_TOTAL));
        (lowest <= highest).then_some(Self {
            lowest: lowest as i64,
            highest: highest as i64,
            above: what,
            below: what,
        })
    }

    fn intersection(self, other: Self) -> Self {
        let (lowest, above) = if other.lowest > self.lowest {
            (other.lowest, other.above)
        } else {
            (self.lowest, self.above)
        };
        let (highest, below) = if other.highest < self.highest {
            (other.highest, other.below)
        } else {
            (self.highest, self.below)
        };
        Self {
            lowest,
            highest,
            above,
            below,
        }
    }

    fn is_empty(self) -> bool {
        self.lowest > self.highest
    }

    pub(super) fn contain(self, total: i64) -> bool {
        (self.lowest..=self.highest).contains(&total)
    }

    /// The one nearest some `K`, not necessarily a whole one.
    pub(super) fn nearest(self, total: f64) -> i64 {
        let whole = total.round().clamp(-LARGEST_TOTAL, LARGEST_TOTAL) as i64;
        whole.max(self.lowest).min(self.highest)
    }
}

fn does_not_fit(
    step: &Growth,
    what: Monitored,
    values: Bounds,
    formats: Formats,
) -> RenormalisationError {
    let format = formats.of(what);
    RenormalisationError::DoesNotFit {
        step: step.step,
        what,
        ln_smallest: values.smallest,
        ln_largest: values.largest,
        format,
        smallest: format.smallest_normal(),
        largest: format.largest(),
    }
}
