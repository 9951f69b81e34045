//! What can be wrong with a schedule, said to a user.

use super::ScheduleKind;

/// A schedule that cannot be built from its arguments.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// An argument is NaN or infinite.
    #[error("the {argument} of {} schedule is {value}; give a finite number", with_article(*kind))]
    NotFinite {
        /// The schedule that was to be built.
        kind: ScheduleKind,
        /// The argument's name.
        argument: &'static str,
        /// What was given.
        value: f64,
    },
    /// A step decay's factor is zero or negative.
    #[error(
        "the factor of a step decay is {factor:?}, but a rate is multiplied by it and must stay \
         positive; give a factor above 0, such as 0.1"
    )]
    FactorNotPositive {
        /// What was given.
        factor: f64,
    },
    /// A growing step decay leaves float64.
    #[error(
        "the step decay {initial:?} × {factor:?}^{milestones} is not a finite float64; \
         lower the factor or the number of milestones"
    )]
    StepDecayOverflows {
        /// The value before the first milestone.
        initial: f64,
        /// The factor applied at each milestone.
        factor: f64,
        /// How many milestones there are.
        milestones: usize,
    },
    /// Milestones, boundaries or starts do not increase strictly from above 0.
    #[error(
        "{kind}: the change number {} is at step {step}, not after step {previous}; \
         give the steps of change in strictly increasing order, the first above 0",
        index + 1
    )]
    OutOfOrder {
        /// The schedule that was to be built.
        kind: ScheduleKind,
        /// Position (from 0) of the offender among the changes.
        index: usize,
        /// The change before it, or 0.
        previous: u64,
        /// The offender.
        step: u64,
    },
    /// A piecewise schedule does not have one value more than boundaries.
    #[error(
        "a piecewise schedule has {values} values and {boundaries} boundaries; \
         give one value more than boundaries"
    )]
    ValueCount {
        /// How many values were given.
        values: usize,
        /// How many boundaries were given.
        boundaries: usize,
    },
    /// A schedule that goes from one value to another is given no steps to do so.
    #[error(
        "{} schedule over 0 steps has no shape; give at least 1 step, or use a constant schedule",
        with_article(*kind)
    )]
    NoSteps {
        /// The schedule that was to be built.
        kind: ScheduleKind,
    },
    /// A polynomial's power is zero or negative.
    #[error(
        "the power of a polynomial schedule is {power:?}, which does not lead to its final value; \
         give a power above 0, 1 for a straight line"
    )]
    PowerNotPositive {
        /// What was given.
        power: f64,
    },
    /// An exponential's growth is zero or negative.
    #[error(
        "the growth of an exponential schedule is {growth:?}, but a rate is multiplied by it and must \
         stay positive; give a growth above 0, above 1 for a rate that grows"
    )]
    GrowthNotPositive {
        /// What was given.
        growth: f64,
    },
    /// A growing exponential leaves float64.
    #[error(
        "the exponential {initial:?} × {growth:?}^({steps}/{period}) is not a finite float64; \
         lower the growth or the number of steps"
    )]
    ExponentialOverflows {
        /// The value at step 0.
        initial: f64,
        /// The factor of a period.
        growth: f64,
        /// Steps in a period.
        period: u64,
        /// Steps of growth.
        steps: u64,
    },
    /// A table has no values.
    #[error("a tabulated schedule has no values; give at least one, for step 0")]
    NoValues,
    /// A value of a table is NaN or infinite.
    #[error("the table has {value} at step {step}; give finite numbers")]
    TableNotFinite {
        /// The step it is for.
        step: u64,
        /// What was given.
        value: f64,
    },
    /// A joined schedule has no parts.
    #[error("a joined schedule has no parts; give at least one, starting at step 0")]
    NoParts,
    /// The first part of a joined schedule does not start at step 0.
    #[error(
        "the first part of a joined schedule starts at step {start}, which leaves the steps before it \
         without a value; let it start at step 0"
    )]
    FirstPartStartsLate {
        /// Where it was to start.
        start: u64,
    },
}

fn with_article(kind: ScheduleKind) -> String {
    let article = match kind {
        ScheduleKind::Exponential => "an",
        _ => "a",
    };
    format!("{article} {kind}")
}
