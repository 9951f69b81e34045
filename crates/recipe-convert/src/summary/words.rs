//! A conversion in words.

use std::f64::consts::LN_10;
use std::fmt;

use super::{GroupSummary, PhaseEquilibrium, PhaseGrowth, RenormalisationPlan, Summary, Warning};
use crate::Optimizer;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps;
        writeln!(
            f,
            "{}: {steps} steps, {} epochs of {}",
            self.target,
            steps / self.steps_per_epoch,
            self.steps_per_epoch
        )?;
        for phase in &self.phases {
            self.phase(f, phase)?;
        }
        if self.phases.len() != 1 {
            write!(f, "  on average: grows by ")?;
            self.growth(f, self.mean_ln_growth())?;
            writeln!(f)?;
        }
        for group in &self.groups {
            writeln!(f, "  {group}")?;
        }
        writeln!(
            f,
            "  learning rate: {} at step 0, {} at step {}",
            rate(self.ln_lr_exp_first),
            rate(self.ln_lr_exp_last),
            steps.saturating_sub(1)
        )?;
        if let Some(above) = self.above_exact {
            let side = if above < 0.0 { "below" } else { "above" };
            let above = above.abs();
            writeln!(
                f,
                "  the last ln is {above:.6} {side} that of the exact twin"
            )?;
        }
        writeln!(
            f,
            "  parameters: at the end {} times those of the recipe",
            power_of_ten(-self.ln_scale_last)
        )?;
        self.overflows(f)?;
        for plan in &self.renormalisation {
            writeln!(f, "  {plan}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}

impl Summary {
    fn phase(&self, f: &mut fmt::Formatter<'_>, phase: &PhaseGrowth) -> fmt::Result {
        let start = phase.start;
        let values = phase.hyperparameters;
        write!(
            f,
            "  from step {start} (epoch {}), rate {}, weight decay {}",
            short(start as f64 / self.steps_per_epoch as f64),
            short(values.learning_rate),
            short(values.weight_decay),
        )?;
        if self.optimizer != Optimizer::AdamW {
            write!(f, ", momentum {}", short(values.momentum))?;
        }
        write!(f, ": ")?;
        match phase.ln_growth {
            Some(ln_growth) => {
                write!(f, "grows by ")?;
                self.growth(f, ln_growth)?;
                writeln!(f)?;
            }
            None => writeln!(f, "no constant growth")?,
        }
        if let Some(equilibrium) = &phase.equilibrium {
            self.equilibrium(f, phase, equilibrium)?;
        }
        Ok(())
    }

    fn equilibrium(
        &self,
        f: &mut fmt::Formatter<'_>,
        phase: &PhaseGrowth,
        equilibrium: &PhaseEquilibrium,
    ) -> fmt::Result {
        let epochs = |steps: f64| brief(steps / self.steps_per_epoch as f64);
        writeln!(
            f,
            "    equilibrium: takes {} epochs of its {}; |w|⁴ nears it by a factor of e in {}; there the effective \
             rate lr/|w|² is {}/σ, with gradients of size σ at |w| = 1, and the direction turns by {}° a step",
            epochs(equilibrium.steps_needed),
            epochs(phase.steps as f64),
            epochs(equilibrium.time_constant),
            brief(equilibrium.effective_rate),
            brief(equilibrium.rotation.to_degrees())
        )
    }

    fn overflows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaves: Vec<String> = self
            .overflows
            .iter()
            .filter_map(|(format, step)| Some(format!("{format} at step {}", (*step)?)))
            .collect();
        let stays = self.overflows.iter().find(|(_, step)| step.is_none());
        match (leaves.as_slice(), stays) {
            ([], Some((format, _))) => writeln!(f, "  the rate stays within {format}"),
            (_, Some((format, _))) => writeln!(
                f,
                "  the rate leaves {}, and stays within {format}",
                leaves.join(", ")
            ),
            (_, None) => writeln!(f, "  the rate leaves {}", leaves.join(", ")),
        }
    }

    fn growth(&self, f: &mut fmt::Formatter<'_>, ln_growth: f64) -> fmt::Result {
        let epoch = ln_growth * self.steps_per_epoch as f64;
        write!(
            f,
            "a factor of 1 + {:.6e} a step, {} an epoch",
            ln_growth.exp_m1(),
            factor(epoch)
        )
    }
}

impl fmt::Display for GroupSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "group {}: learning rate {} to {}, parameters at the end {} times those of the recipe, ",
            self.name,
            rate(self.ln_lr_exp_first),
            rate(self.ln_lr_exp_last),
            power_of_ten(-self.ln_scale_last)
        )?;
        let (least, largest) = (self.least_weight_decay, self.largest_weight_decay);
        if least == 0.0 && largest == 0.0 {
            write!(f, "without weight decay")
        } else if least == largest {
            write!(f, "keeps weight decay {}", short(least))
        } else {
            write!(
                f,
                "keeps weight decay from {} to {}",
                short(least),
                short(largest)
            )
        }
    }
}

