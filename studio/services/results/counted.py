"""The votes of a campaign that count, turned into what the statistics read: sides, scores, items."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipelines.errors import StudioError
from pipelines.vote.battles import OUTCOMES, Votes
from studio.store.campaigns import Campaign
from studio.store.store import Store
from studio.store.vote_columns import Columns, ScoreColumns
from studio.store.votes import Exclusion

MOST_GROUPS = 24  # label groups are offered one by one up to this many


@dataclass(frozen=True, kw_only=True)
class Ballots:
    """Live votes of a campaign and which of them are read."""

    campaign: Campaign
    columns: Columns
    counts: np.ndarray  # [votes] not excluded, and on one of the prompts asked for
    excluded: Sequence[Exclusion]  # what is left out now
    left_out: dict[str, int]  # how many votes are not read, by reason

    @property
    def systems(self) -> tuple[str, ...]:
        """The names of the systems, in the campaign's order."""
        return tuple(system["name"] for system in self.campaign.definition["systems"])

    @property
    def titles(self) -> dict[str, str]:
        """How people call the systems, by name."""
        return {system["name"]: system["title"] for system in self.campaign.definition["systems"]}

    @property
    def seed(self) -> int:
        """What every draw of the campaign's results is named by."""
        return int(self.campaign.definition["seed"])

    def of_kind(self, *kinds: str) -> np.ndarray:
        """[votes]: which are read and of one of these kinds."""
        is_kind = np.array([way.kind in kinds for way in self.columns.ways] or [False])
        return self.counts & is_kind[self.columns.way]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Scores of one aspect as columns; a voter's last word on a sound alone."""

    system: np.ndarray  # [scores] names
    voter: np.ndarray  # [scores] place among the voters
    prompt: np.ndarray  # [scores]
    take: np.ndarray  # [scores]
    value: np.ndarray  # [scores] not a number: uncertain

    @property
    def item(self) -> np.ndarray:
        """[scores]: what is judged across systems, a prompt and a take."""
        return self.prompt * (self.take.max(initial=0) + 1) + self.take

    def __len__(self) -> int:
        return len(self.value)


def gather(
    store: Store, campaign: Campaign, *, group: str = "", with_excluded: bool = False
) -> Ballots:
    """The live votes with the owner's exclusions applied, on the prompts of a group.

    Args:
        store: where they are.
        campaign: whose.
        group: a name from `groups`; empty for all prompts.
        with_excluded: whether excluded votes are read all the same.

    Raises:
        StudioError: there is no such group.
    """
    columns = store.columns.votes(campaign.id)
    excluded = active(store.votes.exclusions(campaign.id))
    voters = {one.voter for one in excluded} - {None}
    numbers = [place for place, voter in enumerate(columns.voters) if voter in voters]
    by_voter = np.isin(columns.voter, numbers)
    ids = [one.vote for one in excluded if one.vote]
    by_vote = np.isin(columns.position, store.columns.positions(ids)) & ~by_voter
    on_prompts = np.isin(columns.prompt, prompts_of(campaign.definition, group))
    counts = on_prompts if with_excluded else on_prompts & ~by_voter & ~by_vote
    left_out = {
        "of excluded voters": 0 if with_excluded else int((by_voter & on_prompts).sum()),
        "excluded one by one": 0 if with_excluded else int((by_vote & on_prompts).sum()),
        "taken back": columns.taken_back,
        "on other prompts": int((~on_prompts).sum()),
    }
    return Ballots(
        campaign=campaign,
        columns=columns,
        counts=counts,
        excluded=excluded,
        left_out={reason: count for reason, count in left_out.items() if count},
    )


def active(exclusions: Sequence[Exclusion]) -> list[Exclusion]:
    """What is excluded now: not a lift, and not lifted."""
    lifted = {one.lifts for one in exclusions}
    return [one for one in exclusions if one.lifts is None and one.id not in lifted]


