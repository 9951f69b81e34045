//! What is found in networks worked out by hand.

mod chains;
mod constants;
mod densenet;
mod net;
mod pieces;
mod soundness;
mod terms;
mod time;
