//! Claims judged: laws, stored values, wrong runs, mistakes, run folders.

mod common;
mod flips;
mod folder;
mod laws;
mod mistakes;
mod scipy;
mod totality;
