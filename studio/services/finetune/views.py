"""What the page is told of runs: how far, the curves, the samples, the record, the model."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.refusals import Unknown
from studio.services.finetune.crpo.views import CURVES as CRPO_CURVES
from studio.services.finetune.crpo.views import all_steps, iterations_of
from studio.services.finetune.crpo.views import counts_of as crpo_counts
from studio.services.finetune.request import CRPO, ID, Wish, wish_from_plain
from studio.services.finetune.run import FINETUNE, Run
from studio.services.finetune.run_folder import (
    DATA,
    PROGRESS,
    RECORD,
    ROWS,
    TASK,
    RunFolder,
)
from studio.services.generate.views import standing
from studio.store.jobs import DONE, Job

POINTS = 400  # of a curve, at most; more are averaged
CURVES = ("loss", "data_loss", "pretrain_loss", "gradient_norm", "learning_rate")
WHEN = ("step", "epoch", "iteration")  # of a moment
HEARD = 6  # samples of a moment that are shown; the scores are of all
LOG_LINES = 40
MOST_RUNS = 100


@dataclass(frozen=True)
class FinetuneViews:
    """Read-only answers; each run is its owner's alone."""

    run: Run
    counts: Callable[..., dict[str, Any]] | None = None

    def latest(self, owner: str) -> list[dict[str, Any]]:
        """The person's runs, the newest first."""
        jobs = self.run.store.jobs.latest(owner, [FINETUNE], limit=MOST_RUNS)
        return [self.about(job, owner) for job in jobs if not job.findings.get("removed")]

    def job_of(self, run: str, owner: str) -> Job:
        """The job of a run that is this person's.

        Raises:
            Unknown: there is none.
        """
        job = self.run.store.jobs.get(run) if ID.fullmatch(run) else None
        is_theirs = job is not None and job.kind == FINETUNE and job.owner == owner
        if not is_theirs or job.findings.get("removed"):
            raise Unknown("There is no such run of yours here; choose one from the list.")
        return job

    def about(self, job: Job, owner: str) -> dict[str, Any]:
        """What a list says of a run."""
        wish, folder = wish_from_plain(job.request), self.run.folder(job.id)
        data, progress = folder.read(DATA), folder.read(PROGRESS, {})
        model = self.model_of(job)
        title = job.findings.get("title") or (
            self.run.title(wish, data) if data else wish.title or "A run"
        )
        return {
            **standing(job),
            "title": model["title"] if model else title,
            "recipe": wish.recipe,
            "base": wish.base,
            "base_title": self.run.engines.title(wish.base),
            **steps_of(folder, wish),
            "done": sum(1 for _ in folder.path.glob("iteration-*/done.json")),
            "adapter": model["name"] if model else None,
            "is_kept": model is not None,
            "simulated": bool(data and data["simulated"]),
            "is_mine": job.owner == owner,
            "can_resume": job.is_over and job.status != DONE,
            "seconds_left": None if job.is_over else progress.get("seconds_left"),
        }

    def view(self, run: str, owner: str) -> dict[str, Any]:
        """A run as it stands."""
        job = self.job_of(run, owner)
        folder, wish = self.run.folder(job.id), wish_from_plain(job.request)
        record, task = folder.read(RECORD), folder.read(TASK)
        moments = moments_of(job.id, folder.lines("samples.jsonl"))
        is_crpo = wish.recipe == CRPO
        own = self._crpo_parts(folder, wish) if is_crpo else {"data": counts_of(folder)}
        every = task["sample_every"] if task else wish.settings.get("sample_every")
        return {
            **self.about(job, owner),
            **own,
            "settings": wish.settings,
            "seed": wish.settings["seed"],
            "reward": wish.reward,
            "versions": record["versions"] if record else {},
            "sample_every": every,
            "took": folder.all_took(),
            "losses": thinned(folder.losses(), CRPO_CURVES if is_crpo else CURVES),
            "dev": [{name: one[name] for name in (*WHEN, "clap", "reward") if name in one}
                    for one in moments],
            "samples": [{name: one[name] for name in (*WHEN, "sounds") if name in one}
                        for one in moments],
            "checkpoints": checkpoints_in(folder.path),
            "log": folder.last_lines(LOG_LINES),
            "model": self.model_of(job),
        }  # fmt: skip

    def _crpo_parts(self, folder: RunFolder, wish: Wish) -> dict[str, Any]:
        """What a run in iterations has beside the others' parts."""
        models = {one["hash"]: one for one in self.kept()}
        return {
            "data": crpo_counts(folder.read(DATA), wish.settings),
            "iterations": iterations_of(folder, wish.settings, models),
        }

    def model_of(self, job: Job) -> dict[str, Any] | None:
        """The model that a finished run has become, if it is kept."""
        if job.status != DONE:
            return None
        adapter = self.adapter_in(job)
        return next((one for one in self.kept() if one["hash"] == adapter), None)

    def models_of(self, job: Job) -> list[dict[str, Any]]:
        """Every model that a run, or an iteration of it, has become."""
        wish = wish_from_plain(job.request)
        numbers = range(1, wish.settings["iterations"] + 1) if wish.recipe == CRPO else [None]
        made = {self.adapter_in(job, number) for number in numbers}
        return [one for one in self.kept() if one["hash"] in made]

    def kept(self) -> list[dict[str, Any]]:
        """Every adapter that is a model: name, title, hash and size."""
        return [
            {
                "name": model.name,
                "title": model.title,
                "hash": Path(model.path).name,
                "size_bytes": sum(path.stat().st_size for path in Path(model.path).iterdir()),
            }
            for model in self.run.engines.adapters.models()
        ]

    def adapter_in(self, job: Job, iteration: int | None = None) -> str | None:
        """The hash of what a run made, or an iteration of it; None where that is not there."""
        card = self.run.made_by(job, iteration) / "adapter.json"
        return json.loads(card.read_text(encoding="utf-8"))["hash"] if card.is_file() else None

    def sample(self, run: str, owner: str, step: int, number: int) -> Path:
        """Where the sound of a sample lies."""
        job = self.job_of(run, owner)
        is_crpo = wish_from_plain(job.request).recipe == CRPO
        moment = f"iteration-{step}" if is_crpo else f"step-{step:07d}"
        path = self.run.folder(job.id).path / "samples" / moment / f"{number}.wav"
        if not path.is_file():
            raise Unknown(f"This run has no sample {number} of step {step}; reload the page.")
        return path

    def record(self, run: str, owner: str) -> dict[str, Any]:
        """The whole record of a finished run."""
        found = self.run.folder(self.job_of(run, owner).id).read(RECORD)
        if found is None:
            raise Unknown("This run is not done, so it has no record yet.")
        return found

    def adapter_files(self, run: str, owner: str) -> list[Path]:
        """The files of the adapter, to be taken away."""
        job = self.job_of(run, owner)
        folder = self.run.made_by(job)
        if job.status != DONE or not folder.is_dir():
            raise Unknown("This run is not done, so it has no adapter yet.")
        return sorted(path for path in folder.iterdir() if path.is_file())


