//! What exporters write: networks as a whole, and ways to hold a number.

use nn_graph::network::{AxisSource, Constant, Operation, Rule, Source};

use crate::fixture::{import, layer, reads, rules, sources};

#[test]
fn what_an_older_exporter_writes() {
    let imported = import("torchscript_block_13");
    let net = &imported.network;
    use AxisSource::{Inner, Merged, Mixed, Outer, Whole};
    // Group normalisation of images of any size, there and back.
    assert_eq!(
        sources(rules(net, "reshape_3")[0]),
        [Whole(0), Outer(1), Mixed(vec![1, 2, 3])]
    );
    assert_eq!(
        sources(rules(net, "reshape_7")[0]),
        [Whole(0), Mixed(vec![1, 2]), Inner(2), Inner(2)]
    );
    // Its ones and zeros are no parameters, and change nothing.
    assert!(matches!(
        rules(net, "instancenormalization_5")[..],
        [Rule::Normalise(_)]
    ));
    // Heads of attention, of a batch and a length that are not known.
    assert_eq!(
        sources(rules(net, "reshape_37")[0]),
        [Whole(0), Whole(1), Outer(2), Inner(2)]
    );
    assert_eq!(
        sources(rules(net, "reshape_89")[0]),
        [Whole(0), Whole(1), Merged(vec![2, 3])]
    );
    assert_eq!(
        sources(rules(net, "reshape_91")[0]),
        [Merged(vec![0, 1]), Whole(2)]
    );
    assert_eq!(reads(net, "gather_11"), ["embedding.weight", "tokens"]);
    let epsilon = layer(net, "add_18")[0].inputs[1];
    assert_eq!(
        net.tensor(epsilon).source,
        Source::Constant(Constant::Uniform(f64::from(1e-5f32)))
    );
    let parameters: Vec<&str> = net
        .parameters()
        .map(|id| net.tensor(id).name.as_str())
        .collect();
    assert_eq!(
        parameters,
        [
            "stem.0.weight",
            "onnx::Mul_20",
            "onnx::Add_21",
            "embedding.weight",
            "ln.weight",
            "ln.bias",
            "onnx::MatMul_101",
            "onnx::MatMul_102",
            "onnx::MatMul_103",
            "head.weight",
            "head.bias",
        ]
    );
    assert!(imported.unsupported.is_empty());
}

#[test]
fn what_the_newer_exporter_writes() {
    let imported = import("dynamo_block");
    let net = &imported.network;
    let parameters: Vec<&str> = net
        .parameters()
        .map(|id| net.tensor(id).name.as_str())
        .collect();
    // Not the buffer, nor the number that the exporter counted.
    assert_eq!(parameters, ["fc.weight", "fc.bias", "scale"]);
    let [unknown] = &imported.unsupported[..] else {
        panic!("{:?}", imported.unsupported);
    };
    assert_eq!(
        (unknown.operator.as_str(), &unknown.layers[..]),
        ("com.microsoft.Gelu", &["gelu_5".to_owned()][..])
    );
    assert_eq!(rules(net, "gelu_5"), [&Rule::Unknown]);
    // The rest is still there, with the shape that the file declares.
    assert_eq!(imported.extents["sigmoid_6"], [None, Some(8)]);
    for name in ["gemm_1", "mul_2"] {
        assert_eq!(imported.extents[name], [Some(7), Some(8)]);
    }
}

/// Not the statistics, nor the numbers.
#[test]
fn weights_may_be_nodes() {
    let net = import("weights_in_nodes_12").network;
    let parameters: Vec<&str> = net
        .parameters()
        .map(|id| net.tensor(id).name.as_str())
        .collect();
    assert_eq!(parameters, ["conv2d_0.w_0", "bn.w_0", "bn.b_0"]);
}

#[test]
fn operators_that_are_not_known_are_reported_once() {
    let imported = import("recurrent_22");
    assert_eq!(imported.unsupported.len(), 1);
    assert_eq!(imported.unsupported[0].operator, "LSTM");
    assert_eq!(rules(&imported.network, "lstm_1"), [&Rule::Unknown; 3]);
}

#[test]
fn numbers_in_any_form() {
    let net = import("kinds_of_numbers_21").network;
    let reshapes: Vec<&Operation> = net
        .operations()
        .iter()
        .filter(|operation| operation.kind == "Reshape")
        .collect();
    assert_eq!(reshapes.len(), 11);
    use AxisSource::{Merged, New, Whole};
    for reshape in reshapes {
        // [batch, 2, 3] to [1, −1, 6]
        assert_eq!(
            sources(&reshape.rule),
            [New, Whole(0), Merged(vec![1, 2])],
            "{}",
            reshape.layer
        );
    }
}

/// A slice that ends where the batch ends, whatever that is.
#[test]
fn a_slice_of_everything_is_everything() {
    let net = import("shapes_13").network;
    let whole = |operation: &&Operation| {
        operation.kind == "Slice" && net.tensor(operation.inputs[0]).name == "x"
    };
    let slices: Vec<&Operation> = net.operations().iter().filter(whole).collect();
    assert_eq!(slices.len(), 1);
    use AxisSource::Whole;
    assert_eq!(sources(&slices[0].rule), [Whole(0), Whole(1), Whole(2)]);
}

#[test]
fn a_bias_of_zeros_of_whatever_type_is_known_to_be_none() {
    let net = import("bias_that_is_none_18").network;
    let bias = |name| {
        let add = layer(&net, name)[1];
        net.tensor(add.inputs[1]).source.clone()
    };
    assert_eq!(bias("conv_6"), Source::Constant(Constant::Uniform(0.0)));
    assert_eq!(bias("conv_9"), Source::Constant(Constant::Other));
}

/// What is cast to the type of a weight's product stays as it is; whole numbers would not.
#[test]
fn a_cast_to_the_type_of_floats_is_a_copy() {
    let net = import("cast_like_18").network;
    assert_eq!(rules(&net, "castlike_6"), [&Rule::Copy]);
    assert_eq!(rules(&net, "castlike_7"), [&Rule::Nonlinear]);
    let clip = layer(&net, "clip_4")[0];
    let smallest = &net.tensor(clip.inputs[1]).source;
    let expected = Source::Constant(Constant::Uniform(1e-12));
    assert_eq!(*smallest, expected);
}
