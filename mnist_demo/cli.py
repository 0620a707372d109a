"""The command line: `python -m mnist_demo train | evaluate | predict | drawings | export | lessons | archive`.

Turns words into calls and results into lines. Exit status 0: done; 1: the work failed; 2: the words
were wrong. Every error is one sentence.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from mnist_demo.cluster.engine import InProcess
from mnist_demo.errors import InvalidCheckpoint, InvalidDrawing, InvalidExperiment, MnistLabError
from mnist_demo.experiment.config import Experiment, describe_changes, knobs
from mnist_demo.experiment.history import Metrics
from mnist_demo.experiment.knobs import to_text
from mnist_demo.experiment.pair import Pair
from mnist_demo.export.script import script
from mnist_demo.images import data, sketch
from mnist_demo.inference import drawings, evaluation, recognize
from mnist_demo.learning import checkpoints, schedule, training
from mnist_demo.learning.chunks import chunks
from mnist_demo.learning.networks import weights_hash
from mnist_demo.lessons import checking, lessons

COUNT_HELP = "drawings of each condition and of each kind of non-digit (200)"
CALIBRATE_HELP = "first fit the checkpoint's temperature and least confidence on other drawings, and write them into it"
DEFAULT_CHECKPOINT = checkpoints.SHIPPED / "cnn.safetensors"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    try:
        options = _parser().parse_args(arguments)
        options.command(options)
    except InvalidExperiment as error:
        print(error, file=sys.stderr)
        return 2
    except MnistLabError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or 'A file'} cannot be used: {error.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


class _OneSentenceParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[:1].upper()}{message[1:]}; see `python -m {self.prog} --help`.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _OneSentenceParser(prog="mnist_demo", description="Train, score and ask small MNIST networks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_OneSentenceParser)

    train = commands.add_parser("train", help="train one network and keep it", allow_abbrev=False)
    for knob in knobs().values():
        flag = f"--{knob.name.replace('_', '-')}"
        note = f"{knob.help} {knob.accepts}; default {to_text(knob.default)}.".replace("%", "%%")
        train.add_argument(flag, dest=f"knob.{knob.name}", metavar="VALUE", help=note)
    train.add_argument("--output", type=Path, metavar="FILE", help="write the checkpoint (.safetensors or .pth) here")
    train.add_argument("--keep", choices=["best", "last"], default="best", help="which weights to write (best)")
    train.add_argument("--threads", type=int, choices=range(1, 65), default=1, metavar="N", help="torch threads (1)")
    train.add_argument(
        "--state", type=Path, metavar="FILE", help="keep the run here, go on from there if it exists; needs --keep last"
    )
    train.set_defaults(command=_train)

    evaluate = commands.add_parser("evaluate", help="score a checkpoint on the test images")
    evaluate.add_argument("checkpoint", type=Path)
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    evaluate.set_defaults(command=_evaluate)

    predict = commands.add_parser("predict", help="read the digit in picture files")
    predict.add_argument("pictures", type=Path, nargs="+", metavar="IMAGE")
    predict.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    predict.add_argument("--json", action="store_true", help="print one JSON object a picture")
    predict.set_defaults(command=_predict)

    export = commands.add_parser("export", help="print a run as a standalone PyTorch script")
    export.add_argument("link", nargs="?", default="", help="the run as a link writes it, like dropout=0.5&epochs=10")
    export.set_defaults(command=lambda options: print(script(Pair.from_query(options.link).a), end=""))

    teach = commands.add_parser("lessons", help="list the lessons, or try whether they show what they claim")
    teach.add_argument("slugs", nargs="*", metavar="LESSON", help="only these (all)")
    teach.add_argument("--check", action="store_true", help="train each pair and check every sentence")
    teach.add_argument("--seeds", type=int, choices=range(1, 101), default=10, metavar="N", help="tries each (10)")
    teach.set_defaults(command=_lessons)

    drawings_ = commands.add_parser("drawings", help="score a checkpoint on drawings made for development")
    drawings_.add_argument("checkpoint", type=Path, nargs="?", default=DEFAULT_CHECKPOINT)
    drawings_.add_argument("--json", action="store_true", help="print one JSON object")
    drawings_.add_argument("--count", type=int, choices=range(10, 2001), default=200, metavar="N", help=COUNT_HELP)
    drawings_.add_argument("--calibrate", action="store_true", help=CALIBRATE_HELP)
    drawings_.set_defaults(command=_drawings)

    archive = commands.add_parser("archive", help="rebuild the bundled MNIST archive from raw IDX files")
    archive.add_argument("folder", type=Path)
    archive.add_argument("--output", type=Path, default=data.ARCHIVE)
    archive.set_defaults(command=lambda options: data.build_archive(options.folder, options.output))
    return parser


def _train(options: argparse.Namespace) -> None:
    texts = {name.removeprefix("knob."): text for name, text in vars(options).items() if name.startswith("knob.")}
    experiment = Experiment.from_text({name: text for name, text in texts.items() if text is not None})
    if options.output and not options.output.parent.is_dir():  # before hours of training, not after
        raise InvalidExperiment(f"There is no folder {options.output.parent} to write {options.output.name} into.")
    if options.state and options.keep == "best":
        raise InvalidExperiment("A state file keeps the last weights only: add --keep last.")
    state, metrics, blob = asyncio.run(_run(experiment, options.keep, options.threads, options.state))
    checkpoint = checkpoints.unpack(blob)
    weights = checkpoint.model.state_dict()
    test = evaluation.evaluate_on_test(checkpoint, data.mnist_root())
    print(f"{state.status} at epoch {state.history[-1].epoch:g}; kept epoch {metrics.epoch:g}: {_scores_line(metrics)}")
    print(f"test accuracy {test.accuracy:.4f}   weights SHA-256 {weights_hash(weights)}")
    if options.output:
        scores = {"test_accuracy": test.accuracy, "test_loss": test.loss, **checkpoints.scores_of(metrics)}
        is_pth = options.output.suffix == ".pth"
        blob = checkpoints.to_pth(weights) if is_pth else checkpoints.pack(weights, experiment, scores)
        options.output.write_bytes(blob)
        print(f"wrote {options.output} ({len(blob):,} bytes)")


async def _run(
    experiment: Experiment, keep: str, threads: int, state_file: Path | None
) -> tuple[training.TrainState, Metrics, bytes]:
    """Trains to the end under a progress bar; the last state, and the kept point with its checkpoint."""
    start = _restored(state_file, experiment) or training.start(experiment)
    kept = [(start.history[-1], checkpoints.pack(start.evaluated_weights, experiment, {}))] if start.history else []
    state = checkpoints.state_to_bytes(start)
    with (
        InProcess() as engine,
        tqdm(total=schedule.total_steps(experiment), initial=start.step, unit="step", disable=None, leave=False) as bar,
    ):
        async for chunk in chunks(state, engine, data.mnist_root(), threads=threads):
            state = chunk.state
            bar.update(chunk.steps)
            for point, checkpoint in chunk.points:
                bar.write(f"epoch {point.epoch:7.2f}  {_scores_line(point)}")
                if keep == "last" or not kept or point.val_loss < kept[0][0].val_loss:
                    kept[:] = [(point, checkpoint)]
            if chunk.points and state_file:
                unfinished = state_file.with_name(f"{state_file.name}.part")
                unfinished.write_bytes(state)
                unfinished.replace(state_file)
    return (checkpoints.state_from_bytes(state), *kept[0])


def _restored(state_file: Path | None, experiment: Experiment) -> training.TrainState | None:
    """The run kept in a file; None where there is none yet. Raises InvalidCheckpoint for another experiment's."""
    if state_file is None or not state_file.exists():
        return None
    state = checkpoints.state_from_bytes(state_file.read_bytes())
    if state.experiment != experiment:
        raise InvalidCheckpoint(f"{state_file} holds another experiment's run: name another file, or remove it.")
    return state


