"""All chapters in the order of the notes, and every example by its name."""

from mnist_demo.basics.chapters import (
    answers,
    batches,
    data,
    generalization,
    gradients,
    layers,
    losses,
    memory,
    networks,
    optimizers,
    saving,
    tensors,
    training,
)
from mnist_demo.basics.example import Chapter, Example
from mnist_demo.errors import InvalidExperiment

CHAPTERS: tuple[Chapter, ...] = (
    tensors.CHAPTER,
    memory.CHAPTER,
    data.CHAPTER,
    batches.CHAPTER,
    layers.CHAPTER,
    networks.CHAPTER,
    answers.CHAPTER,
    losses.CHAPTER,
    gradients.CHAPTER,
    optimizers.CHAPTER,
    training.CHAPTER,
    generalization.CHAPTER,
    saving.CHAPTER,
)
EXAMPLES: dict[str, Example] = {
    e.name: e for chapter in CHAPTERS for e in chapter.examples
}


def find_example(name: object) -> Example:
    """The example of that name, or InvalidExperiment."""
    if not isinstance(name, str) or name not in EXAMPLES:
        raise InvalidExperiment(
            "There is no example of that name: choose one from the list."
        )
    return EXAMPLES[name]
