"""The handlers behind Train and Resume: whatever ends a training, the page gets its buttons back."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mnist_demo.cluster.engine import InProcess
from mnist_demo.cluster.status import ClusterStatus, Phase
from mnist_demo.errors import EngineUnavailable
from mnist_demo.experiment.config import Experiment
from mnist_demo.serving.driver import Driver
from mnist_demo.serving.runs import Run
from mnist_demo.ui.before.lesson_panel import FREE
from mnist_demo.ui.train import AWAY, BUSY, FAULT, STARTING, TrainTab, _with_silences
from mnist_demo.ui.visit import Shown
from tests.ui.conftest import ServedApp
from tests.ui.trained import ME, do, lab_of, tiny_pair, train_pair, unserved_page

CUT_JS = "nodes => nodes.filter(node => node.scrollWidth > node.clientWidth).map(node => node.textContent)"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(ValueError("inner matters"), FAULT), (EngineUnavailable("No worker is left."), "No worker is left.")],
)
def test_whatever_ends_a_training_the_buttons_come_back(
    mnist_root: Path, tiny: Experiment, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    async def failing(_driver: Driver, _runs: Sequence[Run], *_: Any) -> AsyncIterator[None]:
        yield
        raise error

    lab = lab_of(mnist_root)
    with unserved_page():
        tab = TrainTab(lab)
    visitor = lab.visitors.of(ME)
    visitor.start(tiny_pair(tiny))
    monkeypatch.setattr(Driver, "train", failing)

    async def pages() -> list[Shown]:
        return [page async for page in tab.resume_training(visitor, 0)]

    first, *_, last = do(pages())
    assert json.loads(first[tab.view.charts]["state"])["live"], "looking back waits for the end"
    assert sentence in last[tab.notice]
    assert "inner matters" not in last[tab.notice]
    assert [last[button].interactive for button in (tab.train, tab.stop, tab.resume)] == [True, False, True]


def test_the_end_is_shown_once(mnist_root: Path, tiny: Experiment) -> None:
    lab = lab_of(mnist_root)
    with unserved_page():
        tab = TrainTab(lab)
    visitor = train_pair(lab, tiny_pair(tiny))
    assert tab.show_end(visitor, "free", None, 5, None) == {}, "nothing has ended since the page was shown"
    visitor.has_news = True
    shown = tab.show_end(visitor, "free", None, 5, None)
    assert set(tab.scrubber.strip) < set(shown)
    assert shown[tab.downloads.which]["value"] == visitor.pair_ids[0]
    assert tab.show_end(visitor, "free", None, 5, None) == {}


def test_a_second_click_starts_nothing(mnist_root: Path, tiny: Experiment) -> None:
    lab = lab_of(mnist_root)
    with unserved_page():
        tab = TrainTab(lab)
    visitor = lab.visitors.of(ME)
    shown = tab.setup.form.show(tiny_pair(tiny))
    values = [shown[component]["value"] for component in tab.setup.form.inputs]

    async def click(known: int) -> list[Shown]:
        return [page async for page in tab.start_training(visitor, known, FREE, None, 0, 0, *values)]

    async def twice() -> list[list[Shown]]:
        return await asyncio.gather(click(0), click(0))

    first, second = do(twice())
    assert len(first) > 2
    assert first[0][tab.clicks] == 1
    assert second == [{tab.clicks: 1}]
    assert len(visitor.runs) == 2
    assert not visitor.is_training
    assert do(click(0)) == [{tab.clicks: 1}], "the same click, served after a training that was over at once"
    assert len(visitor.runs) == 2
    do(click(1))
    assert len(visitor.runs) == 4, "a click of its own, at once"
    do(click(5))
    assert len(visitor.runs) == 6, "the page was there before the server's record"


def test_a_silence_is_noticed_and_nothing_is_lost() -> None:
    async def growing() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(0.2)
        yield

    async def heard() -> list[bool]:
        return [is_news async for is_news in _with_silences(growing(), 0.05)]

    news = do(heard())
    assert news[0] is news[-1] is True
    assert news.count(True) == 2
    assert False in news


@pytest.mark.parametrize(("phase", "words"), [(Phase.READY, BUSY), (Phase.STARTING, STARTING), (Phase.FAILED, AWAY)])
def test_a_silence_is_explained(
    mnist_root: Path, tiny: Experiment, monkeypatch: pytest.MonkeyPatch, phase: Phase, words: str
) -> None:
    async def silent(_driver: Driver, _runs: Sequence[Run], *_: Any) -> AsyncIterator[None]:
        await asyncio.sleep(0.3)
        yield

    lab = lab_of(mnist_root)
    with unserved_page():
        tab = TrainTab(lab)
    visitor = lab.visitors.of(ME)
    visitor.start(tiny_pair(tiny))
    monkeypatch.setattr(Driver, "train", silent)
    monkeypatch.setattr("mnist_demo.ui.train.SILENCE_SECONDS", 0.05)
    monkeypatch.setattr(InProcess, "status", ClusterStatus(phase))

    async def notices() -> list[str]:
        return [unescape(page[tab.notice]) async for page in tab.resume_training(visitor, 0)]

    _, *waiting, news, _ = do(notices())
    assert waiting
    assert all(words in notice for notice in waiting)
    assert news == ""


def test_leaving_ends_what_was_growing() -> None:
    ended = []

    async def growing() -> AsyncIterator[None]:
        try:
            while True:
                yield
                await asyncio.sleep(10)
        finally:
            ended.append(True)

    async def leave() -> None:
        async with aclosing(_with_silences(growing(), 0.01)) as news:
            async for is_news in news:
                if not is_news:
                    return

    do(leave())
    assert ended == [True]


def test_a_lesson_is_guessed_trained_and_answered_without_a_scroll(page: Page, app: ServedApp) -> None:
    def assert_in_sight(*selectors: str, share: float = 1.0) -> None:
        for width, height in ((1366, 768), (1280, 800)):
            page.set_viewport_size({"width": width, "height": height})
            for selector in selectors:
                box = page.locator(selector).bounding_box()
                assert box is not None
                bottom = box["y"] + share * box["height"]
                assert 0 <= box["y"] < bottom <= height, f"{selector} at {width} x {height}"
            assert page.evaluate("scrollY") == 0

    page.goto(app.address)
    expect(page.locator("#train")).to_be_enabled()
    assert_in_sight("#lesson", "#question", "#guess", "#difference", "#train")
    page.locator("#guess input").first.click()
    page.locator("#pace input").fill("as fast as it goes")
    page.keyboard.press("Enter")
    page.locator("#train").click()
    expect(page.locator("#answer")).to_contain_text("Why", timeout=90_000)
    assert_in_sight("#train", "#curves", "#scrub", "#strip-a", "#runs-drawer")
    assert_in_sight("#answer", share=0.5)  # a long one scrolls in its own column

    page.set_viewport_size({"width": 1920, "height": 1080})  # with the code beside it
    page.get_by_role("button", name="Code").click()
    expect(page.locator(".mnist-code mark:visible")).to_have_count(2)
    assert page.locator(".mnist-code mark").evaluate_all(CUT_JS) == [], "the lines in which A and B differ"
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Curves").click()
    names = page.locator(".mnist-curves-legend button:visible", has_text="training images")
    expect(names).to_have_count(2)
    assert names.evaluate_all(CUT_JS) == []


def test_the_name_of_a_lesson_ends_before_the_arrow_of_its_list(page: Page, app: ServedApp) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{app.address}/?lesson=overfitting-in-accuracy")
    field, arrow = page.locator("#lesson input"), page.locator("#lesson .icon-wrap")
    expect(field).to_have_value(re.compile("Overfitting you can see"))
    assert field.evaluate("node => node.scrollWidth > node.clientWidth"), "else this test says nothing"
    ends_at = field.evaluate(
        "node => node.getBoundingClientRect().right - parseFloat(getComputedStyle(node).paddingRight)"
    )
    box = arrow.bounding_box()
    assert box
    assert ends_at <= box["x"]
