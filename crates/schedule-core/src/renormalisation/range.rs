//! When the plain schedule leaves a format.

use super::{Bounds, Formats, Growth, Magnitudes, Monitored};

/// On which side a number leaves a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Above the largest number.
    Overflow,
    /// Below the smallest normal number, from where on digits are lost.
    Underflow,
}

/// A number that leaves its format.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Departure {
    /// The first step in which it does.
    pub step: u64,
    /// Which number.
    pub what: Monitored,
    /// Where it goes.
    pub side: Side,
    /// The logarithm of its value there.
    pub ln_value: f64,
}

/// What becomes of a schedule without weight decay in float formats, if nothing is done about it.
///
/// ```
/// use schedule_core::renormalisation::{Bounds, FloatFormat, Magnitudes, RangeReport};
/// use schedule_core::{ExactLaw, Recipe, Schedule};
///
/// let constant = Schedule::constant;
/// let recipe = Recipe::new(constant(0.1)?, constant(5e-4)?, constant(0.9)?)?;
/// let one = Bounds::just(1.0);
/// let magnitudes = Magnitudes::new(one, one, 10.0, one, 2)?;
/// let steps = ExactLaw::new().steps(&recipe).take(100_000);
/// let report = RangeReport::of(steps, FloatFormat::F32, &magnitudes)?;
/// let first = report.departures.first().unwrap();
/// assert_eq!(first.step, 44_158); // the variances
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RangeReport {
    /// The first departure of each number on each side, in the order of the steps.
    pub departures: Vec<Departure>,
    /// The first of the last steps in all of which the growth factor `a_t^{−(1+k)}` of an update of degree `k`, of SGD `a_t⁻²`,
    /// rounds to 1 in the rate's format: a rate
    /// kept in it and multiplied by a factor kept in it does not grow from there on. `None` if the
    /// last growth there is can be represented.
    pub growth_rounds_to_one_from: Option<u64>,
    /// The first of the last steps in all of which the largest update, relative to the smallest parameters, is
    /// below half a unit in the last place of any number of the state's format. The bounds are
    /// on norms, and so is this: a parameter kept in the format whose share of the update is that of `‖θ‖` stays
    /// where it is from there on, one nearer to 0 may still move. If the lower bound on `‖θ‖` is one on every
    /// element, none moves. The update is the buffer at degree 1 and, with
    /// [moments](Magnitudes::with_moments), the first over the root of the second; `None` for another, of whose size
    /// the bounds say nothing.
    pub updates_lost_from: Option<u64>,
}

impl RangeReport {
    /// Follows the steps of whatever law to the end.
    ///
    /// # Errors
    /// The first error among the steps.
    pub fn of<S, E>(
        steps: impl IntoIterator<Item = Result<S, E>>,
        formats: impl Into<Formats>,
        magnitudes: &Magnitudes,
    ) -> Result<Self, E>
    where
        for<'a> &'a S: Into<Growth>,
    {
        let formats = formats.into();
        let (rate, state) = (formats.learning_rate.epsilon(), formats.state.epsilon());
        let mut report = Self {
            departures: Vec::new(),
            growth_rounds_to_one_from: None,
            updates_lost_from: None,
        };
        for step in steps {
            let step: Growth = (&step?).into();
            for what in Monitored::ALL {
                for found in departures(&step, what, formats, magnitudes) {
                    report.add(found);
                }
            }
            // A number just above 1 rounds to it within half of ε, one just below within a quarter.
            let growth = (-(1.0 + step.degree) * step.ln_shrink).exp_m1();
            if growth != 0.0 {
                let rounds = growth <= rate / 2.0 && growth >= -rate / 4.0;
                extend(&mut report.growth_rounds_to_one_from, rounds, step.step);
            }
            let update = magnitudes.largest_relative_update(&step);
            if let Some(update) = update.filter(|&update| update > 0.0) {
                let lost = update < state / 4.0;
                extend(&mut report.updates_lost_from, lost, step.step);
            }
        }
        Ok(report)
    }

    fn add(&mut self, found: Departure) {
        let known = |known: &Departure| known.what == found.what && known.side == found.side;
        if !self.departures.iter().any(known) {
            self.departures.push(found);
        }
    }
}

/// Goes on with a stretch of steps or ends it.
fn extend(from: &mut Option<u64>, holds: bool, step: u64) {
    *from = holds.then(|| from.unwrap_or(step));
}

/// The departures of a number in a step, one at most on each side.
fn departures(
    step: &Growth,
    what: Monitored,
    formats: Formats,
    magnitudes: &Magnitudes,
) -> impl Iterator<Item = Departure> {
    let format = formats.of(what);
    let leaves = magnitudes.ln_of_twin(what, step).map(|bounds| {
        let Bounds { smallest, largest } = bounds;
        let above = largest > format.largest().ln();
        let below = smallest < format.smallest_normal().ln();
        [
            above.then_some((Side::Overflow, largest)),
            below.then_some((Side::Underflow, smallest)),
        ]
    });
    let step = step.step;
    let sides = leaves.into_iter().flatten().flatten();
    sides.map(move |(side, ln_value)| Departure {
        step,
        what,
        side,
        ln_value,
    })
}
