//! A fully connected network: linear layers with a normalisation and ReLU behind each.
//!
//! Normalisations are of images, so features are images of one position each, and a linear layer is a convolution whose
//! kernel is as large as what it reads. So is its start: He initialisation counts what a value is read by (fan-out), which of a
//! convolution is all positions of its kernel. The first layer's weights begin smaller than a linear layer's would, at a higher
//! effective rate, which a scale-invariant network forgets.

use super::{NetConfig, Normaliser};
use crate::{ConvSpec, GraphBuilder, GraphError, NodeId};

/// From the images to the last features.
pub(super) fn build(config: &NetConfig, net: &mut GraphBuilder) -> Result<NodeId, GraphError> {
    check(config)?;
    let linear = |kernel| ConvSpec {
        channels: config.width,
        kernel,
        stride: 1,
        padding: 0,
        bias: config.bias,
    };
    let [_, side, _] = config.input;
    let mut x = net.conv2d("layer1.linear", net.input(), linear(side))?;
    let hidden = config.depth - 1;
    for layer in 1..hidden {
        let active = config.norm_relu(net, &format!("layer{layer}.norm"), x)?;
        x = net.conv2d(&format!("layer{}.linear", layer + 1), active, linear(1))?;
    }
    config.last_norm_relu(net, &format!("layer{hidden}.norm"), x)
}

fn check(config: &NetConfig) -> Result<(), GraphError> {
    let [_, height, width] = config.input;
    if height != width {
        return Err(GraphError::Contradiction(format!(
            "a fully connected network reads square images, and these are {height}×{width}"
        )));
    }
    let of_one_number = match config.normaliser {
        Normaliser::Batch | Normaliser::Layer => {
            config.width == 1 && config.normaliser != Normaliser::Batch
        }
        Normaliser::Group { groups } => groups == config.width,
        Normaliser::Instance => true,
    };
    match of_one_number {
        false => Ok(()),
        true => Err(GraphError::Contradiction(
            "a normalisation of single features leaves nothing of a fully connected network; normalise over the batch, over \
             all features, or over groups of several"
                .into(),
        )),
    }
}
