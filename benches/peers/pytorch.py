#!/usr/bin/env python3
"""Training steps of PreResNet-32 with PyTorch on the CPU, timed; random images of CIFAR-10's shape.

Prints what was timed as one line of JSON, in the form of `benches/src/measure.rs`. One step is the
forward pass, cross-entropy, the backward pass and the update of SGD with momentum.
"""
import argparse
import json
import os
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--compile", action="store_true", help="torch.compile, not eager")
parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--batch", type=int, required=True)
parser.add_argument("--warm-up", type=int, required=True, help="steps before the clock starts")
parser.add_argument("--samples", type=int, required=True, help="steps that are timed")
arguments = parser.parse_args()

# Read when PyTorch is loaded.
os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch
from torch.nn import functional

from preresnet import PreResNet


def resident_mb(field):
    """A size in /proc/self/status, or None where there is none."""
    try:
        lines = open("/proc/self/status").read().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(field + ":"))


def cpu_seconds():
    """Of this process, and of all."""
    try:
        fields = [int(field) for field in open("/proc/stat").readline().split()[1:9]]
    except OSError:
        return None
    own = os.times()
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    busy = user + nice + system + irq + softirq + steal
    return own.user + own.system, busy / os.sysconf("SC_CLK_TCK")


torch.set_num_threads(arguments.threads)
torch.manual_seed(0)
start_mb = resident_mb("VmRSS")
images = torch.randn(arguments.batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
labels = torch.randint(0, 10, (arguments.batch,))
model = PreResNet(32).to(memory_format=torch.channels_last)
optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
network = torch.compile(model) if arguments.compile else model


def step():
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=arguments.bf16):
        loss = functional.cross_entropy(network(images), labels)
    loss.backward()
    optimiser.step()
    return loss.item()


for _ in range(arguments.warm_up):
    step()
before, start = cpu_seconds(), time.perf_counter()
step_ms = []
for _ in range(arguments.samples):
    begin = time.perf_counter()
    loss = step()
    step_ms.append((time.perf_counter() - begin) * 1e3)
wall, after = time.perf_counter() - start, cpu_seconds()
others_busy = None
if before and after:
    own, everything = after[0] - before[0], after[1] - before[1]
    others_busy = max((everything - own) / wall, 0.0)
print(json.dumps({
    "what": f"PyTorch {torch.__version__}, {arguments.threads} threads",
    "batch": arguments.batch,
    "step_ms": step_ms,
    "steps_a_sample": 1,
    "start_mb": start_mb,
    "peak_mb": resident_mb("VmHWM"),
    "others_busy": others_busy,
    "loss": loss,
}))
