"""The endpoints for programs, called as README shows, in Python and with curl; and what their listing says."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mnist_demo.images.data import TrainingData
from mnist_demo.learning import checkpoints
from tests.ui.conftest import ServedApp

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## For programs")[1].split("\n## ")[0]

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, training_data: TrainingData) -> int:
    """In a folder with the picture that the examples read; the digit on it."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(255 - training_data.val.images[0].numpy()).resize((280, 280)).save("photo-of-a-digit.png")
    return int(training_data.val.labels[0])


def block(language: str, app: ServedApp) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", SECTION, re.M | re.S)
    assert found
    return found[1].replace("http://127.0.0.1:7860", app.address)


def call(app: ServedApp, name: str, *values: Any) -> Any:
    request = urllib.request.Request(
        f"{app.address}/gradio_api/run/{name}",
        json.dumps({"data": list(values)}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["data"][0]
    except urllib.error.HTTPError as error:
        refused = error
    assert refused.code < 500
    return json.loads(refused.read())["error"]


def test_the_example_in_python(app: ServedApp, here: int, capsys: pytest.CaptureFixture[str]) -> None:
    exec(block("python", app), {})
    digit, accuracies = capsys.readouterr().out.splitlines()[-2:]
    assert int(digit) == here
    assert all(0.2 < float(accuracy) < 1 for accuracy in accuracies.split())
    assert checkpoints.load(Path("b.safetensors")).experiment.dropout == 0.5


def test_the_example_with_curl(app: ServedApp, here: int) -> None:
    told = subprocess.run(["bash", "-ec", block("sh", app)], capture_output=True, text=True, check=True, timeout=120)
    answers = re.split(r"(?<=\})\s*(?=\{\"data\")", told.stdout.strip())
    first, second = (json.loads(answer)["data"][0] for answer in answers)
    assert first["digit"] == here
    stopped = call(app, "train_stop", second)
    assert stopped["error"] is None
    assert stopped["a"]["status"] in ("running", "finished")


def test_what_is_wrong_is_one_sentence(app: ServedApp) -> None:
    for link in (
        "no_knob=1",
        "dropout=7",
        "lesson=gone",
        "epochs=200&train_size=55000&network=deep_cnn",
        5,
        None,
        "x" * 3000,
    ):
        assert str(call(app, "train_start", link)).endswith("."), link
    key = call(app, "train_start", "http://elsewhere.example/?train_size=100&epochs=1&utm_source=mail")
    for name in ("train_status", "train_stop", "train_download"):
        for wrong in ("", "program-", key[:-1], None, 5, "/etc/passwd"):
            assert str(call(app, name, wrong, *(["a", "best"] if name == "train_download" else []))).endswith(".")
    for run, point in (("c", "best"), ("a", "first"), (None, "best"), ("a", 5)):
        assert str(call(app, "train_download", key, run, point)).endswith(".")


def test_the_listing_says_what_a_program_needs(app: ServedApp) -> None:
    listed = json.loads(urllib.request.urlopen(f"{app.address}/gradio_api/info", timeout=60).read())["named_endpoints"]
    assert listed.keys() >= {"/predict", "/train_start", "/train_status", "/train_stop", "/train_download"}
    for name, endpoint in listed.items():
        for parameter in endpoint["parameters"]:
            assert len(json.dumps(parameter.get("parameter_default"))) < 100, name
            assert len(json.dumps(parameter)) < 1000, name
