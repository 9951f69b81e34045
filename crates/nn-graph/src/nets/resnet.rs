//! The original residual network for CIFAR (He et al. 2016a, §4.2).

use super::{NetConfig, Shortcut, changes_shape};
use crate::{GraphBuilder, GraphError, NodeId};

/// From the images to the last feature map.
pub(super) fn build(config: &NetConfig, net: &mut GraphBuilder) -> Result<NodeId, GraphError> {
    let x = net.conv2d("stem.conv1", net.input(), config.conv3x3(config.width, 1))?;
    let mut stream = config.norm_relu(net, "stem.norm", x)?;
    for (block, channels, stride) in config.blocks() {
        stream = add_block(config, net, &block, stream, channels, stride)?;
    }
    Ok(stream)
}

fn add_block(
    config: &NetConfig,
    net: &mut GraphBuilder,
    block: &str,
    stream: NodeId,
    channels: usize,
    stride: usize,
) -> Result<NodeId, GraphError> {
    let x = net.conv2d(
        &format!("{block}.conv1"),
        stream,
        config.conv3x3(channels, stride),
    )?;
    let x = config.norm_relu(net, &format!("{block}.norm1"), x)?;
    let x = net.conv2d(&format!("{block}.conv2"), x, config.conv3x3(channels, 1))?;
    let x = config.norm(net, &format!("{block}.norm2"), x, config.affine)?;
    let shortcut = if !changes_shape(net, stream, channels, stride) {
        stream
    } else {
        match config.shortcut {
            Shortcut::Projection => {
                let projected = config.projection(net, block, stream, channels, stride)?;
                let name = format!("{block}.shortcut.norm");
                config.norm(net, &name, projected, config.affine)?
            }
            Shortcut::RawProjection => config.projection(net, block, stream, channels, stride)?,
            Shortcut::ZeroPad => {
                net.zero_pad_shortcut(&format!("{block}.shortcut"), stream, stride, channels)?
            }
        }
    };
    let sum = net.add(&format!("{block}.add"), x, shortcut)?;
    net.relu(&format!("{block}.relu"), sum)
}
