//! Arrays of float64, and what of their numbers is too near to a jump to be compared.

/// A tensor's numbers, row-major.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub(crate) lengths: Vec<usize>,
    pub(crate) numbers: Vec<f64>,
}

/// Where a function jumps, or divides by what is 0 but for rounding: two evaluations of it cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Degenerate;

impl Array {
    /// The number at each index.
    pub(crate) fn of(lengths: &[usize], mut number: impl FnMut(&[usize]) -> f64) -> Self {
        let numbers = indices(lengths).map(|index| number(&index)).collect();
        Self {
            lengths: lengths.to_vec(),
            numbers,
        }
    }

    pub(crate) fn at(&self, index: &[usize]) -> f64 {
        let pairs = self.lengths.iter().zip(index);
        self.numbers[pairs.fold(0, |place, (length, i)| place * length + i)]
    }

    /// The number at an index of a result with which this array broadcasts.
    pub(crate) fn spread(&self, index: &[usize]) -> f64 {
        let own = &index[index.len() - self.lengths.len()..];
        let pairs = own.iter().zip(&self.lengths);
        let own: Vec<usize> = pairs.map(|(&i, &length)| i.min(length - 1)).collect();
        self.at(&own)
    }

    pub(crate) fn map(&self, function: impl FnMut(f64) -> f64) -> Self {
        Self {
            lengths: self.lengths.clone(),
            numbers: self.numbers.iter().copied().map(function).collect(),
        }
    }

    pub(crate) fn largest(&self) -> f64 {
        self.numbers.iter().fold(0.0, |most, x| x.abs().max(most))
    }

    /// Degenerate if a number is 0 but for rounding, or nearly.
    pub(crate) fn clear_of_zero(&self) -> Result<(), Degenerate> {
        let least = 1e-4 * self.largest();
        let mut numbers = self.numbers.iter();
        match numbers.any(|&x| x != 0.0 && x.abs() < least) {
            true => Err(Degenerate),
            false => Ok(()),
        }
    }

    /// Degenerate if numbers are too large to go on with.
    pub(crate) fn within_reason(self) -> Result<Self, Degenerate> {
        match self.numbers.iter().all(|x| x.abs() < 1e9) {
            true => Ok(self),
            false => Err(Degenerate),
        }
    }
}

/// All indices of an array, the last axis fastest.
pub(crate) fn indices(lengths: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let lengths = lengths.to_vec();
    (0..lengths.iter().product()).map(move |place| index(place, &lengths))
}

/// The index of a place.
pub(crate) fn index(mut place: usize, lengths: &[usize]) -> Vec<usize> {
    let mut index = vec![0; lengths.len()];
    for (i, length) in index.iter_mut().zip(lengths).rev() {
        *i = place % length;
        place /= length;
    }
    index
}

/// A sum; 0 where the terms cancel but for rounding.
pub(crate) fn sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut size) = (0.0, 0.0);
    for term in terms {
        sum += term;
        size += f64::abs(term);
    }
    if sum.abs() < 1e-12 * size { 0.0 } else { sum }
}
