//! Work split over threads.
//!
//! A batch is cut into at most 16 chunks of whole images, a number that depends on the batch alone.
//! Threads claim chunks as they become free; whatever is summed over images is summed within each
//! chunk and then over chunks in order. So the result has the same bits on any number of threads.

use std::ops::Range;

use rayon::iter::{Either, repeat_n};
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

    /// The chunks' parts of a list that holds `per_image` values for each image; empty ones where there is no list.
    pub(crate) fn of_images<'a, T: Send>(
        &self,
        data: Option<&'a mut [T]>,
        per_image: usize,
    ) -> impl IndexedParallelIterator<Item = &'a mut [T]> + use<'a, T> {
        let data = data.map(|data| &mut data[..self.images * per_image]);
        self.parts(data, self.size * per_image)
    }

    /// The chunks' parts of a list that holds `per_chunk` values for each chunk; empty ones where there is no list.
    pub(crate) fn of_chunks<'a, T: Send>(
        &self,
        data: Option<&'a mut [T]>,
        per_chunk: usize,
    ) -> impl IndexedParallelIterator<Item = &'a mut [T]> + use<'a, T> {
        let data = data.map(|data| &mut data[..self.count() * per_chunk]);
        self.parts(data, per_chunk)
    }

    fn parts<'a, T: Send>(
        &self,
        data: Option<&'a mut [T]>,
        length: usize,
    ) -> impl IndexedParallelIterator<Item = &'a mut [T]> + use<'a, T> {
        match data {
            Some(data) => Either::Left(data.par_chunks_mut(length)),
            None => Either::Right(repeat_n((), self.count()).map(|()| Default::default())),
        }
    }

    /// Calls `work(images, this chunk's parts)` for every chunk.
    pub(crate) fn each<P: Send>(
        &self,
        parts: impl IndexedParallelIterator<Item = P>,
        work: impl Fn(Range<usize>, P) + Sync,
    ) {
        let Self { images, size } = *self;
        parts.with_max_len(1).enumerate().for_each(|(chunk, part)| {
            let first = chunk * size;
            work(first..(first + size).min(images), part);
        });
    }

    /// Calls `work(first image, this chunk's part of data)` for every chunk; `data` holds `per_image`
    /// values for each image.
    pub(crate) fn map<T: Send>(
        &self,
        data: &mut [T],
        per_image: usize,
        work: impl Fn(usize, &mut [T]) + Sync,
    ) {
        let parts = self.of_images(Some(data), per_image);
        self.each(parts, |images, part| work(images.start, part));
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
        work: impl Fn(Range<usize>, &mut [P]) + Sync,
    ) {
        self.each(self.of_chunks(Some(partial), per_chunk), work);
    }
}
