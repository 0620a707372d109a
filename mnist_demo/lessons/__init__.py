"""The lessons: one .md file each, with a pair of experiments, a question to guess, and claims that can be checked.

`catalog` reads the files, `claims` is the language of the claims, `checking` trains the pairs and checks the claims,
`link` puts a lesson or a pair into an address.
"""

from mnist_demo.lessons.catalog import Claim, Lesson, Suggestion, lesson, lessons

__all__ = ["Claim", "Lesson", "Suggestion", "lesson", "lessons"]
