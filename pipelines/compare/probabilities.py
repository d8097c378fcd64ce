"""What a classifier makes of the sounds: KL divergence of paired clips, and Inception score."""

from typing import Any, Literal

import numpy as np

from pipelines.compare.results import bounds, result
from pipelines.errors import StudioError
from pipelines.intervals import bootstrap_mean
from pipelines.seeds import numpy_generator

Direction = Literal["reference||generated", "generated||reference"]
Activation = Literal["softmax", "sigmoid"]
DIRECTIONS = ("reference||generated", "generated||reference")
FLOOR = 1e-6  # added to the probability in the denominator, as the field's code does
SPLITS = 10  # of the Inception score, as the field's code has it
LEAST_A_SPLIT = 2  # clips; below, the score of a split is 1 by definition


def validate(*sets: np.ndarray) -> list[np.ndarray]:
    """Class logits as float64 [clips, classes], all of one number of classes.

    Raises:
        StudioError: another shape, values that are not numbers, or differing class counts.
    """
    found = [np.asarray(rows, dtype=np.float64) for rows in sets]
    for rows in found:
        if rows.ndim != 2 or rows.size == 0 or rows.shape[1] != found[0].shape[1]:
            raise StudioError(
                f"Class logits have the shapes {[list(r.shape) for r in found]}; give "
                "[clips, classes] with the same classes."
            )
        if not np.isfinite(rows).all():
            raise StudioError(
                "Class logits hold values that are not numbers; look for broken clips and "
                "classify them again."
            )
    return found


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis that add up to 1."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """A probability for each class by itself."""
    from scipy.special import expit

    return expit(logits)


ACTIVATIONS = {"softmax": softmax, "sigmoid": sigmoid}


def divergences(
    reference: np.ndarray, generated: np.ndarray, *, direction: Direction = DIRECTIONS[0]
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
    direction: Direction = DIRECTIONS[0],
    activation: Activation = "softmax",
) -> dict[str, Any]:
    """The mean KL over paired clips with its bootstrap interval, direction and classifier.

    Args:
        reference, generated: logits [clips, classes], clip i of each for the same caption.
        classifier: what gave them; part of the name.
        seed: names the bootstrap draws.
        direction: see `divergences`.
        activation: "softmax" as in the tables of AudioLDM, Tango and BATON, or "sigmoid", which
            takes AudioSet's classes one by one. Sigmoids do not add up to 1, so that sum is no
            divergence and may be below 0; the field reports it as KL_sigmoid all the same.

    Raises:
        StudioError: unusable logits, sets of different length, another direction or activation.
    """
    if direction not in DIRECTIONS:
        raise StudioError(f"There is no direction {direction!r}; choose {' or '.join(DIRECTIONS)}.")
    if activation not in ACTIVATIONS:
        raise StudioError(
            f"There is no activation {activation!r}; choose {' or '.join(ACTIVATIONS)}."
        )
    one, other = validate(reference, generated)
    if len(one) != len(other):
        raise StudioError(
            f"KL compares clip by clip; got {len(one)} reference and {len(other)} generated clips."
        )
    activate = ACTIVATIONS[activation]
    each = divergences(activate(one), activate(other), direction=direction)
    found = bootstrap_mean(each, seed=seed)
    return result(
        f"KL-{classifier}" if activation == "softmax" else f"KL-sigmoid-{classifier}",
        found.value,
        bounds=bounds(found),
        interval="bootstrap over pairs, 95 %",
        higher_is_better=False,
        judge=classifier,
        counts={"pairs": found.count, "classes": one.shape[1]},
        settings={"direction": direction, "activation": activation, "floor": FLOOR, "seed": seed},
    )


def inception_score(probabilities: np.ndarray) -> float:
    """exp(mean_i KL(p_i || mean p)): 1 when all clips look alike, up to the number of classes.

    Salimans et al. 2016. Args: probabilities, [clips, classes].
    """
    marginal = probabilities.mean(axis=0, keepdims=True)
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    gain = probabilities * (logs - np.log(np.where(marginal > 0, marginal, 1.0)))
    return float(np.exp(gain.sum(axis=1).mean()))


def evaluate_inception(
    generated: np.ndarray, *, classifier: str, seed: int = 2020, splits: int = SPLITS
) -> dict[str, Any]:
    """The mean Inception score of shuffled splits, as the field reports it.

    A split of few clips cannot show many classes: the score grows with the clips in a split, and
    settles from a few hundred on. Compare sets of equal size.

    Args:
        generated: logits [clips, classes].
        classifier: what gave them; part of the name.
        seed: of the shuffle.
        splits: how many; 1 takes the set whole, without an interval.

    Returns:
        The shape of `pipelines.compare.results`: `detail` has the spread over splits, which is what
        papers print after the +-; the interval is of the mean, for splits of this size.

    Raises:
        StudioError: unusable logits, or fewer than two clips a split.
    """
    from scipy.special import stdtrit

    (found,) = validate(generated)
    if splits < 1 or len(found) < splits * LEAST_A_SPLIT:
        raise StudioError(
            f"{len(found)} clips cannot be cut into {splits} splits of at least {LEAST_A_SPLIT}; "
            "give more clips or fewer splits (a few hundred clips make the score stable)."
        )
    order = numpy_generator(seed, "inception splits").permutation(len(found))
    parts = np.array_split(softmax(found)[order], splits)
    scores = np.array([inception_score(part) for part in parts])
    value, spread = float(scores.mean()), float(scores.std())
    limits, said = None, "none: one split tells nothing of its own chance"
    if splits > 1:
        error = float(scores.std(ddof=1)) / np.sqrt(splits)
        reach = float(stdtrit(splits - 1, 0.975)) * error
        limits, said = (value - reach, value + reach), "Student's t over splits, 95 %"
    return result(
        f"IS-{classifier}",
        value,
        bounds=limits,
        interval=said,
        higher_is_better=True,
        judge=classifier,
        counts={"clips": len(found), "splits": splits, "classes": found.shape[1]},
        settings={"splits": splits, "seed": seed},
        detail={"spread": spread},
    )
