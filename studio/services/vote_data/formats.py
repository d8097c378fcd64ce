"""The forms in which votes leave the studio: which task has which, and the rows of each."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.errors import StudioError
from pipelines.splits import SHARES, group_of, split_of
from pipelines.vote import exports
from studio.services.vote_data.material import LABELS, PAIRWISE, SCALES, Material

EVERY = (PAIRWISE, *LABELS, *SCALES)
FORMS = {  # what each is, and for which tasks
    "csv": ("tables of votes and scores", EVERY),
    "studio": ("everything, for another Baton Studio to import", EVERY),
    "datasets": ("parquet with the sounds inside, for `datasets`", EVERY),
    "trl": ("TRL's preference rows: prompt, chosen, rejected", (PAIRWISE,)),
    "tangoflux": ("TangoFlux's json: captions, duration, chosen, reject", (PAIRWISE,)),
    "unpaired": ("TRL's unpaired rows: prompt, completion, label", LABELS),
    "baton": ("BATON's triplets: prompt, audio, label, uncertain kept", LABELS),
}
SPLIT_SEED = 0  # fixed, so that two exports never put one prompt on two sides
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be written, and which pairs may become training rows."""

    form: str = "all"  # one of FORMS, or all that the task has
    fair: bool = False  # the sounds as they were played, not as they were made
    ties: bool = False
    both_bad: bool = False
    agreement: float = 0.6  # least share of a pair's votes for the winner
    aspect: str | None = None  # pairs from the answers to this one, not from the whole

    @property
    def rules(self) -> exports.Rules:
        """The same for `pipelines.vote.exports`."""
        return exports.Rules(ties=self.ties, both_bad=self.both_bad, least_agreement=self.agreement)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of one form by split, and what was left out, by reason."""

    by_split: Mapping[str, list[Row]]
    left_out: Mapping[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each split has."""
        return {split: len(rows) for split, rows in self.by_split.items()}


def check_wish(definition: Mapping[str, Any], **told: Any) -> Wish:
    """The wish, if it can be met for this campaign.

    Raises:
        StudioError: a form that there is not, or not for this task; a number out of range.
    """
    wish, task = Wish(**told), definition["task"]
    if wish.form != "all" and wish.form not in FORMS:
        known = ", ".join([*FORMS, "all"])
        raise StudioError(f"Votes cannot be written as {wish.form[:20]!r}; choose from {known}.")
    if wish.form not in forms_of(task) + ["all"]:
        raise StudioError(
            f"A campaign of the task {task} has nothing to write as {wish.form}; it has "
            f"{', '.join(forms_of(task))} and all."
        )
    number = wish.agreement
    if isinstance(number, bool) or not math.isfinite(number) or not 0 <= number <= 1:
        raise StudioError(f"The least agreement is {number}; it must be a share from 0 to 1.")
    aspects = definition.get("aspects") or []
    if wish.aspect is not None and (task != PAIRWISE or wish.aspect not in aspects):
        raise StudioError(
            f"This campaign did not ask for {wish.aspect[:20]!r} beside the preference; "
            + (
                f"it asked for {', '.join(aspects)}."
                if task == PAIRWISE and aspects
                else "leave it out."
            )
        )
    return wish


def forms_of(task: str) -> list[str]:
    """The forms that votes of this task have."""
    return [form for form, (_, tasks) in FORMS.items() if task in tasks]


def preference_rows(material: Material, wish: Wish) -> Rows:
    """TRL's rows, with sounds by their hash: prompt, chosen, rejected, and how sure."""
    return _of_pairs(material, wish, exports.preferences)


def tangoflux_rows(material: Material, wish: Wish) -> Rows:
    """TangoFlux's rows: captions, duration, chosen, reject."""
    return _of_pairs(material, wish, exports.tangoflux)


def triplet_rows(material: Material) -> Rows:
    """BATON's triplets, uncertain kept."""
    return _split(exports.triplets(material.labels()), _own_group)


def unpaired_rows(material: Material, wish: Wish) -> Rows:
    """TRL's unpaired rows: the label of most raters."""
    found = exports.unpaired(material.labels(), least_agreement=wish.agreement)
    return _split(found, _own_group)


def split_of_prompt(prompt: Mapping[str, Any]) -> str:
    """Train, dev or test, by the label group, else by the words."""
    group = group_of(prompt["text"], prompt.get("labels") or ())
    return split_of(group, seed=SPLIT_SEED)


def _of_pairs(material: Material, wish: Wish, form: Callable[..., exports.Export]) -> Rows:
    """Training pairs in this form; votes that were never read are among what was left out."""
    found, unread = exports.pairs(material.battles(wish.aspect))
    groups = {pair.prompt: group_of(pair.prompt, pair.labels) for pair in found}
    words = "captions" if form is exports.tangoflux else "prompt"
    rows = _split(form(found, wish.rules), lambda row: groups[row[words]])
    votes = {f"votes: {reason}": count for reason, count in unread.items()}
    pairs = {f"pairs: {reason}": count for reason, count in rows.left_out.items()}
    return Rows(by_split=rows.by_split, left_out={**votes, **pairs})


def _split(found: exports.Export, name_group: Callable[[Row], str]) -> Rows:
    """The rows by split; a split without rows is not there."""
    by_split: dict[str, list[Row]] = defaultdict(list)
    for row in found.rows:
        by_split[split_of(name_group(row), seed=SPLIT_SEED)].append(row)
    ordered = {split: by_split[split] for split in SHARES if split in by_split}
    return Rows(by_split=ordered, left_out=found.left_out)


def _own_group(row: Row) -> str:
    return row["group"]
