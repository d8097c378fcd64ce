"""Fréchet and kernel distance: numbers worked by hand, closed forms, symmetry, limits, errors."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import chi2

from pipelines.compare import frechet, kernel
from pipelines.errors import StudioError


def gauss(clips, dimensions, seed, *, spread=1.0, offset=0.0):
    """Independent normal embeddings [clips, dimensions]."""
    return np.random.default_rng(seed).normal(offset, spread, (clips, dimensions))


def test_frechet_of_four_numbers_by_hand():
    """x = {0, 2}, y = {1, 5}: means 1 and 3, variances 2 and 8.

    (1 - 3)^2 + 2 + 8 - 2 sqrt(16) = 4 + 10 - 8 = 6.
    """
    assert frechet.frechet_distance(
        np.array([[0.0], [2]]), np.array([[1.0], [5]])
    ) == pytest.approx(6)


def test_frechet_in_two_dimensions_by_hand():
    """x = corners (+-1, +-1), y = (+-2, +-3): S = diag(4/3, 4/3) and diag(16/3, 36/3).

    Commuting: sum of (sqrt(a) - sqrt(b))^2 = 4/3 (1 - 2)^2 + 4/3 (1 - 3)^2 = 20/3.
    """
    x = np.array([[a, b] for a in (-1.0, 1) for b in (-1.0, 1)])
    assert frechet.frechet_distance(x, x * [2, 3]) == pytest.approx(20 / 3)


def by_square_roots(x, y):
    """The distance as pytorch-fid has it: the covariances, and scipy's square root of a matrix."""
    one, other = np.cov(x.T), np.cov(y.T)
    offset = x.mean(0) - y.mean(0)
    return offset @ offset + np.trace(one) + np.trace(other) - 2 * np.trace(sqrtm(one @ other)).real


@pytest.mark.parametrize(("clips", "dimensions"), [(60, 6), (300, 64), (9, 20), (7, 7), (40, 100)])
def test_frechet_equals_the_square_root_of_matrices(clips, dimensions):
    """The nuclear norm equals scipy's sqrtm of the covariances to 1e-7, with more clips than
    dimensions and with fewer."""
    mixing = gauss(dimensions, dimensions, 9)
    x, y = gauss(clips, dimensions, 1) @ mixing, gauss(clips + 3, dimensions, 2, offset=0.3)
    assert frechet.frechet_distance(x, y) == pytest.approx(by_square_roots(x, y), rel=1e-7)


def test_frechet_is_symmetric_and_zero_for_equal_sets():
    """d(x, y) = d(y, x); d(x, x) = 0; moving both sets together changes nothing."""
    x, y = gauss(50, 8, 1), gauss(60, 8, 2, spread=2)
    assert frechet.frechet_distance(x, y) == pytest.approx(frechet.frechet_distance(y, x))
    assert frechet.frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-9)
    moved = frechet.frechet_distance(x + 5, y + 5)
    assert moved == pytest.approx(frechet.frechet_distance(x, y))


def test_frechet_grows_with_a_shift_by_its_square():
    """Moving one set by 3 in each of 4 dimensions from equality gives 4 x 9 = 36."""
    x = gauss(30, 4, 3)
    assert frechet.frechet_distance(x, x + 3) == pytest.approx(36)


def test_kernel_of_five_numbers_by_hand():
    """x = {0, 1, 2}, y = {0, 2}, bandwidth 1: k(d) = exp(-d^2 / 2).

    within x: (4 k(1) + 2 k(2)) / 6 = (4 x 0.606531 + 2 x 0.135335) / 6 = 0.449466;
    within y: 2 k(2) / 2 = 0.135335; across: (2 k(0) + 2 k(1) + 2 k(2)) / 6 = 0.580622.
    100 x (0.449466 + 0.135335 - 2 x 0.580622) = -57.6443: without bias, so it may be below 0.
    """
    x, y = np.array([[0.0], [1], [2]]), np.array([[0.0], [2]])
    found = kernel.kernel_distance(x, y, bandwidth=1.0)
    assert found == pytest.approx(-57.6443, abs=1e-3)
    assert kernel.kernel_distance(x, y, bandwidth=1.0, scale=1000) == pytest.approx(10 * found)


def expected_kernel(dimensions, width_squared, spread, offset):
    """100 MMD^2 of N(0, 1) and N(offset, spread^2) under a Gaussian kernel, in closed form."""
    half = -dimensions / 2
    within = (1 + 2 / width_squared) ** half + (1 + 2 * spread**2 / width_squared) ** half
    both = 1 + spread**2
    shift = np.exp(-dimensions * offset**2 / (2 * (width_squared + both)))
    return 100 * (within - 2 * (1 + both / width_squared) ** half * shift)


