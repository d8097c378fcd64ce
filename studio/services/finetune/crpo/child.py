"""The process that does a CRPO run: it reads files, writes files, tells how far it is, and may be killed.

`python -m studio.services.finetune.crpo.child FOLDER` goes on with the run in this folder, from the
first thing that is missing. It knows no database.
"""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.records import Prompt
from studio.processes import Parent, end_of
from studio.services.finetune.child import alone, load_base, log, reward_scorer, sounds_of
from studio.services.finetune.crpo.remaining import (
    LISTENING,
    PACES,
    RANKING,
    TRAINING,
    Paces,
    Standing,
    left_of,
    ranks_in,
    seconds_left,
)
from studio.services.finetune.crpo.settings import config_of, steps_in
from studio.services.finetune.run_folder import DATA, PROGRESS, PROMPTS, TASK, RunFolder

BEGUN, ENDED = 0.02, 0.98  # of the run's progress bar, in which this lies
MOMENTS = "samples.jsonl"


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
    paces: Paces = field(init=False)
    steps: int = field(init=False)  # of an iteration
    done: tuple[str, int, int] = ("", 0, 0)  # phase, iteration and how much of it, last told
    there: dict[int, int] = field(default_factory=dict)  # candidates that lay there, by iteration
    looked_at: float = field(default_factory=time.monotonic)
    told_at: float = 0.0

    def __post_init__(self) -> None:
        self.paces = Paces(self.task["paces"] or {}, self.run.read(PACES, {}))
        self.steps = steps_in(self.settings, len(self.run.read(DATA)["pairs"]))

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

        self.there = candidates_there(self.run, self.settings)
        self.looked_at = time.monotonic()
        is_new = bool(self.task["listen"]) and not self.run.lines(MOMENTS)
        self.tell(BEGUN, "listening to the base" if is_new else "going on with what is there")
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
        is_first = self.done[:2] != (phase, at.iteration)
        made = at.done - (0 if is_first else self.done[2])
        self.done = (phase, at.iteration, at.done)
        if (
            at.told is not None
        ):  # before the first step much else is done, before others they are kept
            self.steps = at.of
            self.paces.took(TRAINING, at.told.seconds if is_first else seconds)
        elif at.done > self.there.get(at.iteration, 0):
            self.run.took(RANKING, seconds)
            self.paces.took(RANKING, seconds, made)
        what = "candidate" if phase == RANKING else "step"
        note = f"iteration {at.iteration} of {self.settings['iterations']}: {what} {at.done} of {at.of}"
        if phase == TRAINING and at.done == at.of:
            note = f"iteration {at.iteration}: keeping it, and listening"
        standing = Standing(iteration=at.iteration, phase=phase, done=at.done, of=at.of)
        self.tell(self.share(phase, at), note, standing)
        if phase == RANKING or at.done % 25 == 0 or at.done == at.of:
            log(note)

    def heard(self, moment: Any) -> None:
        """The policy was listened to."""
        seconds, self.looked_at = time.monotonic() - self.looked_at, time.monotonic()
        self.run.took("listening to held-out prompts", seconds)
        self.paces.took(LISTENING, seconds)
        log(f"heard after iteration {moment.iteration}")
        following, last = moment.iteration + 1, self.settings["iterations"]
        what = RANKING if ranks_in(self.settings, following) else TRAINING
        note = (
            f"iteration {following} of {last}: {what}" if following <= last else "heard to the end"
        )
        standing = Standing(iteration=moment.iteration, phase=LISTENING)
        self.tell(BEGUN + (ENDED - BEGUN) * moment.iteration / last, note, standing)

    def share(self, phase: str, at: Any) -> float:
        """How far the run is: iterations, each half candidates and half steps."""
        half = 0.0 if phase == RANKING else 0.5
        if not ranks_in(self.settings, at.iteration):
            half, width = 0.0, 1.0
        else:
            width = 0.5
        within = half + width * at.done / max(1, at.of)
        return BEGUN + (ENDED - BEGUN) * (at.iteration - 1 + within) / self.settings["iterations"]

    def tell(self, share: float, note: str, at: Standing | None = None) -> None:
        """Tell the parent, and write down what the page asks for, twice a second at most."""
        self.parent.tell(share, note)
        if time.monotonic() - self.told_at > 0.5:
            self.told_at, told = time.monotonic(), {"note": note}
            if at is not None:
                left = left_of(
                    self.settings, at, steps=self.steps, listens=bool(self.task["listen"])
                )
                told["seconds_left"] = seconds_left(left, self.paces)
                self.run.write(PACES, self.paces.own)
            self.run.write(PROGRESS, told)


def bank_of(run: RunFolder, seed: int) -> list[Prompt]:
    """The prompts to draw from: as given, or captions where the base fails, which are drawn once."""
    data = run.read(DATA)
    found = data["prompts"] or run.read(PROMPTS)
    if found is None:
        from pipelines.recipes.crpo.embedded import bank_of as drawn_from_world

        drawn = drawn_from_world(data["bank"], seed=seed) if data["bank"] else []
        found = [{"text": one.text, "seconds": one.seconds} for one in drawn]
        run.write(PROMPTS, found)
    return [Prompt(**told) for told in found]


def candidates_there(run: RunFolder, settings: dict[str, Any]) -> dict[int, int]:
    """How many candidates of each iteration were made before this process."""
    each, found = config_of(settings).part * settings["candidates"], {}
    for number in range(1, settings["iterations"] + 1):
        files = run.iteration(number).glob("candidates/part-*.safetensors")
        found[number] = each * sum(1 for _ in files)
    return found


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
