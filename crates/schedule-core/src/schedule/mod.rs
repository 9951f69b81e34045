//! Schedules: a value for every step, as data.
//!
//! Start with [`Schedule`], whose constructors make all of them. What it is made of ([`StepDecay`], [`Cosine`], …) is there to
//! be read: to plot a schedule, to write it to a file or to know where it changes.

mod compound;
mod constant;
mod cosine;
mod error;
mod exponential;
mod extremes;
mod interpolate;
mod joined;
mod linear;
mod piecewise;
mod polynomial;
mod step_decay;
mod tabulated;

use std::fmt;

pub use constant::Constant;
pub use cosine::Cosine;
pub use error::ScheduleError;
pub use exponential::Exponential;
pub use extremes::Extremes;
pub use joined::Joined;
pub use linear::Linear;
pub use piecewise::{Phase, Piecewise};
pub use polynomial::Polynomial;
pub use step_decay::StepDecay;
pub use tabulated::Tabulated;

/// A hyperparameter as a pure function of the step.
///
/// A schedule is data: it can be compared, copied, shown, and asked for any step in any order. The
/// state needed to resume is the step alone. Every schedule has a value at every `u64` step and
/// keeps its last value for ever.
///
/// ```
/// use schedule_core::Schedule;
///
/// let warmup = Schedule::linear(0.0, 0.1, 500)?;
/// let cosine = Schedule::cosine(0.1, 0.0, 10_000)?;
/// let rate = Schedule::joined(vec![(warmup, 0), (cosine, 500)])?;
/// assert_eq!(rate.at(250), 0.05);
/// assert_eq!(rate.at(500), 0.1);
/// assert_eq!(rate.at(10_500), 0.0);
/// # Ok::<(), schedule_core::ScheduleError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "crate::serial::ScheduleArguments")
)]
#[non_exhaustive]
pub enum Schedule {
    /// The same value at every step.
    Constant(Constant),
    /// A factor applied at each milestone.
    StepDecay(StepDecay),
    /// Half a cosine from one value to another.
    Cosine(Cosine),
    /// A straight line from one value to another.
    Linear(Linear),
    /// A power of the time left, from one value to another.
    Polynomial(Polynomial),
    /// The same growth in every period.
    Exponential(Exponential),
    /// A given value in each interval.
    Piecewise(Piecewise),
    /// A given value at each step.
    Tabulated(Tabulated),
    /// Other schedules one after another.
    Joined(Joined),
}

