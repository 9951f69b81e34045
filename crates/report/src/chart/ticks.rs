//! Round numbers along an axis.

use crate::numbers::{fixed, significant, superscript, thousands};

/// A tick: position along the axis, and what is written there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// Multiples of 1, 2 or 5 times a power of ten within `low..=high`, about `target` of them.
pub(crate) fn linear_ticks(low: f64, high: f64, target: usize) -> Vec<Tick> {
    let step = round_step((high - low) / target.max(1) as f64);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    // Beyond 2^53 neighbours are no longer told apart, and counting would not end.
    if !(step.is_finite() && step > 0.0 && first.abs().max(last.abs()) < 9e15) {
        return Vec::new();
    }
    let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    let count = (last - first).max(-1.0) as usize + 1;
    (0..count.min(50))
        .map(|index| {
            let at = (first + index as f64) * step;
            Tick {
                at,
                label: tick_label(at, step, digits),
            }
        })
        .collect()
}

fn tick_label(at: f64, step: f64, digits: usize) -> String {
    match at.abs() {
        10_000.0..1e6 if at > 0.0 && step >= 1.0 => thousands(at.round() as u64),
        size if step >= 1e-4 && size < 1e6 => fixed(at, digits),
        _ => significant(at),
    }
}

/// Ticks for an axis of logarithms to base 10 from `low` to `high`: powers of ten, with 2 and 5
/// between them if there are few, and round values if there is hardly one.
pub(crate) fn log10_ticks(low: f64, high: f64) -> Vec<Tick> {
    let span = high - low;
    if low.abs().max(high.abs()) > 300.0 && span < 2.0 {
        // Values beyond floats and all alike: only their logarithm can be written.
        let mut ticks = linear_ticks(low, high, 4);
        ticks
            .iter_mut()
            .for_each(|tick| tick.label = format!("10^{}", tick.label));
        return ticks;
    }
    if span >= 2.6 {
        return decades(low, high, &[1.0], whole_step(span / 6.0));
    }
    if span >= 0.9 {
        return decades(low, high, &[1.0, 2.0, 5.0], 1.0);
    }
    let mut ticks = linear_ticks(10f64.powf(low), 10f64.powf(high), 6);
    ticks.retain(|tick| tick.at > 0.0);
    ticks.iter_mut().for_each(|tick| tick.at = tick.at.log10());
    ticks
}

/// Each of `leading` times every `stride`-th power of ten.
fn decades(low: f64, high: f64, leading: &[f64], stride: f64) -> Vec<Tick> {
    let (first, last) = ((low / stride).floor(), (high / stride).floor());
    let powers = low < -3.0 || high > 4.0;
    let mut ticks = Vec::new();
    for index in 0..((last - first).clamp(0.0, 50.0) as usize + 1) {
        let exponent = (first + index as f64) * stride;
        for &digit in leading {
            let at = exponent + digit.log10();
            if (low..=high).contains(&at) {
                ticks.push(Tick {
                    at,
                    label: decade_label(digit, exponent, powers),
                });
            }
        }
    }
    ticks
}

fn decade_label(digit: f64, exponent: f64, powers: bool) -> String {
    let raised = superscript(exponent as i64);
    match (powers, digit == 1.0) {
        (true, true) => format!("10{raised}"),
        (true, false) => format!("{digit}×10{raised}"),
        (false, _) => significant(digit * 10f64.powf(exponent)),
    }
}

/// The next of 1, 2, 5 times a power of ten.
fn round_step(raw: f64) -> f64 {
    next_of(&[1.0, 2.0, 5.0, 10.0], raw)
}

/// The next of `leading` times a power of ten.
fn next_of(leading: &[f64], raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let digit = raw / power;
    // A hair of tolerance: 0.2 / 0.1 must not become 5 by rounding.
    let round = leading
        .iter()
        .copied()
        .find(|&round| digit <= round * (1.0 + 1e-9));
    round.unwrap_or(10.0) * power
}

/// A round number of decades, at least 1.
fn whole_step(raw: f64) -> f64 {
    if raw <= 1.0 {
        1.0
    } else {
        next_of(&[1.0, 2.0, 3.0, 5.0, 10.0], raw).round()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            labels(&linear_ticks(0.0, 30.0, 6)),
            ["0", "5", "10", "15", "20", "25", "30"]
        );
        assert_eq!(
            labels(&linear_ticks(0.28, 0.61, 4)),
            ["0.3", "0.4", "0.5", "0.6"]
        );
        assert_eq!(
            labels(&linear_ticks(-1.0, 1.0, 4)),
            ["−1.0", "−0.5", "0.0", "0.5", "1.0"]
        );
        assert_eq!(labels(&log10_ticks(-1.1, 2.2)), ["0.1", "1", "10", "100"]);
        assert_eq!(
            labels(&log10_ticks(-17.0, 0.0)),
            ["10⁻¹⁵", "10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]
        );
        assert_eq!(labels(&log10_ticks(0.6, 1.8)), ["5", "10", "20", "50"]);
        assert_eq!(
            labels(&log10_ticks(1.7, 1.9)),
            ["55", "60", "65", "70", "75"]
        );
        assert_eq!(
            labels(&log10_ticks(-1.0, 651.0)),
            ["10⁰", "10²⁰⁰", "10⁴⁰⁰", "10⁶⁰⁰"]
        );
        assert_eq!(labels(&log10_ticks(650.0, 650.9))[0], "10^650.0");
    }

    proptest! {
        #[test]
        fn ticks_are_few_ordered_and_inside(low in -1e6..1e6f64, span in 1e-3..1e6f64) {
            for ticks in [linear_ticks(low, low + span, 5), log10_ticks(low, low + span)] {
                prop_assert!(ticks.len() <= 12, "{} ticks", ticks.len());
                prop_assert!(ticks.windows(2).all(|pair| pair[0].at < pair[1].at));
                let slack = 1e-9 * (low.abs() + span);
                prop_assert!(ticks
                    .iter()
                    .all(|tick| tick.at >= low - slack && tick.at <= low + span + slack));
            }
        }

        #[test]
        fn ticks_come_for_every_ordinary_range(low in -100.0..100.0f64, span in 0.1..1e3f64) {
            prop_assert!(linear_ticks(low, low + span, 5).len() >= 2);
            prop_assert!(log10_ticks(low, low + span).len() >= 2);
        }

        #[test]
        fn no_range_hangs(low in any::<f64>(), high in any::<f64>()) {
            prop_assert!(linear_ticks(low, high, 5).len() <= 50);
            prop_assert!(log10_ticks(low, high).len() <= 153);
        }
    }
}
