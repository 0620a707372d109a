"""Whose chunk comes next: whoever has had the least, counted by visitor, whatever they ask for and however often."""

import asyncio
from collections import Counter

import pytest

from mnist_demo.serving.turns import Turns


class Crowd:
    """Visitors whose trainings ask for a turn again and again; a chunk costs what the test says and takes no time."""

    def __init__(self) -> None:
        self.turns = Turns(lambda: 1)
        self.served: Counter[str] = Counter()
        self.order: list[str] = []

    async def train(self, owners: tuple[str, ...], cost: float, chunks: int) -> None:
        for _ in range(chunks):
            async with self.turns.turn(lambda: owners) as turn:
                await asyncio.sleep(0)
                turn.cpu_seconds = cost
                self.order.append(owners[0])
                for owner in owners:
                    self.served[owner] += cost / len(owners)


def share(crowd: Crowd, trainings: list[tuple[tuple[str, ...], float]], chunks: int) -> dict[str, float]:
    """What each visitor had when that many chunks had been trained in all."""

    async def run() -> None:
        for owner in dict.fromkeys(owner for owners, _ in trainings for owner in owners):
            crowd.turns.enter(owner)
        tasks = [asyncio.create_task(crowd.train(owners, cost, 10_000)) for owners, cost in trainings]
        while len(crowd.order) < chunks:
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    return {owner: crowd.served[owner] for owner in sorted(crowd.served)}


def test_visitors_share_alike_however_many_runs_each_has() -> None:
    many = [(("a",), 1.0)] * 10
    served = share(Crowd(), [*many, (("b",), 1.0), (("c",), 1.0)], 300)
    assert served == {owner: pytest.approx(100, abs=3) for owner in "abc"}


def test_visitors_share_alike_however_large_their_chunks_are() -> None:
    served = share(Crowd(), [(("a",), 3.0), (("b",), 1.0), (("c",), 0.5)] * 3, 600)
    assert max(served.values()) - min(served.values()) < 10


def test_what_two_watch_is_paid_by_both() -> None:
    served = share(Crowd(), [(("a", "b"), 1.0), (("c",), 1.0)] * 3, 300)
    assert served["a"] == served["b"] == pytest.approx(100, abs=3)
    assert served["c"] == pytest.approx(100, abs=3)


def test_who_comes_late_is_next_and_does_not_make_up_for_lost_time() -> None:
    crowd = Crowd()

    async def run() -> None:
        crowd.turns.enter("a")
        first = asyncio.create_task(crowd.train(("a",), 1.0, 10_000))
        while len(crowd.order) < 100:
            await asyncio.sleep(0)
        crowd.turns.enter("b")
        crowd.order.clear()
        second = asyncio.create_task(crowd.train(("b",), 1.0, 10_000))
        while len(crowd.order) < 40:
            await asyncio.sleep(0)
        for task in (first, second):
            task.cancel()
        await asyncio.gather(first, second, return_exceptions=True)

    asyncio.run(run())
    assert "b" in crowd.order[:4]
    assert Counter(crowd.order[:40])["b"] == pytest.approx(20, abs=3)


def test_a_turn_that_is_given_up_goes_to_the_next() -> None:
    async def run() -> list[str]:
        turns, ran = Turns(lambda: 1), list[str]()
        for owner in "abc":
            turns.enter(owner)
        go_on = asyncio.Event()

        async def take(owner: str) -> None:
            async with turns.turn(lambda: [owner]):
                ran.append(owner)
                await go_on.wait()

        tasks = [asyncio.create_task(take(owner)) for owner in "abac"]
        await asyncio.sleep(0.01)
        assert ran == ["a", "b"], "one a worker, one ready behind it, and not twice the same visitor"
        assert turns.crowd == 4
        for task in tasks[:3]:
            task.cancel()
        await asyncio.gather(*tasks[:3], return_exceptions=True)
        go_on.set()
        await tasks[3]
        for owner in "abc":
            turns.leave(owner)
        assert not turns.visitors
        assert turns.crowd == 1
        return ran

    assert asyncio.run(run()) == ["a", "b", "c"]


def test_the_wait_is_what_stands_before_one() -> None:
    async def run() -> tuple[float, float]:
        turns = Turns(lambda: 2)
        others = [f"visitor {number}" for number in range(9)]
        for owner in ("me", *others):
            turns.enter(owner)
        alone = turns.seconds_until("me")
        places = [turns.turn(lambda owner=owner: [owner]) for owner in others]
        waiting = [asyncio.create_task(place.__aenter__()) for place in places]
        await asyncio.sleep(0.01)
        crowded = turns.seconds_until("me")
        for task in waiting:
            task.cancel()
        return alone, crowded

    alone, crowded = asyncio.run(run())
    assert alone == 0
    assert crowded == pytest.approx(9 * 0.2 / 2)
