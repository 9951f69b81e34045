//! Formats that are shorter than an engine's numbers, and how a number becomes one of them.

use std::fmt;

/// What the factors of a convolution's products are rounded to before they are multiplied, and what tensors between
/// operations are stored in.
///
/// Products are exact, but for those of [`Tf32x3`](Self::Tf32x3). What has no part in this stays in the engine's [`Precision`](crate::Precision), in every format:
/// parameters and their gradients, what an optimiser keeps of these, statistics of normalisations and their running
/// averages, sums, and all arithmetic inside of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Products {
    /// Not rounded.
    #[default]
    Full,
    /// Not rounded, and multiplied with float32's accuracy by what multiplies tf32: a factor is split into `high`, the nearest
    /// number of tf32, and `low`, what is left of it but for a last bit, and a product is
    /// `high·high + high·low + low·high`. `low` is at most `2⁻¹¹` of a factor that float32 holds and its last bit `2⁻²³`, so that
    /// with `low·low` at most `2 · 2⁻²³ + 2⁻²² = 2⁻²¹` of a product are missing.
    Tf32x3,
    /// Factors have 11 significant bits with the exponents of binary32: NVIDIA's tf32. Tensors are stored as they are.
    Tf32,
    /// Factors have 8 significant bits with the exponents of binary32: bfloat16. So have all tensors between operations:
    /// the batch's images, the result of every operation up to the logits, and the gradients of all of these (see
    /// [`store`](Self::store)).
    ///
    /// An operation reads what is stored, so that a normalisation's statistics are those of rounded values. Where several
    /// operations read one tensor, its gradient is rounded each time that another's is added. An engine that computes
    /// operations together need not store what is between them: it then rounds less often.
    Bf16,
}

/// The least normal number of bfloat16, as of binary32.
const LEAST_NORMAL: f64 = 1.0 / (1_u128 << 126) as f64;

/// The least number of bfloat16 above 0.
const LEAST: f64 = LEAST_NORMAL / 128.0;

/// The first power of two beyond bfloat16.
const BEYOND: f64 = (1_u128 << 127) as f64 * 2.0;

impl Products {
    /// All of them, the most accurate first.
    pub const ALL: [Self; 4] = [Self::Full, Self::Tf32x3, Self::Tf32, Self::Bf16];

    /// Whether factors are rounded to fewer bits than float32 has.
    pub fn rounds(self) -> bool {
        match self {
            Products::Full | Products::Tf32x3 => false,
            Products::Tf32 | Products::Bf16 => true,
        }
    }

    /// How far rounding to nearest takes a factor, or what is stored, relative to it, at most; where factors are not rounded,
    /// half of what may be missing of a product, as if each of the two were off by so much.
    pub fn roundoff(self) -> f64 {
        match self {
            Products::Full => 0.0,
            Products::Tf32x3 => 2f64.powi(-22),
            Products::Tf32 => 2f64.powi(-11),
            Products::Bf16 => 2f64.powi(-8),
        }
    }

    /// A factor as it is multiplied: the nearest number of so many bits; of two as near, in tf32 the one further from 0, in
    /// bf16 the even one, as NVIDIA's conversions do (`cvt.rna.tf32`, `cvt.rn.bf16`). What is not finite stays as it is, and
    /// exponents are not bounded.
    ///
    /// ```
    /// use nn_engine::Products;
    ///
    /// let third = 1.0 / 3.0;
    /// assert_eq!(Products::Full.round(third), third);
    /// assert_eq!(Products::Tf32.round(third), 1365.0 / 4096.0);
    /// assert_eq!(Products::Bf16.round(third), 171.0 / 512.0);
    /// ```
    pub fn round(self, factor: f64) -> f64 {
        let bits = match self {
            Products::Full | Products::Tf32x3 => return factor,
            Products::Tf32 => 11,
            Products::Bf16 => 8,
        };
        if !factor.is_finite() {
            return factor;
        }
        let dropped = f64::MANTISSA_DIGITS - bits;
        let (raw, unit) = (factor.to_bits(), 1 << dropped);
        let half = match self {
            Products::Bf16 => unit / 2 - 1 + ((raw >> dropped) & 1),
            _ => unit / 2,
        };
        // A carry out of the significand raises the exponent, as it must.
        f64::from_bits((raw + half) & !(unit - 1))
    }

    /// A number as it is stored between operations: in bf16 the nearest number of that format, of two as near the even one,
    /// beyond its largest infinity, and below its least normal one a multiple of its least, as IEEE 754 rounds; else
    /// itself.
    ///
    /// ```
    /// use nn_engine::Products;
    ///
    /// let third = 1.0 / 3.0;
    /// assert_eq!(Products::Full.store(third), third);
    /// assert_eq!(Products::Tf32.store(third), third);
    /// assert_eq!(Products::Bf16.store(third), 171.0 / 512.0);
    /// // Halfway between 256 and 258: the even significand is that of 256.
    /// assert_eq!(Products::Bf16.store(257.0), 256.0);
    /// assert_eq!(Products::Bf16.store(-3.4e38), f64::NEG_INFINITY);
    /// ```
    pub fn store(self, value: f64) -> f64 {
        if self != Products::Bf16 {
            return value;
        }
        if value.abs() < LEAST_NORMAL {
            return (value / LEAST).round_ties_even() * LEAST;
        }
        let rounded = self.round(value);
        match rounded.abs() >= BEYOND {
            true => f64::INFINITY.copysign(value),
            false => rounded,
        }
    }
}

impl fmt::Display for Products {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Products::Full => "full",
            Products::Tf32x3 => "tf32x3",
            Products::Tf32 => "tf32",
            Products::Bf16 => "bf16",
        })
    }
}
