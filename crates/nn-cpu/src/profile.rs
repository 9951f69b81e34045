//! Where the time of a training step goes: each group of the plan, forward and backward.

use std::time::Instant;

/// Median seconds of every part of a training step, as
/// [`CpuEngine::profile`](crate::CpuEngine::profile) measures them. Nothing of a step is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Augmenting the images of a batch and writing them into the input buffer; once a step, however
    /// many replicas train on the batch.
    pub batch: f64,
    /// The groups of [`Plan::groups`](nn_engine::plan::Plan::groups), in the same order.
    pub groups: Vec<GroupTime>,
    /// The loss and its gradient.
    pub loss: f64,
    /// Momentum, weight decay and the new parameters.
    pub update: f64,
}

/// Median seconds of one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupTime {
    /// Of the forward pass, for the whole batch.
    pub forward: f64,
    /// Of the backward pass.
    pub backward: f64,
}

/// What a lap of the clock was spent on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Batch,
    /// A group's index in the plan.
    Forward(usize),
    Loss,
    Backward(usize),
    Update,
}

/// A stopwatch that each part of a step presses when it is done; one that does not run ignores it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// When it was last pressed, if it runs.
    last: Option<Instant>,
    batch: Vec<f64>,
    /// Forward and backward.
    groups: Vec<[Vec<f64>; 2]>,
    loss: Vec<f64>,
    update: Vec<f64>,
}

impl Clock {
    /// Runs from now on.
    pub(crate) fn running(groups: usize) -> Self {
        Self {
            last: Some(Instant::now()),
            groups: vec![Default::default(); groups],
            ..Self::default()
        }
    }

    /// What ran since it was last pressed was this part.
    pub(crate) fn lap(&mut self, part: Part) {
        let Some(last) = &mut self.last else { return };
        let now = Instant::now();
        let seconds = (now - *last).as_secs_f64();
        *last = now;
        let laps = match part {
            Part::Batch => &mut self.batch,
            Part::Forward(group) => &mut self.groups[group][0],
            Part::Loss => &mut self.loss,
            Part::Backward(group) => &mut self.groups[group][1],
            Part::Update => &mut self.update,
        };
        laps.push(seconds);
    }

    /// The medians of all laps.
    pub(crate) fn profile(self) -> Profile {
        let group = |[forward, backward]: [Vec<f64>; 2]| GroupTime {
            forward: median(forward),
            backward: median(backward),
        };
        Profile {
            batch: median(self.batch),
            groups: self.groups.into_iter().map(group).collect(),
            loss: median(self.loss),
            update: median(self.update),
        }
    }
}

/// The middle one, or the mean of the two in the middle; 0 of none.
fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    match &seconds[..] {
        [] => 0.0,
        _ if seconds.len() % 2 == 1 => seconds[middle],
        _ => 0.5 * (seconds[middle - 1] + seconds[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 100.0, 1.0]), 3.0);
        assert_eq!(median(vec![4.0, 100.0, 1.0, 2.0]), 3.0);
        assert_eq!(median(vec![]), 0.0);
    }
}
