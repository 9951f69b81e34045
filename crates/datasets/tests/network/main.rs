//! Whatever downloads, against servers on this machine.
#![cfg(feature = "download")]

mod download;
mod locate;
mod server;
