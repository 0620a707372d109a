"""Modules that are imported when they are first used, and not before."""

import subprocess
import sys

PROGRAM = """
import sys
from mnist_demo.basics import later
assert not {"torchvision", "matplotlib"} & sys.modules.keys(), "imported too early"
later.Figure(figsize=(1, 1))
assert "matplotlib" in sys.modules and "torchvision" not in sys.modules
assert later.transforms.ToTensor().__class__.__module__.startswith("torchvision.transforms")
"""


def test_nothing_is_imported_before_it_is_used() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