@pytest.mark.parametrize(
    ("rule", "spread", "noted"), [("reference", 1, 2.60), ("kadtk-1.1", 1.3, 1.54)]
)
def test_the_two_bandwidth_rules_give_the_noted_values(rule, spread, noted):
    """Reference N(0, 1), generated 1.3 N + 0.2: noted 2.60 and 1.54; in closed form 2.55 and 1.55.

    The squared median distance of normal points is 2 spread^2 times the median of chi-square.
    """
    closed = expected_kernel(16, 2 * spread**2 * chi2.median(16), 1.3, 0.2)
    assert closed == pytest.approx(noted, abs=0.06)
    x, y = gauss(600, 16, 1), gauss(600, 16, 2, spread=1.3, offset=0.2)
    found = kernel.evaluate(x, y, embedder="CLAP", bandwidth=rule)
    assert found["metric"] == "KAD-CLAP"
    told = found["settings"]
    assert (told["bandwidth_rule"], told["scale"]) == (rule, 100.0)
    assert told["bandwidth"] ** 2 == pytest.approx(2 * spread**2 * chi2.median(16), rel=0.03)
    assert found["low"] < closed < found["high"]


def test_kernel_distance_of_equal_worlds_is_zero_on_average():
    """Over 60 draws from one distribution the mean is within its error of 0, and the standard
    error by jackknife is near the spread that is seen."""
    values, errors = [], []
    for seed in range(60):
        x, y = gauss(40, 5, seed), gauss(50, 5, 1000 + seed, offset=0.4)
        same = gauss(50, 5, 2000 + seed)
        values.append(kernel.kernel_distance(x, same, bandwidth=3.0))
        errors.append((kernel.kernel_distance(x, y, bandwidth=3.0),
                       kernel.standard_error(x, y, bandwidth=3.0)))  # fmt: skip
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(60)
    seen = np.std([value for value, _ in errors])
    assert np.mean([error for _, error in errors]) == pytest.approx(seen, rel=0.3)


def test_kernel_distance_is_symmetric_and_bounded():
    """At a fixed bandwidth the two sets may change places; far sets reach 200 for tight ones."""
    x, y = gauss(20, 3, 1), gauss(30, 3, 2, offset=1)
    forward = kernel.kernel_distance(x, y, bandwidth=2.0)
    assert forward == pytest.approx(kernel.kernel_distance(y, x, bandwidth=2.0))
    tight = np.zeros((5, 2))
    assert kernel.kernel_distance(tight, tight + 100, bandwidth=1.0) == pytest.approx(200)


def test_kernel_distance_keeps_its_digits_far_from_zero():
    """Both sets moved by 1,000 give what they give at 0, and what all pairs one by one give."""
    x, y = gauss(12, 5, 1), gauss(9, 5, 2, offset=0.5)
    k = [[np.exp(-np.square(a - b).sum() / 8) for b in [*x, *y]] for a in [*x, *y]]
    xx, yy, xy = (np.array(k)[rows] for rows in (np.s_[:12, :12], np.s_[12:, 12:], np.s_[:12, 12:]))
    slow = (xx.sum() - 12) / 132 + (yy.sum() - 9) / 72 - 2 * xy.mean()
    assert kernel.kernel_distance(x, y, bandwidth=2.0) == pytest.approx(100 * slow, rel=1e-12)
    far = kernel.kernel_distance(x + 1000, y + 1000, bandwidth=2.0)
    assert far == pytest.approx(100 * slow, rel=1e-10)


def test_jackknife_equals_leaving_clips_out_one_by_one():
    """The fast standard error is the slow one: recompute without each clip in turn."""
    x, y = gauss(6, 2, 1), gauss(7, 2, 2, offset=0.5)
    slow = 0.0
    for rows, other in ((x, y), (y, x)):
        n = len(rows)
        left = np.array([
            kernel.kernel_distance(np.delete(rows, i, axis=0), other, bandwidth=1.5)
            for i in range(n)
        ])  # fmt: skip
        slow += (n - 1) / n * np.square(left - left.mean()).sum()
    assert kernel.standard_error(x, y, bandwidth=1.5) == pytest.approx(np.sqrt(slow))


