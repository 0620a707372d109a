"""Chapter "Optimizers": the learning rate, SGD and Adam, zero_grad."""

# ruff: noqa: SIM108 (learners' scripts: one step a line)
# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn, optim

from mnist_demo.basics.controls import Choice, Number, Value, seed
from mnist_demo.basics.example import Chapter, example
from mnist_demo.basics.plots import curves, landscape


@example(
    "The learning rate",
    Choice(
        "lr",
        "learning rate",
        "0.1",
        ("0.001", "0.01", "0.1", "0.5", "0.9", "1.0", "1.05"),
    ),
    Number("steps", "steps", 20, 1, 40),
    said="lr … (default: 1.0)",
    today="SGD and Adam both default to 1e-3 in today's PyTorch, and which one works depends on the loss and the "
    "optimizer: always set it.",
)
def learning_rate(show, lr, steps):
    """Each step moves a weight against its gradient, times the learning rate. Small steps settle in
    the minimum slowly, large ones jump across it, and here above 1.0 every jump lands higher than
    the last.
    """
    w = torch.tensor([2.5], requires_grad=True)
    optimizer = optim.SGD([w], lr=float(lr))
    path, losses = [], []
    for _ in range(steps):
        loss = (w**2).sum()  # a valley with its minimum at 0
        path.append(w.item())
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    across = torch.linspace(-3, 3, 81)
    dots = (
        [x for x in path if abs(x) <= 3],
        [x**2 for x in path if abs(x) <= 3],
    )
    show(curves({"loss": across**2}, at=across, x="weight", points=dots))
    show(curves({"loss after each step": losses}))
    show("default of SGD: lr = " + str(optim.SGD([w]).defaults["lr"]))
    show("default of Adam: lr = " + str(optim.Adam([w]).defaults["lr"]))


@example(
    "One step of SGD",
    Choice("lr", "learning rate", "0.01", ("0.001", "0.01", "0.1", "1.0")),
    Choice(
        "call",
        "call",
        "optimizer.step()",
        ("optimizer.step()", "by hand", "nothing"),
    ),
    seed(),
    uses=["digits"],
)
def sgd_step(show, lr, call, seed, digits):
    """`optimizer.step()` updates every weight it was given: weight − lr × gradient. Written by hand
    it does the same. On the same batch the loss should now be lower; at 1.0 it need not be.
    """
    torch.manual_seed(seed)
    images, labels = digits[0][:64], digits[1][:64]
    model = nn.Linear(784, 10)
    optimizer = optim.SGD(model.parameters(), lr=float(lr))
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    before = model.bias.detach().clone()
    if call == "optimizer.step()":
        optimizer.step()
    elif call == "by hand":
        with torch.no_grad():
            for p in model.parameters():
                p -= float(lr) * p.grad
    show("bias before", before)
    show("its gradient", model.bias.grad)
    show("bias after", model.bias)
    after = F.cross_entropy(model(images), labels)
    show(f"loss before {loss:.4f}, after {after:.4f}")


@example(
    "SGD and Adam on the same slope",
    Choice("lr", "learning rate", "0.2", ("0.01", "0.05", "0.1", "0.2")),
    Number("steepness", "steepness of one side", 9, 1, 12),
    Number("momentum", "momentum of SGD", 0, 0, 0.9, 0.1),
)
def sgd_and_adam(show, lr, steepness, momentum):
    """The loss is a long valley, steep one way and flat the other. SGD's step is proportional to the
    slope, so it zigzags across and creeps along; Adam scales each weight's step by its recent
    slopes and goes about as fast in both. Momentum helps SGD along.
    """

    def height(x, y):
        return 0.5 * x**2 + 0.5 * steepness * y**2

    paths, losses = {}, {}
    for name in ("SGD", "Adam"):
        w = torch.tensor([-2.6, 1.8], requires_grad=True)
        if name == "SGD":
            optimizer = optim.SGD([w], lr=float(lr), momentum=momentum)
        else:
            optimizer = optim.Adam([w], lr=float(lr))
        paths[name], losses[name] = [tuple(w.tolist())], []
        for _ in range(40):
            optimizer.zero_grad()
            loss = height(w[0], w[1])
            loss.backward()
            optimizer.step()
            paths[name].append(tuple(w.tolist()))
            losses[name].append(min(loss.item(), 25.0))
    show(landscape(height, paths))
    show(curves(losses))


def zero_grad_knobs(values: Mapping[str, Value]) -> dict[str, object]:
    """A run with SGD, with zero_grad forgotten where the example never calls it."""
    mistake = "no_zero_grad" if values["place"] == "never" else "none"
    return {"optimizer": "sgd", "learning_rate": 0.1, "mistake": mistake}


@example(
    "zero_grad, and its place in the loop",
    Choice(
        "place",
        "zero_grad is called",
        "before backward",
        (
            "before backward",
            "after step",
            "between backward and step",
            "never",
        ),
    ),
    Number("steps", "steps", 30, 1, 40),
    seed(),
    uses=["digits"],
    said="optimizer.zero_grad() comes last, after step, on its own.",
    today="Anywhere after step and before the next backward. Put it at the start of each step, "
    "so that no older gradient can slip in.",
    knobs=zero_grad_knobs,
)
def zero_grad(show, place, steps, seed, digits):
    """`backward` adds to `.grad`, it does not replace it. So every step must clear it: never
    clearing mixes in all older batches, clearing between backward and step throws the new gradient
    away and nothing is learned.
    """
    torch.manual_seed(seed)
    images, labels = digits
    model = nn.Linear(784, 10)
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    losses, sizes = [], []
    for step in range(steps):
        batch = slice(64 * step, 64 * step + 64)
        loss = F.cross_entropy(model(images[batch]), labels[batch])
        if place == "before backward":
            optimizer.zero_grad()
        loss.backward()
        sizes.append(model.weight.grad.norm().item())
        if place == "between backward and step":
            optimizer.zero_grad()
        optimizer.step()
        if place == "after step":
            optimizer.zero_grad()
        losses.append(loss.item())
    show(
        curves({"loss": losses}),
        curves({"size of the gradient": sizes}, y="norm"),
    )
    show(f"last loss {losses[-1]:.3f} (random guessing: 2.303)")


CHAPTER = Chapter(
    "Optimizers",
    (
        learning_rate,
        sgd_step,
        sgd_and_adam,
        zero_grad,
    ),
)
