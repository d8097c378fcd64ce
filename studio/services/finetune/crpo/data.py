"""What a CRPO run learns from beside its own candidates, and the prompts of those, as plain values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipelines.errors import StudioError
from pipelines.vote import exports
from studio.services.campaigns.door import own_campaign
from studio.services.finetune.crpo.request import texts_of
from studio.services.finetune.judged import sounds_of
from studio.services.finetune.request import CLAP, Wish
from studio.services.reward.sources import distinct, share_of, source, taught, votes_of
from studio.services.vote_data.material import LABELS, PAIRWISE
from studio.store.store import Store

if TYPE_CHECKING:
    from pipelines.finetune.pairs import PairRow
    from studio.services.finetune.folders import Folders

SECONDS = 10.0  # of a sound to a prompt that tells no length
WORLD = "captions of the base's own world that it tends to fail, as BATON's are chosen"
PLAINLY = {  # why votes teach nothing, as the page says it
    "votes: same system": "votes between two sounds of one system",
    "votes: gold": "votes that test listeners by a damaged sound",
    "votes: skip": "votes that were skipped",
    "votes: the same sound twice": "votes between two copies of one sound",
    "pairs: tie": "pairs that were called equal",
    "pairs: both bad": "pairs of which both were called bad",
    "pairs: no lean": "pairs of which either was chosen as often",
    "pairs: low agreement": "pairs about which too few agreed",
}
MIXED = (
    "Some of these campaigns were judged by simulated listeners and some by people; the two are "
    "never mixed. Choose one kind."
)


def crpo_data(store: Store, folders: "Folders", owner: str, wish: Wish) -> dict[str, Any]:
    """Prompts, given pairs with where their sounds lie, and what the person should know.

    Raises:
        StudioError: what cannot be learned from.
    """
    rows, files, left_out, about, kinds = [], {}, Counter(), [], set()
    title = None
    if wish.campaigns:
        rows, left_out, about, kinds = voted_pairs(store, owner, wish.campaigns)
        keys = {key for row in rows for key in (row.chosen, row.rejected)}
        place = store.clips.folder.relative_to(folders.config.data)
        files = {key: f"{place}/{key[:2]}/{key}.wav" for key in keys}
    if wish.folder is not None:
        found, places, title = folders.pairs(owner, wish.folder)
        rows, files = [*rows, *found], {**files, **places}
    if (wish.campaigns or wish.folder) and not rows:
        raise StudioError(
            "What was chosen holds no pair of sounds of which one is preferred: "
            + (
                ", ".join(f"{count} {why}" for why, count in left_out.items())
                or "nobody judged yet"
            )
            + ". Label or vote on more sounds, or leave it out."
        )
    reward = None
    if wish.reward != CLAP:
        reward = store.jobs.get(wish.reward).request
        kinds.add(bool(reward["simulated"]))
    if len(kinds) > 1:
        raise StudioError(
            "The reward model learned from simulated listeners and the campaigns are of people, or "
            "the other way round; the two are never mixed. Choose one kind."
        )
    prompts = [{"text": text, "seconds": SECONDS} for text in asked_for(wish)]
    return {
        "prompts": prompts,
        "source": source_of(wish),
        "reward_title": reward and reward["title"],
        "bank": len(prompts) or drawn_from(wish.settings),
        "pairs": [asdict(row) for row in rows],
        "files": files,
        "simulated": kinds == {True},
        "campaigns": about,
        "left_out": {why: count for why, count in left_out.items() if count},
        "notices": [],
        "folder": title,
        "sounds": [],
        "further": 0,
    }


def asked_for(wish: Wish) -> tuple[str, ...]:
    """The prompts that were given to draw from; none where nothing is ranked, or the world gives them."""
    return () if wish.settings["given_share"] == 1 else texts_of(wish)


def source_of(wish: Wish) -> str:
    """Where the prompts of candidates come from, in words for the record."""
    if wish.settings["given_share"] == 1:
        return "none: no candidates are made"
    if wish.prompt_set is not None:
        return f"the set {wish.prompt_set}"
    return "given" if wish.prompts else WORLD


def drawn_from(settings: Mapping[str, Any]) -> int:
    """How many prompts the world gives a run: others for each iteration that makes candidates."""
    if settings["given_share"] == 1:
        return 0
    return settings["prompts"] * (settings["iterations"] if settings["online"] else 1)


def voted_pairs(
    store: Store, owner: str, campaigns: Sequence[str]
) -> tuple[list["PairRow"], Counter, list[dict[str, Any]], set[bool]]:
    """What people, or simulated listeners, preferred in these campaigns, as pairs.

    Battles give what the majority chose; labels put every aligned sound before every other one of
    its prompt and task. A pair that is there twice counts once, one that is there both ways not.

    Returns:
        The pairs, what was left out by reason, id, title and judgements of each campaign, and
        whether simulated listeners judged.

    Raises:
        StudioError: people's and simulated ones together, or a campaign of scores.
        NotAllowed: a campaign is somebody else's.
        Unknown: there is no such campaign.
    """
    from pipelines.recipes.crpo.sources import pairs_of_labels, pairs_of_votes
    from pipelines.reward.labels import Pair, read_labels

    found = [own_campaign(store, owner, campaign) for campaign in campaigns]
    told = [source(store, campaign) for campaign in found]
    for one in told:
        if one["why_not"] and one["task"] not in ("baton", PAIRWISE):
            raise StudioError(
                f"“{one['title']}” holds scores, which prefer no sound of a pair; choose a campaign "
                "of labels, or of votes between two sounds."
            )
    kinds = {bool(one["simulated"]) for one in told}
    if len(kinds) > 1:
        raise StudioError(MIXED)
    votes, left_out = [votes_of(store, one) for one in found], Counter()
    labels = [row | {"rater": f"{each.campaign.id[:8]} {row['rater']}"}
              for each in votes if each.task in LABELS for row in each.labels()]  # fmt: skip
    battles = [row for each in votes if each.task == PAIRWISE for row in each.battles()]
    seconds = {row["prompt"]: float(row["seconds"]) for row in (*labels, *battles)}
    once = distinct(labels, left_out)
    read = read_labels({**row, "audio": row["clip"], "group": row["prompt"]} for row in once)
    preferred, why = taught(exports.pairs(battles))
    left_out.update({PLAINLY.get(reason, reason): count for reason, count in why.items()})
    rows = pairs_of_votes(
        [
            Pair(
                prompt=pair.prompt, chosen=pair.chosen, rejected=pair.rejected,
                agreement=share_of(pair), group=pair.prompt,
            )
            for pair in preferred
        ],
        seconds,
    )  # fmt: skip
    rows = one_way([*rows, *pairs_of_labels(read.examples, seconds)], left_out)
    there = [row for row in rows if is_there(store, row)]
    left_out["pairs whose sound is no longer on the disk"] += len(rows) - len(there)
    about = [
        {"id": one["id"], "title": one["title"], "sounds": sounds_of(one)}
        for one in told
    ]  # fmt: skip
    return there, left_out, about, kinds


def one_way(rows: Sequence["PairRow"], left_out: Counter) -> list["PairRow"]:
    """Each pair once; where votes and labels say the opposite of one another, neither."""
    known = {(row.prompt, row.chosen, row.rejected): row for row in reversed(rows)}
    kept = [
        row
        for (prompt, chosen, rejected), row in reversed(known.items())
        if (prompt, rejected, chosen) not in known
    ]
    left_out["pairs that are judged both ways"] += len(known) - len(kept)
    return kept


def is_there(store: Store, row: "PairRow") -> bool:
    """Whether both sounds are on the disk."""
    return all(store.clips.path(key).is_file() for key in (row.chosen, row.rejected))
