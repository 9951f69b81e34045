//! Numbers of a tensor, one after the other.

use crate::model::{Element, Numbers};

/// How many numbers of a tensor are kept.
pub(crate) const FEW: usize = 1024;

/// How many numbers are looked at, to find whether they are all the same.
const MOST: u64 = 1 << 20;

/// `TensorProto.DataType`: what the numbers of a tensor are, and how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    F32,
    F64,
    F16,
    Bf16,
    /// Two's complement of so many bytes.
    Signed(usize),
    /// Of so many bytes.
    Unsigned(usize),
    /// Of so many bits each, with no further meaning here.
    Opaque(Element, u64),
    /// Of no fixed length.
    Text,
}

impl Format {
    pub(super) fn of(data_type: i32) -> Option<Self> {
        Some(match data_type {
            1 => Self::F32,
            2 | 9 => Self::Unsigned(1),
            3 => Self::Signed(1),
            4 => Self::Unsigned(2),
            5 => Self::Signed(2),
            6 => Self::Signed(4),
            7 => Self::Signed(8),
            8 => Self::Text,
            10 => Self::F16,
            11 => Self::F64,
            12 => Self::Unsigned(4),
            13 => Self::Unsigned(8),
            14 => Self::Opaque(Element::Other, 64),
            15 => Self::Opaque(Element::Other, 128),
            16 => Self::Bf16,
            17..=20 | 24 => Self::Opaque(Element::Float, 8),
            21 | 22 => Self::Opaque(Element::Int, 4),
            23 => Self::Opaque(Element::Float, 4),
            25 | 26 => Self::Opaque(Element::Int, 2),
            _ => return None,
        })
    }

    pub(super) fn element(self) -> Element {
        match self {
            Self::F32 | Self::F64 | Self::F16 | Self::Bf16 => Element::Float,
            Self::Signed(_) | Self::Unsigned(_) => Element::Int,
            Self::Opaque(element, _) => element,
            Self::Text => Element::Other,
        }
    }

    /// Bits of a number; `None` for texts.
    pub(super) fn bits(self) -> Option<u64> {
        Some(match self {
            Self::F64 => 64,
            Self::F32 => 32,
            Self::F16 | Self::Bf16 => 16,
            Self::Signed(bytes) | Self::Unsigned(bytes) => 8 * bytes as u64,
            Self::Opaque(_, bits) => bits,
            Self::Text => return None,
        })
    }

    /// Bytes of a number that can be told from its bits.
    pub(super) fn width(self) -> Option<usize> {
        match self {
            Self::Opaque(..) | Self::Text => None,
            _ => self.bits().map(|bits| bits as usize / 8),
        }
    }

    fn float(self, bits: u64) -> f64 {
        match self {
            Self::F64 => f64::from_bits(bits),
            Self::F32 => f32::from_bits(bits as u32).into(),
            Self::Bf16 => f32::from_bits((bits as u32) << 16).into(),
            Self::F16 => half(bits as u16),
            _ => self.int(bits) as f64,
        }
    }

    fn int(self, bits: u64) -> i64 {
        match self {
            Self::Signed(bytes @ 1..8) => {
                let unused = 64 - 8 * bytes as u32;
                ((bits << unused) as i64) >> unused
            }
            Self::Unsigned(8) => bits.min(i64::MAX as u64) as i64,
            _ => bits as i64,
        }
    }
}

/// A number of 1 sign bit, 5 of the exponent and 10 of the fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

/// Takes numbers by their bits, and keeps the first few.
#[derive(Clone, Debug, Default)]
pub(super) struct Collector {
    few: Vec<u64>,
    differ: bool,
    pub(super) count: u64,
}

impl Collector {
    pub(super) fn push(&mut self, bits: u64) {
        self.count += 1;
        self.differ |= self.few.first().is_some_and(|&first| first != bits);
        if self.few.len() < FEW {
            self.few.push(bits);
        }
    }

    /// Whether more numbers would add to what is known.
    pub(super) fn wants_more(&self) -> bool {
        (!self.differ && self.count < MOST) || self.few.len() < FEW
    }

    pub(super) fn numbers(self, format: Format) -> Numbers {
        if format.width().is_none() {
            return Numbers::Other;
        }
        match self.few.first() {
            _ if self.count <= FEW as u64 => {
                let bits = self.few.into_iter();
                match format.element() {
                    Element::Int => Numbers::Ints(bits.map(|bits| format.int(bits)).collect()),
                    _ => Numbers::Floats(bits.map(|bits| format.float(bits)).collect()),
                }
            }
            Some(&bits) if !self.differ && self.count <= MOST => {
                Numbers::Uniform(format.float(bits))
            }
            _ => Numbers::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_format() {
        for (bits, number) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x0001, 2f64.powi(-24)),
            (0x7bff, 65504.0),
            (0x7c00, f64::INFINITY),
            (0x3555, 0.333251953125),
        ] {
            assert_eq!(half(bits), number);
        }
        assert!(half(0x7c01).is_nan());
        assert_eq!(Format::Bf16.float(0x3f80), 1.0);
        assert_eq!(Format::Signed(1).int(0xff), -1);
        assert_eq!(Format::Signed(8).int(u64::MAX), -1);
        assert_eq!(Format::Unsigned(1).int(0xff), 255);
        assert_eq!(Format::Unsigned(8).int(u64::MAX), i64::MAX);
    }
}
