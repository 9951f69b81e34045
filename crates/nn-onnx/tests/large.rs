//! Large files: what they cost in time and memory.

use std::io::{BufReader, Cursor, Seek, SeekFrom, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// One test after the other: the memory is that of the process.
static ALONE: Mutex<()> = Mutex::new(());

/// A number as protocol buffers write it.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    [
        varint(number << 3 | 2),
        varint(bytes.len() as u64),
        bytes.to_vec(),
    ]
    .concat()
}

fn int(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs
        .iter()
        .flat_map(|name| field(1, name.as_bytes()))
        .collect();
    let rest = [field(2, output.as_bytes()), field(4, operator.as_bytes())].concat();
    field(1, &[inputs, rest].concat())
}

/// An input or a result of the graph: of floats `[lengths]`.
fn value(number: u64, name: &str, lengths: &[u64]) -> Vec<u8> {
    let dims: Vec<u8> = lengths
        .iter()
        .flat_map(|&length| field(1, &int(1, length)))
        .collect();
    let tensor = [int(1, 1), field(2, &dims)].concat();
    field(
        number,
        &[field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat(),
    )
}

const OPSET: u64 = 17;

/// Bytes before a graph of this length, in a file of a model.
fn head(graph: u64) -> Vec<u8> {
    [
        int(1, 8),
        field(8, &int(2, OPSET)),
        varint(7 << 3 | 2),
        varint(graph),
    ]
    .concat()
}

/// Memory that this process has held at most, in bytes, where the system says so.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[test]
fn a_file_of_gigabytes_takes_megabytes() {
    let _alone = ALONE.lock();
    const SIDE: u64 = 24_000;
    const BYTES: u64 = 4 * SIDE * SIDE;
    let tensor = [
        int(1, SIDE),
        int(1, SIDE),
        int(2, 1),
        field(8, b"fc.weight"),
    ]
    .concat();
    let raw = [varint(9 << 3 | 2), varint(BYTES)].concat();
    let initialiser = [
        varint(5 << 3 | 2),
        varint((tensor.len() + raw.len()) as u64 + BYTES),
    ]
    .concat();
    let before = [
        value(11, "x", &[5, SIDE]),
        node("MatMul", &["x", "fc.weight"], "y"),
        initialiser,
        tensor,
        raw,
    ]
    .concat();
    let after = value(12, "y", &[]);
    let length = before.len() as u64 + BYTES + after.len() as u64;
    let mut file = tempfile::tempfile().unwrap();
    // What is skipped stays a hole: the disk holds little more than these lines.
    file.write_all(&[head(length), before].concat()).unwrap();
    file.seek(SeekFrom::Current(BYTES as i64)).unwrap();
    file.write_all(&after).unwrap();
    assert!(file.metadata().unwrap().len() > 2_300_000_000);

    let before = peak_memory();
    let imported = nn_onnx::from_reader(file, "large.onnx")
        .unwrap()
        .import()
        .unwrap();
    assert_eq!(imported.extents["y"], [Some(5), Some(SIDE as usize)]);
    assert_eq!(imported.network.parameters().count(), 1);
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        assert!(after - before < 8 << 20, "{} bytes", after - before);
    }
}

#[test]
fn ten_thousand_nodes_take_no_second() {
    let _alone = ALONE.lock();
    const NODES: usize = 10_000;
    let names: Vec<String> = (0..=NODES)
        .map(|place| format!("layer.{place}.out"))
        .collect();
    let mut graph = value(11, &names[0], &[2, 8, 6, 6]);
    for pair in names.windows(2) {
        graph.extend(node("Add", &[&pair[0], &pair[0]], &pair[1]));
    }
    graph.extend(value(12, &names[NODES], &[]));
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[head(graph.len() as u64), graph].concat())
        .unwrap();
    let start = Instant::now();
    let imported = nn_onnx::from_reader(BufReader::new(file), "deep.onnx")
        .unwrap()
        .import()
        .unwrap();
    let time = start.elapsed();
    assert_eq!(imported.network.operations().len(), NODES);
    assert!(time < Duration::from_secs(1), "{time:?}");
}

fn model(graph: Vec<u8>) -> Cursor<Vec<u8>> {
    Cursor::new([head(graph.len() as u64), graph].concat())
}

#[test]
fn many_nodes_of_few_bytes_are_refused_before_they_fill_the_memory() {
    let _alone = ALONE.lock();
    let graph = field(1, &[]).repeat(2_000_000);
    let error = nn_onnx::from_reader(model(graph), "many.onnx").unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("takes too many bytes of memory; at most 268435456 are read"),
        "{error}"
    );
}

/// Results of a single node, each with its inputs.
#[test]
fn many_results_of_many_inputs_are_refused_before_they_fill_the_memory() {
    let _alone = ALONE.lock();
    let names: Vec<String> = (0..20_000).map(|place| format!("y{place}")).collect();
    let outputs: Vec<u8> = names
        .iter()
        .flat_map(|name| field(2, name.as_bytes()))
        .collect();
    let node = field(
        1,
        &[field(1, b"x").repeat(20_000), outputs, field(4, b"Strange")].concat(),
    );
    let results: Vec<u8> = names.iter().flat_map(|name| value(12, name, &[])).collect();
    let graph = [value(11, "x", &[2]), node, results].concat();
    let error = nn_onnx::from_reader(model(graph), "wide.onnx")
        .unwrap()
        .import()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("too many axes of tensors; at most 8388608 are read"),
        "{error}"
    );
}

/// Of an axis that is very long, in a tensor that has no numbers.
#[test]
fn empty_tensors_are_not_filled() {
    let tensor = |name: &[u8]| {
        field(
            5,
            &[int(1, 1 << 40), int(1, 0), int(2, 7), field(8, name)].concat(),
        )
    };
    let axis = field(5, &[field(1, b"axis"), int(3, 0), int(20, 2)].concat());
    let concat = field(
        1,
        &[
            field(1, b"a"),
            field(1, b"b"),
            field(2, b"y"),
            field(4, b"Concat"),
            axis,
        ]
        .concat(),
    );
    let graph = [tensor(b"a"), tensor(b"b"), concat, value(12, "y", &[])].concat();
    let imported = nn_onnx::from_reader(model(graph), "empty.onnx")
        .unwrap()
        .import()
        .unwrap();
    assert_eq!(imported.extents["y"], [Some(1 << 41), Some(0)]);
}
