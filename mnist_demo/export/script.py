"""A run as a standalone PyTorch file: torch and torchvision only, the same final weights, bit for bit.

Writes only what the experiment needs. The training loop comes from `loop_source`; here are the frame
around it, the data, the network and the hash. Runs nothing.
"""

import textwrap
from itertools import pairwise

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.choices import Activation, Augmentation, Mistake, Network, Normalize, Schedule
from mnist_demo.experiment.config import TRAIN_IMAGES, Experiment, non_default
from mnist_demo.experiment.knobs import to_text
from mnist_demo.export.loop_source import (
    criterion_lines,
    evaluate_lines,
    evaluated_model,
    optimizer_line,
    train_lines,
    training_loop_source,
)
from mnist_demo.images.data import CLASSES, SIDE, SPLIT_SEED
from mnist_demo.learning.schedule import WARM_UP_STEPS, total_steps

_SCRIPTED_AUGMENTATIONS = (Augmentation.NONE, Augmentation.SHIFT, Augmentation.AFFINE)
_MODULES = {
    Activation.RELU: "nn.ReLU()",
    Activation.SIGMOID: "nn.Sigmoid()",
    Activation.TANH: "nn.Tanh()",
    Activation.NONE: None,
}


def script(experiment: Experiment) -> str:
    """The run as a Python file that prints the SHA-256 which `networks.weights_hash` gives its last weights.

    Raises InvalidExperiment for the few knobs whose code would be longer than the script.
    """
    if experiment.augmentation not in _SCRIPTED_AUGMENTATIONS or experiment.non_digits:
        raise InvalidExperiment(
            "This run cannot be written as a short script, because it invents handwriting or non-digits; "
            "choose augmentation none, shift or affine, and non-digits 0."
        )
    body = "\n".join(
        [
            *_data_lines(experiment),
            *_function(_normalize_lines(experiment)),
            *_function(_augment_lines(experiment.augmentation)),
            *_function(criterion_lines(experiment)),
            *_function(_learning_rate_lines(experiment)),
            *_function(_average_lines(experiment)),
            *_function(evaluate_lines(experiment)),
            *_function(train_lines(experiment)),
            *_main_lines(experiment),
        ]
    )
    return "\n".join([*_opening_lines(experiment), "", *_import_lines(body), "", body, ""])


def _function(lines: list[str]) -> list[str]:
    return [*lines, "", ""] if lines else []


def _opening_lines(experiment: Experiment) -> list[str]:
    knobs = ", ".join(f"{name.replace('_', ' ')} {to_text(value)}" for name, value in non_default(experiment).items())
    source = training_loop_source(experiment)
    lines = [f'"""One run of MNIST Lab in plain PyTorch: {knobs or "all knobs at their defaults"}.']
    lines = textwrap.wrap(lines[0], 100)
    if source.right_line is not None:
        mistake = f"It carries a mistake on purpose; the right line would be `{source.right_line.strip()}`."
        lines += ["", *textwrap.wrap(f"{mistake} {source.reason}", 100)]
    note = (
        "It prints the SHA-256 of the final weights, the same as the app shows. That holds for one thread on "
        "the same processor and build of PyTorch: more threads, a GPU or another build may round differently."
    )
    lines += ["", "    pip install torch torchvision", "    python THIS_FILE [FOLDER OF MNIST, default data]", ""]
    return [*lines, *textwrap.wrap(note, 100), '"""']


def _import_lines(body: str) -> list[str]:
    modules = [name for name in ("copy", "hashlib", "math", "sys") if f"{name}." in body]
    lines = [f"import {name}" for name in modules]
    return [
        *lines,
        "",
        "import torch",
        "import torch.nn.functional as F",
        "from torch import nn, optim",
        "from torch.utils.data import random_split",
        "from torchvision import datasets",
    ]


