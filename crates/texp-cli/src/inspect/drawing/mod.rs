//! `--svg`: the network with the degrees of its tensors, as in Li & Arora (2020), figures 8 to 15.
//!
//! From a network to a [`diagram`](diagram::Diagram) of boxes, to their [places](layout::Layout) on a grid of ranks and
//! lanes, to SVG: work and size grow as the network does.

mod diagram;
mod grid;
mod layout;
mod lines;
mod svg;

use std::path::Path;

use nn_graph::network::Network;
use scale_invariance::tensor_degrees;

use super::Answer;
use diagram::Diagram;
use layout::Layout;

/// The drawing of a file's network: with the exponents of a recipe's groups, or else with all exponents 1.
pub(super) fn of(file: &Path, network: &Network, answer: &Answer) -> String {
    let (exponents, scaled) = match &answer.groups {
        Some(groups) => (groups.exponents.clone(), "by its group's exponent"),
        None => {
            let ones = vec![1.into(); answer.inspection.parameters.len()];
            (ones, "alike")
        }
    };
    let title = format!("{}: every trained weight scaled {scaled}", file.display());
    let degrees = tensor_degrees(network, &exponents);
    let diagram = Diagram::of(network, &exponents, &degrees);
    let layout = Layout::of(&diagram);
    svg::drawn(&diagram, &layout, &title)
}
