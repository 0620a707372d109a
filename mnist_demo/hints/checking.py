"""Whether the hints are right: tried on random experiments whose cause is known, and on the runs B that they advise.

Prints nothing: `check` yields a report. The experiments differ from those used when the rules were written.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import History
from mnist_demo.hints import Cause, Hint, Kind, Promise, hints
from mnist_demo.hints.experiments import CHECKED_ON, Labelled, labelled
from mnist_demo.lessons.checking import Key, train_all

FALSE_ALARMS, RIGHT, FOUND, KEPT = 0.01, 0.95, 0.85, 0.9  # the first is the most allowed, the others the least

Train = Callable[[Iterable[Key]], Iterator[tuple[Key, History]]]


@dataclass(frozen=True)
class Told:
    """What the hints said of one labelled experiment."""

    case: Labelled
    history: History
    found: tuple[Hint, ...]

    @property
    def cause(self) -> Cause | None:
        """The cause that was named, if one was."""
        return next((hint.cause for hint in self.found if hint.cause), None)

    @property
    def advised(self) -> list[tuple[Promise, Experiment]]:
        """Each promise, with the run B it is about."""
        experiment = self.case.experiment
        return [(hint.promise, experiment.replace(**hint.try_b)) for hint in self.found if hint.promise and hint.try_b]


@dataclass(frozen=True)
class Report:
    """How often the hints were right."""

    told: tuple[Told, ...]
    kept: tuple[tuple[Told, Promise, bool], ...]  # each promise, and whether the advised run B was better

    @property
    def alarms(self) -> float:
        """Share of the healthy runs for which a bug was named."""
        healthy = [each for each in self.told if each.case.cause is None]
        return _share(any(hint.kind is Kind.BUG for hint in each.found) for each in healthy)

    @property
    def right(self) -> float:
        """Of the runs with a planted cause and a named one: the share where both are the same."""
        return _share(each.cause is each.case.cause for each in self._planted if each.cause)

    @property
    def found(self) -> float:
        """Share of the planted causes that were named."""
        return _share(each.cause is each.case.cause for each in self._planted)

    @property
    def kept_share(self) -> float:
        """Share of the promises that the advised run B kept."""
        return _share(is_better for _, _, is_better in self.kept)

    @property
    def is_good(self) -> bool:
        """Whether the hints reach what they must."""
        return self.alarms <= FALSE_ALARMS and self.right >= RIGHT and self.found >= FOUND and self.kept_share >= KEPT

    def lines(self) -> Iterator[str]:
        """The confusion table, a planted cause a line, and the four shares."""
        yield f"{'planted':26s} named right  silent  named instead"
        for cause in (None, *Cause):
            rows = [each for each in self.told if each.case.cause is cause]
            named = Counter(each.cause for each in rows)
            silent, right = named.pop(None, 0), named.pop(cause, 0) if cause else 0
            others = ", ".join(f"{other} {count}" for other, count in named.most_common() if other)
            yield f"{cause or 'nothing':26s} {right or '-':>11}  {silent:6d}  {others}".rstrip()
        unplanted = [is_better for each, _, is_better in self.kept if each.case.cause is None and each.cause]
        yield f"healthy runs told of a bug   {self.alarms:6.1%} (at most {FALSE_ALARMS:.0%})"
        yield f"cause right when one is named {self.right:5.1%} (at least {RIGHT:.0%})"
        yield f"planted causes found         {self.found:6.1%} (at least {FOUND:.0%})"
        yield f"advised run B better         {self.kept_share:6.1%} of {len(self.kept)} promised (at least {KEPT:.0%})"
        yield f"  of them where nothing was planted and yet a cause was named: {sum(unplanted)} of {len(unplanted)}"

    def to_dict(self) -> dict[str, float]:
        """The four shares."""
        return {
            "false_bug_alarms": self.alarms,
            "cause_right": self.right,
            "causes_found": self.found,
            "advice_kept": self.kept_share,
        }

    @property
    def _planted(self) -> list[Told]:
        return [each for each in self.told if each.case.cause]


def check(count: int, train: Train = train_all) -> Iterator[Report | None]:
    """Tries the hints on `count` experiments; yields None for every run trained, and the report at the end."""
    cases = list(labelled(count, CHECKED_ON))
    histories: dict[Key, History] = {}
    for key, history in train(_key(case.experiment) for case in cases):
        histories[key] = history
        yield None
    told = tuple(_tell(case, histories) for case in cases)
    advised = {_key(experiment) for each in told for _, experiment in each.advised}
    for key, history in train(sorted(advised - histories.keys())):
        histories[key] = history
        yield None
    yield Report(told, tuple(_tried(told, histories)))


def _tell(case: Labelled, histories: Mapping[Key, History]) -> Told:
    history = histories[_key(case.experiment)]
    return Told(case, history, tuple(hints(case.experiment, history)))


def _tried(told: Iterable[Told], histories: Mapping[Key, History]) -> Iterator[tuple[Told, Promise, bool]]:
    for each in told:
        before = each.history[-1]
        for promise, experiment in each.advised:
            after = histories[_key(experiment)][-1]
            is_better = {
                Promise.ACCURACY: after.val_accuracy > before.val_accuracy,
                Promise.LOSS: after.val_loss < before.val_loss,
            }[promise]
            yield each, promise, is_better


def _key(experiment: Experiment) -> Key:
    return experiment.model_dump_json()


def _share(flags: Iterable[bool]) -> float:
    counted = list(flags)
    return sum(counted) / len(counted) if counted else 0.0
