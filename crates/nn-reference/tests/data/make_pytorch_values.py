"""Values that nn-reference is compared with, computed by PyTorch in float64 on the CPU.

Tested with PyTorch 2.15.0. The version used is written into the data. Run as

    python make_pytorch_values.py > pytorch_values.json

The modules below are written from the definitions of He et al. (2016a, 2016b) and name their
parameters as nn-graph's builders do; nothing is shared with the Rust code.
"""

import json
import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)

RATE, MOMENTUM, DECAY, STEPS = 0.1, 0.9, 5e-4, 3
MEAN, DEVIATION = 0.5, 0.25
CLASSES, SIZE, BATCH = 5, 8, 4


class Norm(nn.Module):
    """One kind for a whole network; LayerNorm with a scale and shift per channel is GroupNorm of one group."""

    def __init__(self, channels, affine, kind):
        super().__init__()
        self.norm = {
            "batch": lambda: nn.BatchNorm2d(channels, affine=affine),
            "group": lambda: nn.GroupNorm(2, channels, affine=affine),
            "layer": lambda: nn.GroupNorm(1, channels, affine=affine),
            "instance": lambda: nn.InstanceNorm2d(channels, affine=affine),
        }[kind]()

    def forward(self, x):
        return self.norm(x)


def conv(inputs, outputs, stride=1, bias=False, kernel=3):
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=bias)


class PreBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, config):
        super().__init__()
        self.stride, self.outputs, self.inputs = stride, outputs, inputs
        self.norm1 = Norm(inputs, config["affine"], config["normaliser"])
        self.conv1 = conv(inputs, outputs, stride, config["bias"])
        self.norm2 = Norm(outputs, config["affine"], config["normaliser"])
        self.conv2 = conv(outputs, outputs, 1, config["bias"])
        if stride != 1 or inputs != outputs:
            if config["shortcut"] == "projection":
                self.shortcut = conv(inputs, outputs, stride, config["bias"], kernel=1)

    def forward(self, x):
        active = F.relu(self.norm1(x))
        shortcut = x
        if hasattr(self, "shortcut"):
            shortcut = self.shortcut(active)
        elif self.stride != 1 or self.inputs != self.outputs:
            shortcut = zero_pad(x, self.stride, self.outputs)
        return self.conv2(F.relu(self.norm2(self.conv1(active)))) + shortcut


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, config):
        super().__init__()
        self.stride, self.outputs, self.inputs = stride, outputs, inputs
        self.conv1 = conv(inputs, outputs, stride, config["bias"])
        self.norm1 = Norm(outputs, config["affine"], config["normaliser"])
        self.conv2 = conv(outputs, outputs, 1, config["bias"])
        self.norm2 = Norm(outputs, config["affine"], config["normaliser"])
        if stride != 1 or inputs != outputs:
            if config["shortcut"] == "projection":
                self.shortcut = nn.Sequential()
                self.shortcut.conv = conv(inputs, outputs, stride, config["bias"], kernel=1)
                self.shortcut.norm = Norm(outputs, config["affine"], config["normaliser"])

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        if hasattr(self, "shortcut"):
            x = self.shortcut(x)
        elif self.stride != 1 or self.inputs != self.outputs:
            x = zero_pad(x, self.stride, self.outputs)
        return F.relu(y + x)


def zero_pad(x, stride, channels):
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, channels - x.shape[1]))


class ImageNetStem(nn.Module):
    """What ResNets for large images start with (He et al. 2016a, table 1), and a classifier right behind it."""

    def __init__(self, config):
        super().__init__()
        width = config["width"]
        self.conv = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=config["bias"])
        self.norm = Norm(width, config["affine"], config["normaliser"])
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x):
        x = self.pool(F.relu(self.norm(self.conv(x))))
        return self.head(x.mean((2, 3)))


class Net(nn.Module):
    """A residual network of depth 8: one block in each stage."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        width, affine, bias = config["width"], config["affine"], config["bias"]
        kind_of_norm = config["normaliser"]
        pre = config["architecture"] == "preresnet"
        self.stem = nn.Sequential()
        self.stem.conv1 = conv(3, width, 1, bias)
        if not pre:
            self.stem.norm = Norm(width, affine, kind_of_norm)
        elif config["long_stem"]:
            self.stem.norm = Norm(width, affine, kind_of_norm)
            self.stem.conv2 = conv(width, width, 1, bias)
        kind, inputs = (PreBlock if pre else Block), width
        for stage in range(3):
            outputs, stage_module = width << stage, nn.Sequential()
            stage_module.block0 = kind(inputs, outputs, 1 if stage == 0 else 2, config)
            setattr(self, f"stage{stage + 1}", stage_module)
            inputs = outputs
        if pre:
            self.norm = Norm(inputs, affine and config["trained_head"], kind_of_norm)
        self.head = nn.Linear(inputs, CLASSES, bias=config["trained_head"])
        self.head.weight.requires_grad_(config["trained_head"])

    def forward(self, x):
        x = self.stem.conv1(x)
        if hasattr(self.stem, "norm"):
            x = F.relu(self.stem.norm(x))
        if hasattr(self.stem, "conv2"):
            x = self.stem.conv2(x)
        for stage in (self.stage1, self.stage2, self.stage3):
            x = stage(x)
        if hasattr(self, "norm"):
            x = F.relu(self.norm(x))
        return self.head(x.mean((2, 3)))


def numbers(tensor):
    """Elements in row-major order, to 11 digits: they are compared at 1e-10."""
    if not tensor.is_floating_point():
        return tensor.reshape(-1).tolist()
    return [float(f"{value:.10e}") for value in tensor.detach().reshape(-1).tolist()]


def parameter_names(net):
    """Name of each parameter, with normalisations' weight and bias called scale and shift."""
    names = {}
    for path, module in net.named_modules():
        for own, _ in module.named_parameters(recurse=False):
            if isinstance(module, (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)):
                path_without_wrapper = path.rsplit(".", 1)[0]
                names[f"{path}.{own}"] = path_without_wrapper + (".scale" if own == "weight" else ".shift")
            else:
                names[f"{path}.{own}"] = f"{path}.{own}".replace("shortcut.conv.", "shortcut.")
    return names


