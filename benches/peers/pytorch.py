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
from torch import nn
from torch.nn import functional


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


class Block(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.projection = None
        if channels_in != channels:
            self.projection = nn.Conv2d(channels_in, channels, 1, stride, bias=False)

    def forward(self, x):
        active = functional.relu(self.norm1(x))
        shortcut = x if self.projection is None else self.projection(active)
        x = self.conv1(active)
        return self.conv2(functional.relu(self.norm2(x))) + shortcut


class PreResNet32(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        blocks, channels_in = [], 16
        for channels, first_stride in ((16, 1), (32, 2), (64, 2)):
            for block in range(5):
                blocks.append(Block(channels_in, channels, first_stride if block == 0 else 1))
                channels_in = channels
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(64)
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        x = self.blocks(self.stem(x))
        return self.head(functional.relu(self.norm(x)).mean((2, 3)))


torch.set_num_threads(arguments.threads)
torch.manual_seed(0)
start_mb = resident_mb("VmRSS")
images = torch.randn(arguments.batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
labels = torch.randint(0, 10, (arguments.batch,))
model = PreResNet32().to(memory_format=torch.channels_last)
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
