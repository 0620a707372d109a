"""The command that trains a network and saves it. If it is interrupted, it saves what it has learned so far."""

import argparse
import asyncio
import contextlib
import itertools
import json
import shlex
import signal
import sys
from pathlib import Path

from mnist_demo.cli.ask import asked_sentence
from mnist_demo.cli.progress import progress
from mnist_demo.cluster.engine import InProcess
from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.config import Experiment, non_default
from mnist_demo.experiment.history import Metrics, best_index
from mnist_demo.experiment.knobs import NO_OWN_DIGITS, SAMPLE_HAND, to_text
from mnist_demo.images import data, pens
from mnist_demo.images.own_digits import OwnDigits, read_file
from mnist_demo.inference import evaluation
from mnist_demo.learning import checkpoints, devices, schedule, training
from mnist_demo.learning.chunks import Chunks
from mnist_demo.learning.networks import weights_hash
from mnist_demo.learning.state_file import ClaimedFile, Training, read_training


def train(options: argparse.Namespace) -> None:
    """Trains to the end, or until Ctrl-C. Then it saves all, and raises KeyboardInterrupt with the line to go on."""
    texts = {name.removeprefix("knob."): text for name, text in vars(options).items() if name.startswith("knob.")}
    experiment = Experiment.from_text({name: text for name, text in texts.items() if text is not None})
    device = devices.find(options.device)
    own = _own_digits(options.own_digits)
    experiment = experiment.replace(own_digits=own.digest if own else str(options.own_digits or NO_OWN_DIGITS))
    with contextlib.ExitStack() as claims:  # checked before hours of training, not after
        output = claims.enter_context(ClaimedFile(options.output)) if options.output else None
        state_file = claims.enter_context(ClaimedFile(options.state)) if options.state else None
        kept = read_training(options.state, experiment) if options.state else None
        kept = kept or Training(checkpoints.state_to_bytes(training.start(experiment, _extra_sha256(options))))
        own_bytes = own.to_bytes() if own else b""
        kept = asyncio.run(_run(kept, experiment, options, device, state_file, own_bytes))
        state = checkpoints.state_from_bytes(kept.state)
        if state.is_running:
            state_file = state_file or claims.enter_context(ClaimedFile(_free_place(options.output)))
            state_file.write(kept.to_bytes())
            if output:
                weights, point = _chosen(kept, state, options.keep)
                _write(output, weights, experiment, point, **_held_out(options))
            raise KeyboardInterrupt(_how_to_go_on(state, options, state_file.path))
        _finish(kept, state, output, options, device)


async def _run(
    kept: Training,
    experiment: Experiment,
    options: argparse.Namespace,
    device: str,
    state_file: ClaimedFile | None,
    own: bytes,
) -> Training:
    """Trains to the end or to the chunk at which it is interrupted, and keeps each point on the way."""
    is_interrupted = asyncio.Event()
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, is_interrupted.set)
    start = checkpoints.state_from_bytes(kept.state)
    lowest = min((point.val_loss for point in start.history), default=None)
    with InProcess() as engine, progress("step", schedule.total_steps(experiment), start.step) as bar:
        async for chunk in Chunks(
            kept.state,
            engine,
            data.mnist_root(),
            threads=options.threads,
            written=_written(options),
            device=device,
            own=own,
        ):
            bar.update(chunk.steps)
            best = kept.best
            for point, checkpoint in chunk.points:
                line = f"epoch {point.epoch:7.2f}  {_scores_line(point)}"
                bar.write(line, sys.stderr if options.json else sys.stdout)
                if lowest is None or point.val_loss < lowest:
                    lowest, best = point.val_loss, checkpoint
            kept = Training(chunk.state, best)
            if chunk.points and state_file:
                state_file.write(kept.to_bytes())
            if is_interrupted.is_set():
                break
    return kept


def _own_digits(path: Path | None) -> OwnDigits | None:
    """Of a file of own digits, those to learn from; None without a file. Raises InvalidDrawing."""
    return read_file(path.read_bytes()).parted()[0] if path and str(path) != SAMPLE_HAND else None


def _written(options: argparse.Namespace) -> pens.PenDigits | None:
    """The real digits to learn from besides MNIST's."""
    if options.fold and not options.pens:
        raise InvalidExperiment("A fold is one of the writers of a file: name it with --pens.")
    return pens.PenDigits(options.pens, options.fold) if options.pens else None


