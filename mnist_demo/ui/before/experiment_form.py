"""The knobs of run A as a form, and run B as "A, except for this".

Built from `config.knobs()`, so a new knob appears here by itself. Knows components and values. Does not know whether
the values make an experiment: `Experiment` checks that.
"""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from mnist_demo.errors import InvalidExperiment
from mnist_demo.experiment.config import Experiment, changed_fields, knobs, parse_text
from mnist_demo.experiment.differences import value_words
from mnist_demo.experiment.knobs import Knob, to_text
from mnist_demo.experiment.pair import Pair
from mnist_demo.serving.visitors import Visitor
from mnist_demo.ui.values import Text
from mnist_demo.ui.visit import Lab, Shown

FRONT = ("network", "hidden_sizes", "activation", "dropout", "optimizer", "learning_rate", "train_size", "epochs")
NOTHING = "nothing"
INPUTS = (gr.Dropdown, gr.Slider)
SLIDER_STEP = 0.05
B_ROWS = 2  # a fair comparison changes one knob; the second row is for networks that also need another optimizer

TYPED_CLASS = "mnist-typed"  # for a list in which other values can be typed


class ExperimentForm:
    """The form's components, in one order for reading (`inputs`) and writing (`updates`)."""

    def __init__(self, pair: Pair) -> None:
        declared = knobs()
        self.a: dict[str, gr.components.Component] = {}
        with gr.Group(elem_classes="mnist-form"):
            gr.HTML('<h2 class="mnist-form-title">Run A</h2>', padding=False)
            for left, right in zip(FRONT[::2], FRONT[1::2], strict=True):
                self._a_row(pair, declared[left], declared[right])
            with gr.Accordion("More knobs", open=False):
                rest = [knob for name, knob in declared.items() if name not in FRONT]
                for index in range(0, len(rest), 2):
                    self._a_row(pair, *rest[index : index + 2])
        with gr.Group(elem_classes="mnist-form mnist-form-b") as self.of_b:
            gr.HTML('<h2 class="mnist-form-title">Run B is run A, except for</h2>', padding=False)
            changes = list(changed_fields(pair.a, pair.b).items())
            self.b = [self._b_row(index, changes[index : index + 1]) for index in range(B_ROWS)]
        self.a = {name: self.a[name] for name in declared}

    def connect(self, lab: Lab) -> list[Any]:
        """Makes run B's fields offer the values of the knob chosen beside them; the events when they do."""
        offers = []
        for which, value in self.b:

            def offer(_visitor: Visitor, name: Text, now: Text | None, value: gr.Dropdown = value) -> Shown:
                return {value: _offered(name, now)}

            # Not `input`, which comes whenever the field is left.
            offers.append(lab.on(which.select, offer, [which, value], [value]))
        return offers

    @property
    def inputs(self) -> list[gr.components.Component]:
        """Every component, A's knobs first."""
        return [*self.a.values(), *(component for row in self.b for component in row)]

    @property
    def edited(self) -> list[Any]:
        """The events when a visitor edits a value. Not `change`: it also comes while the page is writing the form."""
        values = [*self.a.values(), *(value for _, value in self.b)]
        return [component.input for component in values if isinstance(component, INPUTS)]

    def read(self, values: Sequence[Any]) -> Pair:
        """The pair that the values of `inputs` describe. Raises InvalidExperiment."""
        names = list(self.a)
        if len(values) != len(names) + 2 * B_ROWS:
            raise InvalidExperiment(f"The form has {len(names) + 2 * B_ROWS} fields, not {len(values)}.")
        a = Experiment.from_dict({name: _typed(name, value) for name, value in zip(names, values, strict=False)})
        changes: dict[str, Any] = {}
        rest = values[len(names) :]
        for name, value in zip(rest[::2], rest[1::2], strict=True):
            if name in (NOTHING, None, ""):
                continue
            if not isinstance(name, str):
                raise InvalidExperiment("The knob that run B changes must be given by its name.")
            if name in changes:
                raise InvalidExperiment(f"Run B changes {name} twice; change it once.")
            changes[name] = _typed(name, value)
        return Pair(a=a, b=a.replace(**changes))

    def show(self, pair: Pair, *, is_locked: bool = False) -> Shown:
        """The pair in the fields. Raises InvalidExperiment where B changes too many knobs."""
        changes = [(name, to_text(new)) for name, (_, new) in changed_fields(pair.a, pair.b).items()]
        if len(changes) > B_ROWS:
            names = ", ".join(name for name, _ in changes)
            raise InvalidExperiment(f"Run B may differ in at most {B_ROWS} knobs, not in {names}.")
        shown: Shown = {}
        for name, component in self.a.items():
            value = getattr(pair.a, name)
            shown[component] = gr.update(
                value=value if _is_share(knobs()[name]) else to_text(value), interactive=not is_locked
            )
            if knobs()[name].type is str:
                shown[component]["choices"] = _values_of(name, value)
        for (which, changed), (name, value) in zip(self.b, [*changes, *[(NOTHING, "")] * B_ROWS], strict=False):
            is_open = name != NOTHING and not is_locked
            shown[which] = gr.update(value=name, interactive=not is_locked)
            shown[changed] = gr.update(choices=_values_of(name, value), value=value, interactive=is_open)
        return shown

    def _a_row(self, pair: Pair, *row: Knob) -> None:
        with gr.Row(equal_height=True):
            for knob in row:
                self.a[knob.name] = _control(knob, getattr(pair.a, knob.name))

    def _b_row(self, index: int, change: Sequence[tuple[str, tuple[Any, Any]]]) -> tuple[gr.Dropdown, gr.Dropdown]:
        name, value = (change[0][0], to_text(change[0][1][1])) if change else (NOTHING, "")
        nothing = "nothing" if index == 0 else "nothing else"
        with gr.Row():
            which = gr.Dropdown(
                [(nothing, NOTHING), *((knob.title, knob.name) for knob in knobs().values())],
                value=name,
                label="Change" if index == 0 else "and",
                elem_id=f"b-knob-{index}",
                min_width=130,
            )
            changed = gr.Dropdown(
                _values_of(name),
                value=value,
                label="to",
                allow_custom_value=True,
                interactive=bool(change),
                elem_id=f"b-value-{index}",
                elem_classes=TYPED_CLASS,
                min_width=90,
            )
        return which, changed


