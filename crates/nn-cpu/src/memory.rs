//! Memory is asked for: what the system refuses is an error, not the end of the process.

use nn_engine::EngineError;

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