def _extra_sha256(options: argparse.Namespace) -> str:
    """The SHA-256 that identifies these digits for a run. They are drawn here, before the first chunk."""
    written = _written(options)
    everything = data.load_training_data(data.mnist_root())
    return pens.with_pens(everything, written).extra_sha256 if written else ""


def _held_out(options: argparse.Namespace) -> dict[str, float]:
    """The note in the checkpoint about the writers it has not learned from."""
    return {checkpoints.HELD_OUT_FOLD: options.fold} if options.fold else {}


def _chosen(kept: Training, state: training.TrainState, keep: str) -> tuple[training.Weights, Metrics | None]:
    """The weights to write, and the point at which they were measured, if they were."""
    best = best_index(state.history)
    if keep == "best" and best is not None and kept.best:
        return checkpoints.unpack(kept.best).model.state_dict(), state.history[best]
    last = state.history[-1] if state.history else None
    return state.evaluated_weights, last if last and last.step == state.step else None


def _write(
    file: ClaimedFile, weights: training.Weights, experiment: Experiment, point: Metrics | None, **scores: float
) -> None:
    """Writes a checkpoint in the format that the file's name asks for."""
    scores |= checkpoints.scores_of(point) if point else {}
    write = checkpoints.to_pth if file.path.suffix.lower() in checkpoints.PTH_ENDINGS else checkpoints.pack
    file.write(write(weights, experiment, scores))


def _finish(
    kept: Training, state: training.TrainState, output: ClaimedFile | None, options: argparse.Namespace, device: str
) -> None:
    """Writes the chosen weights, measures them on the test images if asked to, and prints the result."""
    weights, point = _chosen(kept, state, options.keep)
    assert point, "a finished training was measured at its end"
    if output:  # now, in case the test is interrupted
        _write(output, weights, state.experiment, point, **_held_out(options))
    scores: dict[str, float] = {}
    test_line = ""
    if options.test:
        checkpoint = checkpoints.Checkpoint(checkpoints.fit(weights, state.experiment), state.experiment, {})
        test = evaluation.evaluate_on_test(checkpoint, data.mnist_root())
        scores = {"test_accuracy": test.accuracy, "test_loss": test.loss}
        test_line = f"test accuracy {test.accuracy:.4f}   {asked_sentence(test)}".rstrip() + "\n"
        if output:
            _write(output, weights, state.experiment, point, **scores, **_held_out(options))
    ended, digest = state.history[-1].epoch, weights_hash(weights)
    if options.json:
        told = {
            "status": state.status,
            "ended_epoch": ended,
            "device": device,
            **checkpoints.scores_of(point),
            **scores,
        }
        print(json.dumps({**told, "weights_sha256": digest, "file": str(output.path) if output else None}))
        return
    print(f"{state.status} at epoch {ended:g}; kept epoch {point.epoch:g}: {_scores_line(point)}")
    print(f"{test_line}weights SHA-256 {digest} (trained on {device})")
    if output:
        print(f"wrote {output.path} ({output.path.stat().st_size:,} bytes)")


def _free_place(output: Path | None) -> Path:
    """Where to save a state if no file was named: beside the output, never over another file."""
    wanted = output.with_suffix(".state") if output else Path("mnist-lab.state")
    places = (wanted.with_stem(f"{wanted.stem}-{number}") for number in itertools.count(2))
    return wanted if not wanted.exists() else next(place for place in places if not place.exists())


def _how_to_go_on(state: training.TrainState, options: argparse.Namespace, state_file: Path) -> str:
    """Where the training is, and the command that continues it."""
    words = ["train"]
    for name, value in non_default(state.experiment).items():
        words += [f"--{name.replace('_', '-')}", str(options.own_digits) if name == "own_digits" else to_text(value)]
    for name, default in (
        ("output", None),
        ("keep", "best"),
        ("threads", 1),
        ("device", "cpu"),
        ("pens", None),
        ("fold", None),
    ):
        if getattr(options, name) != default:
            words += [f"--{name}", str(getattr(options, name))]
    words += [f"--{name}" for name in ("test", "json") if getattr(options, name)]
    line = shlex.join([*words, "--state", str(state_file)])
    total = schedule.total_steps(state.experiment)
    return f"Stopped at step {state.step:,} of {total:,}; nothing is lost. Go on with\n  {options.program} {line}"


def _scores_line(point: Metrics) -> str:
    return (
        f"train loss {point.train_loss:.4f} accuracy {point.train_accuracy:.4f}   "
        f"val loss {point.val_loss:.4f} accuracy {point.val_accuracy:.4f}"
    )
