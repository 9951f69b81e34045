//! The range of an axis, and its ticks, as a coordinate for plotters.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::Scale;
use super::ticks::{Tick, linear_ticks, log10_ticks};

/// Beyond this, differences of values would overflow.
const LARGEST: f64 = 1e300;

/// An axis: finite, and `low < high`.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) ticks: Vec<Tick>,
}

impl Axis {
    /// From the first position to the last, without a margin.
    pub(crate) fn along(positions: impl Iterator<Item = f64>, scale: Scale) -> Self {
        let (low, high) = range(positions, scale);
        let ticks = match scale {
            Scale::Linear => linear_ticks(low, high, 6),
            Scale::Log10 => log10_ticks(low, high),
        };
        Self { low, high, ticks }
    }

    /// Around all values that are finite, with a small margin.
    pub(crate) fn around(values: impl Iterator<Item = f64>, scale: Scale) -> Self {
        let (low, high) = range(values, scale);
        let margin = 0.04 * (high - low);
        let (low, high) = (low - margin, high + margin);
        let ticks = match scale {
            Scale::Linear => linear_ticks(low, high, 6),
            Scale::Log10 => log10_ticks(low, high),
        };
        Self { low, high, ticks }
    }
}

/// The range of all finite values; never empty, even without values or with one.
fn range(values: impl Iterator<Item = f64>, scale: Scale) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        let value = value.clamp(-LARGEST, LARGEST);
        (low, high) = (low.min(value), high.max(value));
    }
    if low > high {
        return (0.0, 1.0);
    }
    let size = low.abs().max(high.abs());
    if high - low > 1e-9 * size {
        return (low, high);
    }
    // All alike: the value in the middle of something.
    let around = match scale {
        Scale::Log10 => (0.5f64).max(1e-6 * size),
        Scale::Linear if size == 0.0 => 1.0,
        Scale::Linear => 0.1 * size,
    };
    (low - around, high + around)
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        from + (f64::from(to - from) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Asked again for finer lines, which only crowd.
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|tick| tick.at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.at == *value);
        tick.map(|tick| tick.label.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_exists_without_values() {
        for values in [
            vec![],
            vec![f64::NAN; 3],
            vec![f64::INFINITY, f64::NEG_INFINITY],
        ] {
            let axis = Axis::around(values.into_iter(), Scale::Linear);
            assert!(axis.low < axis.high && axis.ticks.len() > 1);
        }
    }

    #[test]
    fn a_constant_lies_in_the_middle() {
        for constant in [0.0, 5.0, -3e-7, 1e300, 1e-320] {
            for scale in [Scale::Linear, Scale::Log10] {
                let axis = Axis::around([constant; 3].into_iter(), scale);
                assert!(
                    axis.low < constant && constant < axis.high,
                    "{constant} {axis:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn every_value_maps_into_the_plot(
            values in prop::collection::vec(any::<f64>(), 0..20),
            logarithmic in any::<bool>(),
        ) {
            let scale = if logarithmic { Scale::Log10 } else { Scale::Linear };
            let axis = Axis::around(values.iter().copied(), scale);
            prop_assert!(axis.low.is_finite() && axis.high.is_finite() && axis.low < axis.high);
            for value in values.iter().filter(|value| value.is_finite()) {
                prop_assert!((10..=400).contains(&axis.map(value, (400, 10))));
            }
        }
    }
}
