"""Chapter "Training": the three ingredients, epochs, a function fitted to a curve, and the whole loop assembled."""

# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

from mnist_demo.basics.controls import Choice, Number, Value, seed
from mnist_demo.basics.example import Chapter, example
from mnist_demo.basics.pictures import pictures
from mnist_demo.basics.plots import curves


@example(
    "A universal function approximator",
    Choice("curve", "curve", "sine", ("sine", "step", "noise", "|x|")),
    Number("hidden", "hidden units", 16, 1, 64),
    Choice("activation", "activation", "Tanh", ("Tanh", "ReLU", "none")),
    Number("steps", "training steps", 100, 0, 150),
    seed(),
)
def universal_approximator(show, curve, hidden, activation, steps, seed):
    """With enough hidden units one hidden layer can come as close as you like to any continuous
    curve (Leshno et al., 1993; that such weights exist does not say training finds them). With no activation it
    stays a straight line however many units it has.
    """
    torch.manual_seed(seed)
    x = torch.linspace(-1, 1, 80).view(-1, 1)
    shapes = {
        "sine": torch.sin(5 * x),
        "step": (x > 0).float(),
        "|x|": x.abs(),
    }
    y = shapes.get(curve, torch.randn(80, 1).cumsum(0) / 6)
    bend = {"Tanh": nn.Tanh(), "ReLU": nn.ReLU(), "none": nn.Identity()}[
        activation
    ]
    model = nn.Sequential(nn.Linear(1, hidden), bend, nn.Linear(hidden, 1))
    model[0].weight.data *= 4  # spread the bends over the whole range
    optimizer = optim.Adam(model.parameters(), lr=0.03)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    low, high = y.min().item() - 0.4, y.max().item() + 0.4
    fit = {"network": model(x).clamp(low, high)}
    show(curves(fit, at=x, x="x", y="y", points=(x, y), y_range=(low, high)))
    show(f"mean squared error {F.mse_loss(model(x), y):.5f}")


def optimizer_knobs(values: Mapping[str, Value]) -> dict[str, object]:
    """The small network of the example with its optimizer."""
    return {
        "hidden_sizes": [32],
        "optimizer": str(values["optimizer_name"]).lower(),
        "learning_rate": float(values["lr"]),
        "seed": values["seed"],
    }


@example(
    "Model, loss criterion, optimizer",
    Choice("optimizer_name", "optimizer", "SGD", ("SGD", "Adam")),
    Choice("lr", "learning rate", "0.01", ("0.001", "0.01", "0.1")),
    Number("steps", "steps", 40, 1, 60),
    seed(),
    uses=["digits"],
    knobs=optimizer_knobs,
)
def three_ingredients(show, optimizer_name, lr, steps, seed, digits):
    """To train you define three things: a model that answers, a criterion that says how wrong it
    is, and an optimizer that knows the model's weights and changes them. Each step: forward, loss,
    backward, step.
    """
    torch.manual_seed(seed)
    images, labels = digits
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    criterion = nn.CrossEntropyLoss()
    if optimizer_name == "SGD":
        optimizer = optim.SGD(model.parameters(), lr=float(lr))
    else:
        optimizer = optim.Adam(model.parameters(), lr=float(lr))
    losses = []
    for step in range(steps):
        batch = slice(64 * step, 64 * step + 64)
        optimizer.zero_grad()
        loss = criterion(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    show(curves({"loss": losses}, marks={"": steps - 1}))
    show(f"loss {losses[0]:.3f} → {losses[-1]:.3f}")


@example(
    "Epochs",
    Number("epochs", "epochs", 4, 1, 8),
    Number("size", "training images", 400, 50, 800),
    Choice("batch_size", "batch size", "64", ("16", "64", "256")),
    uses=["digits"],
)
def epochs(show, epochs, size, batch_size, digits):
    """One pass through the whole dataset is an epoch. How many steps that makes depends on the
    batch size; what the network learns depends on the steps.
    """
    torch.manual_seed(0)
    dataset = TensorDataset(digits[0][:size], digits[1][:size])
    loader = DataLoader(dataset, batch_size=int(batch_size), shuffle=True)
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    losses, ends = [], {}
    for epoch in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        ends[str(epoch + 1)] = len(losses)
    show(curves({"loss of each batch": losses}, marks=ends))
    show(f"{epochs} epochs of {len(loader)} steps = {len(losses)} steps")


def loop_knobs(values: Mapping[str, Value]) -> dict[str, object]:
    """The knobs of an Experiment that trains what the assembled loop trains."""
    return {
        "network": "mlp",
        "hidden_sizes": [values["hidden"]],
        "dropout": values["dropout"],
        "optimizer": "sgd",
        "learning_rate": float(values["lr"]),
        "train_size": 1000,
        "epochs": 40,
        "seed": values["seed"],
    }


@example(
    "From notes to run: the whole loop",
    Number("hidden", "hidden units", 32, 1, 128),
    Number("dropout", "dropout", 0.2, 0, 0.9, 0.1),
    Choice("lr", "learning rate", "0.1", ("0.001", "0.01", "0.1", "0.5")),
    Number("epochs", "epochs", 3, 1, 4),
    seed(),
    uses=["trainset"],
    said="The pieces stand alone; the loop that puts them in order is missing, and so is a validation split.",
    today="This is the loop: train mode and steps, then eval mode and no_grad on images it never learned from. Model "
    "and images are moved to one device, which the notes never name: the processor here, a GPU where there is one.",
    knobs=loop_knobs,
    program=["train"],
)
def whole_loop(show, hidden, dropout, lr, epochs, seed, trainset, train):
    """Everything above, assembled: the functions are those of the script that a run of the Train tab gives you.
    Here they run on 1,000 images for a few epochs; the button below opens the same network on the
    Train tab, where you can run it longer and against a second one.
    """
    torch.manual_seed(seed)
    device = torch.device("cpu")  # "cuda" or "mps" where there is one
    images, labels = trainset.data.to(device), trainset.targets.to(device)
    train_set = images[:1000], labels[:1000]
    val_set = images[1000:1500], labels[1000:1500]  # none of these is learned

    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, hidden),
        nn.ReLU(),
        nn.Dropout(p=dropout),
        nn.Linear(hidden, 10),
        # no softmax: cross_entropy has it inside
    ).to(device)
    optimizer = optim.SGD(model.parameters(), lr=float(lr))
    model, _ = train(model, optimizer, train_set, val_set, epochs, 64)

    model.eval()
    with torch.no_grad():
        answers = model(images[1000:1014, None] / 127.5 - 1).argmax(dim=1)
    show(
        "answers on validation images",
        pictures(images[1000:1014], answers.tolist(), 42),
    )


CHAPTER = Chapter(
    "Training",
    (universal_approximator, three_ingredients, epochs, whole_loop),
)
