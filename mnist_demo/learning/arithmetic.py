"""How torch computes while a network is trained: on how many threads, with which smallest number, in which order.

These are settings of the thread or the process, so they are put back afterwards. Knows torch. Does not know training.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def set_for_training(threads: int = 1) -> Iterator[None]:
    """On one thread a run is the same, bit for bit, on every machine of a kind.

    Numbers below 1.2e-38 become 0. Adam's averages of gradients that stay 0 fade to such numbers within 800 steps, and
    processors are slow with them: a step of the MLP 784-256-128-10 took 3.2 ms, and takes 1.7 (2026-11-26). On a GPU
    cuDNN may add a convolution's gradients in any order, unless it is told not to; any order was no faster (H100).
    """
    before = torch.get_num_threads(), torch.backends.cudnn.deterministic
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_flush_denormal(False)
        torch.backends.cudnn.deterministic = before[1]
