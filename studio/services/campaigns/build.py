"""The sounds of a campaign: made by its models behind what people wait for, then made fair."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.errors import Cancelled, StudioError
from pipelines.seeds import fork, numpy_generator
from studio.jobs import Desk, Phase, Work
from studio.services.campaigns.systems import MADE
from studio.services.engines import Engines
from studio.services.generate.batches import CAMPAIGN, Part, system_batches
from studio.services.generate.making import SOUNDS, Maker
from studio.store.campaigns import BUILDING, DEGRADED, FAILED, OPEN, CampaignClip
from studio.store.clips import Clip
from studio.store.jobs import Job
from studio.store.store import Store

LEAST_GOLD = 10  # twins at least, so that a voter of 100 battles does not meet one twice
Place = tuple[int, str, int]  # prompt, system, take


@dataclass(frozen=True)
class CampaignBuild:
    """Does the job of a campaign: its id is the campaign's, its request the plan below."""

    store: Store
    engines: Engines
    maker: Maker

    @property
    def work(self) -> Work:
        """The phases, for the worker: the bulk comes third and goes behind others' sounds."""
        phases = (self.check, self.make_first, self.make_rest, self.level)
        return Work(kind=CAMPAIGN, phases=tuple(self._failing_aloud(phase) for phase in phases))

    def check(self, job: Job, desk: Desk) -> bool:
        """Phase one: every model loaded and asked whether it can."""
        for system in made_systems(job.request):
            backend = self._load(job, system, desk)
            self.maker.check(backend, sum(system_batches(job.request, system, backend), []))
            texts = tuple(prompt["text"] for prompt in job.request["prompts"])
            if sentence := self.maker.unknown_words(texts, backend):
                desk.notice(sentence)
        return True

    def make_first(self, job: Job, desk: Desk) -> bool:
        """Phase two: one sound of each system, so that what goes wrong does so at once."""
        for system in made_systems(job.request):
            backend = self._load(job, system, desk)
            self._make(job, backend, system_batches(job.request, system, backend)[0], desk)
        return True

    def make_rest(self, job: Job, desk: Desk) -> bool:
        """Phase three: all other batches, one system after another, as few models fit in memory."""
        for system in made_systems(job.request):
            backend = self._load(job, system, desk)
            for batch in system_batches(job.request, system, backend)[1:]:
                if desk.should_give_way():
                    return False
                self._make(job, backend, batch, desk)
        return True

    def level(self, job: Job, desk: Desk) -> bool:
        """Phase four: the sounds of each prompt alike in all but what they are; then votes may come."""
        campaign, total = job.request["campaign"], len(job.request["prompts"])
        wanted, there = places_of(job.request), self._there(campaign)
        made = self.store.jobs.positions(job.id)
        for prompt in range(total):
            if desk.should_stop():
                raise Cancelled()
            if desk.should_give_way():
                return False
            desk.tell(
                SOUNDS + (1 - SOUNDS) * prompt / total,
                f"making the sounds of prompt {prompt + 1} of {total} equally loud",
            )
            if not set(wanted[prompt]) <= there:
                self._level(job, wanted[prompt], made)
        self._tell_unmatched(campaign, desk)
        if self.store.campaigns.get(campaign).status == BUILDING:
            self.store.campaigns.say(campaign, OPEN)
        return True

    def _failing_aloud(self, phase: Phase) -> Callable[[Job, Desk], bool]:
        """The phase; what it cannot do is also said of the campaign."""

        def run(job: Job, desk: Desk) -> bool:
            try:
                return phase(job, desk)
            except Cancelled:
                raise
            except StudioError as error:
                campaign = job.request["campaign"]
                if self.store.campaigns.get(campaign).status == BUILDING:
                    self.store.campaigns.say(campaign, FAILED, str(error))
                raise

        return run

    def _load(self, job: Job, system: int, desk: Desk) -> Any:
        """The model of a system."""
        made = job.request["systems"][system]
        if self.engines.loaded_backend(made["model"]) is None:
            desk.tell(desk.progress, f"loading {made['title']}")
        if desk.should_stop():
            raise Cancelled()
        return self.engines.backend(made["model"])

    def _make(self, job: Job, backend: Any, batch: list[Part], desk: Desk) -> None:
        """One batch, unless it is there, or what memory has of it."""
        there, total = self.store.jobs.positions(job.id), count_made(job.request)
        if all(place in there for place, *_ in batch):  # made before a restart
            return
        if known := self.maker.known(backend, batch):
            for place, candidate in known.items():
                self.store.jobs.add_candidate(job.id, place, candidate)
            return
        made = self.maker.make(backend, batch, desk, done=len(there), total=total)
        for place, candidate in made:
            self.maker.keep(job.id, place, candidate)

    def _level(self, job: Job, places: list[Place], made: dict[int, str]) -> None:
        """All sounds of one prompt, spoiled twins among them, made fair and kept."""
        from pipelines.vote.degraded import degraded
        from pipelines.vote.fairness import made_fair

        plan, sounds, sources = job.request, [], []
        for prompt, system, take in places:
            clean = system.removesuffix(DEGRADED)
            source, candidate, sound = self._source(plan, (prompt, clean, take), made)
            if system.endswith(DEGRADED):
                seed = fork(plan["seed"], "degraded", prompt, system, take)
                sound = (degraded(*sound, seed), sound[1])
            sounds.append(sound)
            sources.append((source, candidate))
        fair, rate = made_fair(sounds)
        for place, (source, candidate), clip in zip(places, sources, fair, strict=True):
            self._keep(plan["campaign"], place, source, candidate, clip, rate)

    def _source(
        self, plan: dict[str, Any], place: Place, made: dict[int, str]
    ) -> tuple[Clip | str, str | None, tuple[np.ndarray, int]]:
        """The sound as it was made: its clip, the candidate that it is, and the sound itself."""
        prompt, system, take = place
        names = [one["name"] for one in plan["systems"]]
        number = (prompt * len(names) + names.index(system)) * plan["takes"] + take
        told = plan["sources"].get(str(number), {})
        if "sha256" in told:
            return Clip(**told), None, self.store.clips.read(told["sha256"])
        [found] = self.store.candidates.find([told.get("candidate") or made[number]])
        return found.clip, found.id, self.store.clips.read(found.clip)

    def _keep(
        self,
        campaign: str,
        place: Place,
        source: Clip | str,
        candidate: str | None,
        clip: Any,
        rate: int,
    ) -> None:
        prompt, system, take = place
        kept = self.store.clips.put(clip.audio, rate)
        is_told = isinstance(source, Clip)
        self.store.campaigns.add_clip(
            CampaignClip(
                campaign=campaign,
                prompt=prompt,
                system=system,
                take=take,
                clip=kept.sha256,
                source=source.sha256 if is_told else source,
                candidate=candidate,
                measures=clip.measures,
            ),
            [kept, source] if is_told else [kept],
        )

    def _there(self, campaign: str) -> set[Place]:
        """The fair clips that are there."""
        return {(one.prompt, one.system, one.take) for one in self.store.campaigns.clips(campaign)}

    def _tell_unmatched(self, campaign: str, desk: Desk) -> None:
        """A sentence about what could not be made as loud as the rest."""
        clips = self.store.campaigns.clips(campaign)
        odd = [one for one in clips if one.measures.get("unmatched")]
        if odd:
            desk.notice(
                f"{len(odd)} of {len(clips)} sounds could not be made as loud as the others; the "
                f"first is of prompt {odd[0].prompt + 1}: {odd[0].measures['unmatched']}"
            )


