//! How values are written and read with `serde`: what is read is built by the checked constructors.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::schedule::Joined;
use crate::{EquivalentStep, Hyperparameters, Recipe, RecipeError, Schedule, ScheduleError};

/// The arguments of a [`Schedule`]; `J` are those of a joined one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Arguments<J> {
    Constant {
        value: f64,
    },
    StepDecay {
        initial: f64,
        factor: f64,
        milestones: Vec<u64>,
    },
    Cosine {
        initial: f64,
        r#final: f64,
        steps: u64,
    },
    Linear {
        from: f64,
        to: f64,
        steps: u64,
    },
    Polynomial {
        initial: f64,
        r#final: f64,
        power: f64,
        steps: u64,
    },
    Exponential {
        initial: f64,
        growth: f64,
        period: u64,
        steps: u64,
    },
    Piecewise {
        values: Vec<f64>,
        boundaries: Vec<u64>,
    },
    Tabulated {
        values: Vec<f64>,
    },
    Joined(J),
}

/// The parts of a joined schedule.
type Parts = Vec<Part>;

/// The arguments of any schedule.
pub(crate) type ScheduleArguments = Arguments<Parts>;

/// A schedule that is not joined itself, with the step at which it starts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    start: u64,
    schedule: Arguments<Nested>,
}

/// Parts are never joined themselves, so that no text makes reading recurse.
pub(crate) enum Nested {}

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom(
            "a part of a joined schedule is joined itself; give its parts in its place",
        ))
    }
}

impl<J> Arguments<J> {
    fn of(schedule: &Schedule, joined: impl FnOnce(&Joined) -> Option<J>) -> Option<Self> {
        Some(match schedule {
            Schedule::Constant(constant) => Self::Constant {
                value: constant.value(),
            },
            Schedule::StepDecay(decay) => Self::StepDecay {
                initial: decay.initial(),
                factor: decay.factor(),
                milestones: decay.milestones().to_vec(),
            },
            Schedule::Cosine(cosine) => Self::Cosine {
                initial: cosine.initial(),
                r#final: cosine.r#final(),
                steps: cosine.steps(),
            },
            Schedule::Linear(linear) => Self::Linear {
                from: linear.from(),
                to: linear.to(),
                steps: linear.steps(),
            },
            Schedule::Polynomial(polynomial) => Self::Polynomial {
                initial: polynomial.initial(),
                r#final: polynomial.r#final(),
                power: polynomial.power(),
                steps: polynomial.steps(),
            },
            Schedule::Exponential(exponential) => Self::Exponential {
                initial: exponential.initial(),
                growth: exponential.growth(),
                period: exponential.period(),
                steps: exponential.steps(),
            },
            Schedule::Piecewise(piecewise) => {
                let phases = piecewise.phases();
                Self::Piecewise {
                    values: phases.iter().map(|phase| phase.value).collect(),
                    boundaries: phases.iter().skip(1).map(|phase| phase.start).collect(),
                }
            }
            Schedule::Tabulated(tabulated) => Self::Tabulated {
                values: tabulated.values().to_vec(),
            },
            Schedule::Joined(parts) => Self::Joined(joined(parts)?),
        })
    }

    fn schedule(
        self,
        joined: impl FnOnce(J) -> Result<Schedule, ScheduleError>,
    ) -> Result<Schedule, ScheduleError> {
        match self {
            Self::Constant { value } => Schedule::constant(value),
            Self::StepDecay {
                initial,
                factor,
                milestones,
            } => Schedule::step_decay(initial, factor, &milestones),
            Self::Cosine {
                initial,
                r#final,
                steps,
            } => Schedule::cosine(initial, r#final, steps),
            Self::Linear { from, to, steps } => Schedule::linear(from, to, steps),
            Self::Polynomial {
                initial,
                r#final,
                power,
                steps,
            } => Schedule::polynomial(initial, r#final, power, steps),
            Self::Exponential {
                initial,
                growth,
                period,
                steps,
            } => Schedule::exponential(initial, growth, period, steps),
            Self::Piecewise { values, boundaries } => Schedule::piecewise(&values, &boundaries),
            Self::Tabulated { values } => Schedule::tabulated(values),
            Self::Joined(parts) => joined(parts),
        }
    }
}

impl Part {
    /// `None` for a schedule that is joined, which no part is.
    fn of((schedule, start): (&Schedule, u64)) -> Option<Self> {
        let schedule = Arguments::of(schedule, |_| None)?;
        Some(Self { start, schedule })
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = |joined: &Joined| joined.parts().map(Part::of).collect::<Option<Parts>>();
        Arguments::of(self, parts).serialize(serializer)
    }
}

impl TryFrom<ScheduleArguments> for Schedule {
    type Error = ScheduleError;

    fn try_from(arguments: ScheduleArguments) -> Result<Self, ScheduleError> {
        arguments.schedule(|parts| {
            let part = |part: Part| {
                Ok((
                    part.schedule.schedule(|nested| match nested {})?,
                    part.start,
                ))
            };
            Self::joined(parts.into_iter().map(part).collect::<Result<_, _>>()?)
        })
    }
}

/// The fields of a [`Recipe`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schedules {
    learning_rate: Schedule,
    weight_decay: Schedule,
    momentum: Schedule,
}

impl TryFrom<Schedules> for Recipe {
    type Error = RecipeError;

