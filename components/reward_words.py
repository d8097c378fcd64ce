"""What a reward model is worth, in sentences: what was measured, beside CLAP alone, and what follows."""

from collections.abc import Mapping
from math import floor
from typing import Any

Values = Mapping[str, Any]
FOLDS = "all prompts, by folds"
GUESS = 0.5  # what a coin comes to wherever one of two is to be put first


def verdict(view: Values) -> list[str]:
    """The verdict on a trained reward model, the main thing first; empty before it is measured.

    Args:
        view: with figures {"reward", "clap", "difference": {name: {"value", "low", "high",
            "count"} or None}}, measured_on, simulated, and data {"labels", "pairs", "prompts"}.
    """
    own = (view.get("figures") or {}).get("reward") or {}
    if not own:
        return []
    sentences = [
        _on_labels(view),
        _on_pairs(view),
        _beside_clap(view),
        _within(view),
        _ground(view),
    ]
    return [*filter(None, sentences), _advice(view)]


def share(figure: Values | None) -> str:
    """A figure in hundredths with its interval: "78 % [70, 86]"; empty where there is none."""
    if not figure or figure.get("value") is None:
        return ""
    value, low, high = (_hundredths(figure.get(name)) for name in ("value", "low", "high"))
    return f"{value} %" if low is None or high is None else f"{value} % [{low}, {high}]"


def _of(view: Values, whose: str, name: str) -> Values | None:
    """A figure, or None where it is not there or no number."""
    found = (view["figures"].get(whose) or {}).get(name)
    return found if found and found.get("value") is not None else None


def _on_labels(view: Values) -> str:
    told, clap = share(_of(view, "reward", "auc")), share(_of(view, "clap", "auc"))
    if told:
        beside = f"; CLAP alone in {clap}" if clap else ""
        return (
            f"Of an aligned sound and one that is not, on prompts that it has not met, it puts the "
            f"aligned one first in {told} of cases{beside}."
        )
    if view["data"]["labels"]:
        return (
            "Whether it tells aligned from not cannot be measured: the held-out labels are all of "
            "one kind; label more, until both kinds are there."
        )
    return ""


def _on_pairs(view: Values) -> str:
    told, clap = share(_of(view, "reward", "pairs")), share(_of(view, "clap", "pairs"))
    if not told:
        return ""
    beside = f"; CLAP alone on {clap}" if clap else ""
    return f"On prompts that it has not met it agrees with {told} of the votes{beside}."


def _beside_clap(view: Values) -> str:
    """Whether the difference to CLAP is beyond doubt."""
    gap = _of(view, "difference", "auc") or _of(view, "difference", "pairs")
    if gap is None or gap.get("low") is None:
        return ""
    if gap["low"] == gap["high"] == 0:
        return "It orders the sounds just as CLAP alone does: it has learned nothing beyond it yet."
    if gap["low"] > 0:
        return "It is better than CLAP alone beyond doubt (95 %)."
    if gap["high"] < 0:
        return "It is worse than CLAP alone beyond doubt (95 %)."
    return "Whether it is better than CLAP alone, so few labels and votes cannot tell."


def _within(view: Values) -> str:
    found, clap = (
        _of(view, "reward", "order_within_prompts"),
        _of(view, "clap", "order_within_prompts"),
    )
    if found is None:
        return ""
    beside = f", CLAP alone in {share(clap)}" if clap else ""
    sure = found.get("low") is not None and found["low"] > GUESS
    doubt = "" if sure else ", so it may be guessing there"
    return (
        f"Among sounds of one and the same prompt it does so in {share(found)}{beside}; "
        f"a guess is right in {100 * GUESS:.0f} %{doubt}."
    )


def _ground(view: Values) -> str:
    data = view["data"]
    parts = [_count(data["labels"], "label") if data["labels"] else ""]
    parts += [_count(data["pairs"], "pair") if data["pairs"] else ""]
    whose = "simulated listeners, not of people" if view["simulated"] else "people"
    said = f"It learned from {' and '.join(filter(None, parts))} of {whose}"
    said += f", on {_count(data['prompts'], 'prompt')}"
    if view.get("measured_on") == FOLDS:
        return f"{said}; too few to set some aside, so each prompt was judged by a model that had not met it."
    return f"{said}; measured on those that were set aside."


def _advice(view: Values) -> str:
    main = _of(view, "reward", "auc") or _of(view, "reward", "pairs")
    gap = _of(view, "difference", "auc") or _of(view, "difference", "pairs")
    if main is None or main.get("low") is None or main["low"] <= GUESS:
        return (
            "It may know nothing yet: label or vote on more prompts before you fine-tune with it."
        )
    if gap is not None and gap.get("high") is not None and gap["high"] < 0:
        return "Use CLAP as the reward, or label more and train again."
    return "It can score what nobody labelled: go on to Finetune."


def _hundredths(value: float | None) -> int | None:
    """Rounded as the page's tables are: a half goes up."""
    return None if value is None else floor(100 * value + 0.5)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}".replace(",", " ")
