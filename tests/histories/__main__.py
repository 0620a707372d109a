"""Records the runs that are not in the file yet."""

from mnist_demo.lessons.checking import train_all
from tests.histories import FILE, experiments, recorded, to_line


def main() -> None:
    """Appends the missing runs."""
    FILE.touch()
    missing = {run.model_dump_json(): name for name, run in experiments().items() if name not in recorded()}
    for key, history in train_all(missing):
        with FILE.open("a", encoding="utf-8") as file:
            file.write(to_line(missing[key], tuple(history)) + "\n")
        print(missing[key] or "the defaults", flush=True)


if __name__ == "__main__":
    main()
