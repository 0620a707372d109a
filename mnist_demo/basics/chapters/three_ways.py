"""One network written three ways, side by side, with the lines that do the same thing tied together.

`PARTS` says which lines belong together by fragments of their text; a test holds that each part exists in each form.
"""

# ruff: noqa: RET504 (learners' scripts: one step a line)
# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

import torch
import torch.nn.functional as F
from torch import nn, optim

from mnist_demo.basics.controls import Number, seed
from mnist_demo.basics.example import example
from mnist_demo.basics.pictures import table
from mnist_demo.basics.plots import curves

PANES = ("# 1 Module", "# 2 Functional", "# 3 Sequential", "# Same seed")
PARTS = {
    "flatten": (
        "nn.Flatten()",
        "self.flatten(x)",
        "x.view(x.shape[0], -1)",
    ),
    "hidden layer": ("nn.Linear(784, hidden)", "self.hidden(x)"),
    "activation": ("nn.ReLU()", "self.activation(x)", "F.relu("),
    "output layer": ("nn.Linear(hidden, 10)", "self.output(x)"),
}


@example(
    "Three ways, one network",
    Number("hidden", "hidden units", 32, 1, 128),
    Number("steps", "training steps", 40, 1, 60),
    seed(),
    uses=["digits"],
    panes=PANES,
    parts=PARTS,
)
def three_ways(show, hidden, steps, seed, digits):
    """Module, functional and Sequential are three spellings of the same computation. Point at a
    part to see its lines in all three; below, the same seed gives the same outputs and the same
    training, bit for bit.
    """

    # 1 Module
    class ModuleForm(nn.Module):
        def __init__(self):
            super().__init__()
            self.flatten = nn.Flatten()
            self.hidden = nn.Linear(784, hidden)
            self.activation = nn.ReLU()
            self.output = nn.Linear(hidden, 10)

        def forward(self, x):
            x = self.flatten(x)
            x = self.hidden(x)
            x = self.activation(x)
            x = self.output(x)
            return x

    # 2 Functional
    class FunctionalForm(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Linear(784, hidden)
            self.output = nn.Linear(hidden, 10)

        def forward(self, x):
            x = x.view(x.shape[0], -1)
            x = F.relu(self.hidden(x))
            x = self.output(x)
            return x

    # 3 Sequential
    def sequential_form():
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 10),
        )

    # Same seed, same outputs, same training
    images, labels = digits
    losses, finals, rows = {}, [], []
    for make in (ModuleForm, FunctionalForm, sequential_form):
        torch.manual_seed(seed)
        model = make()
        first = model(images[:1])[0, :3].tolist()
        optimizer = optim.SGD(model.parameters(), lr=0.03)
        trace = []
        for step in range(steps):
            batch = slice(64 * step, 64 * step + 64)
            loss = F.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            trace.append(loss.item())
        losses[make.__name__] = trace
        finals.append(torch.cat([p.flatten() for p in model.parameters()]))
        shown = [f"{x:+.4f}" for x in first]
        rows.append([make.__name__, *shown, f"{trace[-1]:.6f}"])
    header = ["form", "logit 0", "logit 1", "logit 2", "last loss"]
    show(table(rows, header))
    difference = max((w - finals[0]).abs().max().item() for w in finals)
    show(f"largest difference between trained weights: {difference}")
    show(curves(losses))
