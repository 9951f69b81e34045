//! What a fixture's nodes have become.

use std::path::Path;

use nn_graph::network::{AxisSource, ContractAxis, Network, Operation, Rule};
use nn_onnx::Imported;

pub(crate) fn import(file: &str) -> Imported {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(file);
    nn_onnx::open(path.with_extension("onnx"))
        .unwrap()
        .import()
        .unwrap()
}

/// The operations of a node.
pub(crate) fn layer<'a>(network: &'a Network, name: &str) -> Vec<&'a Operation> {
    let operations = network.operations().iter();
    operations
        .filter(|operation| operation.layer == name)
        .collect()
}

pub(crate) fn rules<'a>(network: &'a Network, name: &str) -> Vec<&'a Rule> {
    layer(network, name)
        .iter()
        .map(|operation| &operation.rule)
        .collect()
}

pub(crate) fn contract(rule: &Rule) -> (&[ContractAxis], &[usize], &[usize]) {
    match rule {
        Rule::Contract(contract) => (&contract.output, &contract.left, &contract.right),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn sources(rule: &Rule) -> &[AxisSource] {
    match rule {
        Rule::Rearrange(sources) => sources,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn window(left: usize, keeps_constants: bool) -> ContractAxis {
    ContractAxis::Window {
        left,
        keeps_constants,
    }
}

/// The names of what a node reads.
pub(crate) fn reads(net: &Network, name: &str) -> Vec<String> {
    let inputs = &layer(net, name)[0].inputs;
    inputs
        .iter()
        .map(|&id| net.tensor(id).name.clone())
        .collect()
}
