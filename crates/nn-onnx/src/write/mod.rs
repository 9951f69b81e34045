//! From a [`Graph`] to an ONNX file.

mod op;

use std::collections::HashSet;
use std::io;

use nn_graph::{Graph, Parameter, Shape};
use prost::Message;

use crate::proto;

/// Version of the operators that are written: the first in which group normalisation has a scale and shift for each channel.
const OPSET: i64 = 21;

/// Version of the format, of the same age.
const IR_VERSION: i64 = 10;

/// Values of `TensorProto.DataType`.
const FLOAT: i32 = 1;
const INT64: i32 = 7;

/// Why a graph cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A tensor's values are not there, or of another number.
    #[error("the tensor `{tensor}` has {elements} elements, and {given} values are given for it")]
    Values {
        /// Its name, as in the documentation of [`write()`].
        tensor: String,
        /// Number of its elements.
        elements: usize,
        /// Number of values.
        given: usize,
    },
    /// Two tensors of the file would have the same name.
    #[error(
        "two tensors of the file would be called `{0}`: rename the node or parameter of that name"
    )]
    Name(String),
    /// An operation that ONNX has no form for here.
    #[error("`{node}` ({op}) is an operation that is not written to ONNX files yet")]
    Operation {
        /// The node.
        node: String,
        /// Its operation.
        op: &'static str,
    },
    /// Of the system.
    #[error("the file cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// Writes a graph as an ONNX file, for inference: normalisers use their running statistics.
///
/// `values` gives a tensor's values by its name, row-major, rounded to float32 here (as is every `ε`): parameters by their own, a normaliser's
/// statistics as `{node}.running_mean` and `{node}.running_variance`, as a training state names them. What is trained is an
/// initialiser of the same name; what is fixed is a `Constant` node. The one input is `input`, `[batch, C, H, W]`, the one
/// result has the name of the graph's last node.
///
/// ```
/// use nn_engine::State;
/// use nn_graph::nets::{Architecture, NetConfig};
///
/// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
/// let state = State::initial(&graph, 7);
/// let values = |name: &str| state.get(name).map(|tensor| tensor.values.clone());
/// let mut file = Vec::new();
/// nn_onnx::write(&graph, values, &mut file)?;
///
/// let again = nn_onnx::from_reader(std::io::Cursor::new(file), "preresnet-8.onnx")?.import_graph()?;
/// assert_eq!(again.graph.multiply_adds(), graph.multiply_adds());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`WriteError`].
pub fn write(
    graph: &Graph,
    values: impl Fn(&str) -> Option<Vec<f64>>,
    out: &mut impl io::Write,
) -> Result<(), WriteError> {
    let mut file = File {
        graph: proto::Graph::default(),
        names: HashSet::from(["input".to_owned()]),
        values,
    };
    for parameter in graph.parameters() {
        file.parameter(parameter)?;
    }
    for node in graph.nodes() {
        file.node(graph, node)?;
    }
    let output = graph.node(graph.output());
    file.graph.name = "texp".into();
    file.graph.input = vec![declared("input", graph.input_shape())];
    file.graph.output = vec![declared(&output.name, &output.shape)];
    let model = proto::Model {
        ir_version: IR_VERSION,
        producer_name: env!("CARGO_PKG_NAME").into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(file.graph),
        opset_import: vec![proto::OperatorSetId {
            domain: String::new(),
            version: OPSET,
        }],
    };
    Ok(out.write_all(&model.encode_to_vec())?)
}

/// A file while it is made.
struct File<V> {
    graph: proto::Graph,
    /// Of all tensors.
    names: HashSet<String>,
    values: V,
}

impl<V: Fn(&str) -> Option<Vec<f64>>> File<V> {
    fn parameter(&mut self, parameter: &Parameter) -> Result<(), WriteError> {
        let tensor = self.floats(&parameter.name, &parameter.shape)?;
        if parameter.trainable {
            self.claim(&parameter.name)?;
            self.graph.initializer.push(tensor);
            return Ok(());
        }
        self.constant(tensor)
    }

    /// A tensor of the caller's values.
    fn floats(&self, name: &str, shape: &[usize]) -> Result<proto::Tensor, WriteError> {
        let values = (self.values)(name).unwrap_or_default();
        let elements = shape.iter().product();
        if values.len() != elements {
            return Err(WriteError::Values {
                tensor: name.to_owned(),
                elements,
                given: values.len(),
            });
        }
        Ok(floats(name, shape, &values))
    }

    /// A tensor that is an initialiser.
    fn initialiser(&mut self, name: &str, shape: &[usize]) -> Result<(), WriteError> {
        let tensor = self.floats(name, shape)?;
        self.claim(name)?;
        self.graph.initializer.push(tensor);
        Ok(())
    }

    /// A `Constant` node that makes this tensor.
    fn constant(&mut self, tensor: proto::Tensor) -> Result<(), WriteError> {
        let name = tensor.name.clone();
        let value = proto::Attribute {
            name: "value".into(),
            r#type: proto::Attribute::TENSOR_TYPE,
            t: Some(tensor),
            ..proto::Attribute::default()
        };
        self.operator("Constant", &[], &name, vec![value])
    }

    /// A node with one result, which gives the node its name.
    fn operator(
        &mut self,
        op_type: &str,
        inputs: &[&str],
        output: &str,
        attribute: Vec<proto::Attribute>,
    ) -> Result<(), WriteError> {
        self.claim(output)?;
        self.graph.node.push(proto::Node {
            input: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: output.to_owned(),
            op_type: op_type.to_owned(),
            attribute,
            domain: String::new(),
        });
        Ok(())
    }

    fn claim(&mut self, name: &str) -> Result<(), WriteError> {
        match self.names.insert(name.to_owned()) {
            true => Ok(()),
            false => Err(WriteError::Name(name.to_owned())),
        }
    }
}

fn tensor(name: &str, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> proto::Tensor {
    proto::Tensor {
        // Shapes of a graph are far below this limit.
        dims: (shape
            .iter()
            .map(|&length| i64::try_from(length).unwrap_or(i64::MAX)))
        .collect(),
        data_type,
        name: name.to_owned(),
        raw_data,
        ..proto::Tensor::default()
    }
}

fn floats(name: &str, shape: &[usize], values: &[f64]) -> proto::Tensor {
    let bytes = values
        .iter()
        .flat_map(|&value| (value as f32).to_le_bytes());
    tensor(name, shape, FLOAT, bytes.collect())
}

fn ints(name: &str, values: &[i64]) -> proto::Tensor {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    tensor(name, &[values.len()], INT64, bytes.collect())
}

/// A tensor of floats for a batch of images.
fn declared(name: &str, of_one_image: &Shape) -> proto::ValueInfo {
    let batch = proto::Dimension {
        dim_param: "batch".into(),
        ..proto::Dimension::default()
    };
    let length = |&length: &usize| proto::Dimension {
        dim_value: i64::try_from(length).ok(),
        dim_param: String::new(),
    };
    let lengths = of_one_image.dims().iter().map(length);
    let shape = proto::TensorShape {
        dim: std::iter::once(batch).chain(lengths).collect(),
    };
    proto::ValueInfo {
        name: name.to_owned(),
        r#type: Some(proto::Type {
            tensor_type: Some(proto::TensorType {
                elem_type: FLOAT,
                shape: Some(shape),
            }),
        }),
        metadata_props: Vec::new(),
    }
}
