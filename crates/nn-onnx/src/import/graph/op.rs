//! The operators that engines have.

use nn_graph::op::MaxPool;
use nn_graph::{Affine, Bias, ConvSpec, NodeId, Training};

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::element::makes_floats;
use crate::import::layer::NotKnown;
use crate::import::op::drops_nothing;

use super::{Building, Step, Value, Weight};

impl<'a> Building<'a> {
    pub(super) fn value(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let default_domain = matches!(step.node.domain.as_str(), "" | "ai.onnx");
        match step.node.operator.as_str() {
            _ if !default_domain => Err(step.refused("engines do not have this operator")),
            "Conv" => self.conv(step),
            "BatchNormalization" => self.batch_norm(step),
            "GroupNormalization" | "InstanceNormalization" => self.group_norm(step),
            "MaxPool" => self.max_pool(step),
            "Gemm" => self.gemm(step),
            "MatMul" => self.matmul(step),
            "Transpose" => self.transpose(step),
            "Add" => self.add(step),
            "Relu" => {
                let x = self.image(step, 0)?;
                let name = self.name(None, step.node);
                Ok(Value::Node(self.net.relu(&name, x)?))
            }
            "GlobalAveragePool" | "ReduceMean" | "AveragePool" => self.mean(step),
            "Flatten" | "Reshape" | "Squeeze" => self.flatten(step),
            "Slice" => self.slice(step),
            "Pad" => self.pad(step),
            "Dropout" if !drops_nothing(&step.layer) => {
                Err(step.refused("engines drop nothing; export it with a ratio of 0"))
            }
            "Cast" if !makes_floats(step.node, &step.layer.inputs) => {
                Err(step.refused("engines compute with floats"))
            }
            "Identity" | "Dropout" | "Cast" => self.image(step, 0).map(Value::Node),
            _ => Err(step.refused("engines do not have this operator")),
        }
    }

    fn conv(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let x = self.image(step, 0)?;
        let (weight, operand) = step.trained(1, "its weight")?;
        let dims = operand.shape.unwrap_or_default();
        let sizes: Option<Vec<usize>> = dims.iter().map(Dim::extent).collect();
        let Some(&[channels, _, kernel, width]) = sizes.as_deref() else {
            return Err(step.refused("engines convolve images, with weights [out, in, k, k]"));
        };
        let stride = step.square("strides", 1)?;
        let padding = step.square("pads", 0)?;
        let others = (
            step.layer.int("group", 1),
            step.square("dilations", 1)?,
            step.layer.text("auto_pad").unwrap_or("NOTSET"),
        );
        if others != (1, 1, "NOTSET") || kernel != width {
            return Err(step.refused(
                "engines convolve with square kernels, without groups, dilation or automatic padding",
            ));
        }
        let bias = self.bias(step, 2)?;
        let name = self.name(Some(weight), step.node);
        self.record(weight, false)?;
        if let Some(bias) = bias {
            self.record(bias, false)?;
        }
        let spec = ConvSpec {
            channels,
            kernel,
            stride,
            padding,
            bias: bias.map_or(Bias::None, |_| Bias::Trained),
        };
        Ok(Value::Node(self.net.conv2d(&name, x, spec)?))
    }

