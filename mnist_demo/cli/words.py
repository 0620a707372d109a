"""The words of the command line: its commands, the arguments of each, and the function that each runs."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from mnist_demo.cli.ask import drawings, evaluate, predict
from mnist_demo.cli.course import archive, export, hints, lessons, pens, serve
from mnist_demo.cli.train import train
from mnist_demo.experiment.config import knobs
from mnist_demo.experiment.knobs import to_text
from mnist_demo.images import bundle
from mnist_demo.images.pens import FOLDS
from mnist_demo.learning import checkpoints
from mnist_demo.learning.devices import Device

DEFAULT_CHECKPOINT = checkpoints.SHIPPED / "cnn.safetensors"
COUNT_HELP = "drawings of each condition and of each kind of non-digit (200)"
CALIBRATE_HELP = "first fit the checkpoint's temperature and least confidence on other drawings, and write them into it"
HINTS_HELP = "experiments, half of them healthy (300)"
FOLD_HELP = "a fifth of its writers, 1 to 5: train without them, or measure on them (those it has not learned from)"
DEVICE_HELP = "auto: a GPU if PyTorch finds one; weights are the same bit for bit only on one device and build (cpu)"
OWN_DIGITS = "own_digits"
OWN_DIGITS_HELP = "learn from half of your own digits, too: a file that the Draw tab saves, or sample for a sample hand"
STATE_HELP = "keep the run here as it grows, and go on from there if the file exists"


class _OneSentenceParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[:1].upper()}{message[1:]}; see `{self.prog} --help`.\n")


def program() -> str:
    """How the command line was called."""
    return "mnist-lab" if Path(sys.argv[0]).stem == "mnist-lab" else "python -m mnist_demo"


def parser() -> argparse.ArgumentParser:
    """All commands; the namespace it parses to has `command`, a function of that namespace."""
    every = _OneSentenceParser(prog=program(), description="Train, score and ask small MNIST networks.")
    commands = every.add_subparsers(required=True, metavar="COMMAND", parser_class=_OneSentenceParser)

    page = commands.add_parser("serve", help="serve the page until it is stopped")
    page.add_argument("--port", type=int, choices=range(1, 65536), metavar="N", help="GRADIO_SERVER_PORT, else 7860")
    page.set_defaults(command=serve)

    _add_train(commands.add_parser("train", help="train one network and keep it", allow_abbrev=False))

    score = commands.add_parser("evaluate", help="score a checkpoint on the test images")
    score.add_argument("checkpoint", type=Path)
    _add_device(score)
    score.set_defaults(command=evaluate)

    read = commands.add_parser("predict", help="read the digit in picture files")
    read.add_argument("pictures", type=Path, nargs="+", metavar="IMAGE")
    read.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FILE", help="(the shipped CNN)")
    _add_device(read)
    read.set_defaults(command=predict)

    draw = commands.add_parser("drawings", help="score a checkpoint on drawings made for development")
    draw.add_argument("checkpoint", type=Path, nargs="?", default=DEFAULT_CHECKPOINT, help="(the shipped CNN)")
    draw.add_argument("--count", type=int, choices=range(10, 2001), default=200, metavar="N", help=COUNT_HELP)
    draw.add_argument("--calibrate", action="store_true", help=CALIBRATE_HELP)
    _add_pens(draw, "draw real pen strokes instead of imitated ones: a file that the command pens makes")
    draw.set_defaults(command=drawings)

    teach = commands.add_parser("lessons", help="list the lessons, or try whether they show what they say")
    teach.add_argument("slugs", nargs="*", metavar="LESSON", help="only these (all)")
    teach.add_argument("--check", action="store_true", help="train each pair and check every sentence")
    teach.add_argument("--seeds", type=int, choices=range(1, 101), default=10, metavar="N", help="tries each (10)")
    teach.set_defaults(command=lessons)

    advise = commands.add_parser("hints", help="try whether the hints are right, on experiments of known cause")
    advise.add_argument("--check", action="store_true", required=True, help="train, name causes, try what is advised")
    advise.add_argument("--count", type=int, choices=range(30, 3001), default=300, metavar="N", help=HINTS_HELP)
    advise.set_defaults(command=hints)

    for command in commands.choices.values():
        if command is not page:
            command.add_argument("--json", action="store_true", help="print JSON, one object a line")

    plain = commands.add_parser("export", help="print a run as a standalone PyTorch script")
    plain.add_argument("link", nargs="?", default="", help="the run as a link writes it, like dropout=0.5&epochs=10")
    plain.set_defaults(command=export)

    written = commands.add_parser("pens", help="make the file of real pen strokes from UNIPEN's published folder")
    written.add_argument("folder", type=Path, help="train_r01_v07 of doi 10.5281/zenodo.1195803: has data and include")
    written.add_argument("--output", type=Path, default=Path("pens.npz"), metavar="FILE", help="(pens.npz)")
    written.set_defaults(command=pens)

    pack = commands.add_parser("archive", help="rebuild the bundled MNIST archive from raw IDX files")
    pack.add_argument("folder", type=Path, help="where the four files lie, each as it is or as .gz")
    pack.add_argument("--output", type=Path, default=bundle.ARCHIVE, metavar="FILE", help="(the bundled archive)")
    pack.set_defaults(command=archive)
    return every


def _add_train(parser: argparse.ArgumentParser) -> None:
    for knob in knobs().values():
        if knob.name == OWN_DIGITS:
            continue  # a file stands for them here
        flag = f"--{knob.name.replace('_', '-')}"
        note = f"{knob.help} {knob.accepts}; default {to_text(knob.default)}.".replace("%", "%%")
        parser.add_argument(flag, dest=f"knob.{knob.name}", metavar="VALUE", help=note)
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the checkpoint (.safetensors or .pth) here")
    parser.add_argument("--keep", choices=["best", "last"], default="best", help="which weights to write (best)")
    parser.add_argument("--state", type=Path, metavar="FILE", help=STATE_HELP)
    parser.add_argument(
        "--test", action="store_true", help="score it on the test images at the end; each use is counted"
    )
    parser.add_argument("--threads", type=int, choices=range(1, 65), default=1, metavar="N", help="torch threads (1)")
    _add_device(parser)
    parser.add_argument("--own-digits", type=Path, metavar="FILE", help=OWN_DIGITS_HELP)
    _add_pens(parser, "learn from real pen strokes, too: a file that the command pens makes")
    parser.set_defaults(command=train, program=program())


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=list(map(str, Device)), default="cpu", help=DEVICE_HELP)


def _add_pens(parser: argparse.ArgumentParser, note: str) -> None:
    parser.add_argument("--pens", type=Path, metavar="FILE", help=note)
    parser.add_argument("--fold", type=int, choices=range(1, FOLDS + 1), metavar="N", help=FOLD_HELP)
