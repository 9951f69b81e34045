"""What an original and its twin are trained with, and how their states relate.

A class for each pair, made of a generated schedule, with

    nets                              the networks it is tried on
    evaluated, degrees                one with running statistics, and the degrees of what they are of, if not 1
    rows                              of each step the schedule's rows, by name of their group
    original(net), twin(net)          the two optimisers
    set(original, step)               sets the original's hyperparameters of a step
    convert(original, twin, step)     sets the twin's state to that of the original before a step
    enter(twin, step)                 what a free twin needs before a step, beside its scheduler

In formulas A is of the step, A_t-1 and a of the step before, and ~ is of the twin.
"""

import itertools
import math

import torch

from nets import GROUPED_NETS, NETS, grouped, trained


#: At a momentum of 0 PyTorch leaves its buffer as it was; at this the buffer is the gradient, as in a recipe.
LEAST_MOMENTUM = 5e-324


def by_step(rows):
    """The rows of each step, by name of their group; None is the name where there are no groups."""
    steps = itertools.groupby(rows, key=lambda row: row.step)
    return [{getattr(row, "group", None): row for row in rows} for _, rows in steps]


class Pair:
    nets = tuple(NETS)
    evaluated, degrees = "conv-BatchNorm", None

    def __init__(self, schedule):
        self.schedule, self.rows = schedule, by_step(schedule.rows())

    def set(self, original, step):
        for group in original.param_groups:
            group.update(self.fields(self.rows[step][group.get("name")]))

    def convert(self, original, twin, step):
        with torch.no_grad():
            for group, other_group in zip(original.param_groups, twin.param_groups):
                name = group.get("name")
                scale = math.exp(self.rows[step][name].ln_scale)
                for parameter, other in zip(group["params"], other_group["params"]):
                    other.copy_(parameter / scale)
                    self.convert_memory(original, twin, parameter, other, step, name)

    def enter(self, twin, step):
        pass


class Sgd(Pair):
    """SGD with coupled decay; b~ = A (b - kappa theta), theta~ = theta/A."""

    def __init__(self, schedule):
        super().__init__(schedule)
        names = list(self.rows[0])
        of_groups = [self.coefficients([rows[name] for rows in self.rows]) for name in names]
        #: Of each step kappa as the step before leaves it, and as this one needs it, by name of the group.
        self.kappas = [dict(zip(names, pairs)) for pairs in zip(*of_groups)]

    def original(self, net):
        return torch.optim.SGD(trained(net), lr=1.0, momentum=0.9)

    twin = original

    @staticmethod
    def fields(row):
        momentum = max(row.momentum, LEAST_MOMENTUM)
        return {"lr": row.lr, "weight_decay": row.weight_decay, "momentum": momentum}

    @staticmethod
    def coefficients(rows):
        """kappa <- d/a, d = weight_decay - weight_decay~/A^2 + momentum * kappa, a = 1 - lr * d."""
        kappa = 0.0
        for row in rows:
            yield kappa, kappa
            decay = row.weight_decay - row.weight_decay_exp * math.exp(-2.0 * row.ln_scale) + row.momentum * kappa
            kappa = decay / (1.0 - row.lr * decay)

    def convert_memory(self, original, twin, parameter, other, step, name):
        scale, (_, kappa) = math.exp(self.rows[step][name].ln_scale), self.kappas[step][name]
        buffer = scale * (momentum_buffer(original, parameter) - kappa * parameter)
        twin.state[other]["momentum_buffer"] = buffer

    def enter(self, twin, step):
        """Shifts the buffer where kappa jumps: at TEXP's start and drops, never in an exact twin."""
        for group in twin.param_groups:
            name = group.get("name")
            before, after = self.kappas[step][name]
            if before == after:
                continue
            scale = math.exp(self.rows[step][name].ln_scale)
            with torch.no_grad():
                for parameter in group["params"]:
                    buffer = momentum_buffer(twin, parameter)
                    twin.state[parameter]["momentum_buffer"] = buffer + scale**2 * (before - after) * parameter


