"""Chapter "Layers": the linear layer and the activation functions."""


# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.basics.controls import Choice, Number, seed
from mnist_demo.basics.example import Chapter, ErrorLesson, example
from mnist_demo.basics.plots import curves


@example(
    "A Linear layer",
    Number("inputs", "inputs", 4, 1, 8),
    Number("outputs", "outputs", 3, 1, 8),
    seed(),
)
def linear_layer(show, inputs, outputs, seed):
    """`nn` holds the building blocks. Linear computes x @ weight.T + bias: a matrix product and one
    number added to each output. Its weights start random, between ±1/√inputs.
    """
    torch.manual_seed(seed)
    layer = nn.Linear(inputs, outputs)
    show(
        f"weight {tuple(layer.weight.shape)}",
        layer.weight,
        "bias",
        layer.bias,
    )
    x = torch.arange(1.0, inputs + 1).view(1, inputs)
    by_hand = x @ layer.weight.T + layer.bias
    show("x", x, "layer(x)", layer(x), "by hand", by_hand)


@example(
    "Activation functions",
    Choice(
        "name",
        "function",
        "torch.relu",
        ("torch.relu", "F.gelu", "torch.sigmoid", "torch.tanh", "nn.relu"),
    ),
    Number("reach", "from −x to x", 5, 1, 10),
    said="the ReLU function (nn.relu) is used almost exclusively as the activation function",
    today="ReLU is a good first choice and no longer almost the only one: BERT (Devlin et al., 2019) has GELU, and "
    "LLaMA (Touvron et al., 2023) a relative of SiLU. nn.ReLU() is a layer, F.relu and torch.relu are functions; "
    "nn.relu does not exist.",
    mistakes=[
        ErrorLesson(
            "has no attribute 'relu'",
            "Names in nn are classes and start with a capital: nn.ReLU() makes a layer. The function is F.relu.",
        )
    ],
)
def activations(show, name, reach):
    """Without a bend between them, two Linear layers are one. ReLU is the simplest bend and GELU a smooth one
    of its kind; a sigmoid flattens out, and where it is flat its slope, and so the gradient, is nearly 0.
    """
    x = torch.linspace(-reach, reach, 121, requires_grad=True)
    if name == "torch.relu":
        y = torch.relu(x)
    elif name == "F.gelu":
        y = F.gelu(x)
    elif name == "torch.sigmoid":
        y = torch.sigmoid(x)
    elif name == "torch.tanh":
        y = torch.tanh(x)
    else:
        y = nn.relu(x)
    y.sum().backward()
    show(curves({name: y, "its slope": x.grad}, at=x, x="x", y=""))


CHAPTER = Chapter(
    "Layers",
    (
        linear_layer,
        activations,
    ),
)
