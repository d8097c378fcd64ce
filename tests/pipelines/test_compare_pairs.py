import itertools

import numpy as np
import pytest

from pipelines.compare.pairs import (
    difference,
    distance,
    mean_interval,
    sentence,
    share_difference,
    summary,
    timeline_distance,
)
from pipelines.errors import StudioError

JUDGES = {name: name for name in ("clap", "integrity", "order")}


def scores(clap=None, integrity=None, order=None, events=()):
    """What was said of one sound."""
    return {"clap": clap, "integrity": integrity, "order": order, "events": list(events)}


def test_a_difference_is_b_minus_a_and_none_where_nobody_judged():
    """0.75 - 0.5; present in B only; the order was not asked for; and no scores at all."""
    found = difference(scores(0.5, False, None), scores(0.75, True, None))
    assert found == {"clap": 0.25, "integrity": 1, "order": None}
    assert difference(None, scores(0.5)) == {"clap": None, "integrity": None, "order": None}


def test_timelines_part_by_the_share_of_time():
    """Dog 0-2 against 1-3: 1 s of 3 together, 2/3 apart; another label shares nothing."""
    dog = ["Dog", 0.0, 2.0]
    assert timeline_distance([dog], [["Dog", 1.0, 3.0]]) == pytest.approx(2 / 3)
    assert timeline_distance([dog], [dog]) == 0
    assert timeline_distance([dog], [["Rain", 0.0, 2.0]]) == 1
    assert timeline_distance([], []) == 0
    assert timeline_distance([dog], []) == timeline_distance([], [dog]) == 1
    assert timeline_distance([["Dog", 0, 1], ["Dog", 1, 2]], [dog]) == 0  # cut in two, the same
    assert timeline_distance([["Dog", 0, 2], ["Dog", 1, 2]], [dog]) == 0  # twice at once, once


def test_a_distance_adds_what_parts_the_two():
    """1 for integrity, 0 for order, 0.25 of CLAP, 2/3 of the timeline; the same from either side."""
    a = scores(0.5, True, True, [["Dog", 0, 2]])
    b = scores(0.25, False, True, [["Dog", 1, 3]])
    assert distance(a, b) == distance(b, a) == pytest.approx(1 + 0.25 + 2 / 3)
    assert distance(a, a) == 0
    assert distance(a, None) is None
    assert distance({"clap": None}, {"clap": None}) is None


def test_students_interval_of_one_two_three():
    """Mean 2, deviation 1, t(0.975, 2) = 4.3027: reach 4.3027 / sqrt(3) = 2.4841."""
    found = mean_interval([1, 2, 3])
    assert (found.value, found.count) == (2, 3)
    assert found.high - 2 == pytest.approx(2.4841, abs=1e-4)
    with pytest.raises(StudioError, match="at least two finite"):
        mean_interval([1.0])
    with pytest.raises(StudioError, match="at least two finite"):
        mean_interval([1.0, np.nan])


@pytest.mark.parametrize("n", [3, 12])
def test_students_interval_covers_at_the_sizes_people_compare(n):
    """Of 4,000 rows of n normal values, 95 % of the intervals hold the mean, give or take 1 %."""
    draws = np.random.default_rng(n).normal(0.3, 1, (4000, n))
    held = np.mean([found.low <= 0.3 <= found.high for found in map(mean_interval, draws)])
    assert held == pytest.approx(0.95, abs=0.01)


def test_newcombes_interval_worked_by_hand():
    """10 pairs: both 4, B alone 3, A alone 1, none 2. Shares A 0.5, B 0.7; difference 0.2.

    Wilson: A [0.2366, 0.7634], B [0.3968, 0.8922]. Cross product 4*2 - 3*1 = 5, less half of 10
    is 0, so phi = 0. Low: 0.2 - sqrt(0.3032^2 + 0.2634^2) = -0.2016;
    high: 0.2 + sqrt(0.1922^2 + 0.2634^2) = 0.5261.
    """
    found = share_difference(4, 3, 1, 2)
    assert (found.value, found.count) == (pytest.approx(0.2), 10)
    assert found.low == pytest.approx(-0.2016, abs=2e-4)
    assert found.high == pytest.approx(0.5261, abs=2e-4)


def test_newcombes_interval_with_a_correlation():
    """20 pairs: both 9, B alone 2, A alone 1, none 8: cross 72 - 2 = 70, less 10 is 60.

    phi = 60 / sqrt(11 * 9 * 10 * 10) = 0.6030. Wilson: A 0.5 [0.2993, 0.7007],
    B 0.55 [0.3421, 0.7418]. Low: 0.05 - sqrt(0.2079^2 - 2*0.6030*0.2079*0.2007 + 0.2007^2);
    the root is sqrt(0.03317) = 0.1821.
    """
    found = share_difference(9, 2, 1, 8)
    assert found.low == pytest.approx(0.05 - 0.1821, abs=3e-4)


