"""A pair's test score: the best network of each run, the same images for both, and what tells the two apart."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import Metrics
from mnist_demo.inference.evaluation import evaluate_on_test
from mnist_demo.learning.chunks import train_chunk
from mnist_demo.serving import scores
from mnist_demo.serving.runs import Run, RunStore
from mnist_demo.serving.scores import Score, comparison_sentence, scores_on_test

POINT = Metrics(0, 0.0, 0, math.nan, 1.0, 0.5, 1.0, 0.5)


def score(is_right: list[bool], images: int) -> Score:
    """A score whose answers repeat a pattern."""
    return Score(POINT, np.resize(np.array(is_right), images), None)


def test_the_images_that_only_one_network_gets_right_are_counted_for_it() -> None:
    a, b = score([True, True, False, False, True], 10_000), score([True, False, True, False, False], 10_000)
    assert comparison_sentence([a, b]) == "A alone is right on 4,000 images, B alone on 2,000."
    assert comparison_sentence([b, a]) == "A alone is right on 2,000 images, B alone on 4,000."
    assert comparison_sentence([a, a]) == "A alone is right on 0 images, B alone on 0."


def test_fewer_images_are_told_and_one_network_is_compared_with_none() -> None:
    some, every = score([True, False], 9_750), score([True, False], 10_000)
    assert comparison_sentence([some, some]).startswith(
        "Only 9,750 test images were used, evenly spread, because the network is large."
    )
    assert comparison_sentence([every, every]).startswith("A alone")
    for pair in ([every, None], [None, every]):
        assert comparison_sentence(pair) == ""
    assert comparison_sentence([None, some]).endswith("the network is large. ")


@pytest.fixture
def store() -> RunStore:
    return RunStore()


@pytest.fixture
def trained(store: RunStore, mnist_root: Path, tiny: Experiment) -> list[Run]:
    """Two runs of different sizes, trained to their ends."""
    pair = [store.create(tiny.replace(hidden_sizes=size), "me", "1A") for size in ((16,), (32,))]
    for run in pair:
        run.training.record(train_chunk(run.training.state.read(), 10**6, mnist_root))
        run.see(run.training.step)
    return pair


def asked(pair: list[Run], store: RunStore, root: Path) -> list[Score]:
    found = scores_on_test(pair, store, root)
    assert all(found)
    return [each for each in found if each]


def test_both_are_asked_the_same_images_where_their_validation_loss_was_lowest(
    store: RunStore, trained: list[Run], mnist_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    larger = 784 * 32 + 32 * 10  # multiply-adds for an image: the budget buys the smaller network twice as many
    monkeypatch.setattr(scores, "MULTIPLY_ADDS_PER_TEST", 500 * larger)
    trained[0].history[-1] = replace(trained[0].history[-1], val_loss=9.0)  # its best point is now an earlier one
    assert trained[0].best != len(trained[0].history) - 1
    for run, found in zip(trained, asked(trained, store, mnist_root), strict=True):
        assert run.best is not None
        assert found.point == run.history[run.best]
        alone = evaluate_on_test(store.checkpoint(run, run.best), mnist_root, 500)
        np.testing.assert_array_equal(found.is_right, alone.predictions == alone.labels)


def test_every_network_asked_is_counted(store: RunStore, trained: list[Run], mnist_root: Path) -> None:
    counts = [found.networks_asked for _ in range(2) for found in asked(trained, store, mnist_root)]
    assert None not in counts
    assert len(set(counts)) == 4
    assert counts == sorted(counts, key=int)


def _diverge(run: Run) -> None:
    run.history[:] = [replace(point, val_loss=math.nan) for point in run.history]


def _follow(run: Run) -> None:
    class Watching:
        def stop(self) -> None: ...

    run.watch = Watching()


@pytest.mark.parametrize(
    ("change", "needs", "sentence"),
    [(_follow, 1, scores.BUSY), (_diverge, 2, scores.DIVERGED)],
    ids=["one still trains", "both diverged"],
)
def test_what_cannot_be_tested_is_told_before_anything_is_opened(
    store: RunStore, trained: list[Run], tmp_path: Path, change: Callable[[Run], None], needs: int, sentence: str
) -> None:
    for run in trained[:needs]:
        change(run)
    with pytest.raises(RunError) as refusal:
        scores_on_test(trained, store, tmp_path)  # where there are no images
    assert str(refusal.value) == sentence


def test_one_that_diverged_has_no_score_and_the_other_has(
    store: RunStore, trained: list[Run], mnist_root: Path
) -> None:
    _diverge(trained[0])
    none, one = scores_on_test(trained, store, mnist_root)
    assert none is None
    assert one is not None
    assert len(one.is_right) == scores.TEST_IMAGES