    /// The name of a trained bias.
    fn bias(&self, step: &Step<'a, '_>, place: usize) -> Result<Option<&'a str>, Problem> {
        match step.layer.optional(place) {
            None => Ok(None),
            Some(operand) if operand.uniform() == Some(0.0) => Ok(None),
            Some(_) => Ok(Some(step.trained(place, "its bias")?.0)),
        }
    }

    fn batch_norm(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let x = self.image(step, 0)?;
        let (name, affine, epsilon) = self.normalisation(step)?;
        let id = self.net.batch_norm(&name, x, affine, epsilon)?;
        Ok(Value::Node(id))
    }

    fn group_norm(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let x = self.image(step, 0)?;
        let of_each_channel = step.node.operator == "InstanceNormalization";
        let groups = match of_each_channel {
            true => self.channels(x),
            false => usize::try_from(step.layer.int("num_groups", 0)).unwrap_or(0),
        };
        if !of_each_channel && step.layer.opset < 21 {
            return Err(step.refused(
                "engines scale each channel, and this operator each group before version 21: export it again with that one",
            ));
        }
        let (name, affine, epsilon) = self.normalisation(step)?;
        let id = self.net.group_norm(&name, x, groups, affine, epsilon)?;
        Ok(Value::Node(id))
    }

    /// Name, parameters and `ε` of a normalisation, the parameters recorded.
    fn normalisation(&mut self, step: &Step<'a, '_>) -> Result<(String, Affine, f64), Problem> {
        let (scale, shift) = (step.layer.input(1)?, step.layer.input(2)?);
        let affine = match (scale.uniform(), shift.uniform()) {
            (None, None) => Affine::ScaleAndShift,
            (Some(1.0), Some(0.0)) => Affine::None,
            _ => {
                return Err(step.refused(
                    "engines train both scale and shift, or have neither: ones and zeros that are no parameters",
                ));
            }
        };
        let weight = step.node.inputs.get(1).map(String::as_str);
        let name = self.name(weight, step.node);
        if affine == Affine::ScaleAndShift {
            self.record(step.trained(1, "its scale")?.0, false)?;
            self.record(step.trained(2, "its shift")?.0, false)?;
        }
        Ok((name, affine, f64::from(step.layer.float("epsilon", 1e-5))))
    }

    fn max_pool(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let x = self.image(step, 0)?;
        let others = (
            step.square("dilations", 1)?,
            step.layer.int("ceil_mode", 0),
            step.layer.text("auto_pad").unwrap_or("NOTSET"),
            step.node
                .outputs
                .iter()
                .filter(|name| !name.is_empty())
                .count(),
        );
        if others != (1, 0, "NOTSET", 1) {
            return Err(step.refused(
                "engines take maxima without dilation, automatic padding or incomplete windows, and not their places",
            ));
        }
        let pool = MaxPool {
            kernel: step.square("kernel_shape", 1)?,
            stride: step.square("strides", 1)?,
            padding: step.square("pads", 0)?,
        };
        let name = self.name(None, step.node);
        Ok(Value::Node(self.net.max_pool(&name, x, pool)?))
    }

    fn gemm(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let x = self.image(step, 0)?;
        let plain = (
            step.layer.float("alpha", 1.0),
            step.layer.float("beta", 1.0),
            step.layer.int("transA", 0),
        );
        if plain != (1.0, 1.0, 0) {
            return Err(step.refused("engines multiply without factors"));
        }
        let weight = self.weight(step, 1, step.layer.int("transB", 0) == 0)?;
        let bias = match step.layer.optional(2) {
            None => None,
            Some(operand) if operand.uniform() == Some(0.0) => None,
            Some(operand) if operand.is_constant() == weight.trained => {
                return Err(step
                    .refused("engines train weight and bias of a linear layer both, or neither"));
            }
            Some(operand) if !operand.is_list_of(weight.features) => {
                return Err(step.refused("engines add one number to each feature, not one to all"));
            }
            Some(_) => Some(step.node.inputs[2].as_str()),
        };
        self.linear(step.node, x, weight, bias).map(Value::Node)
    }

    fn matmul(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let x = self.image(step, 0)?;
        let weight = self.weight(step, 1, true)?;
        let result = step.node.outputs.first().map_or("", String::as_str);
        if self.readers.get(result) == Some(&1) {
            let node = step.node;
            return Ok(Value::Product { node, x, weight });
        }
        self.linear(step.node, x, weight, None).map(Value::Node)
    }

    /// The weight of a linear layer; `transposed` if the operator takes `[in, out]`.
    fn weight(
        &self,
        step: &Step<'a, '_>,
        place: usize,
        transposed: bool,
    ) -> Result<Weight<'a>, Problem> {
        let operand = step.layer.input(place)?;
        let mut weight = Weight {
            name: &step.node.inputs[place],
            transposed,
            features: 0,
            trained: !operand.is_constant(),
        };
        match self.values.get(weight.name) {
            None => {}
            Some(Value::Transposed(name)) => {
                (weight.name, weight.transposed) = (name, !transposed);
            }
            Some(_) => return Err(step.refused("engines multiply with weights, not with results")),
        }
        let dims = operand.shape.unwrap_or_default();
        let (out, rank) = (dims.get(usize::from(transposed)), dims.len());
        match (out.and_then(Dim::extent), rank) {
            (Some(features), 2) => Ok(Weight { features, ..weight }),
            _ => Err(step.refused("engines multiply with a matrix of a known size")),
        }
    }

    pub(super) fn linear(
        &mut self,
        node: &'a crate::model::Node,
        x: NodeId,
        weight: Weight<'a>,
        bias: Option<&'a str>,
    ) -> Result<NodeId, Problem> {
        let name = self.name(Some(weight.name), node);
        self.record(weight.name, weight.transposed)?;
        if let Some(bias) = bias {
            self.record(bias, false)?;
        }
        let bias = bias.map_or(Bias::None, |_| Bias::Trained);
        let training = match weight.trained {
            true => Training::Trained,
            false => Training::Fixed,
        };
        Ok(self.net.linear(&name, x, weight.features, bias, training)?)
    }

    /// A matrix with its two axes exchanged, before a product.
    fn transpose(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let operand = step.layer.input(0)?;
        let name = step.node.inputs[0].as_str();
        let stored = !self.values.contains_key(name) && operand.rank() == Some(2);
        match (stored, step.layer.ints("perm")) {
            (true, None | Some([1, 0])) => Ok(Value::Transposed(name)),
            _ => Err(step.refused("engines exchange the axes of nothing but a weight")),
        }
    }

    fn add(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        for (product, bias) in [(0, 1), (1, 0)] {
            let name = step.node.inputs.get(product).map_or("", String::as_str);
            let Some(Value::Product { node, x, weight }) = self.values.get(name).cloned() else {
                continue;
            };
            let operand = step.layer.input(bias)?;
            let name = step.node.inputs[bias].as_str();
            let is_bias = operand.is_list_of(weight.features) && !self.values.contains_key(name);
            if is_bias && operand.is_constant() != weight.trained {
                return self.linear(node, x, weight, Some(name)).map(Value::Node);
            }
        }
        let (a, b) = (self.image(step, 0)?, self.image(step, 1)?);
        let name = self.name(None, step.node);
        Ok(Value::Node(self.net.add(&name, a, b)?))
    }

    /// The mean over all positions, in the forms in which exporters write it.
    fn mean(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let x = self.image(step, 0)?;
        let dims = step.layer.input(0)?.shape.unwrap_or_default();
        let whole = match step.node.operator.as_str() {
            "GlobalAveragePool" => true,
            "ReduceMean" => {
                let axes = step.layer.list("axes", 1, 18);
                let axes = axes.ok().flatten().unwrap_or_default();
                let mut axes = step.layer.axes(&axes, dims.len())?;
                axes.sort_unstable();
                axes == [2, 3]
            }
            _ => {
                let kernel = step.layer.ints("kernel_shape").unwrap_or_default();
                let image: Option<Vec<i64>> = dims.iter().skip(2).map(Dim::number).collect();
                image.as_deref() == Some(kernel) && step.square("pads", 0)? == 0
            }
        };
        if !whole {
            return Err(step.refused("engines take the mean of an image over all positions"));
        }
        let name = self.name(None, step.node);
        Ok(Value::Node(self.net.global_average_pool(&name, x)?))
    }

    /// Of what has no positions any more.
    fn flatten(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let x = self.image(step, 0)?;
        let operand = self.importer.tensors.get(step.node.outputs[0].as_str());
        let rank = operand.and_then(|operand| operand.rank());
        let is_vector = self
            .net
            .shape(x)
            .is_some_and(|shape| shape.dims().len() == 1);
        match (is_vector, rank) {
            (true, Some(2)) => Ok(Value::Node(x)),
            _ => Err(step.refused("engines flatten only what a mean over positions has made")),
        }
    }

    /// Every `s`-th position, of both axes at once or of one after the other.
    fn slice(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let refused =
            || step.refused("engines slice only every s-th position of images, from the first");
        let lists = || -> Result<_, NotKnown> {
            let list = |name, place| step.layer.list(name, place, 10);
            Ok((
                list("starts", 1)?,
                list("ends", 2)?,
                list("axes", 3)?,
                list("steps", 4)?,
            ))
        };
        let (Some(starts), Some(ends), Some(axes), Some(steps)) =
            lists().map_err(|NotKnown| refused())?
        else {
            return Err(refused());
        };
        let dims = step.layer.input(0)?.shape.unwrap_or_default();
        let axes = step.layer.axes(&axes, dims.len())?;
        let to_the_end = axes.iter().zip(&ends).all(|(&axis, &end)| {
            let length = dims.get(axis).and_then(Dim::number);
            length.is_some_and(|length| end >= length)
        });
        let name = step.node.inputs[0].as_str();
        let (x, sliced) = match self.values.get(name) {
            Some(&Value::Sliced { x, axis, step }) => (x, Some((axis, step))),
            _ => (self.image(step, 0)?, None),
        };
        let one = steps.first().and_then(|&step| usize::try_from(step).ok());
        let Some(stride) = one.filter(|&stride| {
            let alike = steps.iter().all(|step| Some(step) == steps.first());
            stride > 0 && alike && to_the_end && starts.iter().all(|&start| start == 0)
        }) else {
            return Err(refused());
        };
        match (&axes[..], sliced) {
            ([2, 3] | [3, 2], None) => {}
            ([3], Some((2, other))) | ([2], Some((3, other))) if other == stride => {}
            (&[axis @ (2 | 3)], None) => {
                return Ok(Value::Sliced {
                    x,
                    axis,
                    step: stride,
                });
            }
            _ => return Err(refused()),
        }
        let channels = self.channels(x);
        let name = self.name(None, step.node);
        let id = self.net.zero_pad_shortcut(&name, x, stride, channels)?;
        Ok(Value::Node(id))
    }

    /// Channels of zeros after those that are there.
    fn pad(&mut self, step: &Step<'a, '_>) -> Result<Value<'a>, Problem> {
        let x = self.image(step, 0)?;
        let refused = || step.refused("engines pad images only with channels of zeros at the end");
        let zero = match step.layer.optional(2) {
            Some(value) => value.uniform() == Some(0.0),
            None => step.layer.float("value", 0.0) == 0.0,
        };
        let constant = step
            .layer
            .text("mode")
            .is_none_or(|mode| mode == "constant");
        let pads = step.layer.list("pads", 1, 11);
        let added = match pads.map_err(|NotKnown| refused())?.as_deref() {
            Some(&[0, 0, 0, 0, 0, after, 0, 0]) if zero && constant => usize::try_from(after).ok(),
            _ => None,
        };
        let channels = added.and_then(|added| added.checked_add(self.channels(x)));
        let (Some(channels), None) = (channels, step.layer.optional(3)) else {
            return Err(refused());
        };
        let name = self.name(None, step.node);
        Ok(Value::Node(
            self.net.zero_pad_shortcut(&name, x, 1, channels)?,
        ))
    }

    fn channels(&self, x: NodeId) -> usize {
        self.net.shape(x).map_or(0, nn_graph::Shape::channels)
    }
}
