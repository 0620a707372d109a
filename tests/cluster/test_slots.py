"""There are as many slots as workers, whatever is running while workers come and go."""

import asyncio
import random

import pytest

from mnist_demo.cluster.slots import Slots


@pytest.mark.parametrize("seed", range(5))
def test_no_more_run_than_there_are_workers_and_no_slot_is_lost(seed: int) -> None:
    rng = random.Random(seed)

    async def day() -> None:
        slots, taken = Slots(), 0
        for _ in range(200):
            wanted = rng.randrange(4)
            await slots.resize(wanted)
            if taken and rng.random() < 0.5:
                taken -= 1
                slots.release()
            while taken < wanted:
                async with asyncio.timeout(5):
                    await slots.acquire()
                taken += 1
            one_too_many = asyncio.create_task(slots.acquire())
            for _ in range(3):
                await asyncio.sleep(0)
            assert not one_too_many.done()
            one_too_many.cancel()

    asyncio.run(day())
