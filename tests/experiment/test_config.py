"""Every knob: what it takes, what it refuses and in which words, and that it survives dict, JSON and text."""

import json
import time
from typing import Any

import pytest
from pydantic import ValidationError

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.config import Experiment, changed_fields, knobs, non_default, parse_text
from mnist_demo.experiment.knobs import to_text

KNOBS = knobs()
INTEGERS = [name for name, knob in KNOBS.items() if knob.type is int]
FLOATS = [name for name, knob in KNOBS.items() if knob.type is float]
CHOICES = [name for name, knob in KNOBS.items() if knob.choices]

NOT_A_NUMBER: list[object] = [
    float("nan"),
    float("inf"),
    float("-inf"),
    1e308,
    10**400,
    -(10**400),
    -1,
    2**31,
    2**53 + 1,
    2**63,
    True,
    False,
    None,
    "",
    " ",
    "5",
    "NaN",
    "0x10",
    "1e3",
    "five",
    "٥",
    "1,5",
    [],
    {},
    [1],
    b"5",
    1j,
]
NOT_A_WORD: list[object] = [
    *[value for value in NOT_A_NUMBER if not isinstance(value, bytes)],
    0,
    3.7,
    "ADAM ",
    "MLP",
    "x" * 1_000_000,
    "\x00",
    "mlp\n",
    "<img src=x onerror=alert(1)>",
    "![](http://example.org/x.png)",
    '=HYPERLINK("http://example.org")',
    "{{7*7}}",
    "{0.__class__}",
    "../../etc/passwd",
    "/etc/passwd",
    "\"'",
    "\u202egnp.exe",
    "\ud800",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A",
]
NOT_SIZES: list[object] = [
    *[value for value in NOT_A_WORD if value not in ([], "5", [1])],
    [0],
    [1025],
    [2.0],
    ["5"],
    [True],
    [[256, 128]],
    [None],
    [1, 1, 1, 1, 1],
    [1] * 1_000_000,
    "1-1-1-1-1",
    "256,128",
    "256--128",
    "-256",
    "256-",
    "1e2",
    "2048",
    "9" * 400,
    {256: 128},
    {"0": 256},
]


def refusal_of(values: Any) -> str:
    before = time.process_time()
    with pytest.raises(InvalidExperiment) as refusal:
        Experiment.from_dict(values)
    assert time.process_time() - before < 1
    sentence = str(refusal.value)
    assert sentence.endswith(".")
    assert len(sentence) < 500
    assert sentence.isprintable()  # so it has no newline, NUL, lone surrogate or change of direction
    return sentence


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("name", INTEGERS + FLOATS)
def test_numbers_refuse_everything_else_and_name_knob_and_bounds(name: str) -> None:
    for value in [*NOT_A_NUMBER, nested(1000)]:
        sentence = refusal_of({name: value})
        assert f"({name})" in sentence
        assert f"from {KNOBS[name].minimum:,.10g} to {KNOBS[name].maximum:,.10g}" in sentence


@pytest.mark.parametrize("name", INTEGERS)
def test_whole_numbers_refuse_fractions(name: str) -> None:
    knob = KNOBS[name]
    for value in (3.7, 100.0, -0.0, "100"):
        assert "a whole number" in refusal_of({name: value})
    for value in (int(knob.minimum or 0) - 1, int(knob.maximum or 0) + 1):
        assert str(value) in refusal_of({name: value})


@pytest.mark.parametrize("name", INTEGERS + FLOATS)
def test_both_bounds_are_allowed_and_nothing_beyond(name: str) -> None:
    knob = KNOBS[name]
    assert knob.minimum is not None
    assert knob.maximum is not None
    for bound, outward in ((knob.minimum, -1), (knob.maximum, 1)):
        assert getattr(Experiment.from_dict({name: bound}), name) == bound
        refusal_of({name: bound + outward * (1 if knob.type is int else 1e-7)})


@pytest.mark.parametrize("name", FLOATS)
def test_numbers_take_whole_numbers_for_fractions(name: str) -> None:
    experiment = Experiment.from_dict({name: 0 if KNOBS[name].minimum == 0 else 1})
    assert isinstance(getattr(experiment, name), float)


@pytest.mark.parametrize("name", CHOICES)
def test_choices_take_their_words_only(name: str) -> None:
    for word in KNOBS[name].choices:
        assert getattr(Experiment.from_dict({name: word}), name) == word
    for value in [*NOT_A_WORD, nested(1000)]:
        sentence = refusal_of({name: value})
        assert f"({name})" in sentence
        assert all(word in sentence for word in KNOBS[name].choices)


def test_hidden_sizes_refuse_what_is_no_list_of_widths() -> None:
    for value in [*NOT_SIZES, nested(1000)]:
        assert "(hidden_sizes)" in refusal_of({"hidden_sizes": value})


@pytest.mark.parametrize(
    ("value", "expected"),
    [("none", ()), ("", None), ([], ()), ("8", (8,)), ("256-128", (256, 128)), ([1024] * 4, (1024,) * 4), ((1,), (1,))],
)
def test_hidden_sizes_as_text_list_and_tuple(value: object, expected: tuple[int, ...] | None) -> None:
    if expected is None:
        refusal_of({"hidden_sizes": value})
    else:
        assert Experiment.from_dict({"hidden_sizes": value}).hidden_sizes == expected


