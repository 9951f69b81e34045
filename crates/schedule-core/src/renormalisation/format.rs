//! Float formats.

use std::fmt;

use super::Monitored;

/// A binary float format, by what it can hold.
///
/// ```
/// use schedule_core::renormalisation::FloatFormat;
/// assert_eq!(FloatFormat::F16.largest(), 65_504.0);
/// assert_eq!(FloatFormat::F32.largest(), f64::from(f32::MAX));
/// assert_eq!(FloatFormat::Bf16.epsilon(), 2f64.powi(-7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum FloatFormat {
    /// IEEE 754 binary64.
    F64,
    /// IEEE 754 binary32.
    F32,
    /// The upper half of binary32: 8 bits of exponent, 7 of fraction.
    Bf16,
    /// IEEE 754 binary16: 5 bits of exponent, 10 of fraction.
    F16,
}

impl FloatFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::F64, Self::F32, Self::Bf16, Self::F16];

    /// The largest finite number.
    #[must_use]
    pub fn largest(self) -> f64 {
        match self {
            Self::F64 => f64::MAX,
            Self::F32 => f64::from(f32::MAX),
            Self::Bf16 => f64::from(f32::from_bits(0x7f7f_0000)),
            Self::F16 => 65_504.0,
        }
    }

    /// The smallest positive number with all its digits.
    #[must_use]
    pub fn smallest_normal(self) -> f64 {
        match self {
            Self::F64 => f64::MIN_POSITIVE,
            Self::F32 | Self::Bf16 => f64::from(f32::MIN_POSITIVE),
            // 2⁻¹⁴.
            Self::F16 => 1.0 / 16_384.0,
        }
    }

    /// The distance from 1 to the next larger number.
    #[must_use]
    pub fn epsilon(self) -> f64 {
        match self {
            Self::F64 => f64::EPSILON,
            Self::F32 => f64::from(f32::EPSILON),
            // 2⁻⁷ and 2⁻¹⁰.
            Self::Bf16 => 1.0 / 128.0,
            Self::F16 => 1.0 / 1_024.0,
        }
    }
}

impl fmt::Display for FloatFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::Bf16 => "bfloat16",
            Self::F16 => "float16",
        })
    }
}

/// The formats that a run keeps its numbers in.
///
/// ```
/// use schedule_core::renormalisation::{FloatFormat, Formats};
/// let half = Formats::from(FloatFormat::F16);
/// assert_eq!((half.state, half.learning_rate), (FloatFormat::F16, FloatFormat::F32));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Formats {
    /// Of parameters, gradients, momentum buffer and variances.
    pub state: FloatFormat,
    /// Of the learning rate, and of Adam's `ε`.
    pub learning_rate: FloatFormat,
}

impl From<FloatFormat> for Formats {
    /// A rate is one number, which is not held in less than float32.
    fn from(state: FloatFormat) -> Self {
        let learning_rate = match state {
            FloatFormat::F64 => FloatFormat::F64,
            FloatFormat::F32 | FloatFormat::Bf16 | FloatFormat::F16 => FloatFormat::F32,
        };
        Self {
            state,
            learning_rate,
        }
    }
}

impl Formats {
    pub(super) fn of(self, what: Monitored) -> FloatFormat {
        match what {
            Monitored::LearningRate | Monitored::AdamEpsilon => self.learning_rate,
            _ => self.state,
        }
    }
}
