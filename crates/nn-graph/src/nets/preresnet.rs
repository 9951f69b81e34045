//! The pre-activation residual network (He et al. 2016b).

use super::{NetConfig, Shortcut, Stem, changes_shape};
use crate::{GraphBuilder, GraphError, NodeId};

/// From the images to the last feature map.
pub(super) fn build(config: &NetConfig, net: &mut GraphBuilder) -> Result<NodeId, GraphError> {
    let mut stream = net.conv2d("stem.conv1", net.input(), config.conv3x3(config.width, 1))?;
    if config.stem == Stem::ConvNormReluConv {
        stream = config.norm_relu(net, "stem.norm", stream)?;
        stream = net.conv2d("stem.conv2", stream, config.conv3x3(config.width, 1))?;
    }
    for (index, (block, channels, stride)) in config.blocks().enumerate() {
        let changes = changes_shape(net, stream, channels, stride);
        let shortcut = match index == 0 && config.stem == Stem::ConvProjection {
            true => Some(Shortcut::Projection),
            false => changes.then_some(config.shortcut),
        };
        stream = add_block(config, net, (&block, shortcut), stream, channels, stride)?;
    }
    config.last_norm_relu(net, "norm", stream)
}

fn add_block(
    config: &NetConfig,
    net: &mut GraphBuilder,
    (block, shortcut): (&str, Option<Shortcut>),
    stream: NodeId,
    channels: usize,
    stride: usize,
) -> Result<NodeId, GraphError> {
    let active = config.norm_relu(net, &format!("{block}.norm1"), stream)?;
    let shortcut = match shortcut {
        None => stream,
        Some(Shortcut::Projection) => config.projection(net, block, active, channels, stride)?,
        Some(Shortcut::RawProjection) => config.projection(net, block, stream, channels, stride)?,
        Some(Shortcut::ZeroPad) => {
            net.zero_pad_shortcut(&format!("{block}.shortcut"), stream, stride, channels)?
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
