"""The PreResNet of `nn-graph`, with its names: of any depth 6n + 2, with batch or group normalisation."""

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    def __init__(self, channels_in, channels, stride, norm):
        super().__init__()
        self.norm1 = norm(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm2 = norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.shortcut = None
        if channels_in != channels:
            self.shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False)

    def forward(self, x):
        active = functional.relu(self.norm1(x))
        stream = x if self.shortcut is None else self.shortcut(active)
        x = self.conv1(active)
        return self.conv2(functional.relu(self.norm2(x))) + stream


class PreResNet(nn.Module):
    """`groups` of the normalisations: 0 for batch normalisation, "channels" for one a channel."""

    def __init__(self, depth=32, width=16, groups=0, epsilon=1e-5, classes=10):
        super().__init__()

        def norm(channels):
            if groups == 0:
                return nn.BatchNorm2d(channels, eps=epsilon)
            return nn.GroupNorm(channels if groups == "channels" else groups, channels, eps=epsilon)

        self.stem = nn.ModuleDict({"conv1": nn.Conv2d(3, width, 3, 1, 1, bias=False)})
        channels_in, stages = width, []
        for stage in range(3):
            channels, blocks = width << stage, nn.ModuleDict()
            for block in range((depth - 2) // 6):
                stride = 2 if stage > 0 and block == 0 else 1
                blocks[f"block{block}"] = Block(channels_in, channels, stride, norm)
                channels_in = channels
            stages.append(blocks)
        self.stage1, self.stage2, self.stage3 = stages
        self.norm = norm(channels_in)
        self.head = nn.Linear(channels_in, classes)

    def forward(self, x):
        x = self.stem["conv1"](x)
        for stage in (self.stage1, self.stage2, self.stage3):
            for block in stage.values():
                x = block(x)
        return self.head(functional.relu(self.norm(x)).mean((2, 3)))


def torch_name(name):
    """PyTorch's name of a tensor of a state, without the suffix of a momentum buffer."""
    for ours, theirs in ((".scale", ".weight"), (".shift", ".bias"), (".running_variance", ".running_var")):
        if name.endswith(ours):
            return name[: -len(ours)] + theirs
    return name
