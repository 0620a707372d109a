"""Chapter "Tensors": seeds, random tensors, arithmetic and the matrix product."""

# mypy: allow-untyped-defs, no-check-untyped-defs, allow-untyped-calls

import torch

from mnist_demo.basics.controls import Choice, Number, seed
from mnist_demo.basics.example import Chapter, ErrorLesson, example
from mnist_demo.basics.plots import histogram


@example("PyTorch", Number("n", "length", 4, 1, 8), seed())
def pytorch(show, n, seed):
    """PyTorch builds and trains neural networks. It is an array library that also knows derivatives: every example
    here starts with this import.
    """
    show(f"torch {torch.__version__}")
    torch.manual_seed(seed)
    x = torch.rand(n, requires_grad=True)
    y = (x**2).sum()  # computes like NumPy ...
    y.backward()  # ... and knows the derivative: dy/dx = 2x
    show("x", x, "x.grad, which is 2x", x.grad)


@example(
    "Tensors add, subtract, multiply",
    Choice(
        "operation",
        "operation",
        "a + b",
        ("a + b", "a - b", "a * b", "a / b"),
    ),
    Number("columns_of_b", "columns of b", 3, 1, 4),
    seed(),
    mistakes=[
        ErrorLesson(
            "must match the size of tensor b",
            "Elementwise operations need equal sizes. A size of 1 is stretched (broadcasting), any other is not.",
        )
    ],
)
def arithmetic(show, operation, columns_of_b, seed):
    """Tensors are the fundamental data structure: arrays that add, subtract and multiply element by element, just like
    NumPy's. Set b to 1 column to see it stretched, to 2 to see the error.
    """
    torch.manual_seed(seed)
    a = torch.randint(1, 10, (2, 3)).float()
    b = torch.randint(1, 10, (2, columns_of_b)).float()
    show(f"a {tuple(a.shape)}", a, f"b {tuple(b.shape)}", b)
    if operation == "a + b":
        result = a + b
    elif operation == "a - b":
        result = a - b
    elif operation == "a * b":
        result = a * b  # elementwise, not the matrix product
    else:
        result = a / b
    show(operation, result)


@example(
    "A random seed",
    seed(7),
    Number("draws", "numbers drawn before", 0, 0, 5),
)
def random_seed(show, seed, draws):
    """`manual_seed` sets the start of the stream of random numbers: the same seed gives the same numbers. Anything
    drawn in between moves everything that follows, which is why this app keeps separate generators for weights, batches
    and dropout.
    """
    torch.manual_seed(seed)
    first = torch.randn(6)

    torch.manual_seed(seed)
    torch.randn(draws)  # somebody draws a few numbers first
    second = torch.randn(6)

    show("after manual_seed(seed)", first)
    show(
        "the same seed again",
        second,
        "equal?",
        str(torch.equal(first, second)),
    )


@example(
    "torch.randn",
    Number("rows", "rows", 3, 1, 60),
    Number("columns", "columns", 5, 1, 60),
    seed(),
)
def randn(show, rows, columns, seed):
    """A tensor of the given size filled with draws from the normal distribution: mean 0, standard deviation 1. Make
    it larger and the histogram becomes the bell.
    """
    torch.manual_seed(seed)
    x = torch.randn(
        rows, columns
    )  # the size as numbers, or as one tuple: torch.randn((rows, columns))
    show(f"x {tuple(x.shape)}", x)
    show(f"mean {x.mean():.2f}", histogram({"x": x}, bins=24))


@example(
    "torch.rand_like",
    Choice("dtype", "dtype of x", "float32", ("float32", "float64", "int64")),
    seed(),
    mistakes=[
        ErrorLesson(
            "not implemented for 'Long'",
            "rand_like copies the dtype as well as the size, and uniform numbers between 0 and 1 make no sense as "
            "integers. Say torch.rand_like(x, dtype=torch.float32).",
        )
    ],
)
def rand_like(show, dtype, seed):
    """A tensor with the same size as another, filled with uniform numbers from 0 to 1. "Like" means the dtype and the
    device too. Choose int64 to see why that matters.
    """
    torch.manual_seed(seed)
    x = torch.arange(12, dtype=getattr(torch, dtype)).view(3, 4)
    show(f"x {x.dtype}", x)
    y = torch.rand_like(x)
    show(f"torch.rand_like(x) {y.dtype}", y)


@example(
    "Matrix product and its shape rule",
    Number("n", "rows of input (n)", 2, 1, 6),
    Number("m", "columns of input (m)", 3, 1, 6),
    Number("rows_of_mat2", "rows of mat2", 3, 1, 6),
    Number("p", "columns of mat2 (p)", 4, 1, 6),
    said="the number of columns in the first tensor must equal to the number of rows in the second column.",
    today="It is the rows of the second tensor: (n, m) @ (m, p) → (n, p). `@` is today's short form of torch.mm.",
    mistakes=[
        ErrorLesson(
            "shapes cannot be multiplied",
            "The two numbers in the middle must be equal: (n×m) times (m×p). Read the shapes in the message "
            "side by side and compare the inner pair.",
        )
    ],
)
def matrix_product(show, n, m, rows_of_mat2, p):
    """Every Linear layer is a matrix product: (n×m) times (m×p) gives (n×p). The inner sizes must agree and disappear.
    Change one of them to see the error.
    """
    left = torch.arange(1.0, n * m + 1).view(n, m)
    mat2 = torch.eye(rows_of_mat2, p)
    show(f"left {tuple(left.shape)}", left, f"mat2 {tuple(mat2.shape)}", mat2)
    out = torch.mm(left, mat2)  # the same as left @ mat2
    show(f"torch.mm(left, mat2) {tuple(out.shape)}", out)


CHAPTER = Chapter(
    "Tensors",
    (
        pytorch,
        arithmetic,
        random_seed,
        randn,
        rand_like,
        matrix_product,
    ),
)
