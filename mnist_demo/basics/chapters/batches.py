"""Chapter "Batches": loaders, both ways to iterate, pictures, flattening.

What the examples call `trainset` is the set made in chapter "Data".
"""

# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

from io import BytesIO
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from mnist_demo.basics.controls import Choice, Number, Switch, seed
from mnist_demo.basics.example import Chapter, ErrorLesson, example
from mnist_demo.basics.pictures import photo, pictures

if TYPE_CHECKING:  # what the listings show
    from matplotlib.figure import Figure
else:
    from mnist_demo.basics.later import Figure


@example(
    "A loader of batches",
    Number("batch_size", "batch size", 20, 1, 64),
    Switch("shuffle", "shuffle", True),
    seed(),
    uses=["trainset"],
)
def data_loader(show, batch_size, shuffle, seed, trainset):
    """A DataLoader combines a dataset with a sampler and stacks single images into batches.
    `shuffle=True` deals the images in a new order every epoch, `batch_size` says how many come at
    once (default 1).
    """
    torch.manual_seed(seed)
    some = Subset(trainset, range(640))
    trainloader = DataLoader(some, batch_size=batch_size, shuffle=shuffle)
    images, labels = next(iter(trainloader))
    show(f"one of {len(trainloader)} batches: {tuple(images.shape)}")
    show(pictures(images, labels.tolist(), size=42))


@example(
    "Iterate with for",
    Number("size", "images in the set", 100, 1, 400),
    Number("batch_size", "batch size", 32, 1, 128),
    Switch("drop_last", "drop_last", False),
    uses=["trainset"],
)
def iterate_for(show, size, batch_size, drop_last, trainset):
    """The first way: `for images, labels in loader` visits everything once, which is one epoch. The
    last batch is smaller when the sizes do not divide, unless it is dropped.
    """
    some = Subset(trainset, range(size))
    loader = DataLoader(some, batch_size=batch_size, drop_last=drop_last)
    i = 0
    sizes = []
    for _images, labels in loader:
        i += len(labels)
        sizes.append(len(labels))
    show(f"i = {i} of {size} images")
    show("batch sizes: " + " ".join(str(n) for n in sizes))


@example(
    "Iterate by hand with next",
    Choice(
        "call",
        "call",
        "next(dataiter)",
        ("next(dataiter)", "dataiter.next()"),
    ),
    Number("batch_size", "batch size", 64, 1, 64),
    uses=["trainset"],
    said="images, labels = dataiter.next()",
    today="next(dataiter). Iterators lost their .next method in Python 3, DataLoader's in PyTorch 1.13.",
    mistakes=[
        ErrorLesson(
            "has no attribute 'next'",
            "Python's built-in function next(...) asks any iterator for its next item.",
        )
    ],
)
def iterate_next(show, call, batch_size, trainset):
    """The second way: make an iterator once and ask it for one batch at a time. Good for a look at
    the data; a training loop uses `for`.
    """
    loader = DataLoader(Subset(trainset, range(128)), batch_size=batch_size)
    dataiter = iter(loader)
    if call == "next(dataiter)":
        images, labels = next(dataiter)
    else:
        images, labels = dataiter.next()
    show(str(type(images)))
    show(f"images.shape  {images.shape}")
    show(f"labels.shape  {labels.shape}")
    show(pictures(images[:10], labels[:10].tolist(), size=42))


@example(
    "Show an image with imshow",
    Number("index", "index of the image", 7, 0, 3999),
    Choice("cmap", "colour map", "Greys_r", ("Greys_r", "Greys", "viridis")),
    Switch("squeeze", "squeeze()", True),
    uses=["trainset"],
    needs=["matplotlib"],
    mistakes=[
        ErrorLesson(
            r"Invalid shape \(1, 28, 28\)",
            "matplotlib wants (height, width), and PyTorch keeps the channel in front: squeeze() drops sizes of 1.",
        )
    ],
)
def imshow(show, index, cmap, squeeze, trainset):
    """matplotlib draws NumPy arrays (height, width), so the tensor becomes an array and loses its
    channel. 'Greys_r' paints 1 white, as MNIST stores ink. In a notebook write plt.imshow; a
    server gives each picture a figure of its own.
    """
    image_tensor, label = trainset[index]  # (1, 28, 28)
    array = image_tensor.numpy()
    if squeeze:
        array = array.squeeze()  # (28, 28)
    figure = Figure(figsize=(2.2, 2.2))
    axes = figure.add_axes((0, 0, 1, 1), frameon=False)
    axes.imshow(array, cmap=cmap)
    axes.set_axis_off()
    file = BytesIO()
    figure.savefig(file, format="png", dpi=90, transparent=True)
    show(f"label {label}", photo(file.getvalue(), 198, 198))


@example(
    "Flatten the images",
    Choice(
        "how",
        "before the Linear layer",
        "images.view(images.shape[0], -1)",
        (
            "images.view(images.shape[0], -1)",
            "nn.Flatten()",
            "nothing",
            "images.view(-1)",
        ),
    ),
    Number("batch_size", "batch size", 64, 1, 64),
    uses=["trainset"],
    said="The three networks are built without a flatten, and get their images from a loader.",
    today="A Linear layer needs (N, 784): flatten by hand, or put nn.Flatten() first in the network.",
    mistakes=[
        ErrorLesson(
            r"\(1x\d+ and 784x10\)|size mismatch",
            "view(-1) runs all images of the batch together into one: keep the first size, the batch.",
        ),
        ErrorLesson(
            "shapes cannot be multiplied",
            "The layer multiplies the last size of its input, and 28 is not 784. The message shows the "
            "rows of all images, 28 numbers each.",
        ),
    ],
)
def flatten(show, how, batch_size, trainset):
    """A Linear layer reads rows of numbers, an image is a square of them. Flattening keeps the batch
    and lays the rest in one row: (64, 1, 28, 28) becomes (64, 784).
    """
    images = torch.stack(
        [trainset[i][0] for i in range(batch_size)]
    )  # as a loader does
    show(f"images {tuple(images.shape)}")
    if how == "images.view(images.shape[0], -1)":
        x = images.view(images.shape[0], -1)
    elif how == "nn.Flatten()":
        x = nn.Flatten()(images)
    elif how == "nothing":
        x = images
    else:
        x = images.view(-1)
    show(f"x      {tuple(x.shape)}")
    if how != "nothing" and x.dim() == 2:
        show(
            "row 0 of x, wrapped after 112 numbers",
            pictures(x[0].view(7, 112), size=224),
        )
    logits = nn.Linear(784, 10)(x)
    show(f"logits {tuple(logits.shape)}")


CHAPTER = Chapter(
    "Batches",
    (
        data_loader,
        iterate_for,
        iterate_next,
        imshow,
        flatten,
    ),
)
