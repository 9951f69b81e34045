//! Each law in log space: a run with weight decay in, the same run without it out, one step at a time.
//!
//! Every law is a module with its own error. [`exact`] is the one to read first; the others are for
//! another optimiser or another direction:
//!
//! | from | to | module |
//! | --- | --- | --- |
//! | SGD, any schedules | SGD without weight decay, or with another one | [`exact`] |
//! | SGD, constant or step decay | the paper's closed form | [`texp`] |
//! | SGD without weight decay | SGD with it | [`inverse`] |
//! | SGD with the rate inside the buffer, or dampening | the other form, or without weight decay | [`form`] |
//! | SGDW, AdamW, Lion, Muon | the same without weight decay | [`decoupled`] |
//! | Nesterov SGD | the same without weight decay | [`nesterov`] |
//! | SGD, several parameter groups | SGD with the decay that cannot be removed | [`groups`] |
//!
//! A law is made once, and its `step` is called with what the optimiser is told in steps 0, 1, 2, …: it
//! carries a few numbers from one step to the next, refuses what it cannot convert, and stays where it was
//! then. `next_step` says which step is next, `ln_scale` what the parameters are divided by before it, and
//! `buffer_coefficient`, where the law has a momentum buffer, what that holds of them.

pub mod decoupled;
mod error;
pub mod exact;
pub mod form;
pub mod groups;
pub mod inverse;
pub mod nesterov;
mod step;
pub mod texp;

pub use error::LawError;
pub use step::EquivalentStep;
