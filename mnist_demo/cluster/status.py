"""The state of a cluster, in words that a page may show. Does not know Dask."""

from dataclasses import dataclass
from enum import StrEnum

from mnist_demo.errors import MnistLabError

CLOSED = "The training workers have been shut down; restart the app to train."
LOST = "The connection to the training workers was lost; try again in a minute."


class Phase(StrEnum):
    """The state a cluster is in."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True)
class ClusterStatus:
    """What a page may show: the phase, the workers alive now, and for FAILED one sentence that says why."""

    phase: Phase
    workers: int = 0
    reason: str = ""


def why_not_started(error: Exception, scheduler_address: str | None) -> str:
    """One sentence for an error that kept the workers from starting."""
    if isinstance(error, MnistLabError):
        return str(error)
    if scheduler_address:
        return (
            f"The training scheduler at {scheduler_address} cannot be used ({type(error).__name__}: {error}); "
            "check that it runs and has workers."
        )
    return f"The training workers could not start ({type(error).__name__}: {error})."
