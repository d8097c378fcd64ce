"""Which candidates are made together: a plan that follows from the request alone.

The last bits of a sound depend on what shares its batch (the order of sums in a matrix product
does), so a run that was cut short, and one that is made again, go by the plan of the first time.
"""

from dataclasses import replace
from typing import Any

from pipelines.records import SHORTCUTS, Prompt, Settings
from pipelines.seeds import SEED_LIMIT
from studio.services.campaigns.systems import side_of
from studio.services.compare.request import SIDES, Side, Wish, wish_from_plain
from studio.services.requests import Request, from_plain
from studio.store.jobs import Job

GENERATE, COMPARE, CAMPAIGN = "generate", "compare", "campaign"  # jobs that make candidates
BATCH = 8  # candidates sampled together; more wins little on two cores
Part = tuple[int, Prompt, Settings]  # a candidate to make, and its place in the job


def plan_around(job: Job, place: int, backend: Any) -> list[Part]:
    """The batch of a job in which the candidate at this place was made."""
    if job.kind == COMPARE:
        plan = side_batches(wish_from_plain(job.request), SIDES[place % 2], backend)
    elif job.kind == CAMPAIGN:
        system = place // job.request["takes"] % len(job.request["systems"])
        plan = system_batches(job.request, system, backend)
    else:
        plan = in_batches(from_plain(job.request), backend)
    return next(batch for batch in plan if any(place == at for at, _, _ in batch))


def in_batches(request: Request, backend: Any) -> list[list[Part]]:
    """Every candidate of a run with its place, prompt by prompt."""
    first = settings_of(backend, request, request.seed)
    prompts = [Prompt(text=text, seconds=request.seconds) for text in request.prompts]
    parts = [
        (place * request.count + i, prompt, replace(first, seed=(request.seed + i) % SEED_LIMIT))
        for place, prompt in enumerate(prompts)
        for i in range(request.count)
    ]
    return cut(parts)


def side_batches(wish: Wish, side: str, backend: Any) -> list[list[Part]]:
    """Every candidate of one side of a comparison; those of pair p have the places 2p and 2p + 1.

    The pairs have seeds of their own, one after another, so that they are independent items; both
    sides of a pair have the same.
    """
    parts = [
        (
            2 * pair + SIDES.index(side),
            Prompt(text=text, seconds=wish.seconds),
            settings_of(backend, wish.side(side), wish.seed_of(pair)),
        )
        for pair, text in enumerate(wish.prompts)
    ]
    return cut(parts)


def pair_batches(wish: Wish, backends: dict[str, Any]) -> list[dict[str, list[Part]]]:
    """The batches of a comparison by their side, those of the same pairs together."""
    plans = {side: side_batches(wish, side, backends[side]) for side in SIDES}
    return [dict(zip(SIDES, both, strict=True)) for both in zip(*plans.values(), strict=True)]


def system_batches(plan: dict[str, Any], system: int, backend: Any) -> list[list[Part]]:
    """Every candidate of one system of a campaign, prompt by prompt, take by take.

    A take of a prompt has the same seed for every system, so that where the noise has one shape it
    is the same noise.
    """
    systems, takes = len(plan["systems"]), plan["takes"]
    asked = side_of(plan["systems"][system])
    parts = [
        (
            (number * systems + system) * takes + take,
            Prompt(text=prompt["text"], seconds=prompt["seconds"]),
            settings_of(backend, asked, (plan["seed"] + number * takes + take) % SEED_LIMIT),
        )
        for number, prompt in enumerate(plan["prompts"])
        for take in range(takes)
    ]
    return cut(parts)


def cut(parts: list[Part]) -> list[list[Part]]:
    """The very first alone, so that there is soon something to hear; then batches of `BATCH`."""
    return [parts[:1]] + [parts[start : start + BATCH] for start in range(1, len(parts), BATCH)]


def settings_of(backend: Any, asked: Request | Side, seed: int) -> Settings:
    """What was asked for, with the model's own where nothing was."""
    return Settings(
        model=backend.name,
        seed=seed,
        steps=asked.steps or backend.default_steps,
        guidance=backend.default_guidance if asked.guidance is None else asked.guidance,
        sampler=asked.sampler or backend.samplers[0],
        dtype=backend.dtype,
        **{name: getattr(asked, name, off) for name, off in SHORTCUTS.items()},
    )
