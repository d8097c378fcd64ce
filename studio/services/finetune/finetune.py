"""Fine-tuning behind the page: what can be trained on what, runs begun, stopped, kept and removed."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import StudioError
from studio.config import Config
from studio.jobs import Worker
from studio.refusals import Conflict
from studio.services.adapters import TITLE_LENGTH
from studio.services.finetune.crpo.estimate import crpo_estimate
from studio.services.finetune.crpo.request import check_wish as check_crpo_wish
from studio.services.finetune.crpo.settings import check_shared
from studio.services.finetune.crpo.settings import usual_settings as crpo_usual
from studio.services.finetune.crpo.views import counts_of as crpo_counts
from studio.services.finetune.estimate import Estimates
from studio.services.finetune.folders import PAIRS, SHARED_SOUNDS, Folders
from studio.services.finetune.further import Further
from studio.services.finetune.own_data import OWN_DATA, SCENES
from studio.services.finetune.request import (
    CLAP,
    CRPO,
    MOST_UNLABELLED,
    SHARED_STEPS,
    SHARED_UNLABELLED,
    Wish,
    check_title,
    check_wish,
    recipe_in,
    wish_from_plain,
)
from studio.services.finetune.room import check_alone, check_room
from studio.services.finetune.run import FINETUNE, Run
from studio.services.finetune.settings import for_own_sounds, steps_of, usual_settings
from studio.services.finetune.views import FinetuneViews
from studio.services.generate.making import Maker
from studio.services.prompt_sets import prompt_sets
from studio.services.requests import whole
from studio.services.reward.sources import sources
from studio.store.jobs import DONE, WAITING, Job
from studio.store.store import Store

if TYPE_CHECKING:
    from studio.services.reward.rewards import Rewards

UPLOAD_MB, SHARED_UPLOAD_MB = 1000, 100


@dataclass(frozen=True)
class Finetune:
    """The use-case behind the Finetune tab, its routes and its verb.

    Args:
        run: does the job.
        views: what the page is told of runs.
        estimates: how long and how much memory, by a probe on this machine.
        rewards: of the person.
        choices: title and name of every model.
        worker: asked for when needed: the worker knows this work too.
    """

    run: Run
    views: FinetuneViews
    estimates: Estimates
    rewards: "Rewards"
    choices: Callable[[], list[tuple[str, str]]]
    worker: Callable[[], Worker]

    def sources(self, owner: str) -> dict[str, Any]:
        """Bases, campaigns, rewards and folders to choose from, and the limits."""
        is_shared = self.run.config.is_shared
        scorers = [one for one in self.rewards.models(owner) if one["status"] == DONE]
        told = ("id", "title", "auc", "simulated")
        reference = {"id": CLAP, "title": "CLAP, as it is", "auc": None, "simulated": False}
        return {
            "bases": [self._base(title, name) for title, name in self.choices()],
            "campaigns": [self._campaign(one) for one in sources(self.run.store, owner)],
            "rewards": [*({name: one[name] for name in told} for one in scorers), reference],
            "folders": self.run.folders.listing(owner),
            "pair_sets": self.run.folders.listing(owner, PAIRS),
            "pretraining": {name: {"scenes": SCENES} for name in OWN_DATA},
            "prompt_sets": prompt_sets(),
            "limits": {
                "steps": SHARED_STEPS if is_shared else None,
                "unlabelled": SHARED_UNLABELLED if is_shared else MOST_UNLABELLED,
                "folder_mb": self.most_upload_mb,
                "folder_sounds": SHARED_SOUNDS if is_shared else None,
            },
        }

    @property
    def most_upload_mb(self) -> int:
        """How large a zip may be, in MB."""
        return SHARED_UPLOAD_MB if self.run.config.is_shared else UPLOAD_MB

    def estimate(self, owner: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Steps, seconds, memory and data of a wish, before anything is begun.

        Raises:
            StudioError: what was asked for cannot be trained.
        """
        wish, data, counts = self._checked(owner, asked)
        told = crpo_estimate if wish.recipe == CRPO else Estimates.of
        found = told(self.estimates, wish, counts)
        return {**found, "data": counts, "notices": data["notices"]}

    def start(self, owner: str, asked: Mapping[str, Any]) -> str:
        """Put a run in the row; its id.

        Raises:
            StudioError: what was asked for cannot be trained, or one of theirs is under way.
        """
        jobs = self.run.store.jobs
        wish, *_ = self._checked(owner, asked)
        check_alone(jobs, owner)
        check_room(self.run.config, jobs, self.run.engines.adapters, owner)
        return self.worker().submit(FINETUNE, owner, wish.plain())

    def start_now(
        self, owner: str, asked: Mapping[str, Any], on_progress: Callable[[float, str], None]
    ) -> dict[str, Any]:
        """Do a run here and now, as the command line does; its view."""
        wish, *_ = self._checked(owner, asked)
        done = self.worker().run_now(
            FINETUNE, owner, wish.plain(), lambda desk: on_progress(desk.progress, desk.note)
        )
        return self.views.view(done.id, owner)

    def stop(self, owner: str, run: str) -> bool:
        """Ask a run to save and stop."""
        return self.run.store.jobs.ask_stop(self.views.job_of(run, owner).id, owner)

    def resume(self, owner: str, run: str) -> None:
        """Go on with a run that was stopped or failed, from its last checkpoint.

        Raises:
            Conflict: it is under way, being stopped, or done.
        """
        self.run.store.jobs.begin_again(self._resumable(owner, run).id)
        self.worker().called.set()

    def resume_now(
        self, owner: str, run: str, on_progress: Callable[[float, str], None]
    ) -> dict[str, Any]:
        """The same here and now, as the command line does, also after it was killed; its view."""
        worker = self.worker()
        worker.put_back()
        job = self.views.job_of(run, owner)
        if job.status != WAITING:
            self._resumable(owner, run)
        self.run.store.jobs.begin_again(job.id, worker=worker.name)
        worker.do_now(job.id, lambda desk: on_progress(desk.progress, desk.note))
        return self.views.view(job.id, owner)

    def keep(self, owner: str, run: str, title: Any, iteration: Any = None) -> dict[str, Any]:
        """Keep the adapter of a finished run as a model, or give its model another title.

        Args:
            owner: whose run it must be.
            run: its id.
            title: of the model.
            iteration: of a CRPO run, from 1: any that is done, whether or not the run is; None: its last.

        Raises:
            Conflict: the run, or the iteration, is not done.
        """
        job = self.views.job_of(run, owner)
        wish = wish_from_plain(job.request)
        if iteration is not None:
            self._check_iteration(job, wish, iteration)
        elif job.status != DONE:
            raise Conflict(f"This run is {job.status}; its model can be kept when it is done.")
        name = check_title(title)
        if name is None:
            raise StudioError(f"The title is empty; give 1 to {TITLE_LENGTH} characters.")
        last = wish.settings["iterations"] if wish.recipe == CRPO else None
        self.run.keep_as(job, name, last if iteration is None else iteration)
        if iteration in (None, last):
            self.run.store.jobs.change(job.id, findings={**job.findings, "title": name})
        return self.views.view(job.id, owner)

    def _check_iteration(self, job: Job, wish: Wish, iteration: Any) -> None:
        """Nothing, or a refusal unless a CRPO run has done this iteration."""
        if wish.recipe != CRPO:
            raise StudioError("This run has no iterations; leave the iteration out.")
        number = whole("The iteration", iteration, 1, wish.settings["iterations"])
        if self.views.adapter_in(job, number) is None:
            raise Conflict(f"Iteration {number} is not done yet; wait for it, or resume the run.")

    def remove(self, owner: str, run: str, what: Any = None) -> None:
        """Remove a run's model, its files, or both; what its model made stays.

        Args:
            what: "model", "run", or None for both.

        Raises:
            Conflict: the run is under way.
        """
        job = self.views.job_of(run, owner)
        if not job.is_over:
            raise Conflict("This run is under way; stop it first.")
        if what not in (None, "model", "run"):
            raise StudioError(f"What to remove is {str(what)[:40]!r}; it must be model or run.")
        if what != "run":
            for model in self.views.models_of(job):
                if self._is_last(job, model["hash"]):
                    self.run.engines.adapters.remove(model["name"])
        if what != "model":
            self.run.store.jobs.change(job.id, findings={**job.findings, "removed": True})
            shutil.rmtree(self.run.folder(job.id).path, ignore_errors=True)

    def add_folder(self, owner: str, path: Path, title: str | None = None) -> dict[str, Any]:
        """Take in a creator's zip of sounds and captions."""
        return self.run.folders.add(owner, path, title)

    def remove_folder(self, owner: str, folder: str) -> None:
        """Delete a creator's folder."""
        self.run.folders.remove(owner, folder)

    def _base(self, title: str, name: str) -> dict[str, Any]:
        """A model as a base: whether it can be trained, and with which settings."""
        why_not = self._why_not(name)
        if why_not is not None:
            return {"name": name, "title": title, "can_train": False, "why_not": why_not,
                    "plan": None, "paper": None, "crpo": None}  # fmt: skip
        usual = usual_settings(name)
        crpo = crpo_usual(name, is_shared=self.run.config.is_shared)
        own = next(iter(usual))
        return {
            "name": name,
            "title": title,
            "can_train": True,
            "why_not": None,
            "plan": usual[own],
            "paper": usual["paper"],
            "crpo": {"plan": crpo[own], "paper": crpo["paper"]},
        }

    def _why_not(self, name: str) -> str | None:
        """Why a model cannot be trained, in a sentence."""
        if name not in {known for _, known in self.choices()}:
            return f"There is no model {name[:80]!r}; choose one from the list."
        if self.run.engines.adapters.folder_of(name) is not None:
            return (
                "An aligned model is not trained further; train its base again, with more labels."
            )
        return None

    def _campaign(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """A campaign as something to train on."""
        clips = self.run.store.campaigns.clips(source["id"])
        found = {**source, "candidates": len({clip.source for clip in clips})}
        if source["task"] == "baton" and source["aligned"] + source["not_aligned"]:
            found["why_not"] = None  # one label is enough to count
        return found

    def _checked(
        self, owner: str, asked: Mapping[str, Any]
    ) -> tuple[Wish, dict[str, Any], dict[str, Any]]:
        """A wish that can be done, its data, and the counts of it."""
        name = asked.get("base") or self.run.config.model
        if (why_not := self._why_not(name if isinstance(name, str) else "")) is not None:
            raise StudioError(why_not)
        if recipe_in(asked) == CRPO:
            return self._checked_crpo(owner, {**asked, "base": name})
        wish = check_wish(self.run.config, {**asked, "base": name}, usual_settings(name))
        if wish.settings["beta"] and wish.base not in OWN_DATA and wish.pretrain_folder is None:
            raise StudioError(
                f"The data that {name} was trained on is not here, so its pretraining loss cannot "
                "count; set beta to 0, or choose a folder of yours in its place."
            )
        data = self.run.data_of(owner, wish)
        wish = for_own_sounds(wish, asked, len(data["sounds"]))
        if wish.reward not in (None, CLAP):
            job = self._check_reward_done(owner, wish.reward)
            if job.request["simulated"] != data["simulated"]:
                raise StudioError(
                    "The reward model learned from simulated listeners and the campaigns are of "
                    "people, or the other way round; the two are never mixed. Choose one kind."
                )
        if wish.pretrain_folder is not None:
            self.run.folders.card(owner, wish.pretrain_folder)
        counts = self.counts(owner, wish, data)
        self._check_steps(wish, counts)
        return wish, data, counts

    def _checked_crpo(
        self, owner: str, asked: Mapping[str, Any]
    ) -> tuple[Wish, dict[str, Any], dict[str, Any]]:
        """The same of a run that ranks its own candidates."""
        config = self.run.config
        wish = check_crpo_wish(config, asked, crpo_usual(asked["base"], is_shared=config.is_shared))
        if wish.reward != CLAP:
            self._check_reward_done(owner, wish.reward)
        data = self.run.data_of(owner, wish)
        if config.is_shared:
            check_shared(wish.settings, len(data["pairs"]))
        return wish, data, crpo_counts(data, wish.settings)

    def _check_reward_done(self, owner: str, reward: str) -> Job:
        """The job of a reward model that can score."""
        job = self.rewards.job_of(reward, owner)
        if job.status != DONE:
            raise Conflict(f"This reward model is {job.status}; choose one that is done.")
        return job

    def counts(self, owner: str, wish: Wish, data: Mapping[str, Any]) -> dict[str, Any]:
        """How many rows of each kind a run has."""
        sounds = data["sounds"]
        weights = [one.get("weight", 1.0) for one in sounds]
        pretrain = 0
        if wish.settings["beta"] and wish.base in OWN_DATA:
            pretrain = SCENES
        elif wish.settings["beta"] and wish.pretrain_folder is not None:
            pretrain = len(self.run.folders.card(owner, wish.pretrain_folder)["rows"])
        return {
            "human": len(sounds),
            "reward": data["further"],
            "pretrain": pretrain,
            "captions": len({one["caption"] for one in sounds}),
            "aligned": sum(weight >= 0.5 for weight in weights),
            "zero": sum(weight == 0 for weight in weights),
            "uncertain": data["left_out"].get("sounds of which nobody was sure", 0),
            "campaigns": [
                {"title": one["title"], "sounds": one["sounds"]} for one in data["campaigns"]
            ],
            "left_out": data["left_out"],
            "split": None,
            "simulated": data["simulated"],
            "folder": len(sounds) if data["folder"] else 0,
        }

    def _check_steps(self, wish: Wish, counts: Mapping[str, Any]) -> None:
        """Nothing, or a StudioError for more steps than a page of strangers gives."""
        steps = steps_of(wish.settings, counts["human"] + counts["reward"])
        if self.run.config.is_shared and steps > SHARED_STEPS:
            raise StudioError(
                f"This run would take {steps} steps; on this shared page a run takes at most "
                f"{SHARED_STEPS}. Ask for fewer epochs."
            )
        if counts["human"] and counts["zero"] == counts["human"] and not counts["reward"]:
            raise StudioError(
                f"All {counts['human']} sounds count 0, so there is nothing to learn from; label "
                "sounds until some are aligned, or add further ones with a reward."
            )

    def _resumable(self, owner: str, run: str) -> Job:
        """The job of a run that was stopped or failed."""
        job = self.views.job_of(run, owner)
        if not job.is_over:
            raise Conflict("This run is under way; let it go on, or stop it first.")
        if job.status == DONE:
            raise Conflict("This run is done; start another to train longer.")
        check_alone(self.run.store.jobs, owner)
        return job

    def _is_last(self, job: Job, adapter: str) -> bool:
        """Whether no other run of anybody made the very same adapter."""
        about = self.run.engines.adapters.about(self.run.config.data / "adapters" / adapter)
        return about.run == job.id


def open_finetune(
    config: Config,
    store: Store,
    maker: Maker,
    rewards: "Rewards",
    choices: Callable[[], list[tuple[str, str]]],
    worker: Callable[[], Worker],
) -> Finetune:
    """The use-case with all its parts."""
    estimates = Estimates(config)

    def reward_folder(name: str) -> Path | None:
        return None if name == CLAP else rewards.training.folder(name)

    run = Run(
        config=config,
        store=store,
        engines=maker.engines,
        further=Further(store, maker.engines, maker),
        folders=Folders(config),
        estimates=estimates,
        scorer=rewards.scorer,
        reward_folder=reward_folder,
    )
    return Finetune(
        run=run,
        views=FinetuneViews(run),
        estimates=estimates,
        rewards=rewards,
        choices=choices,
        worker=worker,
    )
