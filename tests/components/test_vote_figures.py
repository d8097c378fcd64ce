"""Figures of votes: what is drawn where, in the order of the board, with words for who cannot see."""

import pytest

from components.vote_figures import forest, results_figure
from pipelines.errors import StudioError

BOARD = {
    "titles": {"x": "Ex", "y": "Why", "z": "Zed"},
    "board": {
        "order": ["x", "y", "z"],
        "systems": [
            {"system": "y", "points": 1100.0, "low": 1050.0, "high": 1160.0, "elo": 1090.0, "elo_spread": 8.0},
            {"system": "x", "points": 900.0, "low": None, "high": None, "elo": 910.0, "elo_spread": 9.0},
            {"system": "z", "points": None, "low": None, "high": None, "elo": None, "elo_spread": None},
        ],
        "wins": [[0, 1, 0], [3, 0, 0], [0, 0, 0]],
        "tied": [[0, 2, 0], [2, 0, 0], [0, 0, 0]],
        "win_shares": [[None, 1 / 3, None], [2 / 3, None, None], [None, None, None]],
    },
}  # fmt: skip


def test_the_board_has_a_row_for_each_rated_system():
    """Whoever nobody judged has no point; without an interval the arms have no length."""
    figure = results_figure("board", BOARD)
    (trace,) = figure["data"]
    assert trace["x"] == [1100, 900] and trace["y"] == [0, 1]
    assert trace["error_x"]["array"] == [60, 0] and trace["error_x"]["arrayminus"] == [50, 0]
    assert figure["layout"]["yaxis"]["ticktext"] == ["Why", "Ex"]
    assert figure["said"] == "points: Why: 1100 [1050, 1160]; Ex: 900"


def test_the_win_matrix_is_in_the_order_of_the_board():
    """Why, Ex, Zed; nobody met Zed, and nobody meets oneself."""
    heat = results_figure("wins", BOARD)["data"][0]
    assert heat["x"] == heat["y"] == ["Why", "Ex", "Zed"]
    assert heat["z"] == [[None, 2 / 3, None], [1 / 3, None, None], [None, None, None]]
    assert heat["customdata"][0][1] == "3 wins, 1 losses, 2 ties"


def test_two_series_stand_beside_each_other():
    """Half a row apart at most, so that each stays at its name."""
    ends = [(1.0, 0.0, 2.0), (3.0, 2.0, 4.0)]
    figure = forest(["one", "two"], [("a", "a", ends), ("b", "accent", ends)], "points")
    assert [trace["y"] for trace in figure["data"]] == [[-0.16, 0.84], [0.16, 1.16]]
    assert figure["layout"]["showlegend"]


def test_a_lone_hour_is_a_bar_among_empty_ones():
    """Six hours around it; with more hours plotly chooses."""
    layout = results_figure("time", {"hours": [("2026-11-21T23", 4)]})["layout"]
    assert layout["xaxis"]["range"] == ["2026-11-21 20:30:00", "2026-11-22 02:30:00"]
    layout = results_figure("time", {"hours": [("2026-11-21T22", 4), ("2026-11-21T23", 4)]})
    assert "range" not in layout["layout"]["xaxis"]


def test_what_is_not_there_is_refused():
    """A figure that is none; a figure without votes; a scale that nobody scored."""
    with pytest.raises(StudioError, match="choose from board"):
        results_figure("cake", BOARD)
    with pytest.raises(StudioError, match="votes are missing"):
        results_figure("board", {"board": None, "titles": {}})
    with pytest.raises(StudioError, match="votes are missing"):
        results_figure("scores", {"tables": [], "titles": {}}, "OVL")
