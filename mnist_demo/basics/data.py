"""Chapter "Data": MNIST through torchvision, transforms, loaders, both ways to iterate, pictures, flattening.

What the examples call `trainset` is the set that the first one makes.
"""

# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

from io import BytesIO

import torch
from matplotlib.figure import Figure
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

from mnist_demo.basics.example import Chapter, Choice, Mistake, Number, Switch, example, seed
from mnist_demo.basics.pictures import images as pictures
from mnist_demo.basics.pictures import photo, table
from mnist_demo.basics.plots import histogram

INDEX = Number("index", "index of the image", 7, 0, 3999)


@example(
    "The training set",
    INDEX,
    uses=["root"],
    said="root directory of dataset where MNIST/processed/training.pt and MNIST/processed/test.pt exist.",
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
    trainset = datasets.MNIST(root, download=True, train=True, transform=transform)
    image, label = trainset[index]
    show(f"trainset[{index}], label {label}", pictures(image, size=140))
    show(f"len(trainset)  {len(trainset):,}")
    show(f"image.shape    {tuple(image.shape)}, {image.dtype}")
    show(f"values         {image.min():.0f} to {image.max():.0f}")


@example("A transform, step by step", INDEX, Switch("normalize", "with Normalize", True), uses=["trainset"])
def transform_steps(show, index, normalize, trainset):
    """A transform is a chain of functions. ToTensor turns a picture of bytes 0–255 into floats 0–1
    and puts the channel first; Normalize subtracts a mean and divides by a standard deviation.
    """
    image = transforms.ToPILImage()(trainset.data[index])
    show(f"a PIL image: mode {image.mode}, size {image.size}")
    steps = [transforms.ToTensor()]
    if normalize:
        steps.append(transforms.Normalize((0.5,), (0.5,)))
    transform = transforms.Compose(steps)
    x = transform(image)
    show(f"a tensor: shape {tuple(x.shape)}, {x.dtype}, from {x.min():.1f} to {x.max():.1f}")
    show("rows 12 to 18, columns 10 to 17 as numbers", x[0, 12:19, 10:18])
    show("the whole image", pictures(x, size=112))


@example(
    "Normalize, before and after",
    Number("mean", "mean", 0.5, 0, 1, 0.01),
    Number("std", "standard deviation", 0.5, 0, 1, 0.01),
    uses=["trainset"],
    mistakes=[Mistake("division by zero", "Normalize divides by it: a standard deviation of 0 has no meaning.")],
)
def normalize(show, mean, std, trainset):
    """Normalize computes (x − mean) / std. The notes' 0.5 and 0.5 map 0–1 to −1–1. MNIST's own mean
    0.13 and deviation 0.31 give mean 0 and deviation 1. Either is fine; using another one for your
    drawings than for training is not.
    """
    before = trainset.data[:300].unsqueeze(1) / 255  # (300, 1, 28, 28), 0 to 1
    transform = transforms.Normalize((mean,), (std,))
    after = transform(before)
    show(
        "how often each value occurs (log scale: most pixels are paper)",
        histogram({"before": before, "after": after}, x="pixel value", log=True),
    )
    rows = [[n, x.mean().item(), x.std().item()] for n, x in (("before", before), ("after", after))]
    show(table(rows, header=["", "mean", "std"]))


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
    show(f"images {tuple(images.shape)}, labels {tuple(labels.shape)}, {len(trainloader)} batches")
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
    Choice("call", "call", "next(dataiter)", ("next(dataiter)", "dataiter.next()")),
    Number("batch_size", "batch size", 64, 1, 64),
    uses=["trainset"],
    said="images, labels = dataiter.next()",
    today="next(dataiter). Iterators lost their .next method in Python 3, DataLoader's in PyTorch 1.13.",
    mistakes=[
        Mistake(
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
    INDEX,
    Choice("cmap", "colour map", "Greys_r", ("Greys_r", "Greys", "viridis")),
    Switch("squeeze", "squeeze()", True),
    uses=["trainset"],
    needs=["matplotlib"],
    mistakes=[
        Mistake(
            "Invalid shape (1, 28, 28)",
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
        ("images.view(images.shape[0], -1)", "nn.Flatten()", "nothing", "images.view(-1)"),
    ),
    Number("batch_size", "batch size", 64, 1, 64),
    uses=["trainset"],
    said="The three networks are built without a flatten, and get their images from a loader.",
    today="A Linear layer needs (N, 784): flatten by hand, or put nn.Flatten() first in the network.",
    mistakes=[
        Mistake(
            "shapes cannot be multiplied",
            "The layer multiplies the last size of its input, and 28 is not 784. The message shows the "
            "rows of all images, 28 numbers each.",
        ),
        Mistake(
            "size mismatch",
            "view(-1) runs all images of the batch together into one: keep the first size, the batch.",
        ),
    ],
)
def flatten(show, how, batch_size, trainset):
    """A Linear layer reads rows of numbers, an image is a square of them. Flattening keeps the batch
    and lays the rest in one row: (64, 1, 28, 28) becomes (64, 784).
    """
    images = torch.stack([trainset[i][0] for i in range(batch_size)])  # as a loader does
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
        show("row 0 of x, wrapped after 112 numbers", pictures(x[0].view(7, 112), size=224))
    logits = nn.Linear(784, 10)(x)
    show(f"logits {tuple(logits.shape)}")


CHAPTER = Chapter(
    "Data",
    (
        training_set,
        transform_steps,
        normalize,
        data_loader,
        iterate_for,
        iterate_next,
        imshow,
        flatten,
    ),
)
