"""The lessons: one .md file each, a pair of experiments with a question to guess and a claim to hold.

`catalog` reads the files, `reading` is what their numbers and claims are made of, `checking` trains the pairs.
"""

from mnist_demo.lessons.catalog import Claim, Lesson, Suggestion, lesson, lessons
from mnist_demo.lessons.reading import Reading

__all__ = ["Claim", "Lesson", "Reading", "Suggestion", "lesson", "lessons"]
