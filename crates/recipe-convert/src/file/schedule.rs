//! Schedules as a person writes them: times in epochs.

use schedule_core::{Schedule, ScheduleError};

use super::section::{Entry, Mistake, Section};
use super::{Problem, ReadTable, table};

/// What the keys and the column of a hyperparameter's schedule are called.
#[derive(Clone, Copy)]
pub(super) struct Names {
    value: &'static str,
    initial: &'static str,
    r#final: &'static str,
    column: &'static str,
}

impl Names {
    /// Those of the learning rate.
    pub(super) const LEARNING_RATE: Self = Self {
        value: "lr",
        initial: "initial_lr",
        r#final: "final_lr",
        column: "lr",
    };

    /// Those of anything else, which has a column of its own name.
    pub(super) const fn of_column(column: &'static str) -> Self {
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
}

const KINDS: [(&str, Kind); 9] = [
    ("constant", Kind::Constant),
    ("step", Kind::Step),
    ("cosine", Kind::Cosine),
    ("warmup-cosine", Kind::WarmupCosine),
    ("wsd", Kind::WarmupStableDecay),
    ("one-cycle", Kind::OneCycle),
    ("polynomial", Kind::Polynomial),
    ("exponential", Kind::Exponential),
    ("csv", Kind::Csv),
];

/// Reads schedules of one training.
pub(super) struct Schedules<'r> {
    pub(super) steps_per_epoch: u64,
    pub(super) epochs: u64,
    pub(super) read_table: &'r mut ReadTable<'r>,
}

/// A schedule, or its own complaint.
type Made = Result<Schedule, ScheduleError>;

const NUMBER: &str = "a number";

/// Any finite number: the recipe as a whole knows the ranges.
fn any(section: &Section<'_, '_>, key: &str) -> Result<f64, Mistake> {
    section.number(key, NUMBER, |_| true)
}

fn any_or_zero(section: &Section<'_, '_>, key: &str) -> Result<f64, Mistake> {
    section.number_or(key, 0.0, NUMBER, |_| true)
}

impl Schedules<'_> {
    /// A number, or a table with a `kind`.
    pub(super) fn number_or_table(
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
    pub(super) fn table(
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
        };
        section.allow_only(keys)?;
        let made = match kind {
            Kind::Constant => Schedule::constant(any(section, value)?),
            Kind::Step => self.step(section, value)?,
            Kind::Cosine => {
                let (peak, last) = (any(section, value)?, any_or_zero(section, r#final)?);
                Schedule::cosine(peak, last, self.length(section)?)
            }
            Kind::Polynomial => {
                let (peak, last) = (any(section, value)?, any_or_zero(section, r#final)?);
                let power = section.number("power", "a number above 0", |power| power > 0.0)?;
                Schedule::polynomial(peak, last, power, self.length(section)?)
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
        };
        made.map_err(|error| self.refused(section, error))
    }

    fn step(&self, section: &Section<'_, '_>, value: &str) -> Result<Made, Mistake> {
        let lr = any(section, value)?;
        let needs = "a number above 0, such as 0.1";
        let factor = section.number("factor", needs, |factor| factor > 0.0)?;
        Ok(Schedule::step_decay(lr, factor, &self.milestones(section)?))
    }

    /// The kinds that go up to a peak and down again.
    fn warmed_up(
        &self,
        kind: Kind,
        section: &Section<'_, '_>,
        [initial, peak, r#final]: [f64; 3],
    ) -> Result<Made, Mistake> {
        let whole = self.epochs as f64;
        let warmup = self.part("warmup_epochs", section, whole)?;
        let (up, steps) = (self.steps(warmup), self.steps(whole));
        Ok(match kind {
            Kind::WarmupStableDecay => {
                let decay = self.part("decay_epochs", section, whole - warmup)?;
                let decay_start = steps.saturating_sub(self.steps(decay));
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
        let periods = [("epoch", self.steps_per_epoch), ("step", 1)];
        let period = section.choice("per", &periods)?;
        let steps = self.steps(self.epochs as f64);
        Ok(Schedule::exponential(lr, growth, period, steps))
    }

    fn csv(&mut self, section: &Section<'_, '_>, column: &'static str) -> Result<Made, Mistake> {
        let needs = "the path of a CSV file";
        let entry = section.required("file", needs)?;
        let path = entry.text().ok_or_else(|| entry.must_be(needs))?;
        let mistake = |problem| Mistake {
            span: Some(entry.span()),
            problem,
        };
        let (key, path) = (entry.path().to_owned(), path.to_owned());
        let text = match (self.read_table)(&path) {
            Ok(text) => text,
            Err(error) => return Err(mistake(Problem::UnreadableTable { key, path, error })),
        };
        let values = table::parse(&text, column).map_err(|(line, problem)| {
            mistake(Problem::Table {
                key,
                path,
                line,
                problem,
            })
        })?;
        Ok(Schedule::tabulated(values))
    }

    fn refused(&self, section: &Section<'_, '_>, error: ScheduleError) -> Mistake {
        Mistake {
            span: Some(section.span()),
            problem: Problem::Schedule {
                key: section.path().to_owned(),
                error,
                steps_per_epoch: self.steps_per_epoch,
            },
        }
    }

    fn steps(&self, epochs: f64) -> u64 {
        // `as` saturates, and times were checked to lie within the training.
        (epochs * self.steps_per_epoch as f64).round() as u64
    }

    /// The key `epochs` as a length; without it, the whole training.
    fn length(&self, section: &Section<'_, '_>) -> Result<u64, Mistake> {
        let all = self.epochs as f64;
        let needs =
            format!("a time in epochs above 0 and at most {all}, the length of the training");
        let within = |time| time > 0.0 && time <= all;
        Ok(self.steps(section.number_or("epochs", all, &needs, within)?))
    }

    /// A length in epochs that leaves something of `whole`.
    fn part(&self, key: &str, section: &Section<'_, '_>, whole: f64) -> Result<f64, Mistake> {
        let needs = format!("a time in epochs above 0 and below the {whole} that are left");
        section.number(key, &needs, |time| time > 0.0 && time < whole)
    }

    /// The key `epochs` as a list of times: increasing, after the start and before the end.
    fn milestones(&self, section: &Section<'_, '_>) -> Result<Vec<u64>, Mistake> {
        let all = self.epochs;
        let needs = format!("a list of times in epochs, increasing between 0 and {all}");
        let entry = section.required("epochs", &needs)?;
        let mut previous = 0.0;
        let mut milestones = Vec::new();
        for entry in entry.entries().ok_or_else(|| entry.must_be(&needs))? {
            let needs = format!("a time in epochs after {previous} and before the end at {all}");
            previous = entry.number(&needs, |time| time > previous && time < all as f64)?;
            milestones.push(self.steps(previous));
        }
        Ok(milestones)
    }
}
