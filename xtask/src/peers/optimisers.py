"""What an original and its twin are trained with, and how their states relate.

A class for each optimiser, with

    original(parameters), twin(parameters)   the two optimisers
    set(optimiser, row)                      sets the original's hyperparameters of a step
    convert(original, twin, row)             sets the twin's state to that of the original before a step
    enter(twin, row)                         what a free twin needs before a step, beside its scheduler

where a run is (net, optimiser) and a row is the generated schedule's.
"""

import math

import torch

from nets import trained


class Sgd:
    """SGD with coupled decay; b~ = A (b - kappa theta), theta~ = theta/A."""

    def __init__(self, schedule, target):
        coefficients = {"wd-free": exact_coefficients, "tapered": tapered_coefficients}[target]
        #: For each step kappa as it is after the step before, and as the step needs it.
        self.coefficients = list(coefficients(schedule.rows()))

    @staticmethod
    def original(parameters):
        return torch.optim.SGD(parameters, lr=1.0, momentum=0.9)

    twin = original

    @staticmethod
    def set(optimiser, row):
        for group in optimiser.param_groups:
            group.update(lr=row.lr, weight_decay=row.weight_decay, momentum=row.momentum)

    def convert(self, original, twin, row):
        (net, optimiser), (twin_net, twin_optimiser) = original, twin
        scale, (_, coefficient) = math.exp(row.ln_scale), self.coefficients[row.step]
        with torch.no_grad():
            for parameter, other in zip(trained(net), trained(twin_net)):
                other.copy_(parameter / scale)
                buffer = momentum_buffer(optimiser, parameter)
                twin_optimiser.state[other]["momentum_buffer"] = scale * (buffer - coefficient * parameter)

    def enter(self, twin, row):
        """Shifts the buffer where kappa jumps: at TEXP's start and drops, never in the exact twin."""
        before, after = self.coefficients[row.step]
        if before == after:
            return
        net, optimiser = twin
        scale = math.exp(row.ln_scale)
        with torch.no_grad():
            for parameter in trained(net):
                buffer = momentum_buffer(optimiser, parameter)
                shifted = buffer + scale**2 * (before - after) * parameter
                optimiser.state[parameter]["momentum_buffer"] = shifted


def momentum_buffer(optimiser, parameter):
    """PyTorch has no buffer before the first step, and takes the first gradient as it is."""
    buffer = optimiser.state[parameter].get("momentum_buffer")
    return torch.zeros_like(parameter) if buffer is None else buffer


def exact_coefficients(rows):
    """kappa <- d/a with d = weight_decay + momentum * kappa, a = 1 - lr * d."""
    kappa = 0.0
    for row in rows:
        yield kappa, kappa
        decay = row.weight_decay + row.momentum * kappa
        kappa = decay / (1.0 - row.lr * decay)


def tapered_coefficients(rows):
    """kappa = weight_decay/(root - momentum), which the recurrence above leaves alone."""
    before = 0.0
    for row in rows:
        gap = math.expm1(row.ln_shrink) + (1.0 - row.momentum)
        kappa = row.weight_decay / gap
        # A phase's own is the same number at each of its steps.
        yield before, kappa
        before = kappa


#: A further optimiser is an entry here.
OPTIMISERS = {"sgd": Sgd}
