"""The training loop of an experiment as a learner would write it in plain PyTorch, line by line.

Knows the lines and which of them carries the experiment's mistake; the exported script is made of the
same lines. Only what the experiment needs appears. Runs nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

from mnist_demo.experiment.choices import Augmentation, Mistake, Network, Optimizer, Schedule
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.knobs import to_text
from mnist_demo.learning.losses import EVALUATION_BATCH
from mnist_demo.learning.schedule import points_per_epoch, steps_per_epoch


class LoopSource(NamedTuple):
    """The lines, and for a mistake the index of its line, what should stand there, and what that changes."""

    lines: list[str]
    wrong_line: int | None
    right_line: str | None
    reason: str


class _Slip(NamedTuple):
    right: str
    wrong: str
    reason: str


_CRITERION = "return F.cross_entropy(logits, labels)"
_SLIPS = {
    Mistake.NO_ZERO_GRAD: _Slip(
        "optimizer.zero_grad()",
        "# optimizer.zero_grad()",
        "backward() adds to the gradients that are there: without zero_grad() every step repeats all earlier ones.",
    ),
    Mistake.NO_SHUFFLE: _Slip(
        "order = torch.randperm(len(labels), generator=order_rng)",
        "order = labels.argsort(stable=True)",
        "The images come sorted by digit: for long stretches the network sees one digit only and forgets the others.",
    ),
    Mistake.NO_EVAL: _Slip(
        "model.eval()",
        "# model.eval()",
        "Without eval() dropout goes on switching units off while the network is asked: its answers are dice.",
    ),
    Mistake.SOFTMAX_CROSS_ENTROPY: _Slip(
        _CRITERION,
        "return F.cross_entropy(F.softmax(logits, dim=1), labels)",
        "cross_entropy applies log-softmax itself: after a second softmax the loss cannot fall below 1.461.",
    ),
    Mistake.LOG_SOFTMAX_CROSS_ENTROPY: _Slip(
        _CRITERION,
        "return F.cross_entropy(F.log_softmax(logits, dim=1), labels)",
        "Log-softmax of a log-softmax is the same again: a line too many that changes nothing.",
    ),
    Mistake.NLL_PROBABILITIES: _Slip(
        _CRITERION,
        "return F.nll_loss(F.softmax(logits, dim=1), labels)",
        "nll_loss wants log-probabilities; of probabilities it is their negative, between -1 and 0.",
    ),
    Mistake.NLL_LOGITS: _Slip(
        _CRITERION,
        "return F.nll_loss(logits, labels)",
        "nll_loss takes no logarithm: of logits it is their negative, which growing weights lower without end.",
    ),
}
_OPTIMIZERS = {
    Optimizer.SGD: "optim.SGD(model.parameters(), lr={rate}{decay}, fused=True)",
    Optimizer.MOMENTUM: "optim.SGD(model.parameters(), lr={rate}, momentum=0.9{decay}, fused=True)",
    Optimizer.ADAM: "optim.Adam(model.parameters(), lr={rate}{decay}, fused=True)",
    Optimizer.ADAMW: "optim.AdamW(model.parameters(), lr={rate}, weight_decay={decay_value}, fused=True)",
}


def training_loop_source(experiment: Experiment) -> LoopSource:
    """The criterion, the optimizer, the loop and its evaluation in plain PyTorch, with the mistake's place."""
    lines = [*criterion_lines(experiment), "", optimizer_line(experiment), "", *train_lines(experiment)]
    lines += ["", *evaluate_lines(experiment)]
    slip = _slip(experiment)
    if slip is None:
        return LoopSource(lines, None, None, "")
    index = next(i for i, line in enumerate(lines) if line.strip() == slip.wrong)
    indent = lines[index].removesuffix(slip.wrong)
    return LoopSource(lines, index, indent + slip.right, slip.reason)


def _slip(experiment: Experiment) -> _Slip | None:
    """The experiment's mistake in the words of its own loop."""
    slip = _SLIPS.get(experiment.mistake)
    if slip is None:
        return None
    if experiment.mistake is Mistake.NO_EVAL:
        model = evaluated_model(experiment)
        return slip._replace(right=f"{model}.eval()", wrong=f"# {model}.eval()")
    return slip._replace(right=_smoothed(slip.right, experiment), wrong=_smoothed(slip.wrong, experiment))


def _smoothed(line: str, experiment: Experiment) -> str:
    has_smoothing = experiment.label_smoothing and "F.cross_entropy" in line
    return line.replace(", labels)", ", labels, label_smoothing=smoothing)") if has_smoothing else line


def evaluated_model(experiment: Experiment) -> str:
    """The name of the network that is evaluated and kept."""
    return "averaged" if experiment.weight_averaging else "model"


def optimizer_line(experiment: Experiment) -> str:
    """The line that makes the optimizer."""
    decay = to_text(experiment.weight_decay)
    return "optimizer = " + _OPTIMIZERS[experiment.optimizer].format(
        rate=to_text(experiment.learning_rate),
        decay=f", weight_decay={decay}" if experiment.weight_decay else "",
        decay_value=decay,
    )


def criterion_lines(experiment: Experiment) -> list[str]:
    """The loss as a function of logits and labels."""
    line = _writer(experiment)(_smoothed(_CRITERION, experiment))
    more = ", smoothing=0.0" if experiment.label_smoothing else ""
    return [f"def criterion(logits, labels{more}):", f"    {line}"]