def steps_of(folder: RunFolder, wish: Wish) -> dict[str, int | None]:
    """The steps that are taken, and how many there will be, once that is known."""
    lines = folder.losses()
    if wish.recipe == CRPO:
        given = len(folder.read(DATA, {}).get("pairs", []))
        return {"step": len(lines), "steps": all_steps(wish.settings, lines, given)}
    return {"step": len(lines), "steps": lines[-1]["steps"] if lines else wish.settings["steps"]}


def counts_of(folder: RunFolder) -> dict[str, Any]:
    """How many rows of each kind the run has, as far as they are there."""
    data, rows, task = folder.read(DATA), folder.read(ROWS, []), folder.read(TASK)
    if data is None:
        return {}
    mine = [row for row in rows if row["origin"] != "pretrain"]
    weights = [one.get("weight", 1.0) for one in data["sounds"]]
    scenes = (task or {}).get("pretraining") or {}
    return {
        "human": len(data["sounds"]),
        "reward": sum(row["origin"] == "reward" for row in rows) if rows else data["further"],
        "pretrain": scenes.get("scenes", 0) + len(rows) - len(mine),
        "captions": len({row["caption"] for row in mine or data["sounds"]}),
        "aligned": sum(weight >= 0.5 for weight in weights),
        "zero": sum(row["weight"] == 0 for row in mine) if mine else sum(w == 0 for w in weights),
        "uncertain": data["left_out"].get("sounds of which nobody was sure", 0),
        "campaigns": [{"title": o["title"], "sounds": o["sounds"]} for o in data["campaigns"]],
        "left_out": data["left_out"],
        "split": {"train": len(mine), "dev": len(task["listen"])} if task else None,
        "simulated": data["simulated"],
        "folder": len(data["sounds"]) if data["folder"] else 0,
    }


def thinned(lines: Sequence[dict[str, Any]], curves: Sequence[str] = CURVES) -> dict[str, Any]:
    """Curves of at most 400 points; where there are more, each is the mean of `smoothed` steps."""
    width = max(1, -(-len(lines) // POINTS))
    parts = [lines[start : start + width] for start in range(0, len(lines), width)]
    found: dict[str, Any] = {
        "step": [part[-1]["step"] for part in parts],
        "epoch": [part[-1]["epoch"] for part in parts],
        "smoothed": width,
    }
    for name in curves:
        rows = [[one[name] for one in part if one.get(name) is not None] for part in parts]
        found[name] = [float(np.mean(row)) if row else None for row in rows]
    return found


def moments_of(job: str, lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each time that the run was listened to; CLAP as a cosine, as everywhere on the page.

    Of a run in iterations each counts as one step of its own.
    """
    lines = [{"step": one["iteration"], "epoch": None, **one} if "iteration" in one else one
             for one in lines]  # fmt: skip
    return [
        {
            **{name: line[name] for name in WHEN if name in line},
            "clap": cosine(line["means"].get("clap")),
            "reward": line["means"].get("reward"),
            "sounds": [
                {
                    "prompt": one["prompt"],
                    "seconds": one["seconds"],
                    "url": f"finetune/{job}/samples/{line['step']}/{number}.wav",
                    "clap": cosine(one["scores"].get("clap")),
                    "reward": one["scores"].get("reward"),
                }
                for number, one in enumerate(line["sounds"][:HEARD])
            ],
        }
        for line in lines
    ]


def cosine(score: float | None) -> float | None:
    """CLAP's cosine, -1 to 1, of its reward, (1 + cosine) / 2."""
    return None if score is None else 2 * score - 1


def checkpoints_in(folder: Path) -> list[int]:
    """The steps that the run can be gone on with from."""
    paths = (folder / "checkpoints").glob("step-*.pt")
    return sorted(int(path.stem.removeprefix("step-")) for path in paths)


def figure(name: str, view: dict[str, Any]) -> dict[str, Any]:
    """One of the run's figures, as plotly's plain values."""
    from components.finetune_figures import finetune_figure

    return finetune_figure(name, view)
