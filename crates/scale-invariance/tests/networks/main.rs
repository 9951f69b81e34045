//! What is found, on random networks over all rules, against an evaluator in float64.

mod evaluator;
mod generator;
mod laws;
