"""The process that does a CRPO run: it reads files, writes files, tells how far it is, and may be killed.

`python -m studio.services.finetune.crpo.child FOLDER` goes on with the run in this folder, from the
first thing that is missing. It knows no database.
"""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.records import Prompt
from studio.processes import Parent, end_of
from studio.services.finetune.child import alone, load_base, log, reward_scorer, sounds_of
from studio.services.finetune.crpo.settings import candidates_in, config_of, steps_in
from studio.services.finetune.run_folder import DATA, PROGRESS, PROMPTS, TASK, RunFolder

BEGUN, ENDED = 0.02, 0.98  # of the run's progress bar, in which this lies
RANKING, TRAINING, LISTENING = "making and ranking candidates", "training", "listening"


def work(parent: Parent) -> None:
    """Go on with the run that the command line names, to its end."""
    run = RunFolder(Path(sys.argv[1]))
    with alone(run.path, parent):
        Improving(run=run, task=run.read(TASK), parent=parent).go_on()


@dataclass
class Improving:
    """One run on its way."""

    run: RunFolder
    task: dict[str, Any]
    parent: Parent
    paces: dict[str, list[float]] = field(default_factory=dict)  # seconds of one, by phase
    done: tuple[str, int, int] = ("", 0, 0)  # phase, iteration and how much of it, last told
    looked_at: float = field(default_factory=time.monotonic)
    told_at: float = 0.0

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked for."""
        return self.task["settings"]

    def go_on(self) -> None:
        """Load, then iterate: candidates, ranking, optimisation, listening."""
        started = time.monotonic()
        self.tell(BEGUN, "loading the model")
        trainer = load_base(self.task)
        sampler = as_it_samples(self.task, trainer)
        log(f"{trainer.name} {trainer.revision} on {trainer.device}, sampling in {sampler.dtype}")
        scorer, scorers = scorers_of(self.run, self.task, trainer)
        given = given_of(self.run, self.task, trainer)
        self.run.took("loading the model", time.monotonic() - started)
        from pipelines.recipes.crpo.loop import improve

        self.looked_at = time.monotonic()
        self.tell(BEGUN, "listening to the base")
        improve(
            trainer,
            bank_of(self.run, self.settings["seed"]),
            scorer,
            config_of(self.settings),
            self.run.path,
            sampler=sampler,
            given=given,
            heard_on=[Prompt(**told) for told in self.task["listen"]],
            scorers=scorers,
            on_progress=self.moved,
            on_heard=self.heard,
            should_stop=self.parent.should_stop,
        )
        self.tell(ENDED, "improved")

    def moved(self, at: Any) -> None:
        """Candidates were ranked, or a step was taken."""
        seconds, self.looked_at = time.monotonic() - self.looked_at, time.monotonic()
        phase = RANKING if at.phase == "candidates" else TRAINING
        known = self.done[2] if self.done[:2] == (phase, at.iteration) else 0
        made = at.done - known
        self.done = (phase, at.iteration, at.done)
        if at.told is not None:
            seconds, made = at.told.seconds, 1
        elif known or seconds > 1:
            self.run.took(RANKING, seconds)
        if made > 0 and (
            at.told is not None or seconds > 0.05
        ):  # files that lie there take no time
            self.paces[phase] = [*self.paces.get(phase, [])[-29:], seconds / made]
        what = "candidate" if phase == RANKING else "step"
        note = f"iteration {at.iteration} of {self.settings['iterations']}: {what} {at.done} of {at.of}"
        if phase == TRAINING and at.done == at.of:
            note = f"iteration {at.iteration}: keeping it, and listening"
        self.tell(self.share(phase, at), note, seconds_left=self.seconds_left(phase, at))
        if phase == RANKING or at.done % 25 == 0 or at.done == at.of:
            log(note)

    def heard(self, moment: Any) -> None:
        """The policy was listened to."""
        seconds, self.looked_at = time.monotonic() - self.looked_at, time.monotonic()
        self.run.took("listening to held-out prompts", seconds)
        self.paces[LISTENING] = [seconds]
        log(f"heard after iteration {moment.iteration}")

    def share(self, phase: str, at: Any) -> float:
        """How far the run is: iterations, each half candidates and half steps."""
        half = 0.0 if phase == RANKING else 0.5
        if not self.ranks_in(at.iteration):
            half, width = 0.0, 1.0
        else:
            width = 0.5
        within = half + width * at.done / max(1, at.of)
        return BEGUN + (ENDED - BEGUN) * (at.iteration - 1 + within) / self.settings["iterations"]

    def ranks_in(self, iteration: int) -> bool:
        """Whether this iteration makes candidates."""
        return bool(candidates_in(self.settings)) and (self.settings["online"] or iteration == 1)

    def seconds_left(self, phase: str, at: Any) -> float | None:
        """By this run's own paces, else by those that were probed; None where one is not known."""
        settings, rest = self.settings, self.settings["iterations"] - at.iteration
        each = settings["prompts"] * settings["candidates"]
        later = sum(self.ranks_in(at.iteration + n) for n in range(1, rest + 1))
        left = {
            RANKING: later * each + (at.of - at.done if phase == RANKING else 0),
            TRAINING: rest * steps_in(settings)
            + (at.of - at.done if phase == TRAINING else steps_in(settings)),
            LISTENING: rest + 1 if self.task["listen"] else 0,
        }
        found = 0.0
        for name, count in left.items():
            pace = float(np.median(self.paces[name])) if self.paces.get(name) else None
            pace = pace if pace is not None else (self.task["paces"] or {}).get(name)
            if count and pace is None:
                return None
            found += count * (pace or 0.0)
        return round(found, 1)

    def tell(self, share: float, note: str, **more: Any) -> None:
        """Tell the parent, and write down what the page asks for, twice a second at most."""
        self.parent.tell(share, note)
        if time.monotonic() - self.told_at > 0.5:
            self.told_at = time.monotonic()
            self.run.write(PROGRESS, {"note": note, **more})


