//! Memory is asked for: what the system refuses is an error, not the end of the process.

use std::ops::{Deref, DerefMut};

use nn_engine::EngineError;

/// Bytes of a cache line.
const LINE: usize = 64;

/// An empty list with room for this many values.
pub(crate) fn room<T>(values: usize) -> Result<Vec<T>, EngineError> {
    let mut list = Vec::new();
    match list.try_reserve_exact(values) {
        Ok(()) => Ok(list),
        Err(_) => Err(EngineError::Memory {
            what: "buffers of a training step",
            bytes: values as u128 * size_of::<T>() as u128,
        }),
    }
}

/// This many zeros.
pub(crate) fn zeros<T: Copy + Default>(values: usize) -> Result<Vec<T>, EngineError> {
    let mut list = room(values)?;
    list.resize(values, T::default());
    Ok(list)
}

/// Values that begin where a cache line does, so that no vector of sixteen lies across two.
#[derive(Default)]
pub(crate) struct Buffer {
    values: Vec<f32>,
    first: usize,
    length: usize,
}

impl Buffer {
    /// This many zeros.
    pub(crate) fn zeros(length: usize) -> Result<Self, EngineError> {
        let values: Vec<f32> = zeros(length + LINE / size_of::<f32>() - 1)?;
        let first = values.as_ptr().align_offset(LINE);
        Ok(Self {
            // The answer may be "never" where code is run by an interpreter.
            first: if first + length <= values.len() {
                first
            } else {
                0
            },
            values,
            length,
        })
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.first..][..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.first..][..self.length]
    }
}
