"""Every error the engine raises on purpose, as one tree. The engine raises; `ui/` and `cli/` catch.

    MnistLabError                a message for a person: what is wrong, the bad value, what to do
    ├── InvalidValue             what a page or a program sent is not what was asked for
    ├── InvalidExperiment        a knob that does not exist, is out of bounds or does not parse
    ├── DataError                the bundled MNIST archive is missing or not what it should be
    ├── InvalidDrawing           a picture that cannot be read as a drawing
    ├── InvalidCheckpoint        a file that is not a checkpoint of ours, or does not fit the network
    ├── CannotStart              the app cannot be served: a port that is taken, a setting that is none
    ├── NoSuchDevice             a GPU that PyTorch does not find on this machine
    └── RunError                 a run that cannot be started, continued or found
        ├── UnknownRun           no run of this visitor has that id, or it has expired
        └── EngineUnavailable    the training workers cannot be reached or gave up on a task
            └── TookTooLong      a task was stopped at its deadline

A loss of NaN is not an error: it is a result ("diverged"), and is shown as one.
"""


class MnistLabError(Exception):
    """Base of the tree. `str(error)` is one sentence that can be shown to a visitor as it is."""


class InvalidValue(MnistLabError):
    """What a page or a program sent is not what was asked for."""


class InvalidExperiment(MnistLabError):
    """A knob that does not exist, is out of bounds or does not parse."""


class DataError(MnistLabError):
    """The bundled MNIST archive is missing or is not what it should be."""


class InvalidDrawing(MnistLabError):
    """A picture that cannot be read as a drawing."""


class InvalidCheckpoint(MnistLabError):
    """A file that is not a checkpoint of ours, or does not fit the network."""


class CannotStart(MnistLabError):
    """The app cannot be served: a port that is taken, a setting that is none."""


class NoSuchDevice(MnistLabError):
    """A GPU that PyTorch does not find on this machine."""


class RunError(MnistLabError):
    """A run that cannot be started, continued or found."""


class UnknownRun(RunError):
    """No run of this visitor has that id, or it has expired."""


class EngineUnavailable(RunError):
    """The training workers cannot be reached, or gave up on a task."""


class TookTooLong(EngineUnavailable):
    """A task was stopped at its deadline."""
