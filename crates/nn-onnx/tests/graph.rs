//! Graphs written as ONNX files: read back they are the same function, and onnxruntime computes the same logits.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use nn_engine::{BatchSpec, Engine, EngineOptions, ImageSet, Split, State};
use nn_graph::nets::{Architecture, NetConfig, Normaliser, Shortcut, Stem};
use nn_graph::op::MaxPool;
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, GraphError, Shape, Training};
use nn_reference::{ReferenceEngine, Statistics};

const IMAGES: usize = 3;

/// Small networks with every choice there is.
fn graphs() -> Vec<Graph> {
    let mut graphs = Vec::new();
    for choice in 0..64u8 {
        let bit = |place: u8| choice >> place & 1 == 1;
        let architecture = match bit(0) {
            true => Architecture::PreResNet,
            false => Architecture::ResNet,
        };
        let mut config = NetConfig::new(architecture, 8);
        // Large enough for float32: groups of the four values that smaller images end with lose five of its digits.
        (config.width, config.input, config.classes) = (2, [2, 13, 11], 3);
        // Files hold it in float32.
        config.epsilon = 2f64.powi(-17);
        if bit(1) {
            config.affine = Affine::ScaleAndShift;
        }
        if bit(2) {
            config.bias = Bias::Trained;
        }
        if bit(3) {
            config.head = Training::Trained;
        }
        config.shortcut = match bit(4) {
            true => Shortcut::Projection,
            false => Shortcut::ZeroPad,
        };
        if bit(5) {
            if architecture == Architecture::ResNet {
                continue;
            }
            config.stem = Stem::ConvNormReluConv;
        }
        config.normaliser = [
            Normaliser::Batch,
            Normaliser::Group { groups: 2 },
            Normaliser::Layer,
            Normaliser::Instance,
        ][usize::from(choice / 3 % 4)];
        graphs.push(config.build().unwrap());
    }
    graphs.push(large_images().unwrap());
    graphs
}

/// The start of a network for large images, and a head on two channels.
fn large_images() -> Result<Graph, GraphError> {
    let mut net = GraphBuilder::new(Shape::new([3, 19, 16]))?;
    let spec = ConvSpec {
        channels: 4,
        kernel: 7,
        stride: 2,
        padding: 3,
        bias: Bias::None,
    };
    let pool = MaxPool {
        kernel: 3,
        stride: 2,
        padding: 1,
    };
    let x = net.conv2d("conv1", net.input(), spec)?;
    let x = net.batch_norm("bn1", x, Affine::ScaleAndShift, 0.0)?;
    let x = net.relu("relu", x)?;
    let x = net.max_pool("maxpool", x, pool)?;
    let x = net.global_average_pool("avgpool", x)?;
    let logits = net.linear("fc", x, 5, Bias::Trained, Training::Trained)?;
    net.finish(logits)
}

/// Float32 numbers that nothing is special about; variances are positive.
fn state(graph: &Graph) -> State {
    let mut state = State::initial(graph, 3);
    for (place, tensor) in state.tensors.iter_mut().enumerate() {
        for (at, value) in tensor.values.iter_mut().enumerate() {
            let offset = ((place * 31 + at * 17) % 23) as f64 / 46.0;
            *value = f64::from((*value + offset) as f32);
        }
    }
    state
}

fn images(graph: &Graph) -> ImageSet {
    let [channels, height, width] = graph.input_shape().dims()[..] else {
        panic!("images")
    };
    let bytes = (0..IMAGES * graph.input_shape().elements()).map(|i| (i * i % 251) as u8);
    let (mean, deviation) = (vec![0.5; channels], vec![0.25; channels]);
    let shape = [channels, height, width];
    ImageSet::new(shape, bytes.collect(), vec![0; IMAGES], mean, deviation).unwrap()
}

fn logits(graph: &Graph, state: &State, statistics: Statistics) -> Vec<f64> {
    let mut engine = ReferenceEngine::new(graph, EngineOptions::new(graph, IMAGES)).unwrap();
    let set = Arc::new(images(graph));
    engine.load_images(Split::Train, set).unwrap();
    engine.load_state(0, state).unwrap();
    let batch = BatchSpec::plain((0..IMAGES as u32).collect());
    engine.logits(0, &batch, statistics).unwrap().values
}

fn written(graph: &Graph, state: &State) -> Vec<u8> {
    let mut file = Vec::new();
    let values = |name: &str| Some(state.get(name)?.values.clone());
    nn_onnx::write(graph, values, &mut file).unwrap();
    file
}

