//! Degrees of all tensors, against those of a graph's nodes.

use std::collections::HashMap;

use nn_graph::nets::{Architecture, NetConfig};
use nn_graph::network::{Network, NetworkBuilder, Rule};
use nn_graph::{Affine, Bias, Training};
use scale_invariance::{Degree, analyse, degrees, inspect, tensor_degrees};

fn configs() -> impl Iterator<Item = NetConfig> {
    (0..16).map(|bits: u32| {
        let on = |bit: u32| bits >> bit & 1 == 1;
        let architecture = [Architecture::PreResNet, Architecture::ResNet][usize::from(on(0))];
        let mut config = NetConfig::new(architecture, 8);
        config.affine = [Affine::None, Affine::ScaleAndShift][usize::from(on(1))];
        config.bias = [Bias::None, Bias::Trained][usize::from(on(2))];
        config.head = [Training::Fixed, Training::Trained][usize::from(on(3))];
        config
    })
}

/// Where the paper's rules show a scaling, every tensor has one degree, that of its node.
#[test]
fn of_a_scaling_that_the_papers_rules_show() {
    let mut shown = 0;
    for graph in configs().map(|config| config.build().unwrap()) {
        let exponents = analyse(&graph).symmetry.exponent;
        let Ok(expected) = degrees(&graph, &exponents) else {
            continue;
        };
        let network = Network::from(&graph);
        let pairs = graph.parameters().iter().zip(&exponents);
        let trained = pairs.filter(|(parameter, _)| parameter.trainable);
        let trained: Vec<Degree> = trained.map(|(_, &exponent)| exponent.into()).collect();
        let found = tensor_degrees(&network, &trained);
        assert!(found.violations.is_empty());
        let results = network.operations().iter().map(|operation| {
            let name = network.tensor(operation.output).name.as_str();
            (name, &found.tensors[operation.output.index()])
        });
        let results: HashMap<&str, &Vec<Degree>> = results.collect();
        for (node, &degree) in graph.nodes().iter().zip(&expected.nodes) {
            if let Some(found) = results.get(node.name.as_str()) {
                assert_eq!(**found, [Degree::from(degree)], "{}", node.name);
                shown += 1;
            }
        }
    }
    assert!(shown > 100, "{shown}");
}

/// There is a violation where there is no scaling, and what comes after it has degrees all the same.
#[test]
fn of_a_scaling_that_is_none() {
    let (mut broken, mut sound) = (0, 0);
    for graph in configs().map(|config| config.build().unwrap()) {
        let network = Network::from(&graph);
        let ones = vec![Degree::from(1); network.parameters().count()];
        let found = tensor_degrees(&network, &ones);
        assert_eq!(
            found.violations.is_empty(),
            inspect(&network).scale_invariant
        );
        assert_eq!(found.tensors.len(), network.tensors().len());
        assert!(!found.tensors[network.outputs()[0].index()].is_empty());
        let counter = if found.violations.is_empty() {
            &mut sound
        } else {
            &mut broken
        };
        *counter += 1;
    }
    assert!(broken > 2 && sound > 2, "{broken} {sound}");
}

/// Whatever the exponents, each tensor scales by the sum of those before it since the last normalisation.
#[test]
fn as_linear_forms() {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    config.affine = Affine::ScaleAndShift;
    let network = Network::from(&config.build().unwrap());
    let found = tensor_degrees(&network, &[]);
    let form = |name: &str| {
        let mut ids = network.tensor_ids();
        let id = ids.find(|&id| network.tensor(id).name == name).unwrap();
        found.forms[id.index()].join(", ")
    };
    assert_eq!(form("input"), "0");
    assert_eq!(form("stem.conv1"), "d(stem.conv1.weight)");
    // Scale and shift must be scaled alike, and one stands for both.
    let branch = "d(stage1.block0.norm1.shift) + d(stage1.block0.conv1.weight)";
    assert_eq!(form("stage1.block0.conv1"), branch);
    // Nothing is scaled without exponents.
    assert!(
        found
            .tensors
            .iter()
            .flatten()
            .all(|&degree| degree == 0.into())
    );
}

/// Products, quotients and powers, and a form that is too long.
#[test]
fn as_linear_forms_with_coefficients() {
    let mut net = NetworkBuilder::new();
    let extents = || Some(vec![Some(2)]);
    let mut x = net.input("x", extents());
    let push = |net: &mut NetworkBuilder, name: &str, rule, inputs: &[_]| {
        net.operation(name, name, rule, inputs, extents()).unwrap()
    };
    let w = net.parameter("w", extents(), true);
    let square = push(&mut net, "square", Rule::Multiply, &[w, w]);
    let root = Rule::Power {
        numerator: 1,
        denominator: 2,
    };
    let root = push(&mut net, "root", root, &[w]);
    let quotient = push(&mut net, "quotient", Rule::Divide, &[x, square]);
    for name in ["a", "b", "c", "d", "e"] {
        let parameter = net.parameter(name, extents(), true);
        x = push(&mut net, "product", Rule::Multiply, &[x, parameter]);
    }
    let last = push(&mut net, "last", Rule::Multiply, &[x, w]);
    let network = net.finish(vec![last, root, quotient]).unwrap();
    let found = tensor_degrees(&network, &[]);
    let forms: Vec<String> = found.forms.iter().map(|forms| forms.join(", ")).collect();
    for form in ["2 d(w)", "1/2 d(w)", "-2 d(w)", "d(a) + d(b) + d(c) + d(d)"] {
        assert!(forms.iter().any(|found| found == form), "{form}: {forms:?}");
    }
    assert_eq!(forms.last().unwrap(), "d(w) + k(product)");
}
