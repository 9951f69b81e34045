//! From epochs to steps.

use crate::Mistake;
use crate::section::Section;

/// The epochs of a training, or of a part of it that counts from its own start.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    pub(crate) steps_per_epoch: u64,
    /// In epochs of the training.
    start: f64,
    /// Where the part ends, in epochs of the training.
    end: f64,
    /// Epochs of the training.
    training: f64,
}

impl Clock {
    pub(crate) fn new(steps_per_epoch: u64, epochs: u64) -> Self {
        Self {
            steps_per_epoch,
            start: 0.0,
            end: epochs as f64,
            training: epochs as f64,
        }
    }

    /// The clock of the part between two times.
    pub(crate) fn within(&self, start: f64, end: f64) -> Self {
        Self {
            start: self.start + start,
            end: self.start + end,
            ..*self
        }
    }

    /// The length in epochs.
    pub(crate) fn whole(&self) -> f64 {
        self.end - self.start
    }

    /// Steps from the start: parts end where the next ones begin, though all times are rounded.
    pub(crate) fn steps(&self, epochs: f64) -> u64 {
        // `as` saturates, and times were checked to lie within the training.
        let step = |epochs: f64| (epochs * self.steps_per_epoch as f64).round() as u64;
        step(self.start + epochs).saturating_sub(step(self.start))
    }

    /// The key `epochs` as a length, which a next part may cut off; without it, the whole.
    pub(crate) fn length(&self, section: &Section<'_, '_>) -> Result<u64, Mistake> {
        let left = self.training - self.start;
        let needs = format!("a time in epochs above 0 and at most the {left} that are left");
        let within = |time| time > 0.0 && time <= left;
        Ok(self.steps(section.number_or("epochs", self.whole(), &needs, within)?))
    }

    /// A length in epochs that leaves something of `whole`.
    pub(crate) fn part(
        &self,
        key: &str,
        section: &Section<'_, '_>,
        whole: f64,
    ) -> Result<f64, Mistake> {
        let needs = format!("a time in epochs above 0 and below the {whole} that are left");
        section.number(key, &needs, |time| time > 0.0 && time < whole)
    }

    /// The key `epochs` as a list of times: increasing, after the start and before the end.
    pub(crate) fn milestones(&self, section: &Section<'_, '_>) -> Result<Vec<f64>, Mistake> {
        let all = self.whole();
        let needs = format!("a list of times in epochs, increasing between 0 and {all}");
        let entry = section.required("epochs", &needs)?;
        let mut previous = 0.0;
        let mut milestones = Vec::new();
        for entry in entry.entries().ok_or_else(|| entry.must_be(&needs))? {
            let needs = format!("a time in epochs after {previous} and before the end at {all}");
            previous = entry.number(&needs, |time| time > previous && time < all)?;
            milestones.push(previous);
        }
        Ok(milestones)
    }
}
