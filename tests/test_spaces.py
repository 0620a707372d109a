"""What Hugging Face Spaces does with this repository: what it installs beside the requirements, and how it starts.

Spaces asks pip in one call for the requirements and for packages of its own (its documentation of August 2026). The
front matter is held by `test_readme.py`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_requirements import PINNED

ROOT = Path(__file__).parents[1]
ADDED = (f"gradio[oauth,mcp]=={PINNED['gradio']}", "uvicorn", "websockets", "spaces")
ENGINE = ("experiment", "learning", "images", "inference", "lessons", "serving", "hints", "export")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_set_of_spaces_resolves_and_the_engine_works_on_it(tmp_path: Path) -> None:
    """What differs from this environment is installed beside it, and found first."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    report = tmp_path / "report.json"
    subprocess.run([*pip, "--dry-run", "--report", report, "-r", ROOT / "requirements.txt", *ADDED], check=True)
    differing = {
        each["metadata"]["name"].lower(): each["metadata"]["version"]
        for each in json.loads(report.read_text(encoding="utf-8"))["install"]
    }
    assert "gradio" not in differing
    wanted = [f"{name}=={version}" for name, version in differing.items()]
    subprocess.run([*pip, "--no-deps", "--target", tmp_path / "spaces", *wanted], check=True)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "spaces")}
    seen = subprocess.run(
        [sys.executable, "-c", "import pydantic, spaces; print(pydantic.VERSION)"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    if "pydantic" in differing:
        assert seen.stdout.strip() == differing["pydantic"]
    tests = [ROOT / "tests" / name for name in ENGINE]
    subprocess.run([sys.executable, "-m", "pytest", "-q", *tests], cwd=ROOT, env=environment, check=True)
