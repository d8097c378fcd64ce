"""Reward models: asked for, looked at, listened to, used by others, removed. Each is its owner's alone."""

import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.audio import read_audio
from pipelines.errors import StudioError
from studio.jobs import Work, Worker
from studio.refusals import Conflict, Unknown
from studio.services.compare.views import ComparisonViews
from studio.services.engines import Engines
from studio.services.generate.ranking import judge_of
from studio.services.generate.views import Views, standing
from studio.services.reward import files, request
from studio.services.reward.encoders import scorer_in
from studio.services.reward.sources import gather, is_simulated, sources, task_of
from studio.services.reward.training import REWARD, RewardTraining
from studio.services.sound_folders import Sound
from studio.store.jobs import DONE, Job
from studio.store.store import Store

if TYPE_CHECKING:
    from pipelines.reward.scorers import Scorer

CLAP = "clap"  # the reference reward, by the place of an id
MOST_MODELS = 200  # in a list
MOST_SIDES = 200  # pairs of a comparison that are scored


@dataclass(frozen=True)
class Rewards:
    """The use-case behind the Reward tab, its routes and its verb.

    Args:
        store: votes, sounds and jobs.
        engines: CLAP, and the model whose T5 reads prompts.
        data: the data folder.
        cards: draws waveforms.
        comparisons: whose sounds can be scored.
        worker: asked for when needed: the worker knows this work too.
    """

    store: Store
    engines: Engines
    data: Path
    cards: Views
    comparisons: ComparisonViews
    worker: Callable[[], Worker]

    @property
    def training(self) -> RewardTraining:
        """What does the job."""
        return RewardTraining(self.store, self.engines, self.data)

    @property
    def work(self) -> Work:
        """The job, for the worker."""
        return self.training.work

    def sources(self, owner: str) -> dict[str, Any]:
        """The person's campaigns with what each could teach, and the presets of the form."""
        return {"sources": sources(self.store, owner), "presets": request.presets()}

    def submit(self, owner: str, **asked: Any) -> str:
        """Put a training in the row; its id, which is the reward model's.

        Args:
            asked: campaigns, title and settings, as they were sent.

        Raises:
            StudioError: what was asked for cannot be trained.
        """
        job, told = self._ask(owner, **asked)
        return self.worker().submit(REWARD, owner, told, job=job)

    def train_now(
        self, owner: str, on_progress: Callable[[float, str], None], **asked: Any
    ) -> dict[str, Any]:
        """Train here and now, as the command line does; the view."""
        job, told = self._ask(owner, **asked)
        self.worker().run_now(
            REWARD, owner, told, lambda desk: on_progress(desk.progress, desk.note), job=job
        )
        return self.view(job, owner)

    def models(self, owner: str) -> list[dict[str, Any]]:
        """The person's reward models, the newest first, those in the making among them."""
        jobs = self.store.jobs.latest(owner, [REWARD], limit=MOST_MODELS)
        return [self._about(job) for job in jobs if not job.findings.get("removed")]

    def view(self, reward: str, owner: str) -> dict[str, Any]:
        """One as it stands, with its figures once they are there.

        Raises:
            Unknown: there is none of this person by this id.
        """
        from components.reward_words import verdict

        job = self.job_of(reward, owner)
        folder, figures = self.training.folder(job.id), {}
        if job.status == DONE:
            figures = files.read_figures(folder) or {}
        settings = job.request["settings"]
        data = {**job.request["data"], "splits": None, "groups": None}
        found = {
            **self._about(job),
            "is_mine": True,
            "error": job.error,
            "notices": [*job.request["notices"], *job.notices],
            "campaigns": job.request["campaigns"],
            "settings": settings,
            "seed": settings["seed"],
            "versions": job.findings.get("versions", {}),
            "data": {name: figures.get(name, value) for name, value in data.items()},
            "history": files.read_history(folder),
            "kept": figures.get("kept"),
            "figures": figures.get("figures"),
            "histogram": figures.get("histogram"),
            "calibration": figures.get("calibration"),
            "disagreements": self._to_hear(job, figures.get("disagreements")),
            "measured_on": figures.get("measured_on"),
            "folds": figures.get("folds"),
            "took": job.findings.get("took", {}),
        }
        return {**found, "verdict": verdict(found)}

    def sound(self, reward: str, owner: str, place: int) -> Path:
        """Where the sound of one of the disagreements lies, counted from 0."""
        job = self.job_of(reward, owner)
        found = (files.read_figures(self.training.folder(job.id)) or {}).get("disagreements") or []
        if not 0 <= place < len(found):
            raise Unknown(
                f"This reward model has no sound {place + 1} to listen to; reload the page."
            )
        return self.store.clips.path(found[place]["clip"])

    def sides(self, reward: str, owner: str, comparison: str) -> dict[str, Any]:
        """What both sides of a comparison get, and the change with its interval over prompts.

        Of many sounds some are judged at each call; until all are, `judged` and `of` tell how far.
        """
        from studio.services.reward.sides import sides_of

        job, scorer = self.job_of(reward, owner), self.scorer(reward, owner)
        found = sides_of(
            self.store,
            self.engines,
            self.comparisons,
            scorer,
            comparison,
            judge=f"{judge_of(job.id)}@{scorer.revision}",
            most=MOST_SIDES,
        )
        if "of" in found:
            return found
        return {
            **found,
            "reward": job.id,
            "title": job.request["title"],
            "simulated": job.request["simulated"],
        }

    def scorer(self, reward: str, owner: str | None = None) -> "Scorer":
        """The reward model of this id, ready to score; "clap" is the reference reward.

        Args:
            reward: its id.
            owner: whose it must be; None where that was looked at before.

        Raises:
            StudioError: it is not there, not trained to its end, or was trained on other encoders.
        """
        from pipelines.reward.scorers import ClapScorer

        if reward == CLAP:
            return ClapScorer(self.engines.clap())
        return scorer_in(self.training.folder(self.check_ready(reward, owner).id), self.engines)

    def check_ready(self, reward: str, owner: str | None = None) -> Job:
        """The job of a reward model that can score, without loading anything.

        Raises:
            Unknown: there is none of this person by this id.
            Conflict: it is not trained to its end.
        """
        job = self.job_of(reward, owner)
        if job.status != DONE:
            raise Conflict(
                f"The reward model “{job.request['title']}” is {job.status}, so it scores nothing; "
                "choose one that is done."
            )
        return job

    def score_sounds(
        self, reward: str, owner: str, sounds: Sequence[Sound]
    ) -> list[dict[str, Any]]:
        """File, caption and reward of sounds that lie anywhere on this disk.

        Raises:
            StudioError: a sound without a caption, or what `scorer` raises.
        """
        from studio.services.reward.sides import score

        if without := [sound.path.name for sound in sounds if not sound.caption]:
            raise StudioError(
                f"{len(without)} of {len(sounds)} sounds have no caption, the first {without[0]}; "
                "name a CSV with file and caption by --captions."
            )
        scorer = self.scorer(reward, owner)
        captions = [sound.caption for sound in sounds]
        rewards = score(scorer, [read_audio(sound.path) for sound in sounds], captions)
        return [
            {"file": sound.path.name, "caption": sound.caption, "reward": round(float(found), 4),
             "scored_by": scorer.name, "revision": scorer.revision}
            for sound, found in zip(sounds, rewards, strict=True)
        ]  # fmt: skip

    def stop(self, reward: str, owner: str) -> bool:
        """Ask a training to stop; whether there was anything to stop."""
        return self.store.jobs.ask_stop(self.job_of(reward, owner).id, owner)

    def remove(self, reward: str, owner: str) -> None:
        """Take a reward model off the list and off the disk; votes and sounds stay.

        Raises:
            Conflict: it is being trained.
        """
        job = self.job_of(reward, owner)
        if not job.is_over:
            raise Conflict("This reward model is being trained; stop it first.")
        self.store.jobs.change(job.id, findings={**job.findings, "removed": True})
        shutil.rmtree(self.training.folder(job.id), ignore_errors=True)

    def job_of(self, reward: str, owner: str | None) -> Job:
        """The job of a reward model that is this person's.

        Raises:
            Unknown: there is none.
        """
        job = self.store.jobs.get(reward)
        is_theirs = job is not None and job.kind == REWARD and owner in (None, job.owner)
        if not is_theirs or job.findings.get("removed"):
            raise Unknown("There is no such reward model here; choose one from the list.")
        return job

    def _ask(
        self, owner: str, *, campaigns: Any, title: Any = None, settings: Any = None
    ) -> tuple[str, dict[str, Any]]:
        """The id of a new training, whose material is in its folder, and what its job is told."""
        chosen = request.check_settings({} if settings is None else settings)
        wanted = request.check_campaigns(campaigns)
        found, gathered = gather(self.store, owner, wanted, agreeing=chosen.agreeing)
        material = gathered.material
        examples, pairs = len(material.examples), len(material.pairs)
        name = request.check_name(title, [one.definition["title"] for one in found])
        job = uuid.uuid4().hex
        files.write_gathered(self.training.folder(job), gathered)
        prompts = {one.prompt for one in (*material.examples, *material.pairs)}
        return job, {
            "title": name,
            "campaigns": [one.id for one in found],
            "task": task_of(found),
            "simulated": is_simulated(found),
            "settings": chosen.for_count(examples + pairs).plain(),
            "notices": gathered.notices,
            "data": {
                "labels": examples,
                "pairs": pairs,
                "prompts": len(prompts),
                "left_out": gathered.left_out,
            },
        }

    def _about(self, job: Job) -> dict[str, Any]:
        """What a list says of one."""
        asked = job.request
        return {
            **standing(job),
            "title": asked["title"],
            "task": asked["task"],
            "simulated": asked["simulated"],
            **{name: asked["data"][name] for name in ("labels", "pairs", "prompts")},
            "auc": job.findings.get("auc"),
        }

    def _to_hear(self, job: Job, found: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        """The disagreements with the address and the waveform of each sound."""
        if found is None:
            return None
        heard = []
        for place, one in enumerate(found):
            told = {name: value for name, value in one.items() if name != "clip"}
            sound = {"sound": f"reward/{job.id}/sounds/{place}.wav", "peaks": None, "seconds": None}
            if (peaks := self.cards.peaks(one["clip"])) is not None:
                audio, rate = self.store.clips.read(one["clip"])
                sound |= {"peaks": peaks, "seconds": round(audio.shape[1] / rate, 3)}
            heard.append({**told, **sound})
        return heard
