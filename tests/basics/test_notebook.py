"""The notebook: valid, the same code as the page, and run from top to bottom in a process of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from mnist_demo.basics import notebook, source
from mnist_demo.basics.chapters import EXAMPLES

# Runs the code cells in one namespace, as Jupyter does, with a stand-in for the display of Jupyter. Without network:
# a download would fail.
RUNNER = """
import json, pathlib, sys, types, warnings
warnings.simplefilter("error")
sys.path = [entry for entry in sys.path if entry not in ("", sys.argv[2])]
ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
ipython.version_info = (9, 0)  # matplotlib asks for it
display.HTML, shown = str, []
display.display = shown.append
sys.modules |= {"IPython": ipython, "IPython.display": display}
import torch
torch.set_num_threads(1)
names = {"__name__": "__main__"}
outputs = {}
for cell in json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        shown.clear()
        exec(compile(cell["source"], cell["id"], "exec"), names)
        outputs[cell["id"]] = len(shown)
assert not any(name.startswith("mnist_demo") for name in sys.modules)
print(json.dumps(outputs))
"""


def test_it_runs_from_top_to_bottom_without_this_package(tmp_path: Path, mnist_root: Path) -> None:
    path = tmp_path / "basics.ipynb"
    path.write_text(notebook.notebook_text(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(path), str(Path.cwd())],
        cwd=tmp_path,
        env=os.environ | {"MNIST_ROOT": str(mnist_root), "OMP_NUM_THREADS": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    outputs = json.loads(done.stdout.splitlines()[-1])
    assert set(EXAMPLES) < set(outputs)
    assert all(outputs[name] > 0 for name in EXAMPLES)


def test_its_cells_are_the_listings_of_the_page() -> None:
    cells = {cell["id"]: cell for cell in json.loads(notebook.notebook_text())["cells"]}
    for name, example in EXAMPLES.items():
        assert cells[name]["source"] == source.listing(example, example.defaults).text
        assert example.teaching in cells[f"{name}-words"]["source"]


def test_its_format_is_nbformat_4_5() -> None:
    book = json.loads(notebook.notebook_text())
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in book["cells"]]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", name) for name in ids)
    for cell in book["cells"]:
        wanted = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            wanted |= {"execution_count", "outputs"}
        assert set(cell) == wanted
