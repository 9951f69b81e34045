//! The map `Π^c` on states: by which power each number is multiplied, and what is refused.

use nn_engine::{EngineError, Optimiser, Precision, State, Symmetry};
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};
use proptest::prelude::*;

/// A convolution, batch normalisation with scale and shift, another convolution, group normalisation, a fixed head.
fn graph() -> Graph {
    let spec = ConvSpec {
        channels: 2,
        kernel: 3,
        stride: 1,
        padding: 1,
        bias: Bias::None,
    };
    let mut net = GraphBuilder::new(Shape::new([1, 4, 4])).unwrap();
    let x = net.conv2d("a", net.input(), spec).unwrap();
    let affine = Affine::ScaleAndShift;
    let x = net.batch_norm("n", x, affine, 0.25).unwrap();
    let x = net.conv2d("b", x, spec).unwrap();
    let x = net.group_norm("m", x, 1, Affine::None, 0.5).unwrap();
    let x = net.global_average_pool("pool", x).unwrap();
    let head = net.linear("head", x, 3, Bias::None, Training::Fixed);
    net.finish(head.unwrap()).unwrap()
}

/// `a` in group 0; scale, shift and `b` in group 1.
fn symmetry() -> Symmetry {
    Symmetry {
        group: vec![0, 1, 1, 1, 0],
        exponent: vec![1, 1, 1, 1, 0],
        degree: vec![vec![1, 0], vec![0, 2]],
    }
}

fn numbers(graph: &Graph) -> State {
    numbers_of(graph, Optimiser::Sgd)
}

fn numbers_of(graph: &Graph, optimiser: Optimiser) -> State {
    let mut state = State::initial(graph, 3).with_optimiser(graph, optimiser);
    for (place, tensor) in state.tensors.iter_mut().enumerate() {
        for (at, value) in tensor.values.iter_mut().enumerate() {
            *value = f64::from(((place * 7 + at * 3) % 11 + 1) as f32 / 7.0);
        }
    }
    state
}

proptest! {
    #[test]
    fn every_number_has_its_power(j in -12_i64..12, k in -12_i64..12) {
        let (graph, symmetry) = (graph(), symmetry());
        let start = numbers(&graph);
        let found = start.rescaled(&graph, &symmetry, &[j, k], Precision::Float32).unwrap();
        for (name, power) in [
            ("a.weight", j), ("n.scale", k), ("n.shift", k), ("b.weight", k), ("head.weight", 0),
            ("a.weight.momentum_buffer", -j), ("n.scale.momentum_buffer", -k),
            ("n.shift.momentum_buffer", -k), ("b.weight.momentum_buffer", -k),
            ("n.running_mean", j), ("n.running_variance", 2 * j),
        ] {
            let factor = 2f64.powi(power as i32);
            let wanted: Vec<f64> = start.get(name).unwrap().values.iter().map(|v| v * factor).collect();
            prop_assert_eq!(&found.get(name).unwrap().values, &wanted, "{}", name);
        }
        let epsilons = symmetry.epsilons(&graph, &found.exponents).unwrap();
        prop_assert_eq!(epsilons, [0.25 * 2f64.powi(2 * j as i32), 0.5 * 2f64.powi(4 * k as i32)]);

        let back = found.rescaled(&graph, &symmetry, &[-j, -k], Precision::Float32).unwrap();
        prop_assert_eq!(back, start);
    }

    /// A second moment is one of squares.
    #[test]
    fn moments_have_their_powers(j in -12_i64..12, k in -12_i64..12) {
        let (graph, symmetry) = (graph(), symmetry());
        let start = numbers_of(&graph, Optimiser::AdamW);
        let found = start.rescaled(&graph, &symmetry, &[j, k], Precision::Float32).unwrap();
        prop_assert_eq!(found.check(&graph, Optimiser::AdamW), Ok(()));
        for (name, power) in [
            ("a.weight", j), ("b.weight", k), ("head.weight", 0),
            ("a.weight.first_moment", -j), ("n.scale.first_moment", -k), ("b.weight.first_moment", -k),
            ("a.weight.second_moment", -2 * j), ("n.shift.second_moment", -2 * k),
            ("n.running_mean", j), ("n.running_variance", 2 * j),
        ] {
            let factor = 2f64.powi(power as i32);
            let wanted: Vec<f64> = start.get(name).unwrap().values.iter().map(|v| v * factor).collect();
            prop_assert_eq!(&found.get(name).unwrap().values, &wanted, "{}", name);
        }
    }

    /// Π^c Π^d = Π^{cd}, exponents too.
    #[test]
    fn changes_of_scale_add_up(first in [-9_i64..9, -9..9], then in [-9_i64..9, -9..9]) {
        let (graph, symmetry) = (graph(), symmetry());
        let to = |state: &State, k: [i64; 2]| {
            state.rescaled(&graph, &symmetry, &k, Precision::Float64).unwrap()
        };
        let start = numbers(&graph);
        let at_once = to(&start, [first[0] + then[0], first[1] + then[1]]);
        prop_assert_eq!(to(&to(&start, first), then), at_once);
    }
}