impl fmt::Display for RenormalisationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = self.format;
        if let Some(failure) = self.failure {
            return write!(f, "no rescaling keeps it within {format}: {failure}");
        }
        write!(
            f,
            "rate, norms and variances (near 1 in the recipe's run, of degree 2) stay within {format} "
        )?;
        match self.first {
            None => write!(f, "without rescaling"),
            Some(first) => write!(
                f,
                "if rescaled {} times, first by 2^{} before step {}",
                self.count,
                first.exponent.saturating_neg(),
                first.step
            ),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmallShrink { step, shrink } => write!(
                f,
                "at step {step} weight decay leaves only a_t = {shrink:.3e} of the parameters, close to \
                 the 0 at which there is no twin; lower the learning rate or the weight decay"
            ),
            Self::ComplexRoots {
                step,
                product,
                limit,
            } => write!(
                f,
                "from step {step} on, learning rate times weight decay is {product:.3e}, above \
                 (1 − √momentum)² = {limit:.3e}: the twin exists for finitely many such steps only"
            ),
            Self::MomentumNotBelowOne { step, momentum } => write!(
                f,
                "at step {step} the twin's momentum is {momentum:.6}, not below 1: it makes up for a rate that \
                 grows by so much in one step; the optimiser must accept that"
            ),
            Self::NoEquilibrium {
                step,
                steps,
                needed,
            } => write!(
                f,
                "the phase from step {step} has {steps} steps, and its equilibrium takes {needed:.0}: at its end the \
                 effective rate is still on its way"
            ),
            Self::ZeroRates { step } => write!(
                f,
                "the learning rate is 0 from step {step} to the end, so these steps train nothing"
            ),
            Self::ShortTable {
                hyperparameter,
                values,
            } => write!(
                f,
                "the table of the {hyperparameter} has {values} values, fewer than there are steps; \
                 the last one is held"
            ),
        }
    }
}

/// A number without the digits that only rounding gave it.
fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    let text = format!("{rounded:?}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// Three digits of a number.
fn brief(value: f64) -> String {
    short(format!("{value:.2e}").parse().unwrap_or(value))
}

fn factor(ln: f64) -> String {
    if ln.abs() < 10.0 {
        format!("{:.6}", ln.exp())
    } else {
        power_of_ten(ln)
    }
}

fn rate(ln: f64) -> String {
    if ln == f64::NEG_INFINITY {
        return "0".to_owned();
    }
    format!("{} (ln {ln:.6})", power_of_ten(ln))
}

/// `e^ln` with three digits, also beyond float64.
fn power_of_ten(ln: f64) -> String {
    let log = ln / LN_10;
    let mut exponent = log.floor();
    let mut digits = format!("{:.3}", 10f64.powf(log - exponent));
    if digits.starts_with("10") {
        exponent += 1.0;
        digits = "1.000".to_owned();
    }
    match exponent {
        -3.0..=3.0 => format!("{:.*}", (3.0 - exponent).max(0.0) as usize, ln.exp()),
        _ => format!("{digits}e{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let written = [0.010000000000000002, 5e-4, 0.0, 80.0, 1e-7, 78.123456789].map(short);
        assert_eq!(written, ["0.01", "0.0005", "0", "80", "1e-7", "78.1235"]);
    }

    #[test]
    fn powers_of_ten_read_as_numbers() {
        let written = |value: f64| power_of_ten(value.ln());
        assert_eq!(written(0.1), "0.1000");
        assert_eq!(written(1.0), "1.000");
        assert_eq!(written(9.9999), "10.00");
        assert_eq!(written(1234.4), "1234");
        assert_eq!(written(99_999.0), "1.000e5");
        assert_eq!(written(2.5e-7), "2.500e-7");
        assert_eq!(power_of_ten(2000.0 * LN_10), "1.000e2000");
    }
}