def groups(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The groups of prompts that results can be asked for: tags, how many events, which events.

    Each has name, title and the places of its prompts; one that holds every prompt is none.
    """
    found: dict[str, tuple[str, list[int]]] = {}
    for place, prompt in enumerate(definition["prompts"]):
        for tag in prompt.get("tags", []):
            found.setdefault(f"tag:{tag}", (f"tagged {tag}", []))[1].append(place)
        if labels := prompt.get("labels"):
            count = len(labels)
            title = f"{count} event{'s' * (count != 1)}"
            found.setdefault(f"events:{count}", (title, []))[1].append(place)
            name = ", ".join(sorted(labels))
            found.setdefault(f"labels:{name}", (name, []))[1].append(place)
    single = [name for name in found if name.startswith("labels:")]
    whole = len(definition["prompts"])
    return [
        {"name": name, "title": title, "prompts": places}
        for name, (title, places) in found.items()
        if len(places) < whole and (len(single) <= MOST_GROUPS or name not in single)
    ]


def distinct(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of groups that hold the same prompts the first."""
    first: dict[tuple[int, ...], Mapping[str, Any]] = {}
    for one in found:
        first.setdefault(tuple(one["prompts"]), one)
    return list(first.values())


def prompts_of(definition: Mapping[str, Any], group: str) -> list[int]:
    """The places of a group's prompts; all of them for no name."""
    if not group:
        return list(range(len(definition["prompts"])))
    known = {one["name"]: one["prompts"] for one in groups(definition)}
    if group not in known:
        raise StudioError(
            f"There is no group of prompts {group[:80]!r} here; "
            f"{'choose from ' + ', '.join(known) if known else 'leave it out'}."
        )
    return known[group]


def battles(ballots: Ballots, *kinds: str, outcome: np.ndarray | None = None) -> Votes:
    """The battles of these kinds as the board reads them.

    Args:
        ballots: of a pairwise campaign.
        kinds: "ab", "same_system"; never gold, whose degraded sounds are no system.
        outcome: [votes] another question's outcomes as words; empty where it was not answered.
    """
    columns, number = ballots.columns, {name: at for at, name in enumerate(ballots.systems)}
    codes = {name: at for at, name in enumerate(OUTCOMES)}
    ways = columns.ways
    a = np.array([number.get(way.system_a, -1) for way in ways] or [-1])[columns.way]
    b = np.array([number.get(way.system_b, -1) for way in ways] or [-1])[columns.way]
    if outcome is None:
        code = np.array([codes.get(way.outcome, -1) for way in ways] or [-1])[columns.way]
    else:
        code = np.full(len(columns), -1)
        for name, at in codes.items():
            code[outcome == name] = at
    read = ballots.of_kind(*kinds) & (a >= 0) & (b >= 0) & (code >= 0)
    return Votes(
        systems=ballots.systems,
        a=a[read],
        b=b[read],
        outcome=code[read],
        voter=columns.voter[read],
        prompt=columns.prompt[read],
    )


def outcomes_of(store: Store, ballots: Ballots, aspect: str) -> np.ndarray:
    """[votes]: what each vote said of an aspect; empty where it said nothing."""
    said = aligned(ballots, *store.columns.aspects(ballots.campaign.id))
    found = np.full(len(ballots.columns), "", dtype="<U10")
    of_aspect = said.of_word(0) == aspect
    found[said.row[of_aspect]] = said.of_word(-1)[of_aspect]
    return found


def scored(store: Store, ballots: Ballots, aspect: str) -> Scored:
    """The scores of an aspect; of a voter's several on one sound the last."""
    given = aligned(ballots, *store.columns.scores(ballots.campaign.id))
    read = (given.of_word(-1) == aspect) & ballots.counts[given.row]
    row, columns = given.row[read], ballots.columns
    words = [given.words[at] for at in given.word[read]]
    system = np.array([word[1] for word in words], dtype=str)
    take = np.array([int(word[2]) for word in words], dtype=np.int64)
    cells = list(zip(columns.voter[row], columns.prompt[row], system, take, strict=True))
    last = np.array(sorted({cell: at for at, cell in enumerate(cells)}.values()), dtype=np.int64)
    return Scored(
        system=system[last],
        voter=columns.voter[row][last],
        prompt=columns.prompt[row][last],
        take=take[last],
        value=given.value[read][last],
    )


def aligned(ballots: Ballots, columns: Columns, given: ScoreColumns) -> ScoreColumns:
    """The scores of these ballots' votes, even where votes came or went since they were read."""
    if columns.mark == ballots.columns.mark:
        return given
    position = columns.position[given.row]
    there = np.isin(position, ballots.columns.position)
    return replace(
        given,
        row=np.searchsorted(ballots.columns.position, position[there]),
        word=given.word[there],
        value=given.value[there],
    )


def key_of(campaign: str, voter: str) -> str:
    """A name for the owner's orders, from which nobody gets back to the voter."""
    return hashlib.sha256(f"{campaign} {voter}".encode()).hexdigest()[:20]


def plural(count: int, word: str) -> str:
    """A count with its word.

    >>> plural(1, "vote"), plural(2, "vote")
    ('1 vote', '2 votes')
    """
    return f"{count} {word}{'s' * (count != 1)}"


def percent(share: float) -> str:
    """A share as people read it.

    >>> percent(0.616)
    '62 %'
    """
    return f"{100 * share:.0f} %"