#[test]
fn what_leaves_the_numbers_is_refused_and_what_vanishes_is_not() {
    let (graph, symmetry) = (graph(), symmetry());
    let start = numbers(&graph);
    let to = |precision, k: [i64; 2]| start.rescaled(&graph, &symmetry, &k, precision);
    let refused = to(Precision::Float32, [130, 0]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the replica cannot be rescaled: a value of `a.weight`, 5.714285969734192e-1, times 2^130 leaves float32; \
         rescale by less"
    );
    assert!(to(Precision::Float64, [130, 0]).is_ok());
    // The running variance has twice the exponent.
    let refused = to(Precision::Float32, [65, 0]).unwrap_err().to_string();
    assert!(refused.contains("`n.running_variance`"), "{refused}");
    // Group normalisation has no statistics, but its ε is rescaled by 2^{4k}.
    let refused = to(Precision::Float64, [0, 300]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the replica cannot be rescaled: ε of `m`, 5e-1, times 2^1200 leaves float64; rescale by less"
    );
    let small = to(Precision::Float64, [0, -300]).unwrap();
    assert_eq!(symmetry.epsilons(&graph, &small.exponents).unwrap()[1], 0.0);
    // It comes back with the scale.
    let back = small.rescaled(&graph, &symmetry, &[0, 300], Precision::Float64);
    assert_eq!(back.unwrap(), start);
    // What is not finite says so, at any scale.
    let mut diverged = start.clone();
    diverged.tensors[0].values[0] = f64::INFINITY;
    let rescaled = diverged.rescaled(&graph, &symmetry, &[-3, 0], Precision::Float32);
    assert_eq!(rescaled.unwrap().tensors[0].values[0], f64::INFINITY);
}

#[test]
fn tables_of_another_size_are_refused() {
    let (graph, mut symmetry) = (graph(), symmetry());
    let start = numbers(&graph);
    let refused = |symmetry: &Symmetry, k: &[i64]| {
        let precision = Precision::Float64;
        start.rescaled(&graph, symmetry, k, precision).unwrap_err()
    };
    assert_eq!(
        refused(&symmetry, &[1]).to_string(),
        "the replica cannot be rescaled: exponents are given for 1 groups and the network's parameters are in 2; \
         give one for each"
    );
    assert!(matches!(
        symmetry.epsilons(&graph, &[0, 0, 1]),
        Err(EngineError::Rescaling(_))
    ));
    symmetry.exponent[3] = 2;
    assert_eq!(
        refused(&symmetry, &[0, 1]).to_string(),
        "the replica cannot be rescaled: group 1 has the trained parameters `n.scale` of exponent 1 and `b.weight` of \
         exponent 2, which then need different learning rates; put them into different groups"
    );
    assert!(
        start
            .rescaled(&graph, &symmetry, &[1, 0], Precision::Float64)
            .is_ok()
    );
    symmetry.group.pop();
    assert!(matches!(
        refused(&symmetry, &[0, 1]),
        EngineError::Symmetry(_)
    ));
}
