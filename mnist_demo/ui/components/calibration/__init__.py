"""How sure a network is against how often it is right, as a diagram and a sentence.

Takes bins, returns HTML. Does not know which images were asked, or when. Reliability diagrams after Guo et al., "On
calibration of modern neural networks" (2017).
"""

from collections.abc import Sequence
from html import escape

from mnist_demo.inference.evaluation import CalibrationBin, calibration_error, interval

NOTE = (
    "How sure the network is, and how often it is right. Each bar is the share of right answers among those with that "
    "confidence. A paler bar stands for fewer answers; fewer than 10 make no bar. On the dashed line a network is as "
    "sure as it is right."
)
FEWEST_ANSWERS = 10  # in a bar: with fewer, the share right is mostly chance
SMALL_GAP = 0.01  # between confidence and accuracy
_SIDE, _EDGE = 100, 12  # of the diagram, and around it for the words; in its own units


def calibration_html(bins: Sequence[CalibrationBin]) -> str:
    """The diagram of one network and its sentence; empty where there are no answers."""
    if not bins:
        return ""
    return f'<div class="mnist-calibration">{_diagram(bins)}<p>{escape(calibration_sentence(bins))}</p></div>'


def calibration_sentence(bins: Sequence[CalibrationBin]) -> str:
    """Whether the mean confidence is above the accuracy, by how much, and how often its surest answers were right."""
    answers, confidence, accuracy = _together(bins)
    low, high = interval(round(accuracy * answers), answers)  # what chance may explain
    judgement = "too sure of itself" if confidence > accuracy else "too modest"
    if low <= confidence <= high or abs(confidence - accuracy) < SMALL_GAP:
        judgement = "about as sure as it is right"
    text = f"Of {answers:,} answers: on average {confidence:.1%} sure and {accuracy:.1%} right, {judgement}. "
    surest = next((bins[-n:] for n in range(1, len(bins)) if _together(bins[-n:])[0] >= FEWEST_ANSWERS), None)
    if surest:
        count, _, share = _together(surest)
        text += f"Of the {count:,} with {surest[0].low:.0%} confidence or more, {share:.1%} are right. "
    return f"{text}Calibration error {calibration_error(bins):.1%}."


def _together(bins: Sequence[CalibrationBin]) -> tuple[int, float, float]:
    """How many answers the bins hold, their mean confidence and their accuracy."""
    answers = sum(some.answers for some in bins)
    confidence = sum(some.answers * some.confidence for some in bins) / answers
    return answers, confidence, sum(some.answers * some.accuracy for some in bins) / answers


def _diagram(bins: Sequence[CalibrationBin]) -> str:
    """Accuracy in each interval of confidence as a bar, fainter with fewer answers. On the diagonal they are equal."""
    drawn = [some for some in bins if some.answers >= FEWEST_ANSWERS]
    answers = _together(bins)[0]
    bars = "".join(_bar(some, some.answers / answers) for some in drawn)
    low, high = _EDGE, _EDGE + _SIDE
    words = "Calibration. " + "; ".join(map(_words, drawn))
    return (
        f'<svg viewBox="0 0 {_SIDE + 2 * _EDGE} {_SIDE + 2 * _EDGE}" role="img" aria-label="{escape(words)}">'
        f'<rect class="mnist-frame" x="{low}" y="{low}" width="{_SIDE}" height="{_SIDE}"/>{bars}'
        f'<line class="mnist-honest" x1="{low}" y1="{high}" x2="{high}" y2="{low}"/>'
        f'<text x="{_EDGE + _SIDE / 2}" y="{high + 9}" text-anchor="middle">how sure</text>'
        f'<text transform="translate({low - 4} {_EDGE + _SIDE / 2}) rotate(-90)" text-anchor="middle">'
        "how often right</text></svg>"
    )


def _bar(some: CalibrationBin, share: float) -> str:
    height = _SIDE * some.accuracy
    return (
        f'<rect class="mnist-right-share" x="{_EDGE + _SIDE * some.low:.1f}" y="{_EDGE + _SIDE - height:.1f}" '
        f'width="{_SIDE * (some.high - some.low) - 1:.1f}" height="{height:.1f}" '
        f'fill-opacity="{0.2 + 0.8 * share**0.5:.2f}"><title>{_words(some)}</title></rect>'
    )


def _words(some: CalibrationBin) -> str:
    return f"{some.low:.0%} to {some.high:.0%} sure: {some.accuracy:.0%} of {some.answers:,} right"
