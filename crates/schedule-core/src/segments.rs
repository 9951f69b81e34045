//! A value for every step that changes at finitely many steps.

use std::collections::BTreeSet;

/// Items in force from their start until the next one's; the first is in force from step 0.
///
/// The first item is kept apart so that "in force at step t" has an answer by construction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segments<T> {
    first: Box<T>,
    /// Strictly increasing starts, all above 0.
    later: Vec<(u64, T)>,
}

/// A start that is not above the one before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OutOfOrder {
    pub(crate) index: usize,
    pub(crate) previous: u64,
    pub(crate) start: u64,
}

/// Checks that starts are above 0 and strictly increasing.
pub(crate) fn check_starts(starts: impl IntoIterator<Item = u64>) -> Result<(), OutOfOrder> {
    let mut previous = 0;
    for (index, start) in starts.into_iter().enumerate() {
        if start <= previous {
            return Err(OutOfOrder {
                index,
                previous,
                start,
            });
        }
        previous = start;
    }
    Ok(())
}

impl<T> Segments<T> {
    /// The item in force from step 0 and the later ones, by increasing start.
    pub(crate) fn new(first: T, later: Vec<(u64, T)>) -> Result<Self, OutOfOrder> {
        check_starts(later.iter().map(|(start, _)| *start))?;
        Ok(Self {
            first: Box::new(first),
            later,
        })
    }

    /// The value of `item` at step 0 and at each change.
    pub(crate) fn of_changes(changes: &BTreeSet<u64>, item: impl Fn(u64) -> T) -> Self {
        let later = changes
            .iter()
            .filter(|start| **start > 0)
            .map(|start| (*start, item(*start)));
        Self {
            first: Box::new(item(0)),
            later: later.collect(),
        }
    }

    /// The segments with each item replaced by what its start and it give.
    pub(crate) fn try_map<U, E>(
        &self,
        mut convert: impl FnMut(u64, &T) -> Result<U, E>,
    ) -> Result<Segments<U>, E> {
        let first = Box::new(convert(0, &self.first)?);
        let later = self
            .later
            .iter()
            .map(|(start, item)| Ok((*start, convert(*start, item)?)));
        Ok(Segments {
            first,
            later: later.collect::<Result<_, E>>()?,
        })
    }

    /// The start and item in force at a step.
    pub(crate) fn locate(&self, step: u64) -> (u64, &T) {
        let index = self.later.partition_point(|(start, _)| *start <= step);
        match index
            .checked_sub(1)
            .and_then(|before| self.later.get(before))
        {
            Some((start, item)) => (*start, item),
            None => (0, &self.first),
        }
    }

    /// All starts and items, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        std::iter::once((0, &*self.first))
            .chain(self.later.iter().map(|(start, item)| (*start, item)))
    }

    /// All items with the first and last step (inclusive) at which each is in force.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (u64, u64, &T)> {
        let ends = self.later.iter().map(|(start, _)| start.saturating_sub(1));
        self.iter()
            .zip(ends.chain(std::iter::once(u64::MAX)))
            .map(|((start, item), end)| (start, end, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_in_force_from_their_start() {
        let segments = Segments::new('a', vec![(3, 'b'), (u64::MAX, 'c')]).unwrap();
        assert_eq!(segments.locate(0), (0, &'a'));
        assert_eq!(segments.locate(2), (0, &'a'));
        assert_eq!(segments.locate(3), (3, &'b'));
        assert_eq!(segments.locate(u64::MAX), (u64::MAX, &'c'));
        let spans: Vec<_> = segments.spans().collect();
        assert_eq!(
            spans,
            [
                (0, 2, &'a'),
                (3, u64::MAX - 1, &'b'),
                (u64::MAX, u64::MAX, &'c')
            ]
        );
    }

    #[test]
    fn starts_must_increase_from_above_zero() {
        assert_eq!(
            check_starts([0]),
            Err(OutOfOrder {
                index: 0,
                previous: 0,
                start: 0
            })
        );
        assert_eq!(
            check_starts([5, 5]),
            Err(OutOfOrder {
                index: 1,
                previous: 5,
                start: 5
            })
        );
        assert_eq!(check_starts([1, 2, u64::MAX]), Ok(()));
    }
}
