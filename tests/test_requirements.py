"""What is installed: ranges with both ends, reasons for exclusions, and one set of versions that passed the tests."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
FILES = ("requirements.txt", "requirements-dev.txt")
PIN = re.compile(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*")


def lines(name: str) -> list[str]:
    return [line.strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if line.strip()]


def requirements(name: str) -> list[Requirement]:
    return [Requirement(line) for line in lines(name) if not line.startswith(("#", "-r"))]


EVERY = [requirement for name in FILES for requirement in requirements(name)]
PINNED = {
    canonicalize_name(name): version
    for line in lines("constraints.txt")
    if not line.startswith("#")
    for name, _, version in [line.partition("==")]
}


@pytest.mark.parametrize("requirement", EVERY, ids=lambda requirement: requirement.name)
def test_a_range_has_two_ends_and_holds_the_tested_version(requirement: Requirement) -> None:
    operators = {bound.operator for bound in requirement.specifier}
    assert operators == {"=="} or operators >= {">=", "<"}
    if requirement.name != "setuptools":  # `pip freeze` does not list it on every Python
        assert requirement.specifier.contains(PINNED[canonicalize_name(requirement.name)])


def test_an_exclusion_says_why() -> None:
    for name in FILES:
        comment = ""
        for line in lines(name):
            if line.startswith("#"):
                comment += line
                continue
            for excluded in re.findall(r"!=([0-9.]+)", line):
                assert excluded in comment, f"{name} excludes {excluded} without a word"
            comment = comment if re.match("torch", line) else ""


def test_constraints_name_versions_and_no_place() -> None:
    for line in lines("constraints.txt"):
        assert line.startswith("#") or PIN.fullmatch(line), line
    assert len(PINNED) > len(EVERY)


def test_the_checks_run_readmes_test_command_word_for_word() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Test it")[1]
    command = re.search(r"```bash\n(.*?)\n```", section, re.S)
    assert command
    steps = lines(".ci/run")
    assert command[1] in steps
    for check in ("ruff check .", "ruff format --check .", "mypy", 'export PIP_CONSTRAINT="$PWD/constraints.txt"'):
        assert check in steps


def test_no_code_that_only_one_python_has() -> None:
    """3.11 is the oldest: ruff holds to its grammar, and what later ones removed from the library is not imported."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.11' in project
    assert 'target-version = "py311"' in project
    removed = "asynchat|asyncore|distutils|imp|aifc|audioop|cgi|cgitb|chunk|crypt|imghdr|mailcap|msilib|nis|nntplib"
    removed += "|ossaudiodev|pipes|sndhdr|spwd|sunau|telnetlib|uu|xdrlib|lib2to3"
    pattern = re.compile(rf"^\s*(?:import|from)\s+(?:{removed})\b", re.M)
    for path in (*ROOT.glob("mnist_demo/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/*.py")):
        assert not pattern.search(path.read_text(encoding="utf-8")), path
