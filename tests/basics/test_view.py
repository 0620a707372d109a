"""What Basics answers to a visitor: the whole panel as JSON types, one sentence for bad values, a pair to train."""

import json
from pathlib import Path
from typing import Any

import pytest

from mnist_demo.basics.chapters import EXAMPLES
from mnist_demo.basics.controls import Choice, Number, Switch
from mnist_demo.basics.example import Example, Raised, example
from mnist_demo.basics.source import Pane
from mnist_demo.basics.view import (
    NO_LESSON,
    answer,
    catalogue,
    control_view,
    error_view,
    notes_view,
    pair_of,
    pane_view,
)
from mnist_demo.basics.workbench import Workbench
from mnist_demo.errors import DataError, InvalidExperiment
from mnist_demo.experiment.config import Experiment, changed_fields


def test_an_answer_holds_the_whole_panel_and_is_json(workbench: Workbench) -> None:
    for name in EXAMPLES:
        view = answer(workbench, {"example": name, "values": {}, "seq": 7})
        assert (view["example"], view["seq"], view["refusal"]) == (name, 7, "")
        assert view["output"]
        assert view["notes"]
        assert len(json.dumps(view)) < 60_000


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({}, "There is no example of that name"),
        ({"example": "no_such"}, "There is no example of that name"),
        ({"example": ["randn"]}, "There is no example of that name"),
        ({"example": "randn", "values": {"rows": 61}}, "rows can't be 61: give a whole number from 1 to 60."),
        ({"example": "randn", "values": {"rows": float("nan")}}, "rows can't be nan"),
        ({"example": "randn", "values": {"rows": "5"}}, "rows can't be '5'"),
        ({"example": "randn", "values": {"__class__": 1}}, "A control can't be '__class__'"),
        ({"example": "randn", "values": [1, 2]}, "The list of values can't be"),
        ({"example": "numpy", "values": {"call": "<img onerror>"}}, "call can't be '<img onerror>'"),
    ],
)
def test_bad_requests_get_one_sentence(request_: dict[str, object], sentence: str, workbench: Workbench) -> None:
    view = answer(workbench, request_)
    assert str(view["refusal"]).startswith(sentence)
    assert "output" not in view


@pytest.mark.parametrize("request_", [None, 3, "randn", [], "x" * 100_000])
def test_what_is_no_request_at_all_gets_a_sentence(request_: object, workbench: Workbench) -> None:
    assert str(answer(workbench, request_)["refusal"]).startswith("Send an object")


@pytest.mark.parametrize("seq", [None, True, -1, 2**60, 1.5, "3", [], float("nan")])
def test_an_odd_sequence_number_is_ignored(seq: object, workbench: Workbench) -> None:
    assert answer(workbench, {"example": "randn", "seq": seq})["seq"] == 0


def test_what_can_be_trained_becomes_an_experiment() -> None:
    experiment = pair_of({"example": "whole_loop", "values": {"dropout": 0.5, "lr": "0.01"}}).a
    assert isinstance(experiment, Experiment)
    assert (experiment.dropout, experiment.learning_rate) == (0.5, 0.01)
    for request in ({"example": "randn"}, {"example": "whole_loop", "values": {"dropout": 2}}, None, "whole_loop"):
        with pytest.raises(InvalidExperiment):
            pair_of(request)


@pytest.mark.parametrize("example", [each for each in EXAMPLES.values() if each.knobs], ids=lambda each: each.name)
def test_what_is_trained_stands_beside_a_run_that_differs_in_one_knob(example: Example) -> None:
    for values in ({}, {control.name: control.extremes[-1] for control in example.controls}):
        pair = pair_of({"example": example.name, "values": values})
        assert len(changed_fields(pair.a, pair.b)) == 1


def test_a_missing_archive_is_told_and_the_rest_works() -> None:
    def find_root() -> Path:
        raise DataError("The MNIST archive is missing: restore it.")

    bench = Workbench(find_root)
    view = answer(bench, {"example": "data_loader"})
    assert view["refusal"] == "The MNIST archive is missing: restore it."
    assert answer(bench, {"example": "randn"})["output"]


def test_the_catalogue_names_every_example_once_and_the_notes_lead_to_them() -> None:
    listed: list[Any] = [each for chapter in catalogue() for each in chapter["examples"]]  # type: ignore[attr-defined]
    assert [each["name"] for each in listed] == list(EXAMPLES)
    assert {each["name"] for each in listed if each["corrects"]} == {e.name for e in EXAMPLES.values() if e.today}
    assert {note["example"] for note in notes_view()} <= set(EXAMPLES)
    assert all(note["text"].strip() for note in notes_view())


