"""What a hint says: sentences that each carry what must be true of the run, as the sentences of lessons do.

Behind ` | ` stands a claim, or one word for why nothing can be measured: the language of `lessons.claims`. A sentence
whose claim is not true of the run is not said. Does not know the runs: it gets names for their numbers.
"""

from collections.abc import Mapping

from mnist_demo.lessons.claims import is_true, parted


def say(names: Mapping[str, object], *sentences: str) -> str:
    """Those of `sentence | claim` that are true, with the numbers of `names` at their placeholders.

    Raises ValueError for a sentence without a claim or a mark, and for a claim that `claims` does not know.
    """
    parts = [parted(sentence) for sentence in sentences]
    return " ".join(
        sentence.format(**names) for sentence, expression, mark in parts if mark or is_true(expression, names)
    )
