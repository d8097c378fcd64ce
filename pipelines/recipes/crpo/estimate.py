"""How long a run will take: a short probe of this machine, times what is left to do."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.finetune.checkpoints import steps_kept
from pipelines.finetune.latents import write_cache
from pipelines.finetune.objectives_preference import preference_objective, said_in
from pipelines.finetune.pairs import GroupRow, PairRow
from pipelines.finetune.training import optimise
from pipelines.generate.backend import Backend
from pipelines.recipes.crpo.candidates import Pool, drawn_prompts
from pipelines.recipes.crpo.config import CrpoConfig
from pipelines.recipes.crpo.iteration import CANDIDATES, DONE, TRAINING, place_of
from pipelines.recipes.crpo.listening import moments
from pipelines.records import Prompt, Settings
from pipelines.reward.scorers import Scorer

PROBED_STEPS = 3  # the first of them warms up


@dataclass(frozen=True, kw_only=True)
class Paces:
    """Seconds of one process for one of each."""

    candidate: float  # sampled, decoded and scored
    step: float  # of optimisation, the whole batch
    heard: float  # a fixed prompt, sampled at the model's own guidance and scored


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that is left to do."""

    what: str
    seconds: float


def probe(
    trainer: Backend,
    sampler: Backend,
    scorer: Scorer,
    config: CrpoConfig,
    bank: Sequence[Prompt],
) -> Paces:
    """Make one file of candidates and take three steps, in a folder that is gone afterwards."""
    count = max(1, min(config.part, -(-config.batch // config.candidates)))
    few = replace(config, part=count, prompts=count)
    with tempfile.TemporaryDirectory() as place:
        prompts = drawn_prompts(bank, count, 1, seed=config.seed)
        pool = Pool(Path(place), prompts, few, 1)
        sampler.sample([prompts[0]], [Settings(steps=1, guidance=1.0)])  # loads and warms up
        started = time.monotonic()
        pool.fill(sampler, scorer)
        candidate = (time.monotonic() - started) / (count * config.candidates)
        rows = [
            PairRow(prompt=g[0].prompt, seconds=g[0].seconds, chosen=g[0].key, rejected=g[1].key)
            for g in pool.groups()
        ]
        if config.plan.loss == "group":
            rows = [
                GroupRow(
                    prompt=g[0].prompt,
                    seconds=g[0].seconds,
                    keys=tuple(one.key for one in g),
                    rewards=tuple(float(n) for n in range(len(g))),
                )
                for g in pool.groups()
            ]
        keys = [one.key for group in pool.groups() for one in group]
        cache = write_cache(
            Path(place) / "cache", trainer, pool.latents(keys), said_in(rows, config.plan)
        )
        plan = replace(config.plan, steps=PROBED_STEPS, shares=None)
        policy = trainer if plan.adapter is None else sampler
        taken: list[float] = []
        optimise(
            policy,
            preference_objective(policy, rows, cache, plan),
            plan,
            Path(place) / "training",
            on_step=lambda told: taken.append(told.seconds),
        )
    guided = 1.0 if config.guidance is None or config.guidance > 1 else 2.0
    return Paces(candidate=candidate, step=min(taken[1:]), heard=guided * candidate)


def parts_left(root: Path, config: CrpoConfig, paces: Paces, heard: int, size: int) -> list[Part]:
    """What is left, phase by phase, with seconds.

    Args:
        root: of the run.
        config: of the run.
        paces: of this machine.
        heard: fixed prompts.
        size: processes.
    """
    found = []
    done = {moment.iteration for moment in moments(root)}
    for number in range(config.iterations + 1):
        if number and not (place_of(root, number) / DONE).exists():
            found += _left_of(number, root, config, paces, size)
        if heard and number not in done:
            what = f"after iteration {number}" if number else "at the start"
            found.append(Part(what=f"listening {what}", seconds=heard * paces.heard))
    return found


def _left_of(number: int, root: Path, config: CrpoConfig, paces: Paces, size: int) -> list[Part]:
    """Of one iteration."""
    place, found = place_of(root, number), []
    if config.ranks and (config.online or number == 1):
        there = len(list((place / CANDIDATES).glob("part-*.safetensors")))
        missing = max(0, config.prompts - there * config.part) * config.candidates
        if missing:
            found.append(
                Part(
                    what=f"iteration {number}: {missing} candidates",
                    seconds=missing * paces.candidate / size,
                )
            )
    per_epoch = max(1, -(-config.prompts // config.plan.pairs))
    kept = (steps_kept(place / TRAINING) or [0])[-1]
    steps = config.plan.steps_in(per_epoch) - kept
    if steps > 0:
        found.append(
            Part(what=f"iteration {number}: {steps} steps", seconds=steps * paces.step / size)
        )
    return found