def train_lines(experiment: Experiment) -> list[str]:
    """The loop over epochs and batches, as a function `train()`."""
    write = _writer(experiment)
    has_patience = experiment.patience > 0
    lines = ["def train():"]
    if has_patience:
        lines += ["    best_loss, best_epoch = evaluate()[0], 0.0"]
    elif measuring_changes_weights(experiment):
        lines += ["    evaluate()"]
    if _counts_steps(experiment):
        lines += ["    step = 0"]
    lines += [
        f"    for epoch in range({experiment.epochs}):",
        f"        {write('order = torch.randperm(len(labels), generator=order_rng)')}",
        _batch_line(experiment),
    ]
    lines += [f"            {line}" for line in _step_lines(experiment, write)]
    return lines + _measure_lines(experiment)


def _batch_line(experiment: Experiment) -> str:
    batches = f"order.split({experiment.batch_size})"
    if measures_within_epoch(experiment):
        return f"        for position, batch in enumerate({batches}, start=1):"
    return f"        for batch in {batches}:"


def _step_lines(experiment: Experiment, write: Callable[[str], str]) -> list[str]:
    pixels = "images[batch]" if experiment.augmentation is Augmentation.NONE else "augment(images[batch])"
    smoothing = f", {to_text(experiment.label_smoothing)}" if experiment.label_smoothing else ""
    lines = [
        f"logits = model(normalize({pixels}))  # (B, 10)",
        f"loss = criterion(logits, labels[batch]{smoothing})",
        write("optimizer.zero_grad()"),
        "loss.backward()",
    ]
    if experiment.schedule is not Schedule.CONSTANT:
        lines += ['optimizer.param_groups[0]["lr"] = learning_rate_at(step)']
    lines += ["optimizer.step()"]
    if _counts_steps(experiment):
        lines += ["step += 1"]
    if experiment.weight_averaging:
        lines += ["average_weights(step)"]
    return [*lines, "if not math.isfinite(loss.item()):", "    return  # diverged"]


def _counts_steps(experiment: Experiment) -> bool:
    return experiment.schedule is not Schedule.CONSTANT or experiment.weight_averaging > 0


def _measure_lines(experiment: Experiment) -> list[str]:
    indent, epoch = " " * 8, "epoch + 1"
    lines: list[str] = []
    if measures_within_epoch(experiment):
        steps, points = steps_per_epoch(experiment), points_per_epoch(experiment)
        lines = [f"            if position * {points} // {steps} > (position - 1) * {points} // {steps}:"]
        indent, epoch = " " * 16, f"(epoch * {steps} + position) / {steps}"
    lines += [
        f"{indent}val_loss, val_accuracy = evaluate()",
        f'{indent}print(f"epoch {{{epoch}:g}}  validation loss {{val_loss:.4f}}  accuracy {{val_accuracy:.4f}}")',
    ]
    if experiment.patience:
        waited = f"{epoch} - best_epoch"
        if measures_within_epoch(experiment):
            waited = f"round({waited}, 6)"  # parts of epochs are not exact
        lines += [
            f"{indent}if val_loss < best_loss:",
            f"{indent}    best_loss, best_epoch = val_loss, {epoch}",
            f"{indent}elif {waited} >= {experiment.patience}:",
            f"{indent}    return  # stopped early",
        ]
    return lines


def evaluate_lines(experiment: Experiment) -> list[str]:
    """The validation, as a function `evaluate()` that returns loss and accuracy."""
    model = evaluated_model(experiment)
    write = _writer(experiment)
    batches = f"split({EVALUATION_BATCH})"
    forward = [f"logits = torch.cat([{model}(normalize(some)) for some in val_images.{batches}])  # (5000, 10)"]
    if measuring_changes_weights(experiment):
        size = min(experiment.train_size, 2_000)
        forward.insert(0, f"{model}(normalize(images[:{size}]))  # measured too: it moves batch norm's means")
        if size > EVALUATION_BATCH:
            forward[0] = f"_ = [{model}(normalize(some)) for some in images[:{size}].{batches}]  # measured too"
    if experiment.mistake is Mistake.NO_EVAL:
        forward = [
            "with torch.random.fork_rng(devices=[]):  # measuring must not change the training",
            *(f"    {line}" for line in forward),
        ]
    return [
        "@torch.no_grad()",
        "def evaluate():",
        f"    {write(f'{model}.eval()')}",
        *(f"    {line}" for line in forward),
        f"    {model}.train()",
        "    accuracy = (logits.argmax(dim=1) == val_labels).float().mean().item()",
        "    return criterion(logits, val_labels).item(), accuracy",
    ]


def measures_within_epoch(experiment: Experiment) -> bool:
    """Whether points inside an epoch decide something, so that the loop must measure there too."""
    decides = experiment.patience > 0 or measuring_changes_weights(experiment)
    return decides and points_per_epoch(experiment) > 1


def measuring_changes_weights(experiment: Experiment) -> bool:
    """Whether asking moves what is hashed: batch norm in train mode keeps means of what it is asked."""
    return experiment.mistake is Mistake.NO_EVAL and experiment.network is not Network.MLP


def _writer(experiment: Experiment) -> Callable[[str], str]:
    """A function from the right line to the line as the mistake writes it."""
    slip = _slip(experiment)
    return lambda line: slip.wrong if slip and line == slip.right else line
