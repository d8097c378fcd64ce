"""What is drawn and said of a reward model: the right numbers in the right places, and no more."""

import pytest

from components.reward_figures import reward_figure, sides_figure
from components.reward_words import share, verdict
from pipelines.errors import StudioError


def interval(value, low=None, high=None, count=40):
    return {"value": value, "low": low, "high": high, "count": count}


def model(**changes):
    """A model that is better than CLAP, measured on held-out prompts."""
    return {
        "figures": {
            "reward": {"auc": interval(0.78, 0.7, 0.86), "order_within_prompts": interval(0.66, 0.52, 0.8)},
            "clap": {"auc": interval(0.66, 0.58, 0.74), "order_within_prompts": interval(0.6, 0.5, 0.7)},
            "difference": {"auc": interval(0.12, 0.03, 0.2)},
        },
        "measured_on": "held-out prompts",
        "simulated": False,
        "data": {"labels": 400, "pairs": 0, "prompts": 80},
        "history": [
            {"number": 1, "train_loss": 0.7, "dev_loss": 0.69},
            {"number": 2, "train_loss": 0.5, "dev_loss": 0.6},
            {"number": 3, "train_loss": 0.3, "dev_loss": 0.65},
        ],
        "kept": 2,
        "histogram": {
            "reward": {
                "0": {"edges": [0.0, 0.5, 1.0], "counts": [3, 1]},
                "1": {"edges": [0.0, 0.5, 1.0], "counts": [1, 1]},
            },
            "clap": None,
        },
        "calibration": [
            {"low": 0.7, "high": 0.8, "reward": 0.75, "aligned": interval(0.8, 0.6, 0.9, 20)}
        ],
        **changes,
    }  # fmt: skip


def test_the_verdict_tells_the_figure_the_reference_and_what_follows():
    """First how often it is right, then CLAP, then within a prompt, whose labels, what to do."""
    said = verdict(model())
    assert "first in 78 % [70, 86] of cases; CLAP alone in 66 % [58, 74]" in said[0]
    assert said[1] == "It is better than CLAP alone beyond doubt (95 %)."
    assert "66 % [52, 80], CLAP alone in 60 % [50, 70]; a guess is right in 50 %." in said[2]
    assert said[3].startswith("It learned from 400 labels of people, on 80 prompts;")
    assert said[-1].endswith("go on to Finetune.")


def test_a_model_that_may_be_guessing_is_not_praised():
    """Its interval holds one half: label more. So does that within prompts. CLAP may be better."""
    weak = {
        "reward": {"auc": interval(0.6, 0.45, 0.74), "order_within_prompts": interval(0.55, 0.4, 0.7)},
        "clap": {"auc": interval(0.62, 0.5, 0.72)},
        "difference": {"auc": interval(-0.02, -0.2, 0.1)},
    }  # fmt: skip
    said = verdict(model(figures=weak, measured_on="all prompts, by folds", simulated=True))
    assert "cannot tell" in said[1]
    assert said[2].endswith("so it may be guessing there.")
    assert "simulated listeners, not of people" in said[3] and "had not met it" in said[3]
    assert said[-1].startswith("It may know nothing yet")
    strong = {**weak, "reward": {"auc": interval(0.7, 0.6, 0.8)}, "difference": {"auc": interval(-0.1, -0.2, -0.01)}}  # fmt: skip
    said = verdict(model(figures=strong))
    assert "worse than CLAP alone beyond doubt" in said[1] and said[-1].startswith("Use CLAP")


def test_a_half_is_rounded_as_in_the_table_and_a_copy_of_clap_is_called_one():
    """62.5 hundredths are 63, as the page's own toFixed has it; a difference of 0 [0, 0] is none."""
    assert share(interval(0.625, 0.185, 1.0)) == "63 % [19, 100]"
    figures = model()["figures"] | {"difference": {"auc": interval(0.0, 0.0, 0.0)}}
    assert verdict(model(figures=figures))[1].startswith("It orders the sounds just as CLAP alone")


