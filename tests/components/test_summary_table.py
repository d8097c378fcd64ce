"""The summary table: what it says of a share and of a mean, worked by hand."""

from components.summary_table import summary_table


def figure(value: float, low: float, high: float) -> dict:
    """A figure with its interval."""
    return {"value": value, "low": low, "high": high, "count": 24}


def test_a_share_is_told_in_per_cent_and_a_mean_as_it_is():
    """12 of 24 against 18 of 24; 0.8 against 0.75."""
    measures = [
        {
            "name": "order",
            "title": "Order kept",
            "judge": "simulated listener",
            "a": figure(0.5, 0.314, 0.686),
            "b": figure(0.75, 0.551, 0.88),
            "difference": figure(0.25, 0.0, 0.47),
            "p_holm": 0.0313,
        },
        {
            "name": "clap",
            "title": "CLAP score",
            "judge": "CLAP-evaluation",
            "a": figure(0.8, 0.78, 0.82),
            "b": figure(0.75, 0.7, 0.8),
            "difference": figure(-0.05, -0.1, 0.0),
            "p_holm": 0.5,
        },
    ]
    assert summary_table({"measures": measures}, "base", "clean").splitlines() == [
        "| measure | judge | A: base | B: clean | B minus A | pairs | p (Holm) |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| Order kept | simulated listener | 50 % [31, 69] | 75 % [55, 88] | 25 % [0, 47] | 24 | 0.031 |",
        "| CLAP score | CLAP-evaluation | 0.800 [0.780, 0.820] | 0.750 [0.700, 0.800] "
        "| -0.050 [-0.100, 0.000] | 24 | 0.5 |",
    ]
