"""What an export is made of: a campaign, its clips and the votes that count, as plain rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.errors import StudioError
from studio.store.campaigns import Campaign, CampaignClip
from studio.store.store import Store
from studio.store.vote_rows import VoteRow, VoteRows, read_votes

PAIRWISE = "pairwise"
LABELS = ("integrity", "temporal")  # BATON's two tasks
SCALES = ("mos", "ovl_rel")
SECRET = ("passphrase",)  # of a definition; never leaves the studio


@dataclass(frozen=True, kw_only=True)
class Material:
    """All of a campaign that may be handed on."""

    campaign: Campaign
    clips: Mapping[tuple[int, str, int], CampaignClip]  # by prompt, system and take
    votes: VoteRows
    fair: bool = False  # sounds as they were played, not as they were made

    @property
    def task(self) -> str:
        """What was asked."""
        return self.campaign.definition["task"]

    @property
    def is_simulated(self) -> bool:
        """Whether the sound-world listener voted, and nobody else."""
        return self.campaign.definition.get("voters") == "simulated"

    def prompt(self, place: int) -> dict[str, Any]:
        """A prompt with its length, labels and tags."""
        found = self.campaign.definition["prompts"][place]
        return {"labels": [], "tags": [], **found}

    def sound(self, prompt: int, system: str, take: int) -> str:
        """The SHA-256 of the sound that is handed on: the fair clip or its source."""
        clip = self.clips[prompt, system, take]
        return clip.clip if self.fair else clip.source

    def battles(self, aspect: str | None = None) -> Iterator[dict[str, Any]]:
        """Pairwise votes as `pipelines.vote.exports.pairs` reads them.

        Args:
            aspect: read the answers to this one; a vote without an answer to it is a skip.
        """
        for vote in self.votes.votes:
            outcome = vote.outcome if aspect is None else vote.aspects.get(aspect, "skip")
            a, b = (self.sound(vote.prompt, *sound) for sound in vote.sounds)
            told = self._told(vote)
            yield {**told, "clip_a": a, "clip_b": b, "outcome": outcome, "kind": vote.kind}

    def labels(self) -> Iterator[dict[str, Any]]:
        """Labels as `pipelines.vote.exports.triplets` reads them."""
        for vote in self.votes.votes:
            for place, _, value in vote.scores:
                yield {
                    **self._told(vote),
                    "clip": self.sound(vote.prompt, *vote.sounds[place]),
                    "label": "uncertain" if value is None else int(value),
                    "task": self.task,
                    "rater": name_of(vote.voter),
                }

    def scores(self) -> Iterator[dict[str, Any]]:
        """Every single score or label, a row each, an uncertain one without a value."""
        for vote in self.votes.votes:
            for place, aspect, value in vote.scores:
                system, take = vote.sounds[place]
                yield {
                    "vote": vote.id,
                    "voter": name_of(vote.voter),
                    "prompt_number": vote.prompt,
                    "prompt": self.prompt(vote.prompt)["text"],
                    "place": place,
                    "system": system,
                    "take": take,
                    "sound": self.sound(vote.prompt, system, take),
                    "aspect": aspect,
                    "value": value,
                }

    def exchange(self) -> Iterator[dict[str, Any]]:
        """Every vote whole, as another studio reads it."""
        for vote in self.votes.votes:
            yield {
                "vote": vote.id,
                "voter": name_of(vote.voter),
                "kind": vote.kind,
                "prompt": vote.prompt,
                "sounds": [{"system": system, "take": take} for system, take in vote.sounds],
                "outcome": vote.outcome,
                "aspects": vote.aspects,
                "reason": vote.reason,
                "scores": [
                    {"place": place, "aspect": aspect, "value": value}
                    for place, aspect, value in vote.scores
                ],
                "heard_ms": list(vote.heard),
                "first_played": vote.first_played,
                "decision_ms": vote.decision_ms,
                "interface": vote.interface,
                "cast_at": vote.created_at,
            }

    def definition(self) -> dict[str, Any]:
        """What the campaign asked, without its secrets."""
        told = self.campaign.definition
        return {key: value for key, value in told.items() if key not in SECRET}

    def _told(self, vote: VoteRow) -> dict[str, Any]:
        """What pairs and labels alike say of their prompt."""
        prompt = self.prompt(vote.prompt)
        return {
            "prompt": prompt["text"],
            "seconds": prompt["seconds"],
            "labels": prompt["labels"],
            "simulated": self.is_simulated,
        }


def read_material(store: Store, campaign: Campaign, *, fair: bool) -> Material:
    """Everything of the campaign as it stands now.

    Raises:
        StudioError: no vote counts.
    """
    clips = {(c.prompt, c.system, c.take): c for c in store.campaigns.clips(campaign.id)}
    votes = read_votes(store.database, campaign.id)
    if not votes.votes:
        why = ", ".join(f"{count} {reason}" for reason, count in votes.left_out.items())
        raise StudioError(
            f"No vote counts in this campaign{f' ({why})' if why else ' yet'}; there is nothing to "
            "take away."
        )
    return Material(campaign=campaign, clips=clips, votes=votes, fair=fair)


def name_of(voter: int) -> str:
    """How a voter is called wherever rows leave the studio."""
    return f"voter {voter}"
