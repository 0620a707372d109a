"""The commands around the course: the page, the lessons and their check, a run's script, the bundled images."""

import argparse
import gzip
import json
import tempfile
import zlib
from pathlib import Path

from mnist_demo.cli.progress import progress
from mnist_demo.errors import DataError, InvalidExperiment, MnistLabError
from mnist_demo.experiment.differences import describe_changes
from mnist_demo.experiment.pair import Pair
from mnist_demo.export.script import script
from mnist_demo.hints import checking as hints_checking
from mnist_demo.images import bundle, unipen
from mnist_demo.images.pens import save
from mnist_demo.lessons import Lesson, checking
from mnist_demo.lessons import lessons as all_lessons
from mnist_demo.ui.web import start


def serve(options: argparse.Namespace) -> None:
    """Serves the page until it is stopped."""
    start.serve(options.port)


def lessons(options: argparse.Namespace) -> None:
    """Lists lessons, or trains them to see whether they show what they claim."""
    known = {lesson.slug: lesson for lesson in all_lessons()}
    for slug in options.slugs:
        if slug not in known:
            raise InvalidExperiment(f"There is no lesson {slug[:40]!r}; there are {', '.join(known)}.")
    chosen = [known[slug] for slug in options.slugs or known]
    if options.check:
        _check(chosen, options)
        return
    for lesson in chosen:
        change = describe_changes(lesson.pair.a, lesson.pair.b)
        if options.json:
            told = {"lesson": lesson.slug, "title": lesson.title, "change": change, "link": lesson.pair.to_query()}
            print(json.dumps(told))
        else:
            print(f"{lesson.slug:24s} {lesson.title} ({change})")


def _check(chosen: list[Lesson], options: argparse.Namespace) -> None:
    verdicts = []
    with progress("run", checking.run_count(chosen, options.seeds)) as bar:
        for verdict in checking.check(chosen, options.seeds):
            if verdict is None:
                bar.update()
                continue
            told = {"lesson": verdict.lesson.slug, "sentence": verdict.claim.sentence, "held": verdict.held}
            bar.write(json.dumps({**told, "seeds": verdict.seeds}) if options.json else verdict.line())
            verdicts.append(verdict)
    failed = sum(not verdict.is_good for verdict in verdicts)
    if failed:
        subject = "does not hold" if failed == 1 else "do not hold"
        raise MnistLabError(f"{failed} of {len(verdicts)} sentences {subject} on nine seeds of ten.")


def hints(options: argparse.Namespace) -> None:
    """Tries the hints on experiments whose cause of trouble is known, and prints a confusion table."""
    with progress("run") as bar:
        for outcome in hints_checking.check(options.count):
            bar.update()
            report = outcome
    assert report, "the check ends with its report"
    print(json.dumps(report.to_dict()) if options.json else "\n".join(report.lines()))
    if not report.is_good:
        raise MnistLabError("The hints are right less often than they must be.")


def export(options: argparse.Namespace) -> None:
    """Prints a run as a standalone PyTorch script."""
    print(script(Pair.from_query(options.link).a), end="")


def archive(options: argparse.Namespace) -> None:
    """Rebuilds the bundled archive of MNIST from its four files, each unpacked or as published (.gz)."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in bundle.FILE_SHA256:
            raw = options.folder / name
            packed = raw.with_name(f"{name}.gz")
            if raw.is_file():
                (Path(scratch) / name).symlink_to(raw.resolve())
            elif packed.is_file():
                (Path(scratch) / name).write_bytes(_unzipped(packed))
            else:
                raise DataError(f"{raw} is missing, and so is {packed.name}: it must be one of MNIST's raw IDX files.")
        bundle.build_archive(Path(scratch), options.output)


def pens(options: argparse.Namespace) -> None:
    """Makes the file of real pen strokes from UNIPEN's folder."""
    written = unipen.read(options.folder)
    save(written, options.output)
    print(f"wrote {options.output}: {len(written):,} digits by {len(set(written.writers.tolist()))} writers")


def _unzipped(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}.") from error