impl Schedule {
    /// The same value at every step: `v_t = v`.
    ///
    /// # Errors
    /// [`ScheduleError::NotFinite`] when the value is NaN or infinite.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// assert_eq!(Schedule::constant(0.1)?.at(1_000_000), 0.1);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn constant(value: f64) -> Result<Self, ScheduleError> {
        Constant::new(value).map(Self::Constant)
    }

    /// A factor applied at each milestone: `v_t = initial · factor^(number of milestones ≤ t)`.
    ///
    /// # Errors
    /// A value that is not finite, a factor that is not positive, milestones that do not increase
    /// strictly from above 0, a product that leaves float64.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// let rate = Schedule::step_decay(0.5, 0.5, &[80, 120])?;
    /// assert_eq!([rate.at(79), rate.at(80), rate.at(120)], [0.5, 0.25, 0.125]);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn step_decay(
        initial: f64,
        factor: f64,
        milestones: &[u64],
    ) -> Result<Self, ScheduleError> {
        StepDecay::new(initial, factor, milestones).map(Self::StepDecay)
    }

    /// Half a cosine: `v_t = final + (initial − final)·(1 + cos(πt/steps))/2`, then `final`.
    ///
    /// Loshchilov & Hutter, *SGDR* (arXiv:1608.03983), without restarts.
    ///
    /// # Errors
    /// A value that is not finite; [`ScheduleError::NoSteps`] for 0 steps.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// let rate = Schedule::cosine(1.0, 0.0, 100)?;
    /// assert_eq!([rate.at(0), rate.at(100)], [1.0, 0.0]);
    /// assert!((rate.at(50) - 0.5).abs() < 1e-15);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn cosine(initial: f64, r#final: f64, steps: u64) -> Result<Self, ScheduleError> {
        Cosine::new(initial, r#final, steps).map(Self::Cosine)
    }

    /// A straight line: `v_t = from + (to − from)·t/steps`, then `to`.
    ///
    /// # Errors
    /// A value that is not finite; [`ScheduleError::NoSteps`] for 0 steps.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// let rate = Schedule::linear(0.0, 1.0, 4)?;
    /// assert_eq!([rate.at(0), rate.at(1), rate.at(4), rate.at(9)], [0.0, 0.25, 1.0, 1.0]);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn linear(from: f64, to: f64, steps: u64) -> Result<Self, ScheduleError> {
        Linear::new(from, to, steps).map(Self::Linear)
    }

    /// A power of the time left: `v_t = final + (initial − final)·(1 − t/steps)^power`, then `final`.
    ///
    /// Power 1 is [`linear`](Self::linear); PyTorch's `PolynomialLR` with a final value.
    ///
    /// # Errors
    /// A value that is not finite, a power that is not positive, [`ScheduleError::NoSteps`] for 0
    /// steps.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// let rate = Schedule::polynomial(1.0, 0.0, 2.0, 4)?;
    /// assert_eq!([rate.at(0), rate.at(2), rate.at(3), rate.at(9)], [1.0, 0.25, 0.0625, 0.0]);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn polynomial(
        initial: f64,
        r#final: f64,
        power: f64,
        steps: u64,
    ) -> Result<Self, ScheduleError> {
        Polynomial::new(initial, r#final, power, steps).map(Self::Polynomial)
    }

    /// The same growth in every period: `v_t = initial·growth^(t/period)` until step `steps`, then its
    /// value there.
    ///
    /// With `period` 1 the growth is that of a step, with the steps of an epoch that of an epoch.
    ///
    /// # Errors
    /// A value that is not finite, a growth that is not positive, a last value that leaves float64,
    /// [`ScheduleError::NoSteps`] for a period or length of 0 steps.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// // Figure 1 of Li & Arora (arXiv:1910.07454): 0.1 × 1.481^epoch.
    /// let rate = Schedule::exponential(0.1, 1.481, 391, 200 * 391)?;
    /// assert_eq!([rate.at(0), rate.at(391)], [0.1, 0.1481]);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn exponential(
        initial: f64,
        growth: f64,
        period: u64,
        steps: u64,
    ) -> Result<Self, ScheduleError> {
        Exponential::new(initial, growth, period, steps).map(Self::Exponential)
    }

    /// A given value in each interval: `v_t = values[number of boundaries ≤ t]`.
    ///
    /// # Errors
    /// A value that is not finite, a count of values other than that of boundaries plus 1, boundaries
    /// that do not increase strictly from above 0.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// let rate = Schedule::piecewise(&[0.1, 0.02], &[300])?;
    /// assert_eq!([rate.at(299), rate.at(300)], [0.1, 0.02]);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn piecewise(values: &[f64], boundaries: &[u64]) -> Result<Self, ScheduleError> {
        Piecewise::new(values, boundaries).map(Self::Piecewise)
    }

    /// A given value at each step: `v_t = values[t]`, the last one held.
    ///
    /// # Errors
    /// No values, or one that is not finite.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// let rate = Schedule::tabulated(vec![0.1, 0.3, 0.2])?;
    /// assert_eq!([rate.at(0), rate.at(1), rate.at(2), rate.at(9)], [0.1, 0.3, 0.2, 0.2]);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn tabulated(values: Vec<f64>) -> Result<Self, ScheduleError> {
        Tabulated::new(values).map(Self::Tabulated)
    }

    /// Schedules one after another, each with the step at which it starts and counting from there:
    /// `v_t = schedule_i(t − start_i)` for the last `i` with `start_i ≤ t`.
    ///
    /// A joined schedule within a joined one is flattened, so nesting costs nothing.
    ///
    /// # Errors
    /// No parts, a first part that does not start at 0, starts that do not increase strictly.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// let parts = vec![(Schedule::linear(0.0, 1.0, 10)?, 0), (Schedule::constant(0.5)?, 10)];
    /// let rate = Schedule::joined(parts)?;
    /// assert_eq!([rate.at(5), rate.at(10)], [0.5, 0.5]);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn joined(parts: Vec<(Schedule, u64)>) -> Result<Self, ScheduleError> {
        Joined::new(parts).map(Self::Joined)
    }

    /// The value at a step. Total: finite at every step.
    #[must_use]
    #[inline]
    pub fn at(&self, step: u64) -> f64 {
        match self {
            Self::Constant(schedule) => schedule.value(),
            Self::StepDecay(schedule) => schedule.at(step),
            Self::Cosine(schedule) => schedule.at(step),
            Self::Linear(schedule) => schedule.at(step),
            Self::Polynomial(schedule) => schedule.at(step),
            Self::Exponential(schedule) => schedule.at(step),
            Self::Piecewise(schedule) => schedule.at(step),
            Self::Tabulated(schedule) => schedule.at(step),
            Self::Joined(schedule) => schedule.at(step),
        }
    }

    /// The longest intervals on which the value is constant, in order, or `None` when the schedule is
    /// not made of constant pieces.
    ///
    /// The first phase starts at 0; neighbours differ in value; the last lasts for ever.
    ///
    /// ```
    /// use schedule_core::schedule::Phase;
    /// use schedule_core::Schedule;
    /// let phases = Schedule::step_decay(1.0, 0.5, &[80])?.phases();
    /// let expected = vec![Phase { start: 0, value: 1.0 }, Phase { start: 80, value: 0.5 }];
    /// assert_eq!(phases, Some(expected));
    /// assert_eq!(Schedule::cosine(1.0, 0.0, 80)?.phases(), None);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    #[must_use]
    pub fn phases(&self) -> Option<Vec<Phase>> {
        let mut phases = match self {
            Self::Constant(schedule) => vec![Phase {
                start: 0,
                value: schedule.value(),
            }],
            Self::StepDecay(schedule) => schedule.phases(),
            Self::Piecewise(schedule) => schedule.phases(),
            Self::Tabulated(schedule) => schedule.phases(),
            Self::Joined(schedule) => schedule.phases()?,
            Self::Cosine(_) | Self::Linear(_) | Self::Polynomial(_) | Self::Exponential(_) => {
                return None;
            }
        };
        phases.dedup_by(|next, previous| next.value == previous.value);
        Some(phases)
    }

    /// Which kind of schedule it is.
    #[must_use]
    pub fn kind(&self) -> ScheduleKind {
        match self {
            Self::Constant(_) => ScheduleKind::Constant,
            Self::StepDecay(_) => ScheduleKind::StepDecay,
            Self::Cosine(_) => ScheduleKind::Cosine,
            Self::Linear(_) => ScheduleKind::Linear,
            Self::Polynomial(_) => ScheduleKind::Polynomial,
            Self::Exponential(_) => ScheduleKind::Exponential,
            Self::Piecewise(_) => ScheduleKind::Piecewise,
            Self::Tabulated(_) => ScheduleKind::Tabulated,
            Self::Joined(_) => ScheduleKind::Joined,
        }
    }

    /// The smallest and largest value between two steps, both inclusive.
    ///
    /// ```
    /// use schedule_core::Schedule;
    ///
    /// let rate = Schedule::step_decay(0.1, 0.5, &[80])?;
    /// assert_eq!(rate.extremes(0, u64::MAX).largest, (0, 0.1));
    /// assert_eq!(rate.extremes(0, 79).smallest.1, 0.1);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    #[must_use]
    pub fn extremes(&self, first: u64, last: u64) -> Extremes {
        match self {
            Self::Piecewise(schedule) => schedule.extremes(first, last),
            Self::Tabulated(schedule) => schedule.extremes(first, last),
            Self::Joined(schedule) => schedule.extremes(first, last),
            // Monotone: the extremes are at the ends.
            Self::Constant(_)
            | Self::StepDecay(_)
            | Self::Cosine(_)
            | Self::Linear(_)
            | Self::Polynomial(_)
            | Self::Exponential(_) => {
                Extremes::at(first, self.at(first)).and(Extremes::at(last, self.at(last)))
            }
        }
    }
}

/// The kinds of [`Schedule`], for messages and tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ScheduleKind {
    /// [`Schedule::Constant`].
    Constant,
    /// [`Schedule::StepDecay`].
    StepDecay,
    /// [`Schedule::Cosine`].
    Cosine,
    /// [`Schedule::Linear`].
    Linear,
    /// [`Schedule::Polynomial`].
    Polynomial,
    /// [`Schedule::Exponential`].
    Exponential,
    /// [`Schedule::Piecewise`].
    Piecewise,
    /// [`Schedule::Tabulated`].
    Tabulated,
    /// [`Schedule::Joined`].
    Joined,
}

impl fmt::Display for ScheduleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::StepDecay => "step decay",
            Self::Cosine => "cosine",
            Self::Linear => "linear",
            Self::Polynomial => "polynomial",
            Self::Exponential => "exponential",
            Self::Piecewise => "piecewise",
            Self::Tabulated => "tabulated",
            Self::Joined => "joined",
        })
    }
}

/// The value if it is finite, else the error that names it.
fn finite(kind: ScheduleKind, argument: &'static str, value: f64) -> Result<f64, ScheduleError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(ScheduleError::NotFinite {
            kind,
            argument,
            value,
        })
    }
}
