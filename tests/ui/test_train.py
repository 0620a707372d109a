"""The handlers behind Train and Resume: whatever ends a training, the page gets its buttons back."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mnist_demo.errors import EngineUnavailable
from mnist_demo.experiment.config import Experiment
from mnist_demo.serving import driver
from mnist_demo.serving.runs import Run
from mnist_demo.ui.train import FAULT, TrainTab, _Training
from tests.ui.trained import ME, do, ids_of, request_of, tiny_pair, unserved_page, visit_of


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(ValueError("inner matters"), FAULT), (EngineUnavailable("No worker is left."), "No worker is left.")],
)
def test_whatever_ends_a_training_the_buttons_come_back(
    mnist_root: Path, tiny: Experiment, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    async def failing(_runs: Sequence[Run], *_: Any) -> AsyncIterator[None]:
        yield
        raise error

    visit = visit_of(mnist_root)
    with unserved_page():
        handlers = _Training(visit, TrainTab(visit).setup.form)
    pair_of_runs = visit.store.create_pair(tiny_pair(tiny), ME)
    monkeypatch.setattr(driver, "train", failing)

    async def pages() -> list[tuple[Any, ...]]:
        return [page async for page in handlers.resume(ids_of(pair_of_runs), 0, 0, request_of(ME))]

    first, *_, last = do(pages())
    assert [part.visible for part in first[-3:]] == [True, False, False]  # looking back waits for the end
    assert sentence in last[2]
    assert "inner matters" not in last[2]
    assert [button.interactive for button in last[-6:-3]] == [True, False, True]  # Train, Stop, Resume
