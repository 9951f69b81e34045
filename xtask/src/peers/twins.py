"""Trains a network with weight decay and its twin without, side by side."""

import math

import torch
from torch.nn import functional as F

from nets import Y, batch, function, made, trained


class Twins:
    """The two runs. `rate_factor` other than 1 spoils the twin's learning rate, for the checks' own check."""

    def __init__(self, net, schedule, optimiser, rate_factor=1.0):
        self.schedule, self.optimiser, self.rate_factor = schedule, optimiser, rate_factor
        net, other = made(net), made(net)
        self.original = net, optimiser.original(trained(net))
        self.twin = other, optimiser.twin(trained(other))
        self.scheduler = schedule.Scheduler(self.twin[1])

    def step(self, row):
        """One step of each."""
        self.optimiser.set(self.original[1], row)
        for group in self.twin[1].param_groups:
            group["lr"] *= self.rate_factor
        for run in (self.original, self.twin):
            forward_and_step(run, row.step)
        self.scheduler.step()


def forward_and_step(run, step):
    net, optimiser = run
    images, labels = batch(step)
    optimiser.zero_grad()
    F.cross_entropy(net(images), labels).backward()
    optimiser.step()


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


def functions_differ(net, schedule, optimiser, mode, rate_factor=1.0, shifts=True):
    """The largest relative difference of the losses and of the functions after each step."""
    twins = Twins(net, schedule, optimiser, rate_factor)
    differences = []
    for row in schedule.rows():
        if mode == "each step":
            optimiser.convert(twins.original, twins.twin, row)
        elif shifts:
            optimiser.enter(twins.twin, row)
        twins.step(row)
        differences.append(differ(twins.original[0], twins.twin[0]))
    return [worst(column) for column in zip(*differences)]


def evaluations_differ(net, schedule, optimiser, ln_shrink_factor):
    """The largest relative difference in evaluation mode, with running statistics, after each step."""
    twins = Twins(net, schedule, optimiser)
    differences = []
    for row in schedule.rows():
        optimiser.enter(twins.twin, row)
        twins.step(row)
        nets = twins.original[0], twins.twin[0]
        schedule.correct_running_statistics(nets[1], ln_shrink_factor * twins.scheduler.ln_shrink)
        for net in nets:
            net.eval()
        differences.append(relative(*map(function, nets)))
        for net in nets:
            net.train()
    return worst(differences)
