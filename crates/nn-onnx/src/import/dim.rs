//! Lengths of axes, known or not.

use std::collections::HashMap;

/// Symbols that a product may have; a longer one is a new symbol.
const MOST_SYMBOLS: usize = 8;

/// A whole number `factor · symbol · symbol · …`: the length of an axis, or a number that is computed from such.
///
/// A symbol stands for a length that is not known, such as the batch; so it is known that an axis is four times as
/// long as another even where neither is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dim {
    factor: i64,
    /// In order.
    symbols: Vec<u32>,
}

impl Dim {
    pub(crate) const ONE: Self = Self::known(1);

    pub(crate) const fn known(number: i64) -> Self {
        Self {
            factor: number,
            symbols: Vec::new(),
        }
    }

    /// Of a length in a file, which is never as large as not to fit.
    pub(crate) fn length(length: usize) -> Self {
        Self::known(i64::try_from(length).unwrap_or(i64::MAX))
    }

    pub(crate) fn number(&self) -> Option<i64> {
        (self.symbols.is_empty() || self.factor == 0).then_some(self.factor)
    }

    /// As the length of an axis; `None` where it is not known.
    pub(crate) fn extent(&self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub(crate) fn is_one(&self) -> bool {
        *self == Self::ONE
    }

    pub(crate) fn times(&self, other: &Self) -> Option<Self> {
        let factor = self.factor.checked_mul(other.factor)?;
        if self.symbols.len() + other.symbols.len() > MOST_SYMBOLS {
            return None;
        }
        let mut symbols = [self.symbols.as_slice(), &other.symbols].concat();
        symbols.sort_unstable();
        Some(Self { factor, symbols })
    }

    /// The quotient, if it is known to have no remainder.
    pub(crate) fn divided_by(&self, other: &Self) -> Option<Self> {
        if other.factor == 0 || self.factor.checked_rem(other.factor)? != 0 {
            return None;
        }
        let mut symbols = self.symbols.clone();
        for symbol in &other.symbols {
            let place = symbols.iter().position(|own| own == symbol)?;
            symbols.remove(place);
        }
        Some(Self {
            factor: self.factor / other.factor,
            symbols,
        })
    }

    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        let (zero, sum) = (Some(0), self.factor.checked_add(other.factor)?);
        match (self.number(), other.number()) {
            (own, _) if own == zero => Some(other.clone()),
            (_, other) if other == zero => Some(self.clone()),
            _ if self.symbols == other.symbols => Some(Self {
                factor: sum,
                symbols: self.symbols.clone(),
            }),
            _ => None,
        }
    }

    pub(crate) fn negative(&self) -> Option<Self> {
        Some(Self {
            factor: self.factor.checked_neg()?,
            symbols: self.symbols.clone(),
        })
    }
}

/// The product of some lengths; `None` where it is too large.
pub(crate) fn product<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Option<Dim> {
    dims.into_iter()
        .try_fold(Dim::ONE, |product, dim| product.times(dim))
}

/// The symbols of a network.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    count: u32,
    named: HashMap<String, Dim>,
}

impl Symbols {
    /// A length of which nothing is known.
    pub(crate) fn fresh(&mut self) -> Dim {
        self.count += 1;
        Dim {
            factor: 1,
            symbols: vec![self.count],
        }
    }

    /// The length that the file calls by this name.
    pub(crate) fn named(&mut self, name: &str) -> Dim {
        if let Some(dim) = self.named.get(name) {
            return dim.clone();
        }
        let dim = self.fresh();
        self.named.insert(name.into(), dim.clone());
        dim
    }

    pub(crate) fn or_fresh(&mut self, dim: Option<Dim>) -> Dim {
        dim.unwrap_or_else(|| self.fresh())
    }
}
