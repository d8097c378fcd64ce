"""What a voter is shown next, and what of it may be told before the vote."""

import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from pipelines.seeds import numpy_generator
from studio.services.vote.hearing import needed_ms
from studio.services.vote.matches import Sound, seed_of
from studio.services.vote.standing import Item, Standing, item_of
from studio.store.candidates import now
from studio.store.servings import Served, Serving, Shown
from studio.store.store import Store
from studio.store.votes import Vote

TRIES = 5  # a voter asks twice at once, from two windows; each time one of them is first


@dataclass(frozen=True)
class Server:
    """Chooses, remembers and describes servings."""

    store: Store

    def open_one(self, standing: Standing, voter: str) -> Serving | None:
        """The serving before this voter: the first without a vote, else a new one; None: no more."""
        for _ in range(TRIES):
            shown = self.store.servings.of_voter(standing.id, voter)
            waiting = [one.serving for one in shown if not one.is_voted]
            if waiting:
                return waiting[0]
            made = self._make(standing, voter, shown)
            if made is None or self.store.servings.add(made):
                if made is not None:
                    standing.show(made)
                return made
        raise RuntimeError(f"voter {voter} is served by {TRIES} requests at once")

    def _make(self, standing: Standing, voter: str, shown: list[Shown]) -> Serving | None:
        number = len(shown)
        most = standing.definition["most_per_voter"]
        if most is not None and number >= most:
            return None
        seed = seed_of(standing.definition["seed"], voter, number)
        if standing.matches is not None:
            return self._battle(standing, voter, shown, seed)
        return self._set(standing, voter, shown, seed)

    def _battle(
        self, standing: Standing, voter: str, shown: list[Shown], seed: int
    ) -> Serving | None:
        judged = [standing.match_of(one.serving) for one in shown]
        battle = standing.matches.next(
            standing.shown()[1],
            [place for place in judged if place >= 0],
            {prompt for prompt, _, _ in standing.wanting()},
            standing.ratings(),
            seed,
        )
        if battle is None:
            return None
        sounds = [battle.a, battle.b]
        return serving_of(standing, voter, len(shown), battle.kind, sounds, battle.answer)

    def _set(self, standing: Standing, voter: str, shown: list[Shown], seed: int) -> Serving | None:
        judged = {item_of_serving(standing.task, one.serving) for one in shown}
        left = [item for item in standing.wanting() if item not in judged]
        if not left:
            return None
        counts, _ = standing.shown()
        least = min(counts[item] for item in left)
        pool = [item for item in left if counts[item] == least]
        draws = numpy_generator(seed, "item and order")
        item = pool[int(draws.integers(len(pool)))]
        sounds = [s for s in standing.clips if item_of(standing.task, *s) == item]
        ordered = [sounds[place] for place in draws.permutation(len(sounds))]
        return serving_of(standing, voter, len(shown), "set", ordered, -1)

    def view(
        self, standing: Standing, serving: Serving, vote: Vote | None, is_revealed: bool
    ) -> dict[str, Any]:
        """A serving as the browser may see it: nothing in it tells the system."""
        prompt = standing.definition["prompts"][serving.prompt]
        return {
            "id": serving.id,
            "nonce": serving.nonce,
            "task": standing.task,
            "number": serving.number,
            "position": serving.number + 1,
            "of": most_for_one(standing),
            "prompt": prompt["text"],
            "seconds": serving.clips[0].seconds,
            "sounds": [
                {
                    "token": clip.token,
                    "url": f"studio/vote/sounds/{clip.token}.wav",
                    "seconds": clip.seconds,
                    "sample_rate": standing.sizes[clip.clip][1],
                }
                for clip in serving.clips
            ],
            "needs_ms": needed_ms(serving, standing.definition["heard_share"]),
            "draft": None if vote else self.store.servings.draft(serving.id),
            "vote": vote and vote_view(vote, is_revealed),
        }


def serving_of(
    standing: Standing,
    voter: str,
    number: int,
    kind: str,
    sounds: list[Sound],
    answer: int,
) -> Serving:
    """A serving of these sounds in this order, each under a name that nobody can guess."""
    name = uuid.uuid4().hex
    clips = []
    for prompt, system, take in sounds:
        clip = standing.clips[(prompt, system, take)].clip
        samples, sample_rate = standing.sizes[clip]
        clips.append(
            Served(
                system=system,
                take=take,
                clip=clip,
                token=name + secrets.token_hex(16),
                seconds=round(samples / sample_rate, 3),
            )
        )
    return Serving(
        id=name,
        campaign=standing.id,
        voter=voter,
        number=number,
        kind=kind,
        prompt=sounds[0][0],
        clips=tuple(clips),
        answer=answer,
        nonce=secrets.token_hex(16),
        created_at=now(),
    )


def item_of_serving(task: str, serving: Serving) -> Item:
    """What a serving asks about."""
    first = serving.clips[0]
    return item_of(task, serving.prompt, first.system, first.take)


def most_for_one(standing: Standing) -> int:
    """How many servings one voter can get at most."""
    there = len(standing.items if standing.matches is None else standing.matches)
    most = standing.definition["most_per_voter"]
    return there if most is None else min(most, there)


def vote_view(vote: Vote, is_revealed: bool) -> dict[str, Any]:
    """A vote as the page shows it to its voter."""
    return {
        "id": vote.id,
        "revision": vote.revision,
        "outcome": vote.outcome,
        "aspects": vote.aspects,
        "reason": vote.reason,
        "scores": [{"place": p, "aspect": a, "value": v} for p, a, v in vote.scores],
        "is_revealed": is_revealed,
    }