    fn try_from(with: Schedules) -> Result<Self, RecipeError> {
        Self::new(with.learning_rate, with.weight_decay, with.momentum)
    }
}

/// The fields of [`Hyperparameters`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Values {
    learning_rate: f64,
    weight_decay: f64,
    momentum: f64,
}

impl<'de> Deserialize<'de> for Hyperparameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Values::deserialize(deserializer)?;
        let with = Self {
            learning_rate: values.learning_rate,
            weight_decay: values.weight_decay,
            momentum: values.momentum,
        };
        // Of a step that is not known.
        with.validate(0).map_err(D::Error::custom)?;
        Ok(with)
    }
}

/// The fields of an [`EquivalentStep`]; formats such as JSON have no infinity, so that the logarithm of a
/// rate of 0 is nothing.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    step: u64,
    ln_learning_rate: Option<f64>,
    weight_decay: f64,
    momentum: f64,
    shrink: f64,
    ln_shrink: f64,
    ln_scale: f64,
    ln_scale_after: f64,
    buffer_coefficient: f64,
    buffer_coefficient_after: f64,
}

impl From<EquivalentStep> for Step {
    fn from(step: EquivalentStep) -> Self {
        Self {
            step: step.step,
            ln_learning_rate: (step.ln_learning_rate != f64::NEG_INFINITY)
                .then_some(step.ln_learning_rate),
            weight_decay: step.weight_decay,
            momentum: step.momentum,
            shrink: step.shrink,
            ln_shrink: step.ln_shrink,
            ln_scale: step.ln_scale,
            ln_scale_after: step.ln_scale_after,
            buffer_coefficient: step.buffer_coefficient,
            buffer_coefficient_after: step.buffer_coefficient_after,
        }
    }
}

/// A step that no law gives.
pub(crate) struct NoStep {
    step: u64,
    what: &'static str,
    value: f64,
    wanted: &'static str,
}

impl fmt::Display for NoStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            step,
            what,
            value,
            wanted,
        } = self;
        write!(
            f,
            "the {what} of step {step} is {value:?}; it must be {wanted}"
        )
    }
}

impl TryFrom<Step> for EquivalentStep {
    type Error = NoStep;

    fn try_from(given: Step) -> Result<Self, NoStep> {
        let step = given.step;
        let require = |holds: bool, what, value, wanted| match holds {
            true => Ok(value),
            false => Err(NoStep {
                step,
                what,
                value,
                wanted,
            }),
        };
        let finite = |what, value: f64| require(value.is_finite(), what, value, "finite");
        let momentum = given.momentum;
        let (shrink, ln_shrink) = (given.shrink, given.ln_shrink);
        let positive = shrink > 0.0 && shrink.is_finite();
        let apart = (shrink - ln_shrink.exp()).abs();
        let scale = given.ln_scale + ln_shrink - given.ln_scale_after;
        let scale_size = 1.0 + given.ln_scale.abs() + given.ln_scale_after.abs();
        Ok(Self {
            step,
            ln_learning_rate: match given.ln_learning_rate {
                None => f64::NEG_INFINITY,
                Some(value) => finite("logarithm of the learning rate", value)?,
            },
            weight_decay: finite("weight decay", given.weight_decay)?,
            momentum: require(
                (0.0..1.0).contains(&momentum),
                "momentum",
                momentum,
                "at least 0 and below 1",
            )?,
            shrink: require(positive, "shrink", shrink, "positive and finite")?,
            ln_shrink: require(
                apart <= 1e-9 * shrink,
                "logarithm of the shrink",
                ln_shrink,
                "that of the shrink",
            )?,
            ln_scale: finite("logarithm of the scale", given.ln_scale)?,
            ln_scale_after: require(
                scale.abs() <= 1e-9 * scale_size,
                "logarithm of the scale after the step",
                given.ln_scale_after,
                "that before the step plus that of the shrink",
            )?,
            buffer_coefficient: finite("buffer coefficient", given.buffer_coefficient)?,
            buffer_coefficient_after: finite(
                "buffer coefficient after the step",
                given.buffer_coefficient_after,
            )?,
        })
    }
}
