"""Splits by label group: each has its share, and a group never moves."""

import doctest

from pipelines import splits


def test_examples_in_docstrings_hold():
    """Every example that a docstring shows prints what it says."""
    found = doctest.testmod(splits)
    assert found.attempted and not found.failed


def test_splits_have_their_shares_and_stay():
    """2,000 groups: 80, 10 and 10 % within three standard errors; the same name, the same split."""
    names = [f"labels: {i}" for i in range(2000)]
    where = [splits.split_of(name) for name in names]
    assert where == [splits.split_of(name) for name in names]
    for name, share in splits.SHARES.items():
        error = (share * (1 - share) / 2000) ** 0.5
        assert abs(where.count(name) / 2000 - share) < 3 * error
    assert splits.split_of("x", shares={"train": 1}) == "train"
