"""Makes pytorch.csv beside it: a log of a small training with PyTorch, as anyone might write it.

Three linear layers that feed batch norm, and a last one that does not, on noisy labels of a random teacher; SGD, two phases.
Beside what an audit reads it logs, as `angle/LAYER`, what an audit says without having seen it: the angle in radians by which a
step turns the layer's weights, root mean square since the line before.

    python pytorch.py        # with torch 2; takes half a minute on one core
"""

import csv
import math
import pathlib

import torch

torch.manual_seed(0)
torch.set_num_threads(1)
WIDTH, CLASSES, BATCH, EXAMPLES = 64, 10, 64, 4096
PHASES, EVERY = [(0.1, 2000), (0.01, 2000)], 20
WEIGHT_DECAY, MOMENTUM = 1e-3, 0.9

teacher = torch.randn(32, CLASSES)
inputs = torch.randn(EXAMPLES, 32)
labels = (inputs @ teacher + 4 * torch.randn(EXAMPLES, CLASSES)).argmax(1)

hidden = {}
layers = []
for index, width in enumerate([32, WIDTH, WIDTH], 1):
    hidden[f"hidden{index}"] = torch.nn.Linear(width, WIDTH, bias=False)
    layers += [hidden[f"hidden{index}"], torch.nn.BatchNorm1d(WIDTH), torch.nn.ReLU()]
logged = hidden | {"head": torch.nn.Linear(WIDTH, CLASSES)}
model = torch.nn.Sequential(*layers, logged["head"])
weights = {name: layer.weight for name, layer in logged.items()}
others = [p for p in model.parameters() if all(p is not w for w in weights.values())]
optimizer = torch.optim.SGD(
    [{"params": list(weights.values()), "weight_decay": WEIGHT_DECAY}, {"params": others}],
    lr=PHASES[0][0],
    momentum=MOMENTUM,
)

with open(pathlib.Path(__file__).with_name("pytorch.csv"), "w", newline="") as file:
    names = [f"norm/{name}" for name in weights] + [f"angle/{name}" for name in weights]
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["step", "loss", "lr", "weight_decay", "momentum"] + names)
    step, turned, loss = 0, dict.fromkeys(weights, 0.0), torch.tensor(math.nan)
    for rate, steps in PHASES:
        for group in optimizer.param_groups:
            group["lr"] = rate
        for _ in range(steps):
            if step % EVERY == 0:
                group = optimizer.param_groups[0]
                norms = [f"{weight.norm().item():.6g}" for weight in weights.values()]
                angles = [f"{math.sqrt(square / EVERY):.4g}" if step else "" for square in turned.values()]
                row = [step, f"{loss.item():.4g}", group["lr"], group["weight_decay"], group["momentum"]]
                out.writerow(row + norms + angles)
                turned = dict.fromkeys(weights, 0.0)
            before = {name: weight.detach().clone() for name, weight in weights.items()}
            batch = torch.randint(EXAMPLES, (BATCH,))
            loss = torch.nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for name, weight in weights.items():
                a, b = before[name].double().flatten(), weight.detach().double().flatten()
                turned[name] += (2 * torch.asin((a / a.norm() - b / b.norm()).norm() / 2).item()) ** 2
            step += 1