class TaperedSgd(Sgd):
    """The twin is TEXP."""

    @staticmethod
    def coefficients(rows):
        """kappa = weight_decay/(root - momentum), which the exact law leaves alone."""
        before = 0.0
        for row in rows:
            gap = math.expm1(row.ln_shrink) + (1.0 - row.momentum)
            kappa = row.weight_decay / gap
            # A phase's own is the same number at each of its steps.
            yield before, kappa
            before = kappa


class GroupedSgd(Sgd):
    """The same of parameter groups, each with rows and a scale of its own."""

    nets = tuple(GROUPED_NETS)
    evaluated, degrees = "grouped MLP-BatchNorm", {"4": 2.0}

    def original(self, net):
        return torch.optim.SGD(grouped(net), lr=1.0, momentum=0.9)

    twin = original


class InspectedSgd(GroupedSgd):
    """The same in the groups that `texp inspect` wrote, with the degrees that it found."""

    def __init__(self, schedule, groups, net):
        super().__init__(schedule)
        self.param_groups = groups.param_groups
        self.nets, self.evaluated, self.degrees = (net,), net, groups.DEGREES

    def original(self, net):
        return torch.optim.SGD(self.param_groups(net), lr=1.0, momentum=0.9)

    twin = original


class SgdLrInside(Sgd):
    """The twin has its rate inside the buffer; v~ = (v - c theta)/A_t-1, v = lr_t-1 b, c = 1/a - 1."""

    def twin(self, net):
        return self.schedule.SgdLrInside(trained(net))

    def convert_memory(self, original, twin, parameter, other, step, name):
        if step == 0:
            return
        row, before = self.rows[step][name], self.rows[step - 1][name]
        held = math.expm1(before.ln_scale - row.ln_scale)
        moved = before.lr * momentum_buffer(original, parameter)
        twin.buffers[other] = (moved - held * parameter) / math.exp(before.ln_scale)


class Adam(Pair):
    """AdamW, and a stock Adam; m^ = s A_t-1 m, v^ = q A_t-1^2 v, s = (1 - beta1^)/(1 - beta1), and q of beta2."""

    # On conv-GroupNorm 300 steps of AdamW make 1e-9 of a rounding at the start.
    nets = ("conv-BatchNorm", "MLP-LayerNorm")

    def original(self, net):
        return torch.optim.AdamW(trained(net))

    def twin(self, net):
        return torch.optim.Adam(trained(net))

    @staticmethod
    def fields(row):
        return {"lr": row.lr, "weight_decay": row.weight_decay, "betas": (row.beta1, row.beta2), "eps": row.eps}

    def convert_memory(self, original, twin, parameter, other, step, name):
        if step == 0:
            return
        before = self.rows[step - 1][name]
        scale = math.exp(before.ln_scale)
        first, second = (1.0 - before.beta1_exp) / (1.0 - before.beta1), (1.0 - before.beta2_exp) / (1.0 - before.beta2)
        state = original.state[parameter]
        twin.state[other]["exp_avg"] = first * scale * state["exp_avg"]
        twin.state[other]["exp_avg_sq"] = second * scale**2 * state["exp_avg_sq"]


def momentum_buffer(optimiser, parameter):
    """PyTorch has no buffer before the first step, and takes the first gradient as it is."""
    buffer = optimiser.state[parameter].get("momentum_buffer")
    return torch.zeros_like(parameter) if buffer is None else buffer


#: A further pair is an entry here.
PAIRS = {
    "SGD": Sgd,
    "SGD, tapered": TaperedSgd,
    "SGD, groups": GroupedSgd,
    "SGD, inspected": InspectedSgd,
    "SGD, rate inside": SgdLrInside,
    "Adam": Adam,
}