def bank_of(run: RunFolder, seed: int) -> list[Prompt]:
    """The prompts to draw from: as given, or captions of the embedded world, which are drawn once."""
    data = run.read(DATA)
    found = data["prompts"] or run.read(PROMPTS)
    if found is None:
        from pipelines.recipes.crpo.embedded import prompts_of

        drawn = prompts_of("train", data["bank"], seed=seed) if data["bank"] else []
        found = [{"text": one.text, "seconds": one.seconds} for one in drawn]
        run.write(PROMPTS, found)
    return [Prompt(**told) for told in found]


def as_it_samples(task: dict[str, Any], trainer: Any) -> Any:
    """The base at the dtype that it samples in; the trainer itself where that is float32."""
    from pipelines.generate import checkpoints

    found = checkpoints.load(task["base"], device=task["device"])
    return trainer if found.dtype == trainer.dtype else found


def scorers_of(run: RunFolder, task: dict[str, Any], backend: Any) -> tuple[Any, dict[str, Any]]:
    """What ranks candidates, and what scores the held-out prompts, by name.

    Never the evaluation CLAP, which may choose nothing.
    """
    from pipelines import clap
    from pipelines.reward.scorers import ClapScorer, MixedScorer

    heard = clap.load("reward")
    by_clap = ClapScorer(heard)
    if task["reward"] is None:
        return by_clap, {"clap": by_clap}
    learnt = reward_scorer(run.path / task["reward"], heard, task, backend)
    weight = task["settings"]["reward_weight"]
    ranks = learnt if weight == 1 else MixedScorer(by_clap, learnt, weight=weight)
    return ranks, {"clap": by_clap, "reward": learnt}


def given_of(run: RunFolder, task: dict[str, Any], backend: Any) -> Any:
    """The pairs that were there before, each side heard once: what is silent or cut is left out."""
    from pipelines.finetune.pairs import PairRow
    from pipelines.recipes.crpo.sources import GivenSet, without_faults

    data = run.read(DATA)
    if not data["pairs"]:
        return None
    places = {key: Path(task["data"]) / file for key, file in data["files"].items()}
    rows = [PairRow(**row) for row in data["pairs"]]
    found = without_faults(GivenSet(rows, sounds_of(backend, places)), backend.sample_rate)
    for why, count in found.left_out.items():
        log(f"{count} given pairs are left out: {why}")
    return found


if __name__ == "__main__":
    end_of(work)
