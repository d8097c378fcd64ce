"""Figures of a CRPO run: rewards and losses of winners and losers, margins, and their words."""

import pytest

from components.crpo_figures import POINTS, evened
from components.finetune_figures import finetune_figure
from pipelines.errors import StudioError

NUMBERS = list(range(1, 5))
LOSSES = {
    "step": NUMBERS,
    "winning_loss": [0.4, 0.3, 0.3, 0.2],
    "reference_winning_loss": [0.4] * 4,
    "losing_loss": [0.4, 0.5, 0.5, 0.6],
    "reference_losing_loss": [0.4] * 4,
    "margin": [0.0, -0.1, 0.1, 0.2],
    "accuracy": [0.0, 0.5, 0.75, 1.0],
}
ITERATIONS = [
    {"iteration": n, "rewards": {"winners": 0.6 + n / 10, "losers": 0.5, "gap": 0.1 + n / 10},
     "mean": 0.55 + n / 10, "spread": [0, 1, 3, 0]}
    for n in (1, 2)
]  # fmt: skip
VIEW = {"recipe": "crpo", "losses": LOSSES, "iterations": ITERATIONS}


def test_rewards_of_winners_and_losers_stand_by_iteration():
    """Beside the mean of all candidates; the words tell the newest."""
    figure = finetune_figure("rewards", VIEW)
    assert [trace["name"] for trace in figure["data"]] == ["winners", "losers", "all candidates"]
    assert figure["data"][0]["y"] == pytest.approx([0.7, 0.8])
    assert figure["said"].startswith("Rewards in iteration 2: winners 0.800, losers 0.500")
    begun = {**VIEW, "iterations": [{**ITERATIONS[0], "mean": None, "spread": None}]}
    assert len(finetune_figure("rewards", begun)["data"]) == 2  # while candidates are being made


def test_both_losses_are_told_as_what_changed_since_the_start():
    """.4 .3 .3 .2 where the start has .4 under the same noise: 0, −.1, −.1, −.2 (Figure 4)."""
    figure = finetune_figure("terms", VIEW)
    assert [trace["name"] for trace in figure["data"]][:2] == ["winners", "losers"]
    assert figure["data"][0]["y"] == pytest.approx([0, -0.1, -0.1, -0.2])
    assert figure["data"][1]["y"] == pytest.approx([0, 0.1, 0.1, 0.2])
    assert figure["data"][2]["y"] == [0, 0]
    assert "winners 0.2000, −0.2000 from the start; losers 0.6000, +0.2000" in figure["said"]


def test_the_margin_and_the_share_of_pairs_the_right_way_round():
    """On axes of their own; a loss over groups has neither."""
    figure = finetune_figure("margin", VIEW)
    assert [trace.get("yaxis") for trace in figure["data"]] == [None, "y2", "y2"]
    assert "margin is 0.2" in figure["said"] and "100% of the pairs" in figure["said"]
    groups = {**LOSSES, "margin": [None] * 4, "accuracy": [None] * 4}
    with pytest.raises(StudioError, match="no margin to draw"):
        finetune_figure("margin", {**VIEW, "losses": groups})


def test_rewards_of_the_base_and_of_the_newest_lie_over_one_another():
    """As shares, so that iterations of other sizes stand beside one another."""
    figure = finetune_figure("spread", VIEW)
    assert [trace["name"] for trace in figure["data"]] == [
        "made by the base", "made after iteration 1",
    ]  # fmt: skip
    assert figure["data"][0]["y"] == [0, 25, 75, 0]
    alone = finetune_figure("spread", {**VIEW, "iterations": ITERATIONS[:1]})
    assert len(alone["data"]) == 1


def test_held_out_prompts_stand_by_iteration():
    """In place of epochs."""
    dev = [{"step": n, "epoch": None, "iteration": n, "clap": 0.4 + n / 10} for n in (0, 1)]
    figure = finetune_figure("dev", {**VIEW, "dev": dev})
    assert figure["layout"]["xaxis"]["title"]["text"] == "iteration"
    assert figure["said"] == "Held-out prompts after iteration 1: CLAP 0.500, 0.400 of the base."


def test_many_steps_are_evened_and_nothing_is_said_of_nothing():
    """100 steps in pairs: 50 points, each the mean of two, where both, one or none are there."""
    values = [1.0, 3.0, None, 5.0, None, None] + [0.0] * 94
    x, y = evened(list(range(1, 101)), values)
    assert len(x) == 50 <= POINTS and x[:2] == [2, 4]
    assert y[:3] == [2.0, 5.0, None]
    for name in ("rewards", "terms", "margin", "spread"):
        with pytest.raises(StudioError, match="There (is|are) no"):
            finetune_figure(name, {"recipe": "crpo"})
    with pytest.raises(StudioError, match="no figure 'loss'; choose from rewards"):
        finetune_figure("loss", VIEW)
