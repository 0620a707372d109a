"""A class at the server: many visitors train and draw at once, over HTTP, each scene on a server of its own.

The visitors' process runs on the same machine. A loop of plain Python before and beside each scene tells how busy it
is: where "busy" is 2, every time is about twice what a quiet machine would show. Every scene is bounded.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

from benchmarks.served import Served, cpu_seconds, served
from benchmarks.visitors import App, Training, Visitor, now

Row = tuple[str, float, str]
Scene = Callable[[App], Awaitable[list[Row]]]
SCENE_SECONDS = 40.0
SOLO_SECONDS = 60.0
SOAK_SECONDS = 3600.0
SOAK_SAMPLE_SECONDS = 15.0
STAY_SECONDS = 60.0  # with one pair, or one sheet of drawings, in the soak
LEAVE_SECONDS = 8.0  # after the start of the third one: in its middle


def measure(names: Sequence[str] = ()) -> Iterator[Row]:
    """(name, value, unit) of the named scenes, or of all, as soon as each has ended."""
    for name in names or [name for name in SCENES if name != "soak"]:
        for what, value, unit in _on_a_server(SCENES[name]):
            yield f"{name}: {what}", value, unit


def _on_a_server(scene: Scene) -> list[Row]:
    unhindered = min(_loop_seconds() for _ in range(20))
    with served() as server:
        server.wait_until_warm()
        return asyncio.run(_beside_a_meter(scene, server, unhindered))


async def _beside_a_meter(scene: Scene, server: Served, unhindered: float) -> list[Row]:
    busy: list[float] = []

    async def meter() -> None:
        while True:
            busy.append(_loop_seconds() / unhindered)
            await asyncio.sleep(0.5)

    app = App.at(server.address, server.process)
    family = server.family()
    before, started = {each.pid: cpu_seconds([each]) for each in family}, now()
    metering = asyncio.create_task(meter())
    rows = list(await scene(app))
    metering.cancel()
    seconds = now() - started
    spent = {each.pid: (cpu_seconds([each]) - before[each.pid]) / seconds for each in family}
    workers = [spent[each.pid] for each in family[1:]]
    return [
        *rows,
        ("server, of a core", spent[server.process.pid], "cores"),
        ("workers, of a core, together", sum(workers), "cores"),
        ("server's memory, its own", server.process.memory_full_info().uss / 1e9, "GB"),
        ("busy: a loop beside it, of the same loop before", statistics.median(busy or [1.0]), "times"),
    ]


async def alone(app: App) -> list[Row]:
    """One visitor, the first lesson."""
    visitor = Visitor(app, "alone")
    await visitor.open()
    training = await visitor.train_until(now() + SOLO_SECONDS)
    await visitor.close()
    return _trained([training])


async def nobody(_: App) -> list[Row]:
    """No page at all."""
    await asyncio.sleep(SCENE_SECONDS / 2)
    return []


async def idle(app: App) -> list[Row]:
    """Sixty pages that are open."""
    pages = [Visitor(app, f"idle{number}") for number in range(60)]
    await asyncio.gather(*(page.open() for page in pages))
    await asyncio.sleep(SCENE_SECONDS / 2)
    await asyncio.gather(*(page.close() for page in pages))
    return []


async def one_lesson(app: App) -> list[Row]:
    """Thirty visitors start the same lesson within five seconds."""
    visitors = [Visitor(app, f"class{number}") for number in range(30)]
    end = now() + SOLO_SECONDS

    async def one(number: int, visitor: Visitor) -> Training:
        await asyncio.sleep(5.0 * number / len(visitors))
        await visitor.open()
        return await visitor.train_until(end)

    trainings = await asyncio.gather(*(one(number, visitor) for number, visitor in enumerate(visitors)))
    return [*_trained(trainings), *await _closed(visitors)]


async def different(app: App, trainers: int, drawers: int) -> list[Row]:
    """Visitors with pairs of their own, others who draw once a second, and one who clicks on Stop."""
    training = [Visitor(app, f"train{number}") for number in range(trainers)]
    drawing = [Visitor(app, f"draw{number}") for number in range(drawers)]
    await asyncio.gather(*(visitor.open() for visitor in [*training, *drawing]))
    end = now() + SCENE_SECONDS
    results = await asyncio.gather(
        *(visitor.train_until(end, {"Seed": 1000 + number}) for number, visitor in enumerate(training)),
        _stop_in_time(training[0], end - 2.0),
        *(visitor.draw_until(end, number / drawers) for number, visitor in enumerate(drawing)),
    )
    found = [each for each in results if isinstance(each, Training)]
    stopped = next(each for each in results if isinstance(each, float))
    times = sorted(seconds for visitor in drawing for seconds in visitor.drawings)
    steps = [each.steps for each in found]
    return [
        *_trained(found),
        ("slowest of fastest, in steps", min(steps) / max(1, *steps), "times"),
        ("drawing, p95", 1000 * _quantile(times, 0.95), "ms"),
        ("Stop acknowledged", 1000 * stopped, "ms"),
        *await _closed([*training, *drawing]),
    ]


async def _stop_in_time(visitor: Visitor, at: float) -> float:
    await asyncio.sleep(max(0.0, at - now()))
    started = now()
    await visitor.post("stop_training")
    return now() - started


async def arrivals(app: App) -> list[Row]:
    """A hundred visitors with pairs of their own within ten seconds."""
    visitors = [Visitor(app, f"arrival{number}") for number in range(100)]
    end = now() + SCENE_SECONDS

    async def one(number: int, visitor: Visitor) -> Training:
        await asyncio.sleep(10.0 * number / len(visitors))
        await visitor.open()
        return await visitor.train_until(end, {"Seed": 2000 + number})

    trainings = await asyncio.gather(*(one(number, visitor) for number, visitor in enumerate(visitors)))
    refused = [each for each in trainings if each.words]
    told = [each.ended for each in refused if each.ended is not None]
    return [
        ("growing", sum(each.first_point is not None for each in trainings), "visitors"),
        ("told that there are too many", len(refused), "visitors"),
        ("told so, slowest", max(told, default=float("nan")), "s"),
        ("first point, slowest", max((each.first_point or 0.0 for each in trainings), default=0.0), "s"),
        *await _closed(visitors),
    ]


async def soak(app: App) -> list[Row]:
    """An hour of eight who train and fifteen who draw. Every third time a tab closes in the middle, and another comes.

    What the server holds in the last third of that time is compared with what it held in the second.
    """
    end, pairs = now() + SOAK_SECONDS, itertools.count(3000)
    gone: list[Visitor] = []
    held: list[tuple[float, float, float]] = []  # GB, threads, descriptors

    async def seat(is_trainer: bool, number: int) -> None:
        await asyncio.sleep(STAY_SECONDS * number / 23)
        for visit in itertools.count():
            if now() >= end:
                return
            if visit % 3 == 0:
                visitor = Visitor(app, f"seat{number}")
                gone.append(visitor)
                await visitor.open()
            until = min(end, now() + (LEAVE_SECONDS if visit % 3 == 2 else STAY_SECONDS))
            if is_trainer:
                await visitor.train_until(until, {"Seed": next(pairs)})
            else:
                await visitor.draw_until(until)
            if visit % 3 == 2 or now() >= end:
                await visitor.close()

    async def look() -> None:
        while now() < end:
            process = app.process
            held.append((process.memory_full_info().uss / 1e9, process.num_threads(), process.num_fds()))
            await asyncio.sleep(SOAK_SAMPLE_SECONDS)

    await asyncio.gather(look(), *(seat(number < 8, number) for number in range(23)))
    second, last = held[len(held) // 3 : 2 * len(held) // 3], held[2 * len(held) // 3 :]
    rows: list[Row] = [("pages that were closed", len(gone), ""), ("pairs begun", next(pairs) - 3000, "")]
    for place, (what, unit) in enumerate([("memory", "GB"), ("threads", ""), ("descriptors", "")]):
        for name, some in [("second third", second), ("last third", last)]:
            rows.append((f"{what}, {name}, median", statistics.median(each[place] for each in some), unit))
            rows.append((f"{what}, {name}, most", max(each[place] for each in some), unit))
    return [*rows, *await _closed(gone)]


def _trained(trainings: Sequence[Training]) -> list[Row]:
    firsts = [each.first_point for each in trainings if each.first_point is not None]
    ends = [each.ended for each in trainings if each.ended is not None and each.first_point is not None]
    gaps = sorted(gap for each in trainings for gap in each.gaps)
    rows: list[Row] = [("visitors without a point", len(trainings) - len(firsts), "visitors")]
    rows += [("first point, slowest", max(firsts), "s")] if firsts else []
    rows += [("curves finished", len(ends), "visitors")]
    rows += [("curves finished, slowest", max(ends), "s")] if ends else []
    return rows + ([("between two updates, p95", _quantile(gaps, 0.95), "s")] if gaps else [])


async def _closed(visitors: Sequence[Visitor]) -> list[Row]:
    """Closes the pages; how many calls failed by the server's fault."""
    await asyncio.gather(*(visitor.close() for visitor in visitors))
    return [("5xx and broken connections", sum(len(visitor.failures) for visitor in visitors), "calls")]


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def _loop_seconds() -> float:
    started, total = time.perf_counter(), 0
    for number in range(100_000):
        total += number & 3
    return time.perf_counter() - started


SCENES: dict[str, Scene] = {
    "alone": alone,
    "nobody": nobody,
    "idle": idle,
    "class": one_lesson,
    "8+15": lambda app: different(app, 8, 15),
    "16+30": lambda app: different(app, 16, 30),
    "arrivals": arrivals,
    "soak": soak,  # only if it is named: it takes an hour
}
