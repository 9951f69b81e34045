//! Memory that may not be there.

use std::hint::black_box;

use crate::EngineError;

/// Asks the system for all the memory that something will take, in one piece, and gives it back. An
/// engine does so before it allocates anything: what is far too large for the machine is then an
/// error, where an allocation in the middle would end the process. Bytes are counted in 128 bits, which
/// no product of sizes exceeds.
///
/// # Errors
/// [`EngineError::Memory`] if that many bytes cannot be addressed, or the system refuses them. (Some
/// systems promise more than they have, and so accept more than can be used.)
pub fn check_memory(what: &'static str, bytes: u128) -> Result<(), EngineError> {
    let refused = EngineError::Memory { what, bytes };
    let Ok(size) = usize::try_from(bytes) else {
        return Err(refused);
    };
    let mut whole = Vec::<u8>::new();
    let answer = whole.try_reserve_exact(size).map_err(|_| refused);
    // An allocation that nothing uses may be optimised away, and its refusal with it.
    black_box(&mut whole);
    answer
}
