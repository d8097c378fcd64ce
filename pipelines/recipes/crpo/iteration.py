"""One iteration of CRPO: candidates, ranking, pairs, optimisation, and one adapter against the base.

Every phase ends in a file that is whole or not there. Killed in any of them, the iteration goes on
with the first file that is missing and ends with the same weights.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from pipelines.crew import ALONE, Crew
from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import AdapterInfo, read_card, save_change
from pipelines.finetune.joining import join, wearing
from pipelines.finetune.latents import Cache, write_cache
from pipelines.finetune.objectives_preference import preference_objective, said_in
from pipelines.finetune.pairs import GIVEN, LABELS, RANKED, VOTES, GroupRow, PairRow, check_pairs
from pipelines.finetune.training import ADAPTER, LOG, Told, optimise
from pipelines.generate.backend import Backend, ShouldStop
from pipelines.recipes.crpo.candidates import Pool, drawn_prompts
from pipelines.recipes.crpo.config import CrpoConfig
from pipelines.recipes.crpo.ranking import ranked_groups, ranked_pairs
from pipelines.records import Prompt
from pipelines.reward.scorers import Scorer
from pipelines.seeds import fork

CANDIDATES, PAIRS, CACHE, TRAINING, DONE = (
    "candidates", "pairs.json", "cache.safetensors", "training", "done.json",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where an iteration is."""

    iteration: int
    phase: str  # "candidates", "training" or "listening"
    done: int
    of: int
    told: Told | None = None  # of a training's step


@dataclass(frozen=True, kw_only=True)
class Given:
    """Pairs that are there already, with their latents by key."""

    pairs: Sequence[PairRow] = ()
    latents: Callable[[Sequence[str]], Iterator[tuple[str, Tensor]]] | None = None


NOTHING_GIVEN = Given()


