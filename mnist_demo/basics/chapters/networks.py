"""Chapter "Networks": the three ways to write a network, and how to look inside one."""

# ruff: noqa: RET504 (learners' scripts: one step a line)
# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

from collections import OrderedDict
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.basics.chapters import three_ways
from mnist_demo.basics.controls import Choice, Number, Switch, seed
from mnist_demo.basics.example import Chapter, ErrorLesson, example
from mnist_demo.basics.pictures import bars, heat, table

HIDDEN = Number("hidden", "hidden units", 32, 1, 256)


@example(
    "Form 1: a Module with layers",
    HIDDEN,
    Choice(
        "activation",
        "activation",
        "nn.Sigmoid()",
        ("nn.Sigmoid()", "nn.ReLU()"),
    ),
    seed(),
    said="The network ends in nn.Softmax, and is then trained with CrossEntropyLoss or NLLLoss.",
    today="Neither loss wants probabilities: end in plain scores (logits) and use CrossEntropyLoss. "
    "Softmax belongs to the moment you look at the answer.",
)
def module_form(show, hidden, activation, seed):
    """Every layer, even the activation, is an attribute made in `__init__`; `forward` passes the
    input through them. It is an ordinary Python class, so you can print, branch or loop in it.
    """
    torch.manual_seed(seed)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Linear(784, hidden)
            self.output = nn.Linear(hidden, 10)
            self.sigmoid = (
                nn.ReLU() if activation == "nn.ReLU()" else nn.Sigmoid()
            )
            self.softmax = nn.Softmax(dim=1)

        def forward(self, x):
            x = self.hidden(x)  # (N, hidden)
            x = self.sigmoid(x)
            x = self.output(x)  # (N, 10)
            x = self.softmax(x)
            return x

    model = Network()
    probabilities = model(torch.rand(1, 784))
    show(f"{tuple(probabilities.shape)}, sum {probabilities.sum():.3f}")
    show(
        bars(
            {
                str(digit): p.item()
                for digit, p in enumerate(probabilities[0])
            },
            highest=1,
        )
    )


@example(
    "Form 2: functions in forward",
    Choice(
        "ending",
        "ending",
        "F.softmax",
        ("F.softmax", "F.log_softmax", "logits"),
    ),
    Number("p", "dropout p", 0.2, 0, 0.9, 0.1),
    seed(),
    said="x = self.dropout(F.sigmoid(self.hidden(x)))",
    today="F.sigmoid and F.softmax are torch.sigmoid and torch.softmax. Dropout stays a module, "
    "because eval() must be able to switch it off.",
)
def functional_form(show, ending, p, seed):
    """Layers with weights stay attributes; what has none can be a function call in
    `forward`. Use F.log_softmax if the loss is NLLLoss, nothing at all if it is CrossEntropyLoss.
    """
    torch.manual_seed(seed)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Linear(784, 32)
            self.output = nn.Linear(32, 10)
            self.dropout = nn.Dropout(p=p)

        def forward(self, x):
            x = self.dropout(torch.sigmoid(self.hidden(x)))
            x = self.output(x)
            if ending == "F.softmax":
                return F.softmax(x, dim=1)
            if ending == "F.log_softmax":
                return F.log_softmax(x, dim=1)
            return x

    model = Network()
    answer = model(torch.rand(1, 784))
    show(f"sum {answer.sum():.2f}, sum of exp {answer.exp().sum():.2f}")
    show(
        bars(
            {
                str(digit): value.item()
                for digit, value in enumerate(answer[0])
            }
        )
    )


@example(
    "Form 3: Sequential",
    HIDDEN,
    Switch("flatten", "begin with nn.Flatten()", True),
    mistakes=[
        ErrorLesson(
            "shapes cannot be multiplied",
            "Images (N, 1, 28, 28) must become rows (N, 784) before the first Linear.",
        )
    ],
    said="nn.Sequential(nn.Linear(…), nn.ReLU(), nn.Linear(…), nn.Softmax(dim=1))",
    today="Put nn.Flatten() first, so that it takes images, and leave the Softmax out, so that it gives logits.",
)
def sequential_form(show, hidden, flatten):
    """A chain of layers needs no class at all. It is short, and enough until something
    must branch.
    """
    layers = [nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10)]
    if flatten:
        layers.insert(0, nn.Flatten())
    model = nn.Sequential(*layers)
    show(str(model))
    x = torch.zeros(64, 1, 28, 28)
    sizes = [["images", tuple(x.shape)]]
    for layer in model:
        x = layer(x)
        sizes.append([type(layer).__name__, tuple(x.shape)])
    show(table(sizes, header=["after", "shape"]))


@example(
    "The text form of a model",
    HIDDEN,
    Number("layers", "hidden layers", 1, 0, 4),
)
def text_form(show, hidden, layers):
    """A model prints its layers and their sizes; `named_parameters` lists what will be trained.
    Almost all weights of a small network sit in its first layer.
    """
    sizes = [784] + [hidden] * layers + [10]
    parts = [nn.Flatten()]
    for before, after in pairwise(sizes):
        parts += [nn.Linear(before, after), nn.ReLU()]
    model = nn.Sequential(*parts[:-1])
    show(str(model))
    rows = [
        [name, tuple(p.shape), f"{p.numel():,}"]
        for name, p in model.named_parameters()
    ]
    show(table(rows, header=["parameter", "shape", "numbers"]))
    count = sum(p.numel() for p in model.parameters())
    show(f"together {count:,} numbers to learn")


@example(
    "Weights and biases",
    Choice(
        "access",
        "access",
        "named.hidden.weight",
        ("named.hidden.weight", "model[0].weight", "model.hidden.weight"),
    ),
    seed(),
    said="model.hidden.weight stands right after a model built with nn.Sequential.",
    today="A Sequential has no .hidden: its layers are model[0], model[1], … or get names from an OrderedDict.",
    mistakes=[
        ErrorLesson(
            "has no attribute 'hidden'",
            "Layers of a plain Sequential have numbers, not names: model[0] is the first Linear.",
        )
    ],
)
def weights_and_biases(show, access, seed):
    """The weights are tensors with `requires_grad`. Each row of the first layer weighs all 784
    pixels, so it can be looked at as a picture: before training it is noise.
    """
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(784, 12), nn.ReLU(), nn.Linear(12, 10))
    names = ["hidden", "relu", "output"]
    named = nn.Sequential(OrderedDict(zip(names, model, strict=True)))
    if access == "named.hidden.weight":
        layer = named.hidden
    elif access == "model[0].weight":
        layer = model[0]
    else:
        layer = model.hidden
    show(
        f"weight {tuple(layer.weight.shape)}, bias {tuple(layer.bias.shape)}"
    )
    units = layer.weight[:3].view(3, 28, 28)
    show("weights of hidden units 0 to 2", heat(units, cell=3))
    show("bias", layer.bias)


CHAPTER = Chapter(
    "Networks",
    (
        module_form,
        functional_form,
        sequential_form,
        three_ways.three_ways,
        text_form,
        weights_and_biases,
    ),
)
