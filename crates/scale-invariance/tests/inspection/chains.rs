//! Chains of layers: which exponents are free, and what breaks.

use nn_graph::nets::{Architecture, NetConfig, Stem};
use nn_graph::network::{Network, Rule};
use nn_graph::{Affine, Bias, Training};
use scale_invariance::{Granularity, Invariance, inspect};

use crate::net::{Net, find, invariances};
use Invariance::{Alone, Balanced, Jointly};

#[test]
fn a_chain_of_relu_layers_is_balanced_and_a_norm_cuts_it() {
    let mut net = Net::features(4);
    for layer in ["a", "b", "c"] {
        net.linear(layer, 4);
        net.map("relu", Rule::Homogeneous);
    }
    let found = net.inspect();
    assert_eq!(invariances(&found), [Balanced; 3]);
    assert_eq!(found.dimension, 2);
    assert!(!found.scale_invariant);

    let mut net = Net::features(4);
    net.linear("a", 4);
    net.map("relu", Rule::Homogeneous);
    net.linear("b", 4);
    net.norm("norm", &[0]);
    let found = net.inspect();
    assert_eq!(invariances(&found), [Alone; 2]);
    assert!(found.scale_invariant && found.paper_rules.is_ok());
    assert_eq!(find(&found, "b").granularity, Some(Granularity::Filter));
    assert_eq!(find(&found, "a").granularity, Some(Granularity::Tensor));
}

#[test]
fn what_breaks_is_named() {
    let mut net = Net::features(4);
    net.linear("first", 4);
    net.map("act", Rule::Nonlinear);
    net.linear("second", 4);
    net.norm("norm", &[0]);
    net.linear("head", 3);
    net.bias("head.bias");
    let found = net.inspect();
    let none = Invariance::None;
    assert_eq!(invariances(&found), [none, Alone, none, none]);
    let reason = |name| find(&found, name).reason.clone().unwrap();
    assert_eq!(
        reason("first"),
        "`first` sets the size of what `act` reads, and Nonlinear is not homogeneous"
    );
    for name in ["head", "head.bias"] {
        assert_eq!(
            reason(name),
            format!(
                "`{name}` sets the size of the network's result `head.bias`, and no normalisation follows it"
            )
        );
    }
    assert!(
        found
            .paper_rules
            .unwrap_err()
            .to_string()
            .starts_with("`act` (Nonlinear) reads")
    );
}

#[test]
fn the_papers_networks() {
    // Affine parameters that the paper's rules refuse for their common exponent have other ones.
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    config.affine = Affine::ScaleAndShift;
    let found = inspect(&Network::from(&config.build().unwrap()));
    assert!(!found.scale_invariant && found.paper_rules.is_err());
    let stem = find(&found, "stem.conv1.weight");
    assert_eq!(stem.invariance, Jointly);
    config.stem = Stem::ConvNormReluConv;
    let found = inspect(&Network::from(&config.build().unwrap()));
    assert!(found.scale_invariant && found.paper_rules.is_ok());
    // The paper's rules do not know that BN cancels the bias of a convolution of degree 2.
    config.bias = Bias::Trained;
    let found = inspect(&Network::from(&config.build().unwrap()));
    assert!(found.paper_rules.is_err());
    config.head = Training::Trained;
    let found = inspect(&Network::from(&config.build().unwrap()));
    assert_eq!(find(&found, "head.weight").invariance, Balanced);
    assert_eq!(find(&found, "head.bias").invariance, Invariance::None);
}