def test_median_distance_by_hand():
    """{0, 1, 3}: distances 1, 3, 2, median 2; {0, 1, 3, 7}: 1, 3, 7, 2, 6, 4, the smaller is 3."""
    assert kernel.median_distance(np.array([[0.0], [1], [3]])) == 2
    assert kernel.median_distance(np.array([[0.0], [1], [3], [7]])) == 3


def test_results_name_their_embedder_and_counts():
    """A result can be read without its maker: FAD is VGGish's name alone; clips beside rows."""
    x, y = gauss(12, 3, 1), gauss(9, 3, 2)
    found = frechet.evaluate(x, y, embedder="PANNs-16k")
    assert (found["metric"], found["judge"]) == ("FD-PANNs-16k", {"name": "PANNs-16k"})
    assert found["counts"] == {
        "reference_clips": 12, "generated_clips": 9, "reference_rows": 12, "generated_rows": 9,
        "dimensions": 3,
    }  # fmt: skip
    patches = frechet.evaluate(x, y, embedder="VGGish", reference_clips=np.repeat([4, 7, 9], 4))
    assert patches["metric"] == "FAD-VGGish" and patches["value"] == found["value"]
    assert patches["settings"]["rows"] == "parts of clips"
    assert patches["counts"]["reference_clips"] == 3


def true_distance(x_spread, y_spread, offset):
    """Of N(0, diag(x_spread^2)) and N(offset, diag(y_spread^2)), which commute."""
    return float(np.square(x_spread - y_spread).sum() + np.square(offset).sum())


def test_unbiased_frechet_holds_what_is_true():
    """Two worlds 0.34 apart, 8 dimensions, 40 clips each: the field's value is far above.

    Over 40 draws its mean is at least twice the truth, the unbiased mean is within its error of it,
    and the intervals hold it in at least 34, as 95 % would but for chance.
    """
    spread, other, offset = np.linspace(1, 2, 8), np.linspace(1.2, 1.9, 8), 0.15
    true = true_distance(spread, other, offset * np.ones(8))
    found, raw = [], []
    for seed in range(40):
        x, y = gauss(40, 8, seed) * spread, gauss(40, 8, 900 + seed) * other + offset
        found.append(frechet.unbiased_distance(x, y, seed=1))
        raw.append(frechet.frechet_distance(x, y))
    values = [interval.value for interval in found]
    assert np.mean(raw) > 2 * true
    assert abs(np.mean(values) - true) < 3 * np.std(values) / np.sqrt(40)
    assert sum(interval.low <= true <= interval.high for interval in found) >= 34


def test_an_interval_is_given_only_where_it_is_honest():
    """No more rows than dimensions: no interval, and the result says what it would need."""
    found = frechet.evaluate(gauss(12, 20, 1), gauss(12, 20, 2), embedder="CLAP")
    assert (found["low"], found["high"], found["detail"]) == (None, None, {})
    assert "more than 20 rows and 10 clips a set" in found["interval"]
    enough = frechet.evaluate(gauss(60, 5, 1), gauss(60, 5, 2), embedder="CLAP")
    assert enough["detail"]["unbiased_low"] < 0 < enough["detail"]["unbiased_high"]
    assert enough["value"] > enough["detail"]["unbiased"]


def test_a_change_in_distance_by_hand():
    """Ours is theirs moved by 1 in each of 3 dimensions away from a reference: 3 x 1 further.

    What is left of chance are the means: |m + 1|^2 - |m|^2 moves by twice the sum of the mean, so
    the interval reaches t(19) = 2.093 times 2 s / sqrt(30), with s the spread of the rows' sums.
    """
    reference = gauss(50, 3, 1)
    theirs = gauss(30, 3, 2)
    theirs -= theirs.mean(axis=0) - reference.mean(axis=0)
    found = frechet.frechet_change(reference, theirs + 1, theirs, seed=1)
    assert frechet.frechet_distance(reference, theirs + 1) == pytest.approx(
        frechet.frechet_distance(reference, theirs) + 3
    )
    assert (found.value, found.count) == (pytest.approx(3, abs=0.05), 30)
    reach = 2.093 * 2 * theirs.sum(axis=1).std(ddof=1) / np.sqrt(30)
    assert (found.high - found.low) / 2 == pytest.approx(reach, rel=0.35)  # 20 groups: rough
    back = frechet.frechet_change(reference, theirs, theirs + 1, seed=1)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))
    same = frechet.frechet_change(reference, theirs, theirs, seed=1)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_a_change_in_distance_holds_what_is_true():
    """Ours truly 0.72 further, 8 dimensions, 24 prompts in pairs: at least 34 of 40 intervals."""
    reference = gauss(400, 8, 5)
    held = 0
    for seed in range(40):
        theirs = gauss(24, 8, seed)
        ours = 0.8 * theirs + 0.6 * gauss(24, 8, 700 + seed) + 0.3
        found = frechet.frechet_change(reference, ours, theirs, seed=1)
        held += found.low <= 8 * 0.3**2 - 0.6 * reference.mean(axis=0).sum() <= found.high
    assert held >= 34
    told = frechet.evaluate_change(reference, ours, theirs, embedder="CLAP", seed=1)
    assert (told["metric"], told["counts"]["pairs"]) == ("FD-change-CLAP", 24)
    assert told["low"] < told["value"] < told["high"]