def running(net):
    statistics = {}
    for path, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            name = path.rsplit(".", 1)[0]
            statistics[f"{name}.running_mean"] = numbers(module.running_mean)
            statistics[f"{name}.running_variance"] = numbers(module.running_var)
    return statistics


def start(net, generator):
    """He's fan-out for convolutions; everything else away from 0 and 1. Four decimals are enough."""
    def draw(shape, centre, width):
        values = centre + width * torch.randn(shape, generator=generator)
        return (values * 1e4).round() / 1e4

    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() == 4:
                fan = parameter.shape[0] * parameter.shape[2] * parameter.shape[3]
                parameter.copy_(draw(parameter.shape, 0.0, (2 / fan) ** 0.5))
            elif parameter.dim() == 2:
                parameter.copy_(draw(parameter.shape, 0.0, parameter.shape[1] ** -0.5))
            else:
                parameter.copy_(draw(parameter.shape, 0.5, 0.25))


def case(config, seed):
    generator = torch.Generator().manual_seed(seed)
    net = ImageNetStem(config) if config["architecture"] == "imagenet_stem" else Net(config)
    start(net, generator)
    names = parameter_names(net)
    pixels = torch.randint(0, 256, (BATCH, 3, SIZE, SIZE), generator=generator)
    labels = torch.randint(0, CLASSES, (BATCH,), generator=generator)
    images = (pixels.double() / 255 - MEAN) / DEVIATION
    named = [(names[name], parameter) for name, parameter in net.named_parameters()]
    trained = [(name, parameter) for name, parameter in named if parameter.requires_grad]
    result = {
        "config": config,
        "pixels": numbers(pixels),
        "labels": numbers(labels),
        "initial": {name: numbers(parameter) for name, parameter in named},
    }
    optimiser = torch.optim.SGD(
        [parameter for _, parameter in trained], lr=RATE, momentum=MOMENTUM, weight_decay=DECAY
    )
    losses = []
    for step in range(STEPS):
        optimiser.zero_grad()
        logits = net(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        if step == 0:
            result["logits"] = numbers(logits)
            result["gradients"] = {name: numbers(parameter.grad) for name, parameter in trained}
            result["first_running"] = running(net)
        losses.append(loss.item())
        optimiser.step()
    result["losses"] = losses
    result["parameters"] = {name: numbers(parameter) for name, parameter in trained}
    result["buffers"] = {
        name: numbers(optimiser.state[parameter]["momentum_buffer"]) for name, parameter in trained
    }
    result["running"] = running(net)
    net.eval()
    with torch.no_grad():
        result["evaluation_loss"] = F.cross_entropy(net(images), labels).item()
    return result


def config(architecture, width, **choices):
    plain = {"normaliser": "batch", "affine": False, "bias": False, "long_stem": False, "trained_head": False}
    shortcut = "projection" if architecture == "preresnet" else "zero_pad"
    return {"architecture": architecture, "width": width, "shortcut": shortcut} | plain | choices


CASES = [
    config("preresnet", 2),
    config("preresnet", 2, affine=True, long_stem=True, trained_head=True),
    config("preresnet", 1, shortcut="zero_pad", affine=True),
    config("resnet", 1),
    config("resnet", 2, shortcut="projection", bias=True, affine=True, trained_head=True),
    config("preresnet", 2, normaliser="group", affine=True, long_stem=True, trained_head=True),
    config("resnet", 1, shortcut="projection", normaliser="layer", bias=True, affine=True, trained_head=True),
    config("preresnet", 1, normaliser="instance", affine=True),
    config("imagenet_stem", 4, normaliser="batch", affine=True, bias=True, trained_head=True),
    config("imagenet_stem", 4, normaliser="group", affine=True, trained_head=True),
]

if __name__ == "__main__":
    json.dump(
        {
            "pytorch": torch.__version__,
            "learning_rate": RATE,
            "momentum": MOMENTUM,
            "weight_decay": DECAY,
            "mean": MEAN,
            "deviation": DEVIATION,
            "classes": CLASSES,
            "size": SIZE,
            "cases": [case(config, seed) for seed, config in enumerate(CASES)],
        },
        sys.stdout,
        separators=(",", ":"),
    )
    print()
