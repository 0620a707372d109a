"""How large an installation of requirements.txt is and how long it takes, from the default index and for a CPU alone.

Each goes into a fresh virtual environment, without pip's cache. It downloads gigabytes, so it runs only if it is named.
The index of CPU builds is TORCH_INDEX, as in the Dockerfile; without it only the default index is measured.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"


def measure() -> list[tuple[str, float, str]]:
    """(name, value, unit): seconds and megabytes of each way."""
    rows = []
    cpu_index = os.environ.get("TORCH_INDEX")
    for name, first in (("default index", []), ("CPU build", ["torch", "torchvision", "--index-url", cpu_index])):
        if None in first:
            continue
        with tempfile.TemporaryDirectory() as place:
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
            before = _bytes(Path(place))
            started = time.perf_counter()
            pip = [f"{place}/bin/pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"]
            if first:
                subprocess.run([*pip, *map(str, first)], check=True)
            subprocess.run([*pip, "-r", REQUIREMENTS], check=True)
            rows.append((f"install, {name}", time.perf_counter() - started, "s"))
            rows.append((f"size of it, {name}", (_bytes(Path(place)) - before) / 1e6, "MB"))
    return rows


def _bytes(folder: Path) -> int:
    """What the files take on the disk."""
    return sum(512 * path.lstat().st_blocks for path in folder.rglob("*"))
