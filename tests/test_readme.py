"""What README and the card say can be done: every command is run, every setting is read, every link opens.

`pytest -m slow` runs the commands that install, serve or take minutes.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import yaml
from PIL import Image

from mnist_demo import cli
from mnist_demo.cli.words import parser
from mnist_demo.images.data import TrainingData
from mnist_demo.images.pens import Pens
from mnist_demo.lessons.link import KnobAccess, read_link
from tests.images.own_hand import drawings_of, file_of
from tests.test_requirements import PINNED, requirements

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CARD = (ROOT / "checkpoints" / "README.md").read_text(encoding="utf-8")


def commands(page: str) -> list[str]:
    """The lines of all shell blocks, without comments."""
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```$", page, re.M | re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [" ".join(shlex.split(line, comments=True)) for line in lines if line.strip()]


# Which test runs a command; the words are README's own.
IN_PROCESS = (
    "python -m mnist_demo train --train-size 5000 --dropout 0.5 --epochs 10 --output my.safetensors",
    "python -m mnist_demo train --own-digits my-digits.json",
    "python -m mnist_demo evaluate my.safetensors --json",
    "python -m mnist_demo predict photo-of-a-digit.png",
    "python -m mnist_demo export dropout=0.5&epochs=10",
    "python -m mnist_demo lessons",
)
SLOW = (
    "python -m mnist_demo lessons --check --seeds 10",
    "python -m mnist_demo hints --check",
    "python -m mnist_demo drawings",
    "python -m mnist_demo archive FOLDER",
    "python -m benchmarks",
)
# These want data from elsewhere: here their words are checked, `tests/images` runs the reading on files of its own.
WITH_DATA = ("python -m mnist_demo drawings --pens FILE", "python -m mnist_demo pens FOLDER --output FILE")
FIRST_SCREEN = ("pip install -r requirements.txt", "python app.py")
BY_THE_CHECKS = "pip install -r requirements-dev.txt && pytest"  # of `.ci/run`: see test_requirements.py
# Run by tests/cluster/test_elsewhere.py.
ENCRYPTED = (
    "openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=mnist-lab -keyout tls-key.pem -out tls-cert.pem",
    "export DASK_CONFIG=tls.yaml",
    "dask scheduler --protocol tls",
    "dask worker tls://HOST:8786 --nthreads 1",
    "MNIST_DEMO_SCHEDULER=tls://HOST:8786 python app.py",
)
UPLOAD = "hf upload USER/mnist-lab . --repo-type space"


def test_every_command_of_readme_is_run_by_a_test() -> None:
    by_hand = {*FIRST_SCREEN, BY_THE_CHECKS, UPLOAD}
    assert set(commands(README)) == {*IN_PROCESS, *SLOW, *WITH_DATA, *ENCRYPTED, *by_hand}


def test_the_commands_work_one_after_the_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    training_data: TrainingData,
    written: Pens,
) -> None:
    monkeypatch.chdir(tmp_path)
    digit = Image.fromarray(255 - training_data.val.images[0].numpy()).resize((280, 280))
    digit.save("photo-of-a-digit.png")
    Path("my-digits.json").write_text(file_of(drawings_of(written, 20)))
    told = {}
    for command in IN_PROCESS:
        assert cli.main(shlex.split(command.replace("&", "'&'"))[3:]) == 0, command
        told[command.split()[3]] = capsys.readouterr().out
    assert json.loads(told["evaluate"])["test_accuracy"] > 0.9
    assert told["predict"].startswith(f"photo-of-a-digit.png: {training_data.val.labels[0]} ")
    compile(told["export"], "export", "exec")
    assert "zero-grad-forgotten" in told["lessons"]


def test_the_commands_of_the_card_are_understood() -> None:
    found = re.findall(r"`(python -m mnist_demo [^`]+)`", CARD) + commands(CARD)
    words = [shlex.split(command.replace("--fold N", "--fold 1"))[3:] for command in (*found, *WITH_DATA)]
    assert {line[0] for line in words} >= {"train", "evaluate", "drawings"}
    for line in words:
        assert parser().parse_args(line).command


def test_the_upload_command_has_the_options_it_is_given() -> None:
    told = subprocess.run([Path(sys.executable).with_name("hf"), "upload", "--help"], capture_output=True, text=True)
    assert told.returncode == 0
    assert "--repo-type" in told.stdout


def test_the_table_of_settings_is_what_the_code_reads() -> None:
    pattern = re.compile(r"environ(?:\.get\(|\[)\s*\"((?:GRADIO|MNIST_DEMO|SPACE|CPU)_\w+)\"")
    read = {name for path in (ROOT / "mnist_demo").rglob("*.py") for name in pattern.findall(path.read_text())}
    section = README.split("All settings are environment variables:")[1].split("\n\n**")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.M)) == read
    for name in re.findall(r"\b((?:GRADIO|MNIST_DEMO)_[A-Z_]+)=", README):
        assert name in read, name


def test_every_link_opens() -> None:
    sheet = (ROOT / "mnist_demo" / "assets" / "one-hour.md").read_text(encoding="utf-8")
    queries = re.findall(r"`\?([^`]+)`", README + sheet)
    assert len(queries) >= 8
    for query in queries:
        link = read_link(parse_qsl(query))
        assert link, query
        assert not link.unused
        assert (link.knobs is KnobAccess.LOCKED) == ("knobs=locked" in query)
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_front_matter_is_what_spaces_documents() -> None:
    """The keys and values of Hugging Face's "Spaces Configuration Reference", as of August 2026."""
    front = yaml.safe_load(README.split("---\n")[1])
    known = {"title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "pinned"}
    assert front.keys() <= known | {"license", "short_description", "tags"}
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {front["colorFrom"], front["colorTo"]} <= colours
    assert (front["sdk"], front["license"], front["pinned"]) == ("gradio", "mit", False)
    assert (ROOT / front["app_file"]).is_file()
    assert len(front["short_description"]) <= 60
    (gradio,) = (each for each in requirements("requirements.txt") if each.name == "gradio")
    assert str(gradio.specifier) == f"=={front['sdk_version']}" == f"=={PINNED['gradio']}"
    assert front["python_version"] in ("3.11", "3.12", "3.13")


def test_the_card_has_the_hubs_metadata() -> None:
    front = yaml.safe_load(CARD.split("---\n")[1])
    assert front["license"] == "mit"
    assert front["datasets"] == ["ylecun/mnist"]
    assert front["pipeline_tag"] == "image-classification"
    for result in front["model-index"]:
        (score,) = result["results"][0]["metrics"]
        assert f"| `{result['name']}` | {score['value']:.2f}% |" in CARD


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository to run slow commands in."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build")
    shutil.copytree(ROOT, tmp_path / "copy", ignore=ignored)
    return tmp_path / "copy"


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("command", SLOW)
def test_a_slow_command(command: str, copy: Path, mnist_root: Path) -> None:
    (copy / "FOLDER").symlink_to(mnist_root / "MNIST" / "raw")
    told = subprocess.run(command, shell=True, cwd=copy, env=environment(), capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    if "archive" in command:
        here, there = (place / "mnist_demo" / "assets" / "mnist.tar.xz" for place in (ROOT, copy))
        assert there.read_bytes() == here.read_bytes()


@pytest.mark.slow
def test_the_first_screen(copy: Path) -> None:
    install, start = FIRST_SCREEN
    subprocess.run(install, shell=True, cwd=copy, env=environment(), check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(f"exec {start}", shell=True, cwd=copy, env=environment(GRADIO_SERVER_PORT=str(port)))
    try:
        ends_at = time.monotonic() + 300
        while True:
            assert server.poll() is None
            assert time.monotonic() < ends_at
            try:
                page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read().decode()
                break
            except OSError:
                time.sleep(0.2)
        assert "MNIST Lab" in page
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=60)


def environment(**more: str) -> dict[str, str]:
    """In which `python` and `pip` are this test's."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **more}
