//! Degrees against numbers: run small networks twice, once with scaled parameters, and compare every tensor.

use nn_graph::nets::{Architecture, NetConfig, Shortcut, Stem};
use nn_graph::network::Network;
use nn_graph::op::BatchNorm;
use nn_graph::{Affine, Bias, Graph, Op, ParameterId, Shape, Training};
use proptest::prelude::*;
use scale_invariance::{Granularity, Invariance, Verdict, analyse, degrees, inspect};

const IMAGES: usize = 2;

/// Every node's result for all images, `[image, …]`, one loop nest for each operation.
fn forward(graph: &Graph, values: &[Vec<f64>], input: &[f64]) -> Vec<Vec<f64>> {
    let mut results: Vec<Vec<f64>> = Vec::new();
    for node in graph.nodes() {
        let x = node.inputs.first().map(|id| &results[id.index()]);
        let from = node
            .inputs
            .first()
            .map_or(&node.shape, |id| &graph.node(*id).shape);
        let area = |shape: &Shape| shape.elements() / shape.channels();
        let mut y = vec![0.0; IMAGES * node.shape.elements()];
        match (&node.op, x) {
            (Op::Input, _) => y.copy_from_slice(input),
            (Op::Relu, Some(x)) => y.iter_mut().zip(x).for_each(|(y, &x)| *y = x.max(0.0)),
            (Op::Add, Some(x)) => {
                let other = &results[node.inputs[1].index()];
                for (i, y) in y.iter_mut().enumerate() {
                    *y = x[i] + other[i];
                }
            }
            (Op::GlobalAveragePool, Some(x)) => {
                for (y, x) in y.iter_mut().zip(x.chunks(area(from))) {
                    *y = x.iter().sum::<f64>() / x.len() as f64;
                }
            }
            (Op::Linear(linear), Some(x)) => {
                let (fan, out) = (from.elements(), node.shape.elements());
                let weight = &values[linear.weight.index()];
                for (i, y) in y.iter_mut().enumerate() {
                    let (image, o) = (i / out, i % out);
                    let bias = linear.bias.map_or(0.0, |b| values[b.index()][o]);
                    *y = bias
                        + (0..fan)
                            .map(|f| weight[o * fan + f] * x[image * fan + f])
                            .sum::<f64>();
                }
            }
            (Op::BatchNorm(norm), Some(x)) => batch_norm(norm, from, values, x, &mut y),
            (Op::Conv2d(_) | Op::ZeroPadShortcut(_), Some(x)) => {
                spatial(graph, node, values, x, &mut y)
            }
            (op, _) => panic!("{op:?}"),
        }
        results.push(y);
    }
    results
}

fn batch_norm(norm: &BatchNorm, shape: &Shape, values: &[Vec<f64>], x: &[f64], y: &mut [f64]) {
    let (channels, area) = (shape.channels(), shape.elements() / shape.channels());
    let parameter = |id: Option<ParameterId>, channel: usize, missing| {
        id.map_or(missing, |id| values[id.index()][channel])
    };
    for channel in 0..channels {
        let places: Vec<usize> = (0..x.len())
            .filter(|i| i / area % channels == channel)
            .collect();
        let n = places.len() as f64;
        let mean = places.iter().map(|&i| x[i]).sum::<f64>() / n;
        let variance = places.iter().map(|&i| (x[i] - mean).powi(2)).sum::<f64>() / n;
        // A channel of equal values has a variance of nothing but the rounding of its mean.
        let inverse = if variance > 1e-24 * mean * mean {
            variance.sqrt().recip()
        } else {
            0.0
        };
        let (scale, shift) = (
            parameter(norm.scale, channel, 1.0),
            parameter(norm.shift, channel, 0.0),
        );
        for i in places {
            y[i] = scale * (x[i] - mean) * inverse + shift;
        }
    }
}

