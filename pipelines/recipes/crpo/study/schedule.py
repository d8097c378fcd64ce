"""The parts of CRPO's study in their order: what each will take, and whether it is done."""

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.recipes.baton.material import write_json
from pipelines.recipes.baton.measures import ANNOTATOR, TEST_JUDGE, Measures, Take
from pipelines.recipes.baton.schedule import Paces as SoundPaces
from pipelines.recipes.baton.schedule import Study as BatonStudy
from pipelines.recipes.baton.schedule import probed
from pipelines.recipes.baton.study import BASE, CODEC, REAL, REFERENCE, THREE, TWO, Arm
from pipelines.recipes.baton.study import HEADLINE as RIVALS
from pipelines.recipes.baton.workshop import Workshop
from pipelines.recipes.budget import Part, rounded
from pipelines.recipes.crpo.estimate import Paces, probe
from pipelines.recipes.crpo.study import paper, sampling
from pipelines.recipes.crpo.study.design import (
    HEADLINE,
    PERTURBED,
    After,
    CrpoStudy,
    Way,
    ablations,
    final_arm,
    headline_arms,
)
from pipelines.recipes.crpo.study.listening import sensitivity
from pipelines.recipes.crpo.study.tables import headline, ways
from pipelines.recipes.crpo.study.trainings import Trainings, losses_of
from pipelines.reward.scorers import ClapScorer

GUIDED = 1.8  # times what a sound without guidance costs
DRAWN = {  # cheapest first
    "A.8": sampling.durations,
    "6": sampling.guidances,
    "7": sampling.solvers,
    "5": sampling.best_of,
}
Plain = dict[str, Any]


