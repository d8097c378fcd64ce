"""Figures of a fine-tuning run: what is drawn, in whose colour, and its words for who cannot see."""

import pytest

from components.finetune_figures import dev_figure, finetune_figure, loss_figure
from pipelines.errors import StudioError

LOSSES = {
    "step": [1, 2, 3],
    "epoch": [0.5, 1.0, 1.5],
    "loss": [0.9, 0.7, 0.6],
    "data_loss": [0.5, 0.4, float("nan")],
    "pretrain_loss": [0.8, 0.6, 0.5],
    "gradient_norm": [1.0, 1.0, 1.0],
    "learning_rate": [1e-3] * 3,
    "smoothed": 4,
}
DEV = [
    {"step": 0, "epoch": 0.0, "clap": 0.40, "reward": 0.5},
    {"step": 100, "epoch": 5.0, "clap": 0.45, "reward": 0.7},
]


def test_the_loss_and_its_two_terms_are_lines_over_steps():
    """Three lines with colours of their own; what is no number leaves a gap, never an error."""
    figure = finetune_figure("loss", {"losses": LOSSES})
    assert [trace["name"] for trace in figure["data"]] == [
        "in all",
        "on labelled sounds",
        "on the base's own data",
    ]
    assert len({trace["meta"] for trace in figure["data"]}) == 3
    assert all(trace["x"] == [1, 2, 3] and trace["mode"] == "lines" for trace in figure["data"])
    assert figure["data"][1]["y"] == [0.5, 0.4, None]
    assert figure["data"][0]["customdata"] == [0.5, 1.0, 1.5]
    assert figure["said"] == (
        "Loss up to step 3 (means of 4 steps): in all 0.9000 at first, 0.6000 now; on labelled "
        "sounds 0.5000 at first, 0.4000 now; on the base's own data 0.8000 at first, 0.5000 now."
    )


def test_without_a_pretraining_loss_there_is_no_line_of_it():
    """β 0: the sum is its first term, drawn once; one step is a dot, for a line needs two."""
    alone = {**LOSSES, "pretrain_loss": [None] * 3}
    figure = loss_figure({"losses": alone})
    assert [trace["name"] for trace in figure["data"]] == ["on labelled sounds"]
    assert figure["said"].count("at first") == 1
    one = {name: values[:1] for name, values in LOSSES.items() if name != "smoothed"}
    assert {trace["mode"] for trace in loss_figure({"losses": one})["data"]} == {"markers"}


def test_samples_are_scored_by_epoch_from_the_base_on():
    """CLAP left, the reward model right, the base of each as a dotted level."""
    figure = finetune_figure("dev", {"dev": DEV})
    clap, clap_base, reward, reward_base = figure["data"]
    assert (clap["x"], clap["y"], clap["yaxis"]) == ([0.0, 5.0], [0.40, 0.45], "y")
    assert (reward["y"], reward["yaxis"]) == ([0.5, 0.7], "y2")
    assert clap_base["y"] == [0.40, 0.40] and clap_base["line"] == {"dash": "dot"}
    assert reward_base["x"] == [0.0, 5.0] and reward_base["yaxis"] == "y2"
    assert figure["layout"]["yaxis2"]["side"] == "right"
    assert figure["said"] == (
        "Held-out prompts after epoch 5: CLAP 0.450, 0.400 of the base; reward model 0.700, 0.500 "
        "of the base."
    )


def test_a_tiny_change_does_not_look_like_a_cliff():
    """An axis of scores is a tenth long at least, and longer where the scores differ more."""
    still = [{"step": 0, "epoch": 0.0, "clap": 0.7300}, {"step": 9, "epoch": 1.0, "clap": 0.7302}]
    low, high = dev_figure({"dev": still})["layout"]["yaxis"]["range"]
    assert (low, high) == (pytest.approx(0.6801), pytest.approx(0.7801))
    low, high = dev_figure({"dev": DEV})["layout"]["yaxis2"]["range"]
    assert (low, high) == (pytest.approx(0.48), pytest.approx(0.72))


def test_the_reward_model_alone_has_the_left_axis():
    """Where CLAP did not judge there is no empty axis for it; the base alone has no level."""
    figure = dev_figure({"dev": [{"step": 0, "epoch": 0.0, "clap": None, "reward": 0.5}]})
    assert [trace["yaxis"] for trace in figure["data"]] == ["y"]
    assert "yaxis2" not in figure["layout"]
    assert figure["said"] == "Held-out prompts after epoch 0: reward model 0.500."


def test_what_is_not_there_is_refused():
    """A figure that is none; no step yet; samples that nobody scored."""
    with pytest.raises(StudioError, match="choose from loss, dev"):
        finetune_figure("cake", {})
    with pytest.raises(StudioError, match="wait until the training has done one"):
        finetune_figure("loss", {"losses": {"step": []}})
    unscored = [{"step": 0, "epoch": 0.0, "clap": None, "reward": None}]
    with pytest.raises(StudioError, match="no sample was scored"):
        finetune_figure("dev", {"dev": unscored})
