"""Trains a network with weight decay and its twin without, side by side."""

import math

import torch
from torch.nn import functional as F

from nets import Y, batch, function, made, trained


class Twins:
    """The two runs, each a network and an optimiser.

    `rate_factor` other than 1 spoils the twin's learning rate, for the checks' own check.
    """

    def __init__(self, net, pair, rate_factor=1.0):
        self.pair, self.rate_factor = pair, rate_factor
        net, other = made(net), made(net)
        self.original = net, pair.original(net)
        self.twin = other, pair.twin(other)
        self.scheduler = pair.schedule.Scheduler(self.twin[1])

    def step(self, step):
        """One step of each."""
        self.pair.set(self.original[1], step)
        for group in self.twin[1].param_groups:
            group["lr"] *= self.rate_factor
        for net, optimiser in (self.original, self.twin):
            images, labels = batch(step)
            optimiser.zero_grad()
            F.cross_entropy(net(images), labels).backward()
            optimiser.step()
        self.scheduler.step()


def relative(one, other):
    """The largest difference, of the largest value; NaN where there is one."""
    return ((one - other).abs().max() / one.abs().max()).item()


def differ(original, twin):
    """The relative differences of the losses and of the functions, on all images."""
    functions = [function(net) for net in (original, twin)]
    losses = [F.cross_entropy(values, Y) for values in functions]
    return relative(*losses), relative(*functions)


def worst(values):
    """The largest, or NaN if one is."""
    values = list(values)
    return math.nan if any(math.isnan(value) for value in values) else max(values)


def functions_differ(net, pair, mode, rate_factor=1.0, shifts=True):
    """The largest relative difference of the losses and of the functions after each step."""
    twins = Twins(net, pair, rate_factor)
    differences = []
    for step in range(len(pair.rows)):
        if mode == "each step":
            pair.convert(twins.original[1], twins.twin[1], step)
        elif shifts:
            pair.enter(twins.twin[1], step)
        twins.step(step)
        differences.append(differ(twins.original[0], twins.twin[0]))
    return [worst(column) for column in zip(*differences)]


def evaluations_differ(pair, ln_shrink_factor):
    """The largest relative difference in evaluation mode, with running statistics, after each step."""
    twins = Twins(pair.evaluated, pair)
    differences = []
    for step in range(len(pair.rows)):
        pair.enter(twins.twin[1], step)
        twins.step(step)
        nets = twins.original[0], twins.twin[0]
        ln_shrink = ln_shrink_factor * twins.scheduler.ln_shrink
        pair.schedule.correct_running_statistics(nets[1], ln_shrink, pair.degrees)
        for net in nets:
            net.eval()
        differences.append(relative(*map(function, nets)))
        for net in nets:
            net.train()
    return worst(differences)
