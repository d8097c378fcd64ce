"""How far each of two sides is from a reference, and by how much that changes from A to B.

Both sides have one sound a prompt, in the same order. A change is always B minus A over the same
prompts: they are left out with both their sounds, so what makes a prompt hard falls out. The
reference is taken as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from pipelines.compare.embeddings import checked, checked_pair
from pipelines.compare.frechet import frechet_change, frechet_distance
from pipelines.compare.jackknife import LEAST, corrected, leave_out
from pipelines.compare.kernel import kernel_distance, median_distance
from pipelines.compare.pairs import mean_interval
from pipelines.compare.probabilities import divergences, inception_score, softmax
from pipelines.compare.similarity import diversity
from pipelines.errors import StudioError
from pipelines.intervals import Interval

TITLES = {"fd": "FD", "kad": "KAD", "kl": "KL", "is": "IS", "diversity": "Diversity"}
HIGHER_IS_BETTER = {"fd": False, "kad": False, "kl": False, "is": True, "diversity": None}
JACKKNIFE = "delete-a-group jackknife over prompts, Student's t, 95 %"
STUDENT = "Student's t over prompts, 95 %"


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What an embedder makes of both sides, and of the reference.

    Args:
        a, b: unit vectors, [prompts, dimensions].
        reference: unit vectors, [sounds, dimensions]; None where there is none.
        prompt_of: which prompt each reference sound is of, int [sounds]; None where they are no
            renders of these prompts.
        labels: unit vectors of the classes' texts, [classes, dimensions].
        scale: what cosines are multiplied by to be logits.
        embedder: who embedded all of it.
        seed: names the groups of the jackknife.
    """

    a: np.ndarray
    b: np.ndarray
    reference: np.ndarray | None
    prompt_of: np.ndarray | None
    labels: np.ndarray
    scale: float
    embedder: str
    seed: int = 0