def test_the_values_sent_are_in_the_controls_the_code_and_the_output(workbench: Workbench) -> None:
    view: dict[str, Any] = answer(workbench, {"example": "randn", "values": {"rows": 7, "seed": 3}})
    values = {control["name"]: control["value"] for control in view["controls"]}
    assert (values["rows"], values["seed"]) == (7, 3)
    assert "rows = 7" in view["text"]
    assert "<pre" in view["code"]
    other: dict[str, Any] = answer(workbench, {"example": "randn", "values": {"rows": 7, "seed": 4}})
    assert other["output"] != view["output"]


def test_a_refusal_names_the_example_only_where_there_is_one(workbench: Workbench) -> None:
    for name, told in (("randn", "randn"), ("no_such", ""), (["randn"], "")):
        view = answer(workbench, {"example": name, "values": 3, "seq": 5})
        assert (view["example"], view["seq"]) == (told, 5)


def test_a_notebook_is_asked_for_with_true_and_nothing_else(workbench: Workbench) -> None:
    book = answer(workbench, {"notebook": True, "seq": 4})
    assert set(book) == {"example", "seq", "notebook"}
    assert "notebook" not in answer(workbench, {"notebook": 1, "example": "randn"})


def test_each_kind_of_control_is_declared_with_its_value() -> None:
    number, choice, switch = Number("n", "N", 1, 0, 9), Choice("c", "C", "a", ("a", "b")), Switch("s", "S", False)
    assert [control_view(*each)["kind"] for each in ((number, 2), (choice, "b"), (switch, True))] == [
        *("number", "choice", "switch"),
    ]
    assert control_view(number, 2) == {
        **{"kind": "number", "name": "n", "label": "N", "default": 1, "minimum": 0, "maximum": 9, "step": 1},
        "value": 2,
    }


def test_an_error_is_shown_as_text_with_what_it_teaches() -> None:
    html = error_view(Raised("ValueError", "<b>bad</b>", "Mind the <shape>.", None))
    assert "<pre>ValueError: &lt;b&gt;bad&lt;/b&gt;</pre><p>Mind the &lt;shape&gt;.</p>" in html
    assert NO_LESSON in error_view(Raised("ValueError", "bad", "", None))


@example("Parts", parts={"make <it>": ("torch.ones",), "show": ("show(",)})
def parted(show: Any) -> None:
    """Makes and shows."""
    show(1)


def test_a_line_of_code_carries_its_part_and_the_line_that_raised_is_marked() -> None:
    pane = Pane("a = torch.ones(2)\nb = 2\nshow(a)", first=11, is_across=False)
    lines = pane_view(parted, pane, 12).split('<span class="mnist-line ')[1:]
    assert ['data-part="make &lt;it&gt;"' in line for line in lines] == [True, False, False]
    assert ['data-part="show"' in line for line in lines] == [False, False, True]
    assert [line.startswith("mnist-raised") for line in lines] == [False, True, False]
    assert "mnist-raised" not in pane_view(parted, pane, None)
    across = pane_view(parted, Pane(pane.text, 11, is_across=True), None)
    assert "mnist-across" in across
    assert "data-part" not in across


@pytest.mark.parametrize(
    ("name", "values", "changes"),
    [
        ("whole_loop", {}, {"hidden_sizes": ((32,), (64,))}),  # twice a number
        ("whole_loop", {"hidden": 128}, {"hidden_sizes": ((128,), (64,))}),  # half of it where that is too much
        ("whole_loop", {"hidden": 64}, {"hidden_sizes": ((64,), (128,))}),
        ("zero_grad", {}, {"mistake": ("none", "no_zero_grad")}),  # another choice
        ("zero_grad", {"place": "never"}, {"mistake": ("no_zero_grad", "none")}),
        ("overfitting", {}, {"train_size": (1000, 5000)}),  # no control is a knob: five times the images
        ("early_stopping", {}, {"patience": (5, 0)}),  # or without patience
    ],
)
def test_run_b_has_another_value_of_a_control_that_tells_something(
    name: str, values: dict[str, object], changes: dict[str, object]
) -> None:
    pair = pair_of({"example": name, "values": values})
    assert changed_fields(pair.a, pair.b) == changes