@pytest.mark.parametrize("name", ["bogus", "", "model_config", "__class__", "<b>", "x" * 10_000, "Dropout"])
def test_an_unknown_knob_is_named_and_the_known_ones_listed(name: str) -> None:
    with pytest.raises(InvalidExperiment) as refusal:
        Experiment.from_dict({name: 1})
    assert "learning_rate" in str(refusal.value)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize("values", [[], [["dropout", 0.5]], "dropout", 5, None, "", 0.5, True])
def test_what_is_no_set_of_knobs_is_refused(values: object) -> None:
    assert "set of knobs" in refusal_of(values)


def test_keys_that_are_no_words_are_refused() -> None:
    refusal_of({1: 2})
    refusal_of({None: 2})
    refusal_of({"\ud800": 2})


@pytest.mark.parametrize("name", INTEGERS + FLOATS)
def test_text_is_parsed_as_strictly(name: str) -> None:
    for text in [
        "",
        " ",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "0x10",
        "five",
        "٥",
        "1,5",
        "1_000",
        "5 ",
        "5\n",
        "--5",
        "9" * 5000,
    ]:
        with pytest.raises(InvalidExperiment, match=rf"\({name}\)"):
            Experiment.from_text({name: text})


def test_text_may_be_in_scientific_notation() -> None:
    assert Experiment.from_text({"learning_rate": "1e-3"}) == Experiment()
    assert Experiment.from_text({"learning_rate": ".001"}) == Experiment()
    assert Experiment.from_text({"learning_rate": "1"}).learning_rate == 1.0
    with pytest.raises(InvalidExperiment, match="whole number"):
        Experiment.from_text({"epochs": "1e1"})


def test_text_for_an_unknown_knob() -> None:
    with pytest.raises(InvalidExperiment, match="no knob 'bogus'"):
        parse_text("bogus", "1")


EXPERIMENTS = [
    Experiment(),
    Experiment.from_dict({"network": "cnn"}),
    Experiment.from_dict({"network": "cnn", "hidden_sizes": [256, 128]}),
    Experiment.from_dict({"hidden_sizes": []}),
    Experiment.from_dict({"hidden_sizes": "16-32-64", "optimizer": "momentum", "schedule": "one_cycle"}),
    Experiment.from_dict({"learning_rate": 0.1 + 0.2, "weight_decay": 1e-320, "dropout": 1 / 3}),
    Experiment.from_dict({"learning_rate": 0.00030000000000000003, "label_noise": 5e-324}),
    *[Experiment.from_dict({name: knob.maximum}) for name, knob in KNOBS.items() if knob.maximum is not None],
    *[Experiment.from_dict({name: knob.minimum}) for name, knob in KNOBS.items() if knob.minimum is not None],
    *[Experiment.from_dict({name: word}) for name, knob in KNOBS.items() for word in knob.choices],
]


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: repr(non_default(e)))
def test_round_trips(experiment: Experiment) -> None:
    assert Experiment.from_dict(json.loads(json.dumps(experiment.to_dict()))) == experiment
    assert Experiment.from_dict(non_default(experiment)) == experiment
    every = {name: to_text(getattr(experiment, name)) for name in KNOBS}
    assert Experiment.from_text(every) == experiment
    assert Experiment.from_text({name: to_text(value) for name, value in non_default(experiment).items()}) == experiment
    assert experiment.replace() == experiment


def test_replace_validates_and_lets_default_sizes_follow_the_network() -> None:
    assert Experiment().replace(network="cnn").hidden_sizes == Experiment(network="cnn").hidden_sizes  # type: ignore[arg-type]
    assert Experiment(hidden_sizes=(8,)).replace(network="cnn").hidden_sizes == (8,)
    with pytest.raises(InvalidExperiment, match=r"\(dropout\) cannot be 7"):
        Experiment().replace(dropout=7)


def test_changed_fields_holds_old_and_new() -> None:
    a, b = Experiment(), Experiment(dropout=0.5, seed=3)
    assert changed_fields(a, b) == {"dropout": (0.0, 0.5), "seed": (0, 3)}
    assert changed_fields(b, b) == {}


def test_an_experiment_is_frozen_and_hashable() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Experiment().dropout = 0.5  # type: ignore[misc]
    assert len({Experiment(), Experiment(), Experiment(seed=1)}) == 2


def test_every_knob_explains_itself() -> None:
    assert list(KNOBS) == list(Experiment.model_fields)
    for name, knob in KNOBS.items():
        assert knob.help.endswith("."), name
        assert knob.title != name
        assert knob.default == getattr(Experiment(), name)
        if knob.type in (int, float):
            assert knob.minimum is not None, name
            assert knob.maximum is not None, name
            assert knob.minimum <= knob.default <= knob.maximum
        assert Experiment.from_text({name: to_text(knob.default)}) == Experiment()


def test_own_digits_are_named_by_what_the_draw_tab_gives_them() -> None:
    digest = "0123456789abcdef"
    assert Experiment.from_text({"own_digits": digest}).own_digits == digest
    assert Experiment().own_digits == "none"
    assert Experiment.from_text({"own_digits": "sample"}).own_digits == "sample"
    for wrong in ("", "None", digest[1:], digest + "0", digest.upper(), digest + "\n", 7, None, True, [digest]):
        with pytest.raises(InvalidExperiment, match=r"My digits \(own_digits\) cannot be .*: give none, sample, or"):
            Experiment.from_dict({"own_digits": wrong})
