"""Runs the benchmarks that are named, or all, and prints one table: medians and ratios, on this machine, now."""

import argparse
import importlib
import os
import sys
import time

NAMES = ("start", "page", "training", "basics", "load")
IF_NAMED = ("install",)  # it downloads gigabytes


def main() -> None:
    """Parses the names, measures, prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"any of {', '.join((*NAMES, *IF_NAMED))}; all but {IF_NAMED[0]} by default",
    )
    parser.add_argument("--scenes", nargs="*", default=[], help="of load: any of its scenes; all but soak by default")
    arguments = parser.parse_args()
    names = arguments.names or list(NAMES)
    if unknown := [name for name in names if name not in (*NAMES, *IF_NAMED)]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join((*NAMES, *IF_NAMED))}")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before the start; on a busy machine only ratios mean something.\n")
    print("| what | value |\n|---|---|")
    for name in names:
        started = time.perf_counter()
        measure = importlib.import_module(f"benchmarks.{name}").measure
        for what, value, unit in measure(arguments.scenes) if name == "load" else measure():
            print(f"| {what} | {value:,.4g} {unit} |", flush=True)
        print(f"{name} took {time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
