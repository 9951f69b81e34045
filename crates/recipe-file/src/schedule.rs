//! Schedules as a person writes them: times in epochs.

use std::io;

use schedule_core::{Schedule, ScheduleError};

use crate::clock::Clock;
use crate::section::{Entry, Section};
use crate::{Mistake, Problem, table};

/// Gives the text of the file at a path that a recipe names; this crate reads no files itself.
pub type ReadTable<'r> = dyn FnMut(&str) -> io::Result<String> + 'r;

/// What the keys and the column of a hyperparameter's schedule are called.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    value: &'static str,
    initial: &'static str,
    r#final: &'static str,
    column: &'static str,
}

impl Names {
    /// Those of the learning rate.
    pub(crate) const LEARNING_RATE: Self = Self {
        value: "lr",
        initial: "initial_lr",
        r#final: "final_lr",
        column: "lr",
    };

    /// Those of anything else, which has a column of its own name.
    pub(crate) const fn of_column(column: &'static str) -> Self {
        Self {
            value: "value",
            initial: "initial_value",
            r#final: "final_value",
            column,
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Constant,
    Step,
    Cosine,
    WarmupCosine,
    WarmupStableDecay,
    OneCycle,
    Polynomial,
    Exponential,
    Csv,
    Joined,
}

const KINDS: [(&str, Kind); 10] = [
    ("constant", Kind::Constant),
    ("step", Kind::Step),
    ("cosine", Kind::Cosine),
    ("warmup-cosine", Kind::WarmupCosine),
    ("wsd", Kind::WarmupStableDecay),
    ("one-cycle", Kind::OneCycle),
    ("polynomial", Kind::Polynomial),
    ("exponential", Kind::Exponential),
    ("csv", Kind::Csv),
    ("joined", Kind::Joined),
];

/// Reads the schedules of a training, or of a part of it.
pub(crate) struct Schedules<'s, 'r> {
    pub(crate) clock: Clock,
    pub(crate) read_table: &'s mut ReadTable<'r>,
}

/// A schedule, or its own complaint.
type Made = Result<Schedule, ScheduleError>;

const NUMBER: &str = "a number";

/// What a part of a joined schedule must be.
const PART: &str = "a number, or a table with a kind of schedule";

/// Any finite number: the recipe as a whole knows the ranges.
fn any(section: &Section<'_, '_>, key: &str) -> Result<f64, Mistake> {
    section.number(key, NUMBER, |_| true)
}

fn any_or_zero(section: &Section<'_, '_>, key: &str) -> Result<f64, Mistake> {
    section.number_or(key, 0.0, NUMBER, |_| true)
}

impl Schedules<'_, '_> {
    /// A number, or a table with a `kind`.
    pub(crate) fn number_or_table(
        &mut self,
        entry: &Entry<'_, '_>,
        needs: &str,
        names: Names,
    ) -> Result<Schedule, Mistake> {
        let Some(section) = entry.section() else {
            let value = entry.number(needs, |_| true)?;
            return Schedule::constant(value).map_err(|_| entry.must_be(needs));
        };
        self.table(&section, names)
    }

    /// A table with a `kind`.
    pub(crate) fn table(
        &mut self,
        section: &Section<'_, '_>,
        names: Names,
    ) -> Result<Schedule, Mistake> {
        let kind = section.choice("kind", &KINDS)?;
        let (value, initial, r#final) = (names.value, names.initial, names.r#final);
        let keys: &[&'static str] = match kind {
            Kind::Constant => &["kind", value],
            Kind::Step => &["kind", value, "factor", "epochs"],
            Kind::Cosine => &["kind", value, r#final, "epochs"],
            Kind::WarmupCosine => &["kind", value, initial, r#final, "warmup_epochs"],
            Kind::WarmupStableDecay => &[
                "kind",
                value,
                initial,
                r#final,
                "warmup_epochs",
                "decay_epochs",
            ],
            Kind::OneCycle => &["kind", value, initial, r#final, "warmup_epochs"],
            Kind::Polynomial => &["kind", value, r#final, "power", "epochs"],
            Kind::Exponential => &["kind", value, "growth", "per"],
            Kind::Csv => &["kind", "file"],
            Kind::Joined => &["kind", "parts", "epochs"],
        };
        section.allow_only(keys)?;
        let made = match kind {
            Kind::Constant => Schedule::constant(any(section, value)?),
            Kind::Step => self.step(section, value)?,
            Kind::Cosine => {
                let (peak, last) = (any(section, value)?, any_or_zero(section, r#final)?);
                Schedule::cosine(peak, last, self.clock.length(section)?)
            }
            Kind::Polynomial => {
                let (peak, last) = (any(section, value)?, any_or_zero(section, r#final)?);
                let power = section.number("power", "a number above 0", |power| power > 0.0)?;
                Schedule::polynomial(peak, last, power, self.clock.length(section)?)
            }
            Kind::WarmupCosine | Kind::WarmupStableDecay => {
                let first = any_or_zero(section, initial)?;
                let (peak, last) = (any(section, value)?, any_or_zero(section, r#final)?);
                self.warmed_up(kind, section, [first, peak, last])?
            }
            Kind::OneCycle => {
                // Without defaults: what suits a rate is nonsense for a momentum.
                let (first, peak) = (any(section, initial)?, any(section, value)?);
                self.warmed_up(kind, section, [first, peak, any(section, r#final)?])?
            }
            Kind::Exponential => self.exponential(section, value)?,
            Kind::Csv => self.csv(section, names.column)?,
            Kind::Joined => self.joined(section, names)?,
        };
        made.map_err(|error| self.refused(section, error))
    }

    fn step(&self, section: &Section<'_, '_>, value: &str) -> Result<Made, Mistake> {
        let lr = any(section, value)?;
        let needs = "a number above 0, such as 0.1";
        let factor = section.number("factor", needs, |factor| factor > 0.0)?;
        let times = self.clock.milestones(section)?.into_iter();
        let milestones: Vec<u64> = times.map(|time| self.clock.steps(time)).collect();
        Ok(Schedule::step_decay(lr, factor, &milestones))
    }

    /// The kinds that go up to a peak and down again.
    fn warmed_up(
        &self,
        kind: Kind,
        section: &Section<'_, '_>,
        [initial, peak, r#final]: [f64; 3],
    ) -> Result<Made, Mistake> {
        let clock = &self.clock;
        let whole = clock.whole();
        let warmup = clock.part("warmup_epochs", section, whole)?;
        let (up, steps) = (clock.steps(warmup), clock.steps(whole));
        Ok(match kind {
            Kind::WarmupStableDecay => {
                let decay = clock.part("decay_epochs", section, whole - warmup)?;
                let decay_start = steps.saturating_sub(clock.steps(decay));
                Schedule::warmup_stable_decay(initial, peak, r#final, up, decay_start, steps)
            }
            Kind::OneCycle => Schedule::one_cycle(initial, peak, r#final, up, steps),
            _ => Schedule::warmup_cosine(initial, peak, r#final, up, steps),
        })
    }

    fn exponential(&self, section: &Section<'_, '_>, value: &str) -> Result<Made, Mistake> {
        let lr = any(section, value)?;
        let needs = "a number above 0, such as 1.481";
        let growth = section.number("growth", needs, |growth| growth > 0.0)?;
        let periods = [("epoch", self.clock.steps_per_epoch), ("step", 1)];
        let period = section.choice("per", &periods)?;
        let steps = self.clock.steps(self.clock.whole());
        Ok(Schedule::exponential(lr, growth, period, steps))
    }

    fn csv(&mut self, section: &Section<'_, '_>, column: &'static str) -> Result<Made, Mistake> {
        let needs = "the path of a CSV file";
        let entry = section.required("file", needs)?;
        let path = entry.text().ok_or_else(|| entry.must_be(needs))?;
        let (key, path) = (entry.path().to_owned(), path.to_owned());
        let problem = match (self.read_table)(&path) {
            Err(error) => Problem::UnreadableTable { key, path, error },
            Ok(text) => match table::parse(&text, column) {
                Ok(values) => return Ok(Schedule::tabulated(values)),
                Err((line, problem)) => Problem::Table {
                    key,
                    path,
                    line,
                    problem,
                },
            },
        };
        Err(Mistake::at_value(entry.path(), problem))
    }

    /// Parts one after another, each with a clock of its own.
    fn joined(&mut self, section: &Section<'_, '_>, names: Names) -> Result<Made, Mistake> {
        let mut starts = self.clock.milestones(section)?;
        starts.insert(0, 0.0);
        let needs = format!(
            "a list of {} numbers and tables with a kind of schedule, one more than there are `epochs`",
            starts.len()
        );
        let entry = section.required("parts", &needs)?;
        let parts = entry.entries().filter(|parts| parts.len() == starts.len());
        let parts = parts.ok_or_else(|| entry.must_be(&needs))?;
        let ends = starts.iter().skip(1).copied().chain([self.clock.whole()]);
        let mut joined = Vec::new();
        for ((entry, &start), end) in parts.iter().zip(&starts).zip(ends) {
            let mut part = Schedules {
                clock: self.clock.within(start, end),
                read_table: &mut *self.read_table,
            };
            let schedule = part.number_or_table(entry, PART, names)?;
            joined.push((schedule, self.clock.steps(start)));
        }
        Ok(Schedule::joined(joined))
    }

    fn refused(&self, section: &Section<'_, '_>, error: ScheduleError) -> Mistake {
        let problem = Problem::Schedule {
            key: section.path().to_owned(),
            error,
            steps_per_epoch: self.clock.steps_per_epoch,
        };
        Mistake::at_value(section.path(), problem)
    }
}
