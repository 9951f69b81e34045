//! The pre-activation residual network (He et al. 2016b).

use super::{NetConfig, Shortcut, Stem, changes_shape};
use crate::{Affine, GraphBuilder, GraphError, NodeId, Training};

/// From the images to the last feature map.
pub(super) fn build(config: &NetConfig, net: &mut GraphBuilder) -> Result<NodeId, GraphError> {
    let mut stream = net.conv2d("stem.conv1", net.input(), config.conv3x3(config.width, 1))?;
    if config.stem == Stem::ConvNormReluConv {
        stream = config.norm_relu(net, "stem.norm", stream)?;
        stream = net.conv2d("stem.conv2", stream, config.conv3x3(config.width, 1))?;
    }
    for (block, channels, stride) in config.blocks() {
        stream = add_block(config, net, &block, stream, channels, stride)?;
    }
    let affine = match config.head {
        Training::Fixed => Affine::None,
        Training::Trained => config.affine,
    };
    let normalised = config.norm(net, "norm", stream, affine)?;
    net.relu("norm.relu", normalised)
}

fn add_block(
    config: &NetConfig,
    net: &mut GraphBuilder,
    block: &str,
    stream: NodeId,
    channels: usize,
    stride: usize,
) -> Result<NodeId, GraphError> {
    let active = config.norm_relu(net, &format!("{block}.norm1"), stream)?;
    let shortcut = if !changes_shape(net, stream, channels, stride) {
        stream
    } else {
        match config.shortcut {
            Shortcut::Projection => config.projection(net, block, active, channels, stride)?,
            Shortcut::ZeroPad => {
                net.zero_pad_shortcut(&format!("{block}.shortcut"), stream, stride, channels)?
            }
        }
    };
    let x = net.conv2d(
        &format!("{block}.conv1"),
        active,
        config.conv3x3(channels, stride),
    )?;
    let x = config.norm_relu(net, &format!("{block}.norm2"), x)?;
    let x = net.conv2d(&format!("{block}.conv2"), x, config.conv3x3(channels, 1))?;
    net.add(&format!("{block}.add"), x, shortcut)
}
