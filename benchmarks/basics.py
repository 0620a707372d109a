"""How fast the Basics tab answers: each example as the page asks for it, code, output and all, on one thread."""

import json
import statistics
import time

import torch

from mnist_demo.basics.chapters import EXAMPLES
from mnist_demo.basics.notebook import notebook_text
from mnist_demo.basics.view import answer
from mnist_demo.basics.workbench import Workbench
from mnist_demo.images import data

REPEATS = 7


def measure() -> list[tuple[str, float, str]]:
    """(name, value, unit): the median answer over all examples, the slowest example's median, the page's sizes."""
    torch.set_num_threads(1)
    workbench = Workbench(data.mnist_root)
    medians: dict[str, float] = {}
    sizes: list[int] = []
    for name in EXAMPLES:
        request = {"example": name, "values": {}, "seq": 1}
        sizes.append(len(json.dumps(answer(workbench, request))))  # and warm
        medians[name] = statistics.median(timed(workbench, request) for _ in range(REPEATS))
    slowest = max(medians, key=lambda name: medians[name])
    started = time.perf_counter()
    size = len(notebook_text())
    return [
        (f"Basics: an example's answer, median of {len(EXAMPLES)}", statistics.median(medians.values()), "ms"),
        (f"Basics: slowest example ({slowest}), median", medians[slowest], "ms"),
        ("Basics: an answer's size, median", statistics.median(sizes) / 1000, "kB"),
        (f"Basics: notebook of {size // 1000} kB written", 1000 * (time.perf_counter() - started), "ms"),
    ]


def timed(workbench: Workbench, request: dict[str, object]) -> float:
    """Milliseconds until the answer is ready to be sent."""
    started = time.perf_counter()
    json.dumps(answer(workbench, request))
    return 1000 * (time.perf_counter() - started)
