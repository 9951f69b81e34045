//! What is wrong with a file is one sentence.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use nn_onnx::{OnnxError, Problem};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn problem(name: &str) -> String {
    let path = fixtures().join("refused").join(name).with_extension("onnx");
    let error = nn_onnx::open(&path)
        .and_then(|model| model.import())
        .unwrap_err();
    assert_eq!(error.file, path.display().to_string());
    let folder = fixtures().join("refused").display().to_string();
    error.problem.to_string().replace(&folder, "FOLDER")
}

#[test]
fn every_refused_file_has_its_sentence() {
    for (name, sentence) in SENTENCES {
        assert_eq!(problem(name), sentence, "{name}");
    }
    let files = std::fs::read_dir(fixtures().join("refused")).unwrap();
    let models = files.filter(|file| file.as_ref().unwrap().path().extension().unwrap() == "onnx");
    // One of them, `external`, is the good one among those with external data.
    assert_eq!(models.count(), SENTENCES.len() + 1);
}

const SENTENCES: [(&str, &str); 28] = [
    (
        "add",
        "`add_1` (Add) joins tensors of which one has an axis of 4 where the other has 3",
    ),
    (
        "axis",
        "`concat_1` (Concat) names axis 2 of a tensor of 2 axes",
    ),
    (
        "branch",
        "`if_1` is If, and networks with branches or loops are not analysed: export it with fixed control flow, for one \
         case of the condition or with the loop unrolled",
    ),
    (
        "conv",
        "`conv_1` (Conv) has weights for 3 channels, and reads 4",
    ),
    (
        "cycle",
        "`first` (Add) reads `b`, which `second` makes only after it: the nodes are in a cycle, or not in the order that \
         ONNX prescribes",
    ),
    (
        "external_absolute",
        "the numbers of `w` are in `/etc/passwd`, which is no file in the model's folder, and no other is read",
    ),
    (
        "external_length",
        "the tensor `w` has the shape [4], which takes 16 bytes, and holds 12",
    ),
    (
        "external_missing",
        "the numbers of `w` are in `nothing.bin`, but `FOLDER/nothing.bin` cannot be read (No such file or directory (os \
         error 2)): put it beside the model",
    ),
    (
        "external_offset",
        "the numbers of `w` are in `weights.bin`, but its offset is `ten`, which is no number",
    ),
    (
        "external_outside",
        "the numbers of `w` are in `../shapes.json`, which is no file in the model's folder, and no other is read",
    ),
    (
        "external_short",
        "the numbers of `w` are in `weights.bin`, 16 bytes from byte 32 on, but that file has only 40 bytes: it is cut \
         off, or of another model",
    ),
    (
        "huge",
        "the tensor `w` has the shape [1099511627776, 1099511627776], of no or of too many numbers",
    ),
    (
        "made_twice",
        "`two` (Abs) makes `y`, which is there already: names must be unique",
    ),
    (
        "many_axes",
        "the tensor `x` has 42 axes; at most 32 are read",
    ),
    (
        "matmul",
        "`matmul_1` (MatMul) sums over an axis of 4 in one tensor and of 5 in the other",
    ),
    ("missing_result", "its result `nowhere` is made by no node"),
    (
        "missing_tensor",
        "`act` (Relu) reads `lost`, which no node makes, and which is neither an input nor an initialiser",
    ),
    (
        "negative",
        "the tensor `w` has the shape [-4], of no or of too many numbers",
    ),
    ("no_graph", "it is not an ONNX model: it holds no graph"),
    ("no_input", "`relu_1` (Relu) lacks its input 0"),
    (
        "no_opset",
        "it is not an ONNX model: it does not say of which version its operators are",
    ),
    (
        "no_type",
        "the tensor `w` has elements of the type 99, which is not known",
    ),
    (
        "opset_8",
        "its operators are of version 8 (opset_import); versions 9 to 23 are read: export it again with one of these",
    ),
    (
        "pool",
        "`maxpool_1` (MaxPool) has windows of 3 along an axis of 2 with a padding of 0",
    ),
    (
        "reshape",
        "`reshape_1` (Reshape) makes 4 numbers of 6, which cannot be",
    ),
    (
        "too_few_bytes",
        "the tensor `w` has the shape [4], which takes 16 bytes, and holds 4",
    ),
    (
        "too_few_numbers",
        "the tensor `w` has the shape [4], which takes 4 numbers, and holds 1",
    ),
    ("transpose", "`transpose_1` (Transpose) names axis 0 twice"),
];

#[test]
fn external_data_needs_the_folder() {
    let path = fixtures().join("refused/external.onnx");
    assert!(nn_onnx::open(&path).unwrap().import().is_ok());
    let file = std::fs::File::open(&path).unwrap();
    let error = nn_onnx::from_reader(file, "external.onnx").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`external.onnx`: the numbers of `w` are in `./weights.bin`, a file beside the model, which is not read here: open \
         the model by its path"
    );
}

#[test]
fn what_is_no_file_is_refused() {
    for path in [fixtures(), fixtures().join("nothing.onnx")] {
        let error = nn_onnx::open(path).unwrap_err();
        assert!(matches!(error.problem, Problem::Read { .. }), "{error}");
    }
}

/// Whatever is cut off or changed, there is a sentence of one line, or a network.
#[test]
fn damaged_files_are_refused_in_one_line() {
    let bytes = std::fs::read(fixtures().join("torchscript_block_13.onnx")).unwrap();
    let read = |bytes: &[u8]| -> Result<(), OnnxError> {
        nn_onnx::from_reader(Cursor::new(bytes), "damaged.onnx")?
            .import()
            .map(|_| ())
    };
    let one_line = |error: OnnxError| {
        let text = error.to_string();
        assert!(
            text.starts_with("`damaged.onnx`: ") && !text.contains('\n'),
            "{text}"
        );
    };
    for length in (0..bytes.len()).step_by(3) {
        // Cut at the end of a field of the model, there is no graph, or no version.
        one_line(read(&bytes[..length]).unwrap_err());
    }
    for place in (0..bytes.len()).step_by(3) {
        for change in [1, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[place] ^= change;
            if let Err(error) = read(&bytes) {
                one_line(error);
            }
        }
    }
}
