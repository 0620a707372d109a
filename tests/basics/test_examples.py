"""Every example: run at its defaults, at every bound, and as the text that is shown."""

import ast
import re
import textwrap
from pathlib import Path

import pytest
import torch

from mnist_demo.basics import notebook, pictures, plots, source
from mnist_demo.basics.chapters import CHAPTERS, EXAMPLES, find_example
from mnist_demo.basics.example import Example
from mnist_demo.basics.workbench import Workbench
from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.config import Experiment
from tests.histories import history_of

ALL = pytest.mark.parametrize("example", EXAMPLES.values(), ids=list(EXAMPLES))
DRAWING = {name: getattr(pictures, name, None) or getattr(plots, name) for name in notebook.DRAWING}


def cases(example: Example) -> list[dict[str, object]]:
    """The defaults, each control at each of its extremes, and all controls at their last extreme together."""
    single = [{control.name: value} for control in example.controls for value in control.extremes]
    return [{}, *single, {control.name: control.extremes[-1] for control in example.controls}]


def run_text(example: Example, values: dict[str, object], workbench: Workbench) -> list[str]:
    """What the shown text gives when it is run as it stands."""
    blocks: list[str] = []
    names = {name: getattr(workbench, name) for name in example.uses}
    show = lambda *things: blocks.append(pictures.block(*things))  # noqa: E731
    names |= DRAWING | {"show": show, "print": show}
    text = source.listing(example, example.read(values)).text
    with torch.random.fork_rng(devices=[]):
        exec(compile(text, example.name, "exec"), names)
    return blocks


def test_there_are_forty_examples_and_no_name_twice() -> None:
    names = [example.name for chapter in CHAPTERS for example in chapter.examples]
    assert len(names) == len(set(names)) >= 40


@ALL
def test_every_error_at_the_bounds_is_a_lesson_and_every_lesson_is_met(example: Example, workbench: Workbench) -> None:
    met = set()
    for case in cases(example):
        outcome = workbench.run(example, example.read(case))
        raised = outcome.raised
        if raised is None:
            assert outcome.blocks, case
            continue
        assert case, "the defaults must work"
        assert raised.lesson, f"{case}: {raised.kind}: {raised.message}"
        assert raised.line is not None, case
        assert "\x1b" not in raised.message
        met.add(raised.lesson)
    assert met == {mistake.lesson for mistake in example.mistakes}


@ALL
def test_the_text_shown_is_the_code_that_runs(example: Example, workbench: Workbench) -> None:
    """Verbatim lines of the source file, and the same output when the text itself is run."""
    lines = Path(example.function.__code__.co_filename).read_text(encoding="utf-8").splitlines()
    _, body, _ = source.body(example.function)
    length = body.count("\n") + 1
    first = source.listing(example, example.defaults).file_line
    assert textwrap.dedent("\n".join(lines[first - 1 : first - 1 + length])) == body
    shown, ran = run_text(example, {}, workbench), list(workbench.run(example, example.defaults).blocks)
    if example.is_measured:
        shown, ran = ([re.sub(r"[\d.]+", "#", block) for block in blocks] for blocks in (shown, ran))
    assert shown == ran


@ALL
def test_the_whole_body_is_shown(example: Example) -> None:
    """Parsed again, the text holds the function's statements, all of them, in order."""
    tree = ast.parse(Path(example.function.__code__.co_filename).read_text(encoding="utf-8"))
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == example.name)
    statements = [ast.dump(node) for node in function.body[1:]]  # the first is the docstring
    shown = [ast.dump(node) for node in ast.parse(source.listing(example, example.defaults).text).body]
    assert shown[-len(statements) :] == statements


@ALL
def test_an_example_can_be_read_and_used(example: Example) -> None:
    assert 60 < len(example.teaching) < 420
    assert 1 <= len(example.controls) <= 5
    assert bool(example.said) == bool(example.today)
    longest = max(source.listing(example, example.defaults).text.split("\n"), key=len)
    assert len(longest) <= 84, longest


