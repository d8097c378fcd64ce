"""A fine-tuning run as a job: prepare its data, make further sounds, train in a child, keep it."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pipelines.errors import StudioError
from pipelines.records import Prompt
from studio.config import Config
from studio.jobs import Desk, Work
from studio.processes import InProcess
from studio.services.adapters import About
from studio.services.engines import Engines
from studio.services.finetune.crpo.data import crpo_data
from studio.services.finetune.crpo.estimate import learn, paces
from studio.services.finetune.crpo.keeping import clear_caches, crpo_record, files_of_candidates
from studio.services.finetune.crpo.remaining import PACES
from studio.services.finetune.crpo.settings import config_of
from studio.services.finetune.estimate import Estimates
from studio.services.finetune.folders import Folders
from studio.services.finetune.further import Further, further_prompts
from studio.services.finetune.judged import Judged, judged
from studio.services.finetune.listening import HELD_OUT, held_out
from studio.services.finetune.own_data import OWN_DATA, SCENES, SCENES_SEED
from studio.services.finetune.record import record_of
from studio.services.finetune.request import BATON, CRPO, SUPERVISED, Wish, wish_from_plain
from studio.services.finetune.room import EVERYBODY_S, FINETUNE
from studio.services.finetune.run_folder import (
    DATA,
    FURTHER,
    RECORD,
    ROWS,
    TASK,
    RunFolder,
)
from studio.services.finetune.settings import EMBEDDED, plan_of, sample_every, steps_of
from studio.store.candidates import now
from studio.store.jobs import Job
from studio.store.store import Store

CHILDREN = {
    BATON: "studio.services.finetune.child",
    SUPERVISED: "studio.services.finetune.child",
    CRPO: "studio.services.finetune.crpo.child",
}
REWARD_FOLDER = "reward"  # in the run's: its reward model, which may be removed meanwhile


@dataclass(frozen=True)
class Run:
    """Does the phases of the job.

    Args:
        config: where runs lie.
        store: campaigns, clips, jobs.
        engines: the models, and the adapters that are kept.
        further: makes sounds for the reward.
        folders: of creators.
        estimates: learn from finished runs how long a step takes.
        scorer: the reward of a name: a model's id, or CLAP.
        reward_folder: where the reward model of an id lies; None for CLAP.
        child: does the training; None: a process of its own.
    """

    config: Config
    store: Store
    engines: Engines
    further: Further
    folders: Folders
    estimates: Estimates
    scorer: Callable[[str], Any]
    reward_folder: Callable[[str], Path | None]
    child: Callable[[Job, Desk], bool] | None = None

    @property
    def work(self) -> Work:
        """The phases, for the worker: training goes behind the sounds that people wait for."""
        return Work(kind=FINETUNE, phases=(self.prepare, self.add_further, self.train, self.keep))

    def folder(self, job: str) -> RunFolder:
        """The files of a run."""
        return RunFolder(self.config.data / "runs" / job)

    def prepare(self, job: Job, desk: Desk) -> bool:
        """Phase one: what was judged as it stands now, written down, so that the run has one data."""
        run = self.folder(job.id)
        if run.read(DATA) is None:
            wish = wish_from_plain(job.request)
            desk.tell(0.0, "reading what was judged")
            run.write(DATA, self.data_of(job.owner, wish))
        for sentence in run.read(DATA)["notices"]:
            desk.notice(sentence)
        return True

    def data_of(self, owner: str, wish: Wish) -> dict[str, Any]:
        """The sounds of a wish, and how many further ones go with them, as plain values.

        Raises:
            StudioError: what cannot be trained on.
        """
        if wish.recipe == CRPO:
            data = crpo_data(self.store, self.folders, owner, wish)
            return {**data, "notices": self._unknown_words(wish, data["prompts"])}
        if wish.recipe == SUPERVISED:
            card = self.folders.card(owner, wish.folder)
            rows = [{**row, "file": self.folders.file(card["id"], row)} for row in card["rows"]]
            return {
                "sounds": rows, "further": 0, "simulated": False, "campaigns": [],
                "left_out": card["left_out"], "notices": [], "folder": card["title"],
            }  # fmt: skip
        found = judged(self.store, owner, wish.campaigns)
        count = len(found.sounds) if wish.unlabelled is None else wish.unlabelled
        told = found.plain()
        return {**told, "further": count, "notices": list(told["notices"]), "folder": None}

    def _unknown_words(self, wish: Wish, prompts: list[dict[str, Any]]) -> list[str]:
        """What the base does not know of prompts that were given; nothing until it is in memory."""
        backend = self.engines.loaded_backend(wish.base)
        if backend is None:
            return []
        said = self.further.maker.unknown_words(tuple(one["text"] for one in prompts), backend)
        return [said] if said else []

    def add_further(self, job: Job, desk: Desk) -> bool:
        """Phase two: further sounds with rewards, where a reward was chosen."""
        run, wish = self.folder(job.id), wish_from_plain(job.request)
        data = run.read(DATA)
        if not data["further"]:
            return True
        self._remember_reach(job, "further", len(run.read(FURTHER, {"sounds": []})["sounds"]))
        started, sounds = time.monotonic(), judged_of(data)
        prompts = further_prompts(wish.base, sounds, data["further"], wish.settings["seed"])
        if not prompts:
            raise StudioError(
                "There are no further prompts that were not judged; ask for 0 further sounds."
            )
        made = self.further.make(wish.base, prompts, data["further"], wish.settings["seed"], desk)
        if made is None or not self.further.score(run, made, self.scorer(wish.reward), desk):
            run.took("making and scoring further sounds", time.monotonic() - started)
            return False
        run.took("making and scoring further sounds", time.monotonic() - started)
        return True

    def train(self, job: Job, desk: Desk) -> bool:
        """Phase three: the child, which goes on from its last checkpoint whenever it is begun."""
        run, wish = self.folder(job.id), wish_from_plain(job.request)
        if run.read(TASK) is None:
            self._write_task(run, wish, job.owner, desk)
        self._remember_reach(job, "steps", len(run.losses()) + files_of_candidates(run))
        if not wish.base.startswith(EMBEDDED):
            self.engines.free()  # a large model twice is more memory than most machines have
        child = self.child or InProcess(
            module=CHILDREN[wish.recipe],
            arguments=lambda job: [str(self.folder(job.id).path)],
            folder=lambda job: self.folder(job.id).path,
            gives_way_after=20.0,
        )
        return child(job, desk)

    def keep(self, job: Job, desk: Desk) -> bool:
        """Phase four: the record, and the adapter as a model to choose."""
        run, wish = self.folder(job.id), wish_from_plain(job.request)
        desk.tell(0.99, "keeping the adapter")
        if self.config.is_shared:
            desk.notice(EVERYBODY_S)
        title = self.title(wish, run.read(DATA))
        if wish.recipe == CRPO:
            last = wish.settings["iterations"]
            run.write(RECORD, crpo_record(run, job, wish, title, last))
            self.keep_as(job, title, last)
            clear_caches(run)
            learn(self.estimates, wish, run.read(PACES, {}), len(run.read(TASK)["listen"]))
            return True
        record = record_of(run, job, wish, title)
        run.write(RECORD, record)
        RunFolder(run.path / "adapter").write(RECORD, record)
        self.keep_as(job, title)
        self._learn_pace(run, wish)
        (run.path / "cache.safetensors").unlink(missing_ok=True)  # can be made again
        return True

    def keep_as(self, job: Job, title: str, iteration: int | None = None) -> Any:
        """The adapter of a finished run, or of an iteration of one, as a model under this title."""
        run, wish = self.folder(job.id), wish_from_plain(job.request)
        data, place = run.read(DATA), self.made_by(job, iteration)
        if iteration is not None:
            RunFolder(place).write(RECORD, crpo_record(run, job, wish, title, iteration))
        about = About(
            title=title,
            base=wish.base,
            recipe=wish.recipe,
            simulated=data["simulated"],
            run=job.id,
            made_at=now(),
        )
        most = self.config.max_kept if self.config.is_shared else None
        return self.engines.adapters.keep(place, about, most)

    def made_by(self, job: Job, iteration: int | None = None) -> Path:
        """Where the adapter of a run lies, or of an iteration; of iterations the last stands for all."""
        run, wish = self.folder(job.id), wish_from_plain(job.request)
        if wish.recipe != CRPO:
            return run.path / "adapter"
        return run.iteration(iteration or wish.settings["iterations"]) / "adapter"

    def _learn_pace(self, run: RunFolder, wish: Wish) -> None:
        """Later estimates go by what this run took."""
        settings, steps = wish.settings, [line["seconds"] for line in run.lines("losses.jsonl")]
        rows = settings["batch"] + (settings["pretrain"] if settings["beta"] else 0)
        self.estimates.learn(wish.base, settings["rank"], rows, median(steps))

    def title(self, wish: Wish, data: dict[str, Any]) -> str:
        """The title that was given, or one made of the base and what it learned from."""
        if wish.title:
            return wish.title
        base = self.engines.title(wish.base)
        if wish.recipe == CRPO:
            return f"{base}, improved by CRPO"[:80].strip()
        learned = data["folder"] or " + ".join(one["title"] for one in data["campaigns"])
        return f"{base}, {'tuned on' if data['folder'] else 'aligned by'} {learned}"[:80].strip()

    def _remember_reach(self, job: Job, what: str, reached: int) -> None:
        """A run that got further since the process last died is not given up as dying every time."""
        before = job.findings.get("reached", {})
        if reached > before.get(what, 0):
            findings = {**job.findings, "reached": {**before, what: reached}}
            self.store.jobs.change(job.id, attempts=0, findings=findings)

    def _write_task(self, run: RunFolder, wish: Wish, owner: str, desk: Desk) -> None:
        """What the child is told: rows, plan, prompts to listen to, and where everything lies."""
        data = run.read(DATA)
        if wish.recipe == CRPO:
            return self._write_crpo_task(run, wish, data, desk)
        rows = self._rows(run, data, wish) + self._pretrain_rows(wish, owner)
        count = sum(row["origin"] != "pretrain" for row in rows)
        steps = steps_of(wish.settings, count)
        listen = self._listened_to(wish, judged_of(data), desk)
        reward = self._take_reward(run, wish)
        is_own = wish.base in OWN_DATA and wish.settings["beta"] > 0
        run.write(ROWS, rows)
        run.write(TASK, {
            "base": wish.base,
            "device": self.config.device,
            "data": str(self.config.data),
            "plan": plan_of(wish.settings, wish.recipe).values,
            "sample_every": sample_every(wish.settings, steps),
            "listen": [{"text": one.text, "seconds": one.seconds} for one in listen],
            "reward": reward,
            "reward_base": self.config.model,  # whose T5 it may read prompts by
            "pretraining": {"scenes": SCENES, "seed": SCENES_SEED} if is_own else None,
        })  # fmt: skip

    def _write_crpo_task(
        self, run: RunFolder, wish: Wish, data: dict[str, Any], desk: Desk
    ) -> None:
        """What CRPO's child is told; prompts and given pairs it reads from the data."""
        told = {"caption": "prompt", "seconds": "seconds"}
        asked = [{"caption": one["text"], "seconds": one["seconds"]} for one in data["prompts"]]
        asked += [{name: row[own] for name, own in told.items()} for row in data["pairs"]]
        listen = self._listened_to(wish, judged_of({"sounds": asked}), desk)
        run.write(TASK, {
            "base": wish.base,
            "device": self.config.device,
            "data": str(self.config.data),
            "settings": wish.settings,
            "plan": config_of(wish.settings).values,
            "listen": [{"text": one.text, "seconds": one.seconds} for one in listen],
            "reward": self._take_reward(run, wish),
            "reward_base": self.config.model,
            "paces": paces(self.estimates, wish),
            "pretraining": None,
            "sample_every": None,
        })  # fmt: skip

    def _listened_to(self, wish: Wish, met: list[Judged], desk: Desk) -> list[Prompt]:
        """Held-out prompts, and word where few are left."""
        listen = held_out(wish.base, met)
        if len(listen) < HELD_OUT:
            desk.notice(
                f"Only {len(listen)} held-out prompts are left to listen to the run by; the others "
                "were judged."
            )
        return listen

    def _take_reward(self, run: RunFolder, wish: Wish) -> str | None:
        """The name of the folder of the run's own copy of its reward model, if it has one."""
        reward = None if wish.reward is None else self.reward_folder(wish.reward)
        if reward is None:
            return None
        copy_reward(reward, run.path / REWARD_FOLDER)
        return REWARD_FOLDER

    def _rows(self, run: RunFolder, data: dict[str, Any], wish: Wish) -> list[dict[str, Any]]:
        """Rows of D_data, each with the file of its sound."""
        from pipelines.recipes.baton.rows import Sound, data_rows, supervised_rows

        if wish.recipe == SUPERVISED:
            files = {row["file"]: row["file"] for row in data["sounds"]}
            sounds = [
                Sound(key=row["file"], caption=row["caption"], seconds=row["seconds"])
                for row in data["sounds"]
            ]
            return plain_rows(supervised_rows(sounds), files)
        further = run.read(FURTHER, {"sounds": []})["sounds"]
        told = [*data["sounds"], *further]
        place = self.store.clips.folder.relative_to(self.config.data)
        files = {one["clip"]: f"{place}/{one['clip'][:2]}/{one['clip']}.wav" for one in told}
        rows = []
        for caption in dict.fromkeys(one["caption"] for one in told):  # a sound may have two
            of_one = [one for one in told if one["caption"] == caption]
            rows += data_rows(
                {one["clip"]: one["weight"] for one in of_one if "weight" in one},
                {one["clip"]: one["score"] for one in of_one if "score" in one},
                [Sound(key=o["clip"], caption=caption, seconds=o["seconds"]) for o in of_one],
            )
        return plain_rows(rows, files)

    def _pretrain_rows(self, wish: Wish, owner: str) -> list[dict[str, Any]]:
        """Rows of D_pretrain out of a folder, for a base that has none of its own here."""
        if wish.pretrain_folder is None or not wish.settings["beta"] or wish.base in OWN_DATA:
            return []
        card = self.folders.card(owner, wish.pretrain_folder)
        return [
            {
                "key": self.folders.file(card["id"], row),
                "caption": row["caption"],
                "seconds": row["seconds"],
                "weight": 1.0,
                "origin": "pretrain",
                "file": self.folders.file(card["id"], row),
            }
            for row in card["rows"]
        ]


def copy_reward(reward: Path, to: Path) -> None:
    """The reward model's files into the run's folder."""
    try:
        shutil.copytree(reward, to, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise StudioError(
            "The reward model of this run is not there any more, or could not be copied; start a new "
            "run with another."
        ) from error


def plain_rows(rows: Sequence[Any], files: dict[str, str]) -> list[dict[str, Any]]:
    """Rows as plain values, each with where its sound lies."""
    return [
        {
            "key": row.key,
            "caption": row.caption,
            "seconds": row.seconds,
            "weight": row.weight,
            "origin": row.origin,
            "file": files[row.key],
        }
        for row in rows
    ]


def judged_of(data: dict[str, Any]) -> list[Judged]:
    """The judged sounds of a run's data; a creator's folder has none, but captions."""
    known = Judged.__dataclass_fields__
    usual = {"clip": "", "labels": (), "weight": 1.0}
    return [
        Judged(**{**usual, **{k: v for k, v in one.items() if k in known}})
        for one in data["sounds"]
    ]
