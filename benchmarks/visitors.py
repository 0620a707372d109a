"""Visitors without browsers: what a page sends over HTTP when it is open, draws or trains, and what comes back.

Endpoints, their arguments and an untouched page's values are read from the running app's own /config.
"""

import asyncio
import base64
import io
import math
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
from PIL import Image, ImageDraw

LIMIT = httpx.Timeout(60.0)
STEPS = re.compile(r'data-step=\\"(\d+)\\"')
EPOCHS = re.compile(r"Epoch(?:<[^>]*>)*</dt><dd>([\d.e+]+) of")
now = time.perf_counter


@dataclass
class Training:
    """One click on Train; seconds since the click, None for what has not happened."""

    clicked_at: float = field(default_factory=now)
    told: float | None = None  # the first word of any kind
    first_point: float | None = None
    ended: float | None = None
    gaps: list[float] = field(default_factory=list)  # between two updates with new points
    steps: int = 0
    words: str = ""  # why it was refused


class App:
    """The running app's process, and its endpoints by name."""

    def __init__(self, address: str, process: psutil.Process, config: dict[str, Any]) -> None:
        self.address, self.process = address, process
        self.endpoints = {each["api_name"]: each for each in config["dependencies"] if each["backend_fn"]}
        self.values = {each["id"]: each["props"].get("value") for each in config["components"]}
        self.labels = {each["id"]: each["props"].get("label") for each in config["components"]}

    @classmethod
    def at(cls, address: str, process: psutil.Process) -> "App":
        """Reads what the app offers."""
        return cls(address, process, httpx.get(f"{address}/config", timeout=LIMIT).json())

    def call(self, name: str, session: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
        """The body of a call with the page's own values, but for those of components with these labels."""
        endpoint = self.endpoints[name]
        data = [(changes or {}).get(str(self.labels.get(each)), self.values.get(each)) for each in endpoint["inputs"]]
        return {"data": data, "fn_index": endpoint["id"], "session_hash": session, "trigger_id": None}


class Visitor:
    """One open page. Close it as a browser's tab: without a word."""

    def __init__(self, app: App, name: str) -> None:
        self.app = app
        self.session = f"{name}-{time.time_ns()}"
        limits = httpx.Limits(max_connections=None)
        self.http = httpx.AsyncClient(base_url=app.address, timeout=LIMIT, limits=limits, trust_env=False)
        self.beat: asyncio.Task[None] | None = None
        self.drawings: list[float] = []  # seconds until the answer
        self.failures: list[str] = []

    async def open(self) -> None:
        """The page's heartbeat, as long as it is open."""
        self.beat = asyncio.create_task(self._heartbeat())

    async def close(self) -> None:
        """Hangs up."""
        if self.beat:
            self.beat.cancel()
            await asyncio.gather(self.beat, return_exceptions=True)
        await self.http.aclose()

    async def _heartbeat(self) -> None:
        with suppress(httpx.HTTPError):
            address = f"/gradio_api/heartbeat/{self.session}"
            async with self.http.stream("GET", address, timeout=httpx.Timeout(60.0, read=None)) as stream:
                async for _ in stream.aiter_raw():
                    pass

    async def post(self, name: str, changes: dict[str, Any] | None = None) -> httpx.Response | None:
        """A call that is answered at once; None if it was not answered."""
        try:
            answer = await self.http.post("/gradio_api/run/predict", json=self.app.call(name, self.session, changes))
        except httpx.HTTPError as error:
            self.failures.append(type(error).__name__)
            return None
        if answer.status_code >= 500:
            self.failures.append(f"{name} {answer.status_code}")
        return answer

    async def draw_until(self, end: float, first_after: float = 0.0) -> None:
        """Posts a drawing a second, the first one after so many seconds."""
        await asyncio.sleep(first_after)
        due, seq = now(), 0
        while now() < end:
            seq += 1
            body = self.app.call("read", self.session)
            body["data"][0] = {"ink": DRAWINGS[seq % len(DRAWINGS)], "seq": seq, "final": True, "strokes": 1}
            started = now()
            try:
                answer = await self.http.post("/gradio_api/run/predict", json=body)
                self.drawings.append(now() - started)
                if answer.status_code != 200:
                    self.failures.append(f"drawing {answer.status_code}")
            except httpx.HTTPError as error:
                self.failures.append(type(error).__name__)
            due += 1.0
            await asyncio.sleep(max(0.0, due - now()))

    async def train_until(self, end: float, changes: dict[str, Any] | None = None) -> Training:
        """Clicks Train and follows what comes, at most until `end`."""
        training = Training()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.1, end - now())):
                await self._train(training, changes or {})
        return training

    async def _train(self, training: Training, changes: dict[str, Any]) -> None:
        try:
            body = self.app.call("start_training", self.session, changes)
            answer = await self.http.post("/gradio_api/queue/join", json=body)
            if answer.status_code != 200:
                training.told, training.words = now() - training.clicked_at, answer.text[:200]
                self.failures += [f"join {answer.status_code}"] if answer.status_code >= 500 else []
                return
            async with self.http.stream("GET", f"/gradio_api/queue/data?session_hash={self.session}") as stream:
                await self._follow(training, stream)
        except httpx.HTTPError as error:
            self.failures.append(type(error).__name__)

    async def _follow(self, training: Training, stream: httpx.Response) -> None:
        """Reads the events: the cards, which are sent whole whenever they change, tell steps and epochs."""
        shown, last = "", math.inf
        async for line in stream.aiter_lines():
            if not line.startswith("data:"):
                continue
            at = now() - training.clicked_at
            if "process_generating" in line:
                training.told = training.told if training.told is not None else at
            if steps := STEPS.findall(line):
                training.steps = max(training.steps, sum(map(int, steps)))
            if (epochs := EPOCHS.findall(line)) and str(epochs) != shown:
                training.first_point = training.first_point if training.first_point is not None else at
                training.gaps += [at - last] if last < at else []
                shown, last = str(epochs), at
            if "mnist-error" in line:
                training.words = re.sub(r"<[^>]*>", "", line.partition("mnist-error")[2])[:200]
            if '"process_completed"' in line:
                training.ended = at
                return


def _drawing(shift: int) -> str:
    """A five as the canvas sends it: a PNG of 280 x 280 pixels, white on black."""
    image = Image.new("L", (280, 280))
    stroke = [(185, 65), (110, 65 + shift), (105, 130), (160, 125 + shift), (185, 170), (160, 212), (100, 205 - shift)]
    ImageDraw.Draw(image).line(stroke, fill=255, width=18, joint="curve")
    png = io.BytesIO()
    image.save(png, "PNG")
    return base64.b64encode(png.getvalue()).decode()


DRAWINGS = [_drawing(shift) for shift in range(6)]
