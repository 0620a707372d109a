"""Tasks run side by side, and a suspect runs alone."""

import asyncio

from mnist_demo.cluster.suspects import Workshop


def test_a_suspect_waits_for_the_others_and_they_for_it() -> None:
    told: list[str] = []

    async def together(workshop: Workshop, name: str, gate: asyncio.Event) -> None:
        async with workshop.together():
            told.append(f"{name} in")
            await gate.wait()
            told.append(f"{name} out")

    async def alone(workshop: Workshop, name: str) -> None:
        async with workshop.alone():
            told.append(f"{name} in")
            await asyncio.sleep(0)
            told.append(f"{name} out")

    async def day() -> None:
        workshop, gate = Workshop(), asyncio.Event()
        first = [asyncio.create_task(together(workshop, name, gate)) for name in "ab"]
        await asyncio.sleep(0)
        suspects = [asyncio.create_task(alone(workshop, name)) for name in "xy"]
        await asyncio.sleep(0)
        late = asyncio.create_task(together(workshop, "c", gate))
        for _ in range(10):
            await asyncio.sleep(0)
        assert told == ["a in", "b in"]
        gate.set()
        await asyncio.wait_for(asyncio.gather(*first, *suspects, late), 5)

    asyncio.run(day())
    assert told[:4] == ["a in", "b in", "a out", "b out"]
    assert all(told.index(f"{name} out") == told.index(f"{name} in") + 1 for name in "xy")
    assert sorted(told) == sorted(f"{name} {way}" for name in "abcxy" for way in ("in", "out"))


def test_a_suspect_that_fails_or_gives_up_holds_nobody_back() -> None:
    async def day() -> None:
        workshop = Workshop()
        try:
            async with workshop.alone():
                raise ValueError
        except ValueError:
            pass
        busy = asyncio.Event()

        async def work() -> None:
            async with workshop.together():
                await busy.wait()

        async def suspect() -> None:
            async with workshop.alone():
                pass

        working = asyncio.create_task(work())
        await asyncio.sleep(0)
        waiting = asyncio.create_task(suspect())
        await asyncio.sleep(0)
        waiting.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait([waiting])
            async with workshop.together():
                pass
            busy.set()
            await working

    asyncio.run(day())