def _data_lines(experiment: Experiment) -> list[str]:
    first = "" if experiment.train_size == TRAIN_IMAGES else f"[:{experiment.train_size}]"
    lines = [
        "torch.set_num_threads(1)",
        "",
        "# 55,000 images to learn from, 5,000 to validate on; the 10,000 test images stay closed.",
        'mnist = datasets.MNIST(sys.argv[1] if len(sys.argv) > 1 else "data", train=True, download=True)',
        f"train_split, val_split = random_split(mnist, [55_000, 5_000], torch.Generator().manual_seed({SPLIT_SEED}))",
        f"images = mnist.data[train_split.indices]{first}  # uint8 (N, 28, 28)",
        f"labels = mnist.targets[train_split.indices]{first}",
        "val_images, val_labels = mnist.data[val_split.indices], mnist.targets[val_split.indices]",
    ]
    if experiment.label_noise:
        lines += [
            "",
            f"# {experiment.label_noise:.0%} of the training labels are replaced by a random digit.",
            f"label_rng = torch.Generator().manual_seed({experiment.seed})",
            f"is_replaced = torch.rand(55_000, generator=label_rng){first} < {to_text(experiment.label_noise)}",
            f"random_labels = torch.randint(10, (55_000,), generator=label_rng){first}",
            "labels = torch.where(is_replaced, random_labels, labels)",
        ]
    return [*lines, "", ""]


def _normalize_lines(experiment: Experiment) -> list[str]:
    pixels = "images.reshape(-1, 1, 28, 28).float()"
    expression, scale = {
        Normalize.SYMMETRIC: (f"({pixels} / 255 - 0.5) / 0.5", "-1 to 1"),
        Normalize.UNIT: (f"{pixels} / 255", "0 to 1"),
        Normalize.RAW: (pixels, "0 to 255, as they are"),
    }[experiment.normalize]
    return ["def normalize(images):", f'    """Bytes to floats: {scale}."""', f"    return {expression}"]


def _augment_lines(augmentation: Augmentation) -> list[str]:
    if augmentation is Augmentation.NONE:
        return []
    if augmentation is Augmentation.SHIFT:
        return [
            "def augment(images):",
            '    """Moves each image by up to two pixels."""',
            "    count, padded = len(images), F.pad(images, (2, 2, 2, 2))",
            "    rows, columns = torch.randint(5, (2, count, 1)) + torch.arange(28)  # each (N, 28)",
            "    return padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]",
        ]
    return [
        "def augment(images):",
        '    """Turns, scales, shears and shifts each image a little."""',
        "    turn, stretch_x, stretch_y, shear, shift_x, shift_y = 2 * torch.rand(6, len(images)) - 1",
        "    cos, sin = torch.cos(turn * 0.21), torch.sin(turn * 0.21)",
        "    scale_x, scale_y, shear = 1 + 0.12 * stretch_x, 1 + 0.12 * stretch_y, 0.15 * shear",
        "    shift_x, shift_y = shift_x * 1.5 / 14, shift_y * 1.5 / 14  # 14 pixels are half an image",
        "    top = torch.stack([scale_x * cos, shear - sin, shift_x], dim=1)",
        "    bottom = torch.stack([sin, scale_y * cos, shift_y], dim=1)",
        "    grid = F.affine_grid(torch.stack([top, bottom], 1), [len(images), 1, 28, 28], align_corners=False)",
        "    moved = F.grid_sample(images[:, None].float(), grid, align_corners=False)",
        "    return moved[:, 0].round().to(torch.uint8)",
    ]


