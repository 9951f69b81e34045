//! Fully connected layer.

use crate::{GraphError, Parameter, ParameterId, Shape};

/// `y[o] = b[o] + Σ_i w[o, i] · x[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: ParameterId,
    /// `[out]`.
    pub bias: Option<ParameterId>,
}

pub(super) fn output_shape(
    linear: &Linear,
    node: &str,
    input: &Shape,
    parameters: &[Parameter],
) -> Result<Shape, GraphError> {
    let weight = &parameters[linear.weight.index()].shape;
    match (&weight[..], input.dims()) {
        (&[out, fan], &[features]) if fan == features => Ok(Shape::new([out])),
        _ => Err(GraphError::InputShape {
            node: node.to_owned(),
            op: "linear",
            shape: input.clone(),
            needs: format!(
                "[features] with the {} features of its weight",
                weight.last().unwrap_or(&0)
            ),
        }),
    }
}
