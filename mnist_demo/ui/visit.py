"""What every part of the page uses, and the one way in which a handler is called.

`Lab.on` connects an event with a handler. It finds the visitor's record, checks the values sent against the types
that the handler declares, and shows an error as one sentence on the page. A handler returns `{component: value}`.
"""

import asyncio
import functools
import inspect
import re
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import gradio as gr
from pydantic import TypeAdapter, ValidationError

from mnist_demo.basics.glossary import explained
from mnist_demo.cluster.engine import Engine
from mnist_demo.errors import InvalidValue, MnistLabError
from mnist_demo.experiment.knobs import shown
from mnist_demo.serving.driver import Driver
from mnist_demo.serving.visitors import Visitors

Result = TypeVar("Result")
Shown = dict[Any, Any]  # component -> what it shows now
# For handlers that answer at once: not queued behind trainings, not in the API listing. Nothing shows their progress:
# else Gradio's page would walk through every output that any handler has had, at each call (80 of 200 ms, 2026-11-27).
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}


@dataclass(frozen=True)
class Lab:
    """The server's side of every visit."""

    visitors: Visitors
    cluster: Engine
    root: Path  # where torchvision finds MNIST
    driver: Driver = field(init=False)
    # Drawings have two threads of their own, so they never wait for a figure or for the strip of a training. torch
    # answers in a millisecond, and more threads would slow each other down. Longer work waits for a semaphore, so it
    # does not fill the shared threads.
    _readers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "mnist-drawing"))
    strips: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "mnist-strip"))
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    def __post_init__(self) -> None:
        object.__setattr__(self, "driver", Driver(self.visitors.store, self.cluster, self.root))

    async def read_drawing(self, ask: Callable[..., Result], *values: Any) -> Result:
        """Runs a function that answers a drawing in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, functools.partial(ask, *values))

    async def take_time(self, work: Callable[..., Result], *values: Any) -> Result:
        """Runs a function that may take a second (a figure, a replay) in a thread. Two at a time."""
        async with self._gate:
            return await asyncio.to_thread(work, *values)

    def on(
        self,
        triggers: Any,
        handler: Callable[..., Any],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        *,
        tell: gr.HTML | None = None,
        **options: Any,
    ) -> Any:
        """Calls the handler at an event (or several); the event, to follow up with `then`.

        `tell` shows the sentence of an error, and is emptied where there is none. Without `tell` the page shows a
        notice. Progress is shown on `tell`, too, if the options ask for it. Gradio's own checks of the values are off:
        the handler's types say what is allowed.
        """
        settings = {**QUICK, "preprocess": False, **options}
        settings["show_progress_on"] = tell if "show_progress" in options else []
        shown_on = [*outputs, *([tell] if tell else [])]
        bind = self.bind(handler, tell, has_outputs=bool(shown_on))
        attach = functools.partial(gr.on, triggers) if isinstance(triggers, list) else triggers
        return attach(bind, list(inputs), shown_on, **settings)

    def bind(
        self, handler: Callable[..., Any], tell: gr.HTML | None = None, *, has_outputs: bool = True
    ) -> Callable[..., Any]:
        """The handler as Gradio calls it. Its first parameter is the Visitor; a gr.SelectData follows if it wants one.

        Gradio gives a request and an event only to named parameters that stand before all values. If one followed
        `*values`, the call would fail with an empty HTTP 500.
        """
        parameters = _parameters(handler)
        wants_event = any(kind is gr.SelectData for _, kind in parameters)

        def arguments(request: gr.Request | None, values: Sequence[Any]) -> list[Any]:
            visitor = self.visitors.of(visitor_id(request))
            return [visitor, *_checked(parameters, values)]

        def told(error: MnistLabError) -> Shown:
            if tell is None or isinstance(error, InvalidValue):
                raise error  # a visitor gets a notice of it, a program 422
            return {tell: error_html(error)}

        def finished(result: Shown | None) -> Any:
            page = {**({tell: ""} if tell else {}), **(result or {})}
            return page or (gr.skip() if has_outputs else None)

        async def stream(request: gr.Request, *values: Any) -> AsyncIterator[Any]:
            try:
                async for page in handler(*arguments(request, values)):
                    yield finished(page)
            except MnistLabError as error:
                yield told(error)

        async def answer(request: gr.Request, *values: Any) -> Any:
            try:
                return finished(await handler(*arguments(request, values)))
            except MnistLabError as error:
                return told(error)

        def answer_in_thread(request: gr.Request, *values: Any) -> Any:
            try:
                return finished(handler(*arguments(request, values)))
            except MnistLabError as error:
                return told(error)

        is_stream, is_async = inspect.isasyncgenfunction(handler), inspect.iscoroutinefunction(handler)
        return _declared(stream if is_stream else answer if is_async else answer_in_thread, handler, wants_event)


def visitor_id(request: gr.Request | None) -> str:
    """Who is asking: the session's random id; empty for a caller without one."""
    return str(request.session_hash) if request and request.session_hash else ""


