"""What a failed call answers: a sentence of ours and its status, never Gradio's own words about Python."""

import asyncio
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from mnist_demo.errors import EngineUnavailable, MnistLabError, UnknownRun
from mnist_demo.ui.web.page import FAILED, STATUS, UNREADABLE, Page
from tests.ui.trained import unserved_page


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (UnknownRun("There is no run 5."), 422, "There is no run 5."),
        (MnistLabError("half \ud800 a pair"), 422, "half ? a pair"),
        (EngineUnavailable("No worker is left."), 503, "No worker is left."),
        (gr.Error("Value is not in the list"), 422, "Value is not in the list."),
        (gr.Error("Cannot cast <class 'dict'>"), 422, UNREADABLE),
        (gr.Error("long" * 200), 422, UNREADABLE),
        (ZeroDivisionError("inner matters"), 500, FAILED),
    ],
)
def test_every_error_becomes_a_sentence_with_its_status(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, sentence: str
) -> None:
    async def failing(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(gr.Blocks, "process_api", failing)
    with unserved_page():
        page = Page(analytics_enabled=False)
    scope: dict[str, Any] = {}
    request = SimpleNamespace(request=SimpleNamespace(scope=scope))
    with pytest.raises(gr.Error) as raised:
        asyncio.run(page.process_api(0, [], request=request))
    assert raised.value.message == sentence
    assert scope[STATUS] == status
