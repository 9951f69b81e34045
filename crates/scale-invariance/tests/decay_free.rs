//! Which weight decay can become an exponential learning rate: what is found is a scaling, and none is better.

use nn_graph::nets::{Architecture, NetConfig, Shortcut, Stem};
use nn_graph::network::Network;
use nn_graph::{Affine, Graph, Training};
use proptest::prelude::*;
use proptest::sample::subsequence;
use scale_invariance::{
    Degree, Group, Inspection, Invariance, ParameterInvariance, decay_free_exponents, degrees,
    inspect,
};

/// Of all parameters, with decay only on those for which it is said.
fn exponents(graph: &Graph, has_decay: impl Fn(&str) -> bool) -> Vec<Degree> {
    let network = Network::from(graph).with_trained(&has_decay);
    let found = inspect(&network);
    let exponents = decay_free_exponents(&found);
    let parameters = graph.parameters().iter();
    let of = |name: &str| found.parameters.iter().position(|p| p.name == name);
    parameters
        .map(|p| of(&p.name).map_or(0.into(), |place| exponents[place]))
        .collect()
}

/// `Σ d_p`, each as often as `p` has numbers, in units of `1/denominator`.
fn taken_off(graph: &Graph, exponents: &[i32]) -> usize {
    let sizes = graph.parameters().iter().map(|p| p.elements());
    let exponents = exponents.iter().map(|&d| usize::try_from(d).unwrap());
    sizes.zip(exponents).map(|(size, d)| size * d).sum()
}

fn configs() -> impl Strategy<Value = NetConfig> {
    let affine = [Affine::None, Affine::ScaleAndShift];
    let bits = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (prop::sample::select(affine.to_vec()), bits).prop_map(|(affine, bits)| {
        let (plain, projects, stem, head) = bits;
        let architecture = [Architecture::PreResNet, Architecture::ResNet][usize::from(plain)];
        let mut config = NetConfig::new(architecture, 8);
        (config.width, config.affine) = (2, affine);
        config.shortcut = [Shortcut::ZeroPad, Shortcut::Projection][usize::from(projects)];
        if stem && !plain {
            config.stem = Stem::ConvNormReluConv;
        }
        config.head = [Training::Fixed, Training::Trained][usize::from(head)];
        config
    })
}

/// A network, and up to eight of its parameters.
fn cases() -> impl Strategy<Value = (Graph, Vec<usize>)> {
    configs().prop_flat_map(|config| {
        let graph = config.build().unwrap();
        let parameters = graph.parameters().iter().enumerate();
        let trained = parameters.filter(|(_, p)| p.trainable);
        let trained: Vec<usize> = trained.map(|(place, _)| place).collect();
        let most = trained.len().min(8);
        let some = subsequence(trained, 0..=most);
        (Just(graph), some)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_a_scaling_and_no_choice_of_ones_is_better((graph, decayed) in cases()) {
        let names: Vec<&str> = decayed.iter().map(|&p| graph.parameters()[p].name.as_str()).collect();
        let found = exponents(&graph, |name| names.contains(&name));
        let whole = found.iter().fold(1, |product: i64, d| product * d.denominator);
        let whole_number = |d: &Degree| i32::try_from(d.numerator * whole / d.denominator).unwrap();
        let scaled: Vec<i32> = found.iter().map(whole_number).collect();
        prop_assert!(degrees(&graph, &scaled).is_ok(), "{found:?}");
        for (place, d) in found.iter().enumerate() {
            prop_assert!((0..=d.denominator).contains(&d.numerator), "{found:?}");
            prop_assert!(decayed.contains(&place) || d.numerator == 0, "{found:?}");
        }
        for chosen in 0..1u32 << decayed.len() {
            let mut ones = vec![0; found.len()];
            for (bit, &parameter) in decayed.iter().enumerate() {
                ones[parameter] = i32::from(chosen >> bit & 1 == 1);
            }
            let more = taken_off(&graph, &ones) * whole as usize > taken_off(&graph, &scaled);
            prop_assert!(!more || degrees(&graph, &ones).is_err(), "{ones:?} is better than {found:?}");
        }
    }
}

/// The usual recipe, without decay on what normalisations have: every convolution loses its decay, the head keeps it.
#[test]
fn without_decay_on_normalisations_every_convolution_loses_its_own() {
    let mut config = NetConfig::new(Architecture::PreResNet, 20);
    (config.affine, config.head) = (Affine::ScaleAndShift, Training::Trained);
    let graph = config.build().unwrap();
    let is_convolution = |name: &str| name.contains("conv") || name.contains("shortcut");
    let found = exponents(&graph, |name| is_convolution(name) || name.contains("head"));
    for (parameter, degree) in graph.parameters().iter().zip(found) {
        let expected = i32::from(is_convolution(&parameter.name));
        assert_eq!(degree, expected.into(), "{}", parameter.name);
    }
}

/// With decay on everything the stream of a PreResNet has one degree, and its affine is in the way of its start.
#[test]
fn decay_on_an_affine_costs_less_than_that_of_a_convolution() {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    config.affine = Affine::ScaleAndShift;
    let graph = config.build().unwrap();
    for (parameter, degree) in graph.parameters().iter().zip(exponents(&graph, |_| true)) {
        let is_convolution = parameter.elements() > 64;
        if parameter.trainable && is_convolution {
            assert_eq!(degree, 1.into(), "{}", parameter.name);
        }
    }
}

/// `d₀ = d₁ + d₂`, where the second has three numbers and the third one.
#[test]
fn a_parameter_counts_by_its_numbers() {
    let parameter = |name: &str, lengths: &[usize]| ParameterInvariance {
        name: name.into(),
        extents: Some(lengths.iter().copied().map(Some).collect()),
        invariance: Invariance::Jointly,
        group: Some(0),
        degree: None,
        granularity: None,
        axis: None,
        reason: None,
    };
    let inspection = Inspection {
        scale_invariant: false,
        paper_rules: Ok(()),
        dimension: 2,
        parameters: vec![
            parameter("sum", &[1]),
            parameter("three", &[3]),
            parameter("one", &[1, 1, 1, 1]),
        ],
        groups: vec![Group {
            basis: vec![
                vec![(0, 1.into()), (1, 1.into())],
                vec![(0, 1.into()), (2, 1.into())],
            ],
        }],
    };
    let expected: [Degree; 3] = [1.into(), 1.into(), 0.into()];
    assert_eq!(decay_free_exponents(&inspection), expected);
}
