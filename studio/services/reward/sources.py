"""What a reward model can learn from: a person's campaigns, and their votes as labels and pairs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.errors import StudioError
from pipelines.reward.labels import Example, Material, Pair, read_labels
from pipelines.splits import group_of
from pipelines.vote import exports
from studio.services.campaigns.door import own_campaign
from studio.services.campaigns.views import standing
from studio.services.vote_data.material import LABELS, PAIRWISE
from studio.services.vote_data.material import Material as Votes
from studio.store.campaigns import REMOVED, Campaign
from studio.store.store import Store
from studio.store.vote_rows import read_votes

BATON = "baton"  # how labels are called on the page, whichever of the two tasks
PREFERENCE = "preference"  # what pairs teach
MOST_CAMPAIGNS = 50


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """All that one reward model learns from."""

    material: Material
    left_out: dict[str, int]  # votes and labels that teach nothing, by reason
    notices: list[str]

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "examples": [asdict(one) for one in self.material.examples],
            "pairs": [asdict(one) for one in self.material.pairs],
            "left_out": self.left_out,
            "notices": self.notices,
        }


def from_plain(told: Mapping[str, Any]) -> Gathered:
    """What `plain` wrote."""
    material = Material(
        examples=[Example(**one) for one in told["examples"]],
        pairs=[Pair(**one) for one in told["pairs"]],
    )
    return Gathered(material=material, left_out=told["left_out"], notices=told["notices"])


def sources(store: Store, owner: str) -> list[dict[str, Any]]:
    """The person's campaigns, the newest first: what each could teach, or why it cannot."""
    return [
        source(store, found)
        for found in store.campaigns.latest()
        if found.owner == owner and found.status != REMOVED
    ]


def source(store: Store, campaign: Campaign) -> dict[str, Any]:
    """What one campaign could teach."""
    votes, task = votes_of(store, campaign), campaign.definition["task"]
    counts: Counter = Counter()
    prompts: set[str] = set()
    if task in LABELS:
        for row in votes.labels():
            counts[row["label"]] += 1
            prompts.add(row["prompt"])
    elif task == PAIRWISE:
        pairs, left_out = taught(exports.pairs(votes.battles()))
        prompts = {pair.prompt for pair in pairs}
        counts["pairs"] = len(pairs)
        counts["left out"] = sum(left_out.values())
    return {
        "id": campaign.id,
        "title": campaign.definition["title"],
        "task": BATON if task in LABELS else task,
        "rubric": task if task in LABELS else campaign.definition.get("rubric"),
        "status": standing(campaign, store.jobs.get(campaign.id))[0],
        "labels": counts[0] + counts[1] + counts["uncertain"],
        "aligned": counts[1],
        "not_aligned": counts[0],
        "uncertain": counts["uncertain"],
        "pairs": counts["pairs"],
        "prompts": len(prompts),
        "simulated": votes.is_simulated,
        "why_not": why_not(task, counts, len(votes.votes.votes)),
    }


def why_not(task: str, counts: Mapping[Any, int], votes: int) -> str | None:
    """Why a campaign teaches no reward, in a sentence; None where it does."""
    if task not in (*LABELS, PAIRWISE):
        return (
            "Scores teach no reward model; it learns from labels, aligned or not, and from votes "
            "between two sounds. Make a campaign of one of BATON's tasks in Vote."
        )
    if not votes:
        return "Nobody has voted in it yet; judge some of its sounds in Vote."
    if task in LABELS and not counts[0] + counts[1]:
        return f"All {counts['uncertain']} labels are “uncertain”, which teach nothing; label more."
    if task == PAIRWISE and not counts["pairs"]:
        return (
            "No vote in it prefers one of two sounds clearly; ties, both-bad and skips teach "
            "nothing. Vote on more pairs."
        )
    return None


def gather(
    store: Store, owner: str, campaigns: Sequence[str], *, agreeing: str = "mean"
) -> tuple[list[Campaign], Gathered]:
    """The campaigns, and what they teach together.

    Args:
        owner: whose campaigns they must be.
        campaigns: ids.
        agreeing: how several raters become one label, see `read_labels`; for pairs "majority" makes
            the winner's share 1.

    Raises:
        StudioError: none chosen, one that teaches nothing, people's and simulated ones together.
        NotAllowed: a campaign is somebody else's.
        Unknown: there is no such campaign.
    """
    if not campaigns or len(campaigns) > MOST_CAMPAIGNS:
        raise StudioError(
            f"{len(campaigns) or 'No'} campaigns are chosen; choose 1 to {MOST_CAMPAIGNS} with "
            "labels or votes of yours."
        )
    found = [own_campaign(store, owner, campaign) for campaign in dict.fromkeys(campaigns)]
    told = [source(store, campaign) for campaign in found]
    if kinds := {one["simulated"] for one in told} if len(told) > 1 else ():
        if len(kinds) > 1:
            raise StudioError(
                "Some of these campaigns were judged by simulated listeners and some by people; "
                "the two are never mixed. Choose one kind."
            )
    for one in told:
        if one["why_not"]:
            raise StudioError(f"“{one['title']}” cannot teach a reward model: {one['why_not']}")
    votes = [votes_of(store, campaign) for campaign in found]
    return found, read(store, votes, agreeing)


