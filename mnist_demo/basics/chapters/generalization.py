"""Chapter "Generalization": a validation split, overfitting, early stopping, dropout, eval and train."""

# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

import copy
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import TensorDataset, random_split

from mnist_demo.basics.controls import Choice, Number, Switch, Value, seed
from mnist_demo.basics.example import Chapter, example
from mnist_demo.basics.pictures import bars, pictures, table
from mnist_demo.basics.plots import curves


def overfitting_knobs(values: Mapping[str, Value]) -> dict[str, object]:
    """A network and few enough images that it learns them by heart."""
    return {"train_size": 1000, "epochs": 40, "seed": values["seed"]}


def patience_knobs(values: Mapping[str, Value]) -> dict[str, object]:
    """The same, stopped early; there patience counts evaluations, here steps."""
    return overfitting_knobs(values) | {"patience": 5}


def mode_knobs(values: Mapping[str, Value]) -> dict[str, object]:
    """A dropout network, with eval() forgotten where the example leaves it out."""
    mistake = "no_eval" if values["mode"] == "train()" else "none"
    return {"dropout": values["p"], "mistake": mistake}


@example(
    "A validation split",
    Number("val_size", "images for validation", 200, 10, 900),
    seed(),
    uses=["digits"],
    said="Only a training set is loaded, yet the lowest validation loss is the aim.",
    today="Split the training images and never train on the second part. The 10,000 test images are for the very end.",
)
def validation_split(show, val_size, seed, digits):
    """The aim is the lowest loss on images the network has not seen, so some must be kept aside.
    `random_split` divides a dataset at random; with a seeded generator the division is the same
    every time.
    """
    dataset = TensorDataset(digits[0][:1000], digits[1][:1000])
    generator = torch.Generator().manual_seed(seed)
    train_part, val_part = random_split(
        dataset, [1000 - val_size, val_size], generator
    )
    show(f"{len(train_part)} to train on, {len(val_part)} to validate on")
    show(
        "in both: "
        + str(len(set(train_part.indices) & set(val_part.indices)))
    )
    for name, part in (("train", train_part), ("validation", val_part)):
        pixels, labels = part[:10]
        show(name, pictures(pixels.view(-1, 28, 28), labels.tolist(), 42))


@example(
    "Overfitting",
    Number("train_size", "training images", 60, 10, 200),
    Number("hidden", "hidden units", 24, 1, 48),
    Number("steps", "steps", 60, 1, 80),
    seed(),
    uses=["digits"],
    knobs=overfitting_knobs,
)
def overfitting(show, train_size, hidden, steps, seed, digits):
    """Trained on few images the network learns them by heart: the training loss falls far below the
    validation loss, which turns and rises again. More images narrow the gap.
    """
    torch.manual_seed(seed)
    images, labels = digits[0][:train_size], digits[1][:train_size]
    val_images, val_labels = digits[0][2000:2200], digits[1][2000:2200]
    model = nn.Sequential(
        nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10)
    )
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    train_losses, val_losses = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        train_losses.append(loss.item())
        with torch.no_grad():
            val_losses.append(
                F.cross_entropy(model(val_images), val_labels).item()
            )
    best = min(range(steps), key=lambda step: val_losses[step])
    lines = {"training": train_losses, "validation": val_losses}
    show(curves(lines, marks={"lowest validation loss": best}))
    show(f"at the end: {train_losses[-1]:.3f} and {val_losses[-1]:.3f}")


@example(
    "Save often, choose later: early stopping",
    Number("patience", "patience (steps)", 10, 1, 60),
    Number("train_size", "training images", 60, 10, 200),
    seed(),
    uses=["digits"],
    knobs=patience_knobs,
)
def early_stopping(show, patience, train_size, seed, digits):
    """Keep a copy of the weights whenever the validation loss is the lowest so far, stop when it has
    not improved for a while, and load the copy. Copy them: `state_dict()` alone hands out the live
    tensors, which go on changing.
    """
    torch.manual_seed(seed)
    images, labels = digits[0][:train_size], digits[1][:train_size]
    val_images, val_labels = digits[0][2000:2200], digits[1][2000:2200]
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    best_loss, best_step, best_weights = float("inf"), 0, None
    val_losses = []
    for step in range(60):
        with torch.no_grad():
            val_loss = F.cross_entropy(model(val_images), val_labels).item()
        val_losses.append(val_loss)
        if val_loss < best_loss:
            best_loss, best_step = val_loss, step
            best_weights = copy.deepcopy(model.state_dict())
        elif step - best_step >= patience:
            break
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
    model.load_state_dict(best_weights)
    show(
        curves(
            {"validation loss": val_losses},
            marks={"kept": best_step, "stopped": step},
        )
    )
    again = F.cross_entropy(model(val_images), val_labels)
    show(f"loaded the weights of step {best_step}, loss {again:.3f}")


