"""How torch computes while a network is trained: on how many threads, and with which smallest number.

Both are settings of the calling thread, so they are put back afterwards. Knows torch. Does not know training.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def set_for_training(threads: int = 1) -> Iterator[None]:
    """On one thread a run is the same, bit for bit, on every machine of a kind.

    Numbers below 1.2e-38 become 0. Adam's averages of gradients that stay 0 fade to such numbers within 800 steps, and
    processors are slow with them: a step of the MLP 784-256-128-10 took 3.2 ms, and takes 1.7 (2026-11-26).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)
