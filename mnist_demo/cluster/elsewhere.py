"""Training on other machines: which scheduler may be used, and that its workers are the same as this server.

A worker of another version would train another network, or the same to other numbers; so a difference is refused, with
a table of it. Knows addresses and versions. Does not know tasks.
"""

# mypy: allow-untyped-calls

import functools
import hashlib
import ipaddress
import os
import platform
from collections.abc import Mapping
from pathlib import Path

from distributed import Client

from mnist_demo.errors import CannotStart, EngineUnavailable

PACKAGE = Path(__file__).parents[1]
ENCRYPTED = ("tls://", "wss://")

Versions = tuple[tuple[str, str], ...]


def scheduler_address() -> str | None:
    """MNIST_DEMO_SCHEDULER; None for workers of this machine.

    Whoever speaks to a scheduler can run programs at its workers, and whoever listens on the way can change them. So an
    address without encryption must be of this machine, or MNIST_DEMO_UNENCRYPTED must say that the network is trusted.
    """
    address = os.environ.get("MNIST_DEMO_SCHEDULER") or None
    allowed = os.environ.get("MNIST_DEMO_UNENCRYPTED", "").lower() == "true"
    if address and not address.startswith(ENCRYPTED) and not _is_of_this_machine(address) and not allowed:
        raise CannotStart(
            f"MNIST_DEMO_SCHEDULER is {address[:80]!r}, which sends everything unencrypted: use tls://, or set "
            "MNIST_DEMO_UNENCRYPTED=true if you trust everybody on that network."
        )
    return address


def _is_of_this_machine(address: str) -> bool:
    host = address.rpartition("://")[2].rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: who answers to it is not known
        return False


@functools.cache
def versions() -> Versions:
    """What has to be the same here and at a worker, as pairs of a name and a version."""
    import torch  # here: the cluster itself brings none of training into a worker

    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        digest.update(f"{path.relative_to(PACKAGE).as_posix()} {len(source)}\n".encode() + source)
    python = ".".join(platform.python_version_tuple()[:2])
    return ("Python", python), ("PyTorch", str(torch.__version__)), ("MNIST Lab", digest.hexdigest()[:12])


def refuse_differences(here: Versions, of_workers: Mapping[str, object]) -> None:
    """Raises EngineUnavailable with a table if a worker has other versions, or could not tell them."""
    others = {name: found for name, found in of_workers.items() if found != here}
    if not others:
        return
    rows = [f"here: {_in_words(here)}.", *(f"{name}: {_in_words(found)}." for name, found in sorted(others.items()))]
    raise EngineUnavailable(
        "Workers need the same versions as this server, or they would train to other numbers.\n" + "\n".join(rows)
    )


def _in_words(found: object) -> str:
    if isinstance(found, tuple):
        return ", ".join(f"{name} {number}" for name, number in found)
    return f"no MNIST Lab that tells its versions ({type(found).__name__}: {found})"


async def compare_versions(client: Client) -> None:
    """Asks every worker of the scheduler for its versions, and refuses those that differ."""
    refuse_differences(versions(), await client.run(versions, on_error="return"))
