//! Memory asked for while there is other work, so that it is near when its turn comes.

use crate::simd::{LANES, Simd};

/// Lists that will be read next.
#[derive(Clone, Copy, Default)]
pub(super) struct Ahead<'a> {
    pub(super) lists: [&'a [f32]; 3],
}

impl Ahead<'_> {
    /// Asks for part `index` of `parts`.
    #[inline(always)]
    pub(super) fn fetch<S: Simd>(&self, simd: S, index: usize, parts: usize) {
        for list in self.lists {
            let at = |index: usize| list.len() * index / parts / LANES * LANES;
            for line in (at(index)..at(index + 1)).step_by(LANES) {
                simd.prefetch_far(list, line);
            }
        }
    }
}
