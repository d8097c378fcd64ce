"""Votes of the sound world's listener, through the same door as people's, and never among theirs."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.errors import StudioError
from pipelines.records import digest
from pipelines.seeds import check_seed, fork, numpy_generator
from studio.refusals import Conflict
from studio.services.campaigns.door import campaign_of
from studio.services.engines import Engines
from studio.services.requests import whole
from studio.services.vote.voting import Voting
from studio.store.campaigns import Campaign
from studio.store.store import Store
from studio.store.votes import SIMULATED
from studio.voters import LENGTH, Voter

MOST_VOTERS, MOST_VOTES = 1000, 10_000
TOGETHER = 16  # sounds that the listener hears at once
SCALES = {"mos": (1, 5), "ovl_rel": (0, 100)}
WORTH = {"alignment": "relevance", "REL": "relevance", "quality": "quality", "OVL": "quality"}


@dataclass(frozen=True)
class SimulatedVoters:
    """Has simulated listeners vote in campaigns that are made for them alone."""

    store: Store
    engines: Engines
    voting: Voting

    def simulate(
        self,
        campaign: str,
        *,
        voters: float = 10,
        votes_each: float | None = None,
        seed: int = 0,
        on_progress: Callable[[float, str], None] = lambda share, note: None,
    ) -> dict[str, Any]:
        """Let so many listeners vote until they have nothing more to do; what was cast.

        The same seed gives the same voters, tastes and slips. A second run with it goes on where
        the first stopped.

        Args:
            campaign: one whose voters are "simulated".
            voters: how many.
            votes_each: at most by each; None for all that there is.
            seed: of the voters.
            on_progress: hears how far it is.

        Raises:
            Conflict: the campaign is for people, or not open.
            StudioError: the listener is not there, or a number is out of its limits.
        """
        count = whole("The number of voters", voters, 1, MOST_VOTERS)
        most = MOST_VOTES if votes_each is None else whole("Votes each", votes_each, 1, MOST_VOTES)
        found = campaign_of(self.store, campaign)
        if found.definition["voters"] != "simulated":
            raise Conflict(
                "Simulated listeners vote only in campaigns made for them; make one with "
                "`vote new --simulated`."
            )
        ear = Ear(self, found, check_seed(seed), on_progress)
        cast = Counter()
        for number in range(count):
            on_progress(0.5 + 0.5 * number / count, f"voter {number + 1} of {count} votes")
            cast += ear.vote_as(number, most)
        return {
            "campaign": campaign,
            "voters": count,
            "votes": cast.total(),
            "skips": cast["skip"],
            "seed": seed,
            "simulated": True,
            "listener": f"annotator@{ear.revision}",
        }


class Ear:
    """One listener that has heard all sounds of a campaign, and votes on them as many voters."""

    def __init__(
        self,
        service: SimulatedVoters,
        campaign: Campaign,
        seed: int,
        on_progress: Callable[[float, str], None],
    ) -> None:
        from pipelines.soundworld.voters import holes_in

        self.service, self.campaign, self.seed = service, campaign, seed
        self.task, self.definition = campaign.definition["task"], campaign.definition
        listener = service.engines.listener()
        self.revision = listener.revision
        self.clips = service.store.campaigns.clips(campaign.id)
        self.hearings, self.holes = {}, {}
        for start in range(0, len(self.clips), TOGETHER):
            on_progress(0.5 * start / len(self.clips), f"listening to {len(self.clips)} sounds")
            for clip in self.clips[start : start + TOGETHER]:
                if clip.clip not in self.hearings:
                    sound = self._sound(clip.clip)
                    self.hearings[clip.clip] = listener.hear(*sound)
                    self.holes[clip.clip] = holes_in(*sound)

    def vote_as(self, number: int, most: int) -> Counter[str | None]:
        """Everything that one voter has to say; how many votes it cast, by outcome."""
        from pipelines.soundworld.voters import taste_of

        voter = Voter(id=self._id(number), kind=SIMULATED)
        voting, taste, cast = self.service.voting, taste_of(self.seed, number), Counter()
        labels = self._labels(number)
        voting.join(self.campaign.id, voter)
        while cast.total() < most and "serving" in (shown := voting.next(self.campaign.id, voter)):
            serving = shown["serving"]
            draws = numpy_generator(self.seed, "vote", number, serving["number"])
            said = self._say(serving["id"], taste, labels, draws)
            voting.cast(self._ballot(serving, number, said, draws), voter)
            cast[said.get("outcome")] += 1
        return cast

    def _say(self, serving: str, taste: Any, labels: dict[Any, Any], draws: Any) -> dict[str, Any]:
        """The answer to a serving: outcome and aspects, or scores."""
        from pipelines.soundworld.voters import battle, opinion, score

        shown = self.service.store.servings.get(serving)
        caption = self.definition["prompts"][shown.prompt]["text"]
        if self.task in ("integrity", "temporal"):
            values = [labels[shown.prompt, one.system, one.take] for one in shown.clips]
            return {"scores": self._scores(self.task, values)}
        opinions = [
            opinion(self.hearings[one.clip], caption, self.holes[one.clip]) for one in shown.clips
        ]
        if self.task == "pairwise":
            said = battle(*opinions, taste, draws)
            asked = {name: said[name] for name in self.definition["aspects"] if name in said}
            return {"outcome": said["outcome"], "aspects": asked}
        if not opinions[0].is_known:
            return {"outcome": "skip"}
        step = 0.5 if self.definition["half_steps"] else 1
        scores = []
        for aspect in self.definition["aspects"]:
            worth = [getattr(one, WORTH[aspect]) for one in opinions]
            values = [score(one, SCALES[self.task], step, taste, draws) for one in worth]
            scores += self._scores(aspect, values)
        return {"scores": scores}

    def _labels(self, number: int) -> dict[Any, Any]:
        """The label of each sound by its place, with the errors of BATON's annotators."""
        if self.task not in ("integrity", "temporal"):
            return {}
        from pipelines.soundworld.labels import annotate

        prompts = self.definition["prompts"]
        said = annotate(
            [self.hearings[clip.clip] for clip in self.clips],
            [prompts[clip.prompt]["text"] for clip in self.clips],
            task=self.task,
            seed=fork(self.seed, "labels", number),
        )
        return {
            (clip.prompt, clip.system, clip.take): label.value
            for clip, label in zip(self.clips, said, strict=True)
        }

    def _scores(self, aspect: str, values: list[Any]) -> list[dict[str, Any]]:
        return [
            {"place": place, "aspect": aspect, "value": value} for place, value in enumerate(values)
        ]

    def _ballot(
        self, serving: dict[str, Any], number: int, said: dict[str, Any], draws: Any
    ) -> dict[str, Any]:
        """The vote as a client sends it."""
        lasting = [round(sound["seconds"] * 1000) for sound in serving["sounds"]]
        name = hashlib.sha256(f"{serving['id']} {self.seed} {number}".encode()).hexdigest()
        return {
            "id": str(uuid.UUID(name[:32])),
            "serving": serving["id"],
            "nonce": serving["nonce"],
            "action": "cast",
            **said,
            "heard": lasting,
            "first_played": int(draws.integers(len(lasting))),
            "decision_ms": int(sum(lasting) * draws.uniform(1.1, 2.0)),
            "interface": f"simulated listener {self.revision[:12]}",
        }

    def _id(self, number: int) -> str:
        """The id of a voter: of no person, for no cookie hashes to it.

        Equal campaigns have equal voters, so that they are shown the same.
        """
        words = f"simulated {digest(self.definition)} {self.seed} {number}"
        return hashlib.sha256(words.encode()).hexdigest()[:LENGTH]

    def _sound(self, clip: str) -> tuple[Any, int]:
        path = self.service.store.clips.path(clip)
        if not path.is_file():
            raise StudioError("A sound of this campaign is no longer on the disk; make it again.")
        return self.service.store.clips.read(clip)