def _parameters(handler: Callable[..., Any]) -> list[tuple[inspect.Parameter, Any]]:
    """A handler's parameters after the visitor, with their declared types."""
    hints = get_type_hints(handler, include_extras=True)
    found = list(inspect.signature(handler).parameters.values())[1:]
    return [(each, hints[each.name]) for each in found if each.default is inspect.Parameter.empty]


def _checked(parameters: Sequence[tuple[inspect.Parameter, Any]], values: Sequence[Any]) -> list[Any]:
    """The values, converted to their types. Raises InvalidValue, or the type's own error."""
    checked: list[Any] = []
    for place, (parameter, kind) in enumerate(parameters):
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            return [*checked, *values[place:]]
        if place >= len(values):
            raise InvalidValue("A value is missing: reload the page and try again.")
        checked.append(values[place] if kind is gr.SelectData else read(kind, values[place]))
    return checked


def read(kind: Any, value: Any) -> Any:
    """A sent value, converted to that type. Raises InvalidValue, or the type's own error."""
    try:
        return _adapter(kind).validate_python(value)
    except (ValidationError, OverflowError) as error:
        raise InvalidValue(
            f"The page sent {shown(value)}, which is not valid here: reload the page and try again."
        ) from error


@functools.cache  # a new one takes longer than what it then checks
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _declared(call: Callable[..., Any], handler: Callable[..., Any], wants_event: bool) -> Callable[..., Any]:
    """The call under the handler's name. A declared event follows the request and comes before the values."""
    call.__name__ = handler.__name__
    if wants_event:
        kinds = [("request", gr.Request), ("event", gr.SelectData)]
        named = [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind) for name, kind in kinds
        ]
        rest = inspect.Parameter("values", inspect.Parameter.VAR_POSITIONAL)
        call.__signature__ = inspect.Signature([*named, rest])  # type: ignore[attr-defined]
        call.__annotations__ = dict(kinds)
    return call


def prose_html(text: str) -> str:
    """Paragraphs of text in which **this** is bold, `this` is code, and words explain themselves."""
    marked = re.sub(r"`(.+?)`", r"<code>\1</code>", re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text)))
    return explained("".join(f"<p>{each}</p>" for each in marked.split("\n\n")))


def note_html(text: str) -> str:
    """A quiet line of plain text."""
    return f'<p class="mnist-note">{escape(text)}</p>' if text else ""


def table_html(head: Sequence[str], rows: Sequence[str], kind: str = "") -> str:
    """A table of numbers that scrolls sideways where it is too wide; rows are HTML, `kind` one more CSS class."""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    table = f"<thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="mnist-wide"><table class="mnist-numbers {kind}">{table}</table></div>'


def error_html(error: Exception) -> str:
    """An error's sentence, announced by screen readers."""
    return f'<p class="mnist-error" role="alert">{escape(str(error))}</p>'
