//! What is known of the numbers of a constant.

use nn_graph::network::Constant;

use crate::model::Numbers;

use super::dim::Dim;

/// The numbers of a tensor that depends on no data and no parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Known {
    /// Whole numbers and truth values, a few; some may be symbols.
    Ints(Vec<Dim>),
    /// A few; `None` for one that is not known.
    Floats(Vec<Option<f64>>),
    /// Any number of times this one.
    Uniform(f64),
    Nothing,
}

impl From<&Numbers> for Known {
    fn from(numbers: &Numbers) -> Self {
        match numbers {
            Numbers::Ints(ints) => Self::Ints(ints.iter().copied().map(Dim::known).collect()),
            Numbers::Floats(floats) => Self::Floats(floats.iter().copied().map(Some).collect()),
            Numbers::Uniform(number) => Self::Uniform(*number),
            Numbers::Other => Self::Nothing,
        }
    }
}

impl Known {
    /// The number that all are.
    pub(crate) fn uniform(&self) -> Option<f64> {
        match self {
            Self::Ints(ints) => {
                let first = ints.first()?;
                let same = ints.iter().all(|int| int == first);
                same.then(|| first.number().map(|number| number as f64))?
            }
            Self::Floats(floats) => {
                let first = (*floats.first()?)?;
                let same = floats.iter().all(|float| *float == Some(first));
                same.then_some(first)
            }
            Self::Uniform(number) => Some(*number),
            Self::Nothing => None,
        }
    }

    /// All numbers, if there are few, and those not known as `None`.
    pub(crate) fn floats(&self) -> Option<Vec<Option<f64>>> {
        match self {
            Self::Ints(ints) => {
                let float = |int: &Dim| int.number().map(|number| number as f64);
                Some(ints.iter().map(float).collect())
            }
            Self::Floats(floats) => Some(floats.clone()),
            Self::Uniform(_) | Self::Nothing => None,
        }
    }

    pub(crate) fn constant(&self) -> Constant {
        self.uniform().map_or(Constant::Other, Constant::Uniform)
    }
}
