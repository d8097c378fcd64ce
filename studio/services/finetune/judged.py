"""What people judged, as sounds that count: a label's share of aligned, a battle's share of wins."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.errors import StudioError
from pipelines.vote.exports import label_groups
from studio.services.campaigns.door import own_campaign
from studio.services.reward.sources import distinct, source, votes_of
from studio.services.vote_data.material import LABELS, PAIRWISE, Material
from studio.store.campaigns import Campaign
from studio.store.store import Store

WINS = {"a": (1.0, 0.0), "b": (0.0, 1.0), "tie": (0.5, 0.5), "both_bad": (0.0, 0.0)}
Say = tuple[str, str]  # prompt and the SHA-256 of a sound


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One sound with what it counts."""

    clip: str  # SHA-256 of the sound as it was made
    caption: str
    seconds: float  # that were asked for
    labels: tuple[str, ...]  # the events of its prompt, where it tells them
    weight: float  # r of Eq. 7, 0 to 1


@dataclass(frozen=True, kw_only=True)
class Judgements:
    """All sounds that the chosen campaigns judged."""

    sounds: tuple[Judged, ...]
    left_out: dict[str, int]  # by reason
    notices: tuple[str, ...]
    simulated: bool
    tasks: tuple[str, ...]  # what was asked: integrity, temporal, pairwise
    campaigns: tuple[dict[str, Any], ...] = field(default=())  # id, title and sounds of each

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def judged(store: Store, owner: str, campaigns: Sequence[str]) -> Judgements:
    """The sounds of these campaigns that people judged.

    A labelled sound counts the share of its sure labels that call it aligned. One that was only
    voted on in battles counts the share of its votes that it won: a tie counts half, and both bad
    counts as lost for both. Where there are labels, battles are not read.

    Args:
        owner: whose campaigns they must be.
        campaigns: ids.

    Raises:
        StudioError: a campaign that says nothing, or people's and simulated ones together.
        NotAllowed: a campaign is somebody else's.
        Unknown: there is no such campaign.
    """
    found = [own_campaign(store, owner, campaign) for campaign in campaigns]
    told = [source(store, campaign) for campaign in found]
    for one in told:
        if one["task"] not in ("baton", PAIRWISE) or not one["labels"] + one["pairs"]:
            raise StudioError(
                f"“{one['title']}” has nothing to fine-tune on: "
                f"{one['why_not'] or 'nobody has judged its sounds yet.'}"
            )
    if len({one["simulated"] for one in told}) > 1:
        raise StudioError(
            "Some of these campaigns were judged by simulated listeners and some by people; the two "
            "are never mixed. Choose one kind."
        )
    left_out: Counter = Counter()
    shares, about = _shares(found, [votes_of(store, one) for one in found], left_out)
    sounds = _there(store, shares, about, left_out)
    if not sounds:
        raise StudioError(
            "None of the judged sounds can be used: "
            + ", ".join(f"{count} {why}" for why, count in left_out.items() if count)
            + ". Judge more of them in Vote."
        )
    return Judgements(
        sounds=tuple(sounds),
        left_out={why: count for why, count in left_out.items() if count},
        notices=_notices(
            {one.definition["task"] for one in found}, _guided(store, found, sounds), len(sounds)
        ),
        simulated=told[0]["simulated"],
        tasks=tuple(sorted({one.definition["task"] for one in found})),
        campaigns=tuple(
            {"id": one["id"], "title": one["title"], "sounds": sounds_of(one)} for one in told
        ),
    )


def sounds_of(source: Mapping[str, Any]) -> int:
    """How many judgements a campaign has, as the page counts them."""
    return source["labels"] or source["pairs"]


def _shares(
    found: Sequence[Campaign], votes: Sequence[Material], left_out: Counter
) -> tuple[dict[Say, float], dict[Say, dict[str, Any]]]:
    """What each sound counts, and its row for caption and length."""
    about: dict[Say, dict[str, Any]] = {}
    labels: dict[Say, list[int]] = defaultdict(list)
    wins: dict[Say, list[float]] = defaultdict(list)
    for each in votes:
        for why, count in each.votes.left_out.items():
            left_out[f"votes {why}"] += count
    rows = [
        {**row, "rater": f"{each.campaign.id[:8]} {row['rater']}"}
        for each in votes
        if each.task in LABELS
        for row in each.labels()
    ]
    for row in distinct(rows, left_out):
        key = (row["prompt"], row["clip"])
        about.setdefault(key, row)
        if row["label"] != "uncertain":
            labels[key].append(row["label"])
    for row in (row for each in votes if each.task == PAIRWISE for row in each.battles()):
        if row["kind"] != "ab" or row["outcome"] not in WINS or row["clip_a"] == row["clip_b"]:
            left_out["battles that only checked the voter, or were skipped"] += 1
            continue
        for side, won in zip(("clip_a", "clip_b"), WINS[row["outcome"]], strict=True):
            key = (row["prompt"], row[side])
            about.setdefault(key, row)
            wins[key].append(won)
    shares = {key: sum(given) / len(given) for key, given in {**wins, **labels}.items()}
    left_out["sounds of which nobody was sure"] += len(set(about) - set(shares))
    return shares, about


def _there(
    store: Store,
    shares: Mapping[Say, float],
    about: Mapping[Say, Mapping[str, Any]],
    left_out: Counter,
) -> list[Judged]:
    """The sounds that are still on the disk, by prompt."""
    groups = label_groups(about.values())
    sounds = []
    for (prompt, clip), share in sorted(shares.items()):
        if not store.clips.path(clip).is_file():
            left_out["sounds that are no longer on the disk"] += 1
            continue
        sounds.append(
            Judged(
                clip=clip,
                caption=prompt,
                seconds=float(about[prompt, clip]["seconds"]),
                labels=tuple(groups.get(prompt, ())),
                weight=share,
            )
        )
    return sounds


def _guided(store: Store, campaigns: Sequence[Campaign], sounds: Sequence[Judged]) -> int:
    """How many of the sounds a model made with guidance."""
    clips = [clip for one in campaigns for clip in store.campaigns.clips(one.id) if clip.candidate]
    found = store.candidates.find(list({clip.candidate for clip in clips}))
    guided = {one.clip for one in found if one.recipe["guidance"] > 1}
    return sum(sound.clip in guided for sound in sounds)


def _notices(tasks: Iterable[str], guided: int, count: int) -> tuple[str, ...]:
    """How votes became weights, and what sounds learn worst, where it is not plain."""
    found = []
    if PAIRWISE in tasks:
        found.append(
            "A sound of battles counts the share of its votes that it won; a tie counts half, both "
            "bad counts as lost for both."
        )
    if guided:
        found.append(
            f"{guided} of {count} judged sounds were made with a guidance above 1. A model that "
            "learns from them is guided twice when it is used, which costs quality; sounds made at "
            "guidance 1 teach best."
        )
    return tuple(found)
