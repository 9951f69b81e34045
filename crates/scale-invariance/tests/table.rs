//! The paper's table, worked out by hand, over the residual networks of `nn-graph`.

mod common;

use nn_graph::nets::{Architecture, NetConfig, Shortcut, Stem};
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};
use scale_invariance::{Verdict, Violation, analyse, degrees};

const BOTH_SHORTCUTS: [Shortcut; 2] = [Shortcut::ZeroPad, Shortcut::Projection];

fn config(architecture: Architecture, edit: impl Fn(&mut NetConfig)) -> NetConfig {
    let mut config = NetConfig::new(architecture, 8);
    edit(&mut config);
    config
}

fn verdict(architecture: Architecture, edit: impl Fn(&mut NetConfig)) -> Verdict {
    analyse(&config(architecture, edit).build().unwrap()).verdict
}

/// The sentence for a network that is not scale-invariant.
fn refusal(architecture: Architecture, edit: impl Fn(&mut NetConfig)) -> String {
    match verdict(architecture, edit) {
        Verdict::NotInvariant(violation) | Verdict::InPart { violation, .. } => {
            violation.to_string()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn without_affine_and_with_fixed_head_everything_is_invariant() {
    for shortcut in BOTH_SHORTCUTS {
        for bias in [Bias::None, Bias::Trained] {
            let edit = |c: &mut NetConfig| (c.shortcut, c.bias) = (shortcut, bias);
            assert_eq!(verdict(Architecture::ResNet, edit), Verdict::ScaleInvariant);
            for stem in [Stem::Conv, Stem::ConvNormReluConv] {
                let edit =
                    |c: &mut NetConfig| (c.shortcut, c.bias, c.stem) = (shortcut, bias, stem);
                assert_eq!(
                    verdict(Architecture::PreResNet, edit),
                    Verdict::ScaleInvariant
                );
            }
        }
    }
}

#[test]
fn a_trained_head_stays_out() {
    for architecture in [Architecture::ResNet, Architecture::PreResNet] {
        for shortcut in BOTH_SHORTCUTS {
            let edit = |c: &mut NetConfig| (c.shortcut, c.head) = (shortcut, Training::Trained);
            let expected = Verdict::ExceptHead {
                head: "head".into(),
                violation: Violation::Output {
                    node: "head".into(),
                    degree: 1.into(),
                },
            };
            assert_eq!(verdict(architecture, edit), expected);
        }
    }
}

#[test]
fn preresnet_with_affine_needs_the_longer_stem() {
    for shortcut in BOTH_SHORTCUTS {
        let affine = |c: &mut NetConfig| {
            (c.shortcut, c.affine) = (shortcut, Affine::ScaleAndShift);
        };
        // The stream starts at 1, a branch ends at 2.
        assert_eq!(
            refusal(Architecture::PreResNet, affine),
            "`stage1.block0.add` (add) joins tensors of degree 2 and 1; they must be equal"
        );
        let longer = |c: &mut NetConfig| {
            affine(c);
            c.stem = Stem::ConvNormReluConv;
        };
        assert_eq!(
            verdict(Architecture::PreResNet, longer),
            Verdict::ScaleInvariant
        );
        // A convolution of an affine output has degree 2, its bias 1.
        assert_eq!(
            refusal(Architecture::PreResNet, |c| {
                longer(c);
                c.bias = Bias::Trained;
            }),
            "`stem.conv2` adds `stem.conv2.bias`, of degree 1, to values of degree 2; they must be equal"
        );
        // With a trained head the last normalisation has affine parameters, too.
        assert_eq!(
            refusal(Architecture::PreResNet, |c| {
                longer(c);
                c.head = Training::Trained;
            }),
            "`head` adds `head.bias`, of degree 0, to values of degree 1; they must be equal"
        );
    }
}

#[test]
fn resnet_with_affine_has_a_result_of_degree_1() {
    for shortcut in BOTH_SHORTCUTS {
        let affine = |c: &mut NetConfig| {
            (c.shortcut, c.affine) = (shortcut, Affine::ScaleAndShift);
        };
        let message = refusal(Architecture::ResNet, affine);
        assert!(message.contains("`head` has degree 1"), "{message}");
        let message = refusal(Architecture::ResNet, |c| {
            affine(c);
            c.bias = Bias::Trained;
        });
        assert!(
            message.contains("`stage1.block0.conv1.bias`, of degree 1, to values of degree 2"),
            "{message}"
        );
    }
}

#[test]
fn normaliser_inputs_have_degree_1_on_normalised_tensors_and_2_after_affine() {
    let plain = config(Architecture::PreResNet, |_| {}).build().unwrap();
    let analysis = analyse(&plain);
    assert_eq!(analysis.symmetry.degree, vec![vec![1]; 7]);

    let affine = config(Architecture::PreResNet, |c| {
        (c.affine, c.stem) = (Affine::ScaleAndShift, Stem::ConvNormReluConv);
    });
    let analysis = analyse(&affine.build().unwrap());
    let rows: Vec<i32> = analysis.symmetry.degree.iter().map(|row| row[0]).collect();
    assert_eq!(rows, [1, 2, 2, 2, 2, 2, 2, 2]);
}

/// Degrees of what normalisations read, if the rules show the network to be scale-invariant.
fn inputs(architecture: Architecture, edit: impl Fn(&mut NetConfig)) -> Option<Vec<i32>> {
    let analysis = analyse(&config(architecture, edit).build().unwrap());
    let whole = analysis.verdict == Verdict::ScaleInvariant;
    whole.then(|| analysis.symmetry.degree.iter().map(|row| row[0]).collect())
}

#[test]
fn plain_and_fully_connected_networks() {
    for architecture in [Architecture::PlainCnn, Architecture::FullyConnected] {
        let affine = |c: &mut NetConfig| c.affine = Affine::ScaleAndShift;
        let both = |c: &mut NetConfig| (c.affine, c.bias) = (Affine::ScaleAndShift, Bias::Trained);
        let behind = [&[1][..], &[2; 6]].concat();
        assert_eq!(inputs(architecture, |_| {}), Some(vec![1; 7]));
        assert_eq!(
            inputs(architecture, |c| c.bias = Bias::Trained),
            Some(vec![1; 7])
        );
        assert_eq!(inputs(architecture, affine), Some(behind));
        assert_eq!(inputs(architecture, both), None);
        let refused = refusal(architecture, both);
        assert!(
            refused.contains(".bias`, of degree 1, to values of degree 2"),
            "{refused}"
        );
    }
}

#[test]
fn a_projection_in_the_first_block_raises_the_stream_to_its_branches() {
    let behind = [&[1][..], &[2; 6]].concat();
    for shortcut in BOTH_SHORTCUTS {
        let edit = |c: &mut NetConfig| {
            (c.shortcut, c.affine) = (shortcut, Affine::ScaleAndShift);
            c.stem = Stem::ConvProjection;
        };
        assert_eq!(inputs(Architecture::PreResNet, edit), Some(behind.clone()));
    }
}

#[test]
fn projections_of_the_raw_stream_break_invariance() {
    for (architecture, affine, stem, left, right) in [
        (Architecture::ResNet, Affine::None, Stem::Conv, 0, 1),
        (
            Architecture::ResNet,
            Affine::ScaleAndShift,
            Stem::Conv,
            1,
            2,
        ),
        (Architecture::PreResNet, Affine::None, Stem::Conv, 1, 2),
        (
            Architecture::PreResNet,
            Affine::ScaleAndShift,
            Stem::ConvNormReluConv,
            2,
            3,
        ),
    ] {
        let refused = refusal(architecture, |c| {
            (c.affine, c.stem, c.shortcut) = (affine, stem, Shortcut::RawProjection);
        });
        assert_eq!(
            refused,
            format!(
                "`stage2.block0.add` (add) joins tensors of degree {left} and {right}; they must be equal"
            )
        );
    }
}

fn conv(channels: usize, bias: Bias) -> ConvSpec {
    ConvSpec {
        channels,
        kernel: 3,
        stride: 1,
        padding: 1,
        bias,
    }
}

fn net() -> GraphBuilder {
    GraphBuilder::new(Shape::new([3, 4, 4])).unwrap()
}

#[test]
fn a_shortcut_convolution_on_the_raw_stream_breaks_invariance() {
    let mut net = net();
    let stream = net
        .conv2d("stem", net.input(), conv(4, Bias::None))
        .unwrap();
    let active = net.batch_norm("norm", stream, Affine::None, 0.0).unwrap();
    let branch = net.conv2d("branch", active, conv(4, Bias::None)).unwrap();
    let shortcut = net.conv2d("shortcut", stream, conv(4, Bias::None)).unwrap();
    let sum = net.add("sum", branch, shortcut).unwrap();
    let result = net.batch_norm("last", sum, Affine::None, 0.0).unwrap();
    let verdict = analyse(&net.finish(result).unwrap()).verdict;
    assert_eq!(
        verdict.to_string(),
        "scale-invariant in all trained parameters but 1 (stem.weight), which keep their weight decay: `sum` (add) joins \
         tensors of degree 1 and 2; they must be equal"
    );
}

#[test]
fn a_head_alone_gives_nothing_to_convert() {
    let mut net = net();
    let x = net.global_average_pool("pool", net.input()).unwrap();
    let x = net
        .linear("head", x, 2, Bias::Trained, Training::Trained)
        .unwrap();
    let graph = net.finish(x).unwrap();
    let analysis = analyse(&graph);
    assert!(!analysis.is_convertible());
    assert!(analysis.verdict.to_string().contains("`head` has degree 1"));
    assert_eq!(analysis.symmetry, nn_engine::Symmetry::none(&graph));
}

/// conv → norm with scale and shift → pool → fixed head.
fn affine_net() -> Graph {
    let mut net = net();
    let x = net
        .conv2d("conv", net.input(), conv(2, Bias::None))
        .unwrap();
    let x = net
        .batch_norm("norm", x, Affine::ScaleAndShift, 0.0)
        .unwrap();
    let x = net.global_average_pool("pool", x).unwrap();
    let x = net
        .linear("head", x, 2, Bias::None, Training::Fixed)
        .unwrap();
    net.finish(x).unwrap()
}

#[test]
fn exponents_per_parameter() {
    let graph = affine_net();
    let names: Vec<&str> = graph.parameters().iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        names,
        ["conv.weight", "norm.scale", "norm.shift", "head.weight"]
    );
    let found = degrees(&graph, &[3, 0, 0, 0]).unwrap();
    assert_eq!(found.nodes, [0, 3, 0, 0, 0]);
    assert_eq!(found.normaliser_inputs, [3]);
    let sentence = |exponents: &[i32]| degrees(&graph, exponents).unwrap_err().to_string();
    // The paper's "β only", and a scale without its shift.
    assert!(sentence(&[1, 0, 1, 0]).starts_with("`norm` adds `norm.shift`, of degree 1"));
    assert!(sentence(&[1, 1, 0, 0]).starts_with("`norm` adds `norm.shift`, of degree 0"));
    assert!(sentence(&[1, 1, 1, 0]).contains("result `head` has degree 1"));
    assert_eq!(
        sentence(&[1, 0, 0, 1]),
        "`head.weight` is not trained, so its exponent must be 0, not 1"
    );
    assert_eq!(
        sentence(&[1, 0]),
        "2 exponents were given for a network of 4 parameters"
    );
}

#[test]
fn huge_exponents_are_refused() {
    let mut net = net();
    let x = net.conv2d("a", net.input(), conv(2, Bias::None)).unwrap();
    let x = net.conv2d("b", x, conv(2, Bias::None)).unwrap();
    let x = net.batch_norm("norm", x, Affine::None, 0.0).unwrap();
    let graph = net.finish(x).unwrap();
    let error = degrees(&graph, &[i32::MAX, 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the degree of `b` is 2147483648, which is not a whole number of 32 bits"
    );
}

/// Twice the exponents, twice the degrees.
#[test]
fn degrees_are_linear_in_the_exponents() {
    let mut shown = 0;
    for choice in 0..64u8 {
        let bits = [0, 1, 2, 3, 4, 5].map(|place: u8| choice >> place & 1 == 1);
        let graph = common::config(bits, 2, 5).build().unwrap();
        let analysis = analyse(&graph);
        let Some(found) = analysis.degrees else {
            continue;
        };
        for k in [-5, 0, 3] {
            let times = |all: &[i32]| all.iter().map(|d| k * d).collect::<Vec<i32>>();
            let multiple = degrees(&graph, &times(&analysis.symmetry.exponent)).unwrap();
            assert_eq!(multiple.nodes, times(&found.nodes));
            assert_eq!(multiple.normaliser_inputs, times(&found.normaliser_inputs));
        }
        for (row, x) in analysis
            .symmetry
            .degree
            .iter()
            .zip(&found.normaliser_inputs)
        {
            assert_eq!((row[0], row.len()), (*x, analysis.symmetry.groups()));
            assert!(row[1..].iter().all(|&other| other == 0));
        }
        shown += 1;
    }
    assert!(shown > 20, "{shown}");
}
