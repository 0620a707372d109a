"""A visitor's record: one a visitor, its own runs alone, kept while somebody looks, gone when they leave."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from mnist_demo.errors import RunError, UnknownRun
from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.pair import Pair
from mnist_demo.learning.chunks import train_chunk
from mnist_demo.serving import runs, visitors
from mnist_demo.serving.runs import Run, RunStore
from mnist_demo.serving.visitors import Visitors


@pytest.fixture
def pair(tiny: Experiment) -> Pair:
    return Pair(a=tiny, b=tiny.replace(seed=1))


def train(several: Sequence[Run], root: Path) -> None:
    for run in several:
        if not run.training.is_over:
            run.training.record(train_chunk(run.training.state.read(), 100_000, root))
        run.see(run.training.step)


def test_a_record_is_kept_under_its_id_and_nobodys_is_not() -> None:
    everybody = Visitors(RunStore())
    everybody.of("me").tests_asked = 3
    assert everybody.of("me").tests_asked == 3
    assert everybody.of("you").tests_asked == 0
    everybody.of("").tests_asked = 3
    assert everybody.of("").tests_asked == 0


def test_a_pair_is_on_the_page_with_its_overlay(pair: Pair, mnist_root: Path) -> None:
    me = Visitors(RunStore()).of("me")
    with pytest.raises(RunError, match="train a pair first"):
        _ = me.on_page
    earlier, now = me.start(pair), me.start(pair)
    assert me.pair == now
    assert me.measured_pair == []
    train((*earlier, *now), mnist_root)
    assert me.measured_pair == now
    me.overlay_ids = (earlier[1].id, now[0].id, "no such run")
    assert me.on_page == [*now, earlier[1]]
    me.store.drop(now[0])
    assert me.pair == []


def test_what_is_looked_at_is_remembered_of_each_run(pair: Pair, mnist_root: Path) -> None:
    me = Visitors(RunStore()).of("me")
    first = me.start(pair)
    train(first, mnist_root)
    me.look_at(2)
    assert me.cursors == {run.id: 2 for run in first}
    me.start(pair)
    assert me.epoch is None
    assert me.cursors == {run.id: 2 for run in first}, "earlier runs keep what was looked at"


def test_another_visitors_run_is_none(pair: Pair) -> None:
    everybody = Visitors(RunStore())
    run = everybody.of("me").start(pair)[0]
    assert everybody.of("me").run(run.id) is run
    for other in ("you", ""):
        with pytest.raises(UnknownRun):
            everybody.of(other).run(run.id)
        everybody.of(other).pair_ids = (run.id, run.id)
        assert everybody.of(other).pair == []


def test_runs_that_are_looked_at_do_not_expire(pair: Pair, tiny: Experiment) -> None:
    now = 0.0
    store = RunStore(lambda: now)
    me = Visitors(store).of("me")
    mine = me.start(pair)
    for _ in range(30):
        now += runs.MAX_AGE_SECONDS / 10
        assert me.pair == mine
    store.create(tiny, "you", "1A")
    assert me.runs == mine


def test_who_leaves_and_stays_away_leaves_nothing(pair: Pair) -> None:
    now = 0.0
    everybody = Visitors(RunStore(), lambda: now)
    everybody.of("me").start(pair)
    everybody.of("other").start(pair)
    everybody.leave("me")
    everybody.leave("never seen")
    now = visitors.KEPT_SECONDS + 1
    everybody.of("somebody else")
    assert everybody.store.of_owner("me") == []
    assert everybody.of("me").pair_ids == ()
    assert len(everybody.of("other").pair) == 2, "a page that is there keeps everything"


def test_who_comes_back_in_time_has_lost_nothing(pair: Pair) -> None:
    now = 0.0
    everybody = Visitors(RunStore(), lambda: now)
    mine = everybody.of("me").start(pair)
    for _ in range(5):  # a second heartbeat, a blink of the network
        everybody.leave("me")
        now += visitors.KEPT_SECONDS - 1
        assert everybody.of("me").pair == mine


def test_of_too_many_records_those_that_hold_nothing_go_first(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "MAX_VISITORS", 5)
    everybody = Visitors(RunStore())
    everybody.of("me").start(pair)
    for number in range(20):
        everybody.of(f"invented {number}")
    assert len(everybody.all()) == 5
    assert len(everybody.of("me").pair) == 2


def test_a_page_loaded_again_has_the_record_of_its_key(pair: Pair) -> None:
    everybody = Visitors(RunStore())
    me = everybody.of("before")
    mine = me.start(pair)
    everybody.of("after")
    assert everybody.return_to("after", me.key) is None, "its page is still open: nobody else gets it"
    everybody.leave("before")
    assert everybody.return_to("after", me.key) is me
    assert everybody.of("after").pair == mine
    everybody.leave("before")
    assert me.left_at is None, "its page is another one now"
    everybody.leave("after")
    assert everybody.return_to("later", me.key) is me
    assert everybody.of("later").pair == mine
    assert everybody.of("after") is not me, "a page of long ago has no part in it"
    assert len(everybody.all()) == 2


def test_a_key_that_is_not_ones_own_opens_nothing(pair: Pair) -> None:
    everybody = Visitors(RunStore())
    everybody.of("me").start(pair)
    everybody.leave("me")
    for key in ("", "me", "x" * 22, everybody.of("you").key):
        assert everybody.return_to("you", key) is None
        assert everybody.of("you").pair == []
    assert len(everybody.of("me").key) >= 22, "128 bits"
    assert everybody.of("me").key != everybody.of("you").key


def test_who_has_runs_already_keeps_them(pair: Pair) -> None:
    everybody = Visitors(RunStore())
    me, you = everybody.of("me"), everybody.of("you")
    me.start(pair)
    yours = you.start(pair)
    everybody.leave("me")
    assert everybody.return_to("you", me.key) is None
    assert everybody.of("you").pair == yours


def test_a_record_that_is_forgotten_leaves_no_trace(pair: Pair) -> None:
    now = 0.0
    everybody = Visitors(RunStore(), lambda: now)
    me = everybody.of("before")
    me.start(pair)
    everybody.leave("before")
    everybody.return_to("after", me.key)
    everybody.leave("after")
    now = visitors.KEPT_SECONDS + 1
    assert everybody.return_to("later", me.key) is None
    assert not everybody.has(me.key)
    assert everybody.of("after").pair == []
