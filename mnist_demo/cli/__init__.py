"""The command line: `mnist-lab COMMAND` where the package is installed, `python -m mnist_demo COMMAND` anywhere.

Sets the exit status. 0: done; 1: the work failed; 2: the arguments were wrong; 130: stopped by Ctrl-C.
Every error is one sentence.
"""

import sys
from collections.abc import Sequence

from mnist_demo.cli.words import parser
from mnist_demo.errors import InvalidExperiment, MnistLabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    try:
        options = parser().parse_args(arguments)
        options.command(options)
    except InvalidExperiment as error:
        return _told(error, 2)
    except MnistLabError as error:
        return _told(error, 1)
    except BrokenPipeError:  # the reader has stopped, as in `mnist-lab lessons | head`
        sys.stderr.close()
        return 1
    except OSError as error:
        return _told(f"{error.filename or 'A file'} cannot be used: {error.strerror}.", 1)
    except KeyboardInterrupt as stop:
        return _told(str(stop) or "Stopped.", 130)
    return 0


def _told(sentence: object, status: int) -> int:
    print(sentence, file=sys.stderr)
    return status