def test_sides_exchanged_exchange_the_interval():
    """And where every pair agrees the interval is still open: 12 of 12 leave 0.24 on each side."""
    found, other = share_difference(4, 3, 1, 2), share_difference(4, 1, 3, 2)
    assert (other.low, other.high) == (pytest.approx(-found.high), pytest.approx(-found.low))
    same = share_difference(12, 0, 0, 0)
    assert (same.low, same.value, same.high) == (pytest.approx(-0.2425, abs=1e-3), 0, -same.low)
    with pytest.raises(StudioError, match="count at least one trial"):
        share_difference(0, 0, 0, 0)


@pytest.mark.parametrize("cells", [(0.6, 0.2, 0.1, 0.1), (0.85, 0.1, 0.04, 0.01)])
def test_newcombes_interval_covers_at_twelve_pairs(cells):
    """Summed over all outcomes of 12 pairs, at least 94 % of the chance lies where it holds."""
    n, held = 12, 0.0
    for both, only_b, only_a in itertools.product(range(n + 1), repeat=3):
        neither = n - both - only_b - only_a
        if neither < 0:
            continue
        counts = (both, only_b, only_a, neither)
        found = share_difference(*counts)
        if found.low <= cells[1] - cells[2] <= found.high:
            held += chance(counts, cells)
    assert 0.94 < held <= 1


def chance(counts, cells):
    """The multinomial probability."""
    from math import factorial, prod

    ways = factorial(sum(counts)) / prod(map(factorial, counts))
    return ways * prod(cell**count for cell, count in zip(cells, counts, strict=True))


def test_a_summary_counts_compares_and_says():
    """Four pairs: CLAP up by 0.1 in each; integrity better once, worse never; order asked twice."""
    pairs = [
        (scores(0.1, False, None), scores(0.2, True, None)),
        (scores(0.2, True, True), scores(0.3, True, True)),
        (scores(0.3, True, False), scores(0.4, True, False)),
        (scores(0.4, True, None), scores(0.5, True, None)),
        (scores(0.4), None),
    ]
    found = summary(pairs, JUDGES)
    clap, integrity, order = found["measures"]
    assert clap["difference"]["value"] == pytest.approx(0.1)
    assert (clap["better"], clap["worse"], clap["equal"]) == (4, 0, 0)
    assert clap["a"]["value"] == pytest.approx(0.25)
    assert (integrity["a"]["value"], integrity["b"]["value"]) == (0.75, 1.0)
    assert (integrity["better"], integrity["worse"], integrity["equal"]) == (1, 0, 3)
    assert (order["difference"]["count"], order["equal"]) == (2, 2)
    assert clap["p"] == pytest.approx(2 / 16)  # all four up, or all four down
    assert integrity["p"] == order["p"] == 1.0  # one pair of four parts them: a coin
    assert (clap["p_holm"], order["p_holm"]) == (pytest.approx(3 / 8), 1.0)
    assert "B is higher by 0.100" in found["said"][0]
    assert "B is higher by 25 points of 100" in found["said"][1]
    assert "A and B are equal" in found["said"][2]
    assert "simulated" in found["exploratory"]


def test_a_summary_needs_two_scored_pairs():
    """One pair says nothing of the next."""
    one = (scores(0.1, True), scores(0.2, True))
    assert summary([one, (None, None)], JUDGES) is None
    assert summary([], JUDGES) is None
    assert [found["name"] for found in summary([one, one], JUDGES)["measures"]] == [
        "clap",
        "integrity",
    ]


def test_sentences_name_the_higher_side_and_what_chance_may_do():
    """Above 0 is B's, below A's; an interval that holds 0 may be chance."""
    low = {"value": -0.2, "low": -0.3, "high": -0.1, "count": 9}
    found = sentence({"name": "clap", "title": "CLAP score", "difference": low, "p_holm": 0.012})
    assert found == (
        "CLAP score: A is higher by 0.200 (95 % interval of B minus A −0.300 to −0.100, "
        "9 pairs, p = 0.012 by Holm); it does not hold 0."
    )
    wide = {**low, "high": 0.1}
    assert sentence({"name": "clap", "title": "x", "difference": wide, "p_holm": 1.0}).endswith(
        "may be chance."
    )
    assert sentence({"name": "clap", "title": "x", "difference": low, "p_holm": 0.06}).endswith(
        "it does not hold 0, but among several measures this may be chance."
    )
    share = {"name": "order", "title": "Order kept", "difference": low, "p_holm": 0.012}
    assert sentence(share).startswith(
        "Order kept: A is higher by 20 points of 100 (95 % interval of B minus A −30 to −10, "
    )
    hair = {"value": -5e-5, "low": -0.014, "high": 0.014, "count": 24}
    found = sentence({"name": "clap", "title": "x", "difference": hair, "p_holm": 0.0001})
    assert "24 pairs, p < 0.001 by Holm" in found
    assert found.startswith("x: A and B differ by less than 0.001 (95 %")
