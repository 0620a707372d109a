"""The bench that examples run at: MNIST as the notes make it, and a random generator left as it was found."""

import threading

import torch

from mnist_demo.basics.chapters import EXAMPLES
from mnist_demo.basics.example import example
from mnist_demo.basics.workbench import Workbench


def test_digits_are_from_minus_one_to_one(workbench: Workbench) -> None:
    pixels, labels = workbench.digits
    assert (pixels.shape, pixels.dtype, labels.shape) == ((4000, 784), torch.float32, (4000,))
    assert (pixels.min().item(), pixels.max().item()) == (-1, 1)
    image, label = workbench.trainset[7]
    assert torch.allclose(image.flatten(), pixels[7])
    assert label == labels[7]


def test_an_example_leaves_the_global_generator_as_it_was(workbench: Workbench) -> None:
    before = torch.get_rng_state()
    outcome = workbench.run(EXAMPLES["randn"], EXAMPLES["randn"].defaults)
    assert outcome.raised is None
    assert torch.equal(torch.get_rng_state(), before)


def test_examples_run_one_at_a_time(workbench: Workbench) -> None:
    """Two at once would draw from one another's seed."""
    inside, most = [0], [0]

    @example("Two at once")
    def crowded(_show: object) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.02)
        inside[0] -= 1

    threads = [threading.Thread(target=workbench.run, args=(crowded, {})) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
