"""The types of the values a page sends, which handlers declare. Each refuses anything else with one sentence.

Knows the shape of values. Does not know whether they fit an experiment, a run or a network.
"""

from typing import Annotated

from annotated_types import Len
from pydantic import AllowInfNan, PlainValidator, Strict

from mnist_demo.errors import InvalidDrawing
from mnist_demo.images.sketch import Preprocessing
from mnist_demo.ui.components.canvas import Drawing, SentPicture, read_ink, read_sent_picture

Text = Annotated[str, Strict(), Len(max_length=10_000)]
Slugs = Annotated[list[Text], Len(max_length=200)]
Number = Annotated[float, Strict(), AllowInfNan(False)]
Place = Annotated[int, Strict()]


def checked_steps(names: object) -> frozenset[Preprocessing]:
    """The steps of the preprocessing to leave out. Raises InvalidDrawing unless it is a list of their names."""
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name in Preprocessing.__members__ for name in names
    ):
        raise InvalidDrawing("The steps to leave out must be a list of step names.")
    return frozenset(Preprocessing[name] for name in names)


Drawn = Annotated[Drawing, PlainValidator(read_ink)]
Pictured = Annotated[SentPicture, PlainValidator(read_sent_picture)]
Steps = Annotated[frozenset[Preprocessing], PlainValidator(checked_steps)]


def whole_number(value: float | None, low: int, high: int, default: int) -> int:
    """A number, rounded and moved into the bounds: people can type beyond a slider's ends. None: the default."""
    return default if value is None else round(min(max(value, low), high))
