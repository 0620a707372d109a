"""The house as README draws it: who may import whom, who may open the test images, and that the map is true."""

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mnist_demo"
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = [path.relative_to(ROOT).as_posix() for path in MODULES]
MAX_LINES = 280

# The folders, highest first: a module imports from its own folder and from those below it.
FOLDERS = (
    *("__main__", "cli", "ui", "basics", "export", "hints", "serving", "lessons", "inference", "learning", "images"),
    *("cluster", "experiment", "errors"),
)
# What each library may be imported by, where not everyone may.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "gradio": ("mnist_demo/ui/",),
    "distributed": ("mnist_demo/cluster/",),
    "dask": ("mnist_demo/cluster/",),
    "tqdm": ("mnist_demo/cli/",),
    "argparse": ("mnist_demo/cli/",),
}
PLAIN = {"experiment", "errors"}  # folders of plain Python: no tensors
ALLOWED_IN_PLAIN = {"pydantic", "pydantic_core", "mnist_demo"}
STANDARD = {"math", "re", "enum", "typing", "dataclasses", "collections", "urllib", "json", "functools", "itertools"}


def imports(path: Path) -> Iterator[str]:
    """Dotted names of all imports of a file, also those inside functions."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def room_of(dotted: str) -> str | None:
    """'mnist_demo.ui.app.main' -> 'ui'; None for a name outside the package."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "mnist_demo" and len(parts) > 1 else None


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("name", NAMES)
def test_imports_go_down(name: str) -> None:
    path = ROOT / name
    if path == PACKAGE / "__init__.py":
        assert not list(imports(path))
        return
    assert room(path) in FOLDERS, f"{name} has no place in the order of folders: give it one in {Path(__file__).name}"
    for dotted in imports(path):
        imported = room_of(dotted)
        if imported is not None:
            assert FOLDERS.index(imported) >= FOLDERS.index(room(path)), f"{name} imports {dotted} from above"
        for library, allowed in ONLY_IN.items():
            if dotted.split(".")[0] == library:
                assert name.startswith(allowed), f"{name} imports {dotted}"
        if room(path) in PLAIN:
            assert dotted.split(".")[0] in ALLOWED_IN_PLAIN | STANDARD, f"{name} imports {dotted}"


def module_of(dotted: str) -> str | None:
    """The module that an import reaches: 'mnist_demo.ui.app.main' -> 'mnist_demo.ui.app'; None outside the package."""
    for name in (dotted, dotted.rpartition(".")[0]):
        place = ROOT / name.replace(".", "/")
        if name.startswith("mnist_demo") and (place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()):
            return name
    return None


def test_no_circle_of_imports() -> None:
    """Not between folders, which `test_imports_go_down` holds already, and not between modules inside one."""
    needs: dict[str, set[str]] = {}
    for path in MODULES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        needs[name] = {found for dotted in imports(path) if (found := module_of(dotted))} - {name}
    while free := [name for name, others in needs.items() if not others & needs.keys()]:
        for name in free:
            del needs[name]
    assert not needs, f"in a circle: {needs}"


def test_the_walk_sees_every_kind_of_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "mnist_demo" / "ui" / "page.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import gradio as gr\nfrom . import tab\nfrom ..data import x\ndef f():\n    from mnist_demo import runs\n"
    )
    assert list(imports(path)) == ["gradio", "mnist_demo.ui.tab", "mnist_demo.data.x", "mnist_demo.runs"]
    assert [room_of(dotted) for dotted in imports(path)] == [None, "ui", "data", "runs"]


def test_only_evaluation_opens_the_test_images() -> None:
    allowed = {PACKAGE / "inference" / "evaluation.py", PACKAGE / "images" / "data.py"}
    for path in {*MODULES, ROOT / "app.py"} - allowed:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {getattr(node, field, None) for field in ("id", "attr", "name")}
            assert "load_test" not in names, f"{path.name} names load_test"
            if isinstance(node, ast.Call) and "MNIST" in ast.unparse(node.func):
                train = [word.value for word in node.keywords if word.arg == "train"]
                assert all(ast.unparse(value) == "True" for value in train), f"{path.name} opens the test images"


@pytest.mark.parametrize("name", NAMES)
def test_modules_introduce_themselves_and_stay_readable(name: str) -> None:
    path = ROOT / name
    source = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), f"{name} does not say what it knows"
    assert len(source.splitlines()) <= MAX_LINES
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", source)
    assert not set(path.with_suffix("").parts) & {"utils", "util", "helpers", "manager", "common", "misc"}


def test_a_percentage_is_written_one_way() -> None:
    texts = [ROOT / "README.md", *sorted((ROOT / "checkpoints").glob("*.md")), *MODULES, *sorted(PACKAGE.rglob("*.md"))]
    for path in texts:
        found = re.findall(r".*\d %(?! \w+[(.]).*", path.read_text(encoding="utf-8"))
        assert found == [], f"{path.name} has a space before its % sign"


