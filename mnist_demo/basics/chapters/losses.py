"""Chapter "Losses": cross-entropy, negative log-likelihood, and which output goes with which loss."""

# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn, optim

from mnist_demo.basics.controls import Choice, Number, Value, seed
from mnist_demo.basics.example import Chapter, ErrorLesson, example
from mnist_demo.basics.pictures import table
from mnist_demo.basics.plots import curves


@example(
    "CrossEntropyLoss",
    Number("right", "score of the right class", 2.0, -10, 10, 0.5),
    Number("other", "score of the other nine", 0.0, -10, 10, 0.5),
)
def cross_entropy(show, right, other):
    """The loss of one image is −log of the probability given to the right class: 0 when sure and
    right, ln 10 ≈ 2.30 when all ten are equal, large when sure and wrong. It takes the plain
    scores: LogSoftmax and NLLLoss are inside.
    """
    logits = torch.full((1, 10), other)
    logits[0, 3] = right
    labels = torch.tensor([3])
    criterion = nn.CrossEntropyLoss()
    loss = criterion(logits, labels)
    by_hand = nn.NLLLoss()(nn.LogSoftmax(dim=1)(logits), labels)
    p = torch.softmax(logits, dim=1)[0, 3].item()
    show(f"probability of the right class: {p:.3f}")
    show(f"CrossEntropyLoss     {loss:.4f}")
    show(f"LogSoftmax + NLLLoss {by_hand:.4f}")
    show(f"-log(p)              {-math.log(p):.4f}")
    share = torch.linspace(0.005, 1, 100)
    lines = {"-log(p)": -share.log()}
    show(
        curves(
            lines,
            at=share,
            x="probability of the right class",
            y="loss",
            marks={"here": p},
        )
    )


def nll_knobs(values: Mapping[str, Value]) -> dict[str, object]:
    """A run whose loss gets what the example's network ends in."""
    mistakes = {"log_softmax": "none", "softmax": "nll_probabilities"}
    return {"mistake": mistakes.get(str(values["ending"]), "nll_logits")}


@example(
    "NLLLoss",
    Choice(
        "ending",
        "the network ends in",
        "log_softmax",
        ("log_softmax", "softmax", "nothing (logits)"),
    ),
    Number("right", "score of the right class", 3.0, 0, 50, 1.0),
    said="All three networks end in a softmax, and NLLLoss is offered as the criterion.",
    today="NLLLoss only picks out the number of the right class and changes its sign. It needs "
    "log-probabilities; a negative loss tells that it got something else.",
    knobs=nll_knobs,
)
def nll_loss(show, ending, right):
    """If the output is LogSoftmax, the loss is NLLLoss: minus the log-probability of the right class.
    It checks nothing, so the wrong ending gives a number too: −0.7 for probabilities, and for
    logits a loss without floor.
    """
    logits = torch.zeros(1, 10)
    logits[0, 3] = right
    labels = torch.tensor([3])
    if ending == "log_softmax":
        output = F.log_softmax(logits, dim=1)
    elif ending == "softmax":
        output = F.softmax(logits, dim=1)
    else:
        output = logits
    criterion = nn.NLLLoss()
    loss = criterion(output, labels)
    show(f"output of the network: {ending}", output)
    show(f"NLLLoss {loss:.4f}: column 3 with its sign changed")
    show(
        "Right: 0 is the floor."
        if loss >= 0
        else "A negative loss: this output is not log-probabilities."
    )


@example(
    "Outputs against losses: the truth table",
    Number("lead", "lead of the right class", 8, 0, 40),
    Number("steps", "training steps", 25, 5, 30),
    seed(),
    uses=["digits"],
    said="The networks end in a softmax, while CrossEntropyLoss is for networks with no activation at the end.",
    today="Only two pairs are meant: logits + CrossEntropyLoss and log_softmax + NLLLoss.",
)
def truth_table(show, lead, steps, seed, digits):
    """Three endings times two losses: the loss of a sure, right answer should approach 0. Softmax
    before CrossEntropyLoss can't get below 1.461; log_softmax before it is harmless, since a second
    one changes nothing. The last column trains a small network on 2,000 digits each way.
    """
    pairs = [
        ("logits", "CrossEntropy", "right"),
        ("softmax", "CrossEntropy", "wrong"),
        ("log_softmax", "CrossEntropy", "harmless"),
        ("logits", "NLL", "wrong"),
        ("softmax", "NLL", "wrong"),
        ("log_softmax", "NLL", "right"),
    ]
    endings = {"softmax": nn.Softmax(1), "log_softmax": nn.LogSoftmax(1)}
    images, labels = digits
    sure = torch.zeros(1, 10)
    sure[0, 3] = lead  # surely a 3
    rows = []
    for ending, loss_name, verdict in pairs:
        end = endings.get(ending, nn.Identity())
        criterion = F.nll_loss if loss_name == "NLL" else F.cross_entropy
        floor = criterion(end(sure), torch.tensor([3])).item()
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(784, 10), end)
        optimizer = optim.SGD(model.parameters(), lr=0.05)
        for _ in range(steps):
            batch = torch.randint(2000, (64,))
            loss = criterion(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        answers = model(images[2000:2500]).argmax(dim=1)
        right = (answers == labels[2000:2500]).float().mean()
        rows.append(
            [ending, loss_name, verdict, f"{floor:.3f}", f"{right:.0%}"]
        )
    header = ["output", "loss", "verdict", "if sure", "accuracy"]
    show(table(rows, header))

    leads = torch.linspace(0, 40, 81)
    scores = F.one_hot(torch.full((81,), 3), 10) * leads.view(-1, 1)
    target = torch.full((81,), 3)
    lines = {
        "logits": F.cross_entropy(scores, target, reduction="none"),
        "softmax": F.cross_entropy(
            scores.softmax(1), target, reduction="none"
        ),
    }
    show(
        "CrossEntropyLoss",
        curves(lines, at=leads, x="lead", marks={"": lead}),
    )


@example(
    "What a criterion takes",
    Choice(
        "labels_as",
        "labels",
        "classes, int64 (N,)",
        (
            "classes, int64 (N,)",
            "classes, float32 (N,)",
            "a column (N, 1)",
            "one-hot, float32 (N, 10)",
        ),
    ),
    seed(),
    mistakes=[
        ErrorLesson(
            "expected (scalar type|target dtype to be) Long",
            "Class numbers must be whole: labels.long() turns them into int64.",
        ),
        ErrorLesson(
            "multi-target not supported",
            "One number for each image: labels.squeeze(1).",
        ),
    ],
)
def criterion_inputs(show, labels_as, seed):
    """`criterion(model(images), labels)` wants scores (N, 10) and one class number for each image,
    as int64. One-hot rows work too, as probabilities. The others fail in words worth knowing.
    """
    torch.manual_seed(seed)
    logits = torch.randn(4, 10)  # model(images)
    labels = torch.tensor([3, 1, 4, 1])
    if labels_as == "classes, float32 (N,)":
        labels = labels.float()
    elif labels_as == "a column (N, 1)":
        labels = labels.view(4, 1)
    elif labels_as == "one-hot, float32 (N, 10)":
        labels = F.one_hot(labels, 10).float()
    show(f"labels {tuple(labels.shape)} {labels.dtype}", labels)
    criterion = nn.CrossEntropyLoss()
    loss = criterion(logits, labels)
    show(f"loss {loss:.4f}")


CHAPTER = Chapter(
    "Losses", (cross_entropy, nll_loss, truth_table, criterion_inputs)
)
