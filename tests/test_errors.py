"""The error tree: drawn in the module's opening as it is in the code, and every error is caught by its base."""

import re

from mnist_demo import errors


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = dict(re.findall(r"^[ │├└─]*(?P<name>[A-Z]\w+) {2,}(\S.*)$", errors.__doc__ or "", re.M))
    defined = {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.MnistLabError)
    }
    assert drawn.keys() == defined.keys()
    depths = {name: len(line) for line, name in re.findall(r"^([ │├└─]*)([A-Z]\w+) {2,}", errors.__doc__ or "", re.M)}
    for name, error in defined.items():
        assert depths[name] == depths["MnistLabError"] + 4 * (len(error.__mro__) - len(errors.MnistLabError.__mro__))


def test_a_message_is_shown_as_it_was_given() -> None:
    assert str(errors.UnknownRun("There is no run 5.")) == "There is no run 5."