@example(
    "Dropout: masks and scaling",
    Number("p", "p", 0.2, 0, 1, 0.1),
    Choice("mode", "mode", "train()", ("train()", "eval()")),
    seed(),
    said="The most common method to reduce overfitting (outside of early-stopping) is dropout.",
    today="Augmentation, weight decay and simply more images hold it back too, and ResNets (He et al., 2015) train "
    "without dropout. Here, with 1,000 images, moving them a little lowers the validation loss further than dropout "
    "does: compare the lessons Dropout and Augmentation.",
)
def dropout(show, p, mode, seed):
    """In training each value is set to 0 with probability p, anew for each image, and the others are
    divided by 1 − p, so that the sum stays the same on average. In eval mode dropout does nothing.
    """
    torch.manual_seed(seed)
    layer = nn.Dropout(p=p)
    if mode == "train()":
        layer.train()
    else:
        layer.eval()
    x = torch.ones(6, 10)  # six images, ten hidden units
    y = layer(x)
    show("dropout(ones)", y)
    show(f"kept {(y != 0).float().mean():.0%}, mean {y.mean():.3f}")
    many = layer(torch.ones(1000, 100))
    show(
        f"of 100,000: kept {(many != 0).float().mean():.1%}, mean {many.mean():.3f}"
    )


@example(
    "model.eval() and model.train()",
    Choice("mode", "mode", "train()", ("train()", "eval()")),
    Number("p", "dropout p", 0.5, 0, 0.9, 0.1),
    Number("index", "image", 2007, 2000, 2999),
    uses=["digits"],
    knobs=mode_knobs,
)
def eval_and_train(show, mode, p, index, digits):
    """A model has two modes. Forgetting `model.eval()` leaves dropout on while predicting, and
    the same image gets a different answer each time. Twenty predictions of one image tell.
    """
    torch.manual_seed(0)
    pixels, labels = digits
    model = nn.Sequential(
        nn.Linear(784, 32), nn.ReLU(), nn.Dropout(p=p), nn.Linear(32, 10)
    )
    optimizer = optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    for step in range(40):
        batch = slice(64 * step, 64 * step + 64)
        optimizer.zero_grad()
        F.cross_entropy(model(pixels[batch]), labels[batch]).backward()
        optimizer.step()
    if mode == "train()":
        model.train()
    else:
        model.eval()
    with torch.no_grad():
        twenty = torch.softmax(model(pixels[index].repeat(20, 1)), dim=1)
    picture = pictures(pixels[index].view(28, 28), size=70)
    show(f"label {labels[index]}", picture)
    answers = twenty.argmax(dim=1)
    show("twenty answers: " + " ".join(str(a) for a in answers.tolist()))
    low, mean, high = twenty.amin(0), twenty.mean(0), twenty.amax(0)
    bar = bars({str(d): mean[d].item() for d in range(10)}, highest=1)
    show("mean probability of each digit", bar)
    show("lowest of the twenty", low, "highest", high)


@example(
    "Predicting: eval() and no_grad() are two things",
    Switch("eval_mode", "model.eval()", True),
    Switch("without_gradients", "torch.no_grad()", True),
    uses=["digits"],
)
def predicting(show, eval_mode, without_gradients, digits):
    """`eval()` changes what layers compute (dropout off, batch norm by its averages), `no_grad()` changes what
    PyTorch remembers. Neither does the other's work: for validation, testing and predicting use both.
    """
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(784, 32), nn.ReLU(), nn.Dropout(p=0.5), nn.Linear(32, 10)
    )
    if eval_mode:
        model.eval()
    with torch.set_grad_enabled(
        not without_gradients
    ):  # no_grad() when False
        first, second = model(digits[0][:1]), model(digits[0][:1])
    rows = [
        ["the same answer twice", torch.equal(first, second)],
        ["a graph is kept for backward", first.requires_grad],
        ["model.training", model.training],
    ]
    show(table(rows))
    show("first", first.view(-1), "second", second.view(-1))


CHAPTER = Chapter(
    "Generalization",
    (
        validation_split,
        overfitting,
        early_stopping,
        dropout,
        eval_and_train,
        predicting,
    ),
)
