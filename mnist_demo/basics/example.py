"""What an example is: a short function, the controls it takes and the mistakes it lets a learner make.

`Example.read` checks every value a visitor sends. The module runs functions and catches what PyTorch raises in them.
Does not know what they draw or the page that shows them.
"""

import inspect
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mnist_demo.basics.controls import Control, Value, refusal
from mnist_demo.experiment.config import Experiment
from mnist_demo.export import cut

Show = Callable[..., None]
Render = Callable[..., str]
ANSI_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class ErrorLesson:
    """A pattern of the message that PyTorch raises for a common error, and what that error teaches."""

    message: str
    lesson: str


@dataclass(frozen=True)
class Raised:
    """An error raised inside an example: its type, PyTorch's own words, our sentence, the line of the body."""

    kind: str
    message: str
    lesson: str
    line: int | None


@dataclass(frozen=True)
class Outcome:
    """What one run of an example gave: HTML blocks in order, the error that ended it, and its time."""

    blocks: tuple[str, ...]
    raised: Raised | None
    elapsed_seconds: float


@dataclass(frozen=True)
class Example:
    """One example: `function(show, **controls, **uses)`; its docstring is the teaching text.

    `said` quotes what the notes get wrong, and `today` gives the right form. Both are empty if the notes are right.
    `uses` names what earlier examples made (`root`, `trainset`), `needs` packages beyond torch and torchvision.
    `is_measured` marks outputs that hold times. `panes` are the comments at which the code is cut into columns, `parts`
    the fragments of lines that do the same thing in each. `knobs` maps values to the Experiment that trains them;
    `program` names functions of that experiment's plain program which the function takes as arguments.
    """

    name: str
    title: str
    function: Callable[..., None]
    teaching: str
    controls: tuple[Control, ...] = ()
    said: str = ""
    today: str = ""
    mistakes: tuple[ErrorLesson, ...] = ()
    uses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    is_measured: bool = False
    knobs: Callable[[Mapping[str, Value]], dict[str, object]] | None = None
    program: tuple[str, ...] = ()
    panes: tuple[str, ...] = ()
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, Value]:
        """The default of every control, checked like a visitor's values."""
        return {control.name: control.read(control.default) for control in self.controls}

    def read(self, values: object) -> dict[str, Value]:
        """Validated values of every control. Everything a visitor sends is checked here.

        Missing values take their default. Raises InvalidExperiment for an unknown name or a bad value.
        """
        if values is None:
            values = {}
        if not isinstance(values, Mapping):
            raise refusal("The list of values", values, "one value for each control")
        by_name = {control.name: control for control in self.controls}
        for name in values:
            if name not in by_name:
                raise refusal("A control", name, "one of " + ", ".join(by_name) if by_name else "none")
        return self.defaults | {name: by_name[name].read(values[name]) for name in values}

    def run(self, values: Mapping[str, Value], uses: Mapping[str, object], render: Render) -> Outcome:
        """Run the function with validated `values`; an error of PyTorch ends the run and is part of its outcome."""
        blocks: list[str] = []

        def show(*things: object) -> None:
            blocks.append(render(*things))

        raised = None
        started = time.perf_counter()
        given = {name: uses[name] for name in self.uses} | self._functions(values, show)
        try:
            self.function(show, **values, **given)
        except Exception as error:
            raised = self.explain(error)
        return Outcome(tuple(blocks), raised, time.perf_counter() - started)

    def functions_text(self, values: Mapping[str, Value]) -> str:
        """The functions that the example takes from the plain program, and those that they call."""
        if not self.program or self.knobs is None:
            return ""
        parts = cut.parts(Experiment.from_dict(self.knobs(values)))
        return "\n\n\n".join(part.text for part in parts if part.is_function)

    def _functions(self, values: Mapping[str, Value], show: Show) -> dict[str, object]:
        """Those functions, made from the text that is shown; what they print is shown."""
        text = self.functions_text(values)
        names: dict[str, object] = {"print": show}
        exec("\n".join([*cut.imports(text), text]) if text else "", names)
        return {name: names[name] for name in self.program}

    def explain(self, error: Exception) -> Raised:
        """PyTorch's message with our sentence for it, and the line of the function that raised."""
        message = ANSI_COLOUR.sub("", str(error))
        lessons = [m.lesson for m in self.mistakes if re.search(m.message, message)]
        return Raised(
            kind=type(error).__name__,
            message=message,
            lesson=lessons[0] if lessons else "",
            line=line_of(error, self.function),
        )


def line_of(error: Exception, function: Callable[..., None]) -> int | None:
    """The line, in its file, of the innermost frame that lies inside `function`'s source."""
    source, first = inspect.getsourcelines(function)
    path = inspect.getsourcefile(function)
    found = None
    trace = error.__traceback__
    while trace is not None:
        inside = first <= trace.tb_lineno < first + len(source)
        if trace.tb_frame.f_code.co_filename == path and inside:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


@dataclass(frozen=True)
class Chapter:
    """A titled sequence of examples."""

    title: str
    examples: tuple[Example, ...]


def example(
    title: str,
    *controls: Control,
    said: str = "",
    today: str = "",
    mistakes: Sequence[ErrorLesson] = (),
    uses: Sequence[str] = (),
    needs: Sequence[str] = (),
    is_measured: bool = False,
    knobs: Callable[[Mapping[str, Value]], dict[str, object]] | None = None,
    program: Sequence[str] = (),
    panes: Sequence[str] = (),
    parts: Mapping[str, tuple[str, ...]] | None = None,
) -> Callable[[Callable[..., None]], Example]:
    """Make an Example of the function below: its name and docstring become the example's."""

    def decorate(function: Callable[..., None]) -> Example:
        return Example(
            name=function.__name__,
            title=title,
            function=function,
            teaching=" ".join(inspect.cleandoc(function.__doc__ or "").split()),
            controls=controls,
            said=said,
            today=today,
            mistakes=tuple(mistakes),
            uses=tuple(uses),
            needs=tuple(needs),
            is_measured=is_measured,
            knobs=knobs,
            program=tuple(program),
            panes=tuple(panes),
            parts=parts or {},
        )

    return decorate