fn spatial(graph: &Graph, node: &nn_graph::Node, values: &[Vec<f64>], x: &[f64], y: &mut [f64]) {
    let (in_c, in_h, in_w) = graph.node(node.inputs[0]).shape.image().unwrap();
    let (out_c, out_h, out_w) = node.shape.image().unwrap();
    let at = |image: usize, c: usize, i: usize, j: usize| {
        let inside = c < in_c && i < in_h && j < in_w;
        if inside {
            x[((image * in_c + c) * in_h + i) * in_w + j]
        } else {
            0.0
        }
    };
    for (place, y) in y.iter_mut().enumerate() {
        let (j, i) = (place % out_w, place / out_w % out_h);
        let (o, image) = (place / out_w / out_h % out_c, place / out_w / out_h / out_c);
        *y = match &node.op {
            Op::ZeroPadShortcut(s) => at(image, o, i * s.stride, j * s.stride),
            Op::Conv2d(conv) => {
                let weight = &values[conv.weight.index()];
                let k = graph.parameter(conv.weight).shape[2];
                let mut sum = conv.bias.map_or(0.0, |b| values[b.index()][o]);
                for (index, w) in weight[o * in_c * k * k..][..in_c * k * k]
                    .iter()
                    .enumerate()
                {
                    let (c, u, v) = (index / k / k, index / k % k, index % k);
                    // Wraps to a huge number, which is outside, for a position in the padding.
                    let (u, v) = (i * conv.stride + u, j * conv.stride + v);
                    sum += w * at(
                        image,
                        c,
                        u.wrapping_sub(conv.padding),
                        v.wrapping_sub(conv.padding),
                    );
                }
                sum
            }
            op => panic!("{op:?}"),
        };
    }
}

/// Random numbers in (−½, ½), the same for the same seed.
fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    (0..count + 8).map(|_| next()).skip(8).collect()
}

/// Parameters in general position: a bias of 0 would hide that it must be scaled.
fn values(graph: &Graph, seed: u64) -> Vec<Vec<f64>> {
    let parameters = graph.parameters().iter().enumerate();
    parameters
        .map(|(i, p)| noise(p.elements(), seed ^ ((i as u64 + 1) << 40)))
        .collect()
}

fn scaled(values: &[Vec<f64>], exponents: &[i32], c: f64) -> Vec<Vec<f64>> {
    let pairs = values.iter().zip(exponents);
    pairs
        .map(|(tensor, &d)| tensor.iter().map(|v| v * c.powi(d)).collect())
        .collect()
}

fn config(
    [pre, affine, bias, project, head, stem]: [bool; 6],
    width: usize,
    size: usize,
) -> NetConfig {
    let architecture = if pre {
        Architecture::PreResNet
    } else {
        Architecture::ResNet
    };
    let mut config = NetConfig::new(architecture, 8);
    config.width = width;
    config.input = [2, size, size];
    config.classes = 3;
    config.epsilon = 0.0;
    config.affine = if affine {
        Affine::ScaleAndShift
    } else {
        Affine::None
    };
    config.bias = if bias { Bias::Trained } else { Bias::None };
    config.shortcut = if project {
        Shortcut::Projection
    } else {
        Shortcut::ZeroPad
    };
    config.head = if head {
        Training::Trained
    } else {
        Training::Fixed
    };
    if pre && stem {
        config.stem = Stem::ConvNormReluConv;
    }
    config
}

