"""Known networks as PyTorch exports them, and what their functions do when parameters are scaled: `cargo xtask peers` runs this.

    python models.py export FOLDER
    python models.py witness FOLDER

The first writes FOLDER/NAME.EXPORTER.onnx of each network, as a user would: in training mode, by either exporter. The second reads
FOLDER/NAME.json, which `texp inspect --format json` has written of it, and runs the network in float64 without epsilon and
dropout, at random parameters that are scaled as that says.
"""

import json
import pathlib
import sys
import warnings

warnings.filterwarnings("ignore")

import timm
import torch
import torchvision.models as vision
from torch import nn
from torch.nn import functional

#: What parameters are multiplied by.
FACTOR = 1.5
#: A change up to this is rounding, one of at least that is of the function.
ROUNDING, CHANGE = 1e-8, 1e-6
#: Random values of all parameters: at one of them a ReLU may be 0 for all inputs.
POINTS = 2


class RmsNorm(nn.Module):
    """As language models write it: one of the exporters does not have PyTorch's own."""

    def __init__(self, width):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), 1e-6

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps))


class Attention(nn.Module):
    """Causal attention of two heads, with queries and keys divided by their root mean square, or not."""

    def __init__(self, width, qk_norm):
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm_q = RmsNorm(width // 2) if qk_norm else nn.Identity()
        self.norm_k = RmsNorm(width // 2) if qk_norm else nn.Identity()

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, 2, width // 2).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = self.norm_q(q), self.norm_k(k)
        scores = q @ k.transpose(-2, -1) / (width // 2) ** 0.5
        mask = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(mask, float("-inf")).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, length, width))


class Gpt(nn.Module):
    """Two blocks of a language model with pre-normalisation."""

    def __init__(self, qk_norm, width=16, words=23, length=12):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList()
        for _ in range(2):
            block = nn.Module()
            block.ln_1, block.attn = nn.LayerNorm(width), Attention(width, qk_norm)
            block.ln_2 = nn.LayerNorm(width)
            block.fc, block.proj = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
            self.blocks.append(block)
        self.ln_f, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, words):
        x = self.wte(words) + self.wpe(torch.arange(words.shape[1]))
        for block in self.blocks:
            x = x + block.attn(block.ln_1(x))
            x = x + block.proj(functional.gelu(block.fc(block.ln_2(x))))
        return self.head(self.ln_f(x))


def images(side):
    return lambda: torch.rand(2, 3, side, side) * 4 - 2


def words():
    return torch.randint(0, 23, (2, 12))


#: Of each network how it is made, an input to export it with, and one to run it with.
NETWORKS = {
    "resnet18": (vision.resnet18, images(224), images(64)),
    "resnet50": (vision.resnet50, images(224), images(64)),
    "preact_resnet50": (lambda: timm.create_model("resnetv2_50"), images(224), images(64)),
    "vgg11_bn": (lambda: vision.vgg11_bn(num_classes=10), images(224), images(64)),
    "densenet121": (vision.densenet121, images(224), images(64)),
    "mobilenet_v2": (vision.mobilenet_v2, images(224), images(64)),
    "efficientnet_b0": (vision.efficientnet_b0, images(224), images(64)),
    "convnext_tiny": (vision.convnext_tiny, images(224), images(64)),
    "vit_tiny": (lambda: timm.create_model("vit_tiny_patch16_224"), images(224), images(224)),
    "gpt": (lambda: Gpt(False), words, words),
    "gpt_qk_norm": (lambda: Gpt(True), words, words),
}


def export(folder):
    training = torch.onnx.TrainingMode.TRAINING
    exporters = {
        "torchscript": {"dynamo": False, "training": training, "do_constant_folding": False},
        # Optimised, its normalisations are multiplied into the convolutions.
        "dynamo": {"dynamo": True, "optimize": False, "external_data": False, "verbose": False},
    }
    for name, (make, example, _) in NETWORKS.items():
        for exporter, options in exporters.items():
            torch.manual_seed(0)
            path = folder / f"{name}.{exporter}.onnx"
            net = make().train()
            place(net)
            torch.onnx.export(net, (example(),), path, **options)