@ALL
def test_a_cell_of_the_notebook_overwrites_nothing_that_later_cells_use(example: Example) -> None:
    stored = {
        node.id
        for node in ast.walk(ast.parse(source.listing(example, example.defaults).text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    shared = {"show", "digits", "trainset", *notebook.DRAWING}
    if example.name == "training_set":  # makes the same set again
        shared.remove("trainset")
    assert not stored & shared


@ALL
def test_knobs_make_an_experiment_at_every_bound(example: Example) -> None:
    if example.knobs is not None:
        for case in cases(example):
            Experiment.from_dict(example.knobs(example.read(case)))


def test_the_generator_of_the_process_is_left_alone(workbench: Workbench) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    workbench.run(EXAMPLES["randn"], {"rows": 3, "columns": 5, "seed": 7})
    assert torch.equal(torch.get_rng_state(), before)


def test_pytorchs_own_words_and_the_line_that_raised(workbench: Workbench) -> None:
    example = EXAMPLES["matrix_product"]
    values = example.read({"m": 4})
    raised = workbench.run(example, values).raised
    assert raised is not None
    assert raised.kind == "RuntimeError"
    assert "(2x4 and 3x4)" in raised.message
    listing = source.listing(example, values)
    line = listing.shown_line(raised.line)
    assert line is not None
    assert listing.text.split("\n")[line - 1].startswith("out = torch.mm(left, mat2)")


@pytest.mark.parametrize(
    ("name", "values", "kind", "words"),
    [
        ("view", {"source": "x.t()"}, "RuntimeError", "view size is not compatible"),
        ("numpy", {"call": "w.numpy()"}, "RuntimeError", "requires grad"),
        ("iterate_next", {"call": "dataiter.next()"}, "AttributeError", "has no attribute 'next'"),
        ("activations", {"name": "nn.relu"}, "AttributeError", "has no attribute 'relu'"),
        ("weights_and_biases", {"access": "model.hidden.weight"}, "AttributeError", "'hidden'"),
        ("load", {"new_hidden": 16}, "RuntimeError", "size mismatch for 0.weight"),
        ("load_defaults", {"content": "model"}, "UnpicklingError", "Weights only load failed"),
        ("flatten", {"how": "nothing"}, "RuntimeError", "1792x28 and 784x10"),
    ],
)
def test_the_errors_of_the_notes(
    name: str, values: dict[str, object], kind: str, words: str, workbench: Workbench
) -> None:
    example = EXAMPLES[name]
    raised = workbench.run(example, example.read(values)).raised
    assert raised is not None
    assert raised.kind == kind
    assert words in raised.message


def test_weights_of_relu_load_silently_into_a_sigmoid_network(workbench: Workbench) -> None:
    outcome = workbench.run(EXAMPLES["load"], EXAMPLES["load"].read({"names": "sigmoid for relu"}))
    assert outcome.raised is None
    assert "All keys matched" in "".join(outcome.blocks)
    assert "equal: False" in "".join(outcome.blocks)


def test_transforms_of_today_give_the_numbers_of_the_notes(workbench: Workbench) -> None:
    example = EXAMPLES["transform_steps"]
    old, new = (workbench.run(example, example.read({"modern": modern})).blocks for modern in (False, True))
    assert len(old) == len(new) == 4
    assert old[:3] == new[:3]  # the pixels differ in their last bit, which the fourth, a picture, may show


def test_what_is_said_of_dropout_holds_in_the_lessons_runs() -> None:
    moved, dropped = (history_of(query)[1][-1] for query in ("augmentation=shift", "dropout=0.5"))
    assert moved.val_loss < dropped.val_loss - 0.05


@pytest.mark.parametrize("name", [None, 3, "", "no_such", "__class__", ["randn"], {}, "x" * 100_000])
def test_unknown_examples_are_refused(name: object) -> None:
    with pytest.raises(InvalidExperiment):
        find_example(name)
