//! What can be inspected, and not run by an engine, is told by the first operation that is in the way.

use std::path::Path;

const SENTENCES: [(&str, &str); 15] = [
    (
        "any_size",
        "an engine runs a network that reads images of a known size, [batch, channels, height, width], and this one does not",
    ),
    (
        "dilation",
        "`conv_1` (Conv) cannot be run by an engine: engines convolve with square kernels, without groups, dilation or automatic padding",
    ),
    (
        "factor",
        "`gemm_4` (Gemm) cannot be run by an engine: engines multiply without factors",
    ),
    (
        "groups",
        "`conv_1` (Conv) cannot be run by an engine: engines convolve with square kernels, without groups, dilation or automatic padding",
    ),
    (
        "half_constant",
        "`gemm_5` (Gemm) cannot be run by an engine: engines train weight and bias of a linear layer both, or neither",
    ),
    (
        "kernel",
        "`conv_1` (Conv) cannot be run by an engine: engines convolve with square kernels, without groups, dilation or automatic padding",
    ),
    (
        "one_axis",
        "an engine runs a network that reads images of a known size, [batch, channels, height, width], and this one does not",
    ),
    (
        "one_bias",
        "`gemm_4` (Gemm) cannot be run by an engine: engines add one number to each feature, not one to all",
    ),
    (
        "operator",
        "`sigmoid_2` (Sigmoid) cannot be run by an engine: engines do not have this operator",
    ),
    (
        "part_of_mean",
        "`averagepool_2` (AveragePool) cannot be run by an engine: engines take the mean of an image over all positions",
    ),
    (
        "product",
        "`transpose_4` (Transpose) cannot be run by an engine: engines exchange the axes of nothing but a weight",
    ),
    (
        "strides",
        "`conv_1` (Conv) cannot be run by an engine: engines take one number for all of strides, not [1, 2]",
    ),
    (
        "tied",
        "the tensor `conv.weight` is the weight of two layers; engines give every layer its own",
    ),
    (
        "two_inputs",
        "an engine runs a network that reads one tensor of images, and this one does not",
    ),
    (
        "two_results",
        "an engine runs a network that has one result, and this one does not",
    ),
];

#[test]
fn every_network_has_its_sentence() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/not_for_engines");
    for (name, sentence) in SENTENCES {
        let model = nn_onnx::open(folder.join(name).with_extension("onnx")).unwrap();
        assert!(model.import().is_ok(), "{name} can be inspected");
        let error = model.import_graph().unwrap_err();
        assert_eq!(error.problem.to_string(), sentence, "{name}");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), SENTENCES.len());
}
