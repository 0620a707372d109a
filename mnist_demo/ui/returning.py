"""A page that comes back: it was loaded again, or opened again in the same browser.

Knows how its earlier visit is found, and which part of it the page shows. Does not know how a pair is shown.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr

from mnist_demo.experiment.pair import Pair
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.after.runs_table import RunsTable
from mnist_demo.ui.before.setup import Setup
from mnist_demo.ui.components.visit import Return, create_visit
from mnist_demo.ui.values import Number, Slugs, Text
from mnist_demo.ui.visit import Lab, Shown, note_html

GONE = "The server no longer has these runs; the curves are what this page has kept. Train starts the same pair again."
REST_SECONDS = 3.0  # until the server has noticed that a page is gone
LOOK_SECONDS = 0.05  # between two looks whether it has


class Returning:
    """The key of the visit, and what happens when a page brings an earlier one."""

    def __init__(self, lab: Lab, setup: Setup, runs: RunsTable, show_end: Callable[..., Shown]) -> None:
        """`show_end` shows a pair at rest."""
        self.lab, self.setup, self.runs, self.show_end = lab, setup, runs, show_end
        self.visit = create_visit()

    def connect(self, asked: Sequence[Any], outputs: Sequence[Any], notice: gr.HTML, landing: gr.Column) -> Any:
        """Connects the event of a page that has come back; the event, to follow up.

        Curves that the page has kept itself take the place of `landing`; `notice` says what they are.
        """
        self.gone: Shown = {notice: note_html(GONE), landing: gr.Column(visible=False)}
        return self.lab.on(self.visit.input, self.come_back, [self.visit, *asked], [*outputs, self.visit])

    async def come_back(
        self, visitor: Visitor, sent: Return, done: Slugs | None, patience: Number | None, run_id: Text | None
    ) -> Shown:
        """Shows everything as it was, at rest.

        The address decides the knobs. If it asks for another pair in a new tab, the runs are earlier ones.
        """
        found = await self._returned(visitor, sent)
        if found is None:
            is_gone = sent.has_curves and not self.lab.visitors.has(sent.key)
            return {self.visit: {"key": visitor.key, "is_gone": is_gone}, **(self.gone if is_gone else {})}
        slug, pair = found.slug, found.pair and Pair(a=found.pair[0].experiment, b=found.pair[1].experiment)
        asked = self.setup.open_link(found, parse_qsl(sent.query))
        if not sent.query and pair:
            asked = self.setup.show(found, slug, pair)
        elif pair and not sent.is_same_tab and pair != self.setup.asked_by(sent.query):
            found.pair_ids = ()
        await _at_rest(found)
        found.has_news = found.was_cut = bool(found.pair)
        at_rest = await asyncio.to_thread(self.show_end, found, found.slug, done, patience, run_id)
        return {self.visit: {"key": found.key}, **asked, **self.runs.refresh(found), **at_rest}

    async def _returned(self, visitor: Visitor, sent: Return) -> Visitor | None:
        """The record of a key. The page that had it in the same tab is gone, but the server may not know that yet."""
        looks = round(REST_SECONDS / LOOK_SECONDS) if sent.is_same_tab else 1
        for _ in range(looks):
            found = self.lab.visitors.return_to(visitor.id, sent.key)
            if found or not self.lab.visitors.has(sent.key):
                return found
            await asyncio.sleep(LOOK_SECONDS)
        return None


async def _at_rest(visitor: Visitor) -> None:
    """Ends the training of a page that is gone, and waits for that."""
    visitor.stop()
    for _ in range(round(REST_SECONDS / LOOK_SECONDS)):
        if not visitor.is_training:
            return
        await asyncio.sleep(LOOK_SECONDS)