def evaluate(sides: Sides) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Every measure that the inputs allow, and which were left out, each with its reason.

    Returns:
        Measures with `name`, `title`, `judge`, `higher_is_better` (None: neither), `a` and `b` (the
        figures as the field defines them), `difference` (an Interval, B minus A, without the bias
        that few sounds bring), `interval` (how it was found), `caution` (what the figures may not
        be taken for; or None); then rows of `metric` and `why`.

    Raises:
        StudioError: unusable embeddings, or other prompts on both sides.
    """
    one, other = checked_pair(sides.a, sides.b, least=1)
    if len(one) != len(other):
        raise StudioError(
            f"A change needs the same prompts on both sides; got {len(one)} and {len(other)} sounds."
        )
    if len(one) < LEAST:
        why = f"{len(one)} pairs tell nothing of a set's spread; at least {LEAST} are needed."
        return [], [{"metric": title, "why": why} for title in TITLES.values()]
    found, left_out = [], []
    for name, measure in MEASURES.items():
        try:
            found.append(told(name, measure(replace(sides, a=one, b=other)), sides))
        except StudioError as error:
            left_out.append({"metric": TITLES[name], "why": str(error)})
    return found, left_out


def told(name: str, found: tuple[float, float, Interval, str], sides: Sides) -> dict[str, Any]:
    """A measure in the shape of `evaluate`."""
    a, b, change, how = found
    return {
        "name": name,
        "title": TITLES[name],
        "judge": sides.embedder,
        "higher_is_better": HIGHER_IS_BETTER[name],
        "a": a,
        "b": b,
        "difference": asdict(change),
        "interval": how,
        "caution": caution(name, len(sides.a), sides.a.shape[1]),
    }


def caution(name: str, pairs: int, dimensions: int) -> str | None:
    """What few sounds do to the heights of a figure; the change is without it."""
    if name == "fd" and pairs <= dimensions:
        return (
            f"{pairs} sounds in {dimensions} dimensions: both heights are mostly want of sounds; "
            "read the change alone."
        )
    if name == "is" and pairs < 300:
        return f"With {pairs} sounds both heights are below what a few hundred would give."
    return None


def fd(sides: Sides) -> tuple[float, float, Interval, str]:
    """The Fréchet distance, by its definition; its change without bias."""
    reference = needed(sides)
    a, b = (frechet_distance(reference, side) for side in (sides.a, sides.b))
    return a, b, frechet_change(reference, sides.b, sides.a, seed=sides.seed), JACKKNIFE


def kad(sides: Sides) -> tuple[float, float, Interval, str]:
    """The kernel distance at the bandwidth of the reference, which both sides share."""
    reference = needed(sides)
    width = median_distance(reference)

    def at(rows: np.ndarray) -> float:
        return kernel_distance(reference, rows, bandwidth=width)

    return at(sides.a), at(sides.b), change(sides, at, has_bias=False), JACKKNIFE


def kl(sides: Sides) -> tuple[float, float, Interval, str]:
    """KL(reference || generated) of the classes' probabilities, the mean over the prompts.

    A prompt with several reference sounds has the mean of its divergences.
    """
    reference, prompt_of = needed(sides), sides.prompt_of
    if prompt_of is None or set(prompt_of.tolist()) != set(range(len(sides.a))):
        raise StudioError(
            "KL goes prompt by prompt, and the reference is not of these prompts; take renders of "
            "them, or sounds of the same names."
        )
    real, counts = probabilities(sides, reference), np.bincount(prompt_of)
    each = []
    for side in (sides.a, sides.b):
        apart = divergences(real, probabilities(sides, side)[prompt_of])  # [reference sounds]
        each.append(np.bincount(prompt_of, apart) / counts)  # [prompts]
    return float(each[0].mean()), float(each[1].mean()), mean_interval(each[1] - each[0]), STUDENT


def inception(sides: Sides) -> tuple[float, float, Interval, str]:
    """The Inception score of each side whole, without splits."""

    def at(rows: np.ndarray) -> float:
        return inception_score(probabilities(sides, rows))

    return at(sides.a), at(sides.b), change(sides, at, has_bias=True), JACKKNIFE


def spread(sides: Sides) -> tuple[float, float, Interval, str]:
    """How unlike each other the sounds of a side are."""
    return (
        diversity(sides.a),
        diversity(sides.b),
        change(sides, diversity, has_bias=False),
        JACKKNIFE,
    )


MEASURES: Mapping[str, Callable[[Sides], tuple[float, float, Interval, str]]] = {
    "fd": fd,
    "kad": kad,
    "kl": kl,
    "is": inception,
    "diversity": spread,
}


def change(sides: Sides, statistic: Callable[[np.ndarray], float], *, has_bias: bool) -> Interval:
    """B's figure minus A's with its interval, both without the same prompts at each turn.

    Args:
        statistic: the figure of rows, [any, dimensions].
        has_bias: whether it depends on how many rows there are; then the jackknife takes that off.
    """

    def at(kept: np.ndarray) -> float:
        return statistic(sides.b[kept]) - statistic(sides.a[kept])

    count = len(sides.a)
    full = at(np.arange(count))
    side = leave_out(at, full, count, seed=sides.seed, side="prompts")
    return corrected(full, side if has_bias else replace(side, bias=0.0), count=count)


def probabilities(sides: Sides, rows: np.ndarray) -> np.ndarray:
    """Zero-shot: the softmax of the scaled cosines with the classes' texts, [rows, classes]."""
    return softmax(sides.scale * (rows @ sides.labels.T))


def needed(sides: Sides) -> np.ndarray:
    """The reference, at least three sounds.

    Raises:
        StudioError: there is none.
    """
    if sides.reference is None:
        raise StudioError(
            "There is nothing to measure against: no prompt names events that the sound world can "
            "render, and no folder of real sounds was given."
        )
    return checked(sides.reference, least=3, name="reference")
