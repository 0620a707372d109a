"""Records the runs that are not in the file yet."""

from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from mnist_demo.images import data
from mnist_demo.lessons.checking import train_history
from tests.histories import FILE, experiments, recorded, to_line


def main() -> None:
    """Appends the missing runs, two at a time."""
    FILE.touch()
    missing = {name: experiment for name, experiment in experiments().items() if name not in recorded()}
    root = data.mnist_root()
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        futures = {pool.submit(train_history, run.model_dump_json(), root): name for name, run in missing.items()}
        for future in as_completed(futures):
            with FILE.open("a", encoding="utf-8") as file:
                file.write(to_line(futures[future], future.result()) + "\n")
            print(futures[future] or "the defaults", flush=True)


if __name__ == "__main__":
    main()
