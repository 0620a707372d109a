"""Why there are no workers is one sentence: an error of ours in its own words, any other with what to look at."""

from mnist_demo.cluster.status import CLOSED, LOST, ClusterStatus, Phase, why_not_started
from mnist_demo.errors import DataError, MnistLabError

ADDRESS = "tcp://10.0.0.7:8786"


def test_an_error_of_ours_keeps_its_own_words_wherever_the_workers_are() -> None:
    error: MnistLabError = DataError("The archive is not what it should be.")
    assert why_not_started(error, None) == why_not_started(error, ADDRESS) == "The archive is not what it should be."


def test_any_other_error_is_named_with_the_scheduler_that_was_asked() -> None:
    refused = OSError("connection refused")
    elsewhere = why_not_started(refused, ADDRESS)
    assert elsewhere.startswith(f"The training scheduler at {ADDRESS} cannot be used (OSError: connection refused)")
    assert elsewhere.endswith("check that it runs and has workers.")
    for here in (None, ""):
        sentence = why_not_started(refused, here)
        assert sentence == "The training workers could not start (OSError: connection refused)."
        assert "scheduler" not in sentence


def test_a_status_counts_nobody_and_blames_nothing_until_it_is_told() -> None:
    for phase in Phase:
        assert ClusterStatus(phase) == ClusterStatus(phase, 0, "")
    assert ClusterStatus(Phase.READY, 2) != ClusterStatus(Phase.READY, 1), "a lost worker is another status"


def test_what_cannot_be_mended_on_the_page_says_what_can_be_done() -> None:
    assert CLOSED.endswith("restart the app to train.")
    assert LOST.endswith("try again in a minute.")
