//! Schedules in common use that are other schedules joined.

use super::Schedule;
use crate::ScheduleError;

impl Schedule {
    /// Linear warm-up to a peak, then half a cosine that ends at step `steps`:
    /// [`linear`](Self::linear) over `warmup_steps`, then [`cosine`](Self::cosine) over what is left.
    ///
    /// Goyal et al. (arXiv:1706.02677) for the warm-up, Loshchilov & Hutter (arXiv:1608.03983) for the
    /// cosine.
    ///
    /// # Errors
    /// A value that is not finite; a part without steps: `0 < warmup_steps < steps` is wanted.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// let rate = Schedule::warmup_cosine(0.0, 1.0, 0.0, 10, 110)?;
    /// assert_eq!([rate.at(0), rate.at(5), rate.at(10), rate.at(110)], [0.0, 0.5, 1.0, 0.0]);
    /// assert!((rate.at(60) - 0.5).abs() < 1e-15);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn warmup_cosine(
        initial: f64,
        peak: f64,
        r#final: f64,
        warmup_steps: u64,
        steps: u64,
    ) -> Result<Self, ScheduleError> {
        Self::joined(vec![
            (Self::linear(initial, peak, warmup_steps)?, 0),
            (
                Self::cosine(peak, r#final, steps.saturating_sub(warmup_steps))?,
                warmup_steps,
            ),
        ])
    }

    /// Warm-up, stable, decay: linear to a peak, the peak until step `decay_start`, then linear to the
    /// final value at step `steps`.
    ///
    /// Hu et al., *MiniCPM* (arXiv:2404.06395), with a linear decay as in Hägele et al.
    /// (arXiv:2405.18392).
    ///
    /// # Errors
    /// A value that is not finite; a part without steps:
    /// `0 < warmup_steps < decay_start < steps` is wanted.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// let rate = Schedule::warmup_stable_decay(0.0, 1.0, 0.0, 10, 90, 100)?;
    /// assert_eq!([5, 10, 90, 95, 100].map(|step| rate.at(step)), [0.5, 1.0, 1.0, 0.5, 0.0]);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn warmup_stable_decay(
        initial: f64,
        peak: f64,
        r#final: f64,
        warmup_steps: u64,
        decay_start: u64,
        steps: u64,
    ) -> Result<Self, ScheduleError> {
        Self::joined(vec![
            (Self::linear(initial, peak, warmup_steps)?, 0),
            (Self::constant(peak)?, warmup_steps),
            (
                Self::linear(peak, r#final, steps.saturating_sub(decay_start))?,
                decay_start,
            ),
        ])
    }

    /// One cycle: half a cosine to a peak at step `peak_step`, then half a cosine to the final value at
    /// step `steps`.
    ///
    /// Smith & Topin (arXiv:1708.07120), in the form of PyTorch's `OneCycleLR`, which starts at a 25th of
    /// the peak and ends at a 10,000th of that. A momentum that goes the other way is the same schedule
    /// with a `peak` below its ends.
    ///
    /// # Errors
    /// A value that is not finite; a part without steps: `0 < peak_step < steps` is wanted.
    ///
    /// ```
    /// use schedule_core::Schedule;
    /// let rate = Schedule::one_cycle(0.25, 1.0, 0.0, 30, 100)?;
    /// assert_eq!([0, 30, 100].map(|step| rate.at(step)), [0.25, 1.0, 0.0]);
    /// let momentum = Schedule::one_cycle(0.95, 0.85, 0.95, 30, 100)?;
    /// assert_eq!([0, 30, 100].map(|step| momentum.at(step)), [0.95, 0.85, 0.95]);
    /// # Ok::<(), schedule_core::ScheduleError>(())
    /// ```
    pub fn one_cycle(
        initial: f64,
        peak: f64,
        r#final: f64,
        peak_step: u64,
        steps: u64,
    ) -> Result<Self, ScheduleError> {
        Self::joined(vec![
            (Self::cosine(initial, peak, peak_step)?, 0),
            (
                Self::cosine(peak, r#final, steps.saturating_sub(peak_step))?,
                peak_step,
            ),
        ])
    }
}
