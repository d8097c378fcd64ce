"""What a page may show of jobs and candidates, as plain values: no sound, no path, no model."""

import base64
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.audio import mono, read_audio
from pipelines.errors import StudioError
from pipelines.records import SHORTCUTS
from studio.services.engines import Engines
from studio.services.generate.batches import GENERATE
from studio.services.generate.judging import CLAP, LISTENER
from studio.services.generate.ranking import RANKING, about, judge_of, rank_within_prompts
from studio.store.candidates import StoredCandidate
from studio.store.jobs import Job
from studio.store.store import Store

PEAKS = 240  # points of the drawn waveform
SETTINGS = ("model", "seed", "steps", "guidance", "sampler", "dtype", "seconds")


@dataclass(frozen=True)
class Views:
    """Read-only answers for the page, the command line and the named endpoint."""

    store: Store
    engines: Engines

    def job(self, job_id: str, owner: str) -> dict[str, Any]:
        """A job with its candidates, in the order they were asked for.

        Raises:
            StudioError: there is no such job of this person.
        """
        return self._job(self.job_of(job_id, owner), owner)

    def history(self, owner: str, *, limit: int = 20, before: str = "") -> list[dict[str, Any]]:
        """This person's runs, the newest first, older than `before` (an ISO moment)."""
        found = self.store.jobs.latest(owner, [GENERATE], limit=limit, before=before)
        return [self._job(job, owner) for job in found]

    def favourites(self, owner: str) -> list[dict[str, Any]]:
        """The candidates that this person likes, the latest first."""
        return self.cards(self.store.candidates.favourites(owner), owner)

    def cards(
        self, ids: list[str], owner: str, *, reward: str | None = None, weight: float = 1.0
    ) -> list[dict[str, Any]]:
        """Candidates as cards, each with its place among those of its prompt.

        Args:
            ids: of the candidates.
            owner: whose favourites are marked.
            reward: the reward model that ranks; None: CLAP does.
            weight: its share of the score; CLAP has the rest.
        """
        said = self.store.candidates.judgements(ids)
        liked = set(self.store.candidates.favourites(owner))
        cards = [
            self._card(found, said[found.id], found.id in liked, reward)
            for found in self.store.candidates.find(ids)
        ]
        rank_within_prompts(cards, 0.0 if reward is None else weight)
        return cards

    def rankings(self, job_id: str, owner: str) -> dict[str, dict[str, Any]]:
        """Place and score of each ranked candidate of a run, with what ranked it, by its id."""
        run = self.job(job_id, owner)
        return {
            card["id"]: {**card[RANKING], **run[RANKING]}
            for card in run["cards"]
            if card[RANKING] and run[RANKING]
        }

    def candidate(self, candidate: str) -> StoredCandidate:
        """The stored candidate of this id."""
        found = self.store.candidates.find([candidate])
        if not found:
            raise StudioError(f"There is no candidate {candidate[:40]!r}; reload the page.")
        return found[0]

    def events(self, candidate: str) -> list[list[Any]] | None:
        """What the listener heard, as [label, onset, offset]; None before it listened."""
        heard = spoken(self.store.candidates.judgements([candidate])[candidate], LISTENER)
        return None if heard is None else heard["events"]

    def job_of(self, job_id: str, owner: str) -> Job:
        """The job, if it is this person's."""
        job = self.store.jobs.get(job_id)
        if job is None or job.owner != owner or job.kind != GENERATE:
            raise StudioError("There is no such run here; reload the page.")
        return job

    def _job(self, job: Job, owner: str) -> dict[str, Any]:
        ids, asked = list(dict.fromkeys(job.candidates)), job.request
        ranked = {"reward": asked.get("reward"), "weight": asked.get("reward_weight", 1.0)}
        return {
            **standing(job),
            "phase": job.phase,
            "request": job.request,
            "wanted": len(job.request["prompts"]) * job.request["count"],
            RANKING: about(asked, job.findings),
            "cards": self.cards(ids, owner, **ranked),
        }

    def _card(
        self, found: StoredCandidate, said: dict[str, Any], liked: bool, reward: str | None
    ) -> dict[str, Any]:
        heard, clap = spoken(said, LISTENER), spoken(said, CLAP)
        scored = None if reward is None else spoken(said, judge_of(reward))
        return {
            "id": found.id,
            "clip": found.clip,
            "title": self.engines.title(found.recipe["model"]) if found.recipe["adapter"] else None,
            "prompt": found.recipe["prompt"],
            "seconds": round(found.samples / found.sample_rate, 3),
            "sample_rate": found.sample_rate,
            "channels": found.channels,
            "settings": {
                name: found.recipe[name]
                for name in (*SETTINGS, *SHORTCUTS)  # a shortcut is named where it was taken
                if name in found.recipe
            },
            "recipe": found.recipe,
            "timings": {k: round(v, 4) for k, v in found.timings.items()},
            "peaks": self.peaks(found.clip),
            "is_favourite": liked,
            "clap": None if clap is None else clap["score"],
            "reward": None if scored is None else scored["score"],
            "hearing": {k: heard[k] for k in ("events", "integrity", "order", "asked", "missing")}
            if heard
            else None,
            "created_at": found.created_at,
        }

    def peaks(self, clip: str) -> str | None:
        """The waveform as base64 of 240 bytes, the largest level of each part; None: clip lost."""
        try:
            return peaks_of(self.store.clips.path(clip))
        except StudioError:
            return None


def spoken(said: dict[str, dict[str, Any]], judge: str) -> dict[str, Any] | None:
    """The last word of a judge, of whatever revision; None before it spoke.

    Args:
        said: by judge, the latest last, as in "clap:reward@1f"; without a revision in older stores.
        judge: without its revision.
    """
    found = [word for name, word in said.items() if name.split("@")[0] == judge]
    return found[-1] if found else None


def standing(job: Job) -> dict[str, Any]:
    """How far a job is, in what any page says of it."""
    return {
        "id": job.id,
        "status": job.status,
        "is_over": job.is_over,
        "progress": round(job.progress, 4),
        "note": "stopping after this step" if job.stop_asked and not job.is_over else job.note,
        "notices": job.notices,
        "error": job.error,
        "created_at": job.created_at,
    }


@lru_cache(maxsize=2048)
def peaks_of(path: Path) -> str:
    """The peaks of the clip at this path; clips never change, so each is read once."""
    audio, _ = read_audio(path)
    parts = np.array_split(np.abs(mono(audio)), PEAKS)
    levels = [part.max() if part.size else 0.0 for part in parts]
    return base64.b64encode((np.clip(levels, 0, 1) * 255).astype(np.uint8)).decode()