#[test]
fn of_every_batch_normalisation_the_running_mean_is_named() {
    for graph in graphs() {
        let file = written(&graph, &state(&graph));
        let model = nn_onnx::from_reader(Cursor::new(file), "written").unwrap();
        let found = model.import().unwrap();
        let batch_norms: Vec<_> = graph.batch_norms();
        assert_eq!(found.running_means.len(), batch_norms.len());
        for (id, (input, mean)) in batch_norms.into_iter().zip(&found.running_means) {
            let node = graph.node(id);
            assert_eq!(*mean, format!("{}.running_mean", node.name));
            let before = &graph.node(node.inputs[0]).name;
            let input = &found.network.tensor(*input).name;
            assert!(input.starts_with(before.as_str()), "{input}, not {before}");
        }
    }
}

#[test]
fn a_graph_that_is_read_back_is_the_same_function() {
    for graph in graphs() {
        let state = state(&graph);
        let file = written(&graph, &state);
        let model = nn_onnx::from_reader(Cursor::new(file), "written").unwrap();
        let again = model.import_graph().unwrap();
        assert_eq!(again.parameters.len(), graph.parameters().len());
        let mut restored = State::initial(&again.graph, 0);
        for (place, source) in again.parameters.iter().enumerate() {
            let original = state.get(&source.name).unwrap();
            let (one, other) = (&graph.parameters(), &again.graph.parameters()[place]);
            let one = one.iter().find(|one| one.name == source.name).unwrap();
            assert_eq!((&one.shape, one.trainable), (&other.shape, other.trainable));
            restored.tensors[place].values.clone_from(&original.values);
        }
        let (one, other) = (&graph, &again.graph);
        assert_eq!(
            logits(one, &state, Statistics::Batch),
            logits(other, &restored, Statistics::Batch),
        );
        // What is trained in the graph is what is trained in the file.
        let network = model.import().unwrap().network;
        let trained: Vec<&str> = network
            .parameters()
            .map(|id| network.tensor(id).name.as_str())
            .collect();
        let expected = graph.parameters().iter().filter(|p| p.trainable);
        assert_eq!(
            trained,
            expected.map(|p| p.name.as_str()).collect::<Vec<_>>()
        );
    }
}

/// Reads `N.onnx` and `N.images`, writes `N.logits`, for all `N` below the argument.
const RUN: &str = r#"
import sys
import numpy
import onnxruntime
for n in range(int(sys.argv[1])):
    session = onnxruntime.InferenceSession(f"{n}.onnx", providers=["CPUExecutionProvider"])
    shape = [size if isinstance(size, int) else -1 for size in session.get_inputs()[0].shape]
    images = numpy.fromfile(f"{n}.images", dtype=numpy.float32).reshape(shape)
    session.run(None, {"input": images})[0].astype(numpy.float64).tofile(f"{n}.logits")
"#;

#[test]
fn onnxruntime_computes_the_same_logits() {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let can = Command::new(&python)
        .args(["-c", "import onnxruntime"])
        .output();
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "skipped: {python} has no onnxruntime, so what is written is not run by it; \
             `pip install onnxruntime`, or name a Python that has it in $PYTHON"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |n: usize, kind: &str| folder.path().join(format!("{n}.{kind}"));
    let graphs = graphs();
    let states: Vec<State> = graphs.iter().map(state).collect();
    for (n, (graph, state)) in graphs.iter().zip(&states).enumerate() {
        std::fs::write(file(n, "onnx"), written(graph, state)).unwrap();
        let set = images(graph);
        let mut pixels = Vec::new();
        for image in 0..IMAGES {
            set.for_each_pixel(
                image,
                nn_engine::Crop::default(),
                false,
                |_, _, _, value| {
                    pixels.extend((value as f32).to_le_bytes());
                },
            );
        }
        std::fs::write(file(n, "images"), pixels).unwrap();
    }
    run(&python, folder.path(), graphs.len());
    for (n, (graph, state)) in graphs.iter().zip(&states).enumerate() {
        let bytes = std::fs::read(file(n, "logits")).unwrap();
        let found = bytes
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()));
        let found: Vec<f64> = found.collect();
        let expected = logits(graph, state, Statistics::Running);
        assert_eq!(found.len(), expected.len());
        let size = expected.iter().fold(0.0, |size: f64, x| size.max(x.abs()));
        for (a, b) in found.iter().zip(&expected) {
            assert!(
                (a - b).abs() <= 1e-6 * size,
                "network {n}: {a} and {b} of {size}"
            );
        }
        assert!(size > 1e-2 && size.is_finite(), "network {n}: {size}");
    }
}

fn run(python: &str, folder: &Path, count: usize) {
    let output = Command::new(python)
        .args(["-c", RUN, &count.to_string()])
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}