def test_a_change_needs_the_same_prompts():
    """Other counts, or too few, are refused."""
    with pytest.raises(StudioError, match="at least 10; got 12 and 11 sounds"):
        frechet.frechet_change(gauss(20, 2, 1), gauss(12, 2, 2), gauss(11, 2, 3), seed=1)
    with pytest.raises(StudioError, match="at least 10; got 9 and 9 sounds"):
        frechet.frechet_change(gauss(20, 2, 1), gauss(9, 2, 2), gauss(9, 2, 3), seed=1)


def test_parts_of_clips_are_left_out_together():
    """Two to four rows a clip: the error is the slow one, clip by clip, and larger than row by row."""
    x, y = gauss(12, 2, 1), gauss(7, 2, 2, offset=0.5)
    x = np.repeat(x[::3], [3, 2, 4, 3], axis=0) + 0.1 * x  # the rows of a clip are near
    clips = np.repeat([5, 3, 9, 1], [3, 2, 4, 3])
    slow = 0.0
    for rows, other, names in ((x, y, clips), (y, x, np.arange(7))):
        left = np.array([
            kernel.kernel_distance(rows[names != name], other, bandwidth=1.5)
            for name in np.unique(names)
        ])  # fmt: skip
        slow += (len(left) - 1) / len(left) * np.square(left - left.mean()).sum()
    found = kernel.standard_error(x, y, bandwidth=1.5, reference_clips=clips)
    assert found == pytest.approx(np.sqrt(slow))
    assert found > kernel.standard_error(x, y, bandwidth=1.5)


def test_blocks_change_nothing(monkeypatch):
    """The kernel in blocks of 4 rows gives what it gives whole."""
    x, y = gauss(11, 3, 1), gauss(9, 3, 2)
    whole = kernel.evaluate(x, y, embedder="CLAP")
    monkeypatch.setattr(kernel, "BLOCK", 4)
    parts = kernel.evaluate(x, y, embedder="CLAP")
    for key in ("value", "low", "high"):
        assert parts[key] == pytest.approx(whole[key], rel=1e-12)


def test_clip_numbers_must_be_one_a_row():
    """Eight rows and two numbers are refused."""
    good = gauss(8, 4, 1)
    with pytest.raises(StudioError, match="8 rows and 2 clip numbers; give one a row"):
        frechet.evaluate(good, good, embedder="CLAP", reference_clips=np.array([0, 1]))


@pytest.mark.parametrize("evaluate", [frechet.evaluate, kernel.evaluate])
def test_unusable_embeddings_are_refused_in_a_sentence(evaluate):
    """Too few clips, other dimensions, NaN and a flat row each say what to do."""
    good = gauss(8, 4, 1)
    with pytest.raises(StudioError, match="generated set holds 1 clips; at least"):
        evaluate(good, good[:1], embedder="CLAP")
    with pytest.raises(StudioError, match="4 dimensions and the generated ones 3"):
        evaluate(good, good[:, :3], embedder="CLAP")
    with pytest.raises(StudioError, match="reference embeddings hold values that are not numbers"):
        evaluate(np.where(good > 1, np.nan, good) + np.nan, good, embedder="CLAP")
    with pytest.raises(StudioError, match=r"shape \[4\]"):
        evaluate(good[0], good, embedder="CLAP")


def test_kernel_refuses_copies_and_unknown_rules():
    """A set of copies has no bandwidth; another rule is named with the allowed ones."""
    with pytest.raises(StudioError, match="look for copies"):
        kernel.evaluate(np.ones((5, 2)), gauss(5, 2, 1), embedder="CLAP")
    with pytest.raises(StudioError, match="choose one of reference, kadtk-1.1"):
        kernel.evaluate(gauss(5, 2, 1), gauss(5, 2, 2), embedder="CLAP", bandwidth="half")
