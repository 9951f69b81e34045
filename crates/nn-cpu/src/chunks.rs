//! Work split over threads.
//!
//! A batch is cut into at most 16 chunks of whole images, a number that depends on the batch alone.
//! Threads claim chunks as they become free; whatever is summed over images is summed within each
//! chunk and then over chunks in order. So the result has the same bits on any number of threads.

use rayon::prelude::*;

/// Most chunks a batch is cut into.
pub(crate) const MOST: usize = 16;

/// Values that one thread reduces at a time.
const PART: usize = 4096;

/// The cut of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunks {
    /// Images of the batch.
    pub(crate) images: usize,
    /// Images of every chunk but perhaps the last.
    pub(crate) size: usize,
}

impl Chunks {
    /// Cuts a batch.
    pub(crate) fn new(images: usize) -> Self {
        Self {
            images,
            size: images.div_ceil(MOST).max(1),
        }
    }

    /// Number of chunks.
    pub(crate) fn count(&self) -> usize {
        self.images.div_ceil(self.size)
    }

    /// Calls `work(first image, this chunk's part of data)` for every chunk; `data` holds `per_image`
    /// values for each image.
    pub(crate) fn map<T: Send>(
        &self,
        data: &mut [T],
        per_image: usize,
        work: impl Fn(usize, &mut [T]) + Sync,
    ) {
        let (size, length) = (self.size, self.size * per_image);
        data[..self.images * per_image]
            .par_chunks_mut(length)
            .with_max_len(1)
            .enumerate()
            .for_each(|(chunk, part)| work(chunk * size, part));
    }

    /// As [`map`](Self::map), and gives each chunk its own `per_chunk` values of `partial`.
    pub(crate) fn map_with_partial<T: Send, P: Send>(
        &self,
        data: &mut [T],
        per_image: usize,
        partial: &mut [P],
        per_chunk: usize,
        work: impl Fn(usize, &mut [T], &mut [P]) + Sync,
    ) {
        let (size, length) = (self.size, self.size * per_image);
        data[..self.images * per_image]
            .par_chunks_mut(length)
            .zip(partial.par_chunks_mut(per_chunk))
            .with_max_len(1)
            .enumerate()
            .for_each(|(chunk, (part, partial))| work(chunk * size, part, partial));
    }

    /// Adds the partial sums of all chunks, `length` each, in their order; the total lies where the first was.
    pub(crate) fn reduce<'a>(&self, partial: &'a mut [f32], length: usize) -> &'a [f32] {
        let (total, rest) = partial[..self.count() * length].split_at_mut(length);
        let rest = &*rest;
        // Cut by values, not by chunks: each value has its sum in one place.
        let total_parts = total.par_chunks_mut(PART).enumerate();
        total_parts.for_each(|(part, total)| {
            for partial in rest.chunks_exact(length) {
                let partial = &partial[part * PART..][..total.len()];
                total
                    .iter_mut()
                    .zip(partial)
                    .for_each(|(total, partial)| *total += partial);
            }
        });
        total
    }

    /// Calls `work(image range, partial)` for every chunk with its own `per_chunk` values.
    pub(crate) fn partials<P: Send>(
        &self,
        partial: &mut [P],
        per_chunk: usize,
        work: impl Fn(std::ops::Range<usize>, &mut [P]) + Sync,
    ) {
        let Self { images, size } = *self;
        partial[..self.count() * per_chunk]
            .par_chunks_mut(per_chunk)
            .with_max_len(1)
            .enumerate()
            .for_each(|(chunk, partial)| {
                let first = chunk * size;
                work(first..(first + size).min(images), partial);
            });
    }
}
