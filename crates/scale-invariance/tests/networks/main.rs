//! What is found, on random networks over all rules, against an evaluator in float64.

#[path = "../common/mod.rs"]
mod common;
mod evaluator;
mod generator;
mod graphs;
mod laws;
