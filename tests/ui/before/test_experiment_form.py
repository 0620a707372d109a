"""The form: it shows any pair and reads back the very same one, and turns nonsense into one sentence."""

import math
from typing import Any

import gradio as gr
import pytest

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.config import knobs
from mnist_demo.experiment.pair import Pair
from mnist_demo.ui.before.experiment_form import ExperimentForm, _offered

PAIRS = [
    "",
    "b.dropout=0.5",
    "b.seed=7",
    "optimizer=sgd&learning_rate=0.1&epochs=10&b.learning_rate=3",
    "network=cnn&hidden_sizes=8-16&b.activation=sigmoid&b.learning_rate=0.000123456789",
    "hidden_sizes=none&b.hidden_sizes=8",
    "label_noise=0.35&b.label_noise=0.4",
    "mistake=no_shuffle&b.mistake=none",
]


@pytest.fixture(scope="module")
def form() -> ExperimentForm:
    with gr.Blocks():
        return ExperimentForm(Pair.from_query("b.dropout=0.5"))


def values_of(form: ExperimentForm, pair: Pair) -> list[Any]:
    """What the components would send back once they show the pair."""
    shown = form.show(pair)
    return [shown[component]["value"] for component in form.inputs]


@pytest.mark.parametrize("query", PAIRS)
def test_what_is_shown_is_read_back(form: ExperimentForm, query: str) -> None:
    pair = Pair.from_query(query)
    assert set(form.show(pair)) == set(form.inputs)
    assert form.read(values_of(form, pair)) == pair


def test_a_value_of_run_b_stays_while_its_knob_does() -> None:
    assert _offered("train_size", "5000")["value"] == "5000"
    assert _offered("train_size", "0.5")["value"] == "100"  # was of another knob
    assert _offered("seed", "5000")["value"] == "1"  # not A's default
    assert _offered("nothing", "1") == gr.update(choices=[], value="", interactive=False)


def test_every_knob_is_in_the_form_once(form: ExperimentForm) -> None:
    ids = [component.elem_id for component in form.inputs]
    assert [f"knob-{name}" for name in knobs()] == ids[: len(knobs())]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, -1, True, None, "five", "1e999", "", "٣", "9" * 5000, [], {}, [[1]], "<b>", 10**400]
)
@pytest.mark.parametrize("knob", ["learning_rate", "epochs", "dropout", "hidden_sizes", "network"])
def test_nonsense_is_one_sentence_that_names_the_knob(form: ExperimentForm, knob: str, bad: Any) -> None:
    if (knob, bad) in (("hidden_sizes", []), ("hidden_sizes", "")):
        return  # a network without hidden layers, and what the default is for
    values = values_of(form, Pair.from_query(""))
    values[list(knobs()).index(knob)] = bad
    with pytest.raises(InvalidExperiment, match=rf"^[A-Z].*\({knob}\).*\.$") as error:
        form.read(values)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["dropout", "0.5", "dropout", "0.2"], "twice"),
        (["no_such", "1", "nothing", ""], "no knob 'no_such'"),
        ([5, "1", "nothing", ""], "must be given by its name"),
        ([["dropout"], "1", "nothing", ""], "must be given by its name"),
        (["epochs", "0", "nothing", ""], "epochs"),
    ],
)
def test_run_b_says_what_is_wrong_with_its_changes(form: ExperimentForm, changes: list[Any], sentence: str) -> None:
    values = values_of(form, Pair.from_query(""))
    with pytest.raises(InvalidExperiment, match=sentence):
        form.read([*values[:-4], *changes])


@pytest.mark.parametrize("count", [0, 1, 500])
def test_a_wrong_number_of_fields_is_refused(form: ExperimentForm, count: int) -> None:
    with pytest.raises(InvalidExperiment, match="fields"):
        form.read(["x"] * count)


def test_a_pair_that_differs_in_three_knobs_does_not_fit(form: ExperimentForm) -> None:
    with pytest.raises(InvalidExperiment, match="at most 2"):
        form.show(Pair.from_query("b.dropout=0.5&b.epochs=3&b.seed=1"))
