"""Tiny networks, and the data they are trained on."""

import torch
from torch import nn

CLASSES, IMAGES, BATCH = 4, 48, 12


def fixed(layer):
    for parameter in layer.parameters():
        parameter.requires_grad_(False)
    return layer


def convolutional(normaliser):
    def layer(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), normaliser(outputs), nn.ReLU()]

    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), fixed(nn.Linear(8, CLASSES))]
    return nn.Sequential(*layer(2, 6), *layer(6, 8), *head)


#: A scale of its own, which would break the invariance; 0 is refused, and this is lost in rounding.
EPS = 1e-30


# Without an affine, whose weights would be trained too and are not scale-invariant.
def batch_norm(channels):
    return nn.BatchNorm2d(channels, eps=EPS, affine=False)


def group_norm(channels):
    return nn.GroupNorm(2, channels, eps=EPS, affine=False)


def layer_norm_mlp():
    def layer(inputs, outputs):
        norm = nn.LayerNorm(outputs, eps=EPS, elementwise_affine=False)
        return [nn.Linear(inputs, outputs, bias=False), norm, nn.ReLU()]

    return nn.Sequential(nn.Flatten(), *layer(50, 16), *layer(16, 16), fixed(nn.Linear(16, CLASSES)))


def two_layers(norm):
    """The same function where the weights and first biases, the second biases, and the head are scaled by c, c^2, 1."""
    first, second, head = nn.Linear(50, 16), nn.Linear(16, 16), nn.Linear(16, CLASSES)
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), second, norm, nn.ReLU(), head)


#: Networks whose trained weights are all scale-invariant; a further one is an entry here.
NETS = {
    "conv-BatchNorm": lambda: convolutional(batch_norm),
    "conv-GroupNorm": lambda: convolutional(group_norm),
    "MLP-LayerNorm": layer_norm_mlp,
}

#: Networks that are invariant only if the groups below are scaled together.
GROUPED_NETS = {
    "grouped MLP-LayerNorm": lambda: two_layers(nn.LayerNorm(16, eps=EPS, elementwise_affine=False)),
    "grouped MLP-BatchNorm": lambda: two_layers(nn.BatchNorm1d(16, eps=EPS, affine=False)),
}

#: Their parameters, by name of the recipe's groups.
GROUPS = {
    "weights": ["1.weight", "1.bias", "3.weight"],
    "biases": ["3.bias"],
    "head": ["6.weight", "6.bias"],
}


class Residual(nn.Module):
    """A convolution, and a pre-activation block whose branch is one convolution or the same one twice; a trained head."""

    def __init__(self, affine, times):
        super().__init__()
        self.stem = nn.Conv2d(2, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6, eps=EPS, affine=affine)
        self.convs = nn.ModuleList([nn.Conv2d(6, 6, 3, padding=1, bias=False)] * times)
        self.last = nn.BatchNorm2d(6, eps=EPS, affine=False)
        self.head = nn.Linear(6, CLASSES)

    def forward(self, x):
        x = self.stem(x)
        y = self.norm(x)
        for conv in self.convs:
            y = conv(torch.relu(y))
        return self.head(torch.relu(self.last(x + y)).mean((2, 3)))


def conv_affine():
    def layer(inputs, outputs):
        norm = nn.BatchNorm2d(outputs, eps=EPS)
        return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), norm, nn.ReLU()]

    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, CLASSES)]
    return nn.Sequential(*layer(2, 6), *layer(6, 8), *head)


#: Networks whose groups `texp inspect` finds; a further one is an entry here, and in inspected.rs.
INSPECTED_NETS = {
    "conv-affine": conv_affine,
    "residual": lambda: Residual(True, 1),
    "tied": lambda: Residual(False, 2),
}


def made(name):
    torch.manual_seed(1)
    return (NETS | GROUPED_NETS | INSPECTED_NETS)[name]()


def trained(net):
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


def grouped(net):
    """PyTorch's parameter groups, with their names."""
    parameters = dict(net.named_parameters())
    return [{"name": name, "params": [parameters[key] for key in keys]} for name, keys in GROUPS.items()]


torch.manual_seed(0)
X = torch.randn(IMAGES, 2, 5, 5, dtype=torch.float64)
Y = torch.randint(CLASSES, (IMAGES,))


def batch(step):
    """A batch of its own for each step."""
    chosen = torch.randperm(IMAGES, generator=torch.Generator().manual_seed(step))[:BATCH]
    return X[chosen], Y[chosen]


def function(net):
    """The network's values on all images, in the mode it is in; its running statistics stay."""
    kept = {name: buffer.clone() for name, buffer in net.named_buffers()}
    with torch.no_grad():
        values = net(X)
        for name, buffer in net.named_buffers():
            buffer.copy_(kept[name])
    return values
