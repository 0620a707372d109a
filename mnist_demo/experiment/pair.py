"""Two runs side by side, and the link that carries them."""

from typing import Self
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.config import Experiment, changed_fields, non_default, parse_text
from mnist_demo.experiment.knobs import to_text

MAX_LINK_LENGTH = 2_000  # characters


class Pair(BaseModel):
    """Two runs that differ, ideally in exactly one knob, trained side by side."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: Experiment
    b: Experiment

    def to_query(self) -> str:
        """The link's text: A's knobs that differ from the defaults, and B's that differ from A's."""
        a = {name: to_text(value) for name, value in non_default(self.a).items()}
        b = {f"b.{name}": to_text(new) for name, (_, new) in changed_fields(self.a, self.b).items()}
        return urlencode(a | b)

    @classmethod
    def from_query(cls, query: str) -> Self:
        """Reads what `to_query` wrote. Raises InvalidExperiment for anything else."""
        if len(query) > MAX_LINK_LENGTH:
            raise InvalidExperiment(f"The link is {len(query):,} characters long; {MAX_LINK_LENGTH:,} is the most.")
        items = parse_qsl(query, keep_blank_values=True)
        texts = dict(items)
        if len(texts) != len(items):
            raise InvalidExperiment("The link names a knob twice; name each once.")
        a = Experiment.from_text({k: v for k, v in texts.items() if not k.startswith("b.")})
        changes = {k[2:]: v for k, v in texts.items() if k.startswith("b.")}
        return cls(a=a, b=a.replace(**{k: parse_text(k, v) for k, v in changes.items()}))
