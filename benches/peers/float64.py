#!/usr/bin/env python3
"""Repeats in float64 the first and the last step that `cuda export` trained, and prints how far they are from that.

Each step begins with the engine's own state before it. Beside the engine's errors stand those of PyTorch's float32
(without tf32): an engine of the same precision is as exact if it computes what it should. Exits with 1 where it is more
than FACTOR times further off. The device is the GPU if PyTorch sees one. Writes the numbers to a file of JSON.
"""
import argparse
import array
import json
import pathlib
import sys

import torch
from torch.nn import functional

from preresnet import PreResNet, torch_name

#: Rounding errors of two programs that sum in different orders differ by chance.
FACTOR = 4.0
#: Relative errors below this, a few roundings of float32, are as good as none.
FLOOR = 5e-7
#: A ReLU input within rounding of 0 falls on either side, and its gradient is lost or gained whole. That happens to a
#: share of the inputs as large as the rounding error, and moves gradients by about its root.
KINK = 2e-3
KINKED = ("momentum buffers", "changes of parameters")
BUFFER = ".momentum_buffer"


class Run:
    """What the engine was given, and what it made of it."""

    def __init__(self, folder):
        self.told = json.loads((folder / "run.json").read_text())
        numbers = array.array("d", (folder / "values.f64").read_bytes())
        if sys.byteorder == "big":
            numbers.byteswap()
        values = torch.tensor(numbers, dtype=torch.float64)
        self.stages = {}
        for entry in self.told["tensors"]:
            count = 1
            for size in entry["shape"]:
                count *= size
            tensor = values[entry["first"] : entry["first"] + count].reshape(entry["shape"])
            self.stages.setdefault(entry["stage"], {})[entry["name"]] = tensor

    def batch(self, step, precision, device):
        """Images and labels of a step, cropped and mirrored."""
        images, step = self.told["images"], self.told["steps"][step]
        pixels = self.stages["images"]["pixels"]
        # Cropping pads with black.
        padded = functional.pad(pixels, (8, 8, 8, 8))
        height, width = pixels.shape[2:]
        chosen = []
        for index, (dy, dx), flip in zip(step["indices"], step["crops"], step["flips"]):
            image = padded[index, :, 8 + dy : 8 + dy + height, 8 + dx : 8 + dx + width]
            chosen.append(image.flip(-1) if flip else image)
        x = (torch.stack(chosen) / 255 - images["mean"]) / images["deviation"]
        labels = torch.tensor([images["labels"][index] for index in step["indices"]])
        return x.to(device, precision), labels.to(device)


def step(run, number, precision, device):
    """The loss and the state that one step makes of the engine's own before it."""
    start, told = run.stages[f"after {number}"], run.told["steps"][number]
    model = PreResNet(**run.told["network"])
    loaded = {torch_name(name): value for name, value in start.items() if not name.endswith(BUFFER)}
    missing = model.load_state_dict(loaded, strict=False)
    missing = [key for key in missing.missing_keys if not key.endswith("num_batches_tracked")] + missing.unexpected_keys
    if missing:
        raise SystemExit(f"the network has other tensors than PyTorch's: {', '.join(missing)}")
    model.to(device, precision).train()
    optimiser = torch.optim.SGD(
        model.parameters(), lr=told["learning_rate"], momentum=told["momentum"], weight_decay=told["weight_decay"])
    for name, parameter in model.named_parameters():
        buffer = next(value for key, value in start.items() if key.endswith(BUFFER)
                      and torch_name(key[: -len(BUFFER)]) == name)
        optimiser.state[parameter]["momentum_buffer"] = buffer.to(device, precision, copy=True)
    x, labels = run.batch(number, precision, device)
    loss = functional.cross_entropy(model(x), labels)
    loss.backward()
    optimiser.step()
    return loss.item(), state(model, optimiser, start)


def state(model, optimiser, names):
    parameters, tensors = dict(model.named_parameters()), model.state_dict()
    found = {}
    for name in names:
        if name.endswith(BUFFER):
            value = optimiser.state[parameters[torch_name(name[: -len(BUFFER)])]]["momentum_buffer"]
        else:
            value = tensors[torch_name(name)]
        found[name] = value.detach().to("cpu", torch.float64, copy=True)
    return found


def kind(name):
    for suffix, called in ((BUFFER, "momentum buffers"), (".running_mean", "running means"),
                           (".running_variance", "running variances")):
        if name.endswith(suffix):
            return called
    return "changes of parameters"


def errors(run, number, found, exact):
    """Relative errors of a step: of the loss, and of all tensors of a kind together."""
    start, (loss, tensors), (exact_loss, exact_tensors) = run.stages[f"after {number}"], found, exact
    squares = {}
    for name, value in exact_tensors.items():
        # A parameter hardly changes in a step. Momentum buffers are at first the gradients.
        origin = 0 if name.endswith(BUFFER) else start[name]
        sums = squares.setdefault(kind(name), [0.0, 0.0])
        sums[0] += (tensors[name] - value).square().sum().item()
        sums[1] += (value - origin).square().sum().item()
    result = {"loss": abs(loss / exact_loss - 1)}
    return result | {what: (error / norm) ** 0.5 for what, (error, norm) in squares.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    device = "cuda" if torch.cuda.is_available() else "cpu"
    run = Run(arguments.folder)
    steps = run.told["steps"]
    print(f"{'relative error':36} {'engine':>10} {'PyTorch float32':>16} {'ratio':>6}")
    worst, rows = 0.0, []
    for number in sorted({0, len(steps) - 1}):
        exact = step(run, number, torch.float64, device)
        engine = errors(run, number, (steps[number]["loss"], run.stages[f"after {number + 1}"]), exact)
        yardstick = errors(run, number, step(run, number, torch.float32, device), exact)
        for what, error in engine.items():
            floor = KINK if what in KINKED else FLOOR
            ratio = error / max(yardstick[what], floor)
            # Not a number is the worst of all.
            worst = ratio if not ratio <= worst else worst
            what = f"{what}, step {number + 1}"
            rows.append({"what": what, "engine": error, "float32": yardstick[what.split(",")[0]], "ratio": ratio})
            print(f"{what:36} {error:10.2e} {rows[-1]['float32']:16.2e} {ratio:6.2f}")
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    arguments.json.write_text(json.dumps({
        "engine": run.told["device"], "network": run.told["network"], "torch": torch.__version__, "device": name,
        "errors": rows, "worst ratio": worst,
    }))
    print(f"{run.told['device']} against PyTorch {torch.__version__} float64 on {name}: "
          f"errors at most {worst:.2f} times those of float32, {FACTOR:.0f} are allowed")
    return 0 if worst <= FACTOR else 1


if __name__ == "__main__":
    sys.exit(main())
