"""A run's files: weights of the chosen point, tables that no spreadsheet runs, a caption of what runs share."""

from pathlib import Path

import pytest
import torch

from mnist_demo.errors import RunError
from mnist_demo.experiment.config import Experiment
from mnist_demo.export.run_files import WeightsFormat, caption, guarded, points_csv, runs_csv, weights_file
from mnist_demo.serving.looks import Point
from mnist_demo.serving.runs import Run, RunStore


def test_weights_are_those_of_the_chosen_point(run: Run, tmp_path: Path) -> None:
    for point, cursor, index in ((Point.LAST, 1, 3), (Point.LOOKED_AT, 1, 1), (Point.LOOKED_AT, None, 3)):
        name, content = weights_file(run, point, WeightsFormat.SAFETENSORS, cursor)
        assert (name, content) == (f"mnist-lab-1A-epoch-{index}.safetensors", run.snapshots[index])
    (tmp_path / "x.pth").write_bytes(weights_file(run, Point.BEST, WeightsFormat.PTH)[1])
    assert torch.load(tmp_path / "x.pth", weights_only=True)
    run.training.snapshots.clear()
    with pytest.raises(RunError, match="no weights yet"):
        weights_file(run, Point.LAST, WeightsFormat.PTH)


def test_tables_have_a_row_a_run_and_a_row_a_point(run: Run, tiny: Experiment) -> None:
    fresh = RunStore().create(tiny, "me", "=1+1")
    lines = runs_csv([run, fresh]).decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["run", "1A", "'=1+1"]
    assert lines[1].endswith(f"{run.history[-1].val_loss},{run.history[-1].val_accuracy}")
    assert len(points_csv([run, fresh]).decode("utf-8-sig").splitlines()) == 1 + 4


def test_a_caption_tells_what_the_runs_share(tiny: Experiment) -> None:
    text = caption([tiny, tiny.replace(dropout=0.5, train_size=200)])
    assert "hidden sizes 16" in text
    assert "training images" not in text
    assert "dropout" not in text
    assert "100 training images" in caption([tiny])


def test_only_text_that_begins_like_a_formula_is_guarded() -> None:
    assert [guarded(cell) for cell in ("=a", "\ra", "a=1", -1.5, None)] == ["'=a", "'\ra", "a=1", -1.5, None]