def _is_share(knob: Knob) -> bool:
    """Whether a slider suits the knob: a number from 0 to 1 whose examples lie on a coarse grid."""
    if knob.type is not float or knob.maximum is None or knob.maximum > 1:
        return False
    steps = [float(example) / SLIDER_STEP for example in knob.examples]
    return all(abs(step - round(step)) < 1e-9 for step in steps)


def _control(knob: Knob, value: Any) -> gr.components.Component:
    """The component for a knob: a choice, a slider for shares, a list that takes other values for the rest."""
    common: dict[str, Any] = {"label": knob.title, "elem_id": f"knob-{knob.name}", "min_width": 120}
    if knob.choices:
        return gr.Dropdown(_values_of(knob.name), value=to_text(value), **common)
    if _is_share(knob):
        return gr.Slider(knob.minimum or 0, knob.maximum or 1, value=value, step=SLIDER_STEP, **common)
    return gr.Dropdown(
        _values_of(knob.name), value=to_text(value), allow_custom_value=True, elem_classes=TYPED_CLASS, **common
    )


def _values_of(name: str, now: str = "") -> list[tuple[str, str]]:
    """(words, value) of what a knob's list offers; with the value now, where it is a visitor's digits."""
    if name == NOTHING:
        return []
    knob = knobs()[name]
    if knob.type is str:
        return [(value_words(each), each) for each in dict.fromkeys([*knob.examples, now or knob.default])]
    choices = [(value_words(knob.type(choice)), str(choice)) for choice in knob.choices]
    return choices or [(example, example) for example in knob.examples]


def _offered(name: str, now: str | None) -> Any:
    """Run B's choices for a knob. The value stays if it is among them; else it is the first that is not A's default."""
    if name not in knobs():
        return gr.update(choices=[], value="", interactive=False)
    values = [value for _, value in _values_of(name)]
    other = next((value for value in values if value != to_text(knobs()[name].default)), "")
    return gr.update(choices=_values_of(name), value=now if now in values else other, interactive=True)


def _typed(name: str, value: Any) -> Any:
    """A component's value as the knob's type: text is parsed, anything else is left for validation."""
    return parse_text(name, value) if isinstance(value, str) else value