def quiet(net):
    """The network in float64, the same function at every call, with an epsilon of nothing."""
    net = net.double().train()
    for module in net.modules():
        for name in ("eps", "variance_epsilon"):
            if hasattr(module, name):
                # Batch normalisation does not take 0.
                setattr(module, name, 1e-100)
        if hasattr(module, "p"):
            module.p = 0.0
        if hasattr(module, "drop_prob"):
            module.drop_prob = 0.0
    return net


def place(net):
    """Parameters in general position: a bias of 0 would hide that it must be scaled."""
    for parameter in net.parameters():
        with torch.no_grad():
            if parameter.numel() == max(parameter.shape, default=1):
                parameter.add_(torch.rand_like(parameter) - 0.5)


class Witness:
    """How much a network's results change when some of its parameters are multiplied."""

    def __init__(self, net, x):
        self.net, self.x = net, x
        self.parameters = dict(net.named_parameters())
        with torch.no_grad():
            self.before = net(x)

    def change(self, factors):
        """With the parameters of these names multiplied by these numbers or tensors."""
        kept = {name: self.parameters[name].detach().clone() for name in factors}
        with torch.no_grad():
            for name, factor in factors.items():
                self.parameters[name].mul_(factor)
            after = self.net(self.x)
            for name, values in kept.items():
                self.parameters[name].copy_(values)
        return float((after - self.before).abs().max() / self.before.abs().max())


def factor(shape=()):
    """Random numbers between 2/3 and 3/2."""
    return FACTOR ** (2 * torch.rand(shape) - 1)


def claims(found, parameters):
    """What is said to leave the function alone, as (words, factors)."""
    groups = {}
    for told in found["parameters"]:
        name = told["name"]
        if told["group"] is not None:
            groups.setdefault(told["group"], []).append(told)
        if told["invariance"] == "alone":
            shape = list(parameters[name].shape)
            in_filters = told["granularity"] == "filter" and len(shape) > 1 and shape == told["shape"]
            yield name, {name: factor(shape[:1] + [1] * (len(shape) - 1)) if in_filters else factor()}
    for members in groups.values():
        if len(members) > 1 and all(told["degree"] for told in members):
            degrees = {told["name"]: told["degree"] for told in members}
            c = factor()
            yield "the group of " + members[0]["name"], {p: c ** (n / d) for p, (n, d) in degrees.items()}
    if found["scale_invariant"]:
        yield "all together", {told["name"]: FACTOR for told in found["parameters"]}


def together(held):
    """The factors of all claims at once: if each leaves the function alone, all do."""
    factors = {}
    for _, of_one in held:
        for name, factor in of_one.items():
            factors[name] = factors.get(name, 1.0) * factor
    return factors


def witness(folder):
    torch.set_default_dtype(torch.float64)
    failed = 0
    header = ("network", "claims", "change", "not alone", "of these change, and not")
    print("%-18s %8s %12s %12s  %s" % header)
    for name, (make, _, example) in NETWORKS.items():
        found = json.loads((folder / f"{name}.json").read_text())
        count, largest, changes = 0, 0.0, {}
        for point in range(POINTS):
            torch.manual_seed(point)
            net = quiet(make())
            place(net)
            run = Witness(net, example())
            held = list(claims(found, run.parameters))
            change = run.change(together(held))
            count, largest = len(held), max(largest, change)
            if not change <= ROUNDING:
                failed += 1
                changes_by = {words: run.change(factors) for words, factors in held}
                print(name, {words: by for words, by in changes_by.items() if not by <= ROUNDING})
            for told in found["parameters"]:
                one = told["name"]
                if told["invariance"] != "alone" and not changes.get(one, 0.0) >= CHANGE:
                    changes[one] = run.change({one: FACTOR})
        still = sorted(one for one, change in changes.items() if not change >= CHANGE)
        row = (name, count, largest, len(changes), len(changes) - len(still), " ".join(still))
        print("%-18s %8d %12.1e %12d  %d %s" % row, flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    {"export": export, "witness": witness}[sys.argv[1]](pathlib.Path(sys.argv[2]))
