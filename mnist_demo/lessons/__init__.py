"""The lessons: one .md file each, a pair of experiments with a question to guess and a claim to hold.

`catalog` reads the files, `claims` is the language of what they claim, `checking` trains the pairs, `link` carries a
lesson or a pair in an address.
"""

from mnist_demo.lessons.catalog import Claim, Lesson, Suggestion, lesson, lessons

__all__ = ["Claim", "Lesson", "Suggestion", "lesson", "lessons"]
