#!/usr/bin/env python3
"""PyTorch's side of a race on one GPU: training steps of a PreResNet in several modes, timed when asked to.

Prints lines of JSON: `what` it is; for each mode `ready` with its `batch`, or `failed` and `why`; ceilings of the
device; `done`. Then, for each number of a ready mode read from standard input, `ms` a step. A step is the forward pass,
cross-entropy, the backward pass and the update of SGD with momentum and weight decay; the images, of CIFAR-10's shape,
are on the device and not augmented. Modes: `eager`; `graph`, the whole step captured as a CUDA graph; `compile`,
torch.compile with max-autotune, which has CUDA graphs of its own. Always channels_last. Precisions: `fp32`, `tf32`, and
`bf16` by autocast, which needs no loss scaling.
"""
import argparse
import json
import sys
import time

import torch
from torch.nn import functional

from preresnet import PreResNet

#: Seconds that a sample takes, about.
SAMPLE = 0.3
WARM_UP = 5
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def say(**line):
    print(json.dumps(line), flush=True)


def synchronise():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def set_precision(precision):
    """For whatever is captured, compiled or run from now on."""
    tf32 = precision != "fp32"
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True


class Trainer:
    def __init__(self, mode, precision, batch, depth):
        self.precision, self.name, self.batch = precision, f"{mode}, {precision}, batch {batch}", batch
        set_precision(precision)
        torch.manual_seed(0)
        images = torch.randn(batch, 3, 32, 32, device=DEVICE)
        self.images = images.contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(0, 10, (batch,), device=DEVICE)
        self.model = PreResNet(depth).to(DEVICE, memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(
            self.model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=DEVICE == "cuda")
        self.network, self.note = self.model, None
        self.step = self.whole_step
        if mode == "compile":
            self.compile()
        elif mode == "graph":
            self.capture()
        else:
            self.warm_up()
        start = time.perf_counter()
        self.step()
        synchronise()
        self.steps = min(max(int(SAMPLE / (time.perf_counter() - start)), 2), 400)

    def whole_step(self):
        self.optimiser.zero_grad(set_to_none=True)
        # A cache of casts would outlive the step that a graph captures.
        with torch.autocast(DEVICE, torch.bfloat16, enabled=self.precision == "bf16", cache_enabled=False):
            loss = functional.cross_entropy(self.network(self.images), self.labels)
        loss.backward()
        self.optimiser.step()

    def warm_up(self):
        for _ in range(WARM_UP):
            self.step()
        synchronise()

    def compile(self):
        reasons = []
        for mode in ("max-autotune", "reduce-overhead"):
            try:
                torch._dynamo.reset()
                self.network = torch.compile(self.model, mode=mode)
                self.warm_up()
            except Exception as error:
                reasons.append(f"{mode}: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
            else:
                self.note = "; ".join([f"mode {mode}", *reasons])
                return
        raise RuntimeError("; ".join(reasons))

    def capture(self):
        if DEVICE != "cuda":
            raise RuntimeError("CUDA graphs need a GPU")
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self.warm_up()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        self.optimiser.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            self.whole_step()
        self.step = graph.replay
        self.warm_up()

    def sample(self):
        set_precision(self.precision)
        self.step()
        synchronise()
        start = time.perf_counter()
        for _ in range(self.steps):
            self.step()
        synchronise()
        return (time.perf_counter() - start) * 1e3 / self.steps


def samples(call, amount, count=7):
    """`amount` a second."""
    call()
    found = []
    for _ in range(count):
        synchronise()
        start = time.perf_counter()
        for _ in range(5):
            call()
        synchronise()
        found.append(amount * 5 / (time.perf_counter() - start))
    return found


def ceilings():
    """What the device can do at most: copy memory, and multiply-adds in float32."""
    size, side = (1 << 30, 8192) if DEVICE == "cuda" else (1 << 26, 1024)
    source = torch.ones(size // 4, device=DEVICE)
    target = torch.empty_like(source)
    say(ceiling=f"copy of {size >> 20} MiB, bytes read and written", unit="GB/s",
        samples=samples(lambda: target.copy_(source), 2 * size / 1e9))
    set_precision("fp32")
    a, b = torch.randn(side, side, device=DEVICE), torch.randn(side, side, device=DEVICE)
    say(ceiling=f"product of two {side}×{side} matrices, float32", unit="TFLOP/s",
        samples=samples(lambda: torch.mm(a, b), 2 * side**3 / 1e12))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", type=int, default=32)
    parser.add_argument("--modes", required=True)
    parser.add_argument("--precisions", required=True)
    parser.add_argument("--batches", required=True)
    arguments = parser.parse_args()
    device = torch.cuda.get_device_name() if DEVICE == "cuda" else "CPU"
    cudnn = torch.backends.cudnn.version()
    say(what=f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {cudnn}, Python {sys.version.split()[0]}, {device}")
    ready = []
    for batch in map(int, arguments.batches.split(",")):
        for mode in arguments.modes.split(","):
            for precision in arguments.precisions.split(","):
                try:
                    trainer = Trainer(mode, precision, batch, arguments.depth)
                except Exception as error:
                    say(failed=f"{mode}, {precision}, batch {batch}", why=f"{type(error).__name__}: {error}"[:500])
                else:
                    ready.append(trainer)
                    say(ready=trainer.name, batch=batch, note=trainer.note)
    if "eager" in arguments.modes.split(","):
        ceilings()
    say(done=True)
    for line in sys.stdin:
        say(ms=ready[int(line)].sample())


if __name__ == "__main__":
    main()
