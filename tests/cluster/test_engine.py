"""The engine of one thread: it keeps the same promises as the workers, as far as a thread can."""

import asyncio
import pickle
import threading

import pytest

from mnist_demo.cluster.engine import Engine, InProcess, Parcel
from mnist_demo.cluster.status import Phase
from mnist_demo.errors import EngineUnavailable, InvalidExperiment


def add(left: int, right: int) -> int:
    return left + right


def complain(knob: str) -> None:
    raise InvalidExperiment(f"{knob} must be between 0 and 0.9, not 7.")


def test_it_runs_functions_elsewhere_one_after_the_other_in_the_order_of_asking() -> None:
    ran: list[tuple[int, int]] = []

    def note(number: int) -> None:
        ran.append((number, threading.get_ident()))

    async def crowd(engine: Engine) -> int:
        await asyncio.gather(*(engine.run(note, number) for number in range(20)))
        return await engine.run(add, 1, 2)

    with InProcess() as engine:
        assert asyncio.run(crowd(engine)) == 3
        assert asyncio.run(crowd(engine)) == 3  # from another event loop
    assert [number for number, _ in ran] == [*range(20), *range(20)]
    threads = {thread for _, thread in ran}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_errors_come_through_unchanged() -> None:
    with (
        InProcess() as engine,
        pytest.raises(InvalidExperiment, match=r"^dropout must be between 0 and 0\.9, not 7\.$"),
    ):
        asyncio.run(engine.run(complain, "dropout"))


def test_what_is_cancelled_while_it_waits_never_starts() -> None:
    go_on = threading.Event()
    ran: list[int] = []

    async def crowd(engine: Engine) -> None:
        busy = asyncio.create_task(engine.run(go_on.wait, 20.0))
        waiting = asyncio.create_task(engine.run(ran.append, 1))
        await asyncio.sleep(0)  # both have asked
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go_on.set()
        assert await busy
        await engine.run(ran.append, 2)

    with InProcess() as engine:
        asyncio.run(crowd(engine))
    assert ran == [2]


def test_closed_it_says_so() -> None:
    engine = InProcess()
    assert engine.status.phase is Phase.READY
    engine.close()
    engine.close()
    assert engine.status.phase is Phase.CLOSED
    with pytest.raises(EngineUnavailable, match="shut down"):
        asyncio.run(engine.run(add, 1, 2))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_parcel_arrives_as_it_was_sent(protocol: int) -> None:
    sent = {"state": Parcel(b"weights" * 1000), "none": Parcel()}
    arrived = pickle.loads(pickle.dumps(sent, protocol))
    assert arrived == sent
    assert {type(each) for each in arrived.values()} == {Parcel}, "and can be sent on"


def test_a_parcel_travels_beside_the_pickle() -> None:
    buffers: list[pickle.PickleBuffer] = []
    letter = pickle.dumps(Parcel(b"weights" * 1000), 5, buffer_callback=buffers.append)
    assert len(letter) < 200
    assert pickle.loads(letter, buffers=buffers) == b"weights" * 1000
