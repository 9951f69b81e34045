//! Work split over threads.
//!
//! A batch is cut into at most 16 chunks of whole images, a number that depends on the batch alone.
//! Threads claim chunks as they become free; whatever is summed over images is summed within each
//! chunk and then over chunks in order. So the result has the same bits on any number of threads.

use std::marker::PhantomData;
use std::ops::Range;

use crate::pool::{MOST_PIECES, Pool};

/// Most chunks a batch is cut into.
pub(crate) const MOST: usize = 16;

/// Values, at least, that one thread reduces at a time.
const PART: usize = 4096;

/// The cut of a batch, and the threads that take the chunks.
#[derive(Clone, Copy)]
pub(crate) struct Chunks<'p> {
    /// Images of the batch.
    pub(crate) images: usize,
    /// Images of every chunk but perhaps the last.
    size: usize,
    pool: &'p Pool,
}

/// A list, or several, cut into pieces that do not overlap.
pub(crate) trait Parts {
    /// One piece.
    type Part;

    /// Piece `index`, empty beyond the end.
    ///
    /// # Safety
    /// While a piece is in use, it is not asked for again.
    unsafe fn part(&self, index: usize) -> Self::Part;
}

/// One list cut into pieces of equal length but for the last.
pub(crate) struct Cut<'a, T> {
    first: *mut T,
    length: usize,
    piece: usize,
    list: PhantomData<&'a mut [T]>,
}

// SAFETY: `Cut` stands for the exclusive reference that it was made from, and hands out pieces that do not overlap.
unsafe impl<T: Send> Sync for Cut<'_, T> {}

impl<'a, T> Cut<'a, T> {
    /// Pieces of this length; all pieces of no list are empty.
    fn new(list: Option<&'a mut [T]>, piece: usize) -> Self {
        let list = list.unwrap_or_default();
        Self {
            first: list.as_mut_ptr(),
            length: list.len(),
            piece,
            list: PhantomData,
        }
    }
}

impl<'a, T> Parts for Cut<'a, T> {
    type Part = &'a mut [T];

    unsafe fn part(&self, index: usize) -> &'a mut [T] {
        let first = index.saturating_mul(self.piece).min(self.length);
        let length = self.piece.min(self.length - first);
        // SAFETY: within the list, and of this index alone; the caller has it once.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(first), length) }
    }
}

impl<A: Parts, B: Parts> Parts for (A, B) {
    type Part = (A::Part, B::Part);

    unsafe fn part(&self, index: usize) -> Self::Part {
        // SAFETY: the caller's promise.
        unsafe { (self.0.part(index), self.1.part(index)) }
    }
}

impl<'p> Chunks<'p> {
    /// Cuts a batch.
    pub(crate) fn new(images: usize, pool: &'p Pool) -> Self {
        Self {
            images,
            size: images.div_ceil(MOST).max(1),
            pool,
        }
    }

    /// Number of chunks.
    pub(crate) fn count(&self) -> usize {
        self.images.div_ceil(self.size)
    }

    /// The chunks' parts of a list that holds `per_image` values for each image; empty ones where there is no list.
    pub(crate) fn of_images<'a, T>(
        &self,
        list: Option<&'a mut [T]>,
        per_image: usize,
    ) -> Cut<'a, T> {
        let list = list.map(|list| &mut list[..self.images * per_image]);
        Cut::new(list, self.size * per_image)
    }

    /// The chunks' parts of a list that holds `per_chunk` values for each chunk.
    pub(crate) fn of_chunks<'a, T>(&self, list: &'a mut [T], per_chunk: usize) -> Cut<'a, T> {
        Cut::new(Some(&mut list[..self.count() * per_chunk]), per_chunk)
    }

    /// Calls `work(images, this chunk's parts)` for every chunk.
    pub(crate) fn each<P: Parts + Sync>(
        &self,
        parts: P,
        work: impl Fn(Range<usize>, P::Part) + Sync,
    ) {
        self.pool.run(self.count(), |chunk| {
            let first = chunk * self.size;
            // SAFETY: every chunk is run once.
            let part = unsafe { parts.part(chunk) };
            work(first..(first + self.size).min(self.images), part);
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

    /// Calls `work(image range, partial)` for every chunk with its own `per_chunk` values.
    pub(crate) fn partials<P: Send>(
        &self,
        partial: &mut [P],
        per_chunk: usize,
        work: impl Fn(Range<usize>, &mut [P]) + Sync,
    ) {
        self.each(self.of_chunks(partial, per_chunk), work);
    }

    /// Adds the partial sums of all chunks, `length` each, in their order; the total lies where the first was.
    pub(crate) fn reduce<'a>(&self, partial: &'a mut [f32], length: usize) -> &'a [f32] {
        let (total, rest) = partial[..self.count() * length].split_at_mut(length);
        let rest = &*rest;
        // Cut by values, not by chunks: each value has its sum in one place.
        let size = PART.max(length.div_ceil(MOST_PIECES));
        let parts = Cut::new(Some(&mut *total), size);
        self.pool.run(length.div_ceil(size), |part| {
            // SAFETY: every part is run once.
            let total = unsafe { parts.part(part) };
            for partial in rest.chunks_exact(length) {
                let partial = &partial[part * size..][..total.len()];
                total
                    .iter_mut()
                    .zip(partial)
                    .for_each(|(total, partial)| *total += partial);
            }
        });
        total
    }
}
