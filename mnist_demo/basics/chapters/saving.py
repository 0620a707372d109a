"""Chapter "Saving": state dicts, loading them, and what happens when the architecture differs."""

# ruff: noqa: SIM108 (learners' scripts: one step a line)
# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

import tempfile
from pathlib import Path

import torch
from torch import nn

from mnist_demo.basics.controls import Choice, Number, seed
from mnist_demo.basics.example import Chapter, ErrorLesson, example
from mnist_demo.basics.pictures import table


@example("Save a model", Number("hidden", "hidden units", 32, 1, 256), seed())
def save(show, hidden, seed):
    """`state_dict()` is a dictionary from names to tensors: the weights, and nothing about the
    architecture. Saving it, instead of the model object, keeps the file free of code.
    """
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.pth")
        torch.save(model.state_dict(), path)
        size = path.stat().st_size
    rows = [
        [key, tuple(value.shape)] for key, value in model.state_dict().items()
    ]
    show(table(rows, header=["key", "shape"]))
    numbers = sum(value.numel() for value in model.state_dict().values())
    show(f"{size:,} bytes for {numbers:,} numbers of 4 bytes")


@example(
    "Load a model",
    Number("hidden", "hidden units of the saved model", 32, 1, 64),
    Number("new_hidden", "hidden units of the new model", 32, 1, 64),
    Choice(
        "names",
        "layers of the new model",
        "as saved",
        ("as saved", "one more", "named", "sigmoid for relu"),
    ),
    said="Loading the state dict works only if the model architecture is exactly the same",
    today="What must agree are the names and the shapes of the tensors. Nothing checks the rest: with another "
    "activation, another dropout or another order of calls the file loads without a word, and the "
    "network answers differently.",
    mistakes=[
        ErrorLesson(
            "size mismatch",
            "The checkpoint holds tensors of other shapes: build the model with the sizes it was saved with. "
            "Save these sizes beside the weights, as this app does.",
        ),
        ErrorLesson(
            r"Missing key\(s\)",
            "The names of the layers differ: the message lists the keys that the file lacks, and those of the "
            "file that the new model lacks.",
        ),
    ],
)
def load(show, hidden, new_hidden, names):
    """`load_state_dict` compares every key and every shape, and names all that differ. It knows no more
    of the architecture: choose sigmoid for relu, which loads silently into another network.
    """
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.pth")
        torch.save(model.state_dict(), path)
        state_dict = torch.load(path)

    layers = [
        nn.Linear(784, new_hidden),
        nn.Sigmoid() if names == "sigmoid for relu" else nn.ReLU(),
        nn.Linear(new_hidden, 10),
    ]
    if names == "one more":
        layers += [nn.ReLU(), nn.Linear(10, 10)]
    new_model = nn.Sequential(*layers)
    if names == "named":
        new_model = nn.ModuleDict({"hidden": layers[0], "output": layers[2]})
    result = new_model.load_state_dict(state_dict)
    show(str(result))
    x = torch.rand(1, 784)
    show("saved model", model(x).view(-1), "new model", new_model(x).view(-1))
    show(f"equal: {torch.equal(model(x), new_model(x))}")


@example(
    "torch.load and its defaults",
    Choice(
        "content",
        "saved",
        "model.state_dict()",
        ("model.state_dict()", "model"),
    ),
    Choice(
        "call",
        "call",
        "torch.load(path)",
        ("torch.load(path)", 'map_location="meta"'),
    ),
    said="state_dict = torch.load('checkpoint.pth')",
    today="Since 2.6 torch.load defaults to weights_only=True: tensors and plain containers only. Before, a "
    'file could run code when loaded. Add map_location="cpu" for files saved on a GPU.',
    mistakes=[
        ErrorLesson(
            "Weights only load failed",
            "A whole model is pickled Python, and unpickling can run any code. Save the state_dict; never set "
            "weights_only=False for a file you did not make.",
        )
    ],
)
def load_defaults(show, content, call):
    """A .pth file is a pickle, and a pickle can hold a program. Today `torch.load` refuses anything
    but tensors and plain containers, unless told otherwise. Save the whole model to meet the refusal.
    """
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.pth")
        torch.save(model if content == "model" else model.state_dict(), path)
        if call == "torch.load(path)":
            state_dict = torch.load(path)
        else:
            state_dict = torch.load(
                path, map_location="meta"
            )  # shapes without numbers
    rows = [
        [key, tuple(value.shape), value.device]
        for key, value in state_dict.items()
    ]
    show(table(rows, header=["key", "shape", "device"]))


CHAPTER = Chapter("Saving", (save, load, load_defaults))
