"""Candidates of an iteration: made from named seeds, scored while their sounds are there, latents kept.

A file holds the candidates of some prompts and is whole or not there. Which prompts share a file, and
which sounds a batch, is told by the config alone: whoever makes a file, however often the run was
killed, it holds the same.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipelines.crew import ALONE, Crew
from pipelines.errors import Cancelled, StudioError
from pipelines.generate.backend import Backend, ShouldStop
from pipelines.generate.sampling import run
from pipelines.recipes.crpo.config import CrpoConfig
from pipelines.recipes.crpo.ranking import Ranked, fault_of
from pipelines.records import Prompt, Settings
from pipelines.reward.scorers import Scorer
from pipelines.seeds import fork, numpy_generator

OnMade = Callable[[int, int], None]  # candidates that are there, candidates in all


def drawn_prompts(bank: Sequence[Prompt], count: int, iteration: int, *, seed: int) -> list[Prompt]:
    """The prompts of one iteration: the bank is gone through in shuffled rounds, iteration by iteration.

    Args:
        bank: different prompts, in any order.
        count: of an iteration.
        iteration: from 1.
        seed: of the run.

    Raises:
        StudioError: an empty bank, one with a prompt twice, or fewer prompts than are asked for.
    """
    ordered = sorted(bank, key=lambda prompt: prompt.id)
    if len({prompt.id for prompt in ordered}) < len(ordered):
        raise StudioError("The prompt bank holds a prompt twice; keep one of each.")
    if len(ordered) < count:
        raise StudioError(
            f"The prompt bank holds {len(ordered)} prompts and an iteration draws {count}; give more "
            "prompts, or draw fewer."
        )
    found: dict[str, Prompt] = {}
    turn, place = divmod(count * (iteration - 1), len(ordered))
    while len(found) < count:
        order = numpy_generator(seed, "prompts", turn).permutation(len(ordered))
        for at in order[place:]:
            if len(found) == count:
                break
            found.setdefault(ordered[at].id, ordered[at])  # where two rounds meet in an iteration
        turn, place = turn + 1, 0
    return list(found.values())


def jobs_of(
    prompts: Sequence[Prompt], config: CrpoConfig, backend: Backend, iteration: int
) -> list[tuple[Prompt, Settings]]:
    """What is asked of the policy for some prompts: each candidate has a seed of its own.

    The published script draws the same five noises for every prompt and every iteration.
    """
    return [
        (
            prompt,
            Settings(
                seed=fork(config.seed, "candidate", iteration, prompt.id, n),
                steps=config.sampling_steps or backend.default_steps,
                guidance=backend.default_guidance if config.guidance is None else config.guidance,
            ),
        )
        for prompt in prompts
        for n in range(config.candidates)
    ]


@dataclass(frozen=True)
class Pool:
    """The candidates of one iteration as files in one folder."""

    folder: Path
    prompts: Sequence[Prompt]
    config: CrpoConfig
    iteration: int

    @property
    def parts(self) -> list[Sequence[Prompt]]:
        """The prompts of each file."""
        size = self.config.part
        return [self.prompts[at : at + size] for at in range(0, len(self.prompts), size)]

    def path(self, part: int) -> Path:
        """Of a file."""
        return self.folder / f"part-{part:05d}.safetensors"

    @property
    def is_whole(self) -> bool:
        """Whether every file is there."""
        return all(self.path(part).exists() for part in range(len(self.parts)))

    def fill(
        self,
        policy: Backend,
        scorer: Scorer,
        *,
        crew: Crew = ALONE,
        on_made: OnMade | None = None,
        should_stop: ShouldStop | None = None,
    ) -> None:
        """Make the files that are not there; each process of a crew those of its numbers.

        Args:
            policy: the model of this iteration.
            scorer: what ranks.
            crew: processes that see the same folder.
            on_made: told after each file.
            should_stop: asked before each step of sampling.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        parts, each = self.parts, self.config.candidates
        for first in range(0, len(parts), crew.size):
            mine, is_stopped = first + crew.rank, False
            if mine < len(parts) and not self.path(mine).exists():
                try:
                    self.make(mine, parts[mine], policy, scorer, should_stop)
                except Cancelled:
                    is_stopped = True
            if crew.agreed(is_stopped):
                raise Cancelled
            if on_made is not None:
                done = sum(len(part) for part in parts[: first + crew.size])
                on_made(each * done, each * len(self.prompts))

    def make(
        self,
        number: int,
        prompts: Sequence[Prompt],
        policy: Backend,
        scorer: Scorer,
        should_stop: ShouldStop | None,
    ) -> None:
        """One file: sampled, decoded once to be heard by the scorer, kept as latents."""
        latents: list[Tensor] = []
        jobs = jobs_of(prompts, self.config, policy, self.iteration)
        made = list(run(policy, jobs, self.config.batch, None, should_stop, latents.append))
        texts = [one.prompt.text for one in made]
        scores = scorer.score([one.audio for one in made], policy.sample_rate, texts)
        rows = [
            Ranked(
                key=one.id,
                prompt=one.prompt.text,
                seconds=one.prompt.seconds,
                score=float(score),
                fault=fault_of(one.audio, policy.sample_rate),
            )
            for one, score in zip(made, scores, strict=True)
        ]
        about = {
            "rows": json.dumps([asdict(row) for row in rows]),
            "seeds": json.dumps([settings.seed for _, settings in jobs]),
            "by": json.dumps([policy.revision, policy.adapter, scorer.revision]),
        }
        tensors = {"latents": torch.cat(latents).half().cpu()}
        part = self.path(number).with_suffix(".part")
        save_file(tensors, part, metadata=about)
        part.replace(self.path(number))

    def groups(self) -> list[list[Ranked]]:
        """The candidates of each prompt, as they were scored."""
        found = []
        for number in range(len(self.parts)):
            with self._open(number) as held:
                rows = [Ranked(**row) for row in json.loads(held.metadata()["rows"])]
            each = self.config.candidates
            found += [rows[at : at + each] for at in range(0, len(rows), each)]
        return found

    def latents(self, keys: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
        """Latents [T, C] of these candidates, by key, in the order in which they were made."""
        wanted = set(keys)
        for number in range(len(self.parts)):
            with self._open(number) as held:
                rows = json.loads(held.metadata()["rows"])
                places = [(n, row["key"]) for n, row in enumerate(rows) if row["key"] in wanted]
                kept = held.get_tensor("latents") if places else None
            for n, key in places:
                yield key, kept[n]

    def _open(self, number: int) -> Any:
        path = self.path(number)
        try:
            return safe_open(path, framework="pt")
        except (OSError, SafetensorError) as error:
            raise StudioError(
                f"{path.name} holds no candidates that can be read; remove it to make them again."
            ) from error
