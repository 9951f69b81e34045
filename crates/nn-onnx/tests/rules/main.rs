//! Rules of operators, by the names of their nodes in the fixtures.

mod exporters;
mod fixture;
mod operators;
