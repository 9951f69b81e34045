"""AdamW, and a stock Adam that takes the same steps with the four hyperparameters of StockAdamStep."""

import math

import torch

from nets import made, trained
from twins import differ, forward_and_step, worst


def set_adamw(optimiser, step):
    for group in optimiser.param_groups:
        group.update({name: step[name] for name in ("lr", "weight_decay", "betas", "eps")})


def set_stock(optimiser, step, rate_factor):
    for group in optimiser.param_groups:
        stock = step["stock"]
        group.update(lr=stock["lr"] * rate_factor, betas=stock["betas"], eps=stock["eps"])


def convert(original, twin, before, step):
    """theta~ = theta/A_t, m^ = s_t A_{t-1} m, v^ = q_t A_{t-1}^2 v."""
    (net, optimiser), (twin_net, twin_optimiser) = original, twin
    with torch.no_grad():
        for parameter, other in zip(trained(net), trained(twin_net)):
            other.copy_(parameter / math.exp(step["ln_scale"]))
            state, memory = optimiser.state[parameter], math.exp(before["ln_scale"])
            scale, square = before["stock"]["scales_after"]
            twin_optimiser.state[other]["exp_avg"] = scale * memory * state["exp_avg"]
            twin_optimiser.state[other]["exp_avg_sq"] = square * memory**2 * state["exp_avg_sq"]


def functions_differ(net, steps, mode, rate_factor=1.0):
    """The largest relative difference of the losses and of the functions after each step."""
    net, other = made(net), made(net)
    original = net, torch.optim.AdamW(trained(net))
    twin = other, torch.optim.Adam(trained(other))
    differences, before = [], None
    for index, step in enumerate(steps):
        if mode == "each step" and before:
            convert(original, twin, before, step)
        set_adamw(original[1], step)
        set_stock(twin[1], step, rate_factor)
        for run in (original, twin):
            forward_and_step(run, index)
        differences.append(differ(net, other))
        before = step
    return [worst(column) for column in zip(*differences)]
