"""Every battle that a campaign's sounds allow, and which of them a voter is shown next."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.seeds import fork, numpy_generator
from studio.store.campaigns import DEGRADED, CampaignClip

if TYPE_CHECKING:
    from pipelines.vote.pairing import Match
    from pipelines.vote.ratings import Ratings

Sound = tuple[int, str, int]  # prompt, system, take


@dataclass(frozen=True, kw_only=True)
class Battle:
    """What is shown: a sound on side A, one on side B, and why."""

    kind: str  # of pipelines.vote.pairing.KINDS
    a: Sound
    b: Sound
    answer: int  # for gold the place of the sound that was not degraded, else -1


class Matches:
    """All battles of a pairwise campaign: two systems' same takes, two takes of one, sound and twin.

    Of battles that are as good as each other only one, drawn by the seed, is handed to `choose`:
    the outcome is the same, and the cost does not grow with the prompts.
    """

    def __init__(self, definition: Mapping[str, Any], clips: Sequence[CampaignClip]) -> None:
        self.systems = tuple(system["name"] for system in definition["systems"])
        self.rates = {name: definition[name] for name in ("gold", "same_system")}
        number = {name: place for place, name in enumerate(self.systems)}
        found: list[tuple[str, tuple[int, ...], Sound, Sound]] = []
        for prompt, there in by_prompt(clips).items():
            for one, two in combinations(sorted(there), 2):
                kind = kind_of(one, two)
                if kind:
                    places = [number[name.removesuffix(DEGRADED)] for name, _ in (one, two)]
                    pair = tuple(sorted(places)) if kind == "ab" else ()
                    found.append((kind, pair, (prompt, *one), (prompt, *two)))
        found.sort(key=lambda row: row[:2])  # each group's battles lie side by side
        self.kinds = [row[0] for row in found]
        self.sounds = [row[2:] for row in found]
        self.place = {frozenset(pair): place for place, pair in enumerate(self.sounds)}
        self.prompts = np.array([pair[0][0] for pair in self.sounds], dtype=np.int64)
        heads = [row[:2] for row in found]
        self.groups = list(dict.fromkeys(heads))
        self.group = np.array([self.groups.index(head) for head in heads], dtype=np.int64)
        each = {s: place for place, s in enumerate(sorted({s for p in self.sounds for s in p}))}
        self.ends = np.array([[each[s] for s in p] for p in self.sounds], dtype=np.int64)
        self.number = number

    def __len__(self) -> int:
        return len(self.sounds)

    def next(
        self,
        served: np.ndarray,
        judged: Iterable[int],
        open_prompts: Iterable[int],
        ratings: "Ratings",
        seed: int,
    ) -> Battle | None:
        """The next battle for one voter, or None when nothing is left.

        Args:
            served: [matches] how often each was shown, to anyone.
            judged: the matches that this voter was shown.
            open_prompts: the prompts that still want votes.
            ratings: of the votes so far, by `systems`.
            seed: of this serving.
        """
        from pipelines.vote.pairing import Rates, choose

        left = np.isin(self.prompts, list(open_prompts))
        left[list(judged)] = False
        if not left.any():
            return None
        heard = np.zeros(int(self.ends.max()) + 1, dtype=np.int64)
        np.add.at(heard, self.ends.ravel(), np.repeat(served, 2))
        exposure = heard[self.ends].sum(axis=1)
        order = np.lexsort((numpy_generator(seed, "even").random(len(self)), exposure, served))
        order = order[left[order]]
        _, first = np.unique(self.group[order], return_index=True)
        offered = {str(at): int(at) for at in order[np.sort(first)]}
        pool = [self._match(at, served, exposure) for at in offered.values()]
        choice = choose(pool, ratings, seed=seed, rates=Rates(**self.rates))
        at = offered[choice.match.prompt]
        one, two = self.sounds[at]
        a, b = (two, one) if choice.turned else (one, two)
        answer = int(a[1].endswith(DEGRADED)) if self.kinds[at] == "gold" else -1
        return Battle(kind=self.kinds[at], a=a, b=b, answer=answer)

    def _match(self, at: int, served: np.ndarray, exposure: np.ndarray) -> "Match":
        from pipelines.vote.pairing import Match

        one, two = self.sounds[at]
        places = [self.number[s[1].removesuffix(DEGRADED)] for s in (one, two)]
        return Match(
            prompt=str(at),
            first=f"{at}/0",
            second=f"{at}/1",
            systems=(places[0], places[1]),
            kind=self.kinds[at],
            served=int(served[at]),
            exposure=int(exposure[at]),
        )


def by_prompt(clips: Sequence[CampaignClip]) -> dict[int, list[tuple[str, int]]]:
    """System and take of each sound, by prompt."""
    there: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for clip in clips:
        there[clip.prompt].append((clip.system, clip.take))
    return there


def kind_of(one: tuple[str, int], two: tuple[str, int]) -> str | None:
    """Why two sounds of a prompt may be set against each other, or None when they may not."""
    is_spoiled = [name.endswith(DEGRADED) for name, _ in (one, two)]
    same_system = one[0].removesuffix(DEGRADED) == two[0].removesuffix(DEGRADED)
    if any(is_spoiled):
        return "gold" if same_system and not all(is_spoiled) and one[1] == two[1] else None
    if same_system:
        return "same_system"
    return "ab" if one[1] == two[1] else None


def seed_of(campaign_seed: int, voter: str, number: int) -> int:
    """The seed of one serving; from it everything about the serving is drawn."""
    return fork(campaign_seed, "serving", voter, number)
