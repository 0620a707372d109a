"""Looks at a run: of the weights kept nearest to a point, remembered within bounds, scaled alike at every point."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import Split, load_validation_data
from mnist_demo.inference.evaluation import evaluate
from mnist_demo.learning import checkpoints
from mnist_demo.serving import looks
from mnist_demo.serving.looks import Kept, Look, Looks, Point, kept_at, nearest_point, point_index, scrub_epochs
from mnist_demo.serving.runs import Run, RunStore


def kept(run: Run, index: int) -> Kept:
    found = kept_at(run, index)
    assert found is not None
    return found


def test_a_look_is_at_the_kept_weights(run: Run, mnist_root: Path) -> None:
    look = Looks(mnist_root).at(kept(run, 2))
    val = load_validation_data(mnist_root).first(look.images)
    evaluation = evaluate(checkpoints.unpack(run.snapshots[2]), val)
    assert look.counts == evaluation.confusion.tolist()
    assert look.right == round(evaluation.accuracy * look.images)
    assert look.weights.shape == (len(look.units), 28, 28)
    assert float(np.abs(look.weights).max()) <= 1


def test_a_cell_holds_its_images_the_surest_first(run: Run, mnist_root: Path) -> None:
    found = Looks(mnist_root)
    look = found.at(kept(run, 3))
    labels = load_validation_data(mnist_root).labels.numpy()
    row, column = (int(place) for place in np.argwhere(np.array(look.counts) > 2)[0])
    places = list(found.cell(look, row, column))
    assert len(places) == min(look.counts[row][column], looks.CELL_IMAGES)
    assert all(labels[place] == row and look.predictions[place] == column for place in places)
    assert (np.diff(look.confidences[places]) <= 0).all()


def test_what_was_computed_is_remembered_within_bounds(
    run: Run, mnist_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    look = looks._look

    def counted(kept: Kept, val: Split) -> Look:
        computed.append(kept.index)
        return look(kept, val)

    monkeypatch.setattr(looks, "_look", counted)
    monkeypatch.setattr(looks, "LOOKS_IN_MEMORY", 2)
    found = Looks(mnist_root)
    for index in (0, 1, 1, 0, 2, 1):
        found.at(kept(run, index))
    assert computed == [0, 1, 2, 1]


def test_units_and_colours_are_those_of_the_last_weights_kept(run: Run, mnist_root: Path) -> None:
    """A run that goes on after a stop has another last point: what was remembered of it is of no use any more."""
    found, before = Looks(mnist_root), dict(run.snapshots)
    del run.snapshots[3]
    found.at(kept(run, 1))
    run.snapshots.update(before)
    later = kept(run, 1)
    again, anew = found.at(later), Looks(mnist_root).at(later)
    assert (again.units == anew.units).all()
    assert (again.weights == anew.weights).all()


def test_weights_thinned_away_are_replaced_by_the_nearest(run: Run) -> None:
    del run.snapshots[1]
    assert kept(run, 1).index == 0
    assert kept(run, 2).index == 2
    run.snapshots.clear()
    assert kept_at(run, 1) is None


def test_points_by_name(run: Run) -> None:
    assert point_index(run, Point.LAST, None) == 3
    assert point_index(run, Point.BEST, None) == run.best
    assert point_index(run, Point.LOOKED_AT, None) is None
    assert point_index(run, Point.LOOKED_AT, 1) == 1
    run.history.clear()
    assert point_index(run, Point.LAST, None) is None


def test_runs_of_different_rhythm_share_their_epochs(run: Run, tiny: Experiment) -> None:
    other = RunStore().create(tiny, "me", "1B")
    other.history = [replace(point, epoch=point.epoch / 2) for point in run.history]
    assert scrub_epochs([run, other]) == [0, 0.5, 1, 1.5, 2, 3]
    assert [nearest_point(other, epoch) for epoch in (0, 0.6, 3)] == [0, 1, 3]