def plan_of(campaign: str, definition: dict[str, Any], sources: dict[str, Any]) -> dict[str, Any]:
    """What the job of a campaign is told: all that decides its sounds, and no more.

    Args:
        campaign: its id.
        definition: its definition.
        sources: by their place as text, the clips of sounds from folders, or the `candidate` that is
            there already.
    """
    told = ("prompts", "systems", "takes", "seed", "gold", "same_system")
    return {"campaign": campaign, **{name: definition[name] for name in told}, "sources": sources}


def made_systems(plan: dict[str, Any]) -> list[int]:
    """The places of the systems whose sounds are made here."""
    return [place for place, one in enumerate(plan["systems"]) if one["kind"] == MADE]


def count_made(plan: dict[str, Any]) -> int:
    """How many sounds are made here."""
    return len(made_systems(plan)) * len(plan["prompts"]) * plan["takes"]


def places_of(plan: dict[str, Any]) -> list[list[Place]]:
    """Every sound that the campaign needs, by prompt: the systems' takes, and the spoiled twins."""
    names, takes = [one["name"] for one in plan["systems"]], range(plan["takes"])
    spoiled = gold_places(plan)
    found = []
    for prompt in range(len(plan["prompts"])):
        clean = [(prompt, name, take) for name in names for take in takes]
        twins = [(prompt, name + DEGRADED, take) for _, name, take in clean]
        found.append([*clean, *(twin for twin in twins if twin in spoiled)])
    return found


def gold_places(plan: dict[str, Any]) -> set[Place]:
    """Which sounds get a spoiled twin: as many as the rate asks for of all battles that there are.

    They are spread over prompts and systems by a seeded deal.
    """
    if not plan["gold"]:
        return set()
    systems, prompts, takes = len(plan["systems"]), len(plan["prompts"]), plan["takes"]
    battles = prompts * takes * systems * (systems - 1) / 2
    others = 1 - plan["gold"] - plan["same_system"]
    count = max(LEAST_GOLD, int(np.ceil(battles * plan["gold"] / others)))
    all_places = [
        (prompt, system["name"] + DEGRADED, take)
        for take in range(takes)
        for system in plan["systems"]
        for prompt in range(prompts)
    ]
    draws = numpy_generator(plan["seed"], "gold twins")
    chosen = draws.permutation(len(all_places))[:count]
    return {all_places[place] for place in chosen}
