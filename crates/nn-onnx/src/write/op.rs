//! The operators that a node of a graph becomes.

use nn_graph::op::{BatchNorm, Conv2d, ZeroPadShortcut};
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
                self.operator("Conv", &inputs, name, windows(conv))
            }
            Op::Linear(linear) => {
                let inputs = with(&[Some(linear.weight), linear.bias]);
                self.operator("Gemm", &inputs, name, vec![int("transB", 1)])
            }
            Op::BatchNorm(norm) => self.batch_norm(graph, node, norm, &reads),
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
        let mut inputs: Vec<String> = reads.iter().map(|&read| read.to_owned()).collect();
        // Where nothing is trained there is a constant: ONNX has no batch normalisation without scale and shift.
        for (parameter, neutral, value) in [(norm.scale, "ones", 1.0), (norm.shift, "zeros", 0.0)] {
            inputs.push(match parameter {
                Some(id) => graph.parameter(id).name.clone(),
                None => {
                    let constant = format!("{name}.{neutral}");
                    self.constant(floats(&constant, &channels, &vec![value; channels[0]]))?;
                    constant
                }
            });
        }
        for statistic in ["running_mean", "running_variance"] {
            let statistic = format!("{name}.{statistic}");
            self.initialiser(&statistic, &channels)?;
            inputs.push(statistic);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let epsilon = Attribute {
            name: "epsilon".into(),
            r#type: Attribute::FLOAT,
            f: Some(norm.epsilon as f32),
            ..Attribute::default()
        };
        self.operator("BatchNormalization", &inputs, name, vec![epsilon])
    }

    fn shortcut(
        &mut self,
        graph: &Graph,
        node: &Node,
        shortcut: &ZeroPadShortcut,
        reads: &[&str],
    ) -> Result<(), WriteError> {
        let name = &node.name;
        let stride = i64::try_from(shortcut.stride).unwrap_or(i64::MAX);
        let before: usize = (node.inputs.iter())
            .map(|&id| graph.node(id).shape.channels())
            .sum();
        let added = i64::try_from(shortcut.channels.saturating_sub(before)).unwrap_or(i64::MAX);
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

fn windows(conv: &Conv2d) -> Vec<Attribute> {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    vec![
        list("strides", vec![number(conv.stride); 2]),
        list("pads", vec![number(conv.padding); 4]),
    ]
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
