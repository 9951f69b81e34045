//! The operators that a node of a graph becomes.

use nn_graph::op::{BatchNorm, GroupNorm, ZeroPadShortcut};
use nn_graph::{Graph, Node, Op, ParameterId};

use crate::proto::Attribute;

use super::{File, WriteError, floats, ints};

impl<V: Fn(&str) -> Option<Vec<f64>>> File<V> {
    pub(super) fn node(&mut self, graph: &Graph, node: &Node) -> Result<(), WriteError> {
        let reads: Vec<&str> = (node.inputs.iter())
            .map(|&id| graph.node(id).name.as_str())
            .collect();
        let name = node.name.as_str();
        let with = |parameters: &[Option<ParameterId>]| {
            let parameters = parameters.iter().flatten();
            let names = parameters.map(|&id| graph.parameter(id).name.as_str());
            reads.iter().copied().chain(names).collect::<Vec<&str>>()
        };
        match &node.op {
            Op::Input => Ok(()),
            Op::Conv2d(conv) => {
                let inputs = with(&[Some(conv.weight), conv.bias]);
                self.operator("Conv", &inputs, name, windows(conv.stride, conv.padding))
            }
            Op::Linear(linear) => {
                let inputs = with(&[Some(linear.weight), linear.bias]);
                self.operator("Gemm", &inputs, name, vec![int("transB", 1)])
            }
            Op::BatchNorm(norm) => self.batch_norm(graph, node, norm, &reads),
            Op::GroupNorm(norm) => self.group_norm(graph, node, norm, &reads),
            Op::MaxPool(pool) => {
                let mut attributes = windows(pool.stride, pool.padding);
                attributes.push(list("kernel_shape", vec![number(pool.kernel); 2]));
                self.operator("MaxPool", &reads, name, attributes)
            }
            Op::Relu => self.operator("Relu", &reads, name, vec![]),
            Op::Add => self.operator("Add", &reads, name, vec![]),
            Op::GlobalAveragePool => {
                let pooled = format!("{name}.image");
                self.operator("GlobalAveragePool", &reads, &pooled, vec![])?;
                self.operator("Flatten", &[&pooled], name, vec![int("axis", 1)])
            }
            Op::ZeroPadShortcut(shortcut) => self.shortcut(graph, node, shortcut, &reads),
            op => Err(WriteError::Operation {
                node: name.to_owned(),
                op: op.name(),
            }),
        }
    }

    fn batch_norm(
        &mut self,
        graph: &Graph,
        node: &Node,
        norm: &BatchNorm,
        reads: &[&str],
    ) -> Result<(), WriteError> {
        let name = &node.name;
        let channels = [node.shape.channels()];
        let [scale, shift] = self.affine(graph, node, norm.scale, norm.shift)?;
        let statistics = ["mean", "variance"].map(|of| format!("{name}.running_{of}"));
        for statistic in &statistics {
            self.initialiser(statistic, &channels)?;
        }
        let [mean, variance] = &statistics;
        let inputs = [reads, &[&scale, &shift, mean, variance]].concat();
        self.operator(
            "BatchNormalization",
            &inputs,
            name,
            vec![epsilon(norm.epsilon)],
        )
    }

    fn group_norm(
        &mut self,
        graph: &Graph,
        node: &Node,
        norm: &GroupNorm,
        reads: &[&str],
    ) -> Result<(), WriteError> {
        let [scale, shift] = self.affine(graph, node, norm.scale, norm.shift)?;
        let inputs = [reads, &[&scale, &shift]].concat();
        let groups = int("num_groups", number(norm.groups));
        let attributes = vec![groups, epsilon(norm.epsilon)];
        self.operator("GroupNormalization", &inputs, &node.name, attributes)
    }

    /// Names of a normalisation's scale and shift. Where nothing is trained there is a constant: ONNX has no normalisation
    /// without.
    fn affine(
        &mut self,
        graph: &Graph,
        node: &Node,
        scale: Option<ParameterId>,
        shift: Option<ParameterId>,
    ) -> Result<[String; 2], WriteError> {
        let channels = node.shape.channels();
        let mut named = |parameter: Option<ParameterId>, what: &str, value: f64| {
            if let Some(id) = parameter {
                return Ok(graph.parameter(id).name.clone());
            }
            let constant = format!("{}.{what}", node.name);
            let tensor = floats(&constant, &[channels], &vec![value; channels]);
            self.constant(tensor).map(|()| constant)
        };
        Ok([named(scale, "ones", 1.0)?, named(shift, "zeros", 0.0)?])
    }

    fn shortcut(
        &mut self,
        graph: &Graph,
        node: &Node,
        shortcut: &ZeroPadShortcut,
        reads: &[&str],
    ) -> Result<(), WriteError> {
        let name = &node.name;
        let stride = number(shortcut.stride);
        let before: usize = (node.inputs.iter())
            .map(|&id| graph.node(id).shape.channels())
            .sum();
        let added = number(shortcut.channels.saturating_sub(before));
        let mut list = |what: &str, values: &[i64]| {
            let list = format!("{name}.{what}");
            self.constant(ints(&list, values)).map(|()| list)
        };
        let starts = list("starts", &[0, 0])?;
        let ends = list("ends", &[i64::MAX, i64::MAX])?;
        let axes = list("axes", &[2, 3])?;
        let steps = list("steps", &[stride, stride])?;
        let pads = list("pads", &[0, 0, 0, 0, 0, added, 0, 0])?;
        let sliced = format!("{name}.sliced");
        let inputs = [reads, &[&starts, &ends, &axes, &steps]].concat();
        self.operator("Slice", &inputs, &sliced, vec![])?;
        self.operator("Pad", &[&sliced, &pads], name, vec![])
    }
}

/// How the windows of a convolution or a pooling lie.
fn windows(stride: usize, padding: usize) -> Vec<Attribute> {
    vec![
        list("strides", vec![number(stride); 2]),
        list("pads", vec![number(padding); 4]),
    ]
}

/// Sizes of a graph are far below this limit.
fn number(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn epsilon(epsilon: f64) -> Attribute {
    Attribute {
        name: "epsilon".into(),
        r#type: Attribute::FLOAT,
        f: Some(epsilon as f32),
        ..Attribute::default()
    }
}

fn int(name: &str, value: i64) -> Attribute {
    Attribute {
        name: name.into(),
        r#type: Attribute::INT,
        i: Some(value),
        ..Attribute::default()
    }
}

fn list(name: &str, values: Vec<i64>) -> Attribute {
    Attribute {
        name: name.into(),
        r#type: Attribute::INTS,
        ints: values,
        ..Attribute::default()
    }
}
