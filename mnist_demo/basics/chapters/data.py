"""Chapter "Data": MNIST through torchvision and its transforms.

What the examples call `trainset` is the set that the first one makes.
"""

# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

from typing import TYPE_CHECKING

import torch

from mnist_demo.basics.controls import Number, Switch
from mnist_demo.basics.example import Chapter, ErrorLesson, example
from mnist_demo.basics.pictures import pictures, table
from mnist_demo.basics.plots import histogram

if TYPE_CHECKING:  # what the listings show
    from torchvision import datasets, transforms
    from torchvision.transforms import v2
else:
    from mnist_demo.basics.later import datasets, transforms, v2

INDEX = Number("index", "index of the image", 7, 0, 3999)


@example(
    "The training set",
    INDEX,
    uses=["root"],
    said="Root directory of dataset where MNIST/processed/training.pt and MNIST/processed/test.pt exist.",
    today="torchvision reads the original files in MNIST/raw; the processed .pt files are gone. "
    "And 60,000 training images are no validation set: keep some aside (see “A validation split”).",
)
def training_set(show, index, root):
    """`datasets.MNIST` gives images one at a time. `train=True` picks the 60,000 training images,
    `download=True` fetches only files that are missing, and `transform` runs each time an image is
    asked for.
    """
    transform = transforms.Compose([
        transforms.ToTensor(),
        transforms.Normalize((0.5,), (0.5,)),
    ])  # fmt: skip
    trainset = datasets.MNIST(
        root, download=True, train=True, transform=transform
    )
    image, label = trainset[index]
    show(f"trainset[{index}], label {label}", pictures(image, size=140))
    show(f"len(trainset)  {len(trainset):,}")
    show(f"image.shape    {tuple(image.shape)}, {image.dtype}")
    show(f"values         {image.min():.0f} to {image.max():.0f}")


@example(
    "A transform, step by step",
    INDEX,
    Switch("normalize", "with Normalize", True),
    Switch("modern", "as transforms.v2 says it", False),
    uses=["trainset"],
    said="transforms.Compose([transforms.ToTensor(),",
    today="torchvision's present form is transforms.v2, where ToImage and ToDtype(torch.float32, scale=True) do what "
    "ToTensor did. The old form still works and gives the same numbers.",
)
def transform_steps(show, index, normalize, modern, trainset):
    """A transform is a chain of functions. ToTensor turns a picture of bytes 0–255 into floats 0–1
    and puts the channel first; Normalize subtracts a mean and divides by a standard deviation.
    """
    image = transforms.ToPILImage()(trainset.data[index])
    show(f"a PIL image: mode {image.mode}, size {image.size}")
    steps = [transforms.ToTensor()]
    if modern:
        steps = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    if normalize:
        steps.append(transforms.Normalize((0.5,), (0.5,)))
    transform = transforms.Compose(steps)
    x = transform(image)
    show(f"a tensor: {tuple(x.shape)}, {x.min():.0f} to {x.max():.0f}")
    show("rows 12 to 18, columns 10 to 17 as numbers", x[0, 12:19, 10:18])
    show("the whole image", pictures(x, size=112))


@example(
    "Normalize, before and after",
    Number("mean", "mean", 0.5, 0, 1, 0.01),
    Number("std", "standard deviation", 0.5, 0, 1, 0.01),
    uses=["trainset"],
    mistakes=[
        ErrorLesson(
            "division by zero",
            "Normalize divides by it: a standard deviation of 0 has no meaning.",
        )
    ],
)
def normalize(show, mean, std, trainset):
    """Normalize computes (x − mean) / std. The notes' 0.5 and 0.5 map 0–1 to −1–1. MNIST's own mean
    0.13 and deviation 0.31 give mean 0 and deviation 1. Either is fine; using another one for your
    drawings than for training is not.
    """
    before = (
        trainset.data[:300].unsqueeze(1) / 255
    )  # (300, 1, 28, 28), 0 to 1
    transform = transforms.Normalize((mean,), (std,))
    after = transform(before)
    show(
        "how often each value occurs (log scale: most pixels are paper)",
        histogram(
            {"before": before, "after": after}, x="pixel value", log=True
        ),
    )
    rows = [
        [n, x.mean().item(), x.std().item()]
        for n, x in (("before", before), ("after", after))
    ]
    show(table(rows, header=["", "mean", "std"]))


CHAPTER = Chapter(
    "Data",
    (
        training_set,
        transform_steps,
        normalize,
    ),
)
