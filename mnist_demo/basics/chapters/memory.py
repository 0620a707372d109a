"""Chapter "Views and shared memory": view, from_numpy and numpy, which copy nothing."""

# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

import numpy as np
import torch

from mnist_demo.basics.controls import Choice, Number
from mnist_demo.basics.example import Chapter, ErrorLesson, example


@example(
    "view: another shape, the same data",
    Number("rows", "rows", 3, 1, 12),
    Number("columns", "columns", 4, 1, 12),
    Choice("source", "view of", "x", ("x", "x.t()")),
    mistakes=[
        ErrorLesson(
            "is invalid for input of size",
            "A view keeps the 12 numbers: rows × columns must be 12.",
        ),
        ErrorLesson(
            "view size is not compatible",
            "x.t() only swaps the order in which memory is read, so its rows are no longer one run of memory "
            "(“non-contiguous”) and no view can describe the new shape. reshape copies when it has to.",
        ),
    ],
)
def view(show, rows, columns, source):
    """`view` reads the same memory in another shape: nothing is copied, so writing through the view writes into x.
    Pick x.t() to meet a tensor that has no such view.
    """
    x = torch.arange(12.0).view(3, 4)
    origin = x if source == "x" else x.t()
    show(
        f"{source} {tuple(origin.shape)}",
        origin,
        f"contiguous: {origin.is_contiguous()}",
    )
    y = origin.view(rows, columns)  # -1 in one place means "whatever is left"
    y[0, 0] = 99.0
    show(f"the view {tuple(y.shape)}", y, "x after y[0, 0] = 99", x)


@example(
    "torch.from_numpy shares memory",
    Number("index", "index", 2, 0, 5),
    Number("value", "new value", -4.0, -9, 9, 0.5),
    Choice("write_to", "write into", "array", ("array", "tensor")),
)
def from_numpy(show, index, value, write_to):
    """`from_numpy` makes a tensor over the array's own memory: change one in place, and watch the other. The dtype
    comes along too, and NumPy's default is float64, while networks want float32.
    """
    array = np.arange(6.0)
    tensor = torch.from_numpy(array)
    if write_to == "array":
        array[index] = value
    else:
        tensor[index] = value
    show("array", torch.tensor(array), "tensor", tensor)
    show(f"array.dtype {array.dtype}, tensor.dtype {tensor.dtype}")
    show(
        "Same address in memory:",
        str(array.ctypes.data == tensor.data_ptr()),
    )


@example(
    "Tensor.numpy shares memory too",
    Choice(
        "call",
        "call",
        "x.numpy()",
        (
            "x.numpy()",
            "x.clone().numpy()",
            "w.numpy()",
            "w.detach().numpy()",
        ),
    ),
    Number("value", "value written into the array", 9.0, -9, 9, 0.5),
    said="torch.Tensor.numpy(tensor) is given for any tensor.",
    today="On a tensor that needs a gradient, such as a weight, it raises: detach() first.",
    mistakes=[
        ErrorLesson(
            r"Can't call numpy\(\) on Tensor that requires grad",
            "NumPy knows no gradients, so a change made there would be invisible to backward. detach() gives the "
            "same memory without the history; add clone() for a copy you may change freely.",
        )
    ],
)
def numpy(show, call, value):
    """The way back: the array uses the tensor's memory, so writing into the array changes the tensor. A weight refuses
    until it is detached. clone() gives memory of its own.
    """
    x = torch.ones(5)
    w = torch.ones(5, requires_grad=True)  # like model.hidden.weight
    if call == "x.numpy()":
        array = x.numpy()
    elif call == "x.clone().numpy()":
        array = x.clone().numpy()
    elif call == "w.numpy()":
        array = w.numpy()
    else:
        array = w.detach().numpy()
    array[0] = value
    show(f"array = {call}; array[0] = {value}", str(array))
    show("x", x, "w", w)


CHAPTER = Chapter(
    "Views and shared memory",
    (
        view,
        from_numpy,
        numpy,
    ),
)
