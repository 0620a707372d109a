"""Modules that are imported when they are first used, and not before."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from mnist_demo.basics import later
assert not {"torchvision", "matplotlib"} & sys.modules.keys(), "imported too early"
later.Figure(figsize=(1, 1))
assert "matplotlib" in sys.modules and "torchvision" not in sys.modules
assert later.transforms.ToTensor().__class__.__module__.startswith("torchvision.transforms")
"""


def test_nothing_is_imported_before_it_is_used(tmp_path: Path) -> None:
    """torchvision takes seconds to import, so a stand-in is found instead; the chapters' tests use the real one."""
    stand_in = tmp_path / "torchvision" / "transforms" / "__init__.py"
    stand_in.parent.mkdir(parents=True)
    stand_in.write_text("class ToTensor: ...")
    stand_in.parent.with_name("__init__.py").touch()
    paths = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | {"PYTHONPATH": paths}, check=True)
