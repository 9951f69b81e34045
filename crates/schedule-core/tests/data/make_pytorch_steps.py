"""Steps of PyTorch's optimisers in float64, with which schedule-core's are compared.

Tested with PyTorch 2.15.0. The version used is written into the data. Run as

    python make_pytorch_steps.py > pytorch_steps.json

or let `cargo xtask peers` compare what is stored with the PyTorch it installs. Gradients are given, every
hyperparameter changes at every step, and there are no more digits of chance than a formula needs.
"""

import json
import math

import torch

STEPS = 8
INITIAL = [1.0, -0.5, 0.25, 2.0]


def gradient(step):
    return [math.sin(1.0 + 3.0 * step + 2.0 * k) for k in range(len(INITIAL))]


def sgd_fields(step):
    return {
        "lr": 0.1 + 0.02 * step,
        "weight_decay": 0.01 * (1 + step % 3),
        "momentum": 0.9 - 0.05 * (step % 4),
    }


def adamw_fields(step):
    return {
        "lr": 0.01 + 0.002 * step,
        "weight_decay": 0.1 * (1 + step % 3),
        "betas": (0.9 - 0.05 * (step % 4), 0.99 - 0.01 * (step % 3)),
        "eps": 1e-3 * (1 + step % 2),
    }


#: Each optimiser, the fields of its steps, and the names in its state that are recorded.
OPTIMISERS = {
    "sgd": (lambda p: torch.optim.SGD(p, momentum=0.9), sgd_fields, ["momentum_buffer"]),
    "nesterov": (
        lambda p: torch.optim.SGD(p, momentum=0.9, nesterov=True),
        sgd_fields,
        ["momentum_buffer"],
    ),
    "adamw": (torch.optim.AdamW, adamw_fields, ["exp_avg", "exp_avg_sq"]),
}


def steps(name, rate_factor=1.0):
    """Each step's hyperparameters and gradient, and the state after it."""
    make, fields, memories = OPTIMISERS[name]
    parameter = torch.nn.Parameter(torch.tensor(INITIAL, dtype=torch.float64))
    optimiser = make([parameter])
    for step in range(STEPS):
        used = fields(step)
        optimiser.param_groups[0].update(used, lr=used["lr"] * rate_factor)
        parameter.grad = torch.tensor(gradient(step), dtype=torch.float64)
        optimiser.step()
        state = {memory: optimiser.state[parameter][memory].tolist() for memory in memories}
        yield {**used, "gradient": gradient(step), "parameters": parameter.tolist(), **state}


def data(rate_factor=1.0):
    torch.set_default_dtype(torch.float64)
    return {
        "pytorch": torch.__version__,
        "initial": INITIAL,
        "optimisers": {name: list(steps(name, rate_factor)) for name in OPTIMISERS},
    }


if __name__ == "__main__":
    print(json.dumps(data(), indent=1))
