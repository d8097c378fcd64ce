"""The trainings of the study: every way with each seed once; BATON and the control beside them."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pipelines.finetune.training import ADAPTER
from pipelines.recipes.baton.material import Gathered
from pipelines.recipes.baton.study import OURS, Arm
from pipelines.recipes.baton.text import scorer_of
from pipelines.recipes.baton.trials import Trials
from pipelines.recipes.baton.workshop import Workshop
from pipelines.recipes.crpo.candidates import drawn_prompts
from pipelines.recipes.crpo.config import CrpoConfig
from pipelines.recipes.crpo.embedded import bank_of
from pipelines.recipes.crpo.iteration import CANDIDATES, DONE, place_of
from pipelines.recipes.crpo.loop import improve
from pipelines.recipes.crpo.sources import GivenSet, pairs_of_labels
from pipelines.recipes.crpo.study.design import HEADLINE, PERTURBED, After, CrpoStudy, Way
from pipelines.recipes.crpo.study.perturbing import perturbed_set
from pipelines.records import Prompt, digest
from pipelines.reward.saved import Ground
from pipelines.reward.scorers import ClapScorer, Scorer

MOST_PAIRS = 2  # of one prompt among BATON's labels: as the ranked ones come, a few of each


@dataclass(frozen=True)
class Trainings:
    """All runs under a root; what was done is found and not done again.

    Args:
        root: of the runs.
        study: what to do.
        shop: models.
        gathered: BATON's labels, by which the reward was trained.
        rivals: BATON's trainings and the control's.
    """

    root: Path
    study: CrpoStudy
    shop: Workshop
    gathered: Gathered
    rivals: Trials

    def folder(self, way: Way, seed: int) -> Path:
        """Of one run: named by all that decides it but how many iterations it has."""
        told = [
            way.config(self.study, seed).identity,
            self.study.iterations,
            self.shop.base.revision,
        ]
        told.append(self.gathered.folder.name)
        return self.root / "runs" / f"{way.name}-{seed}-{digest(told)[:8]}"

    def adapter(self, arm: After | Arm, seed: int) -> Path | None:
        """The folder of the finished adapter, or None."""
        if isinstance(arm, Arm):
            return self.rivals.adapter(arm, seed)
        place = place_of(self.folder(arm.way, seed), arm.iteration)
        return place / ADAPTER if (place / DONE).exists() else None

    @cached_property
    def scorer(self) -> Scorer:
        """The reward model that learned the labels: it ranks all candidates."""
        shop, kind = self.shop, OURS
        head = self.gathered.head(kind)
        ground = Ground(
            audio=f"clap {self.gathered.clap.revision}",
            text=self.gathered.text_encoder(kind).name,
            task="integrity and temporal",
            simulated=True,
        )
        return scorer_of(head, ground, shop.reward_clap, lambda: shop.trainer)

    def bank(self, config: CrpoConfig) -> list[Prompt]:
        """Captions where the base fails, of the train split; none twice in a run."""
        return bank_of(config.prompts * self.study.iterations, seed=config.seed)

    def iterate(self, way: Way, seed: int, iteration: int) -> None:
        """Do a run up to an iteration."""
        config = replace(way.config(self.study, seed), iterations=iteration)
        root = self.folder(way, seed)
        if way is not HEADLINE and config.ranks:
            self.lend(way, seed)
        improve(
            self.shop.trainer,
            self.bank(config),
            self.scorer,
            config,
            root,
            sampler=self.shop.base,
            given=self.static(way, config),
        )

    def lend(self, way: Way, seed: int) -> None:
        """Give a run the base's candidates that the headline's first iteration has: they are the same."""
        one, other = (each.config(self.study, seed) for each in (HEADLINE, way))
        alike = ("prompts", "candidates", "sampling_steps", "guidance", "part", "batch", "seed")
        if any(getattr(one, name) != getattr(other, name) for name in alike):
            return
        theirs, ours = (
            place_of(self.folder(each, seed), 1) / CANDIDATES for each in (HEADLINE, way)
        )
        for path in sorted(theirs.glob("part-*.safetensors")):
            ours.mkdir(parents=True, exist_ok=True)
            if not (ours / path.name).exists():
                part = ours / f"{path.stem}.part"
                shutil.copyfile(path, part)
                part.replace(ours / path.name)

    def static(self, way: Way, config: CrpoConfig) -> GivenSet | None:
        """The pairs that a way learns from alone, if it does."""
        if way.static is None:
            return None
        if way.static == PERTURBED:
            prompts = drawn_prompts(self.bank(config), config.prompts, 1, seed=config.seed)
            return perturbed_set(self.shop, prompts, config, ClapScorer(self.shop.reward_clap))
        return self.labelled()

    def labelled(self) -> GivenSet:
        """BATON's labels as pairs (A.13)."""
        examples = self.gathered.examples
        seconds = {one.caption: one.seconds for one in self.gathered.candidates}
        return GivenSet(pairs_of_labels(examples, seconds, most=MOST_PAIRS), self.gathered.sound)


def losses_of(trainings: Trainings, arms: Sequence[After], seed: int) -> dict[str, dict]:
    """What each iteration's training came to, by arm: the last tenth of its steps."""
    found = {}
    for arm in arms:
        path = place_of(trainings.folder(arm.way, seed), arm.iteration) / DONE
        if path.exists():
            told = json.loads(path.read_text())
            found[arm.name] = {**told["last"], "pairs": told["summary"]["rows"]}
    return found
