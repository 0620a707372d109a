"""What every handler works with: drawings have threads of their own, whatever else the server has to do."""

import asyncio
import threading
from pathlib import Path

from tests.ui.trained import do, lab_of


def test_a_drawing_does_not_stand_behind_figures(tmp_path: Path) -> None:
    lab = lab_of(tmp_path)
    go_on = threading.Event()
    figures: list[int] = []

    def draw_figure(number: int) -> None:
        figures.append(number)
        go_on.wait(20)

    async def crowd() -> tuple[str, int]:
        waiting = [asyncio.create_task(lab.take_time(draw_figure, number)) for number in range(12)]
        others = [asyncio.create_task(asyncio.to_thread(go_on.wait, 20)) for _ in range(40)]  # all threads there are
        await asyncio.sleep(0.05)
        answer = await asyncio.wait_for(lab.read_drawing(str.upper, "seven"), 10)
        begun = len(figures)
        go_on.set()
        await asyncio.gather(*waiting, *others)
        return answer, begun

    answer, begun = do(crowd())
    assert answer == "SEVEN"
    assert begun <= 2, "figures wait at their gate"
    assert sorted(figures) == list(range(12))