def _scores_line(point: Metrics) -> str:
    return (
        f"train loss {point.train_loss:.4f} accuracy {point.train_accuracy:.4f}   "
        f"val loss {point.val_loss:.4f} accuracy {point.val_accuracy:.4f}"
    )


def _evaluate(options: argparse.Namespace) -> None:
    result = evaluation.evaluate_on_test(checkpoints.load(options.checkpoint), data.mnist_root())
    if options.json:
        print(json.dumps({"test_accuracy": result.accuracy, "test_loss": result.loss, "images": len(result.labels)}))
    else:
        print(f"test accuracy {result.accuracy:.4f}   test loss {result.loss:.4f}   ({len(result.labels):,} images)")


def _drawings(options: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    model = checkpoints.load(options.checkpoint)
    digits = data.load_training_data(data.mnist_root()).val
    with tqdm(unit="kind", disable=None, leave=False) as bar:

        def progress(kind: str) -> None:
            bar.set_postfix_str(kind)
            bar.update()

        if options.calibrate:
            model = drawings.calibrate(model, digits, options.count, progress)
        report = drawings.measure(model, digits, options.count, progress)
    if options.calibrate:
        scores = {**model.scores, **report.scores()}
        options.checkpoint.write_bytes(checkpoints.pack(model.model.state_dict(), model.experiment, scores))
    print(json.dumps(report.to_dict()) if options.json else "\n".join(drawings.lines(report)))


def _predict(options: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    checkpoint = checkpoints.load(options.checkpoint)
    failed = 0
    for path in options.pictures:
        try:
            prediction = recognize.recognize(_picture(path), checkpoint)
        except InvalidDrawing as error:
            if len(options.pictures) == 1:
                raise
            print(error, file=sys.stderr)
            failed += 1
            continue
        if options.json:
            answer = {
                "digit": prediction.digit,
                "confidence": round(prediction.confidence, 6),
                "probabilities": [round(float(p), 6) for p in prediction.probabilities],
                "refusal": prediction.refusal,
            }
            print(json.dumps(answer))
        else:
            print(f"{path}: {_answer_line(prediction)}")

    if failed:
        raise InvalidDrawing(f"{failed} of {len(options.pictures)} pictures could not be read.")


def _picture(path: Path) -> NDArray[np.uint8]:
    if not path.is_file():
        raise InvalidDrawing(f"There is no picture {path}.")
    try:
        return sketch.read_picture(path.read_bytes())
    except InvalidDrawing as error:
        raise InvalidDrawing(f"{path}: {error}") from error


def _answer_line(prediction: recognize.Prediction) -> str:
    if prediction.digit is None:
        return str(prediction.refusal)
    answer = f"{prediction.digit} ({prediction.confidence:.1%})"
    return f"{prediction.refusal} The closest is {answer}." if prediction.refusal else answer


def _lessons(options: argparse.Namespace) -> None:
    known = {lesson.slug: lesson for lesson in lessons()}
    for slug in options.slugs:
        if slug not in known:
            raise InvalidExperiment(f"There is no lesson {slug[:40]!r}; there are {', '.join(known)}.")
    chosen = [known[slug] for slug in options.slugs or known]
    if not options.check:
        for lesson in chosen:
            print(f"{lesson.slug:24s} {lesson.title} ({describe_changes(lesson.pair.a, lesson.pair.b)})")
        return
    verdicts = []
    with tqdm(total=checking.run_count(chosen, options.seeds), unit="run", disable=None, leave=False) as bar:
        for verdict in checking.check(chosen, options.seeds):
            if verdict is None:
                bar.update()
            else:
                bar.write(verdict.line())
                verdicts.append(verdict)
    failed = sum(not verdict.is_good for verdict in verdicts)
    if failed:
        subject = "does not hold" if failed == 1 else "do not hold"
        raise MnistLabError(f"{failed} of {len(verdicts)} sentences {subject} on nine seeds of ten.")
