//! Where a schedule jumps, for marks in a report.

use schedule_core::Schedule;

/// Steps at which a schedule changes by a jump: milestones, boundaries, and joints whose sides
/// differ.
///
/// ```
/// use schedule_core::Schedule;
/// use trainer::plan::jumps;
/// let warmup = Schedule::linear(0.0, 0.1, 10)?;
/// let decay = Schedule::step_decay(0.1, 0.1, &[80, 120])?;
/// assert_eq!(jumps(&Schedule::joined(vec![(warmup, 0), (decay, 10)])?), [90, 130]);
/// # Ok::<(), schedule_core::ScheduleError>(())
/// ```
pub fn jumps(schedule: &Schedule) -> Vec<u64> {
    if let Some(phases) = schedule.phases() {
        return phases.iter().skip(1).map(|phase| phase.start).collect();
    }
    let Schedule::Joined(joined) = schedule else {
        return Vec::new();
    };
    let parts: Vec<_> = joined.parts().collect();
    let mut jumps = Vec::new();
    for (index, &(part, start)) in parts.iter().enumerate() {
        if let Some(&(before, before_start)) =
            index.checked_sub(1).and_then(|before| parts.get(before))
        {
            // What the part before would have gone on to.
            let (left, right) = (before.at(start - before_start), part.at(0));
            if (left - right).abs() > 1e-9 * left.abs().max(right.abs()) {
                jumps.push(start);
            }
        }
        let end = parts.get(index + 1).map_or(u64::MAX, |&(_, next)| next);
        jumps.extend(
            self::jumps(part)
                .into_iter()
                .map(|step| start + step)
                .filter(|&step| step < end),
        );
    }
    jumps
}
