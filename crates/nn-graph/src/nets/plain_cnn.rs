//! The plain convolutional network (He et al. 2016a, §4.2): the layers of a residual network, and no shortcut.

use super::NetConfig;
use crate::{GraphBuilder, GraphError, NodeId};

/// From the images to the last feature map.
pub(super) fn build(config: &NetConfig, net: &mut GraphBuilder) -> Result<NodeId, GraphError> {
    let mut x = net.conv2d("stem.conv1", net.input(), config.conv3x3(config.width, 1))?;
    // The normalisation of a convolution is added when it is known whether another one follows.
    let mut norm = "stem.norm".to_owned();
    for (block, channels, stride) in config.blocks() {
        for (layer, stride) in [(1, stride), (2, 1)] {
            let active = config.norm_relu(net, &norm, x)?;
            let name = format!("{block}.conv{layer}");
            x = net.conv2d(&name, active, config.conv3x3(channels, stride))?;
            norm = format!("{block}.norm{layer}");
        }
    }
    config.last_norm_relu(net, &norm, x)
}
