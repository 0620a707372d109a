"""Chapter "From scores to answers": softmax and where it overflows, log-softmax, topk, accuracy and its trap."""

# ruff: noqa: SIM108 (learners' scripts: one step a line)
# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

import torch
import torch.nn.functional as F

from mnist_demo.basics.controls import Choice, Number, seed
from mnist_demo.basics.example import Chapter, ErrorLesson, example
from mnist_demo.basics.pictures import bars
from mnist_demo.basics.plots import curves


@example(
    "Softmax by hand",
    Number("scale", "size of the scores", 2, 1, 200),
    Choice(
        "version",
        "version",
        "the notes'",
        ("the notes'", "minus the maximum", "torch.softmax"),
    ),
    seed(),
    said="return torch.exp(x)/torch.sum(torch.exp(x), dim=1).view(-1, 1)",
    today="In float32 exp(89) is already infinite, and inf/inf is NaN. Subtract the largest score first, "
    "or let torch.softmax do so.",
)
def softmax_by_hand(show, scale, version, seed):
    """Softmax turns scores into positive numbers with sum 1: e to the power of each, divided by
    their sum. Make the scores large and watch the notes' version break: the answer is the same
    without the largest score, but the powers no longer overflow.
    """

    def softmax(x):
        return torch.exp(x) / torch.sum(torch.exp(x), dim=1).view(-1, 1)

    torch.manual_seed(seed)
    x = scale * torch.randn(1, 6)  # (N, classes)
    if version == "the notes'":
        probabilities = softmax(x)
    elif version == "minus the maximum":
        probabilities = softmax(x - x.max(dim=1, keepdim=True).values)
    else:
        probabilities = torch.softmax(x, dim=1)
    show("scores x", x, "exp(x)", torch.exp(x))
    show(
        bars(
            {f"class {i}": p.item() for i, p in enumerate(probabilities[0])},
            highest=1,
        )
    )
    show(f"sum {probabilities.sum().item():.4f}")


@example(
    "Which dimension? dim=1",
    Choice("dim", "dim", "1", ("0", "1", "2")),
    seed(),
    mistakes=[
        ErrorLesson(
            "Dimension out of range",
            "The scores have two sizes, (N, classes): dim 0 is the batch, 1 the classes.",
        )
    ],
)
def softmax_dim(show, dim, seed):
    """`dim=1` says: the numbers of one row compete. With dim=0 the images of a batch would compete
    with each other, and the rows no longer sum to 1.
    """
    torch.manual_seed(seed)
    logits = torch.randn(3, 5)  # (N, classes)
    probabilities = torch.softmax(logits, dim=int(dim))
    show("logits (3, 5)", logits)
    show(f"softmax over dim={dim}", probabilities)
    show(
        "sum of each row",
        probabilities.sum(dim=1),
        "of each column",
        probabilities.sum(dim=0),
    )


@example(
    "exp undoes log-softmax",
    Number("gap", "lead of the first score", 5, 0, 200),
)
def exp_of_log_softmax(show, gap):
    """If a network ends in LogSoftmax, `torch.exp` of its output are the probabilities. Why logs at
    all? At a lead of 104 the second probability is 0 in float32 and its log would be −∞; log-softmax
    still knows it.
    """
    logits = torch.tensor([[float(gap), 0.0, -1.0]])
    log_probabilities = F.log_softmax(logits, dim=1)
    probabilities = torch.exp(log_probabilities)
    show("log-softmax", log_probabilities, "exp of it", probabilities)
    show(
        "log of softmax, in two steps",
        torch.log(torch.softmax(logits, dim=1)),
    )
    lead = torch.linspace(0, 200, 101)
    pairs = torch.stack([lead, torch.zeros(101)], dim=1)
    two_steps = torch.log(torch.softmax(pairs, dim=1))[:, 1]
    lines = {
        "F.log_softmax": F.log_softmax(pairs, dim=1)[:, 1],
        "log(softmax)": two_steps,
    }
    show(
        curves(
            lines,
            at=lead,
            x="lead",
            y="log of the second",
            marks={"": float(gap)},
        )
    )


@example(
    "The most likely class: topk",
    Number("k", "k", 2, 1, 11),
    Number("images", "images", 4, 1, 8),
    seed(),
    mistakes=[
        ErrorLesson(
            "selected index k out of range",
            "There are ten classes, so k is at most 10.",
        )
    ],
)
def topk(show, k, images, seed):
    """`topk(1, dim=1)` gives the largest probability of each row and its index, the class. Both keep
    a column for each of the k: their shape is (N, k), which matters in the next example.
    """
    torch.manual_seed(seed)
    probabilities = torch.softmax(2 * torch.randn(images, 10), dim=1)
    show(f"probabilities {tuple(probabilities.shape)}", probabilities)
    top_p, top_class = probabilities.topk(k, dim=1)
    show(
        f"top_p {tuple(top_p.shape)}",
        top_p,
        f"top_class {tuple(top_class.shape)}",
        top_class,
    )


@example(
    "Accuracy and its shape trap",
    Choice(
        "comparison",
        "comparison",
        "top_class == labels.view(*top_class.shape)",
        (
            "top_class == labels.view(*top_class.shape)",
            "top_class == labels",
        ),
    ),
    Number("n", "images", 8, 2, 12),
    seed(1),
)
def accuracy(show, comparison, n, seed):
    """Compare classes with labels and take the mean. `top_class` is (N, 1) and `labels` (N,): without
    the view they are stretched to N×N, every prediction meets every label, and the mean is a
    wrong number without any error.
    """
    torch.manual_seed(seed)
    labels = torch.randint(0, 10, (n,))
    probabilities = torch.softmax(
        3 * F.one_hot(labels, 10) + 2 * torch.randn(n, 10), dim=1
    )
    _, top_class = probabilities.topk(1, dim=1)
    show(
        f"top_class {tuple(top_class.shape)}",
        top_class.view(1, -1),
        f"labels {tuple(labels.shape)}",
        labels,
    )
    if comparison == "top_class == labels":
        equals = top_class == labels
    else:
        equals = top_class == labels.view(*top_class.shape)
    accuracy = equals.numpy().mean()
    show(
        f"equals {tuple(equals.shape)}",
        equals.int() if equals.shape[1] > 1 else equals.int().T,
    )
    show(f"accuracy {accuracy:.3f}")
    if equals.shape[1] > 1:
        right = (top_class.squeeze(1) == labels).float().mean()
        show(f"counted one by one it is {right:.3f}")


CHAPTER = Chapter(
    "From scores to answers",
    (softmax_by_hand, softmax_dim, exp_of_log_softmax, topk, accuracy),
)

__all__ = ["CHAPTER"]