def read(store: Store, campaigns: Sequence[Votes], agreeing: str) -> Gathered:
    """Labels and pairs of several campaigns; one prompt is in one group, whoever asked it."""
    labels = [row | {"rater": f"{votes.campaign.id[:8]} {row['rater']}"}
              for votes in campaigns if votes.task in LABELS for row in votes.labels()]  # fmt: skip
    battles = [row for votes in campaigns if votes.task == PAIRWISE for row in votes.battles()]
    groups = exports.label_groups([*labels, *battles])
    left_out: Counter = Counter()
    for votes in campaigns:
        left_out.update({f"votes {why}": n for why, n in votes.votes.left_out.items()})

    def group(prompt: str) -> str:
        return group_of(prompt, groups.get(prompt, ()))

    once = distinct(labels, left_out)
    found = read_labels(({**row, "audio": row["clip"], "group": group(row["prompt"])}
                         for row in once), agreeing=agreeing)  # fmt: skip
    pairs, why = taught(exports.pairs(battles))
    left_out.update(found.left_out)
    left_out.update(why)
    material = Material(
        examples=found.examples,
        pairs=[
            Pair(
                prompt=pair.prompt,
                chosen=pair.chosen,
                rejected=pair.rejected,
                agreement=1.0 if agreeing == "majority" else share_of(pair),
                group=group(pair.prompt),
            )
            for pair in pairs
        ],
    )
    kept, gone = with_sounds(store, material)
    left_out.update({"labels or pairs whose sound is no longer on the disk": gone})
    check_enough(kept)
    return Gathered(
        material=kept,
        left_out={why: count for why, count in left_out.items() if count},
        notices=notices(kept),
    )


def taught(
    found: tuple[Sequence[exports.Pair], Mapping[str, int]],
) -> tuple[list[exports.Pair], dict[str, int]]:
    """The pairs that prefer one sound, and how many votes and pairs do not, by reason."""
    pairs, unread = found
    faults = [pair.fault(exports.Rules()) for pair in pairs]
    left_out = Counter({f"votes: {why}": count for why, count in unread.items()})
    left_out.update(f"pairs: {fault}" for fault in faults if fault)
    kept = [pair for pair, fault in zip(pairs, faults, strict=True) if fault is None]
    return kept, dict(left_out)


def share_of(pair: exports.Pair) -> float:
    """The share of those who chose one of the two that chose the winner, above 0.5 to 1."""
    return pair.counts["chosen"] / (pair.counts["chosen"] + pair.counts["rejected"])


def distinct(rows: Iterable[Mapping[str, Any]], left_out: Counter) -> list[Mapping[str, Any]]:
    """The rows without what a rater said of the same bytes a second time: two systems may agree."""
    found: dict[tuple, Mapping[str, Any]] = {}
    for row in rows:
        key = (row["prompt"], row["clip"], row["task"], row["rater"])
        if key in found:
            left_out["labels of a sound that the same voter met under two names"] += 1
        found.setdefault(key, row)
    return list(found.values())


def with_sounds(store: Store, material: Material) -> tuple[Material, int]:
    """What is left once sounds that are no longer on the disk are taken out, and how many were."""
    names = {one.clip for one in material.examples}
    names |= {clip for pair in material.pairs for clip in (pair.chosen, pair.rejected)}
    there = {name for name in names if store.clips.path(name).is_file()}
    kept = Material(
        examples=[one for one in material.examples if one.clip in there],
        pairs=[pair for pair in material.pairs if {pair.chosen, pair.rejected} <= there],
    )
    return kept, len(material) - len(kept)


def check_enough(material: Material) -> None:
    """Nothing, or a StudioError where nothing could be learned or nothing measured."""
    if not len(material):
        raise StudioError("There are no labels and no pairs to learn from; label some sounds.")
    sides = {example.target >= 0.5 for example in material.examples}
    if not material.pairs and len(sides) == 1:
        one, other = ("aligned", "not aligned") if sides.pop() else ("not aligned", "aligned")
        raise StudioError(
            f"All {len(material.examples)} labelled sounds are {one}, so there is nothing to tell "
            f"apart; label sounds until some are {other}, or add votes between two sounds."
        )
    groups = {one.group for one in (*material.examples, *material.pairs)}
    if len(groups) < 3:
        raise StudioError(
            f"What was judged asks for {len(groups)} different "
            f"{'set' if len(groups) == 1 else 'sets'} of events; at least 3 are needed, to learn "
            "from some and be measured on others. Judge sounds of more prompts."
        )


def notices(material: Material) -> list[str]:
    """What the person should know of the material."""
    both: dict[tuple[str, str], set[str]] = defaultdict(set)
    for example in material.examples:
        both[example.prompt, example.clip].add(example.task)
    twice = sum(len(tasks) > 1 for tasks in both.values())
    if not twice:
        return []
    return [
        f"{twice} {'sound was' if twice == 1 else 'sounds were'} labelled for integrity and for "
        "order; both labels count."
    ]


def task_of(campaigns: Iterable[Campaign]) -> str:
    """What a reward of these campaigns rewards: "integrity", "temporal", "preference", or several."""
    tasks = {campaign.definition["task"] for campaign in campaigns}
    named = [task for task in LABELS if task in tasks] + [PREFERENCE] * (PAIRWISE in tasks)
    return " + ".join(named)


def is_simulated(campaigns: Iterable[Campaign]) -> bool:
    """Whether simulated listeners judged."""
    return any(campaign.definition.get("voters") == "simulated" for campaign in campaigns)


def votes_of(store: Store, campaign: Campaign) -> Votes:
    """The campaign with its clips and the votes that count, of which there may be none."""
    clips = {(c.prompt, c.system, c.take): c for c in store.campaigns.clips(campaign.id)}
    return Votes(campaign=campaign, clips=clips, votes=read_votes(store.database, campaign.id))
