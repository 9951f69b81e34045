"""Values that nn-reference's optimisers are compared with, computed by PyTorch in float64 on the CPU.

Tested with PyTorch 2.15.0. The version used is written into the data. Run as

    python make_optimiser_values.py > optimiser_values.json

The networks and the form of the data are those of make_pytorch_values.py beside this file.
"""

import json
import sys

import torch
from make_pytorch_values import BATCH, CLASSES, DEVIATION, MEAN, SIZE, Net, config, numbers, parameter_names, start
from torch.nn import functional as F

STEPS = 6
NETWORK = config("preresnet", 1, shortcut="zero_pad", affine=True)


class Sgdw:
    """SGD with momentum on parameters that are shrunk first: the gradients are those before."""

    def __init__(self, parameters, lr, weight_decay, momentum):
        self.parameters, self.shrink = parameters, 1 - lr * weight_decay
        self.sgd = torch.optim.SGD(parameters, lr=lr, momentum=momentum)
        self.state = self.sgd.state

    def step(self):
        with torch.no_grad():
            for parameter in self.parameters:
                parameter.mul_(self.shrink)
        self.sgd.step()


def case(kind, hyper, seed):
    generator = torch.Generator().manual_seed(seed)
    net = Net(NETWORK)
    start(net, generator)
    names = parameter_names(net)
    pixels = torch.randint(0, 256, (BATCH, 3, SIZE, SIZE), generator=generator)
    labels = torch.randint(0, CLASSES, (BATCH,), generator=generator)
    images = (pixels.double() / 255 - MEAN) / DEVIATION
    named = [(names[name], parameter) for name, parameter in net.named_parameters()]
    trained = [(name, parameter) for name, parameter in named if parameter.requires_grad]
    result = {
        "optimiser": kind,
        "hyper": hyper,
        "pixels": numbers(pixels),
        "labels": numbers(labels),
        "initial": {name: numbers(parameter) for name, parameter in named},
    }
    parameters = [parameter for _, parameter in trained]
    if kind == "sgdw":
        optimiser, buffers = Sgdw(parameters, **hyper), {"momentum_buffer": "momentum_buffer"}
    else:
        betas = (hyper["momentum"], hyper["beta2"])
        optimiser = torch.optim.AdamW(
            parameters, lr=hyper["lr"], betas=betas, eps=hyper["epsilon"], weight_decay=hyper["weight_decay"]
        )
        buffers = {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"}
    losses = []
    for _ in range(STEPS):
        net.zero_grad()
        loss = F.cross_entropy(net(images), labels)
        loss.backward()
        losses.append(loss.item())
        optimiser.step()
    result["losses"] = losses
    result["parameters"] = {name: numbers(parameter) for name, parameter in trained}
    result["buffers"] = {
        f"{name}.{ours}": numbers(optimiser.state[parameter][theirs])
        for name, parameter in trained
        for ours, theirs in buffers.items()
    }
    return result


ADAMW = {"lr": 0.01, "weight_decay": 0.5, "momentum": 0.9, "beta2": 0.99}
CASES = [
    ("sgdw", {"lr": 0.1, "weight_decay": 0.2, "momentum": 0.9}),
    ("adamw", ADAMW | {"epsilon": 1e-8}),
    # As large as gradients, so that where it stands shows.
    ("adamw", ADAMW | {"epsilon": 0.05}),
]

if __name__ == "__main__":
    json.dump(
        {
            "pytorch": torch.__version__,
            "mean": MEAN,
            "deviation": DEVIATION,
            "classes": CLASSES,
            "size": SIZE,
            "cases": [case(kind, hyper, seed) for seed, (kind, hyper) in enumerate(CASES)],
        },
        sys.stdout,
        separators=(",", ":"),
    )
    print()