@dataclass(frozen=True)
class Iteration:
    """One iteration in a folder of its own; all that it needs, and what it has made so far."""

    number: int  # from 1
    root: Path  # of the run
    config: CrpoConfig
    trainer: Backend  # the base in float32
    sampler: Backend  # the base as it samples
    before: Path | None  # the adapter of the iteration before; None: the base
    bank: Sequence[Prompt]
    scorer: Scorer
    given: Given = NOTHING_GIVEN
    crew: Crew = ALONE
    on_progress: Callable[[Progress], None] | None = None
    should_stop: ShouldStop | None = None

    @property
    def folder(self) -> Path:
        """Of this iteration."""
        return place_of(self.root, self.number)

    @property
    def source(self) -> Path:
        """Where its candidates and pairs lie: an offline run learns from the first iteration's."""
        return self.folder if self.config.online else place_of(self.root, 1)

    def run(self) -> AdapterInfo:
        """Do what is left of it; the adapter that stands for the policy afterwards."""
        if (self.folder / DONE).exists():
            return read_card(self.folder / ADAPTER)
        with wearing(self.trainer, self.before) as worn:
            if self.config.ranks and not (self.source / PAIRS).exists():
                self.make_candidates(worn)
            self.on_first(self.source / PAIRS, self.choose_pairs)
            self.on_first(self.source / CACHE, self.keep_latents)
            made = self.train(worn)
        self.on_first(self.folder / ADAPTER / "adapter.json", lambda: self.keep(made))
        self.on_first(self.folder / DONE, self.finish)
        return read_card(self.folder / ADAPTER)

    def on_first(self, path: Path, make: Callable[[], None]) -> None:
        """Let the first of the crew make a file that is not there, and all wait for it."""
        if self.crew.rank == 0 and not path.exists():
            make()
        self.crew.wait()

    @property
    def pool(self) -> Pool:
        """The candidates."""
        number = self.number if self.config.online else 1
        drawn = drawn_prompts(self.bank, self.config.prompts, number, seed=self.config.seed)
        return Pool(self.source / CANDIDATES, drawn, self.config, number)

    def make_candidates(self, worn: str | None) -> None:
        """Candidates of the policy, which the trainer wears within the block."""
        pool = self.pool
        if not self.crew.agreed(not pool.is_whole):
            return
        pool.fill(
            policy_of(self.trainer, self.sampler, worn, self.number - 1),
            self.scorer,
            crew=self.crew,
            on_made=lambda done, of: self.tell("candidates", done, of),
            should_stop=self.should_stop,
        )
        self.crew.wait()

    def choose_pairs(self) -> None:
        """Rank, and write the rows of the training with what was left out and what rewards there were."""
        told: dict[str, Any] = {"left_out": {}, "faults": {}, "rewards": None}
        rows: list[PairRow] | list[GroupRow] = list(self.given.pairs)
        if self.config.ranks:
            groups = self.pool.groups()
            found = ranked_pairs(groups, margin=self.config.margin)
            told |= {"left_out": found.left_out, "faults": found.faults}
            told["rewards"] = rewards_told(groups, found.pairs)
            rows = [*found.pairs, *rows]
            if self.config.plan.loss == "group":
                rows = ranked_groups(groups, margin=self.config.margin)
        told["summary"] = asdict(check_pairs(rows))
        write_json(self.source / PAIRS, {**told, "rows": [asdict(row) for row in rows]})

    def rows(self) -> list[PairRow] | list[GroupRow]:
        """What this iteration learns from."""
        found = json.loads((self.source / PAIRS).read_text())["rows"]
        if self.config.plan.loss != "group":
            return [PairRow(**row) for row in found]
        return [
            GroupRow(**{**row, "keys": tuple(row["keys"]), "rewards": tuple(row["rewards"])})
            for row in found
        ]

    def keep_latents(self) -> None:
        """The latents of all sounds of the rows, and their prompts as the denoiser is told them."""
        rows = self.rows()
        ranked = {key for row in rows if row.origin == RANKED for key in keys_of(row)}
        others = sorted({key for row in rows if row.origin != RANKED for key in keys_of(row)})
        latents: Iterator[tuple[str, Tensor]] = iter(())
        if ranked:
            latents = self.pool.latents(sorted(ranked))
        if others:
            if self.given.latents is None:
                raise StudioError("Pairs were given without their sounds; give both.")
            latents = chain(latents, self.given.latents(others))
        write_cache(self.source / CACHE, self.trainer, latents, said_in(rows, self.config.plan))

    def train(self, worn: str | None) -> AdapterInfo | Path:
        """Optimise the policy; its reference is itself with the new adapter off."""
        rows = self.rows()
        plan = replace(
            self.config.plan,
            seed=fork(self.config.seed, "iteration", self.number),
            shares=self.shares(rows),
        )
        policy = self.trainer
        if plan.adapter is not None:  # no weight is trained, so that none needs float32
            policy = policy_of(self.trainer, self.sampler, worn, self.number - 1)
        cache = Cache(self.source / CACHE, policy)
        objective = preference_objective(policy, rows, cache, plan, crew=self.crew)
        return optimise(
            policy,
            objective,
            plan,
            self.folder / TRAINING,
            base=self.trainer.revision if worn is None else f"{self.trainer.revision}+{worn}",
            crew=self.crew,
            on_step=lambda told: self.tell("training", told.step, told.steps, told),
            should_stop=self.should_stop,
        )

    def shares(self, rows: Sequence[PairRow] | Sequence[GroupRow]) -> dict[str, float] | None:
        """Of a step, by origin: the given ones' share is split as their numbers are."""
        given = [row.origin for row in rows if row.origin != RANKED]
        if not given or not self.config.ranks:
            return None
        share = self.config.given_share / len(given)
        there = [origin for origin in (VOTES, LABELS, GIVEN) if origin in given]
        return {origin: share * given.count(origin) for origin in there}

    def keep(self, made: AdapterInfo | Path) -> None:
        """One adapter against the base: those of all iterations side by side."""
        record = {"iteration": self.number, "crpo": self.config.identity}
        place, base = self.folder / ADAPTER, self.trainer.revision
        if isinstance(made, Path):
            weights = load_file(made)
            save_change(self.trainer.denoiser, weights, place, base=base, record=record)
            return
        earlier = [] if self.before is None else [self.before]
        join([*earlier, self.folder / TRAINING / ADAPTER], place, base=base, record=record)

    def finish(self) -> None:
        """What came of it, in figures."""
        told = json.loads((self.source / PAIRS).read_text())
        lines = [json.loads(x) for x in (self.folder / TRAINING / LOG).read_text().splitlines()]
        tail = lines[-max(1, len(lines) // 10) :]
        names = [name for name, value in tail[0].items() if isinstance(value, float)]
        write_json(
            self.folder / DONE,
            {
                **{name: told[name] for name in ("summary", "left_out", "faults", "rewards")},
                "adapter": read_card(self.folder / ADAPTER).hash,
                "steps": len(lines),
                "first": lines[0],
                "last": {name: fmean(line[name] for line in tail) for name in names},
                "seconds": sum(line["seconds"] for line in lines),
            },
        )

    def tell(self, phase: str, done: int, of: int, told: Told | None = None) -> None:
        """Pass on where it is."""
        if self.on_progress is not None:
            self.on_progress(
                Progress(iteration=self.number, phase=phase, done=done, of=of, told=told)
            )


def place_of(root: Path, number: int) -> Path:
    """The folder of an iteration."""
    return root / f"iteration-{number}"


def policy_of(trainer: Backend, sampler: Backend, worn: str | None, number: int) -> Backend:
    """The model that a trainer wears, as it samples: at its own dtype, with its own name.

    Args:
        trainer: in float32, the adapter merged in.
        sampler: the base at the dtype of sampling; may be the trainer itself.
        worn: hash of the adapter, None for the base.
        number: of the iteration that made it, for the name.
    """
    if worn is None:
        return sampler
    is_shared = sampler.dtype == trainer.dtype
    denoiser = trainer.denoiser if is_shared else deepcopy(trainer.denoiser)
    name = f"{sampler.name}, iteration {number}"
    return sampler.with_denoiser(denoiser, name=name, adapter=worn)


def keys_of(row: PairRow | GroupRow) -> tuple[str, ...]:
    """The sounds of a row."""
    return row.keys if isinstance(row, GroupRow) else (row.chosen, row.rejected)


def rewards_told(groups: Sequence[Sequence[Any]], pairs: Sequence[PairRow]) -> dict[str, Any]:
    """All rewards for a histogram, and the means of winners, losers and their gap."""
    score = {one.key: one.score for group in groups for one in group}
    means: Mapping[str, list[float]] = {
        "winners": [score[pair.chosen] for pair in pairs],
        "losers": [score[pair.rejected] for pair in pairs],
        "gap": [pair.gap for pair in pairs],
    }
    told = {name: fmean(values) if values else None for name, values in means.items()}
    return {**told, "all": [round(value, 6) for value in score.values()]}


def write_json(path: Path, value: object) -> None:
    """Keep plain values; the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    part.replace(path)
