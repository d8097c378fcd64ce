"""How far the voters of a campaign agree where they judged the same, and on what they differ most."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.vote import agreement
from pipelines.vote.battles import OUTCOMES, SKIP
from studio.services.results.counted import Ballots, plural, scored
from studio.store.store import Store

SCALES = {"mos": "ordinal", "ovl_rel": "interval"}  # labels and outcomes are nominal
UNCERTAIN = 2  # beside the labels 0 and 1
LABELS = ("not aligned", "aligned", "uncertain")
ENDS = ("first better", "second better", "tie", "both bad")
DRAWS_OF_MANY = 400  # where scores have a hundred values, a draw costs ten thousand cells
SHOWN = 20  # items listed as disputed


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Who gave which value to which item; an item is what two people can judge alike."""

    question: str
    scale: agreement.Scale
    voter: np.ndarray  # [ratings]
    item: np.ndarray  # [ratings] place in items
    value: np.ndarray  # [ratings]
    items: tuple[tuple[Any, ...], ...]  # prompt, then what tells the sounds


def agreements(store: Store, ballots: Ballots) -> list[dict[str, Any]]:
    """Krippendorff's alpha for every question, or the sentence that says why there is none."""
    return [_agreement(judged, ballots.seed) for judged in _questions(store, ballots)]


def disputed(store: Store, ballots: Ballots) -> list[dict[str, Any]]:
    """The items on which people differ most, for the owner: question, prompt, sounds, answers."""
    prompts, found = ballots.campaign.definition["prompts"], []
    for judged in _questions(store, ballots):
        for at, unlike, values in _most_unlike(judged):
            prompt, *sounds = judged.items[at]
            found.append(
                {
                    "question": judged.question,
                    "prompt": prompts[prompt]["text"],
                    "sounds": [f"{system} take {take + 1}" for system, take in sounds],
                    "disagreement": unlike,
                    "answers": _answers(judged, values),
                    "ratings": len(values),
                }
            )
    found.sort(key=lambda row: (-row["disagreement"], -row["ratings"]))
    return found[:SHOWN]


def said(found: Mapping[str, Any]) -> str:
    """Alpha in a sentence."""
    name = found["question"]
    if found["value"] is None:
        return f"Agreement on {name}: {found['why']}"
    value, low, high = (f"{found[part]:.2f}".replace("-", "−") for part in ("value", "low", "high"))
    return (
        f"Agreement on {name}: alpha {value} [{low}, {high}], {found['scale']}; "
        f"{found['items']} items judged by two people or more, {found['raters']} people."
    )


def _agreement(judged: Judged, seed: int) -> dict[str, Any]:
    told = {"question": judged.question, "scale": judged.scale, "value": None}
    table = _table(judged)
    overlap = int((np.bincount(judged.item) >= 2).sum()) if len(judged.item) else 0
    if overlap < 2:
        return told | {"why": f"two people or more judged {plural(overlap, 'item')}; 2 are needed."}
    draws = DRAWS_OF_MANY if len(np.unique(judged.value)) > 12 else agreement.DRAWS
    found = agreement.evaluate(table, scale=judged.scale, seed=seed, draws=draws)
    often = np.bincount(judged.item)[judged.item] >= 2
    found["raters"] = len(np.unique(judged.voter[often]))
    if found["value"] is None:
        found["why"] = "all answers are equal, so that nothing could have differed."
    return told | found | {"draws": draws}


def _table(judged: Judged) -> np.ndarray:
    """[most ratings of an item, items]: alpha does not ask whose a rating is, so rows are close."""
    order = np.argsort(judged.item, kind="stable")
    item = judged.item[order]
    often = np.bincount(item, minlength=len(judged.items))
    place = np.arange(len(item)) - np.repeat(np.cumsum(often) - often, often)
    table = np.full((int(often.max(initial=0)), len(often)), np.nan)
    table[place, item] = judged.value[order]
    return table