def _learning_rate_lines(experiment: Experiment) -> list[str]:
    """The schedule as a function of the step; empty for a constant learning rate."""
    if experiment.schedule is Schedule.CONSTANT:
        return []
    rate, total = to_text(experiment.learning_rate), total_steps(experiment)
    lines = ["def learning_rate_at(step):", f"    progress = (step + 1) / {total}"]
    if experiment.schedule is Schedule.TRAPEZOID:
        rise = min(WARM_UP_STEPS, max(1, total // 10))
        return [*lines, f"    return {rate} * min(1.0, (step + 1) / {rise}, (1 - progress) / 0.4 + 1 / {total})"]
    return [
        *lines,
        "    if progress < 0.25:",
        f"        return {rate} * progress / 0.25",
        f"    return {rate} * 0.5 * (1 + math.cos(math.pi * (progress - 0.25) / 0.75))",
    ]


def _average_lines(experiment: Experiment) -> list[str]:
    if not experiment.weight_averaging:
        return []
    return [
        "@torch.no_grad()",
        "def average_weights(step):",
        f"    kept = min({to_text(experiment.weight_averaging)}, step / (step + 10))",
        "    for average, value in zip(averaged.state_dict().values(), model.state_dict().values()):",
        "        if average.is_floating_point():",
        "            average.lerp_(value, 1 - kept)",
        "        else:",
        "            average.copy_(value)  # batch norm's counter",
    ]


def _main_lines(experiment: Experiment) -> list[str]:
    seed = experiment.seed
    final = evaluated_model(experiment)
    needs_noise = experiment.dropout > 0 or experiment.augmentation is not Augmentation.NONE
    lines = [f"torch.manual_seed({seed})  # initial weights", "model = nn.Sequential("]
    lines += [f"    {layer}," for layer in _layers(experiment)]
    is_mlp = experiment.network is Network.MLP
    lines += [")" if is_mlp else ").to(memory_format=torch.channels_last)"]
    if experiment.weight_averaging:
        lines += ["averaged = copy.deepcopy(model)  # what is evaluated and kept"]
    lines += [optimizer_line(experiment)]
    if experiment.mistake is not Mistake.NO_SHUFFLE:
        lines += [f"order_rng = torch.Generator().manual_seed({seed + 1})  # batches"]
    if needs_noise:
        lines += [f"torch.manual_seed({seed + 2})  # dropout and augmentation"]
    return [
        *lines,
        "train()",
        "",
        "digest = hashlib.sha256()",
        f"state = {final}.state_dict()",
        'for name in sorted(state, key=lambda name: (int(name.split(".")[0]), name)):  # layer by layer',
        "    digest.update(state[name].contiguous().numpy().tobytes())",
        'print("weights SHA-256", digest.hexdigest())',
    ]


def _layers(experiment: Experiment) -> list[str]:
    bend = _MODULES[experiment.activation]
    dropout = [f"nn.Dropout({to_text(experiment.dropout)})"] if experiment.dropout else []
    bends = [bend] if bend else []
    if experiment.network is Network.MLP:
        widths = [SIDE * SIDE, *experiment.hidden_sizes]
        layers = ["nn.Flatten()"]
        for fan_in, fan_out in pairwise(widths):
            layers += [f"nn.Linear({fan_in}, {fan_out})", *bends, *dropout]
        return [*layers, f"nn.Linear({widths[-1]}, {CLASSES})"]
    layers = []
    for fan_in, fan_out, size, stride in _convolutions(experiment):
        layers += [
            f"nn.Conv2d({fan_in}, {fan_out}, {size}, stride={stride}, padding={size // 2}, bias=False)",
            f"nn.BatchNorm2d({fan_out})",
            *bends,
        ]
    last = [1, *experiment.hidden_sizes][-1]
    return [*layers, "nn.AdaptiveAvgPool2d(1)", "nn.Flatten()", *dropout, f"nn.Linear({last}, {CLASSES})"]


def _convolutions(experiment: Experiment) -> list[tuple[int, int, int, int]]:
    """(channels in, channels out, pixels, stride) of each convolution."""
    pairs = list(pairwise([1, *experiment.hidden_sizes]))
    if experiment.network is Network.CNN:
        return [(a, b, 5 if i == 0 else 3, 2 if i < 2 else 1) for i, (a, b) in enumerate(pairs)]
    first = [(1, width, 3, 1) for width in experiment.hidden_sizes[:1]]
    rest = [layer for a, b in pairs[1:] for layer in ((a, b, 3, 2), (b, b, 3, 1))]
    return first + rest
