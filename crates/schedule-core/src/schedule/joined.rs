//! Schedules one after another.

use super::{Extremes, Phase, Schedule, ScheduleKind};
use crate::ScheduleError;
use crate::segments::{Segments, check_starts};

/// Other schedules one after another; made by [`Schedule::joined`](crate::Schedule::joined).
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// None of them joined itself: depth 1 whatever was given, so no recursion can run deep.
    segments: Segments<Schedule>,
}

impl Joined {
    pub(super) fn new(parts: Vec<(Schedule, u64)>) -> Result<Self, ScheduleError> {
        let kind = ScheduleKind::Joined;
        match parts.first() {
            None => return Err(ScheduleError::NoParts),
            Some((_, 0)) => {}
            Some((_, start)) => return Err(ScheduleError::FirstPartStartsLate { start: *start }),
        }
        let starts: Vec<u64> = parts.iter().skip(1).map(|(_, start)| *start).collect();
        check_starts(starts.iter().copied()).map_err(|found| found.in_schedule(kind))?;
        let ends = starts.into_iter().map(Some).chain(std::iter::once(None));
        let mut flat = parts
            .into_iter()
            .zip(ends)
            .flat_map(|((schedule, start), end)| flatten(schedule, start, end));
        let Some((_, first)) = flat.next() else {
            return Err(ScheduleError::NoParts);
        };
        let segments =
            Segments::new(first, flat.collect()).map_err(|found| found.in_schedule(kind))?;
        Ok(Self { segments })
    }

    pub(super) fn at(&self, step: u64) -> f64 {
        let (start, schedule) = self.segments.locate(step);
        schedule.at(step - start)
    }

    pub(super) fn phases(&self) -> Option<Vec<Phase>> {
        let mut phases = Vec::new();
        for (start, end, schedule) in self.segments.spans() {
            let delayed = schedule.phases()?.into_iter().map_while(|phase| {
                let start = start
                    .checked_add(phase.start)
                    .filter(|start| *start <= end)?;
                Some(Phase {
                    start,
                    value: phase.value,
                })
            });
            phases.extend(delayed);
        }
        Some(phases)
    }

    pub(super) fn extremes(&self, first: u64, last: u64) -> Extremes {
        self.segments
            .spans()
            .filter(|(start, end, _)| *start <= last && first <= *end)
            .map(|(start, end, schedule)| {
                let (from, to) = (first.max(start) - start, last.min(end) - start);
                schedule.extremes(from, to).delayed(start)
            })
            .fold(Extremes::at(first, self.at(first)), Extremes::and)
    }

    /// The parts in order, each with the step at which it starts; none of them is joined itself.
    pub fn parts(&self) -> impl Iterator<Item = (&Schedule, u64)> {
        self.segments
            .iter()
            .map(|(start, schedule)| (schedule, start))
    }
}

/// The parts of a schedule that starts at `start` and is cut off at `end`.
fn flatten(schedule: Schedule, start: u64, end: Option<u64>) -> Vec<(u64, Schedule)> {
    let Schedule::Joined(inner) = schedule else {
        return vec![(start, schedule)];
    };
    inner
        .segments
        .iter()
        .map_while(|(inner_start, part)| {
            let start = start.checked_add(inner_start)?;
            end.is_none_or(|end| start < end)
                .then(|| (start, part.clone()))
        })
        .collect()
}