def _questions(store: Store, ballots: Ballots) -> list[Judged]:
    """Every question of the campaign with its answers, one of each voter on each item."""
    definition = ballots.campaign.definition
    if definition["task"] == "pairwise":
        return [_battles(ballots)]
    found = []
    for aspect in definition["aspects"]:
        given = scored(store, ballots, aspect)
        if definition["task"] in SCALES:
            read, value = ~np.isnan(given.value), given.value
        else:
            read = np.ones(len(given), dtype=bool)
            value = np.where(np.isnan(given.value), UNCERTAIN, given.value)
        items = [
            (int(prompt), (str(system), int(take)))
            for prompt, system, take in zip(given.prompt, given.system, given.take, strict=True)
        ]
        scale = SCALES.get(definition["task"], "nominal")
        found.append(_judged(aspect, scale, given.voter, items, value, read))
    return found


def _battles(ballots: Ballots) -> Judged:
    """The outcomes of battles, the sides put into one order."""
    columns, read = ballots.columns, ballots.of_kind("ab")
    codes = {name: at for at, name in enumerate(OUTCOMES)}
    pairs, values = [], []
    for way in columns.ways:
        sounds = (way.system_a, way.take_a), (way.system_b, way.take_b)
        code = codes.get(way.outcome, SKIP)
        is_turned = sounds[0] > sounds[1]
        pairs.append(tuple(sorted(sounds)))
        values.append(1 - code if is_turned and code < 2 else code)
    number = {pair: at for at, pair in enumerate(dict.fromkeys(pairs))}
    pair = np.array([number[one] for one in pairs] or [0])[columns.way]
    value = np.array(values or [SKIP])[columns.way]
    read = read & (value < SKIP)
    key = columns.prompt * max(1, len(number)) + pair
    cells, item = np.unique(key[read], return_inverse=True)
    named = list(number)
    items = tuple((int(cell // len(number)), *named[cell % len(number)]) for cell in cells)
    last = _last(columns.voter[read], item)
    return Judged(
        question="which is better",
        scale="nominal",
        voter=columns.voter[read][last],
        item=item[last],
        value=value[read][last].astype(np.float64),
        items=items,
    )


def _judged(
    question: str,
    scale: agreement.Scale,
    voter: np.ndarray,
    items: list[tuple],
    value: np.ndarray,
    read: np.ndarray,
) -> Judged:
    number = {item: at for at, item in enumerate(dict.fromkeys(items))}
    item = np.array([number[one] for one in items], dtype=np.int64)[read]
    return Judged(
        question=question,
        scale=scale,
        voter=voter[read],
        item=item,
        value=value[read],
        items=tuple(number),
    )


def _last(voter: np.ndarray, item: np.ndarray) -> np.ndarray:
    """The places of each voter's last rating of each item."""
    key = item * (voter.max(initial=0) + 1) + voter
    _, from_end = np.unique(key[::-1], return_index=True)
    return np.sort(len(key) - 1 - from_end)


def _most_unlike(judged: Judged) -> list[tuple[int, float, np.ndarray]]:
    """Items with two ratings or more and how unlike these are, 0 to 1, the most unlike first.

    For names the chance that two people differ; for numbers the mean distance of two people, as a
    share of the whole range that was used.
    """
    order = np.argsort(judged.item, kind="stable")
    often = np.bincount(judged.item, minlength=len(judged.items))
    values = np.split(judged.value[order], np.cumsum(often)[:-1])
    reach = float(np.ptp(judged.value)) or 1.0 if len(judged.value) else 1.0
    found = []
    for at, given in enumerate(values):
        if len(given) < 2:
            continue
        gap = np.abs(given[:, None] - given[None, :])
        gap = (gap > 0).astype(np.float64) if judged.scale == "nominal" else gap / reach
        found.append((at, float(gap.sum() / (len(given) * (len(given) - 1))), given))
    found.sort(key=lambda row: (-row[1], -len(row[2]), row[0]))
    return [row for row in found if row[1] > 0][:SHOWN]


def _answers(judged: Judged, values: np.ndarray) -> dict[str, int]:
    """How often each answer was given, in words where it has one."""
    words = ENDS if judged.question == "which is better" else LABELS
    found, often = np.unique(values, return_counts=True)
    names = [words[int(v)] if judged.scale == "nominal" else f"{v:g}" for v in found]
    return {name: int(count) for name, count in zip(names, often, strict=True)}