def test_votes_alone_and_labels_of_one_kind_have_their_own_sentences():
    """Nothing is said of a figure that is no number; nothing at all before it is measured."""
    figures = {"reward": {"auc": None, "pairs": interval(0.7, 0.6, 0.8)}, "clap": {}}
    pairs = {"labels": 0, "pairs": 90, "prompts": 30}
    said = verdict(model(figures=figures, data=pairs))
    assert said[0] == "On prompts that it has not met it agrees with 70 % [60, 80] of the votes."
    assert "90 pairs of people" in said[1]
    none = verdict(model(figures={"reward": {"auc": interval(None)}}))
    assert "all of one kind" in none[0] and none[-1].startswith("It may know nothing yet")
    assert verdict(model(figures=None)) == []
    assert share(None) == "" and share(interval(0.5)) == "50 %"


def test_the_curves_mark_the_epoch_that_was_kept():
    """Two lines of three epochs, and a stroke from the lowest to the highest loss at epoch 2."""
    figure = reward_figure("curves", model())
    learned, held, kept = figure["data"]
    assert learned["y"] == [0.7, 0.5, 0.3] and held["y"] == [0.69, 0.6, 0.65]
    assert kept["x"] == [2, 2] and kept["y"] == [0.3, 0.7]
    assert figure["said"].endswith("0.650 on what is held out after epoch 3; epoch 2 was kept.")
    alone = [{"number": 1, "train_loss": 0.7, "dev_loss": None}]
    (only,) = reward_figure("curves", model(history=alone, kept=None))["data"]
    assert only["name"] == "learned from" and only["mode"] == "markers"


def test_the_histogram_gives_each_label_its_own_hundred():
    """1 of 2 aligned sounds lie below 0.5, 3 of 4 others; CLAP's row comes under it where it is told."""
    figure = reward_figure("histogram", model())
    aligned, other = figure["data"]
    assert (aligned["name"], aligned["y"], aligned["customdata"]) == ("aligned", [50, 50], [1, 1])
    assert (other["y"], other["x"]) == ([75, 25], [0.25, 0.75])
    assert "reward of 4 sounds not aligned: 0.38 in the mean" in figure["said"]
    both = dict(model()["histogram"])
    both["clap"] = {label: {"edges": [-0.2, 0.2, 0.6], "counts": [1, 1]} for label in "01"}
    figure = reward_figure("histogram", model(histogram=both))
    assert [trace["xaxis"] for trace in figure["data"]] == ["x", "x", "x2", "x2"]
    assert figure["layout"]["xaxis2"]["range"] == [-0.2, 0.6]
    above, below = (figure["layout"][axis]["domain"] for axis in ("yaxis", "yaxis2"))
    assert below[1] < above[0]


def test_calibration_has_arms_from_what_people_said():
    """The arms reach from 0.6 to 0.9 around 0.8."""
    _, points = reward_figure("calibration", model())["data"]
    assert points["error_y"]["array"] == [pytest.approx(0.1)]
    assert points["error_y"]["arrayminus"] == [pytest.approx(0.2)]
    assert points["customdata"] == ["0.75 foretold, 0.80 [0.60, 0.90] aligned of 20"]


def test_sides_of_a_comparison_are_told_with_their_change():
    """Means 0.2 and 0.6; the names stay as they are, minus signs are minus signs."""
    sides = {
        "a": {"title": "plain-base", "rewards": [0.1, 0.3]},
        "b": {"title": "aligned", "rewards": [0.5, 0.7]},
        "change": interval(0.4, -0.1, 0.9, 2),
        "simulated": True,
    }
    figure = sides_figure(sides)
    assert [trace["meta"] for trace in figure["data"]] == ["a", "b", "a", "b"]
    assert sum(figure["data"][0]["y"]) == pytest.approx(100)
    assert figure["data"][2]["x"] == [pytest.approx(0.2)] * 2
    assert "0.200 of plain-base and 0.600 of aligned: a change of +0.400 [−0.100, +0.900] over 2 prompts" in figure["said"]  # fmt: skip
    assert figure["said"].endswith("labels of simulated listeners.")
    with pytest.raises(StudioError, match="Side A has no sounds yet"):
        sides_figure(sides | {"a": {"title": "x", "rewards": []}})


def test_what_is_not_there_is_refused():
    """A figure that is none; figures of what is not measured."""
    with pytest.raises(StudioError, match="choose from curves, histogram, calibration"):
        reward_figure("cake", model())
    for name, empty in (("curves", "history"), ("histogram", "histogram"), ("calibration", "calibration")):  # fmt: skip
        with pytest.raises(StudioError, match="to draw"):
            reward_figure(name, model(**{empty: None}))
