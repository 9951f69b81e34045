//! Reports in a real browser: that they work, for eyes and without, with a mouse, fingers and keys.

// DevTools speak over pipes that a shell hands on.
#![cfg(unix)]

mod chromium;
mod handling;
mod looks;
#[path = "../pages/mod.rs"]
mod pages;
mod shown;
#[path = "../simulated/mod.rs"]
mod simulated;
