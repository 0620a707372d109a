"""The commands that ask a finished network: for its scores, for a picture, for drawings of every condition."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mnist_demo.cli.progress import progress
from mnist_demo.errors import InvalidDrawing
from mnist_demo.images import data, penmanship, pens
from mnist_demo.images.pictures import read_picture
from mnist_demo.inference import drawings as drawn
from mnist_demo.inference import evaluation, recognize
from mnist_demo.inference.evaluation import Evaluation
from mnist_demo.learning import checkpoints, devices
from mnist_demo.learning.state_file import ClaimedFile
from mnist_demo.serving import uploads


def evaluate(options: argparse.Namespace) -> None:
    """Prints the loss and the accuracy on the test images."""
    result = evaluation.evaluate_on_test(_network(options), data.mnist_root())
    if options.json:
        told = {"test_accuracy": result.accuracy, "test_loss": result.loss, "images": len(result.labels)}
        print(json.dumps({**told, "networks_asked": result.asked}))
    else:
        print(f"test accuracy {result.accuracy:.4f}   test loss {result.loss:.4f}   ({len(result.labels):,} images)")
        print(asked_sentence(result), end="")


def _network(options: argparse.Namespace) -> checkpoints.Checkpoint:
    """The checkpoint that is asked for, its network on the device that is asked for."""
    device = devices.find(options.device)
    checkpoint = uploads.load(options.checkpoint, data.mnist_root())
    checkpoint.model.to(device)
    return checkpoint


def asked_sentence(result: Evaluation) -> str:
    """How often the test images have been used, as a line; empty if that cannot be counted."""
    if result.asked is None:
        return ""
    return f"networks asked about the test images on this machine so far: {result.asked:,}\n"


def predict(options: argparse.Namespace) -> None:
    """Prints the digit in each picture. If one cannot be read, it says so and goes on with the others."""
    torch.set_num_threads(1)
    checkpoint = _network(options)
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
                "file": str(path),
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
        return read_picture(path.read_bytes())
    except InvalidDrawing as error:
        raise InvalidDrawing(f"{path}: {error}") from error


def _answer_line(prediction: recognize.Prediction) -> str:
    if prediction.digit is None:
        return str(prediction.refusal)
    answer = f"{prediction.digit} ({prediction.confidence:.1%})"
    return f"{prediction.refusal} The closest is {answer}." if prediction.refusal else answer


def drawings(options: argparse.Namespace) -> None:
    """Prints how well drawings are read, condition by condition; calibrates the checkpoint first if that is asked."""
    torch.set_num_threads(1)
    model = checkpoints.load(options.checkpoint)
    table = _table(options, model)
    with progress("kind") as bar:

        def tell(kind: str) -> None:
            bar.set_postfix_str(kind)
            bar.update()

        if options.calibrate:
            with ClaimedFile(options.checkpoint) as file:  # checked before minutes of measuring, not after
                model = drawn.calibrate(model, table, tell)
                report = drawn.measure(model, table, tell)
                scores = {**model.scores, **report.scores()}
                file.write(checkpoints.pack(model.model.state_dict(), model.experiment, scores))
        else:
            report = drawn.measure(model, table, tell)
    print(json.dumps(report.to_dict()) if options.json else "\n".join(drawn.lines(report)))


def _table(options: argparse.Namespace, model: checkpoints.Checkpoint) -> drawn.Table:
    """What a network is to be measured on: imitated handwriting, or real digits.

    The digits of the named fold; else of the writers the network has not learned from; else of all writers.
    """
    digits = data.load_validation_data(data.mnist_root())
    if not options.pens:
        return drawn.Table(penmanship.Traced(digits), penmanship.CONDITIONS, options.count, digits)
    written = pens.load(options.pens)
    if fold := options.fold or int(model.scores.get(checkpoints.HELD_OUT_FOLD, 0)):
        _, written = written.fold(fold)
    if not options.json:
        print(f"real strokes by {len(set(written.writers.tolist()))} writers")
    return drawn.Table(written, pens.PEN_CONDITIONS, options.count, digits)
