//! Schedules as a person writes them: times in epochs.

use schedule_core::{Schedule, ScheduleError};
use serde::{Deserialize, Serialize};

/// A hyperparameter over time. In TOML a number, or a table with a `kind`:
///
/// | `kind` | keys |
/// | --- | --- |
/// | `"constant"` | `value` |
/// | `"step"` | `initial`, `factor`, `milestones` |
/// | `"cosine"` | `initial`, `final`, `epochs` |
/// | `"linear-warmup"` | `from`, `to`, `epochs` |
/// | `"piecewise"` | `values`, `boundaries` |
/// | `"joined"` | `parts`: a list of `{ start, schedule }` |
///
/// Times are in epochs; fractions are rounded to steps.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EpochSchedule {
    /// [`Schedule::constant`].
    Constant {
        /// The value.
        value: f64,
    },
    /// [`Schedule::step_decay`].
    Step {
        /// Value before the first milestone.
        initial: f64,
        /// Factor at each milestone.
        factor: f64,
        /// Epochs.
        milestones: Vec<f64>,
    },
    /// [`Schedule::cosine`].
    Cosine {
        /// Value at the start.
        initial: f64,
        /// Value at the end.
        r#final: f64,
        /// Length in epochs.
        epochs: f64,
    },
    /// [`Schedule::linear`].
    LinearWarmup {
        /// Value at the start.
        from: f64,
        /// Value at the end.
        to: f64,
        /// Length in epochs.
        epochs: f64,
    },
    /// [`Schedule::piecewise`].
    Piecewise {
        /// One more than boundaries.
        values: Vec<f64>,
        /// Epochs.
        boundaries: Vec<f64>,
    },
    /// [`Schedule::joined`].
    Joined {
        /// In order of their start, the first at 0.
        parts: Vec<Part>,
    },
}

/// A part of a joined schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Epoch from which it holds.
    pub start: f64,
    /// Counts its own epochs from there.
    pub schedule: EpochSchedule,
}

/// Why times in epochs are no schedule: the key within the schedule, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EpochScheduleError {
    /// A time outside the training.
    Time {
        key: String,
        value: f64,
        needs: String,
    },
    /// The schedule's own complaint.
    Schedule { key: String, error: ScheduleError },
}

impl EpochSchedule {
    /// The schedule in steps, within a training of `epochs` epochs.
    pub(crate) fn in_steps(
        &self,
        steps_per_epoch: u64,
        epochs: f64,
    ) -> Result<Schedule, EpochScheduleError> {
        let clock = Clock {
            steps_per_epoch,
            epochs,
        };
        let own = |key: &str, schedule: Result<Schedule, ScheduleError>| {
            let key = key.to_owned();
            schedule.map_err(|error| EpochScheduleError::Schedule { key, error })
        };
        match self {
            Self::Constant { value } => own("value", Schedule::constant(*value)),
            Self::Step {
                initial,
                factor,
                milestones,
            } => {
                let milestones = clock.changes("milestones", milestones)?;
                own(
                    "milestones",
                    Schedule::step_decay(*initial, *factor, &milestones),
                )
            }
            Self::Cosine {
                initial,
                r#final,
                epochs,
            } => own(
                "epochs",
                Schedule::cosine(*initial, *r#final, clock.length(*epochs)?),
            ),
            Self::LinearWarmup { from, to, epochs } => own(
                "epochs",
                Schedule::linear(*from, *to, clock.length(*epochs)?),
            ),
            Self::Piecewise { values, boundaries } => {
                let boundaries = clock.changes("boundaries", boundaries)?;
                own("boundaries", Schedule::piecewise(values, &boundaries))
            }
            Self::Joined { parts } => {
                let later: Vec<f64> = parts.iter().skip(1).map(|part| part.start).collect();
                clock.changes("parts", &later)?;
                let mut joined = Vec::new();
                for (index, part) in parts.iter().enumerate() {
                    let schedule = part
                        .schedule
                        .in_steps(steps_per_epoch, epochs - part.start)
                        .map_err(|error| error.within(&format!("parts.{index}.schedule")))?;
                    joined.push((schedule, clock.steps(part.start)));
                }
                own("parts", Schedule::joined(joined))
            }
        }
    }
}

impl EpochScheduleError {
    /// The same error of a schedule that stands at `outer` in another one.
    fn within(self, outer: &str) -> Self {
        match self {
            Self::Time { key, value, needs } => Self::Time {
                key: format!("{outer}.{key}"),
                value,
                needs,
            },
            Self::Schedule { key, error } => Self::Schedule {
                key: format!("{outer}.{key}"),
                error,
            },
        }
    }
}

/// From epochs to steps.
struct Clock {
    steps_per_epoch: u64,
    epochs: f64,
}

impl Clock {
    fn steps(&self, epoch: f64) -> u64 {
        // `as` saturates, and times were checked to lie within the training.
        (epoch * self.steps_per_epoch as f64).round() as u64
    }

    /// Times of change: increasing, after the start and before the end.
    fn changes(&self, key: &str, times: &[f64]) -> Result<Vec<u64>, EpochScheduleError> {
        let mut previous = 0.0;
        for (index, &time) in times.iter().enumerate() {
            if !(time > previous && time < self.epochs) {
                let needs = format!(
                    "a time in epochs after {previous} and before the end at {}",
                    self.epochs
                );
                return Err(EpochScheduleError::Time {
                    key: format!("{key}.{index}"),
                    value: time,
                    needs,
                });
            }
            previous = time;
        }
        Ok(times.iter().map(|&time| self.steps(time)).collect())
    }

    fn length(&self, epochs: f64) -> Result<u64, EpochScheduleError> {
        if epochs > 0.0 && epochs <= self.epochs {
            return Ok(self.steps(epochs));
        }
        Err(EpochScheduleError::Time {
            key: "epochs".to_owned(),
            value: epochs,
            needs: format!(
                "above 0 and at most the {} epochs of training that are left",
                self.epochs
            ),
        })
    }
}
