"""How soon the page answers after `python app.py`, and what memory the idle server and its warm workers hold."""

import statistics

from benchmarks.served import served

STARTS = 3


def measure() -> list[tuple[str, float, str]]:
    """(name, value, unit) of the start and of the memory. RSS counts what processes share once for each of them."""
    seconds = []
    for _ in range(STARTS - 1):
        with served() as app:
            seconds.append(app.start_seconds)
    with served() as app:
        seconds.append(app.start_seconds)
        app.wait_until_warm()
        family = [(each, each.memory_full_info()) for each in app.family()]
    server = family[0][1].rss
    workers = sorted((memory.rss for _, memory in family[1:]), reverse=True)[:2]
    return [
        ("page answers after `python app.py`, median", statistics.median(seconds), "s"),
        ("resident memory of server and two warm workers, RSS added up", sum(m.rss for _, m in family) / 1e9, "GB"),
        ("the same, shared pages counted once (PSS)", sum(m.pss for _, m in family) / 1e9, "GB"),
        ("of it the server, RSS", server / 1e9, "GB"),
        ("of it a worker, RSS", statistics.mean(workers) / 1e9, "GB"),
    ]
