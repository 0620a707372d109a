"""How sure a network is against how often it is right, as a diagram and a sentence.

Bins in, HTML out; what is asked, and when, is for others. Reliability diagrams after Guo et al., "On
calibration of modern neural networks" (2017).
"""

from collections.abc import Sequence
from html import escape

from mnist_demo.evaluation import CalibrationBin, calibration_error

HONEST = 0.01  # a smaller gap between confidence and accuracy is no news: 2,000 answers do not tell it from none
FEWEST_ANSWERS = 10  # in a bar: the share of a handful says nothing
_SIDE, _EDGE = 100, 12  # of the diagram, and around it for the words; in its own units


def calibration_html(bins: Sequence[CalibrationBin]) -> str:
    """The diagram of one network, and what it says in words; nothing where nothing was answered."""
    if not bins:
        return ""
    return f'<div class="mnist-calibration">{_diagram(bins)}<p>{escape(calibration_sentence(bins))}</p></div>'


def calibration_sentence(bins: Sequence[CalibrationBin]) -> str:
    """Whether the network is surer than it is right, by how much, and how its surest answers did."""
    answers = sum(some.answers for some in bins)
    confidence = sum(some.answers * some.confidence for some in bins) / answers
    accuracy = sum(some.answers * some.accuracy for some in bins) / answers
    gap = confidence - accuracy
    judgement = (
        "about as sure as it is right" if abs(gap) < HONEST else "too sure of itself" if gap > 0 else "too modest"
    )
    surest = bins[-1]
    return (
        f"On average {confidence:.1%} sure and {accuracy:.1%} right: {judgement}. "
        f"Of its {surest.answers:,} answers with {surest.low:.0%} confidence or more, {surest.accuracy:.1%} are right. "
        f"Calibration error {calibration_error(bins):.1%}."
    )


def _diagram(bins: Sequence[CalibrationBin]) -> str:
    """Accuracy in each interval of confidence as a bar, the fainter the fewer answers; honesty is the diagonal."""
    answers = sum(some.answers for some in bins)
    bars = "".join(_bar(some, some.answers / answers) for some in bins if some.answers >= FEWEST_ANSWERS)
    low, high = _EDGE, _EDGE + _SIDE
    return (
        f'<svg viewBox="0 0 {_SIDE + 2 * _EDGE} {_SIDE + 2 * _EDGE}" role="img" '
        f'aria-label="{escape(calibration_sentence(bins))}">'
        f'<rect class="mnist-frame" x="{low}" y="{low}" width="{_SIDE}" height="{_SIDE}"/>{bars}'
        f'<line class="mnist-honest" x1="{low}" y1="{high}" x2="{high}" y2="{low}"/>'
        f'<text x="{_EDGE + _SIDE / 2}" y="{high + 9}" text-anchor="middle">how sure</text>'
        f'<text transform="translate({low - 4} {_EDGE + _SIDE / 2}) rotate(-90)" text-anchor="middle">'
        "how often right</text></svg>"
    )


def _bar(some: CalibrationBin, share: float) -> str:
    height = _SIDE * some.accuracy
    words = f"{some.low:.0%} to {some.high:.0%} sure: {some.accuracy:.0%} of {some.answers:,} right"
    return (
        f'<rect class="mnist-right-share" x="{_EDGE + _SIDE * some.low:.1f}" y="{_EDGE + _SIDE - height:.1f}" '
        f'width="{_SIDE * (some.high - some.low) - 1:.1f}" height="{height:.1f}" '
        f'opacity="{0.3 + 0.7 * share**0.5:.2f}"><title>{words}</title></rect>'
    )
