"""What a classifier makes of the sounds: KL divergence of paired clips, and Inception score."""

from typing import Any, Literal

import numpy as np

from pipelines.compare.intervals import bootstrap_mean
from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator

Direction = Literal["reference||generated", "generated||reference"]
FLOOR = 1e-6  # added to the probability in the denominator, as the field's code does


def validate(*sets: np.ndarray) -> list[np.ndarray]:
    """Class probabilities as float64 [clips, classes], all of one number of classes.

    Raises:
        StudioError: another shape, rows that are no probabilities, or differing class counts.
    """
    found = [np.asarray(rows, dtype=np.float64) for rows in sets]
    for rows in found:
        if rows.ndim != 2 or rows.size == 0 or rows.shape[1] != found[0].shape[1]:
            raise StudioError(
                f"Class probabilities have the shapes {[list(r.shape) for r in found]}; give "
                "[clips, classes] with the same classes."
            )
        if (
            not np.isfinite(rows).all()
            or (rows < 0).any()
            or abs(rows.sum(axis=1) - 1).max() > 1e-3
        ):
            raise StudioError(
                "Class probabilities must be at least 0 and each row must add up to 1; "
                "give the softmax of the classifier's logits."
            )
    return found


def divergences(
    reference: np.ndarray, generated: np.ndarray, *, direction: Direction = "reference||generated"
) -> np.ndarray:
    """KL(p || q) = sum_c p_c log(p_c / (q_c + 1e-6)) of each pair of clips, [clips].

    Args:
        reference: [clips, classes] probabilities.
        generated: [clips, classes], clip i made for the caption of reference clip i.
        direction: which is p. audioldm_eval and av-benchmark take the reference, stable-audio-
            metrics the generated set; the two are different numbers.
    """
    p, q = reference, generated
    if direction == "generated||reference":
        p, q = q, p
    ratio = np.log(np.where(p > 0, p, 1.0)) - np.log(q + FLOOR)
    return (p * ratio).sum(axis=1)


def evaluate_divergence(
    reference: np.ndarray,
    generated: np.ndarray,
    *,
    classifier: str,
    seed: int,
    direction: Direction = "reference||generated",
) -> dict[str, Any]:
    """The mean KL over paired clips with its bootstrap interval, direction and classifier.

    Raises:
        StudioError: unusable probabilities, sets of different length, another direction.
    """
    if direction not in ("reference||generated", "generated||reference"):
        raise StudioError(
            f"There is no direction {direction!r}; choose reference||generated or "
            "generated||reference."
        )
    one, other = validate(reference, generated)
    if len(one) != len(other):
        raise StudioError(
            f"KL compares clip by clip; got {len(one)} reference and {len(other)} generated clips."
        )
    found = bootstrap_mean(divergences(one, other, direction=direction), seed=seed)
    return {
        "metric": f"KL-{classifier}",
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "direction": direction,
        "pairs": found.count,
        "classes": one.shape[1],
    }


def inception_score(probabilities: np.ndarray) -> float:
    """exp(mean_i KL(p_i || mean p)): 1 when all clips look alike, up to the number of classes.

    Salimans et al. 2016. Args: probabilities, [clips, classes].
    """
    marginal = probabilities.mean(axis=0, keepdims=True)
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    gain = probabilities * (logs - np.log(np.where(marginal > 0, marginal, 1.0)))
    return float(np.exp(gain.sum(axis=1).mean()))


def evaluate_inception(
    generated: np.ndarray, *, classifier: str, seed: int = 2020, splits: int = 10
) -> dict[str, Any]:
    """The mean and spread of the Inception score over shuffled splits, as the field reports it.

    Raises:
        StudioError: unusable probabilities, or fewer clips than splits.
    """
    (found,) = validate(generated)
    if splits < 1 or len(found) < splits:
        raise StudioError(
            f"{len(found)} clips cannot be cut into {splits} splits; give more clips or fewer "
            "splits (a few hundred clips make the score stable)."
        )
    order = numpy_generator(seed, "inception splits").permutation(len(found))
    scores = [inception_score(found[part]) for part in np.array_split(order, splits)]
    return {
        "metric": f"IS-{classifier}",
        "value": float(np.mean(scores)),
        "spread": float(np.std(scores)),
        "splits": splits,
        "clips": len(found),
        "classes": found.shape[1],
    }