fn configs() -> impl Strategy<Value = NetConfig> {
    let choices = (any::<[bool; 6]>(), 1usize..4, 3usize..7);
    choices.prop_map(|(choice, width, size)| config(choice, width, size))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tensors_scale_as_their_degree_says(config in configs(), seed in any::<u64>(), k in -3i32..4) {
        let graph = config.build().unwrap();
        let analysis = analyse(&graph);
        prop_assert_eq!(analysis.symmetry.check(&graph).map_err(|e| e.to_string()), Ok(()));
        let input = noise(IMAGES * graph.input_shape().elements(), seed);
        let before = values(&graph, seed);
        // A power of two scales without rounding, so that the comparison is exact.
        let c = 2f64.powi(k);
        let after = scaled(&before, &analysis.symmetry.exponent, c);
        let (before, after) = (forward(&graph, &before, &input), forward(&graph, &after, &input));
        let Some(degrees) = analysis.degrees else { return Ok(()) };
        for (i, node) in graph.nodes().iter().enumerate() {
            let factor = c.powi(degrees.nodes[i]);
            for (b, a) in before[i].iter().zip(&after[i]) {
                prop_assert_eq!(b * factor, *a, "{}", node.name);
            }
        }
    }

    /// Of every scaling that is found, and of single filters where they may be scaled alone.
    #[test]
    fn what_is_found_leaves_the_function_alone(config in configs(), seed in any::<u64>()) {
        let graph = config.build().unwrap();
        let found = inspect(&Network::from(&graph));
        let input = noise(IMAGES * graph.input_shape().elements(), seed);
        let values = values(&graph, seed);
        let place = |name: &str| graph.parameters().iter().position(|p| p.name == name).unwrap();
        let output = |values: &[Vec<f64>]| forward(&graph, values, &input)[graph.output().index()].clone();
        let before = output(&values);
        for vector in found.groups.iter().flat_map(|group| &group.basis) {
            let mut exponents = vec![0; values.len()];
            for (parameter, exponent) in vector {
                exponents[place(&found.parameters[*parameter].name)] = exponent.to_integer().unwrap();
            }
            let after = output(&scaled(&values, &exponents, 1.7));
            prop_assert!(distance(&before, &after) < 1e-8, "{:?}", exponents);
        }
        for parameter in &found.parameters {
            if (parameter.invariance, parameter.granularity) != (Invariance::Alone, Some(Granularity::Filter)) {
                continue;
            }
            let mut after = values.clone();
            let tensor = &mut after[place(&parameter.name)];
            let slice = tensor.len() / parameter.extents.as_ref().unwrap()[0].unwrap();
            tensor[..slice].iter_mut().for_each(|value| *value *= 1.7);
            prop_assert!(distance(&before, &output(&after)) < 1e-8, "{}", parameter.name);
        }
    }

    #[test]
    fn degrees_are_linear_in_the_exponents(config in configs(), k in -5i32..6) {
        let graph = config.build().unwrap();
        let analysis = analyse(&graph);
        let Some(found) = analysis.degrees else { return Ok(()) };
        let exponents: Vec<i32> = analysis.symmetry.exponent.iter().map(|d| k * d).collect();
        let multiple = degrees(&graph, &exponents).unwrap();
        prop_assert_eq!(multiple.nodes, found.nodes.iter().map(|d| k * d).collect::<Vec<_>>());
        for (row, x) in analysis.symmetry.degree.iter().zip(&found.normaliser_inputs) {
            prop_assert_eq!((row[0], row.len()), (*x, analysis.symmetry.groups()));
            prop_assert!(row[1..].iter().all(|&other| other == 0));
        }
    }
}

fn distance(left: &[f64], right: &[f64]) -> f64 {
    let pairs = left.iter().zip(right);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The rules show all there is to show in these networks: a parameter that they do not let scale alone does
/// change the function when it does.
#[test]
fn what_is_not_found_changes_the_function() {
    let mut changes = 0;
    for choice in 0..64u8 {
        let bits = [0, 1, 2, 3, 4, 5].map(|i: u8| choice >> i & 1 == 1);
        let graph = config(bits, 4, 8).build().unwrap();
        let input = noise(IMAGES * graph.input_shape().elements(), 7);
        let values = values(&graph, 7);
        let output =
            |values: &[Vec<f64>]| forward(&graph, values, &input)[graph.output().index()].clone();
        let before = output(&values);
        for parameter in inspect(&Network::from(&graph)).parameters {
            if parameter.invariance == Invariance::Alone {
                continue;
            }
            let exponents: Vec<i32> = (graph.parameters().iter())
                .map(|p| i32::from(p.name == parameter.name))
                .collect();
            let after = output(&scaled(&values, &exponents, 1.7));
            assert!(
                distance(&before, &after) > 1e-6,
                "{choice:06b}: {}",
                parameter.name
            );
            changes += 1;
        }
    }
    assert!(changes > 500, "{changes}");
}

#[test]
fn a_refused_network_does_change() {
    // Without biases (which batch normalisation may cancel) the rules are also necessary here.
    let mut refused = 0;
    for choice in 0..32u8 {
        let bit = |i: u8| choice >> i & 1 == 1;
        let graph = config([bit(0), bit(1), false, bit(2), bit(3), bit(4)], 4, 8)
            .build()
            .unwrap();
        // What is invariant in part changes when all of it is scaled.
        let verdict = analyse(&graph).verdict;
        if let Verdict::ScaleInvariant | Verdict::ExceptHead { .. } = verdict {
            continue;
        }
        refused += 1;
        let scaled_ones = graph
            .parameters()
            .iter()
            .map(|p| p.trainable && !p.name.starts_with("head"));
        let exponents: Vec<i32> = scaled_ones.map(i32::from).collect();
        let input = noise(IMAGES * graph.input_shape().elements(), 7);
        let before = values(&graph, 7);
        let after = scaled(&before, &exponents, 2.0);
        let output = |values| forward(&graph, values, &input)[graph.output().index()].clone();
        let (before, after) = (output(&before), output(&after));
        let far = before.iter().zip(&after).any(|(b, a)| (b - a).abs() > 1e-6);
        assert!(far, "{choice:05b}: {before:?} and {after:?}");
    }
    assert!(refused > 0);
}
