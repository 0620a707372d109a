"""CONTRIBUTING walked through: its knob, lesson, hint and network are added here, as it says, and work."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.knobs import knobs_of
from mnist_demo.hints.case import Case, Hint, Kind
from mnist_demo.images.data import CLASSES, TrainingData
from mnist_demo.learning import layers, training
from mnist_demo.learning.layers import Layer
from mnist_demo.lessons.catalog import Lesson, parse

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example(heading: str) -> str:
    """The first code block below a heading."""
    found = re.search(rf"^## {heading}$.*?^```\w+\n(.*?)^```", PAGE, re.M | re.S)
    assert found, f"CONTRIBUTING.md shows no {heading}"
    return found[1]


def made(code: str, **names: Any) -> dict[str, Any]:
    exec(code, names)
    return names


def test_the_files_it_names_are_there() -> None:
    for name in set(re.findall(r"`((?:mnist_demo|tests)/[\w/.]+)`", PAGE)) - {"mnist_demo/lessons/NAME.md"}:
        assert (ROOT / name).exists(), name


def test_a_knob_is_one_declaration() -> None:
    fields = made("class More(Experiment):\n" + re.sub("^", "    ", example("A knob"), flags=re.M),
                  Experiment=Experiment, Field=Field)  # fmt: skip
    more = fields["More"]
    knob = knobs_of(more, more())["gradient_clipping"]
    assert knob.refusal("11") == "Gradient clipping (gradient_clipping) cannot be '11': give a number from 0 to 10."
    assert more.from_dict({"gradient_clipping": 1.0}).gradient_clipping == 1


def lesson_of_the_page() -> Lesson:
    return parse("one-image", example("A lesson"))


def test_a_lesson_holds_what_it_says(training_data: TrainingData) -> None:
    lesson = lesson_of_the_page()
    a, b = (run(experiment, training_data) for experiment in (lesson.pair.a, lesson.pair.b))
    assert lesson.check(a, b) == ()
    assert f"{b[-1].train_loss:.2f}" in lesson.happened(a, b)
    assert lesson.check(b, a) != ()
    (suggestion,) = lesson.try_next
    a, b = (run(experiment, training_data) for experiment in (suggestion.runs.a, suggestion.runs.b))
    assert suggestion.claim.holds(a, b)


def test_a_hint_cites_its_numbers(training_data: TrainingData) -> None:
    rule = made(example("A hint"), Case=Case, Hint=Hint, Kind=Kind)["few_images"]
    few = Experiment(train_size=100, hidden_sizes=(16,), epochs=1)
    history = run(few, training_data)
    hint = rule(Case(few, history, None))
    assert f"{history[-1].val_loss:.2f}" in hint.text
    assert few.replace(**hint.try_b).train_size == 1000
    assert rule(Case(few.replace(train_size=300), history, None)) is None


def test_a_network_is_a_list_of_layers() -> None:
    experiment = Experiment(hidden_sizes=(32,))
    names = {name: getattr(layers, name) for name in ("_linear", "_activation", "_dropout")}
    found = made(example("A network"), Experiment=Experiment, Layer=Layer, CLASSES=CLASSES, pairwise=pairwise, **names)
    listed = found["_pooled_mlp"](experiment)
    model = torch.nn.Sequential(*(layer.module() for layer in listed))
    assert model(torch.zeros(5, 1, 28, 28)).shape == (5, 10)
    counted = sum(parameter.numel() for name, parameter in model.named_parameters() if name.endswith("weight"))
    assert sum(layer.weights for layer in listed) == counted == 196 * 32 + 32 * 10


def run(experiment: Experiment, data: TrainingData) -> Any:
    state, _ = training.advance(training.start(experiment), 1_000_000, data)
    return state.history
