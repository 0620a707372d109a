"""The judge of the hints: what counts as right, on real runs, and the whole check (slow)."""

from collections.abc import Iterable, Iterator

import pytest

from mnist_demo.experiment.config import Experiment
from mnist_demo.experiment.history import History
from mnist_demo.experiment.pair import Pair
from mnist_demo.hints import Cause, Kind, Promise, checking, hints
from mnist_demo.hints.checking import Report, Told
from mnist_demo.hints.experiments import Labelled
from mnist_demo.images.data import TrainingData
from mnist_demo.learning import training
from tests.histories import history_of


def _told(query: str, cause: Cause | None) -> Told:
    experiment, history = history_of(query)
    return Told(Labelled(experiment, cause, experiment), history, tuple(hints(experiment, history)))


def test_report_counts_alarms_right_causes_and_kept_promises() -> None:
    right = _told("optimizer=sgd&learning_rate=0.1&epochs=20&mistake=no_zero_grad", Cause.NO_ZERO_GRAD)
    silent = _told("train_size=5000&dropout=0.2&epochs=10", Cause.WEIGHT_DECAY)
    wrong = _told("mistake=softmax_cross_entropy", Cause.LOGITS)
    healthy = _told("", None)
    alarmed = _told("optimizer=sgd&learning_rate=0.5&epochs=20", None)
    kept = ((right, Promise.ACCURACY, True), (healthy, Promise.LOSS, False))
    report = Report((right, silent, wrong, healthy, alarmed), kept)
    assert report.alarms == 0.5
    assert report.right == 0.5
    assert report.found == pytest.approx(1 / 3)
    assert report.kept_share == 0.5
    assert not report.is_good
    lines = {line.split("  ")[0]: line for line in report.lines()}
    assert lines["gradients pile up"].split()[3:] == ["1", "0"]
    assert lines["weight decay too strong"].split()[-1] == "1"
    assert lines["NLLLoss of logits"].endswith("softmax twice 1")
    assert lines["nothing"].endswith("learning rate too high 1")


def test_check_trains_the_experiments_and_what_is_advised() -> None:
    asked: list[str] = []

    def train(keys: Iterable[str]) -> Iterator[tuple[str, History]]:
        for key in keys:
            asked.append(key)
            yield key, history_of("optimizer=sgd&learning_rate=0.01&epochs=20")[1]  # a real run that improves

    *runs, report = checking.check(2, train)
    assert report
    assert runs == [None] * len(asked)
    advised = {each.model_dump_json() for told in report.told for _, each in told.advised}
    assert set(asked) == advised | {told.case.experiment.model_dump_json() for told in report.told}
    assert len(asked) == len(set(asked)) > 2
    assert all(Experiment.model_validate_json(key) for key in asked)
    assert [is_better for _, _, is_better in report.kept] == [False] * len(report.kept) != []


def test_batch_norm_whose_averages_lag_is_no_bug(tiny_data: TrainingData) -> None:
    experiment = Pair.from_query("network=cnn&hidden_sizes=8-16&learning_rate=0.01&train_size=300&epochs=3").a
    state, _ = training.advance(training.start(experiment), 1000, tiny_data)
    for end in range(2, len(state.history) + 1):
        assert Kind.BUG not in {hint.kind for hint in hints(experiment, state.history[:end])}


@pytest.mark.slow
@pytest.mark.timeout(14_400)
def test_the_hints_are_as_right_as_they_must_be() -> None:
    *_, report = checking.check(300)
    assert report
    assert report.is_good, "\n".join(report.lines())
