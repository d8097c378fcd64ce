"""What a campaign's votes add up to: counts by item and by battle, kept up with the store."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.vote.battles import BOTH_BAD, JUDGED, OUTCOMES, SKIP, Tally
from studio.services.vote.matches import Matches
from studio.store.campaigns import CLOSED, OPEN, Campaign, CampaignClip
from studio.store.servings import Serving
from studio.store.store import Store
from studio.store.votes import Vote

if TYPE_CHECKING:
    from pipelines.vote.ratings import Ratings

Item = tuple[int, str | None, int | None]  # prompt; system, or take, of tasks that judge sets
LABELS = ("integrity", "temporal")
SKIPPED = "skip"
FRESH_VOTES, FRESH_SECONDS = 20, 3.0  # ratings steer which pair is asked; older ones steer as well
PENDING_SECONDS = 1800  # who has not voted by then has probably gone


class Standing:
    """One campaign's sounds and counts; every method may be called from any thread."""

    def __init__(self, store: Store, campaign: Campaign) -> None:
        self.store, self.id, self.definition = store, campaign.id, campaign.definition
        self.task = campaign.definition["task"]
        self.is_simulated = campaign.definition["voters"] == "simulated"  # then no clock decides
        self.clips: dict[tuple[int, str, int], CampaignClip] = {
            (clip.prompt, clip.system, clip.take): clip for clip in store.campaigns.clips(self.id)
        }
        self.sizes = store.servings.sizes(self.id)
        is_pairwise = self.task == "pairwise"
        self.matches = Matches(self.definition, list(self.clips.values())) if is_pairwise else None
        self.items = items_of(self.task, self.clips)
        self.lock = threading.RLock()
        self._empty()

    def _empty(self) -> None:
        self.position, self.forgotten = 0, 0
        self.votes: Counter[Item] = Counter()  # those that count towards the votes wanted
        self.pending: dict[str, tuple[float, Item, int]] = {}  # shown here and not yet voted on
        systems = len(self.definition["systems"])
        self.served = np.zeros(len(self.matches) if self.matches else 0, dtype=np.int64)
        self.games = np.zeros((systems, systems, len(OUTCOMES)))
        self.rated: tuple[float, int, Ratings] | None = None

    def refresh(self) -> None:
        """Take in the votes that came since the last look, here or through another process."""
        with self.lock:
            rows, forgotten = self.store.votes.tally(self.id, self.position)
            if forgotten != self.forgotten and self.position:  # votes are gone: count anew
                self._empty()
                rows, forgotten = self.store.votes.tally(self.id)
            self.forgotten = forgotten
            for row in rows:
                self.position = max(self.position, row.position)
                self._count(row)

    def _count(self, row: Any) -> None:
        if row.outcome != SKIPPED and row.kind in ("ab", "set"):
            self.votes[item_of(self.task, row.prompt, row.system_a, row.take_a)] += int(row.votes)
        if self.matches is None:
            return
        one = (row.prompt, row.system_a, row.take_a)
        two = (row.prompt, row.system_b, row.take_b)
        place = self.matches.place.get(frozenset((one, two)))
        if place is not None:
            self.served[place] += int(row.votes)
        if row.kind == "ab":
            sides = [self.matches.number[name] for name in (row.system_a, row.system_b)]
            self.games[(*sides, OUTCOMES.index(row.outcome))] += int(row.votes)

    def show(self, serving: Serving) -> None:
        """Count sounds that are before a voter as good as judged, so that others get other ones."""
        first = serving.clips[0]
        item = item_of(self.task, serving.prompt, first.system, first.take)
        with self.lock:
            self.pending[serving.id] = (time.monotonic(), item, self.match_of(serving))

    def match_of(self, serving: Serving) -> int:
        """The place of a battle among the matches, -1 for none."""
        if self.matches is None:
            return -1
        sounds = frozenset((serving.prompt, clip.system, clip.take) for clip in serving.clips)
        return self.matches.place.get(sounds, -1)

    def settle(self, serving: str) -> None:
        """The voter has said something; the vote itself comes by `refresh`."""
        with self.lock:
            self.pending.pop(serving, None)

    def shown(self) -> tuple[Counter[Item], np.ndarray]:
        """How often each item and each match was judged or is before a voter now."""
        with self.lock:
            since = time.monotonic() - PENDING_SECONDS
            self.pending = {s: kept for s, kept in self.pending.items() if kept[0] > since}
            items, served = Counter(self.votes), self.served.copy()
            for _, item, match in self.pending.values():
                items[item] += 1
                if match >= 0:
                    served[match] += 1
            return items, served

    def wanting(self) -> list[Item]:
        """The items that have fewer votes than wanted."""
        wanted = self.definition["votes_wanted"]
        with self.lock:
            return [item for item in self.items if self.votes[item] < wanted]

    def ratings(self) -> "Ratings":
        """The board's ratings, at most FRESH_VOTES and FRESH_SECONDS old."""
        from pipelines.vote.ratings import rate

        with self.lock:
            votes, moment = int(self.games.sum()), time.monotonic()
            if self.rated is None or self._are_old(votes, moment):
                self.rated = (moment, votes, rate(self._tally()))
            return self.rated[2]

    def _are_old(self, votes: int, moment: float) -> bool:
        rated_at, counted, _ = self.rated
        waited = 0.0 if self.is_simulated else moment - rated_at
        return votes != counted and (abs(votes - counted) >= FRESH_VOTES or waited >= FRESH_SECONDS)

    def _tally(self) -> Tally:
        return Tally(
            systems=self.matches.systems,
            games=self.games[..., :JUDGED].copy(),
            both_bad=self.games[..., BOTH_BAD],
            skipped=int(self.games[..., SKIP].sum()),
        )


class Standings:
    """The standing of each campaign that is or was open, made at the first question."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.known: dict[str, Standing] = {}
        self.lock = threading.Lock()

    def of(self, campaign: Campaign) -> Standing:
        """Its standing, with all votes up to now."""
        with self.lock:
            found = self.known.get(campaign.id) or Standing(self.store, campaign)
            if campaign.status in (OPEN, CLOSED):  # else more sounds may come
                self.known[campaign.id] = found
        found.refresh()
        return found

    def settle(self, vote: Vote) -> None:
        """The voter has said something, so these sounds are no longer before anyone."""
        found = self.known.get(vote.campaign)
        if found is not None:
            found.settle(vote.serving)


def item_of(task: str, prompt: int, system: str | None, take: int | None) -> Item:
    """What is judged together, and wants its number of votes."""
    if task == "pairwise":
        return prompt, None, None
    return (prompt, system, None) if task in LABELS else (prompt, None, take)


def items_of(task: str, sounds: Mapping[tuple[int, str, int], Any] | Sequence[Any]) -> list[Item]:
    """Every item of a campaign with these sounds, in order."""
    found = dict.fromkeys(item_of(task, *sound) for sound in sounds)
    return sorted(found, key=lambda item: (item[0], item[1] or "", item[2] or 0))
