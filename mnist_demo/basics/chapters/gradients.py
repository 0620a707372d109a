"""Chapter "Gradients": backward, and no_grad where none are wanted."""


# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

import time

import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.basics.controls import Number, Switch, seed
from mnist_demo.basics.example import Chapter, ErrorLesson, example
from mnist_demo.basics.pictures import bars, heat, table


@example(
    "Backpropagation: loss.backward()",
    Number("n", "images in the batch", 64, 1, 256),
    Switch("twice", "call backward twice", False),
    seed(),
    uses=["digits"],
    mistakes=[
        ErrorLesson(
            "backward through the graph a second time",
            "The values kept for backward are freed after it. Compute the loss again (each step of a "
            "training loop does), or pass retain_graph=True.",
        )
    ],
)
def backward(show, n, twice, seed, digits):
    """Backpropagation computes, for every weight and bias, how the loss changes with it, layer by
    layer from the end. `loss.backward()` stores the answer in `.grad`, which is None before.
    """
    torch.manual_seed(seed)
    images, labels = digits[0][:n], digits[1][:n]
    model = nn.Sequential(nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 10))
    loss = F.cross_entropy(model(images), labels)
    show(f"before backward the gradient is {model[0].weight.grad}")
    loss.backward()
    if twice:
        loss.backward()
    gradient = model[0].weight.grad  # (16, 784), as the weight
    units = gradient[:4].view(4, 28, 28)
    show("gradient of the first layer, units 0 to 3", heat(units, cell=3))
    show("gradient of the output's bias", model[2].bias.grad)
    sizes = {
        name: p.grad.norm().item() for name, p in model.named_parameters()
    }
    show("size (norm) of each gradient", bars(sizes))


@example(
    "no_grad: memory and time",
    Number("n", "images", 1000, 100, 2000),
    Number("layers", "hidden layers", 6, 1, 8),
    uses=["digits"],
    is_measured=True,
    said="Turn off gradients for a block of code to speed it up",
    today="torch.inference_mode() is today's stricter form: its tensors can never enter a graph later. Either saves "
    "memory above all; how much time it saves is measured below.",
)
def no_grad(show, n, layers, digits):
    """To compute gradients later, PyTorch keeps what every layer put out. Inside `torch.no_grad()`
    it keeps nothing: measured here are the bytes held for backward, and the time.
    """
    images = digits[0][:n]
    parts = [nn.Linear(784, 64), nn.ReLU()]
    for _ in range(layers - 1):
        parts += [nn.Linear(64, 64), nn.ReLU()]
    model = nn.Sequential(*parts)
    kept = {}

    def remember(tensor):
        kept[tensor.data_ptr()] = tensor.nbytes  # each memory block once
        return tensor

    def measure():
        kept.clear()
        start = time.perf_counter()
        with torch.autograd.graph.saved_tensors_hooks(
            remember, lambda tensor: tensor
        ):
            output = model(images)
        seconds = time.perf_counter() - start
        return (
            output.requires_grad,
            sum(kept.values()) / 1e6,
            1000 * seconds,
        )

    measure()  # the first call is slower: warm up
    rows = [["with gradients", *measure()]]
    with torch.no_grad():
        rows.append(["with torch.no_grad():", *measure()])
    with torch.inference_mode():
        rows.append(["with torch.inference_mode():", *measure()])
    show(table(rows, header=["", "requires_grad", "MB kept", "ms"]))
    show("MB kept for backward", bars({row[0]: row[2] for row in rows}))


CHAPTER = Chapter(
    "Gradients",
    (
        backward,
        no_grad,
    ),
)
