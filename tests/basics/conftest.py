"""A workbench on the real MNIST, and the names a listing may use."""

from pathlib import Path

import pytest

from mnist_demo.basics.workbench import Workbench


@pytest.fixture(scope="session")
def workbench(mnist_root: Path) -> Workbench:
    return Workbench(lambda: mnist_root)