# Tested as a whole, by one file of tests: every example is run, every folder of a component is looked at in a browser.
TESTED_TOGETHER = {
    "basics/chapters": "tests/basics/test_examples.py",
    "ui/components": "tests/ui/test_components.py",
}


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("__init__.py")])
def test_every_module_has_tests_of_its_own(name: str) -> None:
    place = Path(name).relative_to("mnist_demo")
    together = [tests for folder, tests in TESTED_TOGETHER.items() if place.is_relative_to(folder)]
    expected = Path(together[0]) if together else Path("tests") / place.parent / f"test_{place.stem.strip('_')}.py"
    assert (ROOT / expected).is_file(), f"{name} has no {expected}"
    assert "\ndef test_" in (ROOT / expected).read_text(encoding="utf-8")


def lines_of(paths: Iterable[Path]) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def test_ui_is_the_page_and_nothing_but_the_page() -> None:
    """The engine's work is elsewhere: what is here speaks of widgets, and may not grow past what it is (2026-11-26).

    Left out are the components, and `web`, which serves the page.
    """
    page = [path for path in (PACKAGE / "ui").rglob("*.py") if not {"components", "web"} & set(path.parts)]
    without_widgets = [path for path in page if not any(name.split(".")[0] == "gradio" for name in imports(path))]
    assert lines_of(without_widgets) <= 135
    assert lines_of(page) <= 3_467


def test_app_py_is_short() -> None:
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) < 30


# --- README's map -----------------------------------------------------------------------------------

PATHS = re.compile(r"(\s*)([\w./-]+(?:, [\w./-]+)*)")


def map_of(readme: str, root: Path) -> tuple[set[str], set[str]]:
    """The paths that the first code block under "## Map" names: those that exist below root, and those that do not.

    A line starts with a path, or several joined by ", "; a name indented below a folder lies in that folder.
    """
    section = re.search(r"^## Map$(.*?)(?=^## |\Z)", readme, re.M | re.S)
    block = section and re.search(r"^```\w*\n(.*?)^```", section[1], re.M | re.S)
    assert block, 'README.md has no code block under a heading "## Map"'
    existing: set[str] = set()
    missing: set[str] = set()
    folders: list[tuple[int, str]] = [(-1, "")]
    for line in block[1].splitlines():
        match = PATHS.match(line)
        names = (
            [name for name in match[2].split(", ") if "." in name or "/" in name or name == "Dockerfile"]
            if match
            else []
        )
        if not match or not names:
            continue  # a caption between the lines
        indent = len(match[1])
        while folders[-1][0] >= indent:
            folders.pop()
        inside = folders[-1][1]
        for name in names:
            path = f"{inside}{name}"
            is_there = (root / path).is_dir() if name.endswith("/") else (root / path).is_file()
            (existing if is_there else missing).add(path.rstrip("/"))
        if names[-1].endswith("/"):
            folders.append((indent, f"{inside}{names[-1]}"))
    return existing, missing


def tracked() -> list[Path]:
    """What belongs to the project: what git tracks, or all that is there where there is no git."""
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode == 0 and listing.stdout:
        return [path for line in listing.stdout.splitlines() if (ROOT / (path := Path(line))).exists()]
    return [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def must_be_named() -> set[str]:
    """Top-level entries (dotfiles apart); in the package every folder, and every module that no folder stands for."""
    stands_for_itself = ("mnist_demo/basics/chapters", "mnist_demo/ui/components")
    found = set()
    for path in tracked():
        if not path.parts[0].startswith("."):
            found.add(path.parts[0])
        if path.parts[0] == "mnist_demo" and not path.is_relative_to("mnist_demo/assets") and path.suffix == ".py":
            named = [folder for folder in stands_for_itself if path.is_relative_to(folder)] or [path.as_posix()]
            found |= {*named, *(parent.as_posix() for parent in Path(named[0]).parents if parent != Path())}
    return {name for name in found if not name.endswith("__init__.py")}


def test_the_map_in_readme_is_true() -> None:
    existing, missing = map_of((ROOT / "README.md").read_text(encoding="utf-8"), ROOT)
    assert not missing, "README's map names what does not exist"
    assert must_be_named() - existing == set(), "README's map leaves out what exists"


def test_the_map_is_read_as_a_reader_reads_it(tmp_path: Path) -> None:
    for name in ("app.py", "house/a.py", "house/b.py", "house/ui/c.py", ".ci/run"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    readme = "# X\n## Map\nText\n```text\n{}```\n## Next\n```\nnothing.py\n```\n"
    lines = "app.py  starts\nhouse/\n  floor 0  low\n    a.py, b.py  two\n  ui/  pages\n    c.py\n.ci/run  checks\n"
    every = {"app.py", "house", "house/a.py", "house/b.py", "house/ui", "house/ui/c.py", ".ci/run"}
    assert map_of(readme.format(lines), tmp_path) == (every, set())
    assert map_of(readme.format("house/a.py\nhouse/ui/c.py  x\n"), tmp_path) == ({"house/a.py", "house/ui/c.py"}, set())
    for wrong in ("gone.py", "house/gone/", "app.py/", "house.py", "a.py"):
        assert map_of(readme.format(f"{wrong}\n"), tmp_path)[1] == {wrong.rstrip("/")}
    with pytest.raises(AssertionError, match="no code block"):
        map_of("# X\n```\napp.py\n```\n", tmp_path)
