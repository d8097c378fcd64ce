"""The distances of two sides: known answers, signs, and intervals that hold as often as they say."""

import numpy as np
import pytest

from pipelines.compare import sides
from pipelines.compare.frechet import frechet_distance
from pipelines.compare.similarity import diversity
from pipelines.errors import StudioError

PROMPTS, DIMENSIONS = 24, 6


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def drawn(seed=0, shift=0.5, count=PROMPTS):
    """Side A lies off the reference by `shift`, side B on it."""
    draws = np.random.default_rng(seed)
    prompts = draws.normal(size=(count, DIMENSIONS))  # what makes a prompt itself

    def near(offset=0.0):
        return unit(
            prompts + 0.3 * draws.normal(size=prompts.shape) + offset * np.eye(DIMENSIONS)[0]
        )

    return sides.Sides(
        a=near(shift),
        b=near(),
        reference=np.concatenate([near(), near()]),
        prompt_of=np.tile(np.arange(count), 2),
        labels=np.eye(DIMENSIONS),
        scale=5.0,
        embedder="E",
        seed=1,
    )


def by_name(given):
    found, left_out = sides.evaluate(given)
    return {measure["name"]: measure for measure in found}, left_out


def test_every_measure_and_its_figures():
    """The heights are the metrics' own, and B, which lies on the reference, is nearer by all."""
    given = drawn(shift=3.0)
    found, left_out = by_name(given)
    assert list(found) == ["fd", "kad", "kl", "is", "diversity"]
    assert left_out == []
    assert found["fd"]["a"] == pytest.approx(frechet_distance(given.reference, given.a))
    assert found["diversity"]["b"] == pytest.approx(diversity(given.b))
    for name in ("fd", "kad", "kl"):
        assert found[name]["difference"]["high"] < 0, name
        assert found[name]["higher_is_better"] is False
    assert found["diversity"]["higher_is_better"] is None
    assert {measure["difference"]["count"] for measure in found.values()} == {PROMPTS}
    assert "want of sounds" not in (found["fd"]["caution"] or "")


def test_sides_changed_over_change_the_signs():
    """B minus A, whichever is which."""
    given = drawn()
    turned = sides.Sides(**{**vars(given), "a": given.b, "b": given.a})
    one, other = by_name(given)[0], by_name(turned)[0]
    for name in one:
        assert one[name]["difference"]["value"] == pytest.approx(
            -other[name]["difference"]["value"], abs=1e-9
        )


def test_equal_sides_do_not_differ():
    """All changes are 0, and so are their intervals."""
    given = drawn()
    for measure in by_name(sides.Sides(**{**vars(given), "b": given.a}))[0].values():
        assert measure["difference"]["value"] == pytest.approx(0, abs=1e-12)


def test_kl_by_hand():
    """Two classes, logits 5 and 0 in the reference, the other way round in A, the same in B.

    p = 1 / (1 + e^-5) = 0.99331; KL(p || q) = (2 p - 1) log(p / (1 - p)) = 0.98661 x 5 = 4.9331,
    less what the floor of 1e-6 takes off.
    """
    first, second = np.tile([1.0, 0.0], (12, 1)), np.tile([0.0, 1.0], (12, 1))
    given = sides.Sides(
        a=second, b=first, reference=first, prompt_of=np.arange(12), labels=np.eye(2),
        scale=5.0, embedder="E",
    )  # fmt: skip
    a, b, change, _ = sides.kl(given)
    assert (a, b) == (pytest.approx(4.9331, abs=2e-3), pytest.approx(0, abs=1e-5))
    assert change.value == pytest.approx(-4.9331, abs=2e-3)


def test_what_is_lacking_is_left_out_with_its_reason():
    """Without a reference no distance; without prompts of its sounds no KL; with few pairs nothing."""
    given = vars(drawn())
    found, left_out = by_name(sides.Sides(**{**given, "reference": None, "prompt_of": None}))
    assert list(found) == ["is", "diversity"]
    assert [row["metric"] for row in left_out] == ["FD", "KAD", "KL"]
    assert "nothing to measure against" in left_out[0]["why"]
    found, left_out = by_name(sides.Sides(**{**given, "prompt_of": None}))
    assert "kl" not in found and "not of these prompts" in left_out[0]["why"]
    few = {**given, "a": given["a"][:9], "b": given["b"][:9]}
    found, left_out = by_name(sides.Sides(**few))
    assert found == {} and "9 pairs" in left_out[0]["why"]


def test_other_prompts_are_refused():
    """A change is over the same prompts."""
    given = vars(drawn())
    with pytest.raises(StudioError, match="24 and 23 sounds"):
        sides.evaluate(sides.Sides(**{**given, "b": given["b"][1:]}))


def test_few_sounds_are_said():
    """12 sounds in 128 dimensions: the heights mean nothing, the change does."""
    assert "read the change alone" in sides.caution("fd", 12, 128)
    assert sides.caution("fd", 200, 128) is None
    assert "few hundred" in sides.caution("is", 12, 128)


@pytest.mark.parametrize("name", ["is", "diversity", "kl", "kad"])
def test_intervals_hold_where_nothing_differs(name):
    """Two draws of one law: 0 lies within at least 88 of 100 intervals."""
    held = 0
    for seed in range(100):
        *_, change, _ = sides.MEASURES[name](drawn(seed, shift=0.0, count=40))
        held += change.holds_zero
    assert held >= 88