class Shown:
    """A study under a root; all that was done before is found and not done again.

    Args:
        root: of all its files.
        study: what is compared.
        baton: root of a study of BATON whose candidates and labels are shared; None: its own.
        is_final: measure the headline on test prompts by the test judge, instead of dev and annotator.
        reason: why the test judge is opened; is logged.
        only: sampling, headline or ablations; None: everything.
    """

    def __init__(
        self,
        root: Path,
        study: CrpoStudy,
        *,
        baton: Path | None = None,
        is_final: bool = False,
        reason: str = "",
        only: str | None = None,
    ) -> None:
        self.root, self.study, self.reason, self.only = root, study, reason, only
        self.labelled = BatonStudy(baton or root, study.rivals)
        self.shop = Workshop(root, study.rivals)
        self.trainings = Trainings(
            root, study, self.shop, self.labelled.gathered, self.labelled.trials
        )
        self.measures = Measures(self.shop, self.trainings, TEST_JUDGE if is_final else ANNOTATOR)

    @cached_property
    def sounds(self) -> SoundPaces:
        """How quick this machine is now at sounds and at BATON's steps."""
        return probed(self.shop)

    @cached_property
    def paces(self) -> Paces:
        """How quick it is at CRPO's candidates and steps; ranked by CLAP alone, which costs less."""
        shop, run = self.shop, self.study.run
        scorer = ClapScorer(shop.reward_clap)
        return probe(shop.trainer, shop.base, scorer, run, self.trainings.bank(run))

    @property
    def results(self) -> Path:
        """Where tables lie."""
        return self.root / f"crpo-results-{self.measures.judge}"

    def parts(self) -> Iterator[Part]:
        """Everything in its order."""
        self.labelled.paces = self.sounds
        yield from self.labelled.material()
        yield self._table("reward", self._reward, 400 * self.sounds.sample)
        yield from self._drawn(None)
        if self.only == "sampling":
            return
        yield from self._headline()
        yield from self._drawn(final_arm(self.study))
        if self.only != "headline":
            yield from self._ablations()

    def _headline(self) -> Iterator[Part]:
        for seed in range(self.study.seeds):
            for arm in headline_arms(self.study):
                yield self._iteration(arm, seed)
            for rival in RIVALS:
                yield self._rival(rival, seed)
            for told in (BASE, *RIVALS, *headline_arms(self.study)):
                yield self._heard(told, seed, self.measures.split)
        clips = 2 * self.study.material.clips * self.study.seeds
        yield Part(
            "real sounds, and hearing by the " + self.measures.judge,
            clips * (3 * self.sounds.render + 8 * (self.sounds.embed + self.sounds.hear)),
            lambda: self._has("heard", self._made()),
            self._hear,
        )
        yield self._table("headline", lambda: headline(self.measures, self.study), 120.0)

    def _iteration(self, arm: After, seed: int) -> Part:
        """Candidates, pairs and training of one iteration."""
        config = arm.way.config(self.study, seed)
        makes = config.ranks and (config.online or arm.iteration == 1)
        count = config.prompts * config.candidates if makes else 0
        if arm.way.static == PERTURBED:
            count = 2 * config.prompts
        return Part(
            f"{arm.title}, seed {seed}",
            count * self.paces.candidate + config.plan.steps * self.paces.step + 10,
            lambda: self.trainings.adapter(arm, seed) is not None,
            lambda: self.trainings.iterate(arm.way, seed, arm.iteration),
        )

    def _rival(self, arm: Arm, seed: int) -> Part:
        return Part(
            f"{arm.title}, seed {seed}",
            self.study.rival().steps * self.sounds.step + 5,
            lambda: (
                self.labelled.gathered.is_ready
                and self.labelled.trials.adapter(arm, seed) is not None
            ),
            lambda: self.labelled.trials.train(arm, seed),
        )

    def _heard(self, arm: After | Arm | str, seed: int, split: str) -> Part:
        told = arm if isinstance(arm, str) else arm.name
        return Part(
            f"{told}, sounds {seed} on {split}",
            2 * self.study.material.clips * self.sounds.sample + 2,
            lambda: self.labelled.gathered.is_ready and self.measures.has_take(arm, seed, split),
            lambda: [self.measures.take(arm, name, seed, split=split) for name in (TWO, THREE)],
        )

    def _takes(self) -> list[Take]:
        """All that the headline is measured on."""
        arms = (BASE, *RIVALS, *headline_arms(self.study), REAL, CODEC)
        return [
            self.measures.take(arm, name, number)
            for arm in arms
            for number in range(self.study.seeds)
            for name in (TWO, THREE)
        ]

    def _hear(self) -> None:
        for number in range(self.study.seeds):
            for name in (TWO, THREE):
                self.measures.vectors(self.measures.take(REFERENCE, name, number))
        wanted = self._takes()
        if self.measures.judge == TEST_JUDGE:
            self.measures.open_judge(wanted, self.reason)
        for take in wanted:
            self.measures.verdicts(take)
            self.measures.vectors(take)
        write_json(self.results / "heard.json", {"made of": self._made(), "found": len(wanted)})

    def _made(self) -> list[str]:
        """What decides the sounds of the headline."""
        if not self.labelled.gathered.is_ready:
            return []
        runs = [self.trainings.folder(HEADLINE, n).name for n in range(self.study.seeds)]
        theirs = [
            self.labelled.trials.folder(arm, n).name
            for arm in RIVALS
            for n in range(self.study.seeds)
        ]
        told = {"clips": self.study.material.clips, **self.shop.sampling}
        return [*runs, *theirs, json.dumps(told, sort_keys=True)]

    def _drawn(self, arm: After | None) -> Iterator[Part]:
        """The tables that need no training, of the base or of the last iteration of the first seed."""
        drawn = 2 * self.study.drawn * self.sounds.sample
        counts = {
            "5": max(self.study.best_of),
            "6": len(self.study.guidances),
            "7": 2 * sum(self.study.evaluations) / self.shop.sampling["steps"],
            "A.8": len(self.study.durations) * self.study.timed / (2 * self.study.drawn),
        }
        for number, make in DRAWN.items():
            if arm is not None and number == "A.8":
                continue
            told = f"table {number}, {'base' if arm is None else arm.title}"
            name = told.replace(" ", "-").replace(",", "").lower()
            yield self._table(
                name,
                lambda make=make: self._draw(make, arm),
                counts[number] * drawn + 20,
                title=told,
            )

    def _draw(self, make: Callable[..., Plain], arm: After | None) -> Plain:
        adapter = None if arm is None else self.trainings.adapter(arm, 0)
        name = "base" if arm is None else arm.name
        sampler = sampling.Sampler(self.measures, self.study, adapter, name)
        if make is not sampling.best_of:
            return make(sampler)
        return make(sampler, self._scorers())

    def _scorers(self) -> Plain:
        return {"CLAP": ClapScorer(self.shop.reward_clap), "learned reward": self.trainings.scorer}

    def _reward(self) -> Plain:
        return sensitivity(self.measures, self._scorers(), 2)

    def _ablations(self) -> Iterator[Part]:
        first = headline_arms(self.study)
        for told in (BASE, *RIVALS, *first):
            yield self._heard(told, 0, "dev")
        for way in ablations(self.study):
            for arm in arms_of(way, self.study):
                yield self._iteration(arm, 0)
                yield self._heard(arm, 0, "dev")
        yield self._table("ways", self._ways, 200.0, closes=True)

    def _done(self) -> list[After]:
        """The arms of the first seed that were trained and heard on dev."""
        if not self.labelled.gathered.is_ready:
            return []
        every = [HEADLINE, *ablations(self.study)]
        arms = [arm for way in every for arm in arms_of(way, self.study)]
        return [arm for arm in arms if self.measures.has_take(arm, 0, "dev")]

    def _ways(self) -> Plain:
        done = self._done()
        told = ways(self.measures, done)
        return {
            **told,
            "losses": losses_of(self.trainings, done, 0),
            "trends": paper.trends(told, self.study),
        }

    def _table(
        self,
        name: str,
        make: Callable[[], Plain],
        seconds: float,
        *,
        title: str = "",
        closes: bool = False,
    ) -> Part:
        """A part that ends in a file of figures, made anew where it is made of other things."""
        return Part(
            title or f"table of the {name}",
            seconds,
            lambda: self._has(name, self._of(name)),
            lambda: write_json(
                self.results / f"{name}.json",
                {"made of": self._of(name), "found": rounded(make())},
            ),
            closes,
        )

    def _of(self, name: str) -> list[str]:
        """What a table is made of."""
        if name == "ways":
            return [arm.name for arm in self._done()]
        if name == "headline":
            return self._made()
        study = self.study
        told = {"drawn": study.drawn, "timed": study.timed, "best of": study.best_of,
                "guidances": study.guidances, "evaluations": study.evaluations,
                "durations": study.durations, **self.shop.sampling}  # fmt: skip
        runs = [self.trainings.folder(HEADLINE, 0).name] if "iteration" in name else []
        return [*runs, self.labelled.gathered.folder.name, json.dumps(told, sort_keys=True)]

    def _has(self, name: str, made_of: list[str]) -> bool:
        path = self.results / f"{name}.json"
        return path.exists() and json.loads(path.read_text())["made of"] == made_of

    def found(self) -> Plain:
        """Everything that was found so far, by table; none of other settings."""
        told: Plain = {}
        for path in sorted(self.results.glob("*.json")):
            kept = json.loads(path.read_text())
            if isinstance(kept, dict) and kept.get("made of") == self._of(path.stem):
                told[path.stem] = kept["found"]
        return told


def arms_of(way: Way, study: CrpoStudy) -> tuple[After, ...]:
    """A way after each of its iterations."""
    return tuple(After(way=way, iteration=n + 1) for n in range(way.last(study)))
